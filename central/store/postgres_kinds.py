"""Texts and sums as PostgreSQL takes and gives them, made to be what SQLite's are.

The only room that knows the driver. It is imported once such a server is used: the package is an
extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.adapt import Dumper, Loader

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.abc import Buffer

#: PostgreSQL keeps every character but NUL. What an edge said is kept to the letter, or its hash
#: would not hold: so NUL stands there as two characters, of which the first is never assigned.
_NUL: Final = "\x00"
_MARK: Final = "\U0010ffff"


def prepare(raw: Connection[object]) -> None:
    """Have a connection take and give values as SQLite does."""
    raw.adapters.register_dumper(str, _ToText)
    for name in ("text", "varchar"):
        raw.adapters.register_loader(name, _FromText)
    raw.adapters.register_loader("numeric", _FromSum)


def escaped(text: str) -> str:
    """Return a text as it is kept."""
    if _NUL in text or _MARK in text:
        return text.replace(_MARK, f"{_MARK}1").replace(_NUL, f"{_MARK}0")
    return text


def plain(kept: str) -> str:
    """Return the text that was kept."""
    if _MARK in kept:
        return kept.replace(f"{_MARK}0", _NUL).replace(f"{_MARK}1", _MARK)
    return kept


class _ToText(Dumper):
    """Sends a text; of what kind it is to be, the server finds out."""

    def dump(self, obj: str) -> bytes:
        """Return what is sent."""
        return escaped(obj).encode()


class _FromText(Loader):
    """Reads a text."""

    def load(self, data: Buffer) -> str:
        """Return it."""
        return plain(str(data, "utf-8"))


class _FromSum(Loader):
    """Reads `numeric`, which no column is: sums of integers are, and they are integers here."""

    def load(self, data: Buffer) -> int | float:
        """Return an integer, or a mean as a float."""
        text = str(data, "ascii")
        try:
            return int(text)
        except ValueError:
            return float(text)
