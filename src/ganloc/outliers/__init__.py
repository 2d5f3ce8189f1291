"""Outlier scores: which images may not belong to their folder."""
