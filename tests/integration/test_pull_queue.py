"""A real CUPS and a real (virtual) printer: from `lp` to paper, and who may not shorten the way."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from config.policy.jobs import JobState
from demo.documents import pdf
from demo.lp import lp, run
from edge.ports import PeopleQueue, PrinterQueue, SpooledJob
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import VirtualPrinter

pytestmark = pytest.mark.cups

#: In a process of its own, as another user and with nobody's rights: sends a document, waits for a
#: word, tries to send another into the same job.
_LEFT_OPEN = """
import os, sys
os.environ["CUPS_SERVER"] = "127.0.0.1:{port}"
import cups
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
door = cups.Connection(host="127.0.0.1", port={port})
job = door.createJob("pull", "left open", {{}})
def send(last):
    door.startDocument("pull", job, "page", "application/pdf", last)
    with open("{document}", "rb") as file:
        content = file.read()
    door.writeRequestData(content, len(content))
    door.finishDocument("pull")
send(0)
print("sent one", flush=True)
sys.stdin.readline()
try:
    send(1)
except cups.IPPError:
    print("refused")
"""


@pytest.fixture
async def spooler(cups: PrivateCups, printer: VirtualPrinter) -> AsyncIterator[CupsSpooler]:
    """Set up one pull queue and one printer's queue, and throw the jobs of other tests away."""
    made = CupsSpooler(cups.socket)
    await made.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("one", printer.uri)])
    for job in await made.jobs():
        await made.cancel(job.job)
    yield made
    await made.close()


async def only_job(spooler: CupsSpooler) -> SpooledJob:
    """Return the one job that has not ended."""
    (job,) = await spooler.jobs()
    return job


async def ended(spooler: CupsSpooler, job: SpooledJob) -> SpooledJob:
    """Wait until a job has ended: CUPS tells it by events, which another test is about."""
    async with asyncio.timeout(30):
        while True:
            seen = await spooler.job(job.job)
            assert seen is not None
            if seen.state.terminal:
                return seen
            await asyncio.sleep(0.02)


async def test_held_then_released_then_on_paper(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """A document sent with lp is held, handed out byte for byte, and printed when released."""
    document = pdf(tmp_path / "five.pdf", 5, colour={2})
    lp(cups, "pull", document, user="ana", title="Five pages")
    job = await only_job(spooler)

    assert (
        job.queue,
        job.state,
        job.user,
        job.name,
        job.documents,
    ) == ("pull", JobState.PENDING_HELD, "ana", "Five pages", 1)
    assert await spooler.fetch(job.job, tmp_path / "fetched")
    assert document.read_bytes() == (tmp_path / "fetched").read_bytes()
    assert printer.kept() == ()

    await spooler.move(job.job, "one")
    assert (await only_job(spooler)).state is JobState.PENDING_HELD
    await spooler.resume(job.job, {})

    assert JobState.COMPLETED is (await ended(spooler, job)).state
    (kept,) = printer.kept()
    assert (5, job.job.hex[:12], "ana") == (kept.impressions, kept.tag, kept.user)
    evidence = await spooler.evidence(job.job)
    assert (
        evidence.spooler_state,
        evidence.device_state,
        evidence.device_impressions,
    ) == (JobState.COMPLETED, JobState.COMPLETED, 5)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run lp as another system user")
@pytest.mark.parametrize(
    "command",
    [
        "lp -h SERVER -i JOB -H resume",
        "lp -h SERVER -i JOB -H immediate",
        "lp -h SOCKET -i JOB -H resume",  # PeerCred says nobody, whatever name is claimed
        "lp -h SERVER -U root -i JOB -H resume",
        "lp -h SERVER -i JOB -o job-hold-until=no-hold",
        "lpmove -h SERVER JOB one",
        "cupsenable -h SERVER pull",
        "lpadmin -h SERVER -p pull -v ipp://localhost/ipp/print",
        "lp -h SERVER -d one DOCUMENT",
        "lp -h SERVER -U root -d one DOCUMENT",
        "cancel -h SERVER JOB",
    ],
)
async def test_people_cannot_release(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler, command: str, tmp_path: Path
) -> None:
    """Nobody but the edge releases, moves, changes or cancels somebody else's job."""
    document = pdf(cups.root.parent / "one.pdf", 1)
    before = len(printer.kept())
    name = lp(cups, "pull", document, user="ana")
    job = await only_job(spooler)
    given = {
        "SERVER": cups.server,
        "SOCKET": str(cups.socket),
        "JOB": name,
        "DOCUMENT": str(document),
    }

    done = run([given.get(word, word) for word in command.split()], nobody=True)

    assert done.returncode != 0, done.stdout
    assert (job.queue, JobState.PENDING_HELD) == (
        (await only_job(spooler)).queue,
        (await only_job(spooler)).state,
    )
    assert before == len(printer.kept())


async def test_hold_asked_away(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """A client that asks for no hold at all prints nothing: the pull queue has no device."""
    before = len(printer.kept())
    lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana", options={"job-hold-until": "no-hold"})
    job = await only_job(spooler)

    assert JobState.PENDING is job.state
    await spooler.hold(job.job)
    assert JobState.PENDING_HELD is (await only_job(spooler)).state
    assert before == len(printer.kept())


async def test_colour_nobody_spoke_of(
    cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """A job whose client said nothing of colour says auto, not CUPS's own monochrome."""
    lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana")

    assert (await only_job(spooler)).attributes["print-color-mode"] == "auto"


async def test_more_sent_than_was_counted(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """A job that came to two documents after it was counted as one is canceled, not printed."""
    before = len(printer.kept())
    one, two = pdf(tmp_path / "a.pdf", 1), pdf(tmp_path / "b.pdf", 1)
    run(["lp", "-h", cups.server, "-U", "ana", "-d", "pull", str(one), str(two)])
    job = await only_job(spooler)
    assert job.documents == 2

    await spooler.move(job.job, "one")
    await spooler.resume(job.job, {})

    assert JobState.CANCELED is (await ended(spooler, job)).state
    assert before == len(printer.kept())


async def test_hold_until_an_hour_is_made_one_for_good(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """CUPS lets no job of a printer's queue go by the clock: what was decided is not set yet."""
    before = len(printer.kept())
    document = pdf(tmp_path / "a.pdf", 1)
    hour = datetime.now(UTC) + timedelta(seconds=2)
    asked = {"job-hold-until": f"{hour:%H:%M:%S}"}
    lp(cups, "pull", document, user="ana", options=asked)
    job = (await only_job(spooler)).job

    await spooler.move(job, "one")
    # CUPS tells nobody that an hour has come, and looks at the clock when a job arrives
    await asyncio.sleep((hour - datetime.now(UTC)).total_seconds() + 1)
    lp(cups, "pull", document, user="ana")

    assert {JobState.PENDING_HELD} == {each.state for each in await spooler.jobs()}
    assert before == len(printer.kept())


async def test_nothing_is_added_after_the_move(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler
) -> None:
    """A client that left its job open cannot send a second document once it was released."""
    before = len(printer.kept())
    client = await left_open(cups)
    job = await only_job(spooler)

    await spooler.move(job.job, "one")
    said, _ = await client.communicate(b"go on\n")
    await spooler.resume(job.job, {})

    assert said == b"refused\n"
    assert JobState.COMPLETED is (await ended(spooler, job)).state
    assert before + 1 == len(printer.kept())


async def test_what_is_added_after_the_look_is_not_printed(
    cups: PrivateCups, printer: VirtualPrinter, spooler: CupsSpooler
) -> None:
    """A job is released as it was seen, with one document; one more had come by then: canceled."""
    before = len(printer.kept())
    client = await left_open(cups)
    seen = await only_job(spooler)
    assert seen.documents == 1
    said, _ = await client.communicate(b"go on\n")
    assert said == b""

    await spooler.release(seen, "one", {})

    assert JobState.CANCELED is (await ended(spooler, seen)).state
    assert before == len(printer.kept())


async def left_open(cups: PrivateCups) -> Process:
    """Start a client that has sent one document of a job and may send another."""
    document = pdf(cups.root.parent / "open.pdf", 1)
    script = _LEFT_OPEN.format(port=cups.port, document=document)
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=PIPE, stdout=PIPE
    )
    assert client.stdout is not None
    assert await client.stdout.readline() == b"sent one\n"
    return client
