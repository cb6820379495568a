"""The pop-up on a screen: an X server without glass, a mouse that clicks, and what can be seen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from PIL import ImageGrab

from broker import topics
from terminal_bridge.popup.stored import store
from tests.integration.terminal_lab import PATIENCE, SmallEdge, site_of
from tests.integration.test_popup_shell import NODE, scripted, token_of
from tests.unit.popup_lab import news, row, site

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the site: the centre is only there")

_SIZE = (1280, 800)
#: Of the button that says yes, and of nothing else here; so many pixels are a button.
_MAIN_BUTTON = (0x0B, 0x5F, 0x6B)
_AREA = 500


@asynccontextmanager
async def screen() -> AsyncIterator[str]:
    """Give the name of a display of its own; it ends with the context."""
    reading, writing = os.pipe()
    server = await asyncio.create_subprocess_exec(
        *("Xvfb", "-displayfd", str(writing), "-screen", "0", f"{_SIZE[0]}x{_SIZE[1]}x24"),
        *("-nolisten", "tcp", "-noreset"),
        pass_fds=(writing,),
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            number = await asyncio.to_thread(said.readline)
        yield f":{number.strip()}"
    finally:
        server.terminate()
        await server.wait()


async def xdotool(display: str, *words: str) -> str:
    """Look at the screen, or touch it, as `xdotool` does."""
    tool = await asyncio.create_subprocess_exec(
        "xdotool",
        *words,
        env={**os.environ, "DISPLAY": display},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await tool.communicate()
    return out.decode().strip()


async def seen(display: str, color: tuple[int, int, int]) -> tuple[int, int] | None:
    """Return the middle of what has a colour on the screen; None: nothing has it."""
    picture = await asyncio.to_thread(ImageGrab.grab, xdisplay=display)
    if kept := os.environ.get("PRINTMESH_PICTURES"):
        picture.save(f"{kept}/popup-screen.png")
    octets = picture.convert("RGB").tobytes()
    width = picture.width
    places = [
        divmod(at, width)[::-1]
        for at in range(width * picture.height)
        if octets[3 * at : 3 * at + 3] == bytes(color)
    ]
    if len(places) < _AREA:
        return None
    across, down = zip(*places, strict=True)
    return sum(across) // len(across), sum(down) // len(down)


async def until_seen(display: str) -> tuple[int, int]:
    """Wait for the button that says yes; return where it is."""
    async with asyncio.timeout(PATIENCE):
        while (button := await seen(display, _MAIN_BUTTON)) is None:  # noqa: ASYNC110  X tells nobody
            await asyncio.sleep(0.1)
    return button


async def started(config: Path, display: str) -> Process:
    """Start a pop-up on a display."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "printmesh", "popup", "--config", str(config)),
        env={**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": display, "LANG": "C.UTF-8"},
    )


async def test_a_question_comes_up_on_the_screen_and_is_answered_by_hand(tmp_path: Path) -> None:
    """A rule asks: its button is seen; clicked, the job is released, confirmed, and it goes."""
    async with screen() as display, site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge, row(1))
        path = tmp_path / "popup.toml"
        store(token_of(lone), path)
        process = await started(path, display)
        try:
            await edge.until(lambda: {"identify", "jobs", "balance"} <= set(edge.methods()))
            assert await seen(display, _MAIN_BUTTON) is None
            await edge.say(topics.ALL_SITE, site())
            await edge.say(topics.NEWS, news("asks").news, node=NODE)
            await edge.until(lambda: "quote" in edge.methods())
            button = await until_seen(display)
            await xdotool(display, "mousemove", *map(str, button), "click", "1")
            await edge.until(lambda: "release" in edge.methods())
            async with asyncio.timeout(PATIENCE):
                while await seen(display, _MAIN_BUTTON) is not None:  # noqa: ASYNC110  as above
                    await asyncio.sleep(0.1)
            (released,) = [q for q in edge.asked if q.TYPE.endswith("release-request.v1")]
            assert released.model_dump()["confirmed"] is True
        finally:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                assert await process.wait() == 0


async def test_told_to_end_it_ends_with_a_question_open(tmp_path: Path) -> None:
    """SIGTERM, as a session's end sends it, waits for nobody's answer; the job stays held."""
    async with screen() as display, site_of() as lone, SmallEdge(lone.edge()) as edge:
        scripted(edge, row(1))
        path = tmp_path / "popup.toml"
        store(token_of(lone), path)
        process = await started(path, display)
        await edge.until(lambda: {"identify", "jobs", "balance"} <= set(edge.methods()))
        await edge.say(topics.ALL_SITE, site())
        await edge.say(topics.NEWS, news("asks").news, node=NODE)
        await until_seen(display)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
        assert "release" not in edge.methods()
