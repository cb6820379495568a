"""Questions to the centre: a deadline is by the clock of who judges it; what counts as heard."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from broker import topics
from broker.link import Connected
from broker.messages import Command, CommandState, FundsRequest, Reply, Request
from edge.questions import Questions
from tests.unit.edge_lab import ANA, NOW
from tests.unit.test_edge_uplink import Centre, serving

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import Message
    from edge.voice import Voice

CORR = UUID(int=1)


class Speaks:
    """A voice whose words go to a list."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    async def say(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Keep it."""
        assert (topic, levels) == (topics.REQUEST, {"method": "funds"})
        await asyncio.sleep(0)
        self.said.append(message)


def funds(now: datetime) -> FundsRequest:
    """Return a question, its deadline by the clock of who asks."""
    return FundsRequest(
        corr=CORR, expires_at=now + timedelta(seconds=8), account=ANA, unit="EUR", micros=1
    )


@pytest.mark.parametrize("hours", [-30, 0, 30])
async def test_a_deadline_is_by_the_centres_clock(hours: int) -> None:
    """An edge whose clock is a day off is answered like any other; it learns at the birth."""
    voice, wrong = Speaks(), NOW + timedelta(hours=hours)
    questions = Questions(cast("Voice", voice), clock=lambda: wrong)
    questions.begun(UUID(int=5))
    questions.learn(Reply(corr=UUID(int=5), status="ok"), NOW)
    asking = asyncio.create_task(questions.ask("funds", funds(wrong), seconds=5.0))
    for _ in range(3):
        await asyncio.sleep(0)
    (asked,) = voice.said
    assert isinstance(asked, Request)
    assert abs(asked.expires_at - (NOW + timedelta(seconds=8))) < timedelta(seconds=1)
    questions.answered(Reply(corr=CORR, status="ok"))
    assert await asking == Reply(corr=CORR, status="ok")


async def test_the_time_of_a_stranger_is_not_learned() -> None:
    """Only an answer to a question of ours, once, tells the time."""
    questions = Questions(cast("Voice", Speaks()), clock=lambda: NOW)
    late = NOW + timedelta(hours=3)
    questions.learn(Reply(corr=CORR, status="ok"), late)
    assert questions.centre_now() == NOW
    questions.begun(CORR)
    questions.learn(Reply(corr=CORR, status="ok"), NOW)
    questions.learn(Reply(corr=CORR, status="ok"), late)
    assert abs(questions.centre_now() - NOW) < timedelta(seconds=1)


async def test_births_that_nobody_answers_are_not_kept() -> None:
    """A centre that is away for weeks costs no memory."""
    questions = Questions(cast("Voice", Speaks()), clock=lambda: NOW)
    for number in range(100):
        questions.begun(UUID(int=number))
    assert len(questions._asked) <= 8


async def test_a_word_that_the_broker_kept_is_no_word_of_the_centre() -> None:
    """A retained status is there though the centre has been gone for weeks; its answer is not."""
    heard: list[None] = []
    async with serving(Centre()) as centre:
        centre.uplink.on_heard = lambda: heard.append(None)
        centre.link.inbox.put_nowait(Connected(UUID(int=40)))
        await centre.online()
        assert heard == []
        await centre.answers()
        assert len(heard) == 1
        await centre.online()
        assert len(heard) == 2


async def test_meeting_the_centre_is_told_on() -> None:
    """Who waits for the line need not look for it."""
    met: list[None] = []
    async with serving(Centre()) as centre:
        centre.uplink.on_linked = lambda: met.append(None)
        await centre.meets()
    assert len(met) == 1


async def test_a_command_is_too_late_by_the_centres_clock() -> None:
    """A command that is fresh there is obeyed by an edge whose clock runs ahead, and else not."""
    centre = Centre()
    centre.uplink._questions._clock = lambda: NOW + timedelta(days=2)
    async with serving(centre):
        await centre.meets()
        for number, seconds in ((1, 60), (2, -60)):
            command = Command(
                id=UUID(int=number),
                command="report-digest",
                expires_at=NOW + timedelta(seconds=seconds),
            )
            await centre.tells(topics.COMMAND, command, id=str(command.id))
        states = centre.link.said(topics.COMMAND_STATE)
    assert [each.state for each in states if isinstance(each, CommandState)] == [
        "successful",
        "expired",
    ]
