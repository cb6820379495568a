"""Who does an act, and from where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class By:
    """Whoever does it, as entries and the audit keep it."""

    author: str
    """`cli:root`, `web:ana`, `api:till-1`; or `coordinator`."""
    from_: str = ""
    """The address it came from; empty: this machine, or not known."""


def signed(tx: Transaction, by: By) -> Transaction:
    """Return the transaction as one whose acts, however deep below, say where they come from."""
    return replace(tx, from_=by.from_)
