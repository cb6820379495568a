"""`printmesh terminal`: the real process with a reader on the network, and what status says."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from broker.messages import Reply
from broker.messages.copies import CopyCounts
from config.settings_file import SettingsError, load
from config.settings_terminal import TerminalSettings
from terminal_bridge.app import copies_file
from terminal_bridge.cli import main
from terminal_bridge.durable import OpenCopies, peek
from terminal_bridge.phases import OpenCopy
from tests.integration.terminal_lab import PATIENCE, SmallEdge, site_of

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import JobsRequest

ONE = """
data = "data"
[broker]
port = {port}
longest_pause = "100ms"
[[terminals]]
id = "terminal-1"
secret = "{one}"
printer = "printer-1"
reader = {{ device = "socket://127.0.0.1:{peer}", longest_pause = "100ms" }}
"""
TWO = """
[[terminals]]
id = "terminal-2"
secret = "{two}"
printer = "printer-2"
reader = {{ kind = "serial", device = "/dev/there-is-none", longest_pause = "100ms" }}
"""


def written(directory: Path, text: str) -> Path:
    """Write a file of settings."""
    path = directory / "terminal.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rows(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Return status's exit status, and the state of each terminal."""
    capsys.readouterr()
    code = main(["status", "-c", str(path), "--json"])
    return code, {row["terminal"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def served(status: tuple[int, dict[str, str]]) -> int | None:
    """Return the exit status once the first terminal serves and the second has no reader."""
    code, states = status
    second = states["terminal-2"].startswith("no reader: ")
    return code if second and states["terminal-1"] == "ready" else None


async def test_a_card_at_a_network_reader_releases_what_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole process: swiped frame to releases; a reader that is not there stops no other."""
    job = UUID(int=5)

    def jobs(question: JobsRequest) -> Reply:
        data = {"jobs": [{"job": str(job)}], "more": False}
        return Reply(corr=question.corr, status="ok", data=data)

    swiped: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    peer = await asyncio.start_server(lambda _, writer: swiped.put_nowait(writer), "127.0.0.1", 0)
    async with peer, site_of() as site, SmallEdge(site.edge()) as edge:
        edge.answers["jobs"] = jobs
        for name in ("terminal-1", "terminal-2"):
            site.terminal(name)
        text = (ONE + TWO).format(
            port=site.port,
            one=site.secrets["terminal-1"],
            two=site.secrets["terminal-2"],
            peer=peer.sockets[0].getsockname()[1],
        )
        path = written(tmp_path, text)
        command = (sys.executable, "-m", "printmesh", "terminal", "run", "-c", str(path))
        process = await asyncio.create_subprocess_exec(*command)
        try:
            async with asyncio.timeout(PATIENCE):
                writer = await swiped.get()
                while (code := served(rows(path, capsys))) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # another process gives no event
            writer.write(b"0417\r\n")
            await writer.drain()
            await edge.until(lambda: "sign-off" in edge.methods())
            assert edge.methods() == ["identify", "jobs", "release", "sign-off"]
            assert code == 1
            second = await asyncio.create_subprocess_exec(*command)
            async with asyncio.timeout(PATIENCE):
                assert await second.wait() == 1
            writer.close()
        finally:
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                assert await process.wait() == 0
    assert rows(path, capsys) == (1, dict.fromkeys(("terminal-1", "terminal-2"), "not running"))


def test_status_says_what_the_site_does_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts that wait in the file are shown, whether anything runs or not."""
    path = written(tmp_path, ONE.format(port=1, one="hush", peer=1))
    (tmp_path / "data").mkdir()
    copies = OpenCopies(copies_file(tmp_path / "data", "terminal-1"))
    copies.keep(OpenCopy(uuid4(), CopyCounts(color=4)))
    assert main(["status", "-c", str(path)]) == 1
    assert "4 pages" in capsys.readouterr().out


def test_open_copies_outlive_the_process(tmp_path: Path) -> None:
    """What was kept is loaded as it was; what was forgotten is not; damage is put aside."""
    file = copies_file(tmp_path, "terminal-1")
    one, other = OpenCopy(uuid4(), CopyCounts(color=4), "budget"), OpenCopy(uuid4(), late=True)
    copies = OpenCopies(file)
    assert copies.load() == ()
    copies.keep(one)
    copies.keep(other)
    assert OpenCopies(file).load() == (one, other) == peek(file)
    copies.forget(one.copy_id)
    assert OpenCopies(file).load() == (other,)
    file.write_text('{"copies": [{"copy_id": 3')
    assert OpenCopies(file).load() == ()
    assert file.with_suffix(".damaged").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("terminal-2", "terminal-1"), "every terminal id once"),
        (('kind = "serial"', 'kind = "tea"'), "'serial', 'keyboard' or 'pcsc'"),
        (('printer = "printer-2"', "card_stays = true"), "a value"),  # no printer
        (('printer = "printer-2"', 'printer = "p"\nidle = "1s"'), "idle of at least 5s"),
        (('printer = "printer-2"', 'printer = "p"\ncard_stays = true'), "pcsc wherever"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    """What is wrong is said in words, without the secret."""
    text = (ONE + TWO).format(port=1, one="hush", two="hush", peer=1).replace(*change)
    with pytest.raises(SettingsError) as caught:
        load(TerminalSettings, written(tmp_path, text), environ={})
    assert expected in str(caught.value)
    assert "hush" not in str(caught.value)
