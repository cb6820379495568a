"""Promises of acts on sites, rules and prices: told in numbers before, written down after."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import Position, UpHeads
from central.acts import consequences, nodes
from central.acts import rules as rule_acts
from central.acts.by import By
from central.rehearsal import Described
from central.store import audit, terms
from central.store import nodes as store
from central.store.audit import Which
from central.store.ledger import Refused
from config.policy.tariffs import Tariff
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import MORNING, euros, open_books
from tests.integration.jobs_lab import Office, office

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.nodes import NodeRecord

EVA = By("web:eva", "10.0.0.7")
#: What edges say is heard; long after it nobody is linked.
LATER = MORNING + timedelta(hours=1)


@pytest.fixture
def here() -> Iterator[Office]:
    """Return books with a site that has money; whatever was done, they hold."""
    books = open_books()
    yield office(books)
    assert_sound(books)
    books.close()


def site(here: Office) -> NodeRecord:
    """Return the site."""
    with here.books.read() as tx:
        found = store.find(tx, "north")
    assert found is not None
    return found


def test_writing_off_is_told_in_numbers_and_then_does_just_that(here: Office) -> None:
    """Money, accounts, events that are not here, jobs in flight: looked at without a trace."""
    waiting, printing = here.held(), here.held()
    here.released(printing)
    assert waiting != printing
    heads = {
        "ledger": UpHeads(sent=Position(seq=9, hash="0" * 64), acked=Position(seq=0, hash="0" * 64))
    }
    birth = here.edge.birth(None).model_copy(update={"up": heads})
    with here.books.write() as tx:
        assert isinstance(store.accept(tx, "north", birth), store.Accepted)
    with here.books.read(LATER) as tx:
        told = consequences.of_write_off(tx, site_in(tx))
        acts_before = len(audit.search(tx, Which()))
    assert told.refused is None
    assert (told.money, told.accounts) == ({"EUR": euros("50.00")}, 1)
    assert (told.events, told.running, told.held) == (9, 1, 1)
    assert told.sentences[0].startswith("50.00 EUR of 1 account would go back")
    with here.books.write(LATER) as tx:
        assert len(audit.search(tx, Which())) == acts_before
        done = nodes.write_off(tx, EVA, "north")
        assert done == told
        (act,) = audit.search(tx, Which(act="write-off"))
    assert (act.author, act.address) == ("web:eva", "10.0.0.7")


def test_who_is_there_is_not_lost(here: Office) -> None:
    """A linked site is not written off, neither by consequence nor by act."""
    with here.books.write() as tx:
        store.seen(tx, {"north": True})
    with here.books.write() as tx:
        done = nodes.write_off(tx, EVA, "north")
        assert isinstance(done, Refused)
        again = nodes.enrol(tx, EVA, "north", "code", write_off=True)
        assert isinstance(again, Refused)


def test_a_code_is_refused_while_money_sits_there(here: Office) -> None:
    """Unless it is written off in the same act."""
    with here.books.write(LATER) as tx:
        refused = nodes.enrol(tx, EVA, "north", "code")
        assert isinstance(refused, Refused)
        assert "50.00 EUR of 1 accounts sit at north" in refused.reason
        done = nodes.enrol(tx, EVA, "north", "code", write_off=True)
        assert not isinstance(done, Refused)
        assert done.may_enrol


def test_a_frozen_site_is_freed_with_what_it_was(here: Office) -> None:
    """Before and after are in the audit; who is well cannot be freed."""
    with here.books.write() as tx:
        assert isinstance(nodes.free(tx, EVA, "north"), Refused)
        store.set_state(tx, "north", "frozen", "fork")
        assert consequences.of_freeing(tx, site_in(tx)).refused is None
        was = nodes.free(tx, EVA, "north")
        assert not isinstance(was, Refused)
        assert (was.state, was.reason) == ("frozen", "fork")
        (act,) = audit.search(tx, Which(act="node free"))
    assert (act.before, act.after) == ("frozen", "active")


def site_in(tx: object) -> NodeRecord:
    """Return the site as a transaction sees it."""
    found = store.find(tx, "north")  # type: ignore[arg-type]
    assert found is not None
    return found


def test_another_role_says_what_comes_back(here: Office) -> None:
    """An agent keeps no money; the numbers are those of now."""
    wish = terms.Wish("agent", ())
    with here.books.write() as tx:
        told = consequences.of_role(tx, site_in(tx), wish)
        assert any("50.00 EUR of 1 account would come back" in each for each in told.sentences)
        made = nodes.set_role(tx, EVA, "north", wish)
    assert not isinstance(made, Refused) or "knows no terms" in made.reason


def test_nodes_are_entered_renamed_and_revoked(here: Office) -> None:
    """Each with its act; a name is one node's."""
    with here.books.write() as tx:
        made = nodes.enter(tx, EVA, "south", site="South", code="x")
        assert not isinstance(made, Refused)
        assert isinstance(nodes.enter(tx, EVA, "south"), Refused)
        assert isinstance(nodes.enter(tx, EVA, tx.identity.node), Refused)
        named = nodes.rename_site(tx, EVA, "south", "South wing")
        assert not isinstance(named, Refused)
        assert named.site == "South wing"
        assert isinstance(nodes.revoke(tx, EVA, "south", reason=" "), Refused)
        assert not isinstance(nodes.revoke(tx, EVA, "south", reason="stolen"), Refused)
        acts = [each.act for each in audit.search(tx, Which(target="south"))]
    assert acts == ["node revoke", "node set", "node add"]


def test_a_site_is_to_get_everything_again_until_it_did(here: Office) -> None:
    """The wish is durable, and ends when it was sent."""
    with here.books.write() as tx:
        assert not isinstance(nodes.resync(tx, EVA, "north"), Refused)
    with here.books.write() as tx:
        assert store.to_resync(tx) == {"north"}
        store.resynced(tx, "north")
        assert store.to_resync(tx) == frozenset()


# ── rules and prices ────────────────────────────────────────────────────────────────────────

NEW = """
[[rules]]
name = "both sides"
then = { two_sided = true }

[[rules]]
name = "no heaps"
when = { pages = { min = 100 } }
then = { deny = "too long" }
"""


def test_rules_are_checked_tried_and_put_in_force(here: Office) -> None:
    """What is wrong is named; what they do is said before; the history says what changed."""
    with here.books.write() as tx:
        assert rule_acts.read(tx, "[[rules]]").rules is None
        checked = rule_acts.read(tx, NEW)
        assert checked.rules is not None
        described = Described("ana", rule_acts.groups_of(tx, "ana"), "north-1", pages=120)
        trial = rule_acts.try_described(tx, checked.rules, described)
        assert not isinstance(trial, Refused)
        assert trial.refused == "too long"
        small = Described("ana", (), "north-1", pages=10, copies=2)
        trial = rule_acts.try_described(tx, checked.rules, small)
        assert not isinstance(trial, Refused)
        assert (trial.refused, trial.price) == (None, "0.60 EUR")
        assert [each.attribute for each in trial.conversions] == ["sides"]
        done = rule_acts.put_in_force(tx, EVA, checked.rules, why="long queues")
        assert isinstance(done, rule_acts.Entered)
        assert done.new
        stale = rule_acts.put_in_force(tx, EVA, checked.rules)
        assert isinstance(stale, Refused)
        assert "somebody else" in stale.reason
        first, second = rule_acts.history(tx)
        (act,) = audit.search(tx, Which(act="rule set"), limit=1)
    assert [each.name for each in first.changed] == ["no heaps", "both sides"]
    assert [(each.name, each.before is None) for each in second.changed] == [("no heaps", False)]
    assert second.reordered
    assert act.before == ["no heaps", "both sides"]
    assert act.after == ["both sides", "no heaps"]


def test_a_past_job_is_tried_on(here: Office) -> None:
    """By what the books know of it; one that there is not is refused."""
    job = here.held()
    with here.books.read() as tx:
        trial = rule_acts.try_job(tx, None, job)
        assert not isinstance(trial, Refused)
        assert trial.price == "0.30 EUR"
        assert isinstance(rule_acts.try_job(tx, None, UUID(int=1)), Refused)


def test_prices_have_a_beginning_an_end_and_an_author(here: Office) -> None:
    """The newest is not the one in force before its day; until then it can be taken back."""
    lines = [{"per_impression": 50_000}]
    day = MORNING + timedelta(days=10)
    with here.books.write() as tx:
        now = rule_acts.set_tariff(tx, EVA, {"lines": lines})
        later = rule_acts.set_tariff(tx, EVA, {"lines": lines, "effective_from": day})
        assert isinstance(now, Tariff)
        assert isinstance(later, Tariff)
        wrong = rule_acts.set_tariff(tx, EVA, {"lines": [{"media": "stone"}]})
        assert isinstance(wrong, Refused)
        assert "lines.0" in wrong.reason
        told = [(each.state, each.author, each.until) for each in rule_acts.tariffs(tx)]
        assert [state for state, _, _ in told] == ["past", "now", "future"]
        assert told[1][1:] == ("web:eva", day)
        assert isinstance(rule_acts.withdraw_tariff(tx, EVA, now.version), Refused)
        assert rule_acts.withdraw_tariff(tx, EVA, later.version) == later
        assert [each.state for each in rule_acts.tariffs(tx)] == ["past", "now"]
    with here.books.read() as tx:
        (act, *_) = audit.search(tx, Which(act="tariff set", target=str(now.version)))
    assert act.before["version"] == 1
    assert act.after["version"] == now.version
