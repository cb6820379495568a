"""Which faults there are, and the schedule of a run: decided by a seed alone, before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping, Sequence


class Kind(StrEnum):
    """A fault; the value is what people read."""

    CUT = "line cut"
    DROP = "connections dropped"
    HALF_OPEN = "line half open"
    DELAY = "line delayed"
    THROTTLE = "line throttled"
    DUPLICATE = "connection repeated"
    STOP_EDGE = "edge stopped"
    KILL_EDGE = "edge killed"
    TORN_TAIL = "edge killed, journal's tail torn"
    CLOCK = "edge's clock turned"
    FULL_DISK = "edge's disk full"
    NO_WRITES = "edge's writes refused"
    STOP_SPOOLER = "cupsd stopped"
    KILL_SPOOLER = "cupsd killed"
    KILL_NOTIFIER = "notifier killed"
    KILL_SITE_BROKER = "site's broker killed"
    STOP_CENTRAL = "central stopped"
    KILL_CENTRAL = "central killed"
    TORN_LOG = "central killed, second log's tail torn"
    CENTRAL_NO_WRITES = "central's writes refused"
    STOP_BROKER = "broker stopped"
    KILL_BROKER = "broker killed"
    RESTORE = "central restored with its second log"
    RESTORE_WITHOUT = "central restored without it"
    OLD_RETURNS = "central restored, the old one returns"
    ROLE = "role changed, and back"
    KILL_TERMINAL = "terminal killed"
    CUT_TERMINAL = "terminal's line cut"
    TWO_CARDS = "two cards at once"
    HALF_CARD = "half a card"


class Where(StrEnum):
    """What a fault strikes; one thing suffers one fault at a time."""

    LINE = "line"
    EDGE = "edge"
    SPOOLER = "spooler"
    SITE_BROKER = "site-broker"
    CENTRAL = "central"
    BROKER = "broker"
    ROLE = "role"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Shape:
    """One line of the table of faults."""

    where: Where
    weight: int
    """How often, against the others."""
    low: float = 0.0
    """Shortest duration in seconds; 0 and 0 for what is over at once."""
    high: float = 0.0
    """Longest."""


SHAPES: Final[Mapping[Kind, Shape]] = MappingProxyType(
    {
        Kind.CUT: Shape(Where.LINE, 150, 0.2, 3.0),
        Kind.DROP: Shape(Where.LINE, 100),
        Kind.HALF_OPEN: Shape(Where.LINE, 60, 0.5, 4.0),
        Kind.DELAY: Shape(Where.LINE, 80, 0.5, 4.0),
        Kind.THROTTLE: Shape(Where.LINE, 60, 0.5, 4.0),
        Kind.DUPLICATE: Shape(Where.LINE, 80),
        Kind.STOP_EDGE: Shape(Where.EDGE, 80, 0.1, 2.0),
        Kind.KILL_EDGE: Shape(Where.EDGE, 90),
        Kind.TORN_TAIL: Shape(Where.EDGE, 30),
        Kind.CLOCK: Shape(Where.EDGE, 35, 0.5, 3.0),
        Kind.FULL_DISK: Shape(Where.EDGE, 20, 0.5, 2.5),
        Kind.NO_WRITES: Shape(Where.EDGE, 30, 0.2, 2.0),
        Kind.STOP_SPOOLER: Shape(Where.SPOOLER, 40, 0.2, 2.0),
        Kind.KILL_SPOOLER: Shape(Where.SPOOLER, 20),
        Kind.KILL_NOTIFIER: Shape(Where.SPOOLER, 40),
        Kind.KILL_SITE_BROKER: Shape(Where.SITE_BROKER, 25),
        Kind.STOP_CENTRAL: Shape(Where.CENTRAL, 50, 0.1, 2.0),
        Kind.KILL_CENTRAL: Shape(Where.CENTRAL, 30),
        Kind.TORN_LOG: Shape(Where.CENTRAL, 10),
        Kind.CENTRAL_NO_WRITES: Shape(Where.CENTRAL, 15, 0.2, 2.0),
        Kind.STOP_BROKER: Shape(Where.BROKER, 30, 0.1, 2.0),
        Kind.KILL_BROKER: Shape(Where.BROKER, 25),
        Kind.RESTORE: Shape(Where.CENTRAL, 5),
        Kind.RESTORE_WITHOUT: Shape(Where.CENTRAL, 3),
        Kind.OLD_RETURNS: Shape(Where.CENTRAL, 2),
        Kind.ROLE: Shape(Where.ROLE, 15, 2.0, 8.0),
        Kind.KILL_TERMINAL: Shape(Where.TERMINAL, 40),
        Kind.CUT_TERMINAL: Shape(Where.TERMINAL, 40, 0.2, 3.0),
        Kind.TWO_CARDS: Shape(Where.TERMINAL, 20),
        Kind.HALF_CARD: Shape(Where.TERMINAL, 20, 0.2, 0.5),
    }
)
#: They want some life behind them, and some before them.
_LATE: Final = frozenset({Kind.RESTORE, Kind.RESTORE_WITHOUT, Kind.OLD_RETURNS})


@dataclass(frozen=True, slots=True)
class Places:
    """What there is to strike."""

    sites: tuple[str, ...]
    own_broker: tuple[str, ...] = ()
    """Sites whose broker is a process of its own."""
    small_disk: tuple[str, ...] = ()
    """Sites whose edge writes to a small file system."""
    terminals: tuple[str, ...] = ()
    """Sites with a card reader beside a copier."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come."""

    number: int
    """From 1."""
    at: float
    """Seconds after the beginning of the run."""
    kind: Kind
    site: str
    """Which site; empty for what there is one of."""
    seconds: float
    """How long it lasts."""
    figure: float
    """Between 0 and 1: how bad, for kinds that can be more or less so."""

    @property
    def target(self) -> str:
        """What is struck."""
        where = SHAPES[self.kind].where
        return f"{where} {self.site}" if self.site else str(where)


def schedule(
    dice: random.Random,
    *,
    faults: int,
    seconds: float,
    places: Places,
    kinds: Collection[Kind] = tuple(Kind),
) -> tuple[Planned, ...]:
    """Spread so many faults over so much time: each possible kind once, the rest by weight.

    Raises:
        ValueError: none of these kinds can happen at these places.
    """
    possible = [kind for kind in Kind if kind in kinds and _sites(kind, places)]
    if not possible:
        raise ValueError("no fault can happen here: name kinds and places that fit")
    chosen = dice.sample(possible, min(faults, len(possible)))
    weights = [SHAPES[kind].weight for kind in possible]
    chosen += dice.choices(possible, weights, k=faults - len(chosen))
    dice.shuffle(chosen)
    _put_off(dice, chosen)
    step = seconds / max(faults, 1)
    planned = []
    for number, kind in enumerate(chosen):
        shape = SHAPES[kind]
        planned.append(
            Planned(
                number=number + 1,
                at=round((number + dice.random()) * step, 3),
                kind=kind,
                site=dice.choice(_sites(kind, places)),
                seconds=round(dice.uniform(shape.low, shape.high), 3),
                figure=dice.random(),
            )
        )
    return tuple(planned)


def _put_off(dice: random.Random, chosen: list[Kind]) -> None:
    """Move what wants some life behind it out of the first third."""
    third = len(chosen) // 3
    for place in range(third):
        if chosen[place] in _LATE:
            rest = [n for n in range(third, len(chosen)) if chosen[n] not in _LATE]
            if rest:
                other = dice.choice(rest)
                chosen[place], chosen[other] = chosen[other], chosen[place]


def _sites(kind: Kind, places: Places) -> Sequence[str]:
    """Return where a kind of fault can happen; one empty name for what there is one of."""
    if kind is Kind.FULL_DISK:
        return places.small_disk
    where = SHAPES[kind].where
    match where:
        case Where.LINE | Where.EDGE | Where.SPOOLER | Where.ROLE:
            return places.sites
        case Where.SITE_BROKER:
            return places.own_broker
        case Where.TERMINAL:
            return places.terminals
        case Where.CENTRAL | Where.BROKER:
            return ("",)
        case _:
            assert_never(where)
