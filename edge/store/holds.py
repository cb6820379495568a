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
        return [] if recovered is None else list(disagreements(recovered.fold))
    finally:
        disk.close()


def disagreements(fold: Fold) -> Iterator[str]:
    """Yield what the tables of a folded journal say against one another."""
    held: Counter[str] = Counter()
    for row in _rows(fold, "jobs"):
        for amount in (row.get("hold") or {}).get("amounts", ()):
            if amount.get("covered_by", "allocation") != "allocation":
                continue  # no money of the site is behind it
            held[f"{amount['account']} {amount['unit']}"] += amount["micros"]
    for row in _rows(fold, "accounts"):
        for_jobs = row.get("aside", 0)
        if min(row["held"], for_jobs) < 0 or row["held"] + for_jobs > row["balance"]:
            also = f" and {for_jobs} set aside" if for_jobs else ""
            yield f"{row['key']} has {row['balance']} micros with {row['held']} held{also}"
        if row["held"] != held.pop(row["key"], 0):
            yield f"{row['key']} has {row['held']} micros held; its jobs say otherwise"
    for key, micros in held.items():
        if micros:
            yield f"jobs hold {micros} micros of {key}, which has no account here"
    yield from _aside_wrongly(fold)
    yield from _owed_wrongly(fold)


def _aside_wrongly(fold: Fold) -> Iterator[str]:
    """Compare what accounts have set aside with what there is for jobs."""
    aside: Counter[str] = Counter()
    for row in _rows(fold, "aside"):
        aside[f"{row['account']} {row['unit']}"] += row["micros"]
    for row in _rows(fold, "accounts"):
        aside[row["key"]] -= row.get("aside", 0)
    for key, micros in aside.items():
        if micros:
            yield f"jobs have {micros} micros of {key} more set aside than the account says"


def _owed_wrongly(fold: Fold) -> Iterator[str]:
    """Compare what the site owes with what its accounts do."""
    owed: Counter[str] = Counter()
    for row in _rows(fold, "owed"):
        owed[row["unit"]] += row["micros"] * (-1 if row["account"] == "*" else 1)
    for unit, micros in owed.items():
        if micros:
            yield f"the accounts owe {micros} micros of {unit} more than the site does"


def _rows(fold: Fold, table: str) -> Iterator[dict[str, Any]]:
    rows = fold.tables.get(table)
    for doc_id in rows or ():
        row = rows.get(doc_id) if rows is not None else None
        if row is not None:
            yield orjson.loads(row)
