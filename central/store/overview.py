"""The fleet at a glance: each site's line and each printer's trouble, cheap enough for every look.

What edges tell of printers is parsed once for each telling, not for each look: a picture keeps
what it has read, and reads again what was told since.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import BigInteger, select, tuple_, type_coerce

from broker.directory import PrinterRow
from central.store import device_alerts, directory, figures
from central.store.tables import device_state, node

if TYPE_CHECKING:
    from collections.abc import Collection

    from central.store.books import Transaction

#: An edge that said nothing for so long is not linked, whatever the books remember.
STALE: Final = timedelta(seconds=150)

LinkState: TypeAlias = Literal["linked", "alone", "out", "parked", "new"]
Severity: TypeAlias = Literal["info", "warning", "critical"]
#: Node and device.
_Place: TypeAlias = "tuple[str, str]"


@dataclass(frozen=True, slots=True)
class SiteGlance:
    """A site's line."""

    node: str
    """Its edge."""
    site: str
    """What people call it."""
    role: str
    """agent, tracker or remote."""
    state: LinkState
    """alone: it goes on without the centre; out: an agent without it; parked: parked or frozen;
    new: its edge was never heard."""
    since: datetime | None
    """When it was last heard, if it is not linked."""
    waiting: int
    """Events it has told of that are not committed here."""
    reason: str
    """Why it is parked or frozen."""


@dataclass(frozen=True, slots=True)
class TroubleGlance:
    """Something that somebody should see to."""

    code: str
    severity: Severity
    detail: str
    """For people, as the edge or the books said it."""
    since: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceGlance:
    """A printer."""

    node: str
    device: str
    name: str
    """What people call it."""
    state: Literal["idle", "processing", "stopped", "unknown"]
    answers: bool | None
    troubles: tuple[TroubleGlance, ...]
    """The worst first."""
    supply_days: int | None
    """Days until the first supply is used up, where that is known."""
    supply: str
    """Which."""
    updated_at: datetime | None
    """When it was seen so."""

    @property
    def needs_hand(self) -> bool:
        """Whether people cannot print there until somebody comes."""
        # of thousands hardly any has a trouble, and each page asks all of them
        return bool(self.troubles) and any(each.severity == "critical" for each in self.troubles)


@dataclass(frozen=True, slots=True)
class _Told:
    """What of a state is shown."""

    name: str
    state: Literal["idle", "processing", "stopped", "unknown"]
    answers: bool | None
    troubles: tuple[TroubleGlance, ...]
    supply_days: int | None
    supply: str
    updated_at: datetime | None


@dataclass(eq=False, slots=True)
class Picture:
    """What was read of devices, kept between looks; threads may share it."""

    _told: dict[_Place, tuple[int, _Told]] = field(default_factory=dict)
    """By device: when it was told, as stored, and what."""
    _names: tuple[int, dict[_Place, str]] = (-1, {})
    _shown: dict[_Place, DeviceGlance] = field(default_factory=dict)
    """All devices, in their order."""
    _made_of: object = None
    """What else they were made of."""
    _lock: Lock = field(default_factory=Lock)

    def devices(self, tx: Transaction, nodes: Collection[str] | None = None) -> list[DeviceGlance]:
        """Return all devices, or those of some edges, by name."""
        with self._lock:
            self._look(tx)
            shown = list(self._shown.values())
        if nodes is None:
            return shown
        return [each for each in shown if each.node in nodes]

    def _look(self, tx: Transaction) -> None:
        changed, names, told = self._catch_up(tx), self._called(tx), self._told
        alerts = device_alerts.raised(tx)
        made_of = self._names[0], alerts
        raised: dict[_Place, list[TroubleGlance]] = {}
        for alert in alerts:
            found = TroubleGlance(alert.code, "warning", alert.detail, None)
            raised.setdefault((alert.place.node, alert.place.device), []).append(found)

        def seen(place: _Place) -> DeviceGlance:
            return _device(place, told.get(place), names.get(place, ""), raised.get(place, ()))

        if self._made_of == made_of and all(each in told for each in changed):
            fresh = {place: seen(place) for place in changed}
            # in the midst of a day states change, and hardly ever what a device is called
            if all(p in self._shown and self._shown[p].name == g.name for p, g in fresh.items()):
                self._shown |= fresh
                return
        every = [seen(place) for place in told.keys() | names.keys()]
        every.sort(key=lambda each: (natural(each.name), each.node, each.device))
        self._shown = {(each.node, each.device): each for each in every}
        self._made_of = made_of

    def _catch_up(self, tx: Transaction) -> set[_Place]:
        """Read what was told since the last look; return of which devices, gone ones among them."""
        rows = tx.sql.execute(_STAMPS).all()
        stamps = {(node_id, device): at for node_id, device, at in rows}
        gone = self._told.keys() - stamps.keys()
        for place in gone:
            del self._told[place]
        stale = {p for p, at in stamps.items() if p not in self._told or self._told[p][0] != at}
        if not stale:
            return gone
        query = select(device_state.c.node, device_state.c.device, _AT, device_state.c.state)
        if len(stale) <= _FEW:
            query = query.where(tuple_(device_state.c.node, device_state.c.device).in_(stale))
        for node_id, device, at, state in tx.sql.execute(query):
            if (node_id, device) in stale:
                self._told[node_id, device] = at, _read(state)
        return gone | stale

    def _called(self, tx: Transaction) -> dict[_Place, str]:
        version = directory.version(tx)
        if self._names[0] != version:
            found = {}
            for _, row in directory.live(tx, "printer"):
                printer = PrinterRow.model_validate(row)
                found[printer.node, printer.device] = printer.name
            self._names = version, found
        return self._names[1]


#: So many devices are looked up one by one; of more, all are read.
_FEW: Final = 400
#: As stored: comparing is all that is done with it, of each device at each look.
_AT: Final = type_coerce(device_state.c.at, BigInteger).label("at")
_STAMPS: Final = select(device_state.c.node, device_state.c.device, _AT)


def sites(tx: Transaction, nodes: Collection[str] | None = None) -> list[SiteGlance]:
    """Return all sites, or those of some edges, by what people call them."""
    behind = {each.node: each.waiting for each in figures.sites(tx)}
    rows = tx.sql.execute(
        select(
            node.c.id,
            node.c.site,
            node.c.role,
            node.c.state,
            node.c.reason,
            node.c.linked,
            node.c.born_at,
            node.c.seen_at,
        ).where(node.c.kind == "edge")
    )
    found = []
    for row in rows:
        if nodes is not None and row.id not in nodes:
            continue
        heard = row.linked and row.seen_at is not None and tx.now - row.seen_at <= STALE
        state: LinkState
        if row.state != "active":
            state = "parked"
        elif heard:
            state = "linked"
        elif row.born_at is None:
            state = "new"
        else:
            state = "out" if row.role == "agent" else "alone"
        found.append(
            SiteGlance(
                row.id,
                row.site or row.id,
                row.role,
                state,
                None if heard else row.seen_at,
                behind.get(row.id, 0),
                row.reason,
            )
        )
    return sorted(found, key=lambda each: (natural(each.site), each.node))


def natural(name: str) -> list[tuple[str, int]]:
    """Return what sorts names as people count: Library 2 before Library 10."""
    return [(text, int(n) if n else -1) for text, n in _PARTS.findall(name.casefold()) if text or n]


#: Text, and digits after it; more digits than any printer's number has are text.
_PARTS: Final = re.compile(r"(\D*)(\d{0,9})")


_RANK: Final = {"critical": 0, "warning": 1, "info": 2}


def _device(
    place: _Place,
    told: tuple[int, _Told] | None,
    name: str,
    raised: Collection[TroubleGlance],
) -> DeviceGlance:
    node_id, device = place
    if told is None:
        return DeviceGlance(
            node_id, device, name or device, "unknown", None, tuple(raised), None, "", None
        )
    found = told[1]
    called = name if name and name != device else found.name or name or device
    troubles = sorted((*found.troubles, *raised), key=lambda each: _RANK[each.severity])
    return DeviceGlance(
        node_id,
        device,
        called,
        found.state,
        found.answers,
        tuple(troubles),
        found.supply_days,
        found.supply,
        found.updated_at,
    )


def _read(state: str) -> _Told:
    told: dict[str, Any] = json.loads(state)
    supplies = [
        (each["days_left"], str(each.get("name", "")))
        for each in told.get("supplies", ())
        if each.get("days_left") is not None
    ]
    days, supply = min(supplies, default=(None, ""))
    return _Told(
        str(told["name"]),
        told["state"],
        told.get("answers"),
        tuple(
            TroubleGlance(
                str(each["code"]),
                each["severity"],
                str(each.get("detail", "")),
                datetime.fromisoformat(each["since"]),
            )
            for each in told.get("troubles", ())
        ),
        days,
        supply,
        datetime.fromisoformat(told["updated_at"]),
    )
