"""What a panel asks and tells: questions of rules, what the site threw away, trouble."""

from __future__ import annotations

import asyncio
import html
import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import AnyHttpUrl

from broker.messages import PersonNews, Problem, Reply
from broker.messages.terminals import QuoteAnswer
from terminal_bridge.edge_line import Said
from terminal_bridge.events import PrinterTrouble
from terminal_bridge.panel import render
from terminal_bridge.panel.notices import news_of
from terminal_bridge.panel.routes_money import help_at
from terminal_bridge.phases import Copying
from terminal_bridge.words import LANGUAGES, words_of
from tests.integration.panel_lab import PHONE, SCREEN, panel, row, session_of, until, yes
from tests.integration.terminal_lab import HandCopier
from tests.unit.session_lab import copy_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from typing import Any

    from tests.integration.panel_lab import Caller, PanelLab

pytestmark = pytest.mark.timeout(30)

#: Of several rules: more than a field of a form may hold.
LONG = "This is dear. " * 60 + "Print it all the same?"
_ASKED = re.compile(r'name="confirmed" value="([^"]*)"')


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[PanelLab]:
    """Run a panel beside a copier."""
    async with panel(tmp_path, HandCopier()) as running:
        yield running


@pytest_asyncio.fixture
async def screen(lab: PanelLab) -> AsyncIterator[Caller]:
    """Open the screen."""
    async with lab.caller(SCREEN) as caller:
        yield caller


@pytest_asyncio.fixture
async def phone(lab: PanelLab) -> AsyncIterator[Caller]:
    """Open a phone."""
    async with lab.caller(PHONE) as caller:
        yield caller


def asks(question: str) -> Reply:
    """Ask first."""
    problem = Problem(code="answer-needed", detail=question)
    return Reply(corr=UUID(int=0), status="refused", problem=problem)


def read(page: str) -> str:
    """Return by what a page names the question that stands on it."""
    found = _ASKED.search(page)
    assert found is not None
    return html.unescape(found[1])


# ── questions of rules ──────────────────────────────────────────────────────────────────────


async def test_a_yes_to_a_copy_is_to_the_question_that_was_read(
    lab: PanelLab, screen: Caller
) -> None:
    """Where another question is asked meanwhile, the yes to the first begins nothing."""
    question = LONG

    def begins(fields: Mapping[str, Any]) -> Reply:
        return copy_state() if fields["confirmed"] else asks(question)

    lab.line.answers["copy-begin"] = begins
    await lab.card("0417")
    await screen.get("copy")
    await screen.post("copy/begin")
    page = await screen.get("copy")
    assert "Print it all the same?" in page.text
    question = "Twice as dear since noon. Copy?"
    await screen.post("copy/begin", confirmed=read(page.text))
    page = await screen.get("copy")
    assert "Twice as dear" in page.text
    assert not any(fields["confirmed"] for fields in lab.line.questions("copy-begin"))
    await screen.post("copy/begin", confirmed=read(page.text))
    assert isinstance(lab.desk.screen.bridge.terminal.phase, Copying)


async def test_a_yes_to_a_job_is_to_the_question_that_was_read(
    lab: PanelLab, phone: Caller
) -> None:
    """However long a question is it can be answered; a yes to another one releases nothing."""
    job, question = row(), LONG
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
    lab.line.answers["quote"] = lambda _: yes(
        QuoteAnswer(allowed=False, question=question).model_dump(mode="json")
    )
    await phone.sign_in("ana")
    page = await phone.get(f"jobs/{job['job']}")
    question = "Another one?"
    await phone.post(f"jobs/{job['job']}/release", confirmed=read(page.text))
    assert lab.line.questions("release") == []
    question = LONG
    await phone.post(f"jobs/{job['job']}/release", confirmed=read(page.text))
    assert [fields["confirmed"] for fields in lab.line.questions("release")] == [True]


async def test_what_a_yes_costs_is_said_with_the_question(lab: PanelLab, phone: Caller) -> None:
    """In the list and on its page; where nobody knows the price yet, it is not called free."""
    paid = [{"account": "user:ana", "unit": "EUR", "micros": 3_000_000}]
    unknown = row("Unknown.pdf", impressions=60, outlook={"question": "All of it?"})
    known = row("Known.pdf", impressions=60, outlook={"question": "All of it?", "price": paid})
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [known, unknown], "more": False})

    def quoted(fields: Mapping[str, Any]) -> Reply:
        if not fields.get("confirmed"):
            return yes(QuoteAnswer(allowed=False, question="All of it?").model_dump(mode="json"))
        return yes({"allowed": True, "price": paid, "impressions": 60})

    lab.line.answers["quote"] = quoted
    page = await phone.sign_in("ana")
    assert "free" not in page.text
    assert "€3.00" in page.text
    page = await phone.get(f"jobs/{unknown['job']}")
    assert "All of it?" in page.text
    assert "€3.00" in page.text
    lab.line.answers["quote"] = lambda _: yes(
        QuoteAnswer(allowed=False, question="All of it?").model_dump(mode="json")
    )
    assert "free" not in (await phone.get(f"jobs/{unknown['job']}")).text


async def test_a_yes_that_money_is_missing_for_is_not_asked_for(
    lab: PanelLab, phone: Caller
) -> None:
    """Where a yes would be refused, the page says so instead of asking."""
    job = row(impressions=60)
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
    short = {"account": "user:ana", "unit": "EUR", "micros": 1_000_000}
    refused = {"allowed": False, "refusal": "too little", "reason": "x", "short": short}
    asks_first = QuoteAnswer(allowed=False, question="All of it?").model_dump(mode="json")
    lab.line.answers["quote"] = lambda fields: yes(
        refused if fields.get("confirmed") else asks_first
    )
    await phone.sign_in("ana")
    page = await phone.get(f"jobs/{job['job']}")
    assert "€1.00 missing here" in page.text
    assert "All of it?" not in page.text


async def test_a_balance_that_is_not_known_is_not_none(lab: PanelLab, phone: Caller) -> None:
    """While the site does not answer, nobody is told that they have no account."""
    await phone.sign_in("ana")
    lab.line.answers["balance"] = lambda _: None
    page = await phone.get("balance")
    assert "not known now" in page.text
    assert "no account" not in page.text
    assert "aria-invalid" not in page.text  # nothing is wrong with what was typed


# ── money ───────────────────────────────────────────────────────────────────────────────────

CODE = "0000 0000 0000 0000 0001".replace("0000 0000 0000", "0001 2345 6789")


async def test_a_code_at_the_reader_brings_money_and_signs_nobody_off(
    lab: PanelLab, screen: Caller
) -> None:
    """A scanner beside the screen reads a courier code for who is signed in; it is no card."""
    lab.line.answers["redeem"] = lambda _: yes(
        {"account": "user:ana", "unit": "EUR", "micros": 500_000}
    )
    await lab.card("0417")
    heard = lab.desk.screen.listen()
    lab.reader.hold(CODE)
    async with asyncio.timeout(5):
        while (push := await heard.get()) is not None and push.kind != "money":
            pass
    assert [fields["code"] for fields in lab.line.questions("redeem")] == [CODE]
    assert lab.at_screen() == "ana"
    assert "€0.50 more can be spent here now." in (await screen.get("balance")).text
    assert len(lab.line.questions("identify")) == 1


async def test_a_code_that_nobody_is_there_for_is_a_card_that_nobody_knows(
    lab: PanelLab, screen: Caller
) -> None:
    """Held to the reader before anybody is signed in it brings nothing, and is not spent."""
    lab.reader.hold(CODE)
    await until(lambda: bool(lab.line.questions("identify")))
    await lab.desk.screen.bridge.at_rest()
    assert lab.line.questions("redeem") == []
    assert "Sign in" in (await screen.get("")).text


async def test_money_of_a_code_is_told_to_nobody_else(lab: PanelLab, screen: Caller) -> None:
    """Whoever comes while a code is looked at hears nothing of what it brought."""
    lab.line.answers["redeem"] = lambda _: yes(
        {"account": "user:ana", "unit": "EUR", "micros": 500_000}
    )
    await lab.card("0417")
    gate = lab.line.gates["redeem"] = asyncio.Event()
    lab.reader.hold(CODE)
    await lab.line.waiting.acquire()
    await lab.card("0533")
    gate.set()
    await until(lambda: lab.desk._bringing is not None and lab.desk._bringing.done())
    assert "more can be spent" not in (await screen.get("balance")).text


async def test_who_is_short_is_led_to_where_a_code_is_made(lab: PanelLab, phone: Caller) -> None:
    """The page of the balance shows the address as text and as a QR code that a phone reads."""
    help_ = AnyHttpUrl("https://print.test/me")
    lab.desk.settings = lab.desk.settings.model_copy(update={"help": help_})
    lab.line.answers["balance"] = lambda _: yes({"lists": [], "choices": []})
    await phone.sign_in("ana")
    page = await phone.get("balance")
    address = help_at(help_, lab.desk.site)
    assert address.startswith("https://print.test/me")
    assert address in page.text
    assert render.qr(address) in page.text


async def test_what_is_charged_instead_goes_with_the_release(lab: PanelLab, phone: Caller) -> None:
    """A project that the page offers is what the edge is asked to charge, for quote and release."""
    job = row()
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
    lab.line.answers["balance"] = lambda _: yes(
        {"lists": [], "choices": [{"account": "project:apollo", "unit": "EUR", "here": 5}]}
    )
    lab.line.answers["quote"] = lambda _: yes(QuoteAnswer(allowed=True).model_dump(mode="json"))
    await phone.sign_in("ana")
    page = await phone.get(f"jobs/{job['job']}?account=project:apollo")
    assert "apollo" in page.text
    assert lab.line.questions("quote")[-1]["account"] == "project:apollo"
    await phone.post(f"jobs/{job['job']}/release", account="project:apollo")
    assert lab.line.questions("release")[-1]["account"] == "project:apollo"


async def test_what_a_form_adds_is_not_asked_of_the_edge(lab: PanelLab, phone: Caller) -> None:
    """A price, a budget, another person or a question that nobody asked go no further."""
    job = row()
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
    lab.line.answers["quote"] = lambda _: yes(QuoteAnswer(allowed=True).model_dump(mode="json"))
    await phone.sign_in("ana")
    more = {"price": "0", "budget": "999", "person": "bea", "user": "bea", "session": "x"}
    await phone.post(f"jobs/{job['job']}/release", confirmed="yes", **more)
    assert lab.line.questions("release") == []  # nobody asked what this is the yes to
    await phone.post(f"jobs/{job['job']}/release", machine="not-of-this-site", **more)
    (released,) = lab.line.questions("release")
    assert released == {
        "job": job["job"],
        "printer": "copier-1",
        "person": {"session": session_of("ana")},
        "confirmed": False,
        "account": None,
        "changes": None,
    }


async def test_name_and_password_sign_in(lab: PanelLab, phone: Caller) -> None:
    """A password goes to the edge as a password, and to no page."""
    await phone.get("")
    await phone.post("sign-in", user="ana", password="correct horse", way="password")
    assert lab.line.questions("identify")[-1]["password"] == "correct horse"
    page = await phone.get("")
    assert str(page.url).endswith("/jobs")
    assert "correct horse" not in page.text


# ── what is told ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_site_threw_away_is_told_with_its_reason(language: str) -> None:
    """Too many, too large, too old: not as if the person had deleted it."""
    words, why = words_of(language), "200 jobs of yours wait here already"
    told = PersonNews(
        session=UUID(int=1), what="canceled", name="Thesis.pdf", text=why, data={"by": "edge"}
    )
    notice = news_of(words, told)
    own = news_of(words, told.model_copy(update={"data": {"by": "ana"}}))
    assert (notice.tone, notice.detail) == ("trouble", why)
    assert (own.tone, own.detail) == ("unknown", "")
    assert notice.text != own.text


async def test_a_job_too_many_is_said_on_the_open_page(lab: PanelLab, phone: Caller) -> None:
    """Whoever looks at their jobs as one is thrown away reads why."""
    await phone.sign_in("ana")
    visit = next(iter(lab.desk._phones.values()))
    heard = visit.listen()
    news = PersonNews(
        session=UUID(session_of("ana")), what="canceled", text="too many wait", data={"by": "edge"}
    )
    lab.line.says(Said(news))
    async with asyncio.timeout(5):
        while (push := await heard.get()) is not None and push.kind != "notice":
            pass
    assert push is not None
    assert push.show is not None
    assert push.show.text == "too many wait"


# ── a machine in trouble ────────────────────────────────────────────────────────────────────


async def test_a_copier_in_trouble_is_said_and_jobs_are_released_all_the_same(
    lab: PanelLab, screen: Caller
) -> None:
    """Copies are refused in words, a copy that is made is ended; the jobs' pages work on."""
    job = row()
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
    lab.line.answers["copy-begin"] = lambda _: copy_state()
    lab.line.answers["copy-end"] = lambda _: copy_state(settled=True, go_on=False)
    bridge = lab.desk.screen.bridge
    await lab.card("0417")
    await screen.get("copy")
    await screen.post("copy/begin")
    assert isinstance(bridge.terminal.phase, Copying)
    bridge.happens(PrinterTrouble("Paper jam in tray 2."))
    await until(lambda: bool(lab.line.questions("copy-end")))
    await bridge.at_rest()
    await screen.post("copy/begin")
    page = await screen.get("copy")
    assert "Paper jam in tray 2." in page.text
    assert len(lab.line.questions("copy-begin")) == 1
    await screen.post(f"jobs/{job['job']}/release")
    assert len(lab.line.questions("release")) == 1
    bridge.happens(PrinterTrouble(""))
    await bridge.at_rest()
    await screen.post("copy/begin")
    assert isinstance(bridge.terminal.phase, Copying)
