"""The pop-up's desk and the real edge's answers: what one says the other understands."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import JobRefused, PersonNews
from broker.topics import METHODS
from edge.news import of_job
from edge.release import Phase
from terminal_bridge.events import Answered, News
from terminal_bridge.popup.states import Yes
from terminal_bridge.popup.views import view_of
from terminal_bridge.words import words_of
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import NOW, Site, grant, said
from tests.unit.popup_lab import PATIENCE, Bench, identity
from tests.unit.test_edge_rules import PRICE, rule, then

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId
    from terminal_bridge.popup.views import View

SESSION = UUID(int=1)


class Pair:
    """A desk whose questions a real edge answers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.counter = Counter(site)
        self.bench = Bench()

    async def settle(self, seconds: float = 3.0) -> None:
        """Let time pass and the edge answer, until nothing is asked any more."""
        self.bench.passes(seconds)
        while open_ := {n: a for a in self.bench.asks if (n := a.number) in self.bench.desk.asks}:
            for number, ask in open_.items():
                if ask.method == "identify":
                    reply = identity()
                elif ask.method == "balance":
                    del self.bench.asks[self.bench.asks.index(ask)]
                    continue  # this counter has no till
                else:
                    fields = {**ask.fields, "person": CARD}
                    reply = await self.counter.answers(METHODS[ask.method](**asked(**fields)))
                self.bench.happens(Answered(number, reply))

    def hears(self, job: JobId) -> None:
        """Tell what the edge told last of a job that it refused."""
        record = self.site.books.job(job)
        assert record is not None
        event = [each for each in said(self.site.books, "jobs") if isinstance(each, JobRefused)][-1]
        told = of_job(record, event)
        assert told is not None
        news = told.to(SESSION)
        self.bench.happens(News(PersonNews.model_validate_json(news.model_dump_json())))

    def view(self) -> View:
        """Return what is shown."""
        return view_of(self.bench.desk, words_of("en"), now=self.bench.now, clock=NOW)


@pytest.fixture
async def pair(tmp_path: Path) -> Pair:
    """Give a site where ten pages are asked about, and Ana's pop-up at it."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, 4 * PRICE)
    rule(site, then(confirm="ten pages?", copies_max=1))
    made = Pair(site)
    made.bench.signed_in()
    return made


async def test_a_direct_queue_s_question_is_answered_at_the_workstation(pair: Pair) -> None:
    """Printed, asked about, shown with its price, released by a yes, and settled."""
    job = await pair.site.arrive("direct")
    assert pair.site.spooler.printed == []
    pair.hears(job)
    await pair.settle()
    question = pair.view().question
    assert question is not None
    assert (question.text, question.ready) == ("ten pages?", True)
    assert dict(question.facts)["Cost"] == "€0.50"
    pair.bench.happens(Yes(UUID(str(job))))
    await pair.settle(0)
    await pair.site.intake.sweep()
    assert pair.site.phase(job) == Phase.SETTLED
    assert pair.view().question is None
    assert [each.kind for each in pair.bench.desk.notes] == ["released"]


async def test_a_question_that_nobody_answers_leaves_the_job_held(pair: Pair) -> None:
    """Its time over, it is said; at the edge nothing happened; it is listed with its question."""
    job = await pair.site.arrive("direct")
    pair.hears(job)
    await pair.settle()
    await pair.settle(PATIENCE)
    view = pair.view()
    assert view.question is None
    assert view.notes[0].title.startswith("Nobody answered the question about")
    assert pair.site.phase(job) == Phase.HELD
    assert [(each.remark, each.can_release) for each in view.jobs] == [
        ("There is a question first.", True)
    ]
