"""Sessions of people at the pages: ended everywhere at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.acts.by import signed
from central.store import audit, web_sessions

if TYPE_CHECKING:
    from central.acts.by import By
    from central.store.books import Transaction


def end_all(tx: Transaction, by: By, user: str) -> int:
    """Sign somebody off everywhere; return how many sessions they had."""
    ended = web_sessions.end_all(tx, user)
    mine = signed(tx, by)
    audit.note(mine, author=by.author, act="sessions end", target=f"person:{user}")
    return ended
