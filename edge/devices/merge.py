"""One view of a printer from what several sources said of it, pure: who is believed for what.

Who was silent at this look is believed for a while in what changes slowly, so that one lost reply
takes no toner off a screen and moves no figure to another source; never in what state it is in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeGuard

from broker.messages import Capabilities, DeviceIdentity, DeviceState
from broker.messages.devices import MOST
from edge.devices.words import NoAnswer, Origin, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from broker.messages import Cover, DeviceTrouble, Meter, Supply, Tray
    from edge.devices.words import DeviceAlert, Look, PrinterState

#: Who is believed for what, the first that says anything. Each meter has one source of these.
WINS: Final[Mapping[str, tuple[Origin, ...]]] = {
    "state": (Origin.IPP, Origin.SNMP, Origin.CUPS),
    "message": (Origin.SNMP, Origin.IPP, Origin.CUPS),
    "identity": (Origin.SNMP, Origin.IPP, Origin.CUPS),
    "supplies": (Origin.SNMP, Origin.IPP, Origin.CUPS),  # who has numbers before who has none
    "trays": (Origin.SNMP, Origin.IPP, Origin.CUPS),
    "covers": (Origin.SNMP, Origin.IPP, Origin.CUPS),
    "meters": (Origin.SNMP, Origin.IPP),  # CUPS counts what it sent
    "can": (Origin.IPP, Origin.SNMP, Origin.CUPS),
}
#: Who speaks with the machine itself; CUPS knows a queue, whether or not anything is behind it.
_THERE: Final = frozenset({Origin.SNMP, Origin.IPP})
_NAME: Final = 255
_LINE: Final = 1000
_RANK: Final = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class View:
    """A printer as one look shows it; what nobody says is None or empty."""

    answers: bool | None
    """None: nobody asks the machine itself."""
    silence: str = ""
    """Why nothing came from whom nothing came."""
    refused: str = ""
    """Who answered and will not speak with us, and why."""
    state: PrinterState | None = None
    """printer-state."""
    asleep: bool = False
    """A look may wake it."""
    reasons: tuple[str, ...] = ()
    """printer-state-reasons, without `none`."""
    alerts: tuple[DeviceAlert, ...] = ()
    """What the machine complains of, by whatever way it was heard."""
    message: str | None = None
    """Console text."""
    serials: Mapping[Origin, str] = field(default_factory=dict)
    """Its serial number as each source said at this look: they may write it differently."""
    maker: str | None = None
    """Manufacturer."""
    model: str | None = None
    """As it calls itself."""
    supplies: tuple[Supply, ...] = ()
    """`days_left` open."""
    trays: tuple[Tray, ...] = ()
    """Paper."""
    covers: tuple[Cover, ...] = ()
    """Covers and doors."""
    meters: tuple[Meter, ...] = ()
    """Each from one source."""
    fresh: tuple[Meter, ...] = ()
    """Those of them that were read at this look, none of them remembered."""
    up_for: float | None = None
    """Seconds since it was switched on, by who read the fresh meters."""
    can: Capabilities | None = None
    """What it can do."""
    odd: tuple[str, ...] = ()
    """What was said and cannot be so."""
    sources: Mapping[str, Origin] = field(default_factory=dict)
    """Who gave what."""

    @property
    def serial(self) -> str | None:
        """The serial number, by who is believed first."""
        return next((self.serials[it] for it in WINS["identity"] if it in self.serials), None)


def readings(looks: Iterable[Look]) -> tuple[Reading, ...]:
    """Return the answers among looks."""
    return tuple(each for each in looks if isinstance(each, Reading))


def merged(looks: Sequence[Look], before: Iterable[Reading] = ()) -> View:
    """Put together what was said.

    Args:
        looks: of every source, at this look.
        before: what sources said lately; counts for those that are silent now, in slow things.
    """
    fresh = {each.origin: each for each in readings(looks)}
    if any(origin in _THERE for origin in fresh):
        answers: bool | None = True
    else:
        answers = False if any(isinstance(each, NoAnswer) for each in looks) else None
    known = {each.origin: each for each in before if answers is not None} | fresh
    sources: dict[str, Origin] = {}

    def of(what: str, among: Mapping[Origin, Reading], *names: str) -> Reading | None:
        for origin in WINS[what]:
            reading = among.get(origin)
            if reading is not None and any(getattr(reading, each) for each in names):
                sources[what] = origin
                return reading
        return None

    # a queue's word says nothing of a machine that is silent
    speaks = fresh if answers is not False else {}
    state = of("state", speaks, "state")
    message = of("message", speaks, "message")
    supplies = _with_numbers(known, sources) or of("supplies", known, "supplies")
    trays = of("trays", known, "trays")
    covers = of("covers", fresh, "covers")
    identity = of("identity", known, "serial", "model", "maker")
    can = of("can", known, "can")
    meters = _meters(known)
    now = _meters({it: each for it, each in fresh.items() if each.metered})
    if meters:
        sources["meters"] = Origin(meters[0][0])
    return View(
        answers=answers,
        silence="; ".join(each.reason for each in looks if isinstance(each, NoAnswer)),
        refused="; ".join(each.reason for each in looks if _refuses(each)),
        state=state.state if state else None,
        asleep=any(each.asleep for each in fresh.values() if each.asleep),
        reasons=_reasons(speaks),
        alerts=tuple(dict.fromkeys(each for it in fresh.values() for each in it.alerts)),
        message=message.message if message else None,
        serials={it: each.serial for it, each in fresh.items() if each.serial},
        maker=_first(identity, known, "maker"),
        model=_first(identity, known, "model"),
        supplies=supplies.supplies if supplies else (),
        trays=trays.trays if trays else (),
        covers=covers.covers if covers else (),
        meters=tuple(each for _, each in meters),
        fresh=tuple(each for _, each in now),
        up_for=fresh[now[0][0]].up_for if now else None,
        can=can.can if can else None,
        odd=tuple(each for it in fresh.values() for each in it.odd),
        sources=sources,
    )


def still(before: View, silent: View) -> View:
    """Return what is shown of a printer that does not answer: as it was, until it is given up."""
    return replace(before, answers=False, silence=silent.silence, fresh=(), up_for=None)


def _refuses(look: Look) -> TypeGuard[NoAnswer]:
    return isinstance(look, NoAnswer) and look.refused


def _with_numbers(known: Mapping[Origin, Reading], sources: dict[str, Origin]) -> Reading | None:
    for origin in WINS["supplies"]:
        reading = known.get(origin)
        if reading and any(each.level is not None for each in reading.supplies):
            sources["supplies"] = origin
            return reading
    return None


def _meters(known: Mapping[Origin, Reading]) -> list[tuple[Origin, Meter]]:
    """Return each figure once, by the first who has it."""
    found: dict[str, tuple[Origin, Meter]] = {}
    for origin in WINS["meters"]:
        for each in known[origin].meters if origin in known else ():
            found.setdefault(each.name, (origin, each))
    return list(found.values())[:MOST]


def _reasons(fresh: Mapping[Origin, Reading]) -> tuple[str, ...]:
    for origin in WINS["state"]:
        said = fresh[origin].reasons if origin in fresh else ()
        found = tuple(each[:_NAME] for each in said if each and each != "none")
        if found:
            return found[:MOST]
    return ()


def _first(one: Reading | None, known: Mapping[Origin, Reading], name: str) -> str | None:
    every = [one, *(known[it] for it in WINS["identity"] if it in known)]
    return next((getattr(it, name) for it in every if it and getattr(it, name)), None)


def told(
    view: View,
    *,
    device: str,
    name: str,
    address: str | None,
    at: datetime,
    days_left: Mapping[str, int],
    troubles: Sequence[DeviceTrouble],
    offline: bool,
) -> DeviceState:
    """Return a view as it is said on the wire.

    Args:
        view: as merged.
        device: its id.
        name: what people call it.
        address: where it was read.
        at: when it was seen so.
        days_left: of supplies whose use is known, by their key.
        troubles: what is raised.
        offline: it was silent for so long that nobody knows what state it is in.
    """
    identity = DeviceIdentity(
        serial=view.serial and view.serial[:_NAME],
        maker=view.maker and view.maker[:_NAME],
        model=view.model and view.model[:_NAME],
        address=address and address[:_NAME],
    )
    worst = sorted(troubles, key=lambda each: (_RANK[each.severity], each.since, each.code))
    return DeviceState(
        device=device,
        name=name[:_NAME],
        state="unknown" if offline or view.state is None else view.state,
        reasons=() if offline else view.reasons,
        updated_at=at,
        answers=view.answers,
        message=None if offline or view.message is None else view.message[:_LINE],
        identity=identity,
        supplies=tuple(
            each.model_copy(update={"days_left": days_left[each.key]})
            if each.key in days_left
            else each
            for each in view.supplies[:MOST]
        ),
        trays=view.trays[:MOST],
        covers=view.covers[:MOST],
        meters=view.meters[:MOST],
        troubles=tuple(worst[:MOST]),
        can=view.can,
        sources={what: origin.value for what, origin in view.sources.items()},
    )
