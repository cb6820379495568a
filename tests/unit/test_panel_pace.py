"""How much a phone may ask of the edge: a burst, then so much a second; the screen has its room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Reply
from terminal_bridge.panel.pace import ALL_AT_ONCE, AT_ONCE, BURST, RATE, Bucket, Paced
from terminal_bridge.shared_line import SharedLine, Tap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Self

    from terminal_bridge.edge_line import LineEvent


class Slow:
    """An edge that answers when it is told to, and counts what is under way."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0
        self.asked = 0
        self.let = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Be there."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Go."""

    async def events(self) -> AsyncIterator[LineEvent]:
        """Say nothing."""
        await asyncio.Event().wait()
        yield  # type: ignore[misc]

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Wait with the answer."""
        del method, fields
        self.asked += 1
        self.open += 1
        self.most = max(self.most, self.open)
        await self.let.wait()
        self.open -= 1
        return Reply(corr=uuid4(), status="ok")


def phone(edge: Slow, all_: asyncio.Semaphore, bucket: Bucket | None = None) -> Paced:
    """Return a phone's line."""
    line = Tap(SharedLine(edge))
    return Paced(line, bucket or Bucket(), asyncio.Semaphore(AT_ONCE), all_)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=400))
def test_nobody_asks_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    """Whenever it asks, a phone has no more than a burst and so many a second from then on."""
    bucket, now = Bucket(20, 4), 0.0
    turns = []
    for pause in pauses:
        now += pause
        if (wait := bucket.take(now)) is not None:
            turns.append(now + wait)
    for first, begun in enumerate(turns):
        for last in range(first, len(turns)):
            assert last - first + 1 <= 20 + 4 * (turns[last] - begun) + 1e-6


def test_a_list_of_a_hundred_jobs_is_drawn_at_once() -> None:
    """A person with 100 jobs and a picture of each waits for no turn."""
    bucket = Bucket()
    assert [bucket.take(0.0) for _ in range(110)] == [0.0] * 110


def test_who_asks_without_end_is_refused_and_may_go_on_later() -> None:
    """Beyond what a few seconds bring, a question is refused at once; later ones are not."""
    bucket = Bucket()
    waits = [bucket.take(0.0) for _ in range(10 * BURST)]
    assert sum(wait is not None for wait in waits) == BURST + 5 * RATE
    assert bucket.take(10.0) == 0.0


async def test_phones_leave_the_screen_its_room() -> None:
    """However much phones ask at once, a few questions of each are under way, and 24 of all."""
    edge, all_ = Slow(), asyncio.Semaphore(ALL_AT_ONCE)
    one = phone(edge, all_)
    asking = [asyncio.create_task(one.ask("preview", {})) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert edge.open == AT_ONCE
    for _ in range(10):
        line = phone(edge, all_)
        asking += [asyncio.create_task(line.ask("preview", {})) for _ in range(50)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert edge.open == ALL_AT_ONCE
    leaving = asyncio.create_task(one.ask("sign-off", {}))
    await asyncio.sleep(0)
    assert edge.open == ALL_AT_ONCE + 1
    edge.let.set()
    replies = await asyncio.gather(*asking, leaving)
    assert {reply.status for reply in replies if reply} == {"ok"}
    assert edge.most == ALL_AT_ONCE + 1


async def test_a_refused_question_says_why() -> None:
    """Too much is told as a code that pages have a sentence for; the edge hears nothing of it."""
    edge = Slow()
    line = phone(edge, asyncio.Semaphore(1), Bucket(0, 0.1))
    reply = await line.ask("jobs", {})
    assert reply is not None
    assert reply.problem is not None
    assert reply.problem.code == "wait-a-moment"
    assert edge.asked == 0
