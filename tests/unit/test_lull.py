"""A job that is being let go is left alone for a moment; what is told of it is not lost."""

from __future__ import annotations

import asyncio

from edge.printing.listener import Inbox, Lull

BEGUN, OTHER = 1, 2


async def test_what_is_told_in_a_lull_comes_after_it_and_once() -> None:
    """Of a job that is let go no event is looked at before its lull is over, and then only one."""
    lull = Lull(0.05)
    inbox = Inbox(lull)
    lull.begin(BEGUN)
    over = asyncio.get_running_loop().time() + lull.left(BEGUN)
    for _ in range(3):
        inbox.put([BEGUN, OTHER])

    assert await inbox.get() == OTHER
    assert await inbox.get() == BEGUN
    assert asyncio.get_running_loop().time() >= over
    inbox.put([OTHER])
    assert await inbox.get() == OTHER


async def test_everything_waits_for_no_lull() -> None:
    """When events may have been missed all is looked at, whatever is being let go."""
    lull = Lull(3600)
    inbox = Inbox(lull)
    lull.begin(BEGUN)
    inbox.put([BEGUN])
    inbox.put_all()

    assert await inbox.get() is None


async def test_lulls_that_are_over_are_forgotten() -> None:
    """A long day of releases leaves nothing behind."""
    lull = Lull(0)
    for id_ in range(1000):
        lull.begin(id_)

    assert [lull.left(id_) for id_ in (0, 999)] == [0, 0]
    assert lull.known <= 1


async def test_a_job_whose_number_is_not_known_begins_no_lull() -> None:
    """After a start of the edge nothing has been seen yet."""
    lull = Lull()
    lull.begin(None)

    assert lull.known == 0
