"""Promises of periodic grants on real books: on time, never twice, in slices."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from time import process_time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from broker.directory import AccountRow, UserRow
from central.fleet import Fleet
from central.granting import Granting
from central.schedules import Plan
from central.store import accounts, closing, directory, lists, schedules
from central.store.allowances import SLICE, Allowance
from central.store.ledger import Refused
from central.store.parking import park_free
from central.store.tables import schedule as schedule_table
from config.policy.money import MICROS_BOUND, Money
from tests.integration.accounts_lab import (
    AUTHOR,
    NIGHTLY,
    assert_sound,
    balance,
    enter,
    person,
    run_due,
    schedule,
)
from tests.integration.books_lab import MemoryEdge, euros, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
DAY = timedelta(days=1)
FIVE = Allowance("group:students", "grant", "EUR", euros("5.00"), "set")
ADD = Allowance("group:students", "grant", "EUR", euros("5.00"), "add", euros("12.00"))


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with two students and a teacher."""
    opened = open_books()
    enter(opened, "ana", "bob")
    enter(opened, "carl", group="teachers")
    yield opened
    assert_sound(opened)
    opened.close()


def test_a_grant_comes_at_its_moment_and_not_before(books: Books) -> None:
    """A second before local midnight nothing is due, at midnight everybody of the group has it."""
    schedule(books, now=NOON)
    assert run_due(books, MIDNIGHT - timedelta(seconds=1)) == []
    assert [step.over for step in run_due(books, MIDNIGHT)] == [True]
    assert balance(books, "grant:ana") == balance(books, "grant:bob") == {"": euros("5.00")}
    assert balance(books, "grant:carl") == {}
    assert run_due(books, MIDNIGHT + timedelta(hours=1)) == []


def test_the_first_grant_opens_the_wallet_before_the_persons_own_money(books: Books) -> None:
    """The account stands below the person's own and is spent first; sites are told so."""
    schedule(books, now=NOON)
    run_due(books, MIDNIGHT)
    with books.read() as tx:
        opened = accounts.find(tx, "grant:ana")
        told = AccountRow.model_validate(directory.get(tx, "account", "grant:ana"))
    assert opened is not None
    assert opened.rules.parent == "user:ana"
    assert (told.unit, told.enabled) == ("EUR", True)
    row = person(books, "ana")
    assert row.wallets == (("grant:ana", "user:ana"),)
    assert row.accounts == ("grant:ana",)


def test_quotas_of_one_colour_share_a_list(books: Books) -> None:
    """Pages are a list of their own beside money, and colour pages join the other pages."""
    for which in ("color", "mono"):
        pages = Allowance("group:students", f"quota.{which}", "page", 20_000_000, "set")
        schedule(books, pages, now=NOON, name=which)
    run_due(books, MIDNIGHT)
    row = person(books, "ana")
    assert row.wallets == (("user:ana",), ("quota:ana.mono", "quota:ana.color"))
    with books.read() as tx:
        told = AccountRow.model_validate(directory.get(tx, "account", "quota:ana.color"))
    assert told.counts == "color"


def test_a_schedule_may_leave_wallets_alone(books: Books) -> None:
    """With joins off the account is filled, and nobody pays differently."""
    schedule(books, replace(FIVE, joins=False), now=NOON)
    run_due(books, MIDNIGHT)
    assert balance(books, "grant:ana") == {"": euros("5.00")}
    assert person(books, "ana").wallets == ()


def test_missed_periods_of_add_are_posted_up_to_the_cap(books: Books) -> None:
    """Three nights down: 5 and 5, then only the 2 that the cap leaves, each its own entry."""
    schedule(books, ADD, now=NOON)
    run_due(books, MIDNIGHT + 2 * DAY)
    assert balance(books, "grant:ana") == {"": euros("12.00")}
    with books.read() as tx:
        entries = lists.entries(tx, account="grant:ana")
    assert [each.note for each in entries] == [f"pocket 2026-11-{day}" for day in (23, 24, 25)]
    assert {each.kind for each in entries} == {"allowance"}


def test_of_set_only_the_last_missed_period_counts(books: Books) -> None:
    """Three nights down end in one entry, of the last night."""
    schedule(books, now=NOON)
    run_due(books, MIDNIGHT + 2 * DAY)
    with books.read() as tx:
        (entry,) = lists.entries(tx, account="grant:ana")
    assert entry.note == "pocket 2026-11-25"


def test_set_counts_what_sits_at_sites_and_leaves_it_there(books: Books) -> None:
    """With 4 of 5 at a cut-off site 1 is added; to lower it below what sits there is not done."""
    schedule(books, now=NOON)
    run_due(books, MIDNIGHT)
    north = MemoryEdge(books)
    north.join()
    with books.write() as tx:
        park_free(tx, frozenset({"north"}))
    north.listen()
    assert north.here["grant:ana"] == euros("5.00")
    north.send(north.say(north.charge(euros("1.00"), "grant:ana")))
    run_due(books, MIDNIGHT + DAY)
    assert balance(books, "grant:ana") == {"": euros("1.00"), "north": euros("4.00")}
    lower = replace(FIVE, micros=euros("3.00"))
    schedule(books, lower, now=MIDNIGHT + DAY + timedelta(hours=1), name="lower")
    with books.write() as tx:
        schedules.remove(tx, "pocket", author=AUTHOR)
    run_due(books, MIDNIGHT + 2 * DAY)
    assert balance(books, "grant:ana") == {"north": euros("4.00")}
    with books.read() as tx:
        last = lists.entries(tx, account="grant:ana")[-1]
    assert last.note == "lower 2026-11-25: 1.00 EUR more sits at sites and stays"


def test_a_grant_is_due_in_the_hole_of_a_clock_change(books: Books) -> None:
    """On the night when 02:30 does not exist it comes at the first instant after."""
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    schedule(books, plan=replace(NIGHTLY, at=time(2, 30)), now=before)
    assert run_due(books, datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC)) == []
    assert len(run_due(books, datetime(2027, 3, 28, 1, 0, tzinfo=UTC))) == 1
    assert run_due(books, datetime(2027, 3, 28, 12, 0, tzinfo=UTC)) == []


def test_a_clock_turned_back_grants_nothing_twice(books: Books) -> None:
    """The same night again, by the clock or by tampered progress, finds its entries there."""
    schedule(books, ADD, now=NOON)
    run_due(books, MIDNIGHT)
    assert run_due(books, NOON) == []
    assert run_due(books, MIDNIGHT) == []
    with books.write() as tx:
        tx.sql.execute(update(schedule_table).values(done=NOON, due=MIDNIGHT))
    run_due(books, MIDNIGHT)
    assert balance(books, "grant:ana") == {"": euros("5.00")}


def test_a_crash_between_slices_goes_on_where_it_was(books: Books) -> None:
    """Each slice commits with its cursor: what was posted is not posted again, nobody is missed."""
    names = [f"s{number:04}" for number in range(SLICE + 50)]
    enter(books, *names)
    schedule(books, ADD, now=NOON)
    with books.write(MIDNIGHT) as tx:
        first = schedules.step(tx)
    assert first is not None
    assert not first.over

    class PowerCut(Exception):
        """The machine goes down in the middle of the second slice."""

    def cut_off() -> None:
        with books.write(MIDNIGHT) as tx:
            schedules.step(tx)
            raise PowerCut

    with pytest.raises(PowerCut):
        cut_off()
    run_due(books, MIDNIGHT)
    for name in names:
        assert balance(books, f"grant:{name}") == {"": euros("5.00")}


def test_paused_periods_are_left_out(books: Books) -> None:
    """What passed during a pause is not caught up with; the next moment is kept."""
    schedule(books, ADD, now=NOON)
    with books.write(NOON) as tx:
        schedules.pause(tx, "pocket", author=AUTHOR, paused=True)
    assert run_due(books, MIDNIGHT + 3 * DAY) == []
    with books.write(MIDNIGHT + 3 * DAY + timedelta(hours=1)) as tx:
        again = schedules.pause(tx, "pocket", author=AUTHOR, paused=False)
    assert isinstance(again, schedules.Schedule)
    assert again.progress.due == MIDNIGHT + 4 * DAY
    run_due(books, MIDNIGHT + 4 * DAY)
    assert balance(books, "grant:ana") == {"": euros("5.00")}


def test_who_cannot_be_granted_to_is_left_out_and_said(books: Books) -> None:
    """Frozen, in another unit, full: the others get theirs, and the schedule says why not all."""
    enter(books, "dora", "emil", "fay")
    schedule(books, ADD, now=NOON)
    schedule(books, replace(FIVE, mode="add"), now=NOON, name="more")
    open_account(books, "grant:dora")
    with books.write() as tx:
        closing.freeze(tx, "grant:dora", author=AUTHOR, reason="lost card")
        accounts.put(tx, "grant:emil", "USD", floor=0, enabled=True)
        accounts.put(tx, "grant:fay", "EUR", floor=0, enabled=True)
        accounts.top_up(tx, "grant:fay", Money(MICROS_BOUND, "EUR"), note="", author=AUTHOR)
    steps = {step.name: step for step in run_due(books, MIDNIGHT)}
    assert steps["more"].left_out == 3
    assert steps["pocket"].left_out == 2
    assert "EUR" in steps["pocket"].remark or "frozen" in steps["pocket"].remark
    assert balance(books, "grant:ana") == {"": euros("10.00")}
    assert balance(books, "grant:dora") == {}


def test_disabled_people_get_nothing(books: Books) -> None:
    """A person who may do nothing is not granted to either."""
    with books.write() as tx:
        row = UserRow(name="ana", groups=("students",), accounts=("user:ana",), enabled=False)
        directory.put(tx, "user", "ana", row)
    schedule(books, now=NOON)
    run_due(books, MIDNIGHT)
    assert balance(books, "grant:ana") == {}


def test_one_account_can_be_granted_to(books: Books) -> None:
    """A department gets its month on the last day of a short one, and nobody's wallet changes."""
    open_account(books, "department:physics")
    monthly = Plan("monthly", "UTC", time(6, 0), day=31)
    wanted = Allowance("account:department:physics", "", "EUR", euros("100.00"), "add")
    schedule(books, wanted, monthly, now=NOON)
    run_due(books, datetime(2026, 11, 30, 6, tzinfo=UTC))
    assert balance(books, "department:physics") == {"": euros("100.00")}


@pytest.mark.parametrize(
    ("allowance", "plan", "said"),
    [
        # an account in another unit
        (
            Allowance("account:user:ana", "", "USD", 1, "add"),
            NIGHTLY,
            "user:ana is in EUR, not USD",
        ),
        # an account that is not there
        (Allowance("account:user:zoe", "", "EUR", 1, "add"), NIGHTLY, "no account user:zoe"),
        # more than can be held
        (replace(FIVE, micros=MICROS_BOUND + 1), NIGHTLY, "more than an account may hold"),
        # less than nothing
        (replace(FIVE, micros=-1), NIGHTLY, "more than nothing"),
        # nothing to add
        (replace(ADD, micros=0), NIGHTLY, "more than nothing"),
        # two words for one thing
        (replace(FIVE, cap=1), NIGHTLY, "needs no cap"),
        # no such zone
        (FIVE, replace(NIGHTLY, zone="Europe/Pariss"), "no time zone"),
        # a path, not a zone
        (FIVE, replace(NIGHTLY, zone="../../etc/passwd"), "no time zone"),
        # a term without days
        (FIVE, replace(NIGHTLY, every="term"), "needs its days"),
        # a term that is over
        (FIVE, replace(NIGHTLY, every="term", days=(date(2020, 1, 1),)), "still to come"),
    ],
)
def test_a_wrong_schedule_is_refused(
    books: Books, allowance: Allowance, plan: Plan, said: str
) -> None:
    """The answer names what is wrong, and nothing is entered."""
    with books.write(NOON) as tx:
        refused = schedules.add(tx, "x", allowance, plan, author=AUTHOR)
        assert schedules.every(tx) == []
    assert isinstance(refused, Refused)
    assert said in refused.reason


def test_a_zone_that_vanishes_stops_only_its_schedule(books: Books) -> None:
    """The schedule pauses itself and says why; the others go on."""
    schedule(books, now=NOON)
    schedule(books, ADD, now=NOON, name="other")
    with books.write() as tx:
        tx.sql.execute(
            update(schedule_table)
            .where(schedule_table.c.name == "other")
            .values(zone="Mars/Olympus")
        )
    steps = {step.name: step for step in run_due(books, MIDNIGHT)}
    assert "Mars/Olympus" in steps["other"].remark
    assert balance(books, "grant:ana") == {"": euros("5.00")}
    with books.read() as tx:
        found = schedules.find(tx, "other")
    assert found is not None
    assert found.progress.paused


@pytest.mark.sqlite_only("a measurement: its statements are run by others")
def test_a_big_group_is_granted_to_in_slices(books: Books) -> None:
    """20,000 people in under 5 s of this process, 200 at a time, in a few MiB half way through."""
    many = 20_000
    with books.write() as tx:
        rows = {
            f"s{number:06}": UserRow(
                name=f"s{number:06}", groups=("many",), accounts=(f"user:s{number:06}",)
            )
            for number in range(many)
        }
        directory.put_all(tx, "user", rows)
        del rows
    schedule(books, replace(FIVE, target="group:many"), now=NOON)
    began, slices, used = process_time(), 0, 0
    while True:
        with books.write(MIDNIGHT) as tx:
            if slices == 50:
                tracemalloc.start()
            step = schedules.step(tx)
            if slices == 52:
                used = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
        if step is None:
            break
        slices += 1
    took = process_time() - began
    assert slices >= many // SLICE
    assert took < 5
    assert 0 < used < 4 * 2**20
    with books.read() as tx:
        found = schedules.find(tx, "pocket")
        counted = sum(
            each.account.startswith("grant:s") and each.micros == euros("5.00")
            for each in accounts.balances(tx)
        )
    assert found is not None
    assert (found.progress.granted, counted) == (many, many)


def test_the_coordinator_wakes_at_the_moment_without_mail(books: Books) -> None:
    """A look before the moment does nothing, the first one after it grants."""
    schedule(books, now=NOON)
    at = [MIDNIGHT - timedelta(seconds=1)]
    granting = Granting(Fleet(books, clock=lambda: at[0]))
    granting.look(0.0)
    granting.look(1.0)
    assert balance(books, "grant:ana") == {}
    at[0] = MIDNIGHT
    granting.look(2.0)
    assert balance(books, "grant:ana") == {"": euros("5.00")}
    while granting.restless:
        granting.look(3.0)
    assert balance(books, "grant:bob") == {"": euros("5.00")}
