"""HTTP at the centre: the read-only API."""
