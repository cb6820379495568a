"""Promises about journals that were rolled back: found out, booked once, nobody pays for the loss.

A real journal on a real disk is copied and put back, as a snapshot of a disk would be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from broker.messages import Command
from central.conversation import Conversation
from central.proving import Unproven, judge
from central.retiring import advance
from central.store import accounts, closures, commands, forks, funds, nodes, reclaims
from central.store.late import LOSS_FORK
from central.store.ledger import Posted
from central.store.tables import charge
from edge.branch import RETIRING, branch
from tests.integration.books_lab import CODE, MemoryEdge, euros, open_account, open_books
from tests.integration.dialects import books_url
from tests.integration.forks_lab import ANA, DiskEdge, go_on, sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.closures import Closure


@pytest.fixture
def north(tmp_path: Path) -> Iterator[DiskEdge]:
    """Return a site with 10.00 of Ana's, which has printed for 1.00 and told so."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    edge.print_one(euros("1.00"))
    edge.report()
    yield edge
    edge.close()
    edge.centre.close()


def forked(edge: DiskEdge) -> Closure:
    """Freeze the edge, as a fork does, and enter the end of its journal."""
    with edge.centre.write() as tx:
        nodes.set_state(tx, "north", "frozen", "fork")
        return closures.begin(tx, "north", edge.books.incarnation, "fork", author="test")


def resolve(edge: DiskEdge, closed: Closure, *, restart: bool = False) -> Closure:
    """Have it resolved to the end."""
    with edge.centre.write() as tx:
        closures.go(tx, closed, "stopping")
    return go_on(edge, closed, restart=restart)


def balance(edge: DiskEdge, account: str) -> dict[str, int]:
    """Return where an account's money is."""
    with edge.centre.read() as tx:
        return {row.place: row.micros for row in accounts.balances(tx, account) if row.micros}


def charges(edge: DiskEdge) -> list[tuple[str, int]]:
    """Return how often each job was billed."""
    with edge.centre.read() as tx:
        query = select(charge.c.job, func.count()).group_by(charge.c.job)
        return [(job, times) for job, times in tx.sql.execute(query)]


def two_branches(edge: DiskEdge) -> None:
    """Print for 3.00 and tell it, roll the disk back to before, print for 8.00 there, untold."""
    edge.copy()
    edge.print_one(euros("3.00"))
    edge.report()
    edge.roll_back()
    edge.print_one(euros("5.00"))
    edge.print_one(euros("3.00"))


def test_both_branches_are_booked_and_the_house_pays_the_loss(north: DiskEdge) -> None:
    """12.00 was printed for with 10.00: Ana pays her 10.00 and no more, the house 2.00."""
    two_branches(north)
    old = north.books.incarnation
    closed = resolve(north, forked(north), restart=True)
    assert closed.step == "done"
    assert balance(north, ANA) == {}
    assert balance(north, "loss:fork") == {"": -euros("2.00")}
    assert balance(north, "income:print") == {"": euros("12.00")}
    assert all(times == 1 for _, times in charges(north))
    assert len(charges(north)) == 4
    assert north.books.incarnation != old
    assert isinstance(north.born(), nodes.Accepted)
    sound(north.centre)


def test_what_is_left_at_the_edge_goes_back_to_people(north: DiskEdge) -> None:
    """A journal that was only rolled back owes nothing: its money is at the account again."""
    north.copy()
    north.print_one(euros("3.00"))
    north.report()
    north.roll_back()
    closed = resolve(north, forked(north), restart=True)
    assert closed.step == "done"
    assert balance(north, ANA) == {"": euros("6.00")}
    assert balance(north, "loss:fork") == {}
    assert closed.result == {"returned": {"EUR": euros("6.00")}}
    sound(north.centre)


def test_a_job_of_both_branches_is_billed_once(north: DiskEdge) -> None:
    """The same attempt of a job is one print, whatever each branch calls its charge."""
    job = north.mint()
    north.copy()
    north.print_one(euros("3.00"), job=job)
    north.report()
    north.roll_back()
    north.print_one(euros("3.00"), job=job)
    closed = resolve(north, forked(north), restart=True)
    assert closed.step == "done"
    assert dict(charges(north))[str(job)] == 1
    assert balance(north, ANA) == {"": euros("6.00")}
    sound(north.centre)


def test_a_rehearsal_says_what_is_booked_and_changes_nothing(north: DiskEdge) -> None:
    """What `show` and `--dry-run` promise is what `resolve` then does."""
    two_branches(north)
    closed = forked(north)
    with north.centre.write() as tx:
        closures.go(tx, closed, "looking")
    closed = go_on(north, closed)
    before = balance(north, ANA), balance(north, "income:print")
    promised = forks.rehearse(north.centre, closed)
    assert (balance(north, ANA), balance(north, "income:print")) == before
    with north.centre.read() as tx:
        ledger = forks.branches(tx, closed)[0]
    assert ledger.common < ledger.ours < ledger.theirs
    closed = resolve(north, closed, restart=True)
    assert closed.result == promised
    assert promised["loss"] == {"EUR": euros("2.00")}


def test_whoever_dies_between_two_steps_goes_on(north: DiskEdge) -> None:
    """Commands that come twice, answers that are lost and restarts change nothing of the result."""
    two_branches(north)
    closed = forked(north)
    with north.centre.write() as tx:
        closures.go(tx, closed, "stopping")
    for _ in range(200):
        with north.centre.read() as tx:
            closed = closures.find(tx, "north", closed.incarnation) or closed
        if closed.step == "done":
            break
        north.wait()
        step = advance(north.centre, closed, north.dice)
        if step.command is None:
            continue
        north.obey(step.command)  # the answer is lost
        north.close()
        north.open()
        told = north.obey(step.command)  # it comes again, to whoever is there now
        with north.centre.write() as tx:
            commands.answered(tx, "north", told)
            commands.answered(tx, "north", told)
    assert closed.step == "done"
    assert balance(north, "loss:fork") == {"": -euros("2.00")}
    assert len(charges(north)) == 4
    assert len(list(north.data.glob("journal-*"))) == 1
    assert isinstance(north.born(), nodes.Accepted)
    sound(north.centre)


def test_without_its_branch_what_is_known_is_booked_and_the_branch_may_come_later(
    north: DiskEdge,
) -> None:
    """People have their money at once; what the branch then tells is the house's loss."""
    two_branches(north)
    closed = forked(north)
    with north.centre.write() as tx:
        closures.go(tx, closed, "booking")
    closed = go_on(north, closed)
    assert closed.step == "open"
    assert balance(north, ANA) == {"": euros("6.00")}
    with north.centre.read() as tx:
        known = nodes.find(tx, "north")
    assert known is not None
    assert known.state == "frozen"
    closed = resolve(north, closed, restart=True)
    assert closed.step == "done"
    assert balance(north, ANA) == {"": euros("6.00")}
    assert balance(north, "loss:fork") == {"": -euros("8.00")}
    sound(north.centre)


def test_a_journal_is_put_away_only_when_everything_of_it_is_known(north: DiskEdge) -> None:
    """An edge that has charged since it was asked says so, and is asked for that first."""
    two_branches(north)
    closed = forked(north)
    late = False
    with north.centre.write() as tx:
        closures.go(tx, closed, "stopping")
    for _ in range(200):
        with north.centre.read() as tx:
            closed = closures.find(tx, "north", closed.incarnation) or closed
        if closed.step == "done":
            break
        north.wait()
        step = advance(north.centre, closed, north.dice)
        if step.command is not None:
            if step.command.args.get("step") == "archive" and not late:
                late = True
                north.print_one(euros("0.50"))
            told = north.obey(step.command)
            with north.centre.write() as tx:
                commands.answered(tx, "north", told)
    assert late
    assert balance(north, "income:print") == {"": euros("12.50")}
    sound(north.centre)


def test_nothing_is_released_by_a_journal_that_is_being_closed(north: DiskEdge) -> None:
    """The stop is durable: it holds after a restart as well."""
    closed = forked(north)
    with north.centre.write() as tx:
        closed = closures.go(tx, closed, "stopping")
    step = advance(north.centre, closed, north.dice)
    assert step.command is not None
    north.obey(step.command)
    north.close()
    north.open()
    assert north.books.note(RETIRING) is not None


# ── finding it out ──────────────────────────────────────────────────────────────────────────


def proof(edge: DiskEdge) -> list[str]:
    """Meet the edge, ask for what it has not shown, and return what its answers prove."""
    birth = edge.birth()
    accepted = edge.born()
    assert isinstance(accepted, nodes.Accepted)
    greeting = Conversation.greet(edge.centre, "north", accepted, birth, 0.0)
    found = [greeting.trouble] if greeting.trouble else []
    for about in greeting.unproven:
        told = branch(edge.books, question(edge, about))
        found += [proved] if (proved := judge(about, told)) else []
    return found


def question(edge: DiskEdge, about: Unproven) -> Command:
    """Return what such an edge is asked."""
    return Command(
        id=edge.mint(),
        command="report-branch",
        args={"stream": about.name, "after": about.at.seq - 1, "most": 1},
        expires_at=edge.clock().replace(year=2096),
    )


def test_a_shorter_journal_is_found_out(north: DiskEdge) -> None:
    """An edge that no longer has what it had told was rolled back."""
    north.copy()
    north.print_one(euros("1.00"))
    north.report()
    north.roll_back()
    assert any("rolled back" in each for each in proof(north))


def test_a_longer_journal_of_another_history_is_found_out(north: DiskEdge) -> None:
    """An edge that has written more since is asked for its event at our watermark."""
    two_branches(north)
    assert any("another" in each for each in proof(north))


def test_a_late_birth_proves_nothing(north: DiskEdge) -> None:
    """A birth from before what was told since is believed to be late: the edge shows that it is."""
    north.copy()
    old = north.birth()
    north.print_one(euros("1.00"))
    north.report()
    with north.centre.write() as tx:
        accepted = nodes.accept(tx, "north", old)
    assert isinstance(accepted, nodes.Accepted)
    greeting = Conversation.greet(north.centre, "north", accepted, old, 0.0)
    assert greeting.trouble is None
    assert greeting.unproven
    for about in greeting.unproven:
        assert judge(about, branch(north.books, question(north, about))) is None


def test_a_false_alarm_that_was_only_looked_at_changes_nothing(tmp_path: Path) -> None:
    """Freed again, what the edge gives back is booked, and what it never had is put aside."""
    edge = MemoryEdge(open_books(books_url(tmp_path / "books.db")))
    open_account(edge.books, ANA, "5.00")
    edge.join()
    with edge.books.write() as tx:
        assert isinstance(funds.grant(tx, "north", ANA, "EUR", euros("5.00"), "parked"), Posted)
        closures.begin(tx, "north", edge.incarnation, "fork", author="test")
        reclaims.ask_quietly(tx, "north", ANA, "EUR", euros("2.00"), "parking")
    edge.listen()
    given = edge.say(edge.give_back(edge.reclaims[0]), edge.charge(euros("4.00")))
    done = edge.send(given)
    assert [seq for seq, _ in done.quarantined] == [3]
    with edge.books.read() as tx:
        there = {row.place: row.micros for row in accounts.balances(tx, ANA) if row.micros}
        assert accounts.whole(tx, LOSS_FORK, "EUR") == 0
    assert there == {"": euros("2.00"), "north": euros("3.00")}
    sound(edge.books)
    edge.books.close()


def test_the_money_of_the_next_journal_is_left_alone(tmp_path: Path) -> None:
    """Booked late, a fork gives back nothing that was granted to who came in its place."""
    edge = MemoryEdge(open_books(books_url(tmp_path / "books.db")))
    open_account(edge.books, ANA, "5.00")
    edge.join()
    with edge.books.write() as tx:
        nodes.set_state(tx, "north", "frozen", "fork")
        closed = closures.begin(tx, "north", edge.incarnation, "fork", author="test")
        nodes.enrol(tx, "north", CODE)
    new = MemoryEdge(edge.books)
    new.incarnation = edge.mint()
    with edge.books.write() as tx:
        assert isinstance(nodes.accept(tx, "north", new.birth()), nodes.Accepted)
        assert isinstance(funds.grant(tx, "north", ANA, "EUR", euros("5.00"), "parked"), Posted)
        reclaims.ask_quietly(tx, "north", ANA, "EUR", euros("2.00"), "parking")
        closures.go(tx, closed, "booking")
    for _ in range(5):
        advance(edge.books, closed, edge.dice)
    new.listen()
    done = new.send(new.say(new.give_back(new.reclaims[0])))
    assert done.quarantined == ()
    with edge.books.read() as tx:
        there = {row.place: row.micros for row in accounts.balances(tx, ANA) if row.micros}
        known = nodes.find(tx, "north")
    assert there == {"": euros("2.00"), "north": euros("3.00")}
    assert known is not None
    assert known.incarnation == new.incarnation
    edge.books.close()
