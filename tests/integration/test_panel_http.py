"""The panel's pages under people and machines that mean no good, or are late: no browser needed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self, TypeAlias
from uuid import uuid4

import pytest
import pytest_asyncio

from config.panel_settings import WebSettings
from terminal_bridge.panel.connections import BoundedConnection
from terminal_bridge.panel.desk import PHONES_MOST
from terminal_bridge.panel.server import serve
from tests.integration.panel_lab import NAME, PATIENCE, PHONE, SCREEN, panel, session_of, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.panel_lab import Caller, PanelLab

_HALF_A_FORM = (
    f"POST /{NAME}/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken=1"
)
Conversation: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

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


def _row(name: str = "Thesis.pdf", **more: object) -> dict[str, object]:
    return {"job": str(uuid4()), "user": "ana", "name": name, "phase": "held", **more}


# ── one for the other ───────────────────────────────────────────────────────────────────────


async def test_wrong_pins_of_others_sign_nobody_off(lab: PanelLab, phone: Caller) -> None:
    """However many try to sign in and fail, a phone that is signed in stays so."""
    await phone.sign_in("ana")
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(lab.caller("10.0.0.3"))
        for _ in range(PHONES_MOST + 1):
            await other.sign_in("bea", "0")
    assert "jobs" in str((await phone.get("")).url)


async def test_pages_of_one_are_not_shown_to_the_next(lab: PanelLab, screen: Caller) -> None:
    """A list that comes late is not sent once somebody else stands there."""
    ana = session_of("ana")
    lab.line.answers["jobs"] = lambda fields: yes(
        {"jobs": [_row("Secret.pdf")] if fields["person"]["session"] == ana else []}
    )
    await lab.card("0417")
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
    lab.line.answers["cancel"] = lambda _: yes({"job": _row("Secret.pdf")})
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
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [_row()], "more": False})
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


# ── an edge that is late, silent, odd, or gone ──────────────────────────────────────────────


async def test_a_panel_that_failed_leaves_nobody_waiting(lab: PanelLab, phone: Caller) -> None:
    """Whoever signs in when the panel's part of the process fails is answered."""
    lab.line.gates["identify"] = asyncio.Event()
    await phone.get("")
    waits = asyncio.create_task(phone.post("sign-in", user="ana", pin="1", way="pin"))
    async with lab.caller(SCREEN) as screen:
        await screen.get("")
        also = asyncio.create_task(screen.post("sign-in", user="ana", pin="1", way="pin"))
        for _ in range(2):
            await lab.line.waiting.acquire()
        lab.line.breaks()
        answers = [await waits, await also]
        assert all(answer.status_code < 500 for answer in answers)
        assert (await screen.get("")).status_code == 503
        assert (await screen.post("sign-off")).status_code == 503


async def test_one_odd_job_hides_no_other(lab: PanelLab, phone: Caller) -> None:
    """Rows that cannot be read are left out; the others are listed and released."""
    good = _row("Good.pdf", attributes={"copies": 1}, outlook={"price": []})
    odd: list[object] = [
        7,
        None,
        _row(job="no id"),
        _row(attributes=["a"]),
        _row(attributes={"copies": "many"}),
        _row(outlook="soon"),
        _row(outlook={"short": {"micros": "1"}}),
        _row(outlook={"price": [{"unit": 1}]}),
        _row(outlook={"able": 3}),
        _row(impressions="two"),
        _row(received_at="0001-01-01T00:00:00+00:00"),
        _row(changed="x"),
    ]
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [*odd, good], "more": False})
    page = await phone.sign_in("ana")
    assert page.status_code == 200
    assert "Good.pdf" in page.text
    await phone.post("release-all")
    released = [fields for fields in lab.line.questions("release") if fields["job"] == good["job"]]
    assert len(released) == 1
    assert (await phone.get(f"jobs/{good['job']}")).status_code == 200


async def test_many_long_names_are_text(lab: PanelLab, phone: Caller) -> None:
    """A hundred jobs named by markup are a hundred jobs, and no markup."""
    rows = [_row(("<script>alert(1)</script>%(name)s{{ 1 }}" * 7)[:255]) for _ in range(100)]
    lab.line.answers["jobs"] = lambda _: yes({"jobs": rows, "more": True})
    page = await phone.sign_in("ana")
    assert page.text.count("&lt;script&gt;") >= 100
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        f"jobs/{uuid4()}/page-{'9' * 5000}.png",
        f"jobs/{uuid4()}?copies={'9' * 5000}",
        f"jobs/{uuid4()}?pages={'9' * 5000}",
        f"jobs?of={'x' * 8000}",
        f"hand?code={'é' * 3000}",
        "x" * 8000,
    ],
)
async def test_long_addresses_fail_nothing(lab: PanelLab, phone: Caller, path: str) -> None:
    """What is too long is not found or not understood; no page fails."""
    job = path.partition("/")[2][:36]
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [_row() | {"job": job}], "more": False})
    await phone.sign_in("ana")
    assert (await phone.get(path)).status_code < 500


async def test_a_page_that_fails_is_as_guarded_as_the_others(lab: PanelLab, phone: Caller) -> None:
    """A fault of ours is a page without its cause, with the headers that all pages have."""

    def breaks(_: object) -> None:
        raise RuntimeError("secret cause")

    lab.line.answers["jobs"] = breaks
    page = await phone.sign_in("ana")
    assert page.status_code == 500
    assert "secret cause" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


# ── connections ─────────────────────────────────────────────────────────────────────────────


class Served:
    """The pages on a socket."""

    def __init__(self, lab: PanelLab, monkeypatch: pytest.MonkeyPatch) -> None:
        self._lab = lab
        self._patch = monkeypatch
        self.address = ("", 0)

    async def __aenter__(self) -> Self:
        """Serve, with small bounds."""
        for name, value in (("most", 8), ("from_one", 4), ("here_within", 0.3)):
            self._patch.setattr(BoundedConnection, name, value)
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        work = serve(WebSettings(port=0), self._lab.desks, listening=address.set_result)
        self._work = asyncio.create_task(work)
        host, port = (await address).removeprefix("http://").split(":")
        self.address = (host, int(port))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End."""
        self._work.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._work})

    async def say(self, text: str, source: str = "127.0.0.1") -> Conversation:
        """Connect and say something."""
        streams = await asyncio.open_connection(*self.address, local_addr=(source, 0))
        streams[1].write(text.encode())
        return streams


async def _hung_up(talk: Conversation) -> bool:
    """Say whether the other side ended it without a word, soon."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await talk[0].read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", ["", "GET /healthz HTTP/1.1\r\nHost: a", _HALF_A_FORM])
async def test_whoever_says_nothing_keeps_nobody_out(
    lab: PanelLab, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Silent connections end by themselves; those of one address leave room for another."""
    async with Served(lab, monkeypatch) as served:
        silent = [await served.say(said) for _ in range(9)]
        screen = await served.say("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "127.0.0.2")
        async with asyncio.timeout(PATIENCE):
            assert b"200 OK" in await screen[0].readline()
        assert all([await _hung_up(each) for each in silent])
        for each in (*silent, screen):
            each[1].close()


async def test_open_pages_do_not_hold_up_the_end(
    lab: PanelLab, monkeypatch: pytest.MonkeyPatch, phone: Caller
) -> None:
    """With streams that nobody reads, serving ends at once when it is told to."""
    await phone.sign_in("ana")
    cookies = "; ".join(f"{name}={value}" for name, value in phone.client.cookies.items())
    async with Served(lab, monkeypatch) as served:
        head = f"GET /{NAME}/events HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n"
        talks = [await served.say(head) for _ in range(3)]
        for talk in talks:
            await talk[0].readuntil(b"retry: 1000")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 1.5
    for talk in talks:
        talk[1].close()
