"""The only room with TinyDB: the journal and the tables folded from it."""
