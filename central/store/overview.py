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

from sqlalchemy import select

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
        return any(each.severity == "critical" for each in self.troubles)


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

    _told: dict[tuple[str, str], tuple[datetime, _Told]] = field(default_factory=dict)
    _names: tuple[int, dict[tuple[str, str], str]] = (-1, {})
    _shown: tuple[object, list[DeviceGlance]] = (None, [])
    """All devices, and of what they were made."""
    _changes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def devices(self, tx: Transaction, nodes: Collection[str] | None = None) -> list[DeviceGlance]:
        """Return all devices, or those of some edges, by name."""
        with self._lock:
            shown = self._every(tx)
        if nodes is None:
            return list(shown)
        return [each for each in shown if each.node in nodes]

    def _every(self, tx: Transaction) -> list[DeviceGlance]:
        self._catch_up(tx)
        names, told = self._called(tx), self._told
        alerts = device_alerts.raised(tx)
        made_of = (self._changes, self._names[0], alerts)
        if self._shown[0] == made_of:
            return self._shown[1]
        raised: dict[tuple[str, str], list[TroubleGlance]] = {}
        for alert in alerts:
            found = TroubleGlance(alert.code, "warning", alert.detail, None)
            raised.setdefault((alert.place.node, alert.place.device), []).append(found)
        shown = [
            _device(place, told.get(place), names.get(place, ""), raised.get(place, ()))
            for place in told.keys() | names.keys()
        ]
        self._shown = (
            made_of,
            sorted(shown, key=lambda each: (natural(each.name), each.node, each.device)),
        )
        return self._shown[1]

    def _catch_up(self, tx: Transaction) -> None:
        rows = tx.sql.execute(
            select(device_state.c.node, device_state.c.device, device_state.c.at)
        ).all()
        stamps = {(row.node, row.device): row.at for row in rows}
        for gone in self._told.keys() - stamps.keys():
            del self._told[gone]
            self._changes += 1
        stale = [p for p, at in stamps.items() if p not in self._told or self._told[p][0] != at]
        if not stale:
            return
        self._changes += 1
        query = select(device_state)
        if len(stale) < len(stamps):
            query = query.where(device_state.c.node.in_(sorted({each[0] for each in stale})))
        wanted = set(stale)
        for row in tx.sql.execute(query):
            if (row.node, row.device) in wanted:
                self._told[row.node, row.device] = row.at, _read(row.state)

    def _called(self, tx: Transaction) -> dict[tuple[str, str], str]:
        version = directory.version(tx)
        if self._names[0] != version:
            found = {}
            for _, row in directory.live(tx, "printer"):
                printer = PrinterRow.model_validate(row)
                found[printer.node, printer.device] = printer.name
            self._names = version, found
        return self._names[1]


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
    place: tuple[str, str],
    told: tuple[datetime, _Told] | None,
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
