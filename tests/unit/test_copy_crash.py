"""Copies over power cuts: wherever the power goes, one copy is charged once, for what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import CopyState
from edge.store.errors import StoreUnwritableError
from edge.store.holds import disagreements
from edge.store.memory_disk import PowerCutError
from edge.store.recovery import recover
from tests.unit.copies_lab import PATIENCE, CopySite
from tests.unit.edge_lab import ANA, CENT, euros, grant, open_books

if TYPE_CHECKING:
    from uuid import UUID

_MONEY = euros("3")


def sound(site: CopySite) -> None:
    """See that holds, balances and jobs agree in what is on the disk."""
    recovered = recover(site.disk)
    assert recovered is not None
    assert list(disagreements(recovered.fold)) == []


class Terminal:
    """Counts five copies, one after another, and says again what was not answered."""

    def __init__(self, site: CopySite) -> None:
        self.site = site
        self.made = 0
        self.copy: UUID | None = None
        self.done = False

    async def step(self) -> None:
        """Do the next thing; after a power cut the same again."""
        if self.copy is None:
            state = await self.site.begin()
            assert state.left == _MONEY
            self.copy = state.copy_id
        elif self.made < 5:
            counted = self.site.count(self.copy, monochrome=self.made + 1)
            self.made += 1
            assert counted.counts.monochrome == self.made
        else:
            self.done = self.site.end(self.copy, monochrome=self.made).settled


@pytest.mark.parametrize("keep", [0, 1])
async def test_wherever_the_power_goes_one_copy_is_charged_once(keep: int) -> None:
    """The terminal goes on with the same copy, and exactly what it counted is charged."""
    for power in range(40):
        site = CopySite()
        grant(site.books, _MONEY)
        terminal = Terminal(site)
        site.disk.power = power
        cut = 0
        while not terminal.done:
            try:
                await terminal.step()
            except PowerCutError:
                cut += 1
                site.disk = site.disk.crash(lambda n: n * keep)
                site.books = open_books(site.disk)
                site.funds.books = site.books
                site.open()
                sound(site)
        (charged,) = site.charged()
        assert [each.micros for each in charged.postings] == [25 * CENT]
        assert site.books.free(ANA, "EUR") == _MONEY - 25 * CENT
        assert len(site.books.jobs()) == 1
        sound(site)
        if power < 8:
            assert cut == 1


async def test_a_disk_that_is_full_sets_nothing_aside_and_counts_nothing() -> None:
    """What could not be written was not done: the terminal is told to try again, or to stop."""
    site = CopySite()
    grant(site.books, _MONEY)
    state = await site.begin()
    site.count(state.copy_id, monochrome=1)
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        site.count(state.copy_id, monochrome=2)
    with pytest.raises(StoreUnwritableError):
        site.end(state.copy_id, monochrome=2)
    site.disk.space = None
    again = site.books.job(state.copy_id)
    assert again is not None
    assert again.meter is not None
    assert again.meter.counts.total == 1
    assert site.end(state.copy_id, monochrome=2).cost[0].micros == 10 * CENT


_STEPS = st.lists(
    st.sampled_from(["begin", "other", "count", "count", "old", "end", "crash", "silence"]),
    max_size=25,
)


class Life:
    """Two terminals at one copier, and what the copies of the first have to cost."""

    def __init__(self) -> None:
        self.site = CopySite()
        grant(self.site.books, _MONEY)
        self.made: dict[UUID, int] = {}
        self.held: dict[UUID, int] = {}
        self.newest: UUID | None = None

    async def begin(self) -> None:
        """Let the first terminal begin, maybe anew."""
        answer = await self.site.ask()
        if isinstance(answer, CopyState):
            self.newest = answer.copy_id
            self.made.setdefault(self.newest, 0)
            self.held.setdefault(self.newest, answer.left)

    async def other(self) -> None:
        """Let the second begin and end, where it may."""
        answer = await self.site.ask(node="reader-2")
        if isinstance(answer, CopyState):
            self.site.end(answer.copy_id, node="reader-2")

    def count(self, more: int) -> None:
        """Count so many more, or fewer than before; after the end they are nobody's."""
        if self.newest is None:
            return
        made = max(0, self.made[self.newest] + more)
        state = self.site.count(self.newest, monochrome=made)
        if not state.settled:
            self.made[self.newest] = max(made, self.made[self.newest])

    def end(self) -> None:
        """End the newest, maybe again."""
        if self.newest is not None:
            assert self.site.end(self.newest, monochrome=self.made[self.newest]).settled

    def crash(self, choose: int) -> None:
        """Lose what was not durable, or some of it."""
        site = self.site
        site.disk = site.disk.crash(lambda n: min(n, choose))
        site.books = open_books(site.disk)
        site.funds.books = site.books
        site.open()

    def silence(self) -> None:
        """Say nothing for longer than anybody waits."""
        self.site.copying.sweep()
        self.site.seconds += PATIENCE.total_seconds()
        self.site.copying.sweep()


@given(steps=_STEPS, choose=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
async def test_any_life_of_copies_keeps_the_books_right(steps: list[str], choose: int) -> None:
    """Whatever terminals do and wherever it crashes: money is conserved, each copy charged once."""
    life = Life()
    for step in steps:
        match step:
            case "begin":
                await life.begin()
            case "other":
                await life.other()
            case "count" | "old":
                life.count(7 if step == "count" else -1)
            case "end":
                life.end()
            case "crash":
                life.crash(choose)
            case _:
                life.silence()
        sound(life.site)
    life.silence()
    sound(life.site)
    charged = life.site.charged()
    spent = {each.job: sum(amount.micros for amount in each.postings) for each in charged}
    assert len(spent) == len(charged)
    due = {job: min(5 * CENT * n, life.held[job]) for job, n in life.made.items() if n}
    assert spent == due
    assert life.site.books.free(ANA, "EUR") == life.site.here() == _MONEY - sum(due.values())
