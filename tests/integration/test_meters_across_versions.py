"""Readings of meters between programs of two ages, and over what one of them put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broker.messages import MetersRead, Rejected
from broker.topics import STREAMS_UP
from central.reconciling import Limits
from central.store import accounts, ingest, ledger, meter_terms, metering, quarantine
from central.store import meters as readings
from central.store.accounts import Rules
from central.store.ledger import Refused
from central.store.meter_terms import Terms
from central.store.meters import Place
from central.store.quarantine import Done
from central.store.reconciled import days, newest_day
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import open_books
from tests.integration.meters_lab import (
    DEVICE,
    FIRST_DAY,
    MIDNIGHT,
    ONE_DAY,
    Site,
    meters,
    reading,
)

if TYPE_CHECKING:
    from central.store.ingest import Ingested

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden" / "meters-read.json"
SECOND_DAY = FIRST_DAY + ONE_DAY
PAYER = "project:physics"


def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the centre be of a version that knows no meters."""
    known = tuple(kind for kind in STREAMS_UP["jobs"] if kind is not MetersRead)
    for room in (ingest, quarantine):
        monkeypatch.setattr(room, "STREAMS_UP", {**STREAMS_UP, "jobs": known})


def say_text(site: Site, text: str) -> Ingested:
    """Have the centre hear an event as an edge wrote it."""
    return site.edge.send([site.edge.say_text(text, "jobs")], name="jobs")


def replay(site: Site, id_: str) -> Done | Refused:
    """Try an event that was put aside once more."""
    with site.books.write() as tx:
        return quarantine.replay(tx, id_, author="eva", reason="updated", linked=frozenset())


def put_aside(site: Site) -> list[str]:
    """Return the ids of what is in quarantine."""
    with site.books.read() as tx:
        return [each.id for each in quarantine.every(tx)]


def test_a_centre_that_knows_no_meters_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It puts readings aside, says so, takes all else in, and can take them in once updated."""
    site = Site(open_books())
    with monkeypatch.context() as before:
        older(before)
        site.say(*site.printed(5))
        heard = say_text(site, GOLDEN.read_text(encoding="utf-8").strip())
        ((seq, why),) = heard.quarantined
        assert (heard.upto.seq, heard.accepted) == (seq, ())
        assert "unknown type 'printmesh.meters-read.v1'" in why
        assert len(site.say(*site.printed(7)).accepted) == 2
        (id_,) = put_aside(site)
        assert isinstance(replay(site, id_), Refused)
        told = [each for each in site.edge.listen() if isinstance(each, Rejected)]
        assert [(each.stream, each.seq) for each in told] == [("jobs", seq)]
    assert isinstance(replay(site, id_), Done)
    assert put_aside(site) == []
    with site.books.write() as tx:
        assert readings.ever_read(tx, Place("north", "lobby"))
        assert metering.step(tx, Limits()).notes == ()
        assert readings.newest(tx, Place("north", "lobby")) is None
        assert newest_day(tx) is None, "what had been billed by then is not known: it ends no day"
    assert_sound(site.books)


def test_after_an_update_days_begin_with_the_first_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not what was put aside is taken in: it is compared with nothing."""
    site = Site(open_books())
    with monkeypatch.context() as before:
        older(before)
        site.say(*site.printed(5), reading(0, *meters(total=1000), why="start", continues=False))
    (id_,) = put_aside(site)
    site.say(*site.printed(9), reading(1, *meters(total=1009), since=MIDNIGHT))
    assert isinstance(replay(site, id_), Done)
    site.say(*site.printed(4), reading(2, *meters(total=1013), since=MIDNIGHT + ONE_DAY))
    with site.books.read() as tx:
        (second,) = days(tx, SECOND_DAY)
        (third,) = days(tx, SECOND_DAY + ONE_DAY)
        assert newest_day(tx) == SECOND_DAY, "the third has not ended by the centre's clock"
    assert (second.unit, second.breaks) == (None, ("it is the first reading",))
    assert (third.metered, third.prints, third.unexplained) == (4, 4, 0)


@pytest.fixture
def copier() -> Site:
    """Return a site whose copier's copies are paid by an account that may go as low as it comes."""
    site = Site(open_books())
    with site.books.write() as tx:
        rules = Rules(unlimited=True)
        assert accounts.open_new(tx, PAYER, "page", rules, enabled=True) is None
        meter_terms.set_terms(tx, Place("north", DEVICE), Terms(account=PAYER))
    site.say(reading(0, *meters(total=1000, copy=100), continues=False))
    return site


def paid(site: Site) -> int:
    """Deal with all readings; return the pages that the account has paid."""
    with site.books.write() as tx:
        metering.step(tx, Limits())
        micros = sum(ledger.places_of(tx, "income:copy", "page").values())
    assert_sound(site.books)
    return micros // 1_000_000


def test_nothing_is_compared_over_a_reading_that_was_put_aside(copier: Site) -> None:
    """A jump that a newer edge told in words of its own is not charged by the next reading."""
    (jump,) = copier.edge.say(
        reading(1, *meters(total=901_000, copy=900_100), continues=False), name="jobs"
    )
    copier.edge.journal["jobs"].pop()
    told = json.loads(str(jump.data))
    told["data"]["why"] = "jumped"  # a word of tomorrow
    assert len(say_text(copier, json.dumps(told)).quarantined) == 1
    second = MIDNIGHT + ONE_DAY
    copier.say(reading(2, *meters(total=901_003, copy=900_103), since=second))
    assert paid(copier) == 0
    with copier.books.read() as tx:
        (day,) = days(tx, FIRST_DAY + 2 * ONE_DAY)
    assert day.breaks == ("a reading before it is not known here: it was put aside",)
    copier.say(reading(3, *meters(total=901_010, copy=900_110), since=second + ONE_DAY))
    assert paid(copier) == 7


def test_an_edge_that_does_not_say_what_it_goes_on_from_is_believed(copier: Site) -> None:
    """One of an older version: its readings go on as they did."""
    copier.say(reading(1, *meters(total=1006, copy=106)))
    assert paid(copier) == 6
