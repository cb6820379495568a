"""Devices: how each printer of the fleet is, as its edge told last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import device_list
from central.web.answers import Device, DeviceAlert, DeviceMeter, DeviceSupply
from central.web.api.table import Call, Example, Route
from central.web.paging import KeyPage, Page, page_of, paged

if TYPE_CHECKING:
    from broker.messages import Supply
    from central.store.books import Transaction
    from central.store.device_list import Listed


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Device]:
    """List devices by edge and device id: state, supplies, alerts, pages today."""
    page = call.asked
    # as nodes: few enough to be read whole, and sorted here
    rows = sorted(
        (
            each
            for each in device_list.every(tx)
            if str(each.place) > page.after and call.reaches(each.place.node)
        ),
        key=lambda each: str(each.place),
    )
    return page_of(rows, page.limit, show=_device, key=lambda each: str(each.place))


def _device(each: Listed) -> Device:
    state = each.state
    identity = None if state is None else state.identity
    alerts = [
        DeviceAlert(code=t.code, severity=t.severity, detail=t.detail, since=t.since)
        for t in (() if state is None else state.troubles)
    ]
    alerts += [
        DeviceAlert(code=a.code, severity="warning", detail=a.detail, since=None)
        for a in each.alerts
    ]
    return Device(
        node=each.place.node,
        site=each.called.site,
        device=each.place.device,
        name=each.called.name,
        state="unknown" if state is None else state.state,
        reasons=() if state is None else state.reasons,
        answers=None if state is None else state.answers,
        message=None if state is None else state.message,
        serial=None if identity is None else identity.serial,
        model=None if identity is None else identity.model,
        supplies=() if state is None else tuple(_supply(s) for s in state.supplies),
        meters=()
        if state is None
        else tuple(DeviceMeter(name=m.name, unit=m.unit, value=m.value) for m in state.meters),
        alerts=tuple(alerts),
        pages_today=each.pages_today,
        updated_at=None if state is None else state.updated_at,
    )


def _supply(told: Supply) -> DeviceSupply:
    return DeviceSupply(
        name=told.name,
        kind=told.kind,
        color=told.color,
        level=told.level,
        state=told.state,
        receptacle=told.receptacle,
        days_left=told.days_left,
    )


_SUPPLY: Final = {
    "name": "Black Toner",
    "kind": "toner",
    "color": "black",
    "level": 40,
    "state": "ok",
    "receptacle": False,
    "days_left": 21,
}
_DEVICE: Final = {
    "node": "north",
    "site": "Library",
    "device": "north-1",
    "name": "Reading room",
    "state": "idle",
    "reasons": ["none"],
    "answers": True,
    "message": None,
    "serial": "X1",
    "model": "Example 100",
    "supplies": [_SUPPLY],
    "meters": [{"name": "total", "unit": "impressions", "value": 10_250}],
    "alerts": [],
    "pages_today": 120,
    "updated_at": "2026-11-22T08:00:09Z",
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/devices",
        right=Right.SEE_FLEET,
        do=every,
        gives=paged(Device),
        asks=KeyPage,
        example=Example({"items": [_DEVICE], "next": None}),
    ),
)
