"""Schema versions of the books, oldest first; a published one is never edited."""
