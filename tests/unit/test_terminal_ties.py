"""A terminal that stands beside one machine has no other one print or copy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import SecretStr

from broker.messages import (
    CopyBeginRequest,
    IdentifyRequest,
    JobsRequest,
    Person,
    ReleaseRequest,
    Reply,
    Request,
)
from edge.answers.words import yes
from edge.ties import tied
from terminal_bridge.events import CardSeen, EdgeBack
from terminal_bridge.phases import Habits
from tests.unit.session_lab import Bench

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.answers.words import Answer

ID = UUID("018f0000-0000-7000-8000-000000000000")
LATER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ANA = Person(session=ID)


class Everything:
    """Answers yes, and remembers what reached it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Request]] = []
        kinds = (IdentifyRequest, ReleaseRequest, CopyBeginRequest, JobsRequest)
        self.answers: Mapping[type[Request], Answer] = dict.fromkeys(kinds, self._yes)
        self.once: frozenset[type[Request]] = frozenset({ReleaseRequest})

    async def _yes(self, node: str, question: Request) -> Reply:
        self.heard.append((node, question))
        return yes(question, {})


class Site:
    """An edge's answers."""

    def __init__(self, *, elsewhere: bool = False) -> None:
        self.all = Everything()
        (self.answers,) = tied(self.all, elsewhere=elsewhere)

    async def ask(self, question: Request, node: str = "t-1") -> Reply:
        """Ask as a terminal."""
        return await self.answers.answers[type(question)](node, question)

    async def comes(self, printer: str | None, node: str = "t-1") -> None:
        """Hold a card against a terminal."""
        card = SecretStr("0417")
        question = IdentifyRequest(corr=ID, expires_at=LATER, card=card, printer=printer)
        await self.ask(question, node)


def at(printer: str, kind: type[Request]) -> Request:
    """Return a question for a machine."""
    fields = {"corr": ID, "expires_at": LATER, "person": ANA, "printer": printer, "job": ID}
    return kind.model_validate({k: v for k, v in fields.items() if k in kind.model_fields})


@pytest.mark.parametrize("kind", [ReleaseRequest, CopyBeginRequest])
async def test_a_tied_terminal_reaches_its_own_machine_only(kind: type[Request]) -> None:
    """What it asks of another machine is refused before anybody looks at it."""
    site = Site()
    await site.comes("copier-1")
    reply = await site.ask(at("copier-2", kind))
    assert reply.problem is not None
    assert reply.problem.code == "printer-elsewhere"
    assert "copier-1" in reply.problem.detail
    assert (await site.ask(at("copier-1", kind))).status == "ok"
    assert [type(question) for _, question in site.all.heard] == [IdentifyRequest, kind]


async def test_a_tie_is_not_loosened_by_silence() -> None:
    """Who comes without a word of the machine is at the machine that was named before."""
    site = Site()
    await site.comes("copier-1")
    await site.comes(None)
    assert (await site.ask(at("copier-2", ReleaseRequest))).status == "refused"


async def test_a_terminal_that_moves_is_tied_to_its_new_machine() -> None:
    """Set up for another machine, it says so with the next card."""
    site = Site()
    await site.comes("copier-1")
    await site.comes("copier-2")
    assert (await site.ask(at("copier-2", ReleaseRequest))).status == "ok"
    assert (await site.ask(at("copier-1", ReleaseRequest))).status == "refused"


async def test_other_terminals_and_other_questions_are_as_before() -> None:
    """A panel that names no machine releases anywhere, and a tied terminal still lists jobs."""
    site = Site()
    await site.comes("copier-1")
    await site.comes(None, "panel-1")
    assert (await site.ask(at("copier-2", ReleaseRequest), "panel-1")).status == "ok"
    assert (await site.ask(at("copier-2", JobsRequest))).status == "ok"
    assert site.answers.once == site.all.once


async def test_a_site_may_allow_it() -> None:
    """Where the site lets people release elsewhere, no terminal is tied."""
    site = Site(elsewhere=True)
    await site.comes("copier-1")
    assert (await site.ask(at("copier-2", ReleaseRequest))).status == "ok"


@pytest.mark.parametrize("is_tied", [False, True])
def test_a_reader_says_where_it_stands(is_tied: bool) -> None:  # noqa: FBT001
    """Each card is shown with the machine, where the terminal is that machine's own."""
    bench = Bench(Habits(printer="copier-1", tied=is_tied))
    bench.happens(EdgeBack())
    bench.happens(CardSeen("0417", b"ana"))
    wanted = {"card": "0417"} | ({"printer": "copier-1"} if is_tied else {})
    assert bench.asked.fields == wanted
