"""Promises of terms: told, taken by the edge's own word, and counted as the worse until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import (
    AccountAmount,
    Collected,
    EdgeDigest,
    FundsRequest,
    GaveBack,
    Granted,
    SetTerms,
    TermsTaken,
    UncoveredCap,
)
from central.store import accounts, audit, closing, funds, nodes, streams, terms
from central.store.accounts import Rules
from central.store.edges import Expected, digest_of, expected
from central.store.exposure import exposure
from central.store.ledger import Refused
from central.store.owed import house_of
from central.store.terms import Wish
from config.policy.money import Money
from tests.integration.accounts_lab import assert_sound, balance
from tests.integration.books_lab import MORNING, euros, open_account, open_books
from tests.integration.terms_lab import TermsEdge, figures, wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

BOTH = frozenset({"north", "south"})
CAP = UncoveredCap(unit="EUR", site=euros("2.00"), user=euros("1.00"))


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with two people in them."""
    opened = open_books()
    for key in ("user:ana", "user:bob"):
        open_account(opened, key)
    yield opened
    assert_sound(opened)
    opened.close()


def site(books: Books, name: str = "north", **how: object) -> TermsEdge:
    """Return an edge that has joined and taken what it was told."""
    edge = TermsEdge(books, name, **how)  # type: ignore[arg-type]
    edge.join()
    edge.listen()
    if edge.take_terms():
        edge.tell()
    return edge


def top_up(books: Books, amount: str, key: str = "user:ana") -> None:
    """Put money on an account."""
    with books.write() as tx:
        accounts.top_up(tx, key, Money.parse(amount, "EUR"), note="", author="test")


def park(books: Books, linked: frozenset[str] = BOTH) -> None:
    """Collect and park."""
    with books.write() as tx:
        funds.park_free(tx, linked)


def ask(books: Books, edge: TermsEdge, amount: str, **more: object) -> funds.Answered | Refused:
    """Ask for funds as an edge does."""
    fields: dict[str, object] = {
        "corr": edge.mint(),
        "expires_at": MORNING.replace(year=2027),
        "account": "user:ana",
        "unit": "EUR",
        "micros": euros(amount),
    }
    with books.write() as tx:
        return funds.ask(tx, edge.node, FundsRequest.model_validate(fields | more), BOTH)


def role_of(books: Books, node: str) -> str:
    """Return a site's role as the books have it."""
    with books.read() as tx:
        found = nodes.find(tx, node)
    assert found is not None
    return found.role


def test_a_tracker_is_told_its_default_caps_at_its_first_birth(books: Books) -> None:
    """500.00 at the site and 20.00 on one account, in the books' currency; a remote has none."""
    tracker, remote = site(books, role="tracker"), site(books, "south")
    assert tracker.caps is not None
    cap = UncoveredCap(unit="EUR", site=euros("500.00"), user=euros("20.00"))
    assert tracker.caps.uncovered == (cap,)
    assert remote.caps is None
    assert figures(books).worst == euros("500.00")
    tracker.meet()
    assert not [each for each in tracker.listen() if isinstance(each, SetTerms)]


def test_a_role_changes_by_the_edges_own_word(books: Books) -> None:
    """Until then the books keep the old role, and after it the new one, whatever a birth says."""
    edge = site(books)
    n = wish(books, "north", Wish("tracker", (CAP,)))
    assert role_of(books, "north") == "remote"
    edge.listen()
    assert edge.take_terms()
    assert role_of(books, "north") == "remote"
    edge.tell()
    assert role_of(books, "north") == "tracker"
    edge.role = "remote"
    edge.meet()
    assert role_of(books, "north") == "tracker"
    with books.read() as tx:
        acts = [act for act in audit.acts(tx, target="north") if act.act == "role"]
        newest = terms.newest(tx, "north")
    assert newest is not None
    assert newest.n == n
    assert [act.detail["role"] for act in acts] == ["tracker"]


def test_until_taken_the_worse_counts(books: Books) -> None:
    """A wish for less lowers nothing before the edge's word; a wish for more counts at once."""
    edge = site(books, role="tracker")
    assert figures(books, "north").more == euros("500.00")
    wish(books, "north", Wish("remote"))
    assert figures(books, "north").more == euros("500.00")
    wish(books, "north", Wish("tracker", (UncoveredCap(unit="EUR"),)))
    assert figures(books, "north").more is None
    wish(books, "north", Wish("agent"))
    edge.listen()
    edge.take_terms()
    edge.tell()
    with books.read() as tx:
        assert terms.in_play(tx, "north", edge.incarnation)[0].wish == Wish("agent")
    assert figures(books, "north").worst == 0


def test_terms_that_were_never_set_are_not_taken(books: Books) -> None:
    """An edge cannot give itself a role."""
    edge = site(books)
    done = edge.send(edge.say(TermsTaken(terms=7, role="tracker")))
    assert "were never set" in done.quarantined[0][1]
    assert role_of(books, "north") == "remote"


def test_older_terms_are_not_gone_back_to(books: Books) -> None:
    """Taking terms after later ones is refused, taking the same again has no effect."""
    edge = site(books)
    first = wish(books, "north", Wish("tracker", (CAP,)))
    second = wish(books, "north", Wish("remote"))
    edge.tell()
    said = [TermsTaken(terms=n, role=role) for n, role in ((second, "remote"), (first, "tracker"))]
    done = edge.send(edge.say(*said, said[0]))
    assert len(done.quarantined) == 1
    assert role_of(books, "north") == "remote"


def test_a_node_one_version_behind_is_told_no_terms(books: Books) -> None:
    """It goes on as it is, and who wishes it something else is told why not."""
    edge = site(books, wire=1, role="tracker")
    with books.write() as tx:
        refused = terms.set_wish(tx, "north", Wish("agent"), author="test")
    assert isinstance(refused, Refused)
    assert "knows no terms" in refused.reason
    assert [type(each).__name__ for each in edge.listen()] == []
    assert figures_empty(books)
    edge.wire = 2
    edge.meet()
    assert any(isinstance(each, SetTerms) for each in edge.listen())


def figures_empty(books: Books) -> bool:
    """Say whether nothing is exposed anywhere."""
    with books.read() as tx:
        return all(each.worst == 0 for each in exposure(tx).units.values())


def test_a_new_journal_is_told_what_was_wished_of_the_site(books: Books) -> None:
    """Terms belong to the site: a journal that begins anew takes them anew."""
    site(books, role="tracker")
    wish(books, "north", Wish("tracker", (CAP,)))
    with books.write() as tx:
        nodes.enrol(tx, "north", "a-code-for-once")
    again = TermsEdge(books, "north", role="tracker")
    again.incarnation = again.mint()
    again.meet()
    again.listen()
    assert again.take_terms()
    assert again.caps is not None
    assert again.caps.uncovered == (CAP,)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        # a role that never goes past its allocation
        (Wish("agent", (CAP,)), "takes no cap"),
        # two caps in one unit
        (Wish("tracker", (CAP, CAP)), "each unit has one cap"),
        # one account more than the site
        (Wish("tracker", (UncoveredCap(unit="EUR", site=1, user=2),)), "more than the whole site"),
    ],
)
def test_terms_that_make_no_sense_are_refused(books: Books, wanted: Wish, said: str) -> None:
    """The reason says what is wrong."""
    site(books)
    with books.write() as tx:
        refused = terms.set_wish(tx, "north", wanted, author="test")
    assert isinstance(refused, Refused)
    assert said in refused.reason


def test_terms_that_restored_books_forgot_are_known_again(books: Books) -> None:
    """What the edge hands back is what it was told: its taking counts, and so do its caps."""
    edge = site(books)
    wish(books, "north", Wish("tracker", (CAP,), 86_400))
    edge.listen()
    (told,) = edge.heard
    with books.write() as tx:
        before = terms.ever(tx, "north", edge.incarnation)
        tx.sql.exec_driver_sql("DELETE FROM terms")
        terms.adopt(tx, "north", edge.incarnation, told)
        terms.adopt(tx, "north", edge.incarnation, told)
        (after,) = terms.ever(tx, "north", edge.incarnation)
    assert after.wish == before[0].wish
    edge.take_terms()
    edge.tell()
    assert role_of(books, "north") == "tracker"
    assert figures(books, "north").worst == CAP.site


# ── an agent ──────────────────────────────────────────────────────────────────────────────────


def test_an_agent_is_granted_for_one_job_and_gives_the_rest_back(books: Books) -> None:
    """Nothing is parked there; the grant names the job; what is left can be spent elsewhere."""
    agent = site(books, role="agent")
    top_up(books, "5.00")
    park(books)
    assert balance(books, "user:ana") == {"": euros("5.00")}
    job = agent.mint()
    answer = ask(books, agent, "0.40", job=job)
    assert isinstance(answer, funds.Answered)
    assert answer.answer.coming == euros("0.40")
    (granted,) = [each for each in agent.listen() if isinstance(each, Granted)]
    assert granted.job == job
    agent.end_job(job, euros("0.30"))
    agent.tell()
    assert balance(books, "user:ana") == {"": euros("4.70")}


def test_an_agent_that_names_no_job_gets_nothing(books: Books) -> None:
    """Money for no job would be a standing allocation."""
    agent = site(books, role="agent")
    top_up(books, "5.00")
    refused = ask(books, agent, "0.40")
    assert isinstance(refused, Refused)
    assert "asks for each job" in refused.reason
    ahead = ask(books, agent, "0.40", prefetch=True, job=agent.mint())
    assert isinstance(ahead, funds.Answered)
    assert ahead.answer.coming == 0


def test_money_from_another_site_comes_to_an_agent_for_its_job(books: Books) -> None:
    """What is parked elsewhere is reclaimed, and granted on with the job's name."""
    agent, south = site(books, role="agent"), site(books, "south")
    top_up(books, "1.00")
    park(books)
    south.listen()
    job = agent.mint()
    ask(books, agent, "0.40", job=job)
    south.listen()
    south.say(south.give_back(south.reclaims[0]))
    south.tell(BOTH)
    (granted,) = [each for each in agent.listen() if isinstance(each, Granted)]
    assert (granted.job, granted.micros, granted.reason) == (job, euros("0.40"), "reclaimed")


def test_what_an_agent_keeps_for_a_job_is_not_promised_to_others(books: Books) -> None:
    """Money at a site without a standing allocation is not asked back for somebody else."""
    agent, south = site(books, role="agent"), site(books, "south")
    top_up(books, "1.00")
    ask(books, agent, "1.00", job=agent.mint())
    answer = ask(books, south, "0.50")
    assert isinstance(answer, funds.Answered)
    assert answer.answer.coming == 0


def test_a_site_that_becomes_an_agent_keeps_nothing(books: Books) -> None:
    """From the wish on nothing is parked there, and with its word all of it is back."""
    edge = site(books)
    top_up(books, "3.00")
    park(books)
    edge.listen()
    wish(books, "north", Wish("agent"))
    top_up(books, "1.00")
    park(books)
    assert balance(books, "user:ana") == {"": euros("1.00"), "north": euros("3.00")}
    edge.listen()
    edge.take_terms()
    edge.tell()
    assert balance(books, "user:ana") == {"": euros("4.00")}


def test_what_is_given_back_twice_comes_once(books: Books) -> None:
    """The same return in another event has no effect; other content under its name is put aside."""
    edge = site(books)
    top_up(books, "3.00")
    park(books)
    edge.listen()
    back = edge.returning("user:ana", euros("1.00"))
    done = edge.send(edge.say(back, back, back.model_copy(update={"micros": 5})))
    assert balance(books, "user:ana")[""] == euros("1.00")
    assert len(done.quarantined) == 1


def test_nobody_gives_back_what_was_not_there(books: Books) -> None:
    """A return beyond what sits at the site is put aside."""
    edge = site(books)
    done = edge.send(edge.say(edge.returning("user:ana", 1)))
    assert len(done.quarantined) == 1


# ── past the allocation ───────────────────────────────────────────────────────────────────────


def test_what_is_past_the_allocation_is_owed_and_collected_first(books: Books) -> None:
    """The house pays at first; a top-up pays the debt before anything is parked."""
    tracker = site(books, role="tracker")
    top_up(books, "0.50")
    park(books)
    tracker.listen()
    assert tracker.print_for("user:ana", euros("1.20")) is not None
    tracker.tell()
    assert balance(books, house_of("north")) == {"": -euros("0.70")}
    assert figures(books, "north").owed == euros("0.70")
    assert figures(books, "north").worst == euros("500.00")
    top_up(books, "1.00")
    park(books)
    assert balance(books, "user:ana") == {"north": euros("0.30")}
    assert balance(books, house_of("north")) == {}
    (collected,) = [each for each in tracker.listen() if isinstance(each, Collected)]
    assert (collected.account, collected.micros) == ("user:ana", euros("0.70"))
    assert tracker.owing == {"user:ana": 0}


def test_a_little_money_pays_the_oldest_debt_first(books: Books) -> None:
    """A debt is collected in parts, and what is left of it stays owed."""
    tracker = site(books, role="tracker")
    for amount in ("0.30", "0.50"):
        tracker.print_for("user:ana", euros(amount))
    tracker.tell()
    top_up(books, "0.40")
    park(books)
    assert figures(books, "north").owed == euros("0.40")
    assert balance(books, "user:ana") == {}


def test_money_that_returns_pays_a_debt_before_it_goes_anywhere(books: Books) -> None:
    """What an agent gives back is collected, though another site would park it."""
    tracker, agent = site(books, role="tracker"), site(books, "south", role="agent")
    top_up(books, "1.00")
    job = agent.mint()
    ask(books, agent, "1.00", job=job)
    agent.listen()
    tracker.print_for("user:ana", euros("0.60"))
    tracker.tell()
    agent.end_job(job, 0)
    agent.tell()
    park(books)
    assert balance(books, "user:ana") == {"north": euros("0.40")}


def test_beyond_every_cap_is_put_aside_and_freezes_the_site(books: Books) -> None:
    """An edge that claims to have spent what it was never allowed is given nothing any more."""
    edge = site(books, role="tracker")
    wish(books, "north", Wish("tracker", (CAP,)))
    edge.listen()
    edge.take_terms()
    edge.tell()
    line = AccountAmount(
        account="user:ana", unit="EUR", micros=euros("500.01"), covered_by="uncovered"
    )
    done = edge.send(edge.say(edge.charge(0, postings=(line,))))
    assert "more than it was ever allowed" in done.quarantined[0][1]
    assert done.frozen is not None
    with books.read() as tx:
        found = nodes.find(tx, "north")
    assert found is not None
    assert found.state == "frozen"
    assert figures(books, "north").quarantined == euros("500.01")


def test_what_was_charged_under_wider_terms_is_booked_under_narrower_ones(books: Books) -> None:
    """Events that come late are judged by the widest leave the journal ever had."""
    edge = site(books, role="tracker")
    edge.print_for("user:ana", euros("15.00"))
    wish(books, "north", Wish("tracker", (CAP,)))
    edge.listen()
    edge.take_terms()
    edge.tell()
    assert figures(books, "north").owed == euros("15.00")
    assert figures(books, "north").more == 0


def test_an_account_cannot_owe_more_than_its_cap(books: Books) -> None:
    """20.00 on one account by default: one more is put aside though the site has room."""
    edge = site(books, role="tracker")
    assert edge.print_for("user:ana", euros("20.00")) is not None
    assert edge.print_for("user:ana", 1) is None
    line = AccountAmount(account="user:ana", unit="EUR", micros=1, covered_by="uncovered")
    edge.say(edge.charge(0, postings=(line,)))
    edge.tell()
    assert figures(books, "north").owed == euros("20.00")
    assert figures(books, "north").quarantined == 1


def test_an_account_without_limit_is_charged_at_the_centre(books: Books) -> None:
    """No money of it sits at sites; its balance may go anywhere."""
    with books.write() as tx:
        rules = Rules(unlimited=True)
        assert accounts.open_new(tx, "department:physics", "EUR", rules) is None
    edge = site(books)
    line = AccountAmount(
        account="department:physics", unit="EUR", micros=euros("9.00"), covered_by="account"
    )
    done = edge.send(edge.say(edge.charge(0, postings=(line,))))
    assert done.quarantined == ()
    assert balance(books, "department:physics") == {"": -euros("9.00")}


def test_an_account_with_a_limit_is_not_charged_at_the_centre(books: Books) -> None:
    """That it covers is the site's claim alone: put aside, and the site goes on."""
    edge = site(books)
    line = AccountAmount(account="user:ana", unit="EUR", micros=5, covered_by="account")
    done = edge.send(edge.say(edge.charge(0, postings=(line,))))
    assert "not an account without limit" in done.quarantined[0][1]
    assert done.frozen is None


def test_an_account_that_owes_is_neither_closed_nor_merged(books: Books) -> None:
    """Who owes pays first; the answer says how much."""
    edge = site(books, role="tracker")
    edge.print_for("user:ana", euros("1.00"))
    edge.tell()
    with books.write() as tx:
        done = closing.close(tx, "user:ana", to="user:bob", author="test", reason="gone")
    assert isinstance(done, Refused)
    assert "owes 1.00 EUR" in done.reason


def test_a_debt_that_comes_late_is_paid_by_where_the_account_went(books: Books) -> None:
    """The heir pays; the site is told by the name it knows."""
    edge = site(books, role="tracker")
    edge.print_for("user:ana", euros("1.00"))
    with books.write() as tx:
        closing.merge(tx, "user:ana", "user:bob", author="test", reason="same person")
    edge.tell()
    top_up(books, "3.00", "user:bob")
    park(books)
    assert balance(books, "user:bob") == {"north": euros("2.00")}
    edge.listen()
    assert edge.owing == {"user:ana": 0}


def test_the_edges_digest_knows_what_was_given_back_or_owed(books: Books) -> None:
    """What the centre works out for an edge is what the edge has, told or not yet told."""
    edge = site(books, role="tracker")
    top_up(books, "2.00")
    park(books)
    edge.listen()
    edge.print_for("user:ana", euros("0.70"))
    edge.say(edge.returning("user:ana", euros("0.20")))
    edge.here["user:ana"] -= euros("0.20")
    at = edge.head("ledger")
    edge.print_for("user:ana", euros("1.50"))
    edge.tell()
    with books.read() as tx:
        down = streams.open_stream(tx, "north", edge.incarnation, "down", "ledger").at
        told = EdgeDigest(up=at, down=down, accounts=1, digest=digest_of({}))
        found = expected(tx, "north", edge.incarnation, told)
    assert isinstance(found, Expected)
    assert found.balances == {("user:ana", "EUR"): euros("1.10")}


def test_giving_back_is_named_in_the_ledger(books: Books) -> None:
    """The entry says whose job it was for."""
    edge = site(books)
    top_up(books, "1.00")
    park(books)
    edge.listen()
    job = edge.mint()
    back = GaveBack(
        id=edge.mint(), account="user:ana", unit="EUR", micros=7, why="job-over", job=job
    )
    edge.send(edge.say(back))
    with books.read() as tx:
        rows = tx.sql.exec_driver_sql(
            "SELECT reference, note FROM entry WHERE kind = 'gave-back'"
        ).all()
    assert [tuple(row) for row in rows] == [(str(job), "job-over")]
