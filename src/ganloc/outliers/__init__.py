"""Which images may not belong to their folder."""
