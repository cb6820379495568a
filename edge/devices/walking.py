"""How tables are read step by step, pure: what is asked next, and what is believed of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.devices.oids import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.devices.oids import Oid, Value

# error-status (RFC 3416 §3)
TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2
GEN_ERR: Final = 5
#: noAccess, authorizationError
FORBIDDEN: Final = frozenset({6, 16})

#: Rows that the first GetBulk of a walk asks for (most tables are short), and later ones at most.
_FIRST_ROWS: Final = 4
_MOST_ROWS: Final = 16


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as it came: error-status, error-index, and what was bound, in its order."""

    status: int
    index: int
    bound: tuple[tuple[Oid, Value | None], ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a machine's tables is read at most."""

    values: int = 1500
    octets: int = 128 * 1024
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Walk:
    """What tables hold, and whether that is all."""

    values: Mapping[Oid, Value]
    """By object and row, in no order."""
    broken: str | None = None
    """Why the rest is missing, a sentence for people; None: it is whole."""


class Walking:
    """How far a walk is: decides what is asked next and what is believed."""

    def __init__(self, columns: list[Oid], bounds: Bounds) -> None:
        self.bounds = bounds
        self.open: dict[Oid, Oid] = {column: column for column in columns}
        """Column → the last object seen of it."""
        self.values: dict[Oid, Value] = {}
        self.broken: str | None = None
        self.gap: str | None = None
        """What is missing although the walk went on."""
        self.answered = False
        self.bulk = True
        self.repetitions = _FIRST_ROWS
        self._octets = 0
        self._most = _MOST_ROWS
        self._later: list[Oid] = []

    def end(self, column: Oid, *, gap: bool) -> None:
        """Ask no more of a column."""
        self.answered = True
        del self.open[column]
        if gap:
            self.gap = f"{text_of(column)} ends in an error of its own"
        self._go_on()

    def shorten(self) -> None:
        """Ask for fewer rows from now on: so many are too much for one datagram."""
        self._most = self.repetitions = max(1, self.repetitions // 4)

    def narrow(self) -> None:
        """Leave half of the columns for later: one row of all is too much for one datagram."""
        half = list(self.open)[len(self.open) // 2 :]
        for column in half:
            self._later.append(column)
            del self.open[column]

    def take(self, columns: list[Oid], bound: Sequence[tuple[Oid, Value | None]]) -> None:
        """Take rows as they came: for each column in turn, again and again."""
        self.answered = True
        self.repetitions = min(self._most, 2 * self.repetitions)
        if not bound:
            self.broken = "an answer held nothing"
        for number, (oid, value) in enumerate(bound):
            column = columns[number % len(columns)]
            last = self.open.get(column)
            if last is None:
                continue
            if value is None or oid[: len(column)] != column:
                del self.open[column]
            elif oid <= last:
                self.broken = f"{text_of(column)} goes in circles"
                return
            else:
                self._keep(column, oid, value)
        self._go_on()

    def _go_on(self) -> None:
        if not self.open and self._later:
            self.open = {column: column for column in self._later}
            self._later = []

    def _keep(self, column: Oid, oid: Oid, value: Value) -> None:
        self.open[column] = oid
        self.values[oid] = value
        self._octets += len(value) if isinstance(value, bytes | str) else 4
        if len(self.values) >= self.bounds.values or self._octets >= self.bounds.octets:
            self.broken = f"its tables are longer than {len(self.values):,} values"
