"""Several terminals at once, one that dies, one that is flooded: each job is released once."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from statistics import quantiles
from typing import TYPE_CHECKING

import pytest_asyncio

from demo.documents import pdf
from demo.lab import Lab, Person, Plan
from demo.lab_error import LabError
from demo.panel_visit import PanelVisit
from demo.ports import answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from demo.panel import Panel
    from demo.site import Site

ANA = Person("ana", "0417", "50.00")
OLA = Person("ola", "0601", "1.00")
TIM = Person("tim", "0722", "10.00")
_PINS: dict[str, str] = {}
_EACH = 50_000
"""Micros of a page."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def north() -> AsyncIterator[Site]:
    """Build one site with a panel; Ola operates."""
    plan = Plan(sites=("north",), people=(ANA, OLA, TIM), panels=("north",), direct_queues=False)
    async with Lab(plan) as lab:
        for person in (ANA, OLA, TIM):
            told = await lab.central("pin", "set", person.user, "--generate", "--json")
            _PINS[person.user] = told["pin"]
        await lab.central("user", "set", "ola", "--operates", "north")
        site = lab.sites["north"]
        await site.until_merged()
        yield site


def _panel(site: Site) -> Panel:
    assert site.panel is not None
    return site.panel


async def _phone(site: Site, person: Person) -> PanelVisit:
    """Return a phone that somebody is signed in at."""
    phone = PanelVisit(_panel(site))
    page = await phone.send(
        "sign-in", await phone.get(), user=person.user, pin=_PINS[person.user], way="pin"
    )
    assert "Sign off" in page.text
    return phone


async def _print(site: Site, title: str, pages: int = 2) -> str:
    paper = site.root / f"together-{pages}.pdf"
    pdf(paper, pages, colour=())
    await site.print(paper, user=ANA.user, title=title)
    return str((await site.job(title, "held"))["job"])


async def test_three_people_at_three_terminals_release_one_job_once(north: Site) -> None:
    """Its owner, an operator, and a card elsewhere at the same moment: one release, one price."""
    ana, ola = await _phone(north, ANA), await _phone(north, OLA)
    first, second = north.printers
    before = sum(printer.impressions() for printer in north.printers.values())
    for number in range(5):
        title = f"Wanted {number}.pdf"
        job = await _print(north, title)
        pages = await asyncio.gather(ana.get("jobs"), ola.get("jobs?of=*"))
        told = await asyncio.gather(
            ana.send(f"jobs/{job}/release", pages[0], machine=first),
            ola.send(f"jobs/{job}/release", pages[1], machine=second, of="*"),
            north.release(job, second, card=ANA.card),
        )
        done = await north.job(title, "settled")
        assert (done["billed"], done["charged"][0]["micros"]) == (2, 2 * _EACH)
        yes = [
            told[2].status == "ok",
            *("on its way to" in page.text for page in told[:2]),
        ]
        assert sum(yes) == 1, [page.text[:300] for page in told[:2]]
        assert (await north.release(job, first, card=ANA.card)).status == "refused"
    printed = sum(printer.impressions() for printer in north.printers.values()) - before
    assert printed == 5 * 2


async def test_power_cut_of_a_panel_in_mid_release(north: Site) -> None:
    """Killed at any moment around a release, the job is printed once or still there to release."""
    panel = _panel(north)
    before = sum(printer.impressions() for printer in north.printers.values())
    for number, after in enumerate((0.0, 0.01, 0.03, 0.1, 0.3)):
        title = f"Power {number}.pdf"
        job = await _print(north, title)
        phone = await _phone(north, ANA)
        page = await phone.get("jobs")
        pressing = asyncio.create_task(phone.send(f"jobs/{job}/release", page))
        await asyncio.sleep(after)  # where the power goes is the point of it
        panel.program.kill()
        await asyncio.to_thread(panel.program.wait)
        with suppress(LabError, ConnectionError):
            await pressing
        panel.run()
        await north.lab.until(lambda: answers(panel.port), "the panel to serve again")
        phone = await _back(north)
        stands = await north.job(title, "held", "releasing", "settled")
        if stands["phase"] == "held":
            await phone.send(f"jobs/{job}/release", await phone.get("jobs"))
        done = await north.job(title, "settled")
        assert (done["billed"], done["charged"][0]["micros"]) == (2, 2 * _EACH)
        await phone.send(f"jobs/{job}/release", await phone.get("jobs"))  # of an old page
    assert sum(printer.impressions() for printer in north.printers.values()) - before == 5 * 2


async def _back(site: Site) -> PanelVisit:
    """Return Ana's phone once the panel has found its edge again."""
    phone: list[PanelVisit] = []

    async def there() -> bool:
        with suppress(AssertionError, LabError):
            phone.append(await _phone(site, ANA))
        return bool(phone)

    await site.lab.until_async(there, "the panel to sign people in again")
    return phone[0]


async def test_who_is_deleted_at_the_centre_stops_at_once(north: Site) -> None:
    """In mid-copy the machine stops and what was made is paid; phone, PIN and card know nobody."""
    panel, screen, phone = _panel(north), PanelVisit(_panel(north)), await _phone(north, TIM)
    await screen.pair()
    await screen.hold(TIM.card)
    await screen.send("copy/begin", await screen.get("copy"))
    assert await panel.copier.until(enabled=True, seconds=10)
    before = panel.copier.total
    making = asyncio.create_task(panel.copier.copies(100, seconds=60))
    await screen.until("Stop and pay", "copy")
    await north.lab.central("user", "remove", TIM.user)
    assert await panel.copier.until(enabled=False, seconds=10)
    assert "Sign off" not in (await phone.get("jobs")).text
    await making
    (copy,) = [row for row in await north.jobs() if row["service"] == "copy"]
    copy = await north.job(copy["name"], "settled")
    assert 0 < copy["billed"] == panel.copier.total - before < 100  # the page under way too
    await screen.until("Hold your card")
    page = await phone.send(
        "sign-in", await phone.get(), user=TIM.user, pin=_PINS[TIM.user], way="pin"
    )
    assert "Sign off" not in page.text
    assert (await north.release(str(copy["job"]), panel.device, card=TIM.card)).status == "refused"


async def test_ten_thousand_swipes_a_minute_keep_nobody_waiting(north: Site) -> None:
    """Cards that nobody knows, for ten seconds: the panel's phones and the edge answer in time."""
    phone = await _phone(north, ANA)

    async def seconds(ask: Callable[[], Awaitable[object]]) -> list[float]:
        loop, took = asyncio.get_running_loop(), []
        end = loop.time() + 10
        while loop.time() < end:
            began = loop.time()
            await ask()
            took.append(loop.time() - began)
            await asyncio.sleep(0.1)
        return took

    async def swipes() -> int:
        loop, sent = asyncio.get_running_loop(), 0
        began = loop.time()
        while (over := loop.time() - began) < 10:
            due = int(over * 10_000 / 60) - sent
            _panel(north).reader.hold(*(secrets.token_hex(4) for _ in range(due)))
            sent += due
            await asyncio.sleep(0.02)
        return sent

    sent, pages, lists = await asyncio.gather(
        swipes(), seconds(lambda: phone.get("jobs")), seconds(lambda: north.jobs(held_only=True))
    )
    assert sent > 1500
    for took in (pages, lists):
        assert quantiles(took, n=100)[98] < 1.0, sorted(took)[-5:]
    log = (north.lab.root / f"{_panel(north).node}.log").read_text()
    assert log.count('"reader-flood"') in {1, 2}
    # a good card is taken once the noise is over: at the latest when the wait that is said ends
    screen = PanelVisit(_panel(north))
    await screen.pair()
    async with asyncio.timeout(90):
        while "Sign off" not in (await screen.get()).text:
            _panel(north).reader.hold(ANA.card)
            await asyncio.sleep(1)
    await screen.leave()
