"""The panel under an edge that is late or odd, a part that fails, and connections that stall."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Self, TypeAlias
from uuid import uuid4

import pytest
import pytest_asyncio

from config.panel_settings import WebSettings
from terminal_bridge.panel.connections import BoundedConnection
from terminal_bridge.panel.server import serve
from tests.integration.panel_lab import NAME, PATIENCE, PHONE, SCREEN, panel, row, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.messages import Reply
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
async def phone(lab: PanelLab) -> AsyncIterator[Caller]:
    """Open a phone."""
    async with lab.caller(PHONE) as caller:
        yield caller


def _answered(data: dict[str, object], _: object) -> Reply:
    return yes(data)


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
        page = await screen.get("")
        assert (page.status_code, page.headers["refresh"]) == (503, f"5; url=/{NAME}/")
        assert (await screen.post("sign-off")).status_code == 503


async def test_one_odd_job_hides_no_other(lab: PanelLab, phone: Caller) -> None:
    """Rows that cannot be read are left out; the others are listed and released."""
    good = row("Good.pdf", attributes={"copies": 1}, outlook={"price": []})
    odd: list[object] = [
        7,
        None,
        row(job="no id"),
        row(attributes=["a"]),
        row(attributes={"copies": "many"}),
        row(outlook="soon"),
        row(outlook={"short": {"micros": "1"}}),
        row(outlook={"price": [{"unit": 1}]}),
        row(outlook={"able": 3}),
        row(impressions="two"),
        row(received_at="0001-01-01T00:00:00+00:00"),
        row(changed="x"),
    ]
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [*odd, good], "more": False})
    page = await phone.sign_in("ana")
    assert page.status_code == 200
    assert "Good.pdf" in page.text
    await phone.post("release-all")
    released = [fields for fields in lab.line.questions("release") if fields["job"] == good["job"]]
    assert len(released) == 1
    assert (await phone.get(f"jobs/{good['job']}")).status_code == 200


async def test_odd_answers_are_no_answers(lab: PanelLab, phone: Caller) -> None:
    """Balances, prices and pictures that cannot be read are missing; their pages are there."""
    job = row()
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [job]})
    await phone.sign_in("ana")
    odd: tuple[dict[str, object], ...] = (
        {},
        {"lists": 3},
        {"lists": [[{"account": 1}]]},
        {"image": "!", "media_type": "text/html"},
    )
    for data in odd:
        for method in ("balance", "quote", "preview", "redeem", "cancel"):
            lab.line.answers[method] = partial(_answered, data)
        for path in ("jobs", "balance", f"jobs/{job['job']}"):
            assert (await phone.get(path)).status_code == 200
        assert (await phone.get(f"jobs/{job['job']}/page-1.png")).status_code == 404
        assert (await phone.post("code", code="1")).status_code in {200, 303}
        assert (await phone.post(f"jobs/{job['job']}/delete")).status_code == 303
    for method in ("balance", "quote", "preview", "jobs"):
        lab.line.answers[method] = lambda _: None
    assert "cannot reach" in (await phone.get("jobs")).text


async def test_many_long_names_are_text(lab: PanelLab, phone: Caller) -> None:
    """A hundred jobs named by markup are a hundred jobs, and no markup."""
    rows = [row(("<script>alert(1)</script>%(name)s{{ 1 }}" * 7)[:255]) for _ in range(100)]
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
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [row() | {"job": job}], "more": False})
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
