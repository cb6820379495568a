"""Promises of the acts on people: checked before anything is written, written down, and whole."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from broker.directory import UserRow
from central.acts import cards, groups, guests, people
from central.acts.by import By
from central.acts.people import Wishes
from central.fleet import Fleet
from central.peopling import Peopling
from central.store import accounts, audit, card_holders, directory, person, wallets
from central.store.cards import Card
from central.store.ledger import Refused
from central.store.tables import metadata
from config.policy.money import Money
from config.settings_directory_services import GuestSettings
from tests.integration.books_lab import Clock, Dice, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books, Transaction

BY = By("web:root", "192.0.2.7")
GUESTS = GuestSettings(enabled=True)


@pytest.fixture
def books() -> Iterator[Books]:
    """Enter Ana, Ben and a department."""
    opened = open_books()
    with opened.write() as tx:
        for name in ("ana", "ben"):
            assert isinstance(people.add(tx, BY, name, Wishes(display=name.title())), UserRow)
        accounts.put(tx, "department:art", "EUR", floor=0, enabled=True)
    yield opened
    opened.close()


def filled(tx: Transaction) -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        name: tx.sql.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in metadata.tables.items()
    }


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(accounts=["user:new"], groups=["x" * 200]),
        Wishes(accounts=["user:new", "house:topup"]),
        Wishes(wallets=(("grant:ana", "user:ana"), ("nowhere:x",))),
        Wishes(wallets=(("grant:ana",),), choices=["department:nowhere"]),
        Wishes(choices=["department:art", "project:nowhere"]),
        Wishes(accounts=["user:new"], wallets=(("user:new",),)),
        Wishes(accounts=["user:new"], operates=["nowhere"]),
        Wishes(accounts=["user:new"], delegates=["ana"]),
        Wishes(accounts=["user:new"], email="nowhere"),
        Wishes(accounts=["user:new"], language="french"),
    ],
)
def test_a_refusal_leaves_nothing_behind(books: Books, wishes: Wishes) -> None:
    """Though the caller goes on with the transaction: no account, no choice, no act."""
    with books.write() as tx:
        before = filled(tx)
        assert isinstance(people.change(tx, BY, "ana", wishes), Refused)
        assert filled(tx) == before


def test_what_changed_is_written_down(books: Books) -> None:
    """Who, what, and only what is another now; no secrets."""
    with books.write() as tx:
        wishes = Wishes(email="Ana@Example.org", department="Art", groups=["staff"], display="Ana")
        done = people.change(tx, BY, "Ana", wishes)
        assert isinstance(done, people.Changed)
        assert done.fields == {"email", "department", "groups"}
        people.set_secret(tx, BY, "ana", "pin", "$argon2id$x")
        *_, act, pin = audit.acts(tx, target="person:ana")
    assert (act.author, act.act) == ("web:root", "user set")
    assert act.detail == {"email": "ana@example.org", "department": "Art", "groups": ["staff"]}
    assert "argon2" not in str(pin)


def test_another_name_keeps_everything(books: Books) -> None:
    """Accounts, cards, PIN, choices, delegates' rights, address; the older name is free."""
    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money.parse("5.00", "EUR"), note="", author="test")
        wishes = Wishes(email="ana@example.org", choices=["department:art"])
        people.change(tx, BY, "ana", wishes)
        people.change(tx, BY, "ben", Wishes(delegates=["ana"]))
        people.set_secret(tx, BY, "ana", "pin", "$argon2id$x")
        card = cards.give(tx, BY, "ana", "04A2", dice=os.urandom)
        assert isinstance(card, Card)
        row = people.rename(tx, BY, "ana", "Ana.Silva")
        assert isinstance(row, UserRow)
        assert (row.name, row.accounts, row.pin) == ("ana.silva", ("user:ana",), "$argon2id$x")
        assert wallets.choices_of(tx, "ana.silva") == ("department:art",)
        assert card_holders.of(tx, ["ana.silva", "ana"]) == {"ana.silva": [card.key], "ana": []}
        ben = people.find(tx, "ben")
        assert isinstance(ben, UserRow)
        assert ben.delegates == ("ana.silva",)
        known = person.find(tx, "ana.silva")
        assert known is not None
        assert known.about.email == "ana@example.org"
        assert directory.get(tx, "user", "ana") is None
        assert isinstance(people.rename(tx, BY, "ana.silva", "ben"), Refused)


def test_who_goes_leaves_accounts_and_blocked_cards(books: Books) -> None:
    """A namesake inherits no right to release; a lost card stays blocked."""
    with books.write() as tx:
        people.change(tx, BY, "ben", Wishes(delegates=["ana"]))
        lost = cards.give(tx, BY, "ana", "lost", dice=os.urandom)
        cards.give(tx, BY, "ana", "kept", dice=os.urandom)
        assert isinstance(lost, Card)
        cards.block(tx, BY, lost, reason="lost")
        gone = people.remove(tx, BY, "ana")
        assert isinstance(gone, people.Gone)
        assert (gone.cards, gone.pays_from) == (2, ("user:ana",))
        assert card_holders.of(tx, ["ana"])["ana"] == [lost.key]
        ben = people.find(tx, "ben")
        assert isinstance(ben, UserRow)
        assert ben.delegates == ()
        assert accounts.find(tx, "user:ana") is not None


def test_a_slip_of_the_pen_is_told_what_may_be_meant(books: Books) -> None:
    """The reason names somebody near."""
    with books.read() as tx:
        refused = people.find(tx, "anna")
    assert refused == Refused("there is no user 'anna'; did you mean ana?")


def test_groups_are_filled_and_emptied(books: Books) -> None:
    """Who is in it already is not counted; somebody unknown stops all."""
    with books.write() as tx:
        assert groups.admit(tx, BY, "chess", ["ana", "ben"]) == 2
        assert groups.admit(tx, BY, "chess", ["ana"]) == 0
        assert isinstance(groups.dismiss(tx, BY, "chess", ["ana", "nobody"]), Refused)
        assert groups.dismiss(tx, BY, "chess", ["ana"]) == 1
        ana = people.find(tx, "ana")
        assert isinstance(ana, UserRow)
        assert ana.groups == ()


# ── for a time ──────────────────────────────────────────────────────────────────────────────


def test_guests_are_only_where_they_are_allowed(books: Books) -> None:
    """Off by default; not longer than said; with a sponsor that there is."""
    with books.write() as tx:
        late = tx.now + timedelta(days=31)
        for settings, given in (
            (GuestSettings(), {}),
            (GUESTS, {"until": late}),
            (GUESTS, {"until": tx.now}),
            (GUESTS, {"sponsor": "nobody"}),
            (GUESTS, {"name": "ana"}),
        ):
            refused = guests.invite(tx, BY, settings, dice=Dice(), **given)
            assert isinstance(refused, Refused)


def test_a_guests_time_is_over(books: Books) -> None:
    """The coordinator disables them by itself; they are there again when they may stay longer."""
    clock = Clock()
    fleet = Fleet(books, clock=clock)
    peopling = Peopling(fleet)
    with books.write(clock()) as tx:
        guest = guests.invite(tx, BY, GUESTS, display="Zoé", sponsor="ana", dice=Dice())
        assert isinstance(guest, guests.Guest)
        name = guest.row.name
        assert guest.row.groups == ("guests",)
        assert name.startswith("guest-")
    peopling.look(0.0)
    clock.now += timedelta(days=1, minutes=1)
    peopling.look(1.0)
    with books.write(clock()) as tx:
        over = person.find(tx, name)
        assert over is not None
        assert (over.enabled, over.about.ended, over.about.sponsor) == (False, "expired", "ana")
        assert audit.acts(tx, target=f"person:{name}")[-1].act == "user expired"
        # enabled as if nothing was, they would be disabled at once
        assert isinstance(people.change(tx, BY, name, Wishes(enabled=True)), Refused)
        again = guests.extend(tx, BY, GUESTS, name, tx.now + timedelta(hours=2))
        assert isinstance(again, guests.Guest)
        assert again.row.enabled
        assert isinstance(
            guests.extend(tx, BY, GUESTS, "ana", tx.now + timedelta(hours=2)), Refused
        )
    peopling.look(2.0)
    with books.read() as tx:
        assert person.over(tx, limit=10) == []
