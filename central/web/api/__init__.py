"""The interface: what programs read of the books and do to them, one line of a table each."""
