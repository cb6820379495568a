"""The only room with HTTP: the read-only interface of the books."""
