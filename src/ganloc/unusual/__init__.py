"""Which pictures may not belong to their folder."""
