"""What people call the sites, printers, people and accounts that figures are of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.figures.asking import By
from central.store.tables import account, directory_row, node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from central.store.books import Transaction

#: Names looked up at once.
_AT_ONCE: Final = 500
_ROWS: Final = {By.PRINTER: ("printer", "name"), By.USER: ("user", "display")}


def names_of(tx: Transaction, by: By, keys: Sequence[str]) -> dict[str, str]:
    """Return what people call some keys of a question, of those that have a name beside it."""
    found: dict[str, str] = {}
    for first in range(0, len(keys), _AT_ONCE):
        found |= _some(tx, by, keys[first : first + _AT_ONCE])
    return {key: name for key, name in found.items() if name}


def _some(tx: Transaction, by: By, keys: Sequence[str]) -> dict[str, str]:
    if by == By.SITE:
        return _pairs(tx.sql.execute(select(node.c.id, node.c.site).where(node.c.id.in_(keys))))
    if by in {By.ACCOUNT, By.PROJECT}:
        labels = select(account.c.key, account.c.label).where(account.c.key.in_(keys))
        return _pairs(tx.sql.execute(labels))
    if by in _ROWS:
        kind, name = _ROWS[by]
        rows = select(directory_row.c.key, directory_row.c.row).where(
            directory_row.c.kind == kind,
            directory_row.c.key.in_(keys),
            directory_row.c.row.is_not(None),
        )
        return {key: json.loads(row).get(name, "") for key, row in tx.sql.execute(rows)}
    return {}


def _pairs(rows: Iterable[Sequence[str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}
