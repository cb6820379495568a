"""What pycups and libcups leave to us: each trap that `edge.printing` is built around."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from demo.documents import pdf
from demo.lp import lp
from edge.ports import PeopleQueue, SpooledJob, SpoolerUnavailableError
from edge.printing.ipp import Group, parse
from edge.printing.spooler import CupsSpooler
from tests.unit.ipp_bytes import BEYOND_PYCUPS, integer, message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from demo.cupsd import PrivateCups

_READ = """
import sys, cups
data = sys.stdin.buffer.read()
request, at = cups.IPPRequest(), [0]
def read(size):
    at[0] += size
    return data[at[0] - size:at[0]]
assert request.readIO(read) == 3
print([(each.name, each.values) for each in request.attributes])
"""

#: In a process of its own, with a terminal: asks for an administrator's thing without being one.
_STRANGER = """
import asyncio, fcntl, os, sys, termios
from pathlib import Path
os.setsid()
fcntl.ioctl(int(sys.argv[2]), termios.TIOCSCTTY, 0)
from edge.ports import PeopleQueue, SpoolerRefusedError
from edge.printing.spooler import CupsSpooler
spooler = CupsSpooler(Path(sys.argv[1]))
os.setgroups([]); os.setgid(65534); os.setuid(65534)
async def ask():
    try:
        await spooler.set_up([PeopleQueue("strange", "pull")], [])
    except SpoolerRefusedError as error:
        print("refused:", error)
asyncio.run(ask())
"""

_WITHOUT = """
import importlib, pkgutil, sys
from pathlib import Path
sys.modules["cups"] = None
import edge, demo
for room in (edge, demo):
    for each in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(each.name)
from config.errors import PrintmeshError
from edge.printing.spooler import CupsSpooler
try:
    CupsSpooler(Path("/run/cups/cups.sock"))
except PrintmeshError as error:
    print(error)
"""


@pytest.fixture
async def spooler(cups: PrivateCups) -> AsyncIterator[CupsSpooler]:
    """Set up a pull queue without jobs."""
    made = CupsSpooler(cups.socket)
    await made.set_up([PeopleQueue("pull", "pull")], [])
    for job in await made.jobs():
        await made.cancel(job.job)
    yield made
    await made.close()


async def only(spooler: CupsSpooler) -> SpooledJob:
    """Return the one job there is."""
    (job,) = await spooler.jobs()
    return job


def test_rooms_without_pycups() -> None:
    """Where pycups is not installed all else can be imported, and the spooler says what to do."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True
    )
    assert "pip install 'printmesh[cups]'" in done.stdout


@pytest.mark.parametrize("kind", BEYOND_PYCUPS)
def test_answers_are_read_by_hand(kind: str) -> None:
    """One such value still costs pycups the answer or the process; our reader takes it."""
    pytest.importorskip("cups")
    answer = message(Group.JOB, [BEYOND_PYCUPS[kind], integer(b"job-id", 1)])

    done = subprocess.run(
        [sys.executable, "-c", _READ], input=answer, capture_output=True, check=False
    )

    assert done.returncode != 0
    assert parse(answer).first_of(Group.JOB)["job-id"] == [1]


@pytest.mark.cups
async def test_paper_in_a_collection(
    cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """The paper of a client without drivers, a collection that pycups cannot read, is known."""
    size = "{media-size={x-dimension=29700 y-dimension=42000}}"
    document = pdf(tmp_path / "a.pdf", 1)
    lp(cups, "pull", document, user="ana", title="Plan", options={"media-col": size})

    job = await only(spooler)

    assert job.attributes["media"] == "iso_a3"
    assert job == await spooler.job(job.job)


@pytest.mark.cups
async def test_name_like_a_placeholder(
    cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """A job called what pycups says for things it cannot read keeps its name."""
    name = "(unknown IPP value tag 0x34)"
    lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana", title=name)

    assert (await only(spooler)).name == name


@pytest.mark.cups
async def test_document_cut_off(cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path) -> None:
    """A document whose connection broke half way is not handed out; pycups calls it whole."""
    document = tmp_path / "big.pdf"
    document.write_bytes(b"%PDF-1.7\n" + os.urandom(4_000_000))
    lp(cups, "pull", document, user="ana")
    job = (await only(spooler)).job
    with Cutting(cups, after=2_000_000) as near:
        through = CupsSpooler(near)
        with pytest.raises(SpoolerUnavailableError):
            await through.fetch(job, tmp_path / "got")
        await through.close()

    assert await spooler.fetch(job, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == document.read_bytes()


class Cutting:
    """A socket in front of CUPS's that breaks a connection when so much has come back."""

    def __init__(self, cups: PrivateCups, after: int) -> None:
        self._cups = cups
        self._after = after
        self._path = cups.root.parent / "cutting.sock"
        self._stack = ExitStack()

    def __enter__(self) -> Path:
        listener = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(self._path))
        listener.listen()
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        return self._path

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = self._stack.enter_context(listener.accept()[0])
                far = self._stack.enter_context(socket.socket(socket.AF_UNIX))
                far.connect(str(self._cups.socket))
                for way in ((near, far, 1 << 40), (far, near, self._after)):
                    threading.Thread(target=carry, args=way, daemon=True).start()


def carry(source: socket.socket, target: socket.socket, up_to: int) -> None:
    """Carry bytes, so many, then break off."""
    with suppress(OSError):
        while up_to > 0 and (chunk := source.recv(65536)):
            up_to -= len(chunk)
            target.sendall(chunk)
        for each in (source, target):
            each.shutdown(socket.SHUT_RDWR)


@pytest.mark.cups
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another system user")
def test_not_its_administrator(cups: PrivateCups) -> None:
    """Who is not in SystemGroup is told so; nobody is asked for a password at the terminal."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _STRANGER, str(cups.socket), str(theirs)],
            pass_fds=[theirs],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert "SystemGroup" in done.stdout
