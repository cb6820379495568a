"""Who stands at a terminal: by its own session, by a good card, by a word that counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.directory import CardRow, UserRow, card_digest
from broker.messages import (
    AccountAmount,
    CardEnrolled,
    DirectoryRows,
    JobReleased,
    Person,
    Rejected,
)
from config.policy.accounts import Charge
from config.policy.decisions import Allowed, Denied
from config.policy.money import Money
from edge.cards import CONFIRMED_WITHIN, WAITING_LONGEST, Allowance
from edge.jobs import Hold
from edge.reception import stale
from edge.release import Phase
from edge.sessions import SHARED_MOST, Session, Sessions
from edge.standing import SiteStanding
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import rows_of
from edge.visitors import PIN_NEEDED, Known, Nobody, SignedIn
from tests.unit.edge_lab import (
    ANA,
    CENT,
    NOW,
    Site,
    centre_says,
    directory,
    grant,
    held_job,
    open_books,
    open_replica,
)

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = UUID(int=1), UUID(int=2)
IDLE, LONGEST = 60.0, 900.0


def sessions(*shared: str) -> Sessions:
    """Return the sessions of a site, none yet."""
    return Sessions(idle=IDLE, longest=LONGEST, shared=frozenset(shared))


class Hall:
    """A site's people, and clocks to turn."""

    def __init__(self, *, pin_beside_card: bool = False) -> None:
        self.disk = MemoryDisk()
        self.books = open_books(self.disk)
        self.replica = open_replica(MemoryDisk())
        self.replica.apply(directory())
        self.n = 1
        self.now = NOW
        self.seconds = 0.0
        self.alone_for = timedelta(0)
        self.sessions = sessions()
        self.people = SignedIn(
            sessions=self.sessions,
            replica=self.replica,
            cards=self.books.cards,
            vouching=("desk-pc",),
            clock=lambda: self.now,
            monotonic=lambda: self.seconds,
            pin_beside_card=pin_beside_card,
            stale=lambda: stale(self.alone_for, timedelta(days=30)),
        )

    def says(self, kind: str, key: str, row: UserRow | CardRow | None) -> None:
        """Let the directory say something new."""
        self.n += 1
        rows = rows_of([(kind, key, self.n, row)])
        since = self.n - 1
        self.replica.apply(
            DirectoryRows(epoch=1, kind="delta", since=since, upto=self.n, rows=rows)
        )

    def enters(self, number: str = "9000", user: str = "ana") -> None:
        """Enter a card at the panel."""
        event = CardEnrolled(
            card=card_digest(number), user=user, terminal="panel", by="pin", enrolled_at=self.now
        )
        self.books.cards.enrol(event)


def test_a_session_ends_by_idling_and_each_question_lets_it_go_on() -> None:
    """A minute without a question is its end; half a minute is not."""
    known = sessions()
    known.begin(FIRST, "panel", "ana", "pin", 0.0)
    assert known.at("panel", FIRST, 59.0) is not None
    assert known.at("panel", FIRST, 118.0) is not None
    assert known.at("panel", FIRST, 178.0) is None
    assert known.at("panel", FIRST, 178.1) is None


def test_a_session_ends_whatever_is_asked() -> None:
    """Somebody who forgot to leave, at a panel that asks by itself, is signed off all the same."""
    known = sessions()
    known.begin(FIRST, "panel", "ana", "pin", 0.0)
    moment = 0.0
    while (moment := moment + 30.0) < LONGEST:
        assert known.at("panel", FIRST, moment) is not None
    assert known.at("panel", FIRST, LONGEST) is None


def test_a_session_of_another_terminal_is_nobody() -> None:
    """Neither used nor ended from elsewhere, nor kept alive by the try."""
    known = sessions()
    known.begin(FIRST, "panel", "ana", "pin", 0.0)
    assert known.at("other", FIRST, 50.0) is None
    assert not known.end("other", FIRST)
    assert known.at("panel", SECOND, 50.0) is None
    assert known.at("panel", FIRST, 60.0) is None


def test_a_new_person_at_a_terminal_ends_the_one_before() -> None:
    """One at a time; a person may be signed in at any number of terminals."""
    known = sessions()
    known.begin(FIRST, "panel", "ana", "card", 0.0)
    known.begin(SECOND, "panel", "ben", "card", 1.0)
    assert known.at("panel", FIRST, 2.0) is None
    known.begin(UUID(int=3), "popup", "ben", "bound", 2.0)
    assert {each.node for each in known.of("Ben", 3.0)} == {"panel", "popup"}


def test_a_shared_terminal_has_many_people_but_not_any_number() -> None:
    """Phones sign in side by side; one more than fit ends the one that idled longest."""
    known = sessions("phones")
    for number in range(SHARED_MOST + 1):
        known.begin(UUID(int=number), "phones", f"user{number}", "pin", number / 100)
    assert len(known) == SHARED_MOST
    assert known.at("phones", UUID(int=0), 3.0) is None
    assert known.at("phones", UUID(int=1), 3.0) is not None


def test_going_on_elsewhere_makes_no_session_longer() -> None:
    """From phone to panel to phone, the first one's end stays the end."""
    known = sessions()
    first = known.begin(FIRST, "phone", "ana", "password", 0.0)
    second = known.begin(SECOND, "panel", "ana", "session", 30.0, ends=first.ends)
    assert second.ends == first.ends


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.floats(0, 100)), max_size=40)
)
def test_nobody_gets_in_by_what_was_not_given_to_them(
    steps: list[tuple[str, int, float]],
) -> None:
    """Whatever is begun and asked: a session is used by its own node, within its times."""
    known, now = sessions("c"), 0.0
    begun: dict[UUID, Session] = {}
    for count, (node, number, passes) in enumerate(steps):
        now += passes
        if number == 0:
            id_ = UUID(int=count)
            begun[id_] = known.begin(id_, node, "ana", "pin", now)
        for id_, session in begun.items():
            found = known.at(node, id_, now)
            assert found is None or (session.node == node and now < session.ends)


@pytest.mark.parametrize(
    ("node", "person", "user"),
    [
        ("panel", Person(card="4711"), "ana"),
        ("panel", Person(card="4712"), None),
        ("panel", Person(user="ana"), None),  # anybody may claim a name
        ("desk-pc", Person(user="ana"), "ana"),
        ("desk-pc", Person(user="nobody"), None),
        ("panel", Person(session=FIRST), None),  # forged
        ("desk-pc", Person(session=FIRST), None),  # not even here
        ("panel", Person(), None),
    ],
)
def test_whose_word_counts(node: str, person: Person, user: str | None) -> None:
    """A name is taken from nodes that may vouch; a session only where it was made."""
    assert Hall().people.who(node, person) == user


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (CardRow(user="ana", blocked=True), "card-blocked"),
        (CardRow(user="ana", expires_at=NOW), "card-expired"),
        (CardRow(user="gone"), "no-identity"),
    ],
)
def test_a_card_that_is_not_good_is_nobody_with_a_reason(row: CardRow, code: str) -> None:
    """Blocked, expired, of nobody known: the session that was made by it ends as well."""
    hall = Hall()
    key = card_digest("4711")
    hall.sessions.begin(FIRST, "panel", "ana", "card", 0.0, card=key)
    assert hall.people.who("panel", Person(session=FIRST)) == "ana"
    hall.says("card", key, row)
    seen = hall.people.seen("panel", Person(card="4711"))
    assert isinstance(seen, Nobody)
    assert seen.code == code
    assert isinstance(hall.people.seen("panel", Person(session=FIRST)), Nobody)
    assert len(hall.sessions) == 0


@pytest.mark.parametrize("row", [UserRow(name="ana", enabled=False), None])
def test_who_is_disabled_or_deleted_is_nobody_at_the_next_question(row: UserRow | None) -> None:
    """Whatever they came by; and enabled again, they sign in again."""
    hall = Hall()
    hall.sessions.begin(FIRST, "panel", "ana", "pin", 0.0)
    hall.says("user", "ana", row)
    for person in (Person(session=FIRST), Person(card="4711")):
        assert hall.people.who("panel", person) is None
    assert hall.people.who("desk-pc", Person(user="ana")) is None
    hall.says("user", "ana", UserRow(name="ana", accounts=(ANA,)))
    assert hall.people.who("panel", Person(session=FIRST)) is None
    assert hall.people.who("panel", Person(card="4711")) == "ana"


def test_where_the_pin_is_wanted_a_card_alone_is_nobody() -> None:
    """Not as a question's person either, but from a node that vouches."""
    hall = Hall(pin_beside_card=True)
    assert hall.people.who("panel", Person(card="4711")) is None
    assert hall.people.who("desk-pc", Person(card="4711")) == "ana"


def test_a_card_that_wants_the_pin_alone_is_nobody() -> None:
    """Where its record says so, at a site that does not want it of everybody; a session stays."""
    hall = Hall()
    hall.says("card", card_digest("4711"), CardRow(user="ana", pin=True))
    assert hall.people.seen("panel", Person(card="4711")) == PIN_NEEDED
    assert hall.people.who("desk-pc", Person(card="4711")) == "ana"
    hall.sessions.begin(FIRST, "panel", "ana", "pin", 0.0, card=card_digest("4711"))
    assert hall.people.who("panel", Person(session=FIRST)) == "ana"


def test_a_card_entered_here_works_until_the_directory_says_otherwise() -> None:
    """Provisional at once, still after a crash; then as the directory has it."""
    hall = Hall()
    hall.enters()
    seen = hall.people.seen("panel", Person(card="9000"))
    assert isinstance(seen, Known)
    assert (seen.user.name, seen.waits) == ("ana", True)
    assert hall.people.new_card("panel", Person(card="9000")) == card_digest("9000")
    again = open_books(hall.disk.crash(lambda _: 0))
    assert again.cards.find((card_digest("9000"),)) is not None
    hall.says("card", card_digest("9000"), CardRow(user="ana"))
    assert hall.people.new_card("panel", Person(card="9000")) is None
    assert hall.people.who("panel", Person(card="9000")) == "ana"


def test_another_owner_in_the_directory_withdraws_a_card() -> None:
    """A session made by it is over, and nobody stands there by it but its owner."""
    hall = Hall()
    hall.enters()
    hall.sessions.begin(FIRST, "panel", "ana", "card", 0.0, card=card_digest("9000"))
    hall.says("user", "ben", UserRow(name="ben"))
    hall.says("card", card_digest("9000"), CardRow(user="ben"))
    assert hall.people.who("panel", Person(session=FIRST)) is None
    assert hall.people.who("panel", Person(card="9000")) == "ben"


def test_a_card_that_expires_meanwhile_ends_its_session_and_no_other() -> None:
    """At the next question after its last moment nobody is signed in by it; by PIN one still is."""
    hall = Hall()
    over = NOW + timedelta(seconds=30)
    hall.says("card", card_digest("9000"), CardRow(user="ana", expires_at=over))
    hall.sessions.begin(FIRST, "panel", "ana", "card", 0.0, card=card_digest("9000"))
    hall.sessions.begin(SECOND, "phone", "ana", "pin", 0.0)
    hall.now = over - timedelta(microseconds=1)
    assert hall.people.who("panel", Person(session=FIRST)) == "ana"
    hall.now = over
    seen = hall.people.seen("panel", Person(session=FIRST))
    assert isinstance(seen, Nobody)
    assert seen.code == "card-expired"
    hall.now = over - timedelta(seconds=5)  # a clock that is set back brings it back to nobody
    assert hall.people.who("panel", Person(session=FIRST)) is None
    assert hall.people.who("phone", Person(session=SECOND)) == "ana"


def test_what_the_centre_rejects_is_withdrawn_in_the_same_record() -> None:
    """The event that told of the card is named by stream and seq; another one's changes nothing."""
    hall = Hall()
    hall.enters()
    seq = hall.books.head("jobs").seq
    centre_says(hall.books, Rejected(stream="ledger", seq=seq, reason="no"))
    assert hall.people.who("panel", Person(card="9000")) == "ana"
    centre_says(hall.books, Rejected(stream="jobs", seq=seq, reason="another's"))
    assert hall.people.who("panel", Person(card="9000")) is None
    assert open_books(hall.disk.crash(lambda _: 0)).cards.every() == []


def test_a_card_that_waits_is_dropped_when_nobody_will_say_more() -> None:
    """Known to the directory: at once; had by the centre: soon; by nobody: after a month."""
    hall = Hall()
    hall.enters()
    cards, seq = hall.books.cards, hall.books.head("jobs").seq
    cards.tidy(seq - 1, lambda _: False, hall.now)
    cards.tidy(seq, lambda _: False, hall.now)
    cards.tidy(seq, lambda _: False, hall.now + CONFIRMED_WITHIN - timedelta(seconds=1))
    assert len(cards.every()) == 1
    cards.tidy(seq, lambda _: False, hall.now + CONFIRMED_WITHIN)
    assert cards.every() == []
    hall.enters("9001")
    cards.tidy(0, lambda _: True, hall.now)
    assert cards.every() == []
    hall.enters("9002")
    cards.tidy(0, lambda _: False, hall.now + WAITING_LONGEST)
    assert cards.every() == []


def test_a_new_card_spends_no_more_than_its_allowance() -> None:
    """Held and charged count, over a crash too; with the PIN there is no such bound."""
    hall = Hall()
    hall.enters()
    key = card_digest("9000")
    grant(hall.books, 1000 * CENT)

    def denied(cents: int, card: str | None) -> bool:
        standing = SiteStanding(
            hall.books,
            reachable=lambda: False,
            alone_for=lambda: timedelta(0),
            allowance=Allowance(money=200 * CENT),
        )
        charge = Charge(ANA, Money(cents * CENT, "EUR"))
        return standing.beyond([charge], card) is not None

    assert not denied(200, key)
    assert denied(201, key)
    assert not denied(201, None)
    held = (AccountAmount(account=ANA, unit="EUR", micros=150 * CENT),)
    record = held_job().with_(
        phase=Phase.RELEASING, card=key, hold=Hold(amounts=held, tariff_version=1)
    )
    event = JobReleased(
        job=record.job, attempt=1, user="ana", printer="lib-1", held=held, alone=True
    )
    hall.books.release(record, event, NOW)
    hall.books = open_books(hall.disk.crash(lambda _: 0))
    assert not denied(50, key)
    assert denied(51, key)


async def test_a_release_by_a_new_card_is_bounded_and_by_pin_it_is_not(tmp_path: Path) -> None:
    """What the first job took counts for the second; the refusal says what helps."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, 1000 * CENT)
    standing = site.releasing.standing
    assert isinstance(standing, SiteStanding)
    standing._allowance = Allowance(money=70 * CENT)
    key = card_digest("9000")
    first, second = await site.arrive(), await site.arrive()
    assert isinstance(await site.releasing.release(first, "lib-1", "ana", card=key), Allowed)
    denied = await site.releasing.release(second, "lib-1", "ana", card=key)
    assert isinstance(denied, Denied)
    assert "the PIN" in denied.detail
    await site.intake.sweep()
    assert site.phase(first) == "settled"
    assert isinstance(await site.releasing.release(second, "lib-1", "ana", card=key), Denied)
    assert isinstance(await site.releasing.release(second, "lib-1", "ana"), Allowed)
    assert site.books.cards.used(key) == {"EUR": 50 * CENT}


def test_a_directory_that_is_too_old_identifies_nobody() -> None:
    """Whoever was removed at the centre meanwhile stops, after thirty days, by whatever way."""
    hall = Hall()
    hall.sessions.begin(FIRST, "panel", "ana", "pin", 0.0)
    ways = {
        "panel": [Person(session=FIRST), Person(card="4711")],
        "desk-pc": [Person(user="ana"), Person(card="4711")],
    }

    def seen() -> list[str]:
        found = [
            hall.people.seen(node, each) for node, each_way in ways.items() for each in each_way
        ]
        return [each.code if isinstance(each, Nobody) else each.user.name for each in found]

    hall.alone_for = timedelta(days=29, hours=23)
    assert seen() == ["ana"] * 4
    hall.alone_for = timedelta(days=30)
    assert seen() == ["directory-old"] * 4
    assert hall.people.who("panel", Person(card="4711")) is None
    # heard again: the directory says who is left; whoever was signed in signs in again
    hall.alone_for = timedelta(0)
    assert seen() == ["no-identity", "ana", "ana", "ana"]
