"""What can be wrong with the books as a whole."""

from __future__ import annotations

from config.errors import PrintmeshError


class BooksUnusable(PrintmeshError):
    """The database cannot be used: wrong address, another program's file, an old copy."""


class BooksUnwritable(PrintmeshError):
    """Database or second log fail at present: disk full, locked, gone. Nothing was changed."""
