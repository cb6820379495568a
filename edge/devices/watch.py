"""What one look at a printer comes to, pure: what is known of it, what is told, what is kept."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  what is kept is read by its types
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from edge.devices import complaints
from edge.devices.alerts import Raised, judged, standing, troubles
from edge.devices.counters import Taken, difference
from edge.devices.identity import (
    Machine,
    Swapped,
    Unsure,
    identified,
    moved,
    other_than,
    swapped,
)
from edge.devices.merge import WINS, View, merged, readings, still, told
from edge.devices.pace import Pace, pace_of
from edge.devices.supply_use import Use, days_left, noted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from broker.messages import DeviceState, Note
    from config.settings import PrinterSettings
    from config.settings_devices import DeviceSettings
    from edge.devices.alerts import Complaint
    from edge.devices.words import Look, Origin, Reading

#: What a source said counts for so long after it fell silent, in what changes slowly.
_LATELY: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a printer over a restart."""

    machine: Machine = field(default_factory=Machine)
    """Which machine it is."""
    raised: Mapping[str, Raised] = field(default_factory=dict)
    """Its troubles, by code."""
    use: Use = field(default_factory=dict)
    """How its supplies went down."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a printer. Times are seconds of a clock that never jumps."""

    kept: Kept
    """Over a restart as well."""
    began: float
    """Since when it is watched."""
    view: View | None = None
    """As it was last seen; while it is silent, as it was before."""
    seen_at: datetime | None = None
    """When that was, by the time of day."""
    answered: float | None = None
    """When it last answered."""
    unanswered: int = 0
    """Looks in a row that nothing came back from."""
    said: Mapping[Origin, tuple[float, Reading]] = field(default_factory=dict)
    """What each source said last, and when."""
    unsure: bool = False
    """The last look counted for nothing; another one is needed soon."""
    reference: Taken | None = None
    """Meters as last read, with which the next are compared."""
    doubt: bool = False
    """They did not go on at the last look: perhaps it was misread."""
    elsewhere: str | None = None
    """Address where its serial number was found, instead of the one in the settings."""
    searched: str | None = None
    """The stranger for whom it was looked for elsewhere, in vain."""

    @property
    def serial(self) -> str | None:
        """The serial number it is known by."""
        serials = self.kept.machine.serials
        return next((serials[it] for it in WINS["identity"] if it in serials), None)

    @property
    def taken(self) -> Taken | None:
        """Its meters as they were read at the last look; None: they were not."""
        if self.view is None or self.seen_at is None or self.unsure or not self.view.fresh:
            return None
        return Taken(self.view.fresh, self.serial, self.seen_at, self.view.up_for)


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look comes to."""

    memory: Memory
    """To be kept until the next."""
    state: DeviceState
    """As it is told."""
    notes: tuple[Note, ...] = ()
    """To be told."""
    broken: Literal["reset", "replaced"] | None = None
    """The meters do not go on from what was read before."""
    detail: str = ""
    """Why not."""
    lost: str | None = None
    """This serial number should be looked for elsewhere."""
    pace: Pace = Pace.IDLE
    """How often to look from now on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one look is judged by."""

    printer: PrinterSettings
    """As it is set up."""
    settings: DeviceSettings
    """How printers are watched."""
    zone: tzinfo
    """The site's."""
    now: datetime
    """Time of day; aware."""
    at: float
    """Seconds of a clock that never jumps."""
    jobs: int = 0
    """Jobs of ours at the printer."""


def looked(memory: Memory, looks: Sequence[Look], here: Surroundings) -> Looked:
    """Take in one look at a printer by all its sources."""
    lately = [each for at, each in memory.said.values() if here.at - at < _LATELY]
    view = merged(looks, lately)
    said = {it: (at, each) for it, (at, each) in memory.said.items() if here.at - at < _LATELY}
    memory = replace(memory, said=said, unsure=False)
    if view.answers is False:
        return _silent(memory, view, here)
    said = said | {each.origin: (here.at, each) for each in readings(looks)}
    snmp, declared = here.printer.snmp is not None, here.printer.serial
    found = identified(memory.kept.machine, view.serials, declared=declared, snmp=snmp)
    if isinstance(found, Swapped) and here.settings.search and memory.searched != found.now:
        # first see whether the old one stands somewhere else; until then nothing of this counts
        return _unsure(memory, view, here, lost=found.was)
    if isinstance(found, Unsure):
        kept = replace(memory.kept, machine=found.machine)
        return _unsure(replace(memory, kept=kept), view, here)
    kept = replace(memory.kept, machine=found.machine)
    memory = replace(
        memory,
        kept=kept,
        said=said,  # only now: what a stranger says is not this printer's for an hour
        view=view,
        seen_at=here.now,
        answered=here.at,
        unanswered=0,
        searched=None if isinstance(found, Swapped) else memory.searched,
    )
    if isinstance(found, Swapped):
        said = {it: each for it, each in said.items() if each[0] == here.at}
        detail = f"serial number {found.now} instead of {found.was}"
        memory = replace(memory, said=said, reference=_taken(view, here), doubt=False)
        wrong = {"device-swapped": swapped(found.now, found.was, lasts=declared is None)}
        return _judged(memory, view, here, wrong, broken="replaced", detail=detail)
    memory, wrong, detail = _counted(memory, view, here)
    wrong |= _known(memory, view, here)
    broken: Literal["reset"] | None = "reset" if detail else None
    return _judged(memory, view, here, wrong, broken=broken, detail=detail)


def _taken(view: View, here: Surroundings) -> Taken | None:
    # which machine it is was said already: two sources may write its number in two ways
    return Taken(view.fresh, None, here.now, view.up_for) if view.fresh else None


def _counted(
    memory: Memory, view: View, here: Surroundings
) -> tuple[Memory, dict[str, Complaint], str]:
    """Compare the meters with those of the last look; only what two looks say is so."""
    taken = _taken(view, here)
    if taken is None:
        return memory, {}, ""
    found = difference(memory.reference, taken) if memory.reference is not None else None
    complaint = complaints.of_counters(found) if found is not None else None
    if complaint is None:
        return replace(memory, reference=taken, doubt=False), {}, ""
    if not memory.doubt:
        return replace(memory, doubt=True, unsure=True), {}, ""
    wrong = {"counter-went-back": complaint}
    return replace(memory, reference=taken, doubt=False), wrong, complaint.detail


def _known(memory: Memory, view: View, here: Surroundings) -> dict[str, Complaint]:
    """Return what is wrong with where a printer stands."""
    wrong: dict[str, Complaint] = {}
    if memory.elsewhere is not None:
        home = here.printer.address
        wrong["device-moved"] = moved(memory.elsewhere, memory.serial or "", instead_of=home)
    stranger = other_than(here.printer.serial, view.serials)
    if stranger is not None and memory.kept.machine.against is not None:
        was = here.printer.serial or ""
        wrong["device-swapped"] = swapped(stranger, was, lasts=False)
    return wrong


def _silent(memory: Memory, view: View, here: Surroundings) -> Looked:
    shown = still(memory.view, view) if memory.view is not None else view
    memory = replace(memory, view=shown, unanswered=memory.unanswered + 1)
    since = memory.began if memory.answered is None else memory.answered
    gone = here.at - since >= here.settings.offline_after.total_seconds()
    lost = memory.serial or here.printer.serial if gone and here.settings.search else None
    return replace(_judged(memory, shown, here, {}), lost=lost)


def _unsure(memory: Memory, view: View, here: Surroundings, lost: str | None = None) -> Looked:
    """Show what was known before: it cannot be said whose answer this is."""
    memory = replace(memory, unsure=True, answered=here.at, unanswered=0)
    shown = memory.view if memory.view is not None else replace(view, fresh=())
    state = _told(memory, shown, here)
    return Looked(memory, state, lost=lost, pace=Pace.BUSY)


def _judged(
    memory: Memory,
    view: View,
    here: Surroundings,
    wrong: Mapping[str, Complaint],
    *,
    broken: Literal["reset", "replaced"] | None = None,
    detail: str = "",
) -> Looked:
    kept = memory.kept
    if view.answers is not False:
        today = here.now.astimezone(here.zone).date()
        kept = replace(kept, use=noted(kept.use, view.supplies, today))
    since = memory.began if memory.answered is None else memory.answered
    seen = complaints.at_printer(
        view,
        kept.raised,
        here.settings,
        days_left=days_left(kept.use, view.supplies),
        silent_for=timedelta(seconds=max(0.0, here.at - since)),
    )
    seen = replace(seen, complaints={**seen.complaints, **wrong})
    judgement = judged(kept.raised, seen, here.printer.id, here.now)
    memory = replace(memory, kept=replace(kept, raised=judgement.raised))
    up = standing(judgement.raised)
    ages = {code: (here.now - each.since).total_seconds() for code, each in up.items()}
    pace = pace_of(view, troubles=ages, jobs=here.jobs)
    return Looked(
        memory,
        _told(memory, view, here),
        judgement.notes,
        broken,
        detail,
        pace=Pace.BUSY if memory.unsure else pace,
    )


def _told(memory: Memory, view: View, here: Surroundings) -> DeviceState:
    raised = memory.kept.raised
    return told(
        view,
        device=here.printer.id,
        name=here.printer.name or here.printer.id,
        address=memory.elsewhere or here.printer.address,
        at=memory.seen_at or here.now,
        days_left=days_left(memory.kept.use, view.supplies),
        troubles=troubles(raised),
        offline="offline" in standing(raised) and view.answers is False,
    )
