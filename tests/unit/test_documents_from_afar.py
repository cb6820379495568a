"""Documents that people sent to the centre: each becomes one held job, whatever breaks."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pytest

from broker.messages import (
    Command,
    CommandState,
    DocumentPiece,
    DocumentRequest,
    JobHeld,
    Problem,
    Reply,
    Request,
    SetTerms,
)
from edge.branch import RETIRING
from edge.discarding import WaitingLimits
from edge.documents import COMMAND, KEPT, SUFFIX, Documents
from edge.standing import SiteStanding
from tests.unit.edge_lab import NOW, Death, Site, centre_says, minting, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId
    from edge.store.documents import Incoming

UPLOAD = UUID("01920000-0000-7000-8000-0000000000aa")
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 700
_PIECE = 40_000


@dataclass
class Line:
    """The centre, as far as documents go."""

    content: bytes = CONTENT
    wanted: bool = True
    cut_after: int | None = None
    """So many pieces come, then the line is cut."""
    asked: list[int] = field(default_factory=list)
    heard: list[CommandState] = field(default_factory=list)
    cut_off: asyncio.Event = field(default_factory=asyncio.Event)
    """Something was asked while the line was cut."""
    said: asyncio.Event = field(default_factory=asyncio.Event)
    """Something was heard."""
    deaf: bool = False
    """What is said is lost."""

    async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Hand out a piece."""
        assert method == "document"
        assert isinstance(question, DocumentRequest)
        await asyncio.sleep(0)
        if self.cut_after is not None and len(self.asked) >= self.cut_after:
            self.cut_off.set()
            return None
        self.asked.append(question.offset)
        if not self.wanted:
            problem = Problem(code="gone", detail="not wanted")
            return Reply(corr=question.corr, status="refused", problem=problem)
        piece = self.content[question.offset : question.offset + _PIECE]
        said = DocumentPiece(offset=question.offset, piece=b64encode(piece).decode())
        return Reply(corr=question.corr, status="ok", data=said.model_dump(mode="json"))

    async def told(self, state: CommandState) -> None:
        """Hear how far a command is."""
        await asyncio.sleep(0)
        if self.deaf:
            raise ConnectionError
        self.heard.append(state)
        self.said.set()


class Afar:
    """A site, and a line over which documents come."""

    def __init__(self, path: Path) -> None:
        self.site = Site(path)
        self.line = Line()
        self.queue: str | None = "pull"
        self.role_holds = True
        self.open()

    def open(self) -> None:
        """Put it together; again, after a crash."""
        site = self.site
        self.documents = Documents(
            books=site.books,
            spooler=site.spooler,
            standing=SiteStanding(
                site.books, reachable=lambda: True, alone_for=lambda: timedelta(0)
            ),
            open_jobs=site.open_jobs,
            limits=site.limits,
            queue=self.queue,
            work=site.work,
            mint=minting(9000),
            clock=site.clock,
        )
        self.documents.line = self.line

    def crash(self) -> None:
        """Die and start again with what was durable; the spooler goes on."""
        self.site.crash()
        self.open()

    def tell(self, number: int = 1, **args: Any) -> CommandState:  # noqa: ANN401  any argument
        """Say that a document waits."""
        return self.documents.obey(command(number, **args))

    async def bring(self) -> list[bool]:
        """Try each document once."""
        return [await self.documents.bring(each) for each in self.site.books.documents.coming()]

    async def look(self) -> None:
        """Let the site look at what the spooler has."""
        await self.site.intake.sweep()

    @property
    def kept(self) -> Incoming:
        """What the journal has of it."""
        found = self.site.books.documents.find(UPLOAD)
        assert found is not None
        return found

    @property
    def submitted(self) -> int:
        """How many jobs the spooler has ever got."""
        return self.site.spooler._submitted

    def files(self) -> list[str]:
        """Return what lies in the directory of what comes."""
        return [each.name for each in self.site.work.glob(f"*{SUFFIX}")]


def command(number: int = 1, **args: Any) -> Command:  # noqa: ANN401  any argument
    """Return the command of the centre."""
    told = {
        "user": "ana", "upload": str(UPLOAD), "name": "Thesis.pdf", "octets": len(CONTENT),
        "sha256": sha256(CONTENT).hexdigest(), **args,
    }  # fmt: skip
    expires = NOW + timedelta(minutes=1)
    return Command(id=UUID(int=number), command=COMMAND, args=told, expires_at=expires)


@pytest.fixture
async def afar(tmp_path: Path) -> Afar:
    """Return a site with its queues."""
    made = Afar(tmp_path)
    await made.site.ready()
    return made


async def test_a_document_becomes_a_held_job_of_its_owner(afar: Afar) -> None:
    """Byte for byte, with what was asked for; told with the job's id, and nothing lies about."""
    asked: dict[str, Any] = {
        "copies": 2,
        "sides": "two-sided-long-edge",
        "print_color_mode": "monochrome",
    }
    assert afar.tell(**asked).state == "accepted"
    assert await afar.bring() == [True]
    await afar.look()
    (job,) = await afar.site.spooler.jobs()
    assert afar.site.spooler._jobs[job.job].document == CONTENT
    record = afar.site.books.job(job.job)
    assert record is not None
    assert (record.user, record.name, record.phase) == ("ana", "Thesis.pdf", "held")
    assert (record.attributes.copies, record.attributes.sides) == (2, "two-sided-long-edge")
    assert record.attributes.print_color_mode == "monochrome"
    (told,) = afar.line.heard
    assert (told.state, told.data) == ("successful", {"job": str(job.job)})
    assert afar.files() == []
    assert (afar.kept.state, afar.kept.job, afar.kept.name) == ("held", job.job, "")
    events = [each for each in said(afar.site.books, "jobs") if isinstance(each, JobHeld)]
    assert [each.job for each in events] == [job.job]


async def test_what_came_before_the_line_was_cut_is_not_fetched_again(afar: Afar) -> None:
    """Also over a crash: it goes on where it was."""
    afar.tell()
    afar.line.cut_after = 2
    assert await afar.bring() == [False]
    assert afar.submitted == 0
    afar.crash()
    afar.line.cut_after = None
    assert await afar.bring() == [True]
    assert afar.line.asked == sorted(set(afar.line.asked))
    assert afar.submitted == 1


async def test_told_twice_it_is_taken_once(afar: Afar) -> None:
    """Before, while and after it comes; the last is told what became of it."""
    afar.tell(1)
    afar.tell(2)
    await afar.bring()
    await afar.look()
    again = afar.tell(3)
    assert (again.state, again.data) == ("successful", {"job": str(afar.kept.job)})
    assert await afar.bring() == []
    assert afar.submitted == 1


async def test_an_answer_that_is_lost_is_given_again(afar: Afar) -> None:
    """Nobody heard that it is held: the centre tells of it once more and hears it then."""
    afar.tell(1)
    afar.line.deaf = True
    assert await afar.bring() == [True]
    afar.line.deaf = False
    assert afar.tell(2).state == "successful"
    assert afar.submitted == 1


Moment = Literal["told", "fetched", "submitted", "looked"]


@pytest.mark.parametrize("moment", ["told", "fetched", "submitted", "looked"])
@pytest.mark.parametrize("wanted", [True, False])
async def test_a_crash_at_any_moment_makes_no_second_job(
    afar: Afar, monkeypatch: pytest.MonkeyPatch, moment: Moment, *, wanted: bool
) -> None:
    """Whoever dies goes on: one job, or none where nobody wants it any more before it was there."""
    afar.tell()
    spooler = afar.site.spooler

    async def dying(*args: object, **more: object) -> JobId:
        if moment == "fetched":
            raise Death
        await type(spooler).take_in(spooler, *args, **more)  # type: ignore[arg-type]
        if moment == "looked":
            await afar.look()
        raise Death

    if moment != "told":
        with monkeypatch.context() as dies:
            dies.setattr(spooler, "take_in", dying)
            with pytest.raises(Death):
                await afar.bring()
    afar.crash()
    afar.line.wanted = wanted
    afar.tell(2)
    await afar.bring()
    await afar.look()
    there = moment in {"submitted", "looked"}
    assert afar.submitted == (1 if wanted or there else 0)
    assert len(await spooler.jobs()) == afar.submitted
    assert afar.kept.state == ("held" if wanted or there else "refused")
    assert await afar.bring() == []


async def test_one_that_was_thrown_away_meanwhile_does_not_come_back(
    afar: Afar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submitted, a crash, canceled by its owner before anybody looked: it is not sent again."""
    afar.tell()
    spooler = afar.site.spooler

    async def dying(*args: object, **more: object) -> JobId:
        job = await type(spooler).take_in(spooler, *args, **more)  # type: ignore[arg-type]
        await spooler.cancel(job)
        raise Death

    with monkeypatch.context() as dies:
        dies.setattr(spooler, "take_in", dying)
        with pytest.raises(Death):
            await afar.bring()
    afar.crash()
    assert await afar.bring() == [True]
    assert afar.submitted == 1
    assert await spooler.jobs() == ()


async def test_a_new_journal_knows_what_the_old_one_took(afar: Afar) -> None:
    """The centre tells of it again after the journal was begun anew: the spooler has it."""
    afar.tell()
    await afar.bring()
    await afar.look()
    fresh = Afar(afar.site.work)
    fresh.site.spooler = afar.site.spooler
    fresh.site.open()
    fresh.open()
    fresh.tell(2)
    assert await fresh.bring() == [True]
    assert afar.submitted == 1
    assert fresh.kept.job == afar.kept.job


async def test_what_is_not_what_was_sent_is_fetched_anew_and_then_refused(afar: Afar) -> None:
    """Nothing of it reaches the spooler."""
    afar.line.content = CONTENT[:-1] + b"!"
    afar.tell()
    assert [await afar.bring() for _ in range(3)] == [[False], [False], [True]]
    assert afar.submitted == 0
    assert afar.line.heard[-1].data == {"code": "damaged"}
    assert afar.tell(2).state == "failed"


async def test_more_than_was_said_is_not_taken(afar: Afar) -> None:
    """A centre that hands out more than it spoke of fills no disk: fetching ends at the bound."""
    afar.line.content = CONTENT * 50
    afar.tell()
    await afar.bring()
    assert afar.submitted == 0
    assert len(afar.line.asked) * _PIECE <= len(CONTENT) + 2 * _PIECE


async def test_what_nobody_wants_any_more_is_thrown_away(afar: Afar) -> None:
    """Half of it is here, and its owner took it back."""
    afar.tell()
    afar.line.cut_after = 1
    await afar.bring()
    assert len(afar.files()) == 1
    afar.line.cut_after, afar.line.wanted = None, False
    assert await afar.bring() == [True]
    assert (afar.files(), afar.submitted, afar.kept.state) == ([], 0, "refused")


async def test_it_is_asked_whether_it_is_still_wanted_before_it_is_held(afar: Afar) -> None:
    """All of it is here, then the line is cut: nothing is handed over before somebody says yes."""
    afar.tell()
    afar.line.cut_after = -(-len(CONTENT) // _PIECE)
    assert await afar.bring() == [False]
    assert afar.submitted == 0
    afar.line.cut_after = None
    assert await afar.bring() == [True]
    assert afar.submitted == 1


async def test_a_spooler_that_is_down_is_waited_for(afar: Afar) -> None:
    """Nothing is lost and nothing is told."""
    afar.tell()
    afar.site.spooler.down = True
    assert await afar.documents._safely(afar.kept) is False
    assert afar.line.heard == []
    afar.site.spooler.down = False
    assert await afar.bring() == [True]
    assert afar.submitted == 1


async def test_a_spooler_that_will_not_is_asked_thrice(afar: Afar) -> None:
    """Its queues may not be made yet; then the centre is told why."""
    afar.queue = "not-there"
    afar.open()
    afar.tell()
    assert [await afar.bring() for _ in range(3)] == [[False], [False], [True]]
    assert afar.line.heard[-1].data == {"code": "spooler-refused"}
    assert "not-there" in afar.line.heard[-1].detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": ""}, {"user": None}, {"user": "a\nb"}, {"user": " ana"}, {"upload": "x"},
        {"octets": 0}, {"octets": 1 << 60}, {"sha256": "x"}, {"copies": 0}, {"sides": "three"},
        {"name": 7}, {"print_color_mode": "pink"},
    ],
)  # fmt: skip
def test_nonsense_is_no_document(afar: Afar, wrong: dict[str, Any]) -> None:
    """It is refused, and nothing is written down."""
    told = afar.tell(**wrong)
    assert (told.state, told.data) == ("failed", {"code": "invalid"})
    assert afar.site.books.documents.coming() == []


def test_no_more_is_fetched_than_may_wait(afar: Afar) -> None:
    """The limits of the site count what is on its way already."""
    afar.site.limits = WaitingLimits(jobs=1)
    afar.open()
    assert afar.tell().state == "accepted"
    told = afar.tell(2, upload=str(UUID(int=77)))
    assert (told.state, told.data) == ("failed", {"code": "over-limit"})


def test_a_site_that_holds_nothing_takes_nothing(afar: Afar) -> None:
    """Without a shared queue, as a tracker, or while its journal is closed."""
    afar.queue = None
    afar.open()
    assert afar.tell().data == {"code": "no-hold"}
    afar.queue = "pull"
    afar.open()
    afar.site.books.remember(RETIRING, "1")
    assert afar.tell().data == {"code": "busy"}


def test_a_tracker_takes_nothing(tmp_path: Path) -> None:
    """What it holds nobody could print."""
    afar = Afar(tmp_path)
    centre_says(afar.site.books, SetTerms(terms=5, role="tracker"))
    while not afar.site.books.approach_terms(NOW, 100):
        pass
    assert afar.tell().data == {"code": "no-hold"}


async def test_the_loop_goes_on_when_the_line_is_back(afar: Afar) -> None:
    """Nobody tells it again: that there is a line is enough."""
    afar.line.cut_after = 0
    afar.tell()
    running = asyncio.create_task(afar.documents.run())
    async with asyncio.timeout(5):
        await afar.line.cut_off.wait()
        afar.line.cut_after = None
        afar.documents.wake()
        await afar.line.said.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert afar.line.heard[0].state == "successful"


async def test_what_was_over_long_ago_is_forgotten(afar: Afar) -> None:
    """Its row, and files that are nobody's; what still comes stays."""
    afar.tell()
    await afar.bring()
    coming = UUID(int=78)
    afar.line.cut_after = 0
    afar.tell(2, upload=str(coming))
    nobodys = afar.site.work / f"{UUID(int=79)}{SUFFIX}"
    nobodys.touch()
    afar.site.now += KEPT + timedelta(seconds=1)
    afar.documents.tidy()
    assert afar.site.books.documents.find(UPLOAD) is None
    assert [each.upload for each in afar.site.books.documents.coming()] == [coming]
    assert not nobodys.exists()
