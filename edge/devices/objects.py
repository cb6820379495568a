"""Objects and tables of a machine over SNMP, whatever it answers: bounded, and nothing raises."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, Protocol

from edge.devices.walking import (
    FORBIDDEN,
    GEN_ERR,
    NO_SUCH_NAME,
    TOO_BIG,
    Bounds,
    Said,
    Walk,
    Walking,
)
from edge.devices.words import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.devices.oids import Oid, Value
    from edge.devices.words import Target

#: Objects in one question: a reply has to fit what small agents put into a datagram.
_PER_GET: Final = 24

Kind = Literal["get", "next", "bulk"]


class Asker(Protocol):
    """Puts single questions; `edge.devices.snmp.Snmp` is one."""

    async def ask(
        self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
    ) -> Said | NoAnswer:
        """Put one question, within the bounds of time that the profile has."""

    def bulk(self, target: Target) -> bool:
        """Tell whether GetBulk is spoken with it (not in version 1)."""


class Objects:
    """Reads objects by an asker."""

    def __init__(self, asker: Asker) -> None:
        """Remember who asks."""
        self._asker = asker

    async def get(self, target: Target, oids: Iterable[Oid]) -> dict[Oid, Value] | NoAnswer:
        """Read single objects; what the machine does not have is left out."""
        wanted = list(dict.fromkeys(oids))
        found: dict[Oid, Value] = {}
        while wanted:
            part, wanted = wanted[:_PER_GET], wanted[_PER_GET:]
            got = await self._got(target, part)
            if isinstance(got, NoAnswer):
                return got
            found.update(got)
        return found

    async def walk(
        self, target: Target, columns: Iterable[Oid], bounds: Bounds | None = None
    ) -> Walk | NoAnswer:
        """Read columns of tables, several at a time; NoAnswer only where nothing came at all.

        Args:
            target: who.
            columns: identifiers without their rows; those of one table best together.
            bounds: when to stop.
        """
        walking = Walking(list(dict.fromkeys(columns)), bounds or Bounds())
        try:
            async with asyncio.timeout(walking.bounds.seconds):
                while walking.open and walking.broken is None:
                    answer = await self._step(target, walking)
                    if isinstance(answer, NoAnswer):
                        if not walking.answered:
                            return answer
                        walking.broken = answer.reason
        except TimeoutError:
            walking.broken = f"it was not all there after {walking.bounds.seconds:g} s"
        return Walk(walking.values, walking.broken or walking.gap)

    async def _got(self, target: Target, part: list[Oid]) -> dict[Oid, Value] | NoAnswer:
        part = list(part)
        while part:
            said = await self._asker.ask(target, "get", part)
            if isinstance(said, NoAnswer):
                return said
            if said.status == 0:
                asked = frozenset(part)  # what nobody asked for is not kept
                return {
                    oid: value for oid, value in said.bound if oid in asked and value is not None
                }
            if said.status == TOO_BIG and len(part) > 1:
                half = len(part) // 2
                first = await self._got(target, part[:half])
                if isinstance(first, NoAnswer):
                    return first
                second = await self._got(target, part[half:])
                return second if isinstance(second, NoAnswer) else first | second
            if said.status not in {NO_SUCH_NAME, GEN_ERR} or not 0 < said.index <= len(part):
                return _refusal(target, said)
            del part[said.index - 1]  # version 1 answers nothing where one object is missing
        return {}

    async def _step(self, target: Target, walking: Walking) -> NoAnswer | None:
        """Read the next rows of what is open."""
        columns = list(walking.open)
        start = [walking.open[column] for column in columns]
        bulk = walking.bulk and self._asker.bulk(target)
        rows = walking.repetitions if bulk else 1
        said = await self._asker.ask(target, "bulk" if bulk else "next", start, rows)
        if isinstance(said, NoAnswer):
            return said
        if said.status == 0:
            walking.take(columns, said.bound)
        elif said.status == TOO_BIG and rows > 1:
            walking.shorten()
        elif said.status == GEN_ERR and bulk:
            walking.bulk = False  # some agents stumble over GetBulk only
        elif said.status == TOO_BIG and len(columns) > 1:
            walking.narrow()
        elif said.status in {NO_SUCH_NAME, GEN_ERR} and 0 < said.index <= len(columns):
            # of version 1 the end of everything; an agent's own error is a gap
            walking.end(columns[said.index - 1], gap=said.status == GEN_ERR)
        else:
            return _refusal(target, said)
        return None


def _refusal(target: Target, said: Said) -> NoAnswer:
    return NoAnswer(
        f"{target.address} answers SNMP with error {said.status} (RFC 3416 §3)",
        refused=said.status in FORBIDDEN,
    )
