"""Asking to be let in, in the books: nobody until the desk has seen them, and not for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from central.acts import openid, registrations
from central.acts.by import By
from central.acts.guests import Guest
from central.acts.openid import CameIn, NotIn
from central.acts.registrations import Asked, Wish
from central.openid import Told
from central.sealing import Sealer
from central.store import accounts, directory, person, person_search
from central.store import registrations as kept
from central.store.ledger import Refused
from config.settings_directory_services import GuestSettings
from config.settings_openid import OidcSettings
from tests.integration.books_lab import Dice, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

BY = By("web:olga", "192.0.2.7")
SETTINGS = GuestSettings(enabled=True, ask=True)
SEALER = Sealer("a secret of the centre", Dice())
ZOE = Wish("Zoë Blum", "zoe@example.org", "$argon2id$a hash", "de")


@pytest.fixture
def books() -> Iterator[Books]:
    """Open empty books."""
    opened = open_books()
    yield opened
    opened.close()


def ask(books: Books, wish: Wish = ZOE, settings: GuestSettings = SETTINGS) -> Asked | Refused:
    """Ask to be let in."""
    with books.write() as tx:
        return registrations.ask(tx, settings, wish, sealer=SEALER, dice=Dice(len(wish.display)))


def let_in(books: Books, code: str) -> Guest | Refused:
    """Show a code at the desk."""
    with books.write() as tx:
        return registrations.let_in(
            tx, BY, SETTINGS, code, sealer=SEALER, sponsor="", dice=Dice(77)
        )


def test_who_asks_is_nobody_until_they_are_let_in(books: Books) -> None:
    """No row, no account; then a guest with the password they chose, and the code is used up."""
    asked = ask(books)
    assert isinstance(asked, Asked)
    with books.read() as tx:
        assert directory.get(tx, "user", asked.name) is None
        assert kept.count(tx) == 1
        assert "Zoë" not in str(person_search.page(tx, person_search.Which(), limit=10))
    typed = asked.code.upper().replace("-", " ")
    guest = let_in(books, typed)
    assert isinstance(guest, Guest)
    with books.read() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", asked.name))
        known = person.find(tx, asked.name)
        assert kept.count(tx) == 0
    assert (row.display, row.password, row.language) == ("Zoë Blum", ZOE.password, "de")
    assert row.groups == ("guests",)
    assert known is not None
    assert (known.about.source, known.about.email) == ("guest", "zoe@example.org")
    assert known.about.expires_at == guest.until
    assert isinstance(let_in(books, asked.code), Refused)


def test_a_wish_is_forgotten_in_time(books: Books) -> None:
    """After some days its code opens nothing, and the next who asks finds it gone."""
    asked = ask(books)
    assert isinstance(asked, Asked)
    later = asked.until + timedelta(seconds=1)
    with books.write(later) as tx:
        done = registrations.let_in(tx, BY, SETTINGS, asked.code, sealer=SEALER, dice=Dice(1))
        assert isinstance(done, Refused)
        assert kept.waiting(tx, limit=5) == []
        assert kept.tidy(tx) == 1


def test_what_is_wrong_is_not_kept(books: Books) -> None:
    """Switched off, without a name, more than one line, no address: each is refused."""
    off = GuestSettings(enabled=True)
    assert isinstance(ask(books, settings=off), Refused)
    for display, email in (("", ""), ("  ", ""), ("x" * 300, ""), ("Zoë", "no address")):
        assert isinstance(ask(books, Wish(display, email, "x")), Refused)
    with books.read() as tx:
        assert kept.count(tx) == 0


def test_so_many_wait_and_no_more(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of wishes ends at a bound; room is made by time, and by the desk."""
    monkeypatch.setattr(registrations, "MOST", 2)
    for name in ("A", "AB"):
        assert isinstance(ask(books, Wish(name, "", "x")), Asked)
    assert isinstance(ask(books, Wish("ABC", "", "x")), Refused)
    with books.write() as tx:
        first = kept.waiting(tx, limit=5)[0]
        assert first.display == "AB"
        assert registrations.turn_away(tx, BY, first.n)
        assert not registrations.turn_away(tx, BY, first.n)
    assert isinstance(ask(books, Wish("ABC", "", "x")), Asked)


def test_a_name_that_was_given_meanwhile_is_made_anew(books: Books) -> None:
    """Somebody was entered under the name that was promised: the guest gets another one."""
    asked = ask(books)
    assert isinstance(asked, Asked)
    with books.write() as tx:
        directory.put(tx, "user", asked.name, UserRow(name=asked.name))
    guest = let_in(books, asked.code)
    assert isinstance(guest, Guest)
    assert guest.row.name != asked.name


def test_who_is_whom_at_a_provider_is_kept_once(books: Books) -> None:
    """One there is one here, at each provider, on every database."""
    settings = OidcSettings(issuer="https://id.example.org", client_id="x", create=True)
    ana = Told(settings.issuer, "1", "ana", "Ana")
    with books.write() as tx:
        assert openid.come_in(tx, BY, ana, settings) == CameIn("ana", made=True, joined=True)
        assert openid.come_in(tx, BY, ana, settings) == CameIn("ana")
        other = Told(settings.issuer, "2", "ana")
        assert openid.come_in(tx, BY, other, settings) == NotIn("other")
        assert openid.join(tx, BY, other, "ana") == NotIn("other")
        elsewhere = Told("https://id.example.net", "1", "ana")
        assert openid.join(tx, BY, elsewhere, "ana") == CameIn("ana", joined=True)
        assert openid.come_in(tx, BY, Told(settings.issuer, "3", "a b"), settings) == NotIn(
            "unknown"
        )
        # whose money it is on an account that somebody left is not for a provider to say
        assert accounts.put(tx, "user:carl", "EUR", floor=0, enabled=True) is None
        carl = Told(settings.issuer, "4", "carl")
        assert openid.come_in(tx, BY, carl, settings) == NotIn("account")
        assert directory.get(tx, "user", "carl") is None
        assert openid.part(tx, BY, "ana") == 2
        assert isinstance(openid.part(tx, BY, "ana"), Refused)
