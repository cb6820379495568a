"""What a dashboard knows of the fleet, folded from what it heard; no clock and no socket.

Bounded whatever is said: so many devices of a node, so many lines of what happened lately.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from broker.dashboard.events import Linked, Lost, Removed, Told
from broker.messages import (
    CoordinatorStatus,
    DeviceState,
    FeedAlert,
    FeedDevice,
    FeedJob,
    FeedNode,
    SiteState,
    Status,
)

if TYPE_CHECKING:
    from datetime import datetime

    from broker.dashboard.events import LineEvent
    from broker.messages import DeviceTrouble, Note, PrinterHere, Supply

#: Devices that one node may have here; an edge has some hundreds of printers at most.
DEVICES_OF_A_NODE: Final = 2000
#: Nodes and lines that are kept.
NODES: Final = 5000
LATELY: Final = 200

LinkState: TypeAlias = Literal["linked", "alone", "out-of-service", "cut-off"]


@dataclass(slots=True)
class _Node:
    """One node, as far as it was heard."""

    status: Status | None = None
    feed: FeedNode | None = None
    site: SiteState | None = None
    since: datetime | None = None
    """When it last changed while we listened."""


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """A site, or at a site's own broker one of its terminals."""

    node: str
    name: str
    """What people call it; its id where it did not say."""
    state: LinkState
    """`cut-off`: at the centre's broker nobody can say whether it works alone."""
    since: datetime | None
    """Since when; None: from before we listened."""
    waiting: int | None
    """Events that the centre has not got."""
    detail: str = ""
    """Why it is out of service."""
    terminal: bool = False
    """It is a terminal of the site whose broker this is."""


@dataclass(frozen=True, slots=True)
class PrinterSeen:
    """A printer, or another device that told its state."""

    node: str
    device: str
    name: str
    state: Literal["idle", "processing", "stopped", "unknown"]
    answers: bool | None
    reasons: tuple[str, ...]
    troubles: tuple[DeviceTrouble, ...]
    supplies: tuple[Supply, ...]
    updated_at: datetime | None

    @property
    def needs_a_hand(self) -> bool:
        """Whether somebody should see to it."""
        loud = any(each.severity != "info" for each in self.troubles)
        return loud or self.state == "stopped" or self.answers is False


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of what happened lately: a job, or an alert."""

    at: datetime
    node: str
    what: FeedJob | Note


@dataclass(slots=True)
class Fleet:
    """The fleet as one dashboard knows it; `take` is told everything, in order."""

    linked: bool = False
    """Whether we hear anything now."""
    changed_at: datetime | None = None
    """Since when it is so."""
    coordinator: CoordinatorStatus | None = None
    lately: deque[Happened] = field(default_factory=lambda: deque(maxlen=LATELY))
    alerts: dict[tuple[str, str, str], FeedAlert] = field(default_factory=dict)
    """What was raised and not cleared while we listened: by node, code and subject."""
    version: int = 0
    """Grows with whatever changes what is shown."""
    _stale: bool = False
    """The line was lost since: what is known is shown until anything is heard again."""
    _ids: deque[str] = field(default_factory=lambda: deque(maxlen=LATELY))
    _nodes: dict[str, _Node] = field(default_factory=dict)
    _devices: dict[str, dict[str, DeviceState | FeedDevice]] = field(default_factory=dict)

    def take(self, event: LineEvent, now: datetime) -> None:
        """Take in what happened on the line.

        Args:
            event: what.
            now: when, by our own clock.
        """
        self.version += 1
        if self._stale and not isinstance(event, Lost):
            # what the broker keeps comes again, some of it before `Linked`; what went does not
            self._stale = False
            self._nodes.clear()
            self._devices.clear()
            self.coordinator = None
        match event:
            case Linked():
                self.linked, self.changed_at = True, now
            case Lost():
                self.linked, self.changed_at, self._stale = False, now, True
            case Removed(node=node, device=""):
                self._nodes.pop(node, None)
            case Removed(node=node, device=device):
                self._devices.get(node, {}).pop(device, None)
            case Told():
                self._told(event, now)

    # ── what is shown ───────────────────────────────────────────────────────────────────────

    def sites(self) -> tuple[SiteSeen, ...]:
        """Return sites by id; at a site's broker the site first, then its terminals."""
        here = any(each.site for each in self._nodes.values())
        found = [_seen(name, each, here=here) for name, each in self._nodes.items()]
        return tuple(sorted(found, key=lambda each: (each.terminal, each.node)))

    def printers(self) -> tuple[PrinterSeen, ...]:
        """Return printers by site and name."""
        found = {
            (node, device): _printer(node, state)
            for node, devices in self._devices.items()
            for device, state in devices.items()
        }
        for node, known in self._nodes.items():
            for each in known.site.printers if known.site else ():
                found.setdefault((node, each.printer), _here(node, each))
        return tuple(
            sorted(
                found.values(), key=lambda each: (each.node, _by_figures(each.name), each.device)
            )
        )

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _told(self, told: Told, now: datetime) -> None:
        match told.message:
            case Status() as status:
                self._status(told, status, now)
            case CoordinatorStatus() as status:
                before = self.coordinator
                if status.online or before is None or before.session == status.session:
                    self.coordinator = status
            case SiteState() as site:
                if (known := self._node(site.node)) is not None:
                    known.site = site
            case DeviceState() as state:
                self._device(told.node, told.device, state)
            case _:
                self._fed(told)

    def _fed(self, told: Told) -> None:
        """Take in what the centre tells of what it has committed."""
        match told.message:
            case FeedDevice() as state:
                whole = self._devices.get(state.node, {}).get(state.device)
                if not isinstance(whole, DeviceState) or whole.updated_at < state.updated_at:
                    self._device(state.node, state.device, _onto(whole, state))
            case FeedNode() as feed:
                if (known := self._node(feed.node)) is not None:
                    known.feed, known.since = feed, feed.since
            case FeedJob() as job:
                self._happened(told, job.node, job)
            case FeedAlert(node=node, note=note) as alert:
                self._alert(node, note, alert)
                self._happened(told, node, note)
            case _:
                pass  # nothing else is on a dashboard's topics

    def _status(self, told: Told, status: Status, now: datetime) -> None:
        known = self._node(told.node)
        if known is None:
            return
        before = known.status
        if before is not None and not status.online and before.session != status.session:
            return  # the will of a connection that was replaced already
        if not told.kept and (before is None or before.online != status.online):
            known.since = now
        known.status = status

    def _node(self, node: str) -> _Node | None:
        known = self._nodes.get(node)
        if known is None and len(self._nodes) < NODES:
            known = self._nodes[node] = _Node()
        return known

    def _device(self, node: str, device: str, state: DeviceState | FeedDevice) -> None:
        devices = self._devices.get(node)
        if devices is None:
            if len(self._devices) >= NODES:
                return
            devices = self._devices[node] = {}
        if device in devices or len(devices) < DEVICES_OF_A_NODE:
            devices[device] = state

    def _alert(self, node: str, note: Note, alert: FeedAlert) -> None:
        key = (node, note.code, note.subject)
        self.alerts.pop(key, None)
        if not note.cleared:
            self.alerts[key] = alert
            if len(self.alerts) > NODES:
                del self.alerts[next(iter(self.alerts))]

    def _happened(self, told: Told, node: str, what: FeedJob | Note) -> None:
        if told.id not in self._ids:  # the feed says things at least once
            self._ids.append(told.id)
            self.lately.append(Happened(told.at, node, what))


def _by_figures(name: str) -> tuple[tuple[int, str], ...]:
    """Return what sorts `floor 2` before `floor 10`."""
    parts = re.split(r"([0-9]{1,9})", name.lower())
    return tuple((int(each), "") if index % 2 else (-1, each) for index, each in enumerate(parts))


def _onto(whole: DeviceState | FeedDevice | None, news: FeedDevice) -> DeviceState | FeedDevice:
    """Return what is known of a device with what the centre said later."""
    if not isinstance(whole, DeviceState):
        return news
    return whole.model_copy(
        update={
            "state": news.state,
            "answers": news.answers,
            "troubles": news.troubles,
            "updated_at": news.updated_at,
        }
    )


def _seen(name: str, known: _Node, *, here: bool) -> SiteSeen:
    site, feed = known.site, known.feed
    if site is not None:
        state: LinkState = "linked" if site.linked else "alone"
        if site.out_of_service:
            state = "out-of-service"
        called, detail = site.site or name, site.out_of_service or ""
        return SiteSeen(name, called, state, site.since, site.waiting, detail)
    # the centre listens to it, and it speaks: both
    online = known.status.online if known.status else feed is not None
    there = online and (feed is None or feed.linked)
    waiting = feed.waiting if feed else None
    called = (known.status.site if known.status else None) or name
    return SiteSeen(
        name, called, "linked" if there else "cut-off", known.since, waiting, terminal=here
    )


def _printer(node: str, state: DeviceState | FeedDevice) -> PrinterSeen:
    whole = state if isinstance(state, DeviceState) else None
    return PrinterSeen(
        node,
        state.device,
        state.name or state.device,
        state.state,
        state.answers,
        tuple(each for each in whole.reasons if each != "none") if whole else (),
        state.troubles,
        whole.supplies if whole else (),
        state.updated_at,
    )


def _here(node: str, here: PrinterHere) -> PrinterSeen:
    """Return a printer of which only the site's own list speaks."""
    name, state = here.name or here.printer, here.state or "unknown"
    return PrinterSeen(node, here.printer, name, state, None, here.reasons, (), (), None)
