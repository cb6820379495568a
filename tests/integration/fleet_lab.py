"""A fleet for the pages of sites, printers and nodes: linked, alone, frozen, new; with trouble."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from broker.directory import PrinterRow
from broker.messages import (
    AccountAmount,
    Counted,
    DeviceState,
    JobHeld,
    JobReleased,
    JobSettled,
    UncoveredCap,
)
from broker.messages.devices import (
    Capabilities,
    DeviceIdentity,
    DeviceTrouble,
    Meter,
    Supply,
    Tray,
)
from central.acts import nodes as acts
from central.acts.by import By
from central.store import accounts, devices, directory, facts, funds, nodes, quarantine
from central.store.meters import Place
from central.store.terms import Terms, Wish
from central.web.pages.proving import Passwords
from config.policy.money import Money
from tests.integration.books_lab import CODE, MemoryEdge, euros
from tests.integration.meters_lab import meters, reading
from tests.integration.pages_lab import PASSWORD, PHC, open_lab

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from tests.integration.pages_lab import Lab

BY: Final = By("cli:test")
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


#: The file of books that are filled, with what was put aside there: filling takes long.
_FILLED: list[tuple[bytes, str, str]] = []


@dataclass
class Fleet:
    """The lab's books, filled."""

    lab: Lab
    aside: str
    """Id of what was put aside."""
    meant: str
    """What it should have been."""

    def heard(self) -> None:
        """Let north be heard now."""
        with self.lab.books.write() as tx:
            nodes.seen(tx, {"north": True})


def open_fleet(path: Path) -> Fleet:
    """Open books that are filled; those of each path are its own."""
    if not _FILLED:
        lab = open_lab(path)
        fleet = fill(lab)
        lab.books.close()
        _FILLED.append(((path / "books.db").read_bytes(), fleet.aside, fleet.meant))
    content, aside, meant = _FILLED[0]
    (path / "books.db").write_bytes(content)
    # ids are made of the time: it is later than when these were
    (path / "opened-to-be-filled").touch()
    quick = Passwords(lambda phc, secret: phc == PHC and secret == PASSWORD)
    return Fleet(open_lab(path, passwords=quick), aside, meant)


def fill(lab: Lab) -> Fleet:
    """Fill the lab: north linked, south alone, east new, west frozen, and a dashboard."""
    books, now = lab.books, lab.centre.clock()
    north, south = MemoryEdge(books), MemoryEdge(books, "south")
    with books.write(now - 8 * 60 * _MINUTE) as tx:
        nodes.rename(tx, "north", "North Library")
        nodes.rename(tx, "south", "South Annex")
        for node, site, kind in (
            ("east", "East Wing", "edge"),
            ("west", "West Hall", "edge"),
            ("wall", "Foyer", "dashboard"),
        ):
            nodes.add(tx, node, site=site, role="remote", kind=kind, code=CODE)
        nodes.set_state(tx, "west", "frozen", "two branches follow event 4 of its ledger stream")
        for n in range(1, 5):
            row = PrinterRow(device=f"north-{n}", node="north", name=f"Library {n}")
            directory.put(tx, "printer", row.device, row)
        for edge in (north, south):
            birth = edge.birth().model_copy(
                update={"wire": 3, "software": "printmesh 1.0.0", "role": "remote"}
            )
            assert isinstance(nodes.accept(tx, edge.node, birth), nodes.Accepted)
        wish = Wish("remote", (UncoveredCap(unit="EUR", site=50_000_000, user=5_000_000),))
        assert isinstance(acts.set_role(tx, BY, "south", wish), Terms)
        told = {Place("north", f"north-{n}"): printer(n, now) for n in range(1, 5)}
        told |= {Place("south", "south-1"): printer(9, now)}
        devices.put(tx, dict(told))
    with books.write(now - 7 * 60 * _MINUTE) as tx:
        accounts.top_up(tx, "user:ana", Money.parse("60.00", "EUR"), note="", author="cli:test")
        funds.park_free(tx, frozenset({"north", "south"}))
    north.listen()
    for day in range(5):
        for n in range(1, 3 + day):
            print_one(north, f"north-{n % 3 + 1}", now - day * _DAY - n * _MINUTE)
    days = [
        reading(0, *meters(total=1000), device="north-1", continues=False),
        reading(1, *meters(total=1030), device="north-1"),
    ]
    north.send(north.say(*days, name="jobs"), name="jobs")
    id_, meant = put_aside(north, now)
    with books.write(now - 12 * _MINUTE) as tx:
        south.say(*(south.charge(30_000) for _ in range(3)))
        birth = south.birth(None).model_copy(update={"wire": 3, "software": "printmesh 0.9.4"})
        assert isinstance(nodes.accept(tx, "south", birth), nodes.Accepted)
    more = True
    while more:
        with books.write() as tx:
            more = facts.step(tx, 1000).more
    with books.write(now) as tx:
        nodes.seen(tx, {"north": True, "south": False})
    return Fleet(lab, id_, meant)


def printer(n: int, now: datetime) -> DeviceState:
    """Return what an edge tells of a printer; the second has a jam, the third little toner."""
    since = now - 15 * _MINUTE
    jam = DeviceTrouble(code="jam", severity="critical", detail="Paper jam in tray 2", since=since)
    low = DeviceTrouble(code="toner-low", severity="warning", detail="Black is low", since=since)
    return DeviceState(
        device=f"north-{n}" if n < 9 else "south-1",
        name=f"Library {n}" if n < 9 else "Annex",
        state="stopped" if n == 2 else "idle",
        updated_at=now - _MINUTE,
        answers=n != 4,
        message="Clear the jam" if n == 2 else None,
        identity=DeviceIdentity(serial=f"XKL-{n}", maker="Acme", model="Press 400"),
        supplies=(
            Supply(
                key="1",
                name="Black toner",
                kind="toner",
                color="black",
                level=8 if n == 3 else 62,
                state="low" if n == 3 else "ok",
                days_left=4 if n == 3 else 40,
            ),
            Supply(key="2", name="Waste toner box", level=71, state="ok", receptacle=True),
            Supply(key="3", name="Fuser", state="some"),
        ),
        trays=(
            Tray(key="1", name="Tray 1", media="iso_a4_210x297mm", level=40, state="ready"),
            Tray(key="2", name="Tray 2", media="iso_a3_297x420mm", state="empty"),
        ),
        meters=(Meter(name="total", value=1030 + n, source="snmp:prtMarkerLifeCount"),),
        troubles={2: (jam,), 3: (low,)}.get(n, ()),
        can=Capabilities(color=True, two_sided=True),
    )


def print_one(edge: MemoryEdge, device: str, at: datetime, pages: int = 6) -> UUID:
    """Let a job of Ana's come in, be printed and charged."""
    job = edge.mint()
    counted = Counted(
        source="device-job", impressions=pages, color_impressions=2, sheets=(pages + 1) // 2
    )
    charge = edge.charge(euros("0.18"), job=job, printer=device, counted=counted, settled_at=at)
    edge.send(edge.say(charge))
    amount = AccountAmount(account="user:ana", unit="EUR", micros=euros("0.18"))
    told = [
        JobHeld(
            job=job,
            queue="print2me",
            user="ana",
            name="Thesis.pdf",
            received_at=at,
            counted=counted,
        ),
        JobReleased(job=job, attempt=1, user="ana", printer=device, held=(amount,), alone=False),
        JobSettled(
            job=job,
            attempt=1,
            printer=device,
            disposition="completed",
            counts=(counted,),
            billed=counted,
            charge=charge.charge,
        ),
    ]
    edge.send(edge.say(*told, name="jobs"), name="jobs")
    return job


def put_aside(edge: MemoryEdge, at: datetime) -> tuple[str, str]:
    """Have a charge put aside whose printer nobody can read; return its id and what it meant."""
    (good,) = edge.say(edge.charge(euros("0.12"), settled_at=at))
    edge.journal["ledger"].pop()
    bad = json.loads(str(good.data))
    bad["data"]["printer"] = "?"
    edge.send([edge.say_text(json.dumps(bad))])
    with edge.books.read() as tx:
        (put,) = quarantine.every(tx)
    return put.id, str(good.data)
