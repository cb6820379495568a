"""Judges the copies of a run: what copiers made against what was billed, by SQL and totalisers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.audit import Rows

#: Pages that a copier makes between a terminal's last record and its kill: the stop margin.
MARGIN = 4


@dataclass(slots=True)
class Copies:
    """What one copier made, and what became of it."""

    made: int = 0
    """By its totaliser."""
    billed: int = 0
    above: int = 0
    """Recorded and not charged: above what was set aside."""
    lost: int = 0
    """Made, and in no bill."""
    doubled: int = 0
    """Billed, and never made; and bills beyond the first."""
    over_micros: int = 0
    """Charged beyond what was set aside."""
    begun: int = 0
    problems: tuple[str, ...] = ()


def weigh_copies(books: Rows, device: str, *, made: int, torn: int) -> Copies:
    """Compare a copier with the books.

    Args:
        books: by their own file.
        device: the copier.
        made: pages, by its totaliser.
        torn: how often its terminal was killed.
    """
    charges = books.all("SELECT job, impressions, paid, printed_above FROM charge "
                        "WHERE printer = ? AND service = 'copy'", device)  # fmt: skip
    found = Copies(
        made=made,
        billed=sum(row["impressions"] or 0 for row in charges),
        above=sum(row["printed_above"] or 0 for row in charges),
    )
    problems = []
    told = found.billed + found.above
    found.lost = max(0, made - told)
    if found.lost > MARGIN * torn:
        problems.append(
            f"{device} made {made} copies, {told} are told of, its terminal was killed {torn} times"
        )
    bills = Counter(row["job"] for row in charges)
    found.doubled = max(0, told - made) + sum(count - 1 for count in bills.values())
    if found.doubled:
        problems.append(f"{device} made {made} copies; {len(charges)} bills are of {told}")
    held = _held(books, device)
    found.begun = len(held)
    for row in charges:
        paid = Counter({part["account"]: part["micros"] for part in json.loads(row["paid"])})
        over = sum((paid - held.get(row["job"], Counter())).values())
        found.over_micros += over
        if over:
            problems.append(f"copy {row['job']} was charged {over} micros above what was set aside")
    ended = {row["job"] for row in books.all(
        "SELECT json_extract(data, '$.data.job') AS job FROM event "
        "WHERE type LIKE '%.job-settled.%' AND data IS NOT NULL")}  # fmt: skip
    problems += [f"copy {job} at {device} never ended" for job in held.keys() - ended]
    found.problems = tuple(problems)
    return found


def _held(books: Rows, device: str) -> dict[str, Counter[str]]:
    """Return what was set aside for each copy at a copier: account → micros."""
    found = {}
    for row in books.all(
        "SELECT data FROM event WHERE type LIKE '%.copy-began.%' AND data IS NOT NULL"
    ):
        told = json.loads(row["data"])["data"]
        if told["printer"] == device:
            found[told["job"]] = Counter({each["account"]: each["micros"] for each in told["held"]})
    return found
