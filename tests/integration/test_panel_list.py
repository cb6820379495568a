"""The list of a panel: asked for as somebody comes, short at first, and whole for who wants it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from broker.messages import PersonNews
from terminal_bridge.edge_line import Said
from terminal_bridge.panel.listing import SHOWN, listed
from tests.integration.panel_lab import (
    NAME,
    PHONE,
    SCREEN,
    Caller,
    PanelLab,
    no,
    panel,
    row,
    session_of,
    until,
    yes,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.messages import Reply

_ROW = re.compile(r'<li class="job ')
_PRICE = {"price": [{"account": "user:ana", "unit": "EUR", "micros": 50_000}], "impressions": 1}


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[PanelLab]:
    """Run a panel."""
    async with panel(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def screen(lab: PanelLab) -> AsyncIterator[Caller]:
    """Open the screen at the machine."""
    async with lab.caller(SCREEN) as caller:
        yield caller


@pytest_asyncio.fixture
async def phone(lab: PanelLab) -> AsyncIterator[Caller]:
    """Open a phone."""
    async with lab.caller(PHONE) as caller:
        yield caller


def _hold(lab: PanelLab, count: int) -> list[dict[str, object]]:
    rows = [row(f"paper {number}.pdf", outlook=_PRICE) for number in range(count)]
    lab.line.answers["jobs"] = lambda _: yes({"jobs": rows, "more": False})
    return rows


# ── asked for ahead ─────────────────────────────────────────────────────────────────────────


async def test_a_card_asks_for_the_first_page_once(lab: PanelLab, screen: Caller) -> None:
    """Jobs and money are asked for as a card is known; the page that comes asks for neither."""
    _hold(lab, 1)
    await lab.card("0417")
    await until(lambda: bool(lab.line.questions("jobs")))
    assert "paper 0.pdf" in (await screen.get("jobs")).text
    assert [len(lab.line.questions(each)) for each in ("jobs", "balance")] == [1, 1]
    await screen.get("jobs")
    assert [len(lab.line.questions(each)) for each in ("jobs", "balance")] == [2, 2]


async def test_what_changed_meanwhile_is_asked_for_again(lab: PanelLab, screen: Caller) -> None:
    """A job that came between the card and the page is on the page."""
    _hold(lab, 1)
    await lab.card("0417")
    await until(lambda: bool(lab.line.questions("jobs")))
    _hold(lab, 2)
    who = lab.desk.screen.who
    assert who is not None
    news = {"session": who.answer.session, "what": "held", "text": "It is here.", "data": {}}
    told = lab.desk.screen.listen()
    lab.line.says(Said(PersonNews.model_validate(news)))
    while (push := await told.get()) is not None and push.kind != "jobs":
        pass
    page = await screen.get("jobs")
    assert "paper 1.pdf" in page.text


async def test_what_was_asked_for_one_is_not_shown_to_the_next(
    lab: PanelLab, screen: Caller
) -> None:
    """A list that was asked for as Ana came is not on the page of Bea, who came after her."""
    ana = session_of("ana")
    lab.line.answers["jobs"] = lambda fields: yes(
        {"jobs": [row("Secret.pdf")] if fields["person"]["session"] == ana else []}
    )
    gate = lab.line.gates["jobs"] = asyncio.Event()
    await lab.card("0417")
    await lab.line.waiting.acquire()
    late = asyncio.create_task(screen.client.get(f"/{NAME}/jobs"))
    await asyncio.sleep(0)
    await lab.card("0533")
    gate.set()
    assert "Secret.pdf" not in (await late).text
    assert "Secret.pdf" not in (await screen.get("jobs")).text


async def test_a_list_that_fails_says_so(lab: PanelLab, phone: Caller) -> None:
    """Where the edge lists nothing, the page says why, and is there."""
    lab.line.answers["jobs"] = lambda _: no("store-unwritable")
    page = await phone.sign_in("ana")
    assert page.status_code == 200
    assert 'class="notice trouble"' in page.text


# ── short and whole ─────────────────────────────────────────────────────────────────────────


async def test_a_long_list_begins_with_a_few_and_counts_all(lab: PanelLab, phone: Caller) -> None:
    """Of 100 jobs the first ten are drawn; their number, their price and the link are of all."""
    _hold(lab, 100)
    page = (await phone.sign_in("ana")).text
    assert len(_ROW.findall(page)) == 10
    assert "100 jobs" in page
    assert "Release all 100 <b>€5.00" in page
    whole = (await phone.get("jobs?all=1")).text
    assert f'href="/{NAME}/jobs?all=1#' in page
    assert len(_ROW.findall(whole)) == 100
    assert 'id="all"' not in whole


async def test_some_jobs_are_all_there(lab: PanelLab, phone: Caller) -> None:
    """Twenty jobs are listed without a link to the rest: there is none."""
    _hold(lab, 20)
    page = (await phone.sign_in("ana")).text
    assert len(_ROW.findall(page)) == 20
    assert 'id="all"' not in page


async def test_all_are_released_that_are_counted(lab: PanelLab, phone: Caller) -> None:
    """`Release all` of a short list releases those too that are not drawn."""
    rows = _hold(lab, 30)
    await phone.sign_in("ana")
    await phone.post("release-all")
    released = {fields["job"] for fields in lab.line.questions("release")}
    assert released == {each["job"] for each in rows}


async def test_the_way_back_leads_to_the_list_one_came_from(lab: PanelLab, phone: Caller) -> None:
    """Whoever acts on a job in the whole list is back in the whole list."""
    rows = _hold(lab, 30)
    await phone.sign_in("ana")
    job = rows[25]["job"]
    assert f"/jobs/{job}?all=1" in (await phone.get("jobs?all=1")).text
    assert f'href="/{NAME}/jobs?all=1"' in (await phone.get(f"jobs/{job}?all=1")).text
    for act in ("release", "delete"):
        answer = await phone.post(f"jobs/{job}/{act}", all="1")
        assert answer.headers["location"] == f"/{NAME}/jobs?all=1"


async def test_a_script_is_told_where_to_go(lab: PanelLab, phone: Caller) -> None:
    """Whoever accepts JSON is told the address that others are sent to, and as little else."""
    (job,) = (each["job"] for each in _hold(lab, 1))
    await phone.sign_in("ana")
    phone.client.headers["accept"] = "application/json"
    answer = await phone.post(f"jobs/{job}/release")
    assert answer.json() == {"go": f"/{NAME}/jobs"}
    assert len(lab.line.questions("release")) == 1
    phone.token = "0" * 32
    assert (await phone.post(f"jobs/{job}/release")).status_code == 403


async def test_a_list_goes_on_where_the_edge_stopped() -> None:
    """Pages of the edge are asked for one after the other, and no more of them than are shown."""
    rows = [row(f"{number}") for number in range(3 * SHOWN)]
    places = {each["job"]: number for number, each in enumerate(rows)}

    async def ask(_: str, **fields: Any) -> Reply:  # noqa: ANN401  of the wire
        first = places[fields["after"]] + 1 if fields["after"] else 0
        return yes({"jobs": rows[first : first + 40], "more": True})

    found = await listed(ask, "copier-1")
    assert [each["job"] for each in found.rows] == [each["job"] for each in rows[:SHOWN]]
    assert (found.more, found.failed) == (True, False)
