"""A document from the centre to a real print system, over a real broker: cut off and killed."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Self
from uuid import UUID

import pytest

from central.acts import uploads as acts
from central.acts.by import By
from central.store import lists, nodes, uploads
from central.uploading import directory_of
from central.uploads.files import UploadFiles
from config.settings import EdgeSettings
from config.settings_uploads import UploadSettings
from demo import documents
from demo.proxy import CuttableProxy
from edge.app import Edge
from edge.documents import SUFFIX
from tests.contract.mqtt.wire import free_port
from tests.integration.books_lab import CODE, open_account
from tests.integration.test_coordinator import Centre

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from central.store.lists import ListedJob
    from central.store.uploads import Upload
    from demo.cupsd import PrivateCups

pytestmark = [
    pytest.mark.cups,
    pytest.mark.sqlite_only("how a document travels is no question of SQL"),
]
PATIENCE = 40.0
#: Octets a second: a document takes long enough to be cut off.
SLOWLY = 400_000.0


class Site:
    """A whole edge before a real CUPS, on a line that can be cut."""

    def __init__(self, centre: Centre, cups: PrivateCups, path: Path) -> None:
        self.centre, self.cups, self.path = centre, cups, path
        self.proxy = CuttableProxy(centre.port)
        self.port = free_port()

    async def open(self) -> Self:
        """Lay the line, and begin."""
        await self.proxy.start()
        self.link = self.centre.link("north").model_copy(update={"port": self.proxy.port})
        await self.start()
        return self

    async def start(self) -> None:
        """Run the edge, on what is on the disk."""
        settings = EdgeSettings.model_validate(
            {
                "node": "north",
                "site": "North",
                "data": self.path / "data",
                "coordinator": {"incarnation": self.centre.books.identity.incarnation},
                "link": self.link.model_dump(),
                "enrolment_code": CODE,
                "site_broker": {"port": self.port, "credentials": self.path / "site.json"},
                "cups": {
                    "server": str(self.cups.socket),
                    "notifier": False,
                    "poll_every": "500ms",
                },
                "queues": [{"name": "pull", "kind": "pull"}],
            }
        )
        self.edge = Edge(settings)
        self._task = asyncio.create_task(self.edge.run(asyncio.Event()))

    async def kill(self) -> None:
        """End in the middle of whatever is done."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def fetched(self) -> int:
        """Return how much of a document is here, and is not held yet."""
        files = (self.path / "data" / "documents").glob(f"*{SUFFIX}")
        return sum(each.stat().st_size for each in files)


@pytest.fixture
async def site(tmp_path: Path, cups: PrivateCups) -> AsyncIterator[Site]:
    """Run a centre and a site, linked."""
    (tmp_path / "centre").mkdir()
    centre = Centre(tmp_path / "centre")
    open_account(centre.books, "user:ana", "5.00")
    with centre.books.write() as tx:
        nodes.add(tx, "north", site="North", role="remote", kind="edge", code=CODE)
    await centre.start()
    made = await Site(centre, cups, tmp_path).open()
    await until(lambda: bool(offered(centre)))
    yield made
    await made.kill()
    await made.proxy.stop()
    await centre.stop()
    centre.books.close()


async def until(so: Callable[[], bool]) -> None:
    """Wait until something is so: other processes give no event."""
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110  as above
            await asyncio.sleep(0.02)


def offered(centre: Centre) -> list[str]:
    """Return where documents can be sent now."""
    with centre.books.read() as tx:
        return [each.node for each in acts.offered(tx) if each.state == "linked"]


def send(centre: Centre, content: bytes, name: str) -> UUID:
    """Send a document of Ana's."""
    kept = UploadFiles(directory_of(centre.path)).keep(io.BytesIO(content))
    with centre.books.write() as tx:
        done = acts.send(
            tx,
            By("web:ana"),
            UploadSettings(),
            user="ana",
            site="north",
            name=name,
            kind="text",
            kept=kept,
            options={"copies": 2},
        )
    assert isinstance(done, UUID), done
    return done


def now(centre: Centre, id_: UUID) -> Upload:
    """Return how a document stands."""
    with centre.books.read() as tx:
        found = uploads.find(tx, id_)
    assert found is not None
    return found


def booked(centre: Centre) -> list[ListedJob]:
    """Return the jobs that the centre knows of."""
    with centre.books.read() as tx:
        return list(lists.jobs(tx, lists.JobFilter(user="ana")))


async def test_a_document_is_held_once_whatever_breaks(site: Site, tmp_path: Path) -> None:
    """It is cut off, the site dies, the centre dies; then it waits there as any job of hers."""
    centre = site.centre
    content = documents.text(tmp_path / "notes.txt", 30_000).read_bytes()
    site.proxy.slow(rate=SLOWLY)
    upload = send(centre, content, "Lecture notes.txt")
    await until(lambda: site.fetched() > 0)
    site.proxy.cut()
    await until(lambda: now(centre, upload).state == "waiting")
    here = site.fetched()
    assert 0 < here < len(content)
    await site.kill()
    await centre.crash()
    site.proxy.restore()
    await centre.start()
    await site.start()
    await until(lambda: now(centre, upload).state == "held")
    await until(lambda: bool(booked(centre)))
    (job,) = booked(centre)
    assert job.job.job == now(centre, upload).job
    assert (job.job.name, job.job.state) == ("Lecture notes.txt", "pending-held")
    record = site.edge.books.job(job.job.job)
    assert record is not None
    assert record.user == "ana"
    assert record.attributes.copies == 2
    assert record.planned is not None
    assert record.planned.impressions == 2 * record.pages > 2
    spooled = await site.edge._spooler.jobs()
    assert [each.job for each in spooled] == [job.job.job]
    assert await site.edge._spooler.fetch(spooled[0].job, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content
    assert site.fetched() == 0
    assert not any(directory_of(centre.path).iterdir())


async def test_what_cannot_be_counted_is_told_as_of_any_job(site: Site) -> None:
    """A document that is broken inside comes to the site and is shown with its reason there."""
    upload = send(site.centre, b"%PDF-1.7\n" + b"nothing of a document\n" * 400, "broken.pdf")
    await until(lambda: now(site.centre, upload).state == "held")
    job = now(site.centre, upload).job
    # the print system has the jobs of other tests too
    await until(lambda: job in {each.job.job for each in booked(site.centre)})
    record = None if job is None else site.edge.books.job(job)
    assert record is not None
    assert record.planned is None
    assert "damaged" in (record.problem or "")
