"""Outlier scores: images that may not belong to their folder."""
