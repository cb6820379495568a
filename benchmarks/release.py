"""From the wish to the paper: a release over MQTT beside moving a job by hand, same queue.

The printer stands behind a listener that sees the first byte of a document pass.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Final

import cups

from benchmarks.result import compared
from benchmarks.watch import Watch
from demo import documents
from demo.lab import Lab, Person, Plan
from demo.lp import lp, run

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.result import Result
    from demo.site import Site

PAIRS: Final = 15
PATIENCE: Final = 60.0
SITE: Final = "north"
DEVICE: Final = f"{SITE}-1"
QUEUE: Final = f"p-{DEVICE}"
#: As the pull queue is, but the edge does not know it.
BY_HAND: Final = "by-hand"
ANA: Final = Person("ana", "04A1B2", "500.00")
#: job-state canceled, and what is above (RFC 8011 §5.3.7).
_ENDED: Final = 7


def measure() -> list[Result]:
    """Measure in a lab of one site."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    plan = Plan(sites=(SITE,), printers=1, people=(ANA,), direct_queues=False)
    async with Lab(plan) as lab:
        site = lab.sites[SITE]
        watch = Watch(site.printers[DEVICE].port)
        await watch.start()
        try:
            make_queues(site, watch.port)
            ours, theirs = await pairs(site, watch, lab.root)
        finally:
            await watch.stop()
    return [
        compared(
            "release over MQTT → first document byte at the printer, p50",
            median(ours),
            "ms",
            baseline="raw CUPS: moveJob + no-hold, same queue and document, p50",
            baseline_value=median(theirs),
            samples=len(ours),
            at_most=1.5,
        )
    ]


def make_queues(site: Site, port: int) -> None:
    """Lead the printer's queue past the watch; make a pull queue that the edge knows nothing of."""
    device = f"ipp://localhost:{port}/ipp/print"
    for words in (
        ["lpadmin", "-h", str(site.cups.socket), "-p", QUEUE, "-v", device],
        ["lpadmin", "-h", str(site.cups.socket), "-p", BY_HAND, "-v", "file:///dev/null"],
        ["lpadmin", "-h", str(site.cups.socket), "-p", BY_HAND, "-o", "job-hold-until=indefinite"],
        ["cupsdisable", "-h", str(site.cups.socket), BY_HAND],
        ["cupsaccept", "-h", str(site.cups.socket), BY_HAND],
    ):
        done = run(words)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


async def pairs(site: Site, watch: Watch, root: Path) -> tuple[list[float], list[float]]:
    """Release by turns over MQTT and by hand; return milliseconds."""
    document = documents.pdf(root / "ten.pdf", 10)
    for number in range(PAIRS):
        await site.print(document, user=ANA.user, title=f"ours {number}")
    ours, theirs = [], []
    connection = cups.Connection(host=str(site.cups.socket))
    for number in range(PAIRS):
        row = await site.job(f"ours {number}", "held")
        ours.append(await over_mqtt(site, watch, row["job"]))
        await site.job(f"ours {number}", "settled")
        theirs.append(await by_hand(site, watch, connection, document))
    return ours, theirs


async def over_mqtt(site: Site, watch: Watch, job: str) -> float:
    """Release a held job as a terminal does."""
    seen = watch.next_document()
    began = time.perf_counter()
    reply = await site.release(job, DEVICE, card=ANA.card)
    if reply.status != "ok":
        raise RuntimeError(f"the release was refused: {reply.problem}")
    return (await asyncio.wait_for(seen, PATIENCE) - began) * 1e3


async def by_hand(site: Site, watch: Watch, connection: cups.Connection, document: Path) -> float:
    """Move a held job and let it go, and wait until CUPS is done with it."""
    said = await asyncio.to_thread(lp, site.cups, BY_HAND, document, user=ANA.user, title="by hand")
    job = int(said.rsplit("-", 1)[1])
    seen = watch.next_document()
    began = time.perf_counter()
    connection.moveJob(job_id=job, job_printer_uri=f"ipp://localhost/printers/{QUEUE}")
    connection.setJobHoldUntil(job, "no-hold")
    took = (await asyncio.wait_for(seen, PATIENCE) - began) * 1e3
    deadline = time.monotonic() + PATIENCE
    while connection.getJobAttributes(job, ["job-state"])["job-state"] < _ENDED:
        if time.monotonic() > deadline:
            raise TimeoutError("the job by hand does not end")
        await asyncio.sleep(0.05)
    return took
