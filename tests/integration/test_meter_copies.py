"""Copies that no terminal counted: booked once to their device's account, as its money allows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from central.reconciling import Limits
from central.store import (
    accounts,
    device_alerts,
    directory,
    ledger,
    meter_terms,
    metering,
    recovery,
)
from central.store.accounts import Rules
from central.store.meter_bookings import hand_over, waiting
from central.store.meter_terms import Terms
from central.store.meters import Place
from central.store.reconciled import days
from central.store.tables import account, entry, meter_booking
from central.store.verify import Counts, verify
from config.policy.money import Money
from config.policy.tariffs import Tariff
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import euros, open_books
from tests.integration.meters_lab import DEVICE, FIRST_DAY, ONE_DAY, Site, meters, reading

if TYPE_CHECKING:
    from broker.messages import Note
    from central.store.books import Transaction

PLACE = Place("north", DEVICE)
PAYER = "project:physics"
TARIFF = {
    "version": 1,
    "unit": "EUR",
    "effective_from": datetime(2026, 1, 1, tzinfo=UTC),
    "lines": [
        {"service": "copy", "color": "monochrome", "per_impression": 50_000, "per_sheet": 10_000},
        {"service": "copy", "color": "color", "per_impression": 200_000, "per_sheet": 10_000},
    ],
}


def site_with(rules: Rules, unit: str = "EUR", money: str | None = None) -> Site:
    """Return a site whose copier's account has these rules; its counters were read once."""
    site = Site(open_books())
    with site.books.write() as tx:
        assert accounts.open_new(tx, PAYER, unit, rules, enabled=True) is None
        if money is not None:
            accounts.top_up(tx, PAYER, Money.parse(money, unit), note="", author="test")
        directory.put(tx, "tariff", "1", Tariff.model_validate(TARIFF))
        meter_terms.set_terms(tx, PLACE, Terms(account=PAYER))
    site.say(reading(0, *meters(total=0, copy_mono=100, copy_color=10), continues=False))
    deal(site)
    return site


def deal(site: Site, *, again: bool = False) -> list[Note]:
    """Have the centre deal with what it was told; return what it has to say."""
    with site.books.write() as tx:
        return [note for _, note in metering.step(tx, Limits(), again=again).notes]


def paid(site: Site, unit: str = "EUR") -> int:
    """Return what the account has paid so far, in micros; the house has earned as much."""
    with site.books.read() as tx:
        earned = sum(ledger.places_of(tx, "income:copy", unit).values())
    assert_sound(site.books)
    return earned


def copied(site: Site, days_: int, mono: int, color: int, *, total: int) -> list[Note]:
    """Have the counters stand so at the end of a day."""
    site.say(reading(days_, *meters(total=total, copy_mono=mono, copy_color=color)))
    return deal(site)


def test_the_difference_of_the_meters_is_booked_once() -> None:
    """Black and colour by their prices, each on a sheet of its own; the day is explained by it."""
    site = site_with(Rules(), money="10.00")
    assert copied(site, 1, 106, 12, total=8) == []
    assert paid(site) == euros("0.78")  # 6 x 0.06 and 2 x 0.21
    assert deal(site, again=True) == []
    assert paid(site) == euros("0.78")
    with site.books.read() as tx:
        (day,) = days(tx, FIRST_DAY + ONE_DAY)
        (note,) = notes(tx)
        assert accounts.whole(tx, PAYER, "EUR") == euros("9.22")
    assert (day.metered, day.copies, day.unexplained) == (8, 8, 0)
    assert "6 in black, 2 in colour" in note


def notes(tx: Transaction) -> list[str]:
    """Return the notes of the entries by which copies were paid."""
    return list(tx.sql.execute(select(entry.c.note).where(entry.c.kind == "copies")).scalars())


def test_what_terminals_billed_is_not_booked_again() -> None:
    """A copier with a terminal that is switched off now and then charges each copy once."""
    site = site_with(Rules(), money="10.00")
    site.say(*site.copied(5, 1))
    copied(site, 1, 106, 12, total=8)
    assert paid(site) == euros("0.33")  # 2 x 0.06 and 1 x 0.21


def test_what_was_billed_beyond_the_meters_is_taken_off_the_next() -> None:
    """A copy that was settled after midnight is not paid twice."""
    site = site_with(Rules(), money="10.00")
    site.say(*site.copied(5))
    copied(site, 1, 100, 10, total=0)
    assert paid(site) == 0
    copied(site, 2, 107, 10, total=7)
    assert paid(site) == euros("0.12")


def test_a_stretch_that_does_not_go_on_books_nothing() -> None:
    """Counters that were reset say nothing, and cost nothing."""
    site = site_with(Rules(), money="10.00")
    site.say(reading(1, *meters(total=900, copy_mono=900), continues=False, detail="reset"))
    assert deal(site) == []
    copied(site, 2, 100, 10, total=1000)  # went back
    assert paid(site) == 0


def test_an_account_is_never_charged_below_its_floor() -> None:
    """The copies wait with an alert, and are paid in order once there is money."""
    site = site_with(Rules(), money="0.50")
    (note,) = copied(site, 1, 110, 10, total=10)
    assert (note.code, note.subject, note.cleared) == ("copies-not-booked", DEVICE, False)
    assert "too little" in note.detail
    assert paid(site) == 0
    with site.books.read() as tx:
        (day,) = days(tx, FIRST_DAY + ONE_DAY)
    assert (day.copies, day.unexplained) == (10, 0)
    with site.books.write() as tx:
        accounts.top_up(tx, PAYER, Money.parse("1.00", "EUR"), note="", author="test")
    (note,) = deal(site, again=True)
    assert note.cleared
    assert paid(site) == euros("0.60")
    with site.books.read() as tx:
        assert waiting(tx) == []
        assert device_alerts.raised(tx) == []


def test_an_overdraft_that_was_permitted_is_used() -> None:
    """Down to the floor, and no further."""
    site = site_with(Rules(floor=-euros("0.60")))
    assert copied(site, 1, 110, 10, total=10) == []
    assert paid(site) == euros("0.60")
    assert [note.code for note in copied(site, 2, 111, 10, total=11)] == ["copies-not-booked"]


def test_an_account_that_is_only_counted_always_pays() -> None:
    """It may go as low as it comes."""
    site = site_with(Rules(unlimited=True))
    assert copied(site, 1, 200, 10, total=100) == []
    assert paid(site) == euros("6.00")


@pytest.mark.parametrize(
    ("rules", "pages"),
    [
        (Rules(unlimited=True), 8),
        (Rules(unlimited=True, counts="color"), 2),
        (Rules(unlimited=True, counts="monochrome"), 6),
    ],
)
def test_an_account_in_pages_pays_those_it_counts(rules: Rules, pages: int) -> None:
    """No tariff is needed for that."""
    site = site_with(rules, "page")
    copied(site, 1, 106, 12, total=8)
    assert paid(site, "page") == pages * 1_000_000


@pytest.mark.parametrize("state", ["frozen", "closed"])
def test_an_account_that_may_not_be_charged_is_not(state: str) -> None:
    """The copies wait; the alert says why."""
    site = site_with(Rules(unlimited=True))
    with site.books.write() as tx:
        tx.sql.execute(update(account).where(account.c.key == PAYER).values(state=state))
    (note,) = copied(site, 1, 106, 12, total=8)
    assert f"{PAYER} is {state}" in note.detail
    assert paid(site) == 0


def test_without_a_price_copies_wait() -> None:
    """What costs what is never guessed."""
    site = site_with(Rules(unlimited=True))
    with site.books.write() as tx:
        directory.remove(tx, "tariff", "1")
    (note,) = copied(site, 1, 106, 12, total=8)
    assert "no tariff was in force" in note.detail


def test_what_waits_goes_to_whoever_pays_next() -> None:
    """Another account pays it; with nobody to pay, it is dropped and the alert is over."""
    site = site_with(Rules())
    copied(site, 1, 110, 10, total=10)
    with site.books.write() as tx:
        rich = Terms(account="project:maths")
        assert (
            accounts.open_new(tx, "project:maths", "EUR", Rules(unlimited=True), enabled=True)
            is None
        )
        assert hand_over(tx, PLACE, rich) == 10
    assert [note.cleared for note in deal(site, again=True)] == [True]
    assert paid(site) == euros("0.60")
    copied(site, 2, 115, 10, total=15)
    with site.books.write() as tx:
        assert hand_over(tx, PLACE, Terms()) == 5
    assert [note.cleared for note in deal(site)] == [True]
    assert deal(site, again=True) == []
    assert paid(site) == euros("0.60")
    with site.books.read() as tx:
        (day,) = days(tx, FIRST_DAY + 2 * ONE_DAY)
    assert (day.copies, day.unexplained) == (0, 5)


def test_verify_finds_copies_without_their_reading() -> None:
    """An entry that no reading made, and a booking whose entry is gone, are both found."""
    site = site_with(Rules(), money="10.00")
    copied(site, 1, 106, 12, total=8)
    with site.books.write() as tx:
        tx.sql.execute(update(meter_booking).values(entry=1))
    with site.books.read() as tx:
        found = list(verify(tx, Counts(), lambda _done, _all: None))
    assert [(each.check, each.where.split()[0]) for each in found] == [
        ("copies", "reading"),
        ("copies", "entry"),
    ]


def test_nothing_is_booked_while_the_books_recover(monkeypatch: pytest.MonkeyPatch) -> None:
    """What restored books do not know yet may be booked already."""
    site = site_with(Rules(), money="10.00")
    with monkeypatch.context() as during:
        during.setattr(recovery, "closed", lambda _tx: "recovering")
        assert copied(site, 1, 106, 12, total=8) == []
        assert paid(site) == 0
    assert deal(site) == []
    assert paid(site) == euros("0.78")
