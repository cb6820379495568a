"""Asking every linked edge for its digest and comparing it with the books (`verify --edges`)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from broker.messages import EdgeDigest
from central.store import commands
from central.store.edges import Expected, NotYet, digest_of, expected, part_of
from central.store.verify_charges import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from uuid import UUID

    from central.store.books import Books

#: Seconds an edge has to answer, and the centre to take in what it speaks of.
PATIENCE: Final = 20.0
_PAUSE: Final = 0.05
_PARTS: Final = 256


@dataclass(frozen=True, slots=True)
class Edge:
    """A linked edge."""

    node: str
    incarnation: UUID


class EdgeCheck:
    """Compares one edge with the books. Waits by looking at the books: another process speaks."""

    def __init__(
        self,
        books: Books,
        edge: Edge,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._books = books
        self._edge = edge
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    def findings(self) -> Iterator[Finding]:
        """Yield what differs; nothing when all is well."""
        told = self._ask({})
        if isinstance(told, Finding):
            yield told
            return
        ours = self._ours(told)
        if isinstance(ours, Finding):
            yield ours
            return
        if ours.trouble is not None:
            yield self._finding("chain", ours.trouble)
        elif digest_of(ours.balances) != told.digest:
            yield from self._drill(ours)

    def _drill(self, ours: Expected) -> Iterator[Finding]:
        """Find which accounts differ: first in the parts that the books know of, then in all."""
        likely = sorted({part_of(account) for account, _ in ours.balances})
        rest = [part for part in range(_PARTS) if part not in likely]
        for parts in (likely, rest):
            found = list(self._compare(parts))
            yield from found
            if found:
                return
        yield self._finding("edge", "its digest differs, no single account does; ask again")

    def _compare(self, parts: Iterable[int]) -> Iterator[Finding]:
        for part in parts:
            told = self._ask({"part": part})
            if isinstance(told, Finding):
                yield told
                return
            ours = self._ours(told)
            if isinstance(ours, Finding):
                yield ours
                return
            theirs = {(row.account, row.unit): row.micros for row in told.rows}
            mine = {key: m for key, m in ours.balances.items() if part_of(key[0]) == part}
            for account, unit in sorted(theirs.keys() | mine.keys()):
                here = mine.get((account, unit), 0)
                there = theirs.get((account, unit), 0)
                if here != there:
                    yield Finding(
                        "edge",
                        f"{account}@{self._edge.node}",
                        f"the edge has {there} micros of {unit}, by the books it should be {here}",
                    )

    def _ask(self, args: dict[str, int]) -> EdgeDigest | Finding:
        with self._books.write() as tx:
            until = tx.now + timedelta(seconds=self._patience)
            id_ = commands.order(tx, self._edge.node, "report-digest", dict(args), until)
        deadline = self._clock() + self._patience
        while self._clock() < deadline:
            with self._books.read() as tx:
                done = commands.find(tx, id_)
            if done is not None and done.over:
                if done.state == "successful":
                    return EdgeDigest.model_validate(done.data)
                return self._finding("unanswered", f"it said {done.state}: {done.detail}")
            self._sleep(_PAUSE)
        why = "is the coordinator running?" if done and done.state == "waiting" else "it is silent"
        return self._finding("unanswered", f"no answer within {self._patience:g} s; {why}")

    def _ours(self, told: EdgeDigest) -> Expected | Finding:
        deadline = self._clock() + self._patience
        while True:
            with self._books.read() as tx:
                ours = expected(tx, self._edge.node, self._edge.incarnation, told)
            if isinstance(ours, Expected):
                return ours
            if self._clock() >= deadline:
                return self._behind(ours, told)
            self._sleep(_PAUSE)

    def _behind(self, ours: NotYet, told: EdgeDigest) -> Finding:
        return self._finding(
            "behind", f"its ledger ends at {told.up.seq}, the books have {ours.applied} of it"
        )

    def _finding(self, check: str, detail: str) -> Finding:
        return Finding(check, self._edge.node, detail)
