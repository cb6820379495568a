"""A pop-up at a real site broker: questions answered over the wire, a killed broker, floods."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker import topics
from config.popup_token import PopupToken, written
from config.settings import LinkSettings
from config.settings_file import load
from config.settings_popup import PopupSettings
from terminal_bridge.edge_line import EdgeLine
from terminal_bridge.popup.cli import main
from terminal_bridge.popup.shell import Popup
from terminal_bridge.popup.states import NOTES, Yes
from terminal_bridge.popup.stored import store
from tests.integration import test_identify as people
from tests.integration.terminal_lab import PATIENCE, QUICK, LoneSite, SmallEdge, site_of
from tests.unit.popup_lab import balance, identity, job_of, news, quote, row, site, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from broker.messages import Reply, Request
    from terminal_bridge.popup.views import NoteLine, View
    from tests.integration.test_identify import Site

pytestmark = pytest.mark.sqlite_only("about the site: the centre is only there")

centre, real_site = people.centre, people.site
NODE = "popup-of-ana"
ONE = job_of(1)


class Eyes:
    """A pop-up whose windows are this test's."""

    def __init__(self, link: LinkSettings, node: str = NODE) -> None:
        self.views: list[View] = []
        self.told: list[tuple[NoteLine, int]] = []
        self._changed = asyncio.Event()
        self.popup = Popup(
            lambda: EdgeLine(link, node, timing=QUICK),
            patience=60,
            language="en",
            desktop=None,
            show=self._show,
            tell=lambda note, more: self.told.append((note, more)),
            clock=lambda: datetime.now(UTC),
        )

    def _show(self, view: View) -> None:
        self.views.append(view)
        self._changed.set()

    async def until(self, holds: Callable[[View], bool]) -> View:
        """Wait until something is seen."""
        async with asyncio.timeout(PATIENCE):
            while not (self.views and holds(self.views[-1])):
                self._changed.clear()
                await self._changed.wait()
        return self.views[-1]


@asynccontextmanager
async def popup_of(link: LinkSettings, node: str = NODE) -> AsyncIterator[Eyes]:
    """Give a pop-up at work."""
    eyes = Eyes(link, node)
    work = asyncio.create_task(eyes.popup.run())
    try:
        yield eyes
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def scripted(edge: SmallEdge, *rows: dict[str, Any]) -> None:
    """Let the lab's edge know Ana's pop-up and her jobs."""

    def said(reply: Reply) -> Callable[[Request], Reply]:
        return lambda question: reply.model_copy(update={"corr": question.corr})

    edge.answers |= {
        "identify": said(identity()),
        "jobs": said(yes({"jobs": list(rows), "more": False})),
        "balance": said(balance()),
        "quote": said(quote()),
        "release": said(yes({"job": row(1, phase="releasing")})),
    }


async def asks(edge: SmallEdge, eyes: Eyes) -> View:
    """Let a rule ask about Ana's first job, until its price is seen."""
    await eyes.until(lambda view: view.online)
    await edge.say(topics.ALL_SITE, site())
    await edge.say(topics.NEWS, news("asks").news, node=NODE)
    return await eyes.until(lambda view: view.question is not None and view.question.ready)


async def test_a_question_is_answered_over_the_wire() -> None:
    """News to window, price looked up, yes to release: confirmed, once, of the pop-up's session."""
    async with site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge, row(1))
        async with popup_of(lone.terminal(NODE)) as eyes:
            view = await asks(edge, eyes)
            assert view.question is not None
            assert ("Cost", "€0.60") in view.question.facts
            eyes.popup.happens_soon(Yes(ONE))
            await edge.until(lambda: "release" in edge.methods())
            await eyes.until(lambda view: view.question is None)
            (released,) = [q for q in edge.asked if q.TYPE.endswith("release-request.v1")]
            assert released.model_dump()["confirmed"] is True
            assert released.model_dump()["person"]["session"] == UUID(int=1)


async def test_a_killed_broker_loses_no_question_and_prints_nothing() -> None:
    """Meanwhile a yes does nothing; when it is back the same question can be answered."""
    async with site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge, row(1))
        async with popup_of(lone.terminal(NODE)) as eyes:
            await asks(edge, eyes)
            await lone.stop()
            view = await eyes.until(lambda view: not view.online)
            assert view.question is not None
            assert not view.question.ready
            before = len(eyes.views)
            eyes.popup.happens_soon(Yes(ONE))
            # buttons wait for the next view before they can be pressed again
            await eyes.until(lambda _: len(eyes.views) > before)
            await lone.start()
            await eyes.until(lambda view: view.question is not None and view.question.ready)
            assert "release" not in edge.methods()
            eyes.popup.happens_soon(Yes(ONE))
            await edge.until(lambda: "release" in edge.methods())


async def test_ten_thousand_news_are_a_few_views_and_notes() -> None:
    """Windows are told ten times a second at most, the tray every three seconds, in order."""
    async with site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge, row(1))
        async with popup_of(lone.terminal(NODE)) as eyes:
            await eyes.until(lambda view: view.online)
            before, begun = len(eyes.views), asyncio.get_running_loop().time()
            some = [news("refused", number) for number in range(100)]
            for number in range(10_000):
                eyes.popup.happens(some[number % 100])
                if number % 500 == 0:
                    await asyncio.sleep(0)
            await eyes.until(lambda view: len(view.notes) == NOTES)
            await asyncio.sleep(0.2)  # what waits is decided on
            eyes.popup.happens(news("refused", 777))
            await eyes.until(lambda view: view.notes[0].title == "777.pdf was refused")
            took = asyncio.get_running_loop().time() - begun
            assert len(eyes.views) - before <= took * 10 + 2
            assert len(eyes.told) <= took / 3 + 2


async def test_at_a_real_edge_it_is_its_person_s(real_site: Site) -> None:
    """The edge knows the node's person: balance and state of the line are seen, nothing typed."""
    secret = real_site.secrets["ana-pc"]
    settings = LinkSettings.model_validate({"port": real_site.port, "secret": secret})
    async with popup_of(settings, "ana-pc") as eyes:
        view = await eyes.until(
            lambda view: (
                view.person == "Ana Ruiz" and bool(view.balances) and "North" in view.status
            )
        )
        assert view.status == "North is linked"
        assert view.balances[0].label == "My money"


# ── the command ─────────────────────────────────────────────────────────────────────────────


def token_of(lone: LoneSite) -> PopupToken:
    """Return what the edge would print."""
    lone.terminal(NODE)
    return PopupToken(host="127.0.0.1", port=lone.port, node=NODE, secret=lone.secrets[NODE])


def test_a_token_is_kept_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the person's directory of settings, mode 600; what is no token changes nothing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    token = PopupToken(host="edge.example", port=8883, node=NODE, secret="x" * 43, tls=True)
    assert main(["--token", written(token)]) == 0
    path = tmp_path / "printmesh" / "popup.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load(PopupSettings, path, environ={})
    assert settings.link().secret.get_secret_value() == "x" * 43
    assert (settings.broker.host, settings.broker.tls) == ("edge.example", True)
    assert "x" * 43 not in capsys.readouterr().out
    before = path.read_bytes()
    assert main(["--token", written(token)[:-1]]) == 2
    assert path.read_bytes() == before


def test_without_a_token_or_a_desktop_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and status 1; Qt would end the process with no word of ours."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "popup.toml"
    assert main(["--config", str(path)]) == 1
    assert "Ask for a token" in capsys.readouterr().err
    store(PopupToken(host="h", port=1, node=NODE, secret="x" * 43), path)
    assert main(["--config", str(path)]) == 1
    assert "no desktop here" in capsys.readouterr().err


async def test_the_process_serves_and_ends_in_order(tmp_path: Path) -> None:
    """Enrolled, it signs in by itself; a second one is refused; SIGTERM ends it with status 0."""
    async with site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge)
        path = tmp_path / "popup.toml"
        store(token_of(lone), path)
        command = (sys.executable, "-m", "printmesh", "popup", "--config", str(path))
        environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        process = await asyncio.create_subprocess_exec(*command, env=environ)
        try:
            await edge.until(lambda: {"identify", "jobs", "balance"} <= set(edge.methods()))
            second = await asyncio.create_subprocess_exec(
                *command, env=environ, stderr=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(PATIENCE):
                _, said = await second.communicate()
            assert second.returncode == 1
            assert b"run already" in said
        finally:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                assert await process.wait() == 0
