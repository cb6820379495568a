"""The directory: the register of people, cards, accounts, tariffs and printers, with versions.

A version `n` is assigned inside the only writing transaction, so numbers ascend as commits do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import bindparam, delete, func, insert, select

from broker.directory import directory_digest
from broker.messages import DirectoryRow
from central.store import belonging, card_holders, person
from central.store.bulk import insert_all, run_all
from central.store.tables import directory_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic import BaseModel
    from sqlalchemy import Row as SqlRow

    from central.store.books import Transaction

#: Sites that are each looked for among all printers.
_FEW_SITES: Final = 8
#: Keys that one statement names.
_AT_ONCE: Final = 500

Kind: TypeAlias = Literal["user", "card", "account", "tariff", "printer", "setting"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in the directory after a version."""

    rows: tuple[DirectoryRow, ...]
    """In order of n; the newest version of each key only."""
    upto: int
    """The version these lead to."""


def put(tx: Transaction, kind: Kind, key: str, row: BaseModel) -> int:
    """Enter or replace a row; return its version. An unchanged row keeps the version it has."""
    text = row.model_dump_json()
    before = _found(tx, kind, key)
    if before is not None and before.row == text:
        return int(before.n)
    n = _write(tx, kind, key, text)
    _tell(tx, kind, {key: row})
    return n


def put_all(tx: Transaction, kind: Kind, rows: Mapping[str, BaseModel | None]) -> None:
    """Enter or replace many rows that are known to differ from what was there; None: tombstones."""
    first = version(tx) + 1
    gone = [{"kind_": kind, "key_": key} for key in rows]
    run_all(tx, _GONE, gone)
    fresh = [
        {"kind": kind, "key": key, "n": n, "row": None if row is None else row.model_dump_json()}
        for n, (key, row) in enumerate(rows.items(), first)
    ]
    insert_all(tx, directory_row, fresh)
    _tell(tx, kind, rows)


def remove(tx: Transaction, kind: Kind, key: str) -> bool:
    """Leave a tombstone; return False when there was no such row."""
    before = _found(tx, kind, key)
    if before is None or before.row is None:
        return False
    _write(tx, kind, key, None)
    _tell(tx, kind, {key: None})
    return True


def get(tx: Transaction, kind: Kind, key: str) -> dict[str, Any] | None:
    """Return a live row as JSON, or None."""
    found = _found(tx, kind, key)
    return None if found is None or found.row is None else json.loads(found.row)


def live(
    tx: Transaction, kind: Kind, *, after: str = "", limit: int | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """Return live rows of a kind by key: (key, JSON)."""
    rows = tx.sql.execute(
        select(directory_row.c.key, directory_row.c.row)
        .where(
            directory_row.c.kind == kind,
            directory_row.c.row.is_not(None),
            directory_row.c.key > after,
        )
        .order_by(directory_row.c.key)
        .limit(limit)
    )
    return [(key, json.loads(row)) for key, row in rows]


def some(tx: Transaction, kind: Kind, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return live rows by key; what is not there is left out."""
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(keys), _AT_ONCE):
        query = select(directory_row.c.key, directory_row.c.row).where(
            directory_row.c.kind == kind,
            directory_row.c.key.in_(keys[at : at + _AT_ONCE]),
            directory_row.c.row.is_not(None),
        )
        found.update((key, json.loads(row)) for key, row in tx.sql.execute(query))
    return found


def naming(tx: Transaction, kind: Kind, what: str) -> list[tuple[str, dict[str, Any]]]:
    """Return live rows that name something anywhere, by key: reads all, parses few."""
    quoted = json.dumps(what, ensure_ascii=False)
    rows = tx.sql.execute(
        select(directory_row.c.key, directory_row.c.row)
        .where(directory_row.c.kind == kind, directory_row.c.row.contains(quoted, autoescape=True))
        .order_by(directory_row.c.key)
    )
    return [(key, json.loads(row)) for key, row in rows]


def printers_at(tx: Transaction, nodes: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the printers of some sites by device id; of few sites only these are parsed."""
    if len(nodes) > _FEW_SITES:
        found = live(tx, "printer")
    else:
        found = [each for node in sorted(nodes) for each in naming(tx, "printer", node)]
    return {key: row for key, row in found if row["node"] in nodes}


def beginning(
    tx: Transaction, kind: Kind, start: str, *, limit: int = 50
) -> list[tuple[str, dict[str, Any]]]:
    """Return live rows whose key is hexadecimal and begins so, by key."""
    rows = tx.sql.execute(
        select(directory_row.c.key, directory_row.c.row)
        .where(
            directory_row.c.kind == kind,
            directory_row.c.row.is_not(None),
            directory_row.c.key >= start,
            directory_row.c.key < start + "g",
        )
        .order_by(directory_row.c.key)
        .limit(limit)
    )
    return [(key, json.loads(row)) for key, row in rows]


def version(tx: Transaction) -> int:
    """Return the newest version."""
    return tx.sql.execute(_NEWEST).scalar() or 0


_NEWEST: Final = select(func.max(directory_row.c.n))


def changes(tx: Transaction, since: int) -> Changes:
    """Return what changed after a version, tombstones included."""
    rows = tx.sql.execute(
        select(directory_row).where(directory_row.c.n > since).order_by(directory_row.c.n)
    )
    found = tuple(_wire(row) for row in rows)
    return Changes(found, found[-1].n if found else since)


def snapshot(tx: Transaction) -> Changes:
    """Return every live row, and the version that they are."""
    rows = tx.sql.execute(
        select(directory_row).where(directory_row.c.row.is_not(None)).order_by(directory_row.c.n)
    )
    return Changes(tuple(_wire(row) for row in rows), version(tx))


def digest(tx: Transaction) -> tuple[int, str]:
    """Return the newest version and the digest over its live rows."""
    rows = tx.sql.execute(
        select(directory_row.c.kind, directory_row.c.key, directory_row.c.n).where(
            directory_row.c.row.is_not(None)
        )
    )
    return version(tx), directory_digest((kind, key, n) for kind, key, n in rows)


_GONE = delete(directory_row).where(
    directory_row.c.kind == bindparam("kind_"), directory_row.c.key == bindparam("key_")
)


def _found(tx: Transaction, kind: Kind, key: str) -> SqlRow[Any] | None:
    return tx.sql.execute(_ROW, {"kind": kind, "key": key}).one_or_none()


# made once: each page asks for some
_ROW: Final = select(directory_row).where(
    directory_row.c.kind == bindparam("kind"), directory_row.c.key == bindparam("key")
)


def _write(tx: Transaction, kind: Kind, key: str, text: str | None) -> int:
    n = version(tx) + 1
    tx.sql.execute(
        delete(directory_row).where(directory_row.c.kind == kind, directory_row.c.key == key)
    )
    tx.sql.execute(insert(directory_row).values(kind=kind, key=key, n=n, row=text))
    return n


def _tell(tx: Transaction, kind: Kind, rows: Mapping[str, BaseModel | None]) -> None:
    """Keep in step what the centre knows of people and cards beside the rows."""
    if kind == "user":
        moved = person.told(tx, rows)
        belonging.groups_are(tx, {key: getattr(rows[key], "groups", ()) for key in moved})
    elif kind == "card":
        card_holders.told(tx, rows)


def _wire(row: SqlRow[Any]) -> DirectoryRow:
    return DirectoryRow(
        kind=row.kind, key=row.key, n=row.n, row=None if row.row is None else json.loads(row.row)
    )
