"""Checks what the tables of a journal say of one another: balances, holds, jobs that hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from edge.store.disk import DirectoryDisk
from edge.store.recovery import recover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.store.fold import Fold


def held_wrongly(path: Path) -> list[str]:
    """Re-fold a journal, reading only; return what does not agree, one sentence each."""
    disk = DirectoryDisk(path)
    try:
        recovered = recover(disk)
        return [] if recovered is None else list(_disagreements(recovered.fold))
    finally:
        disk.close()


def _disagreements(fold: Fold) -> Iterator[str]:
    held: Counter[str] = Counter()
    for row in _rows(fold, "jobs"):
        for amount in (row.get("hold") or {}).get("amounts", ()):
            held[f"{amount['account']} {amount['unit']}"] += amount["micros"]
    for row in _rows(fold, "accounts"):
        if not 0 <= row["held"] <= row["balance"]:
            yield f"{row['key']} has {row['balance']} micros with {row['held']} held"
        if row["held"] != held.pop(row["key"], 0):
            yield f"{row['key']} has {row['held']} micros held; its jobs say otherwise"
    for key, micros in held.items():
        if micros:
            yield f"jobs hold {micros} micros of {key}, which has no account here"


def _rows(fold: Fold, table: str) -> Iterator[dict[str, Any]]:
    rows = fold.tables.get(table)
    for doc_id in rows or ():
        row = rows.get(doc_id) if rows is not None else None
        if row is not None:
            yield orjson.loads(row)
