"""The panel's pages under people and machines that mean no good, or are late: no browser needed."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio

from config.look import FILES as LOOK
from terminal_bridge.panel.desk import PHONES_MOST
from terminal_bridge.phases import Identified
from tests.integration.panel_lab import NAME, PHONE, SCREEN, panel, row, session_of, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.panel_lab import Caller, PanelLab

pytestmark = pytest.mark.timeout(30)


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[PanelLab]:
    """Run a panel."""
    async with panel(tmp_path) as running:
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


# ── one for the other ───────────────────────────────────────────────────────────────────────


async def test_wrong_pins_of_others_sign_nobody_off(lab: PanelLab, phone: Caller) -> None:
    """However many try to sign in and fail, a phone that is signed in stays so."""
    await phone.sign_in("ana")
    async with lab.caller("10.0.0.3") as others:
        for _ in range(PHONES_MOST + 1):
            others.client.cookies.clear()
            await others.get("")
            await others.post("sign-in", user="bea", pin="0", way="pin")
    assert "jobs" in str((await phone.get("")).url)


async def test_pages_of_one_are_not_shown_to_the_next(lab: PanelLab, screen: Caller) -> None:
    """A list that comes late is not sent once somebody else stands there."""
    ana = session_of("ana")
    lab.line.answers["jobs"] = lambda fields: yes(
        {"jobs": [row("Secret.pdf")] if fields["person"]["session"] == ana else []}
    )
    await lab.card("0417")
    assert "Secret.pdf" in (await screen.get("jobs")).text
    gate = lab.line.gates["jobs"] = asyncio.Event()
    late = asyncio.create_task(screen.client.get(f"/{NAME}/jobs"))
    await lab.line.waiting.acquire()
    await lab.card("0533")
    gate.set()
    answer = await late
    assert "Secret.pdf" not in answer.text


async def test_forms_of_one_act_for_nobody_else(lab: PanelLab, screen: Caller) -> None:
    """A code typed on Ana's page brings nothing to Bea, who came meanwhile."""
    await lab.card("0417")
    await screen.get("balance")
    await lab.card("0533")
    answer = await screen.post("code", code="1234")
    assert lab.line.questions("redeem") == []
    assert answer.status_code == 303


async def test_what_one_did_is_not_told_to_the_next(lab: PanelLab, screen: Caller) -> None:
    """An answer that comes after its person left is no notice on the next one's page."""
    lab.line.answers["cancel"] = lambda _: yes({"job": row("Secret.pdf")})
    await lab.card("0417")
    await screen.get("jobs")
    gate = lab.line.gates["cancel"] = asyncio.Event()
    late = asyncio.create_task(screen.post(f"jobs/{uuid4()}/delete"))
    await lab.line.waiting.acquire()
    await lab.card("0533")
    gate.set()
    await late
    assert "Secret.pdf" not in (await screen.get("jobs")).text


async def test_release_all_releases_for_who_pressed_it(lab: PanelLab, screen: Caller) -> None:
    """Jobs that were listed for Ana are not released by Bea, who came meanwhile."""
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [row()], "more": False})
    await lab.card("0417")
    await screen.get("jobs")
    gate = lab.line.gates["jobs"] = asyncio.Event()
    late = asyncio.create_task(screen.post("release-all"))
    await lab.line.waiting.acquire()
    await lab.card("0533")
    gate.set()
    await late
    assert lab.line.questions("release") == []


async def test_a_screen_in_use_is_not_taken_over(
    lab: PanelLab, screen: Caller, phone: Caller
) -> None:
    """The code of the sign-in page does nothing while somebody is signed in at the screen."""
    await screen.get("")
    code = lab.desk.hand()
    await phone.sign_in("bea")
    page = await phone.get(f"hand?code={code}")
    assert "hand" in str(page.url)
    await lab.card("0417")
    await phone.post("hand", code=code, where="screen")
    assert lab.at_screen() == "ana"
    assert "did not work" in (await phone.get("jobs")).text


async def test_nothing_typed_stays_for_the_next(lab: PanelLab, screen: Caller) -> None:
    """The name of somebody who failed to sign in is gone with them, and with the next person."""
    page = await screen.sign_in("anabel", "0")
    assert "anabel" in page.text
    await lab.card("0533")
    await screen.get("jobs")
    await screen.post("sign-off")
    assert "anabel" not in (await screen.get("")).text
    page = await screen.sign_in("anabel", "0")
    await screen.post("language", lang="fr")
    lab.desk.screen.last_act -= lab.desk.habits.idle
    page = await screen.get("")
    assert "anabel" not in page.text
    assert 'lang="en"' in page.text


async def test_the_screen_before_hears_no_more(lab: PanelLab, screen: Caller) -> None:
    """When another browser becomes the screen, the streams of the one before end."""
    heard = lab.desk.screen.listen()
    async with lab.caller(PHONE) as other:
        await other.get("pair")
        await other.post("pair", code=lab.desk.pairing.code())
    assert heard.get_nowait() is None


async def test_one_browser_has_few_streams(lab: PanelLab, phone: Caller) -> None:
    """However many streams one browser opens, the oldest end: they are all counted together."""
    await phone.sign_in("ana")
    visit = next(iter(lab.desk._phones.values()))
    heard = [visit.listen() for _ in range(20)]
    ended = [not queue.empty() for queue in heard]
    assert ended == sorted(ended, reverse=True)
    assert ended.count(False) < 10


# ── pages and forms ─────────────────────────────────────────────────────────────────────────


_POSTS = (
    "sign-in sign-off touch language theme hand card/wait pair release-all code copy/begin"
    f" copy/stop jobs/{uuid4()}/release jobs/{uuid4()}/delete"
).split()
_GETS = (
    "jobs balance copy card hand pair sign-in code copy/begin copy/stop language"
    f" jobs?of=* jobs/{uuid4()} jobs/{uuid4()}/delete jobs/{uuid4()}/release jobs/{uuid4()}/figure"
    f" jobs/{uuid4()}/page-1.png"
).split()


async def test_only_forms_of_ours_do_something(lab: PanelLab, screen: Caller) -> None:
    """No form without our token, or from elsewhere, asks anything; no page that is opened acts."""
    await lab.card("0417")
    await screen.get("jobs")
    ours, asked = screen.token, len(lab.line.asked)
    elsewhere = {"origin": "http://elsewhere.test"}, {"sec-fetch-site": "same-site"}
    for path in _POSTS:
        for given, headers in (
            (ours, elsewhere[0]),
            (ours, elsewhere[1]),
            ("0" * 32, {}),
            ("", {}),
        ):
            sent = {"token": given, "user": "bea", "pin": "1"}
            answer = await screen.client.post(f"/{NAME}/{path}", data=sent, headers=headers)
            assert answer.status_code == 403, path
    assert len(lab.line.asked) == asked
    for path in _GETS:
        await screen.get(path)
    assert {method for method, _ in lab.line.asked[asked:]} <= {
        "jobs",
        "balance",
        "quote",
        "preview",
    }
    assert lab.at_screen() == "ana"


async def test_a_browser_that_nobody_paired_has_no_machine(lab: PanelLab, phone: Caller) -> None:
    """A phone hears of no card, starts no copy, enters no card, ends nobody's session there."""
    await lab.card("0417")
    await phone.get("")
    for signed in (False, True):
        if signed:
            await phone.sign_in("bea")
        for path in ("copy/begin", "copy/stop", "card/wait"):
            await phone.post(path)
    forwarded = {"x-forwarded-for": SCREEN, "forwarded": f"for={SCREEN}", "x-real-ip": SCREEN}
    answer = await phone.client.get(f"/{NAME}/pair", headers=forwarded)
    assert "Type the code" in answer.text
    asked = {method for method, _ in lab.line.asked}
    assert asked <= {"identify", "jobs", "balance"}
    await phone.post("sign-off")
    assert lab.at_screen() == "ana"
    async with lab.caller(PHONE) as stranger:
        assert (await stranger.get("events")).status_code == 204


async def test_a_name_that_was_led_here_is_no_screen(lab: PanelLab, screen: Caller) -> None:
    """Another site's page in the screen's own browser is nobody, whatever its name resolves to."""
    for name, asks in (("print.test", False), ("10.9.8.7:8632", False), ("evil.test", True)):
        answer = await screen.client.get(f"/{NAME}/pair", headers={"host": name})
        assert ("Type the code" in answer.text) is asks, name


async def test_opening_a_page_is_a_touch(lab: PanelLab, screen: Caller) -> None:
    """Without scripts, whoever goes from page to page is there; what scripts fetch is no touch."""
    await lab.card("0417")
    bridge = lab.desk.screen.bridge

    async def later(**headers: str) -> float:
        phase = bridge.terminal.phase
        assert isinstance(phase, Identified)
        await asyncio.sleep(0.01)
        await screen.client.get(f"/{NAME}/balance", headers=headers)
        await bridge.at_rest()
        after = bridge.terminal.phase
        assert isinstance(after, Identified)
        return after.until - phase.until

    assert await later() > 0
    assert await later(**{"sec-fetch-mode": "navigate"}) > 0
    assert await later(**{"sec-fetch-mode": "cors"}) == 0


async def test_nobody_is_sent_elsewhere(lab: PanelLab, phone: Caller) -> None:
    """After a choice of language people are on this panel, whatever the referer says."""
    await phone.get("")
    for came in (
        "http://elsewhere.test/",
        f"http://a/{NAME}/../x",
        "http://a//evil.test/jobs",
        "x",
    ):
        answer = await phone.client.post(
            f"/{NAME}/language",
            data={"token": phone.token, "lang": "fr"},
            headers={"referer": came, "host": "elsewhere.test"},
        )
        assert answer.headers["location"] == f"/{NAME}/"


@pytest.mark.parametrize("path", ["", "pair", "no-such-page"])
async def test_a_page_waits_for_one_style_sheet(screen: Caller, path: str) -> None:
    """What a page is drawn with comes as one file, what all pages share before it."""
    page = await screen.get(path)
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    styles = (await screen.client.get(sheet)).text
    shared = "".join(each.read_text(encoding="utf-8") for each in LOOK)
    assert styles.startswith(shared)
    assert "\n.job " in styles[len(shared) :]
