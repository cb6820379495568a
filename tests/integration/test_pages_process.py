"""The service as it is run: its pages' process may die, or its coordinator; what comes of that."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from broker.credentials import CredentialFile
from broker.topics import Party
from central.cli import main
from central.store import nodes
from central.store.books import Books
from central.web.beside_words import Begin, line
from config.settings import LinkSettings
from tests.integration.books_lab import CODE, MemoryEdge, euros, open_account
from tests.integration.dialects import books_url
from tests.integration.test_pages_server import certificate
from tests.integration.wire_edge import WireEdge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 60
TOKEN = "a token of the settings, long and random"
SETTINGS = f"""
data = "."
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
[embedded_broker]
port = 0
credentials = "credentials.json"
[api]
port = 0
token = "{TOKEN}"
[web]
port = 0
"""
#: Events of ledgers that were booked, as the figures tell.
BOOKED = 'printmesh_events_applied_total{stream="ledger"} '


@dataclass(frozen=True, slots=True)
class Service:
    """A running `printmesh central run`."""

    process: subprocess.Popen[bytes]
    path: Path
    ports: dict[str, int]

    @property
    def pages(self) -> int:
        """The number of the process beside it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        (found,) = [each for each in children.split() if b"--web" in _words(int(each))]
        return int(found)

    @property
    def actions(self) -> list[str]:
        """What it has logged, of both its processes."""
        return [json.loads(each)["action"] for each in self.log.splitlines()]

    @property
    def log(self) -> str:
        """All that it has logged."""
        return (self.path / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to all its processes, as a terminal does; return the exit status."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)


def begin(path: Path) -> subprocess.Popen[bytes]:
    """Begin the service."""
    file = path / "central.toml"
    file.write_text(SETTINGS)
    file.chmod(0o600)
    with (path / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "printmesh", "central", "run", "--config", str(file)],
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )


@asynccontextmanager
async def service(path: Path) -> AsyncIterator[Service]:
    """Run the service until it is ready; whatever of it still is at the end is killed."""
    process = begin(path)
    try:
        async with asyncio.timeout(PATIENCE):
            said = (await asyncio.to_thread(process.stdout.readline)).decode()  # type: ignore[union-attr]
        ports = {kind: int(port) for kind, port in re.findall(r"(\w+)=127\.0\.0\.1:(\d+)", said)}
        assert ports.keys() == {"broker", "api", "web"}, (path / "log").read_text()
        yield Service(process, path, ports)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def gone(pid: int) -> int:
    """Return what can be waited on for the end of a process that is no child of ours."""
    return os.pidfd_open(pid)


def until_gone(there: int) -> bool:
    """Wait for the end of a process; say whether it has come."""
    try:
        return bool(select.select([there], [], [], PATIENCE)[0])
    finally:
        os.close(there)


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def test_prints_are_booked_whatever_becomes_of_the_pages(tmp_path: Path) -> None:
    """The pages' process is killed: charges go on, and pages are back where they were."""
    books = Books.open(books_url(tmp_path / "books.db"))
    open_account(books, top_up="5.00")
    secret = CredentialFile(tmp_path / "credentials.json").add("north", Party.NODE)
    with books.write() as tx:
        nodes.add(tx, "north", site="north", role="remote", kind="edge", code=CODE)
    async with service(tmp_path) as running, httpx.AsyncClient(timeout=PATIENCE) as client:
        link = LinkSettings.model_validate({"port": running.ports["broker"], "secret": secret})
        north = WireEdge(MemoryEdge(books, node="north"), link, code=CODE)
        async with north:
            await north.until(lambda: bool(north.memory.here))
            await north.say(north.memory.charge(euros("1.00")))
            await north.until(north.all_acked)

            died, file, away = running.pages, tmp_path / "central.toml", tmp_path / "away"
            # without its settings no other one can serve either
            file.rename(away)
            waits = gone(died)
            os.kill(died, signal.SIGKILL)
            assert until_gone(waits)
            asked = [
                asyncio.create_task(client.get(f"http://127.0.0.1:{running.ports[door]}{path}"))
                for door, path in (("web", "/sign-in"), ("api", "/api/v1/health"))
            ]
            await north.say(north.memory.charge(euros("2.00")))
            await north.until(north.all_acked)
            assert not any(each.done() for each in asked)
            away.rename(file)

            page, health = await asyncio.gather(*asked)
            assert page.status_code == 200
            assert health.json() == {"healthy": True, "reasons": []}
            assert running.pages != died
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            figures = f"http://127.0.0.1:{running.ports['web']}/metrics"
            told = await client.get(figures, headers=bearer)
            # its journal begins with an event of its own
            assert f"{BOOKED}3.0\n" in told.text
        deaths = running.actions.count("pages-died")
        assert deaths

        after = running.pages
        waits = gone(after)
        assert running.end(signal.SIGINT) == 0
        assert until_gone(waits)
        assert "Traceback" not in running.log
        assert running.actions.count("pages-died") == deaths
    books.close()


async def test_pages_do_not_outlive_the_coordinator(tmp_path: Path) -> None:
    """It is killed: its pages end too, so that the next one finds books and addresses free."""
    async with service(tmp_path) as running:
        waits = gone(running.pages)
        running.process.kill()
        running.process.wait(PATIENCE)
        assert until_gone(waits)
        for port in running.ports.values():
            socket.create_server(("127.0.0.1", port)).close()


def ends(path: Path, settings: str) -> int:
    """Start the service here, where it cannot start; return the exit status."""
    file = path / "central.toml"
    file.write_text(settings)
    return main(["run", "--config", str(file)])


@pytest.mark.sqlite_only("how a start fails is no question of SQL")
def test_an_address_that_cannot_be_had_ends_the_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In one line, with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = ends(tmp_path, SETTINGS.replace("[web]\nport = 0", f"[web]\nport = {port}"))
    assert status == 1
    said = capfd.readouterr().err.splitlines()[-1]
    assert f"pages cannot listen at 127.0.0.1 port {port}" in said
    assert "[web]" in said


@pytest.mark.sqlite_only("how a start fails is no question of SQL")
def test_a_certificate_that_is_none_ends_the_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What only the pages' process finds out is said by the coordinator as if it were one."""
    _, key = certificate(tmp_path)
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    more = f'tls_certificate = "{wrong}"\ntls_key = "{key}"\n'
    assert ends(tmp_path, SETTINGS + more) == 1
    said = capfd.readouterr().err.splitlines()[-1]
    assert "printmesh central: the certificate under [web] cannot be read" in said


@pytest.mark.sqlite_only("which lock it is, is another suite's")
def test_the_books_in_use_come_before_the_address_in_use(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A second start by mistake is told what it is, not to take another port."""
    books = Books.open(books_url(tmp_path / "books.db"))
    with socket.create_server(("127.0.0.1", 0)) as taken, books.alone():
        port = taken.getsockname()[1]
        status = ends(tmp_path, SETTINGS.replace("[web]\nport = 0", f"[web]\nport = {port}"))
    books.close()
    assert status == 1
    assert "a coordinator runs on the books" in capfd.readouterr().err


@pytest.mark.sqlite_only("no books are opened but in files")
def test_other_books_than_the_coordinators_are_not_shown(tmp_path: Path) -> None:
    """The settings were changed since the coordinator was started: nothing is served of them."""
    (tmp_path / "central.toml").write_text(SETTINGS)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "central.web.beside_program"),
                *("--config", str(tmp_path / "central.toml")),
            ],
            stdin=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(line(Begin(incarnation=UUID(int=7))))
        process.stdin.flush()
        assert process.wait(PATIENCE) == 1
    assert "name other books" in (tmp_path / "log").read_text()
