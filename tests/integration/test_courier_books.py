"""Courier codes at the centre: posted before they are shown, fetched for, never taken on trust."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from broker.codec import encode
from broker.messages import (
    Batch,
    CodeMark,
    CodesFrom,
    EdgeDigest,
    Granted,
    Message,
    Reclaim,
    Redeemed,
)
from broker.stream import place
from central.births import greet
from central.fleet import Fleet
from central.rounds import hear_batch, take_round
from central.store import code_list, codes, courier, edges, funds, nodes, streams
from central.store.books import Identity
from central.store.codes import Issued, Waiting, Wish
from central.store.ledger import Refused, places_of
from central.store.tables import audit, code
from central.store.verify import Counts, verify
from config.policy.courier import Parts, Purpose, check, read
from config.policy.money import Money
from tests.integration.books_lab import CODE, Dice, MemoryEdge, euros, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from broker.messages import Birth
    from central.store.books import Books

PATIENCE = timedelta(seconds=10)
NOBODY: frozenset[str] = frozenset()


class CodeEdge(MemoryEdge):
    """An edge that knows courier codes; it applies what comes down only when it listens."""

    secret: str = ""

    def birth(self, code: str | None = CODE) -> Birth:
        """Return an introduction that says so."""
        return super().birth(code).model_copy(update={"wire": 2})

    def meet(self, *, wire: int = 2, confirm: bool = True) -> None:
        """Meet the centre; confirm what comes of it."""
        birth = self.birth().model_copy(update={"wire": wire})
        with self.books.write() as tx:
            state = streams.open_stream(tx, self.node, self.incarnation, "down", "ledger")
            met = courier.contact(tx, self.node, birth, state.acked, Dice(7))
            self.secret = met.secret if met else ""
        if confirm:
            self.confirm()

    def confirm(self) -> None:
        """Say that everything is applied that is in the stream."""
        with self.books.write() as tx:
            state = streams.open_stream(tx, self.node, self.incarnation, "down", "ledger")
            streams.acknowledged(tx, state.id, state.at)

    def told(self, kind: type[Message]) -> list[Any]:
        """Return what came down, of one kind."""
        return [each for each in self.listen() if isinstance(each, kind)]

    def redeem(self, mark: CodeMark, micros: int, account: str = "user:ana") -> Redeemed:
        """Return what says that a code was taken, and credit it here."""
        self.here[account] = self.here.get(account, 0) + micros
        return Redeemed(
            code=mark,
            account=account,
            unit="EUR",
            micros=micros,
            user="ana",
            redeemed_at=self.clock(),
        )


def wish(amount: str = "2.50", **changes: Any) -> Wish:  # noqa: ANN401  whatever a wish has
    """Return a wish for a code."""
    unit = changes.pop("unit", "EUR")
    fields = {"node": "north", "user": "ana", "account": "user:ana", "author": "test"}
    return Wish(money=Money.parse(amount, unit), **{**fields, **changes})


def issue(books: Books, wanted: Wish, linked: frozenset[str] = NOBODY) -> Any:  # noqa: ANN401
    """Ask for a code."""
    with books.write() as tx:
        return codes.issue(tx, wanted, linked, PATIENCE)


def issued(books: Books, wanted: Wish | None = None) -> str:
    """Return a code that there is money for at the centre."""
    done = issue(books, wanted or wish())
    assert isinstance(done, Issued), done
    return done.digits


def mark_of(books: Books) -> CodeMark:
    """Return which code was issued last."""
    with books.read() as tx:
        row = tx.sql.execute(select(code).order_by(code.c.entry.desc())).first()
    assert row is not None
    return CodeMark(epoch=row.epoch, index=row.number)


def places(books: Books, account: str = "user:ana") -> dict[str, int]:
    """Return where money sits."""
    with books.read() as tx:
        return {place: micros for place, micros in places_of(tx, account, "EUR").items() if micros}


def findings(books: Books) -> list[Any]:
    """Return what a verification finds."""
    with books.read() as tx:
        return list(verify(tx, Counts(), lambda _done, _all: None))


@pytest.fixture
def books() -> Iterator[Books]:
    """Make books with 10.00 of Ana's at the centre."""
    made = open_books()
    open_account(made, top_up="10.00")
    yield made
    made.close()


@pytest.fixture
def north(books: Books) -> CodeEdge:
    """Make a site that has met the centre and confirmed it."""
    edge = CodeEdge(books)
    edge.join()
    edge.meet()
    edge.listen()
    return edge


def test_the_money_is_at_the_site_before_the_code_is_shown(books: Books, north: CodeEdge) -> None:
    """One transaction: entry, number, and the grant in the stream that names the same code."""
    digits = issued(books)
    assert places(books) == {"": euros("7.50"), "north": euros("2.50")}
    (granted,) = north.told(Granted)
    assert (granted.reason, granted.micros, granted.code) == (
        "courier",
        euros("2.50"),
        mark_of(books),
    )
    assert granted.code is not None
    purpose = Purpose(
        north.incarnation, granted.code.epoch, "user:ana", "EUR", granted.code.index, 25
    )
    parts = read(digits)
    assert isinstance(parts, Parts)
    assert check(bytes.fromhex(north.secret), purpose, parts)
    assert findings(books) == []


def test_the_code_is_kept_nowhere(books: Books, north: CodeEdge) -> None:
    """Neither digits nor key are in the audit, the events or a list; only that it was made."""
    digits = issued(books)
    with books.read() as tx:
        (act,) = tx.sql.execute(select(audit).where(audit.c.act == "code issue"))
        listed = str(code_list.every(tx))
        rows = tx.sql.execute(text("SELECT data FROM event")).scalars().all()
        stored = str(tx.sql.execute(select(code)).all())
    everything = " ".join([act.detail, listed, stored, *map(str, rows)])
    assert act.author == "test"
    assert json.loads(act.detail)["node"] == "north"
    for secret in (digits, digits.replace(" ", ""), north.secret):
        assert secret not in everything


def test_each_code_has_a_number_of_its_own(books: Books, north: CodeEdge) -> None:
    """The same wish twice is two codes, each with its own money."""
    first, second = issued(books), issued(books)
    assert first != second
    assert [each.code.index for each in north.told(Granted)] == [0, 1]
    assert places(books)["north"] == euros("5.00")


def test_a_redeemed_code_is_noted_and_agrees_with_the_edge_at_every_moment(
    books: Books, north: CodeEdge
) -> None:
    """central(a@e) = edge + grants not applied - codes redeemed whose grant is not yet applied."""
    issued(books)

    def agrees() -> None:
        with books.read() as tx:
            up = north.head("ledger")
            state = streams.open_stream(tx, "north", north.incarnation, "down", "ledger")
            down = streams.envelopes(tx, state.id, north.applied, north.applied)
            at = place(down[0]) if down else up
            told = EdgeDigest(up=up, down=at, accounts=1, digest="0" * 64, rows=())
            found = edges.expected(tx, "north", north.incarnation, told)
        assert isinstance(found, edges.Expected)
        assert found.trouble is None
        assert found.balances.get(("user:ana", "EUR"), 0) == north.here.get("user:ana", 0)

    north.send(north.say())
    agrees()
    north.send(north.say(north.redeem(mark_of(books), euros("2.50"))))
    agrees()
    assert [each.state for each in _records(books)] == ["redeemed"]
    here = north.here["user:ana"]
    north.listen()
    north.here["user:ana"] = here  # its code has brought it already
    agrees()
    north.send(north.say(north.charge(euros("1.00"))))
    agrees()
    assert findings(books) == []


def _records(books: Books) -> list[code_list.CodeRecord]:
    with books.read() as tx:
        return code_list.every(tx)


FORGED = [
    # never issued: another number, another epoch of these books
    lambda mark: (mark.model_copy(update={"index": mark.index + 1}), "2.50", "user:ana"),
    lambda mark: (mark.model_copy(update={"epoch": mark.epoch + 1}), "2.50", "user:ana"),
    # issued, but for less, or for somebody else
    lambda mark: (mark, "102.30", "user:ana"),
    lambda mark: (mark, "2.50", "user:bob"),
]


@pytest.mark.parametrize("forged", FORGED)
def test_an_edge_that_takes_what_was_never_issued_is_frozen(
    books: Books,
    north: CodeEdge,
    forged: Any,  # noqa: ANN401  a function of the code
) -> None:
    """The event is quarantined, the edge granted nothing any more, and people are told why."""
    open_account(books, "user:bob")
    issued(books)
    mark, amount, account = forged(mark_of(books))
    done = north.send(north.say(north.redeem(mark, euros(amount), account)))
    assert [seq for seq, _ in done.quarantined] == [2]
    assert done.frozen is not None
    assert "never issued" in done.frozen
    with books.read() as tx:
        known = nodes.find(tx, "north")
    assert known is not None
    assert known.state == "frozen"
    assert isinstance(issue(books, wish()), Refused)


def test_a_code_that_is_redeemed_again_freezes_the_edge(books: Books, north: CodeEdge) -> None:
    """An edge marks what it took: twice is a disk that was rolled back, or worse."""
    issued(books)
    mark = mark_of(books)
    north.send(north.say(north.redeem(mark, euros("2.50"))))
    done = north.send(north.say(north.redeem(mark, euros("2.50"))))
    assert done.frozen is not None
    assert "redeemed before" in done.frozen
    assert places(books)["north"] == euros("2.50")


def test_the_coordinator_stops_speaking_with_a_frozen_edge(books: Books, north: CodeEdge) -> None:
    """The freeze takes hold in the round that finds it out, with a critical alert."""
    fleet = Fleet(books)
    greet(fleet, "north", north.birth(None), 0.0)
    assert "north" in fleet.conversations
    events = north.say(north.redeem(CodeMark(epoch=2**33, index=9), euros("5.00")))
    batch = Batch(
        stream="ledger",
        sender_incarnation=north.incarnation,
        receiver_incarnation=books.identity.incarnation,
        events=tuple(events),
    )
    payload = encode(batch, source="north", id_=north.mint(), now=north.clock())
    fleet.said()
    hear_batch(fleet, "north", "ledger", payload, 1.0)
    take_round(fleet, 1.0)
    assert "north" not in fleet.conversations
    alerts = [say.payload for say in fleet.said() if say.topic.endswith("feed/alerts")]
    assert any(b'"critical"' in each and b"never issued" in each for each in alerts)


def test_a_code_from_before_a_restore_is_put_aside_without_freezing(
    books: Books, north: CodeEdge
) -> None:
    """Books from a backup may not know it: it is shown to people, and the site goes on."""
    issued(books)
    mark = mark_of(books)
    with books.write() as tx:
        tx.sql.execute(text("DELETE FROM code"))
        tx.sql.execute(text("UPDATE meta SET epoch = 2"))
    _epoch(books, 2)
    done = north.send(north.say(north.redeem(mark, euros("2.50"))))
    assert done.frozen is None
    assert [reason for _, reason in done.quarantined if "restored" in reason]


def _epoch(books: Books, epoch: int) -> None:
    before = books.identity
    books.identity = Identity(before.node, before.incarnation, epoch, before.currency)


# ── epochs ──────────────────────────────────────────────────────────────────────────────────


def epochs(edge: CodeEdge) -> list[int]:
    """Return the epochs that the stream speaks of, all of them."""
    edge.applied = 0
    return [each.epoch for each in edge.told(CodesFrom)]


def test_each_contact_begins_an_epoch(books: Books, north: CodeEdge) -> None:
    """They ascend, and the numbers of codes begin anew in each."""
    issued(books)
    first = mark_of(books)
    north.meet()
    issued(books)
    second = mark_of(books)
    assert epochs(north) == [first.epoch, first.epoch + 1] == [first.epoch, second.epoch]
    assert first.index == second.index == 0


def test_codes_are_of_the_epoch_that_the_edge_has_confirmed(books: Books, north: CodeEdge) -> None:
    """What was sent and not confirmed may never have arrived; it is not sent twice either."""
    before = epochs(north)[-1]
    north.meet(confirm=False)
    north.meet(confirm=False)
    issued(books)
    assert mark_of(books).epoch == before
    assert epochs(north) == [before, before + 1]
    north.confirm()
    issued(books)
    assert mark_of(books) == CodeMark(epoch=before + 1, index=0)


def test_no_epoch_comes_again_after_a_restore(books: Books, north: CodeEdge) -> None:
    """Books from a backup do not know how far the lost ones went: theirs begin beyond all of it."""
    lost = epochs(north)[-1] + 1_000_000
    _epoch(books, 2)
    with books.write() as tx:
        tx.sql.execute(text("UPDATE meta SET epoch = 2"))
    assert isinstance(issue(books, wish()), Refused)
    north.meet(confirm=False)
    assert isinstance(done := issue(books, wish()), Refused)
    assert "has not confirmed" in done.reason
    north.confirm()
    issued(books)
    assert mark_of(books).epoch > lost


def test_a_new_journal_has_a_key_of_its_own(books: Books, north: CodeEdge) -> None:
    """Codes of the old one mean nothing to it."""
    with books.write() as tx:
        nodes.enrol(tx, "north", CODE)
    fresh = CodeEdge(books)
    fresh.dice(3)
    fresh.incarnation = fresh.mint()
    with books.write() as tx:
        assert isinstance(nodes.accept(tx, "north", fresh.birth()), nodes.Accepted)
        met = courier.contact(tx, "north", fresh.birth(), fresh.head("ledger"), Dice(8))
    assert met is not None
    assert met.secret != north.secret


def test_an_edge_of_the_version_before_hears_nothing_of_codes(books: Books) -> None:
    """It gets no key and no event that it could not read, and no code is issued for it."""
    edge = CodeEdge(books)
    edge.join()
    edge.meet(wire=1)
    assert edge.secret == ""
    assert epochs(edge) == []
    done = issue(books, wish())
    assert isinstance(done, Refused)
    assert "does not know courier codes" in done.reason


def test_an_edge_that_went_back_a_version_gets_no_codes_until_it_is_met_again(
    books: Books, north: CodeEdge
) -> None:
    """A program that cannot take codes is promised none; its key is still there afterwards."""
    secret = north.secret
    north.meet(wire=1)
    assert isinstance(issue(books, wish()), Refused)
    north.meet()
    issued(books)
    assert north.secret == secret


# ── what is refused ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (wish("2.55"), "steps of 0.10 EUR"),
        (wish("102.40"), "102.30 EUR at most"),
        (wish("5", unit="page"), "is in EUR, not page"),
        (wish(account="user:nobody"), "no account user:nobody"),
        (wish(account="house:topup"), "no account house:topup"),
        (wish(node="nowhere"), "no site nowhere"),
        # more than there is: what is here, what is missing, where the rest sits
        (wish("20.00"), "10.00 EUR at the centre, 10.00 EUR is missing"),
    ],
)
def test_what_cannot_be_issued_is_refused_in_words(
    books: Books, north: CodeEdge, wanted: Wish, said: str
) -> None:
    """The answer says what is wrong, nothing is posted, and no number is used up."""
    done = issue(books, wanted)
    assert isinstance(done, Refused)
    assert said in done.reason
    assert places(books) == {"": euros("10.00")}
    assert _records(books) == []
    issued(books)
    assert mark_of(books).index == 0


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE node SET state = 'frozen', reason = 'fork'", "is frozen and gets no money: fork"),
        ("UPDATE node SET state = 'parked', reason = 'old'", "is parked"),
        ("UPDATE node SET incarnation = NULL", "never been met"),
        ("UPDATE node SET role = 'agent'", "is an agent"),
        ("UPDATE node SET kind = 'dashboard'", "has no money"),
        (
            "UPDATE courier SET issued = 4096, epoch = next_epoch, next_seq = NULL",
            "no more room",
        ),
        ("UPDATE account SET state = 'frozen', enabled = FALSE", "frozen"),
        ("UPDATE account SET unlimited = TRUE", "without a code"),
    ],
)
def test_a_site_or_account_that_may_not_have_codes_is_refused_in_words(
    books: Books, north: CodeEdge, sql: str, said: str
) -> None:
    """Nothing is posted to where nobody could use it."""
    assert north.secret
    with books.write() as tx:
        tx.sql.execute(text(sql))
    done = issue(books, wish())
    assert isinstance(done, Refused)
    assert said in done.reason
    assert places(books) == {"": euros("10.00")}


def test_books_in_recovery_issue_nothing(books: Books, north: CodeEdge) -> None:
    """What is not known to be there cannot be promised."""
    assert north.secret
    with books.write() as tx:
        tx.sql.execute(text("UPDATE standing SET mode = 'recovery'"))
        absent = "INSERT INTO recovery_edge VALUES ('north', 'absent', NULL, 0, 0, '')"
        tx.sql.execute(text(absent))
    done = issue(books, wish())
    assert isinstance(done, Refused)
    assert "recovered" in done.reason


# ── money from other sites ──────────────────────────────────────────────────────────────────


def parked(books: Books, *names: str, each: str = "2.00") -> list[CodeEdge]:
    """Make linked sites with money of Ana's."""
    made = []
    for name in names:
        edge = CodeEdge(books, name)
        edge.join()
        with books.write() as tx:
            funds.grant(tx, name, "user:ana", "EUR", euros(each), "parked")
        edge.listen()
        made.append(edge)
    return made


def waiting(books: Books, amount: str, linked: frozenset[str]) -> UUID:
    """Ask for a code that money must be fetched for."""
    done = issue(books, wish(amount), linked)
    assert isinstance(done, Waiting), done
    return done.id


def become(books: Books, id_: UUID) -> Issued | Waiting | Refused:
    """Return what became of a wish."""
    with books.read() as tx:
        return codes.outcome(tx, id_)


def test_money_is_fetched_from_linked_sites_for_a_code(books: Books, north: CodeEdge) -> None:
    """It is debited there first; the last return and the code are one transaction."""
    assert north.secret
    linked = frozenset({"south", "west"})
    south, west = parked(books, "south", "west", each="5.00")
    id_ = waiting(books, "8.00", linked)
    south.send(south.say(*(south.give_back(each) for each in south.told(Reclaim))), linked)
    assert isinstance(become(books, id_), Waiting)
    west.send(west.say(*(west.give_back(each) for each in west.told(Reclaim))), linked)
    done = become(books, id_)
    assert isinstance(done, Issued)
    assert isinstance(read(done.digits), Parts)
    assert places(books) == {"north": euros("8.00"), "west": euros("2.00")}
    assert [each.micros for each in north.told(Granted)] == [euros("8.00")]
    assert findings(books) == []


def test_what_was_fetched_is_not_parked_away_while_somebody_waits(
    books: Books, north: CodeEdge
) -> None:
    """Money at the centre goes to the sites by itself, but not what a code is waiting for."""
    assert north.secret
    linked = frozenset({"south", "west"})
    south, west = parked(books, "south", "west", each="5.00")
    id_ = waiting(books, "8.00", linked)
    south.send(south.say(*(south.give_back(each) for each in south.told(Reclaim))), linked)
    with books.write() as tx:
        assert funds.park_free(tx, linked)[0] == NOBODY
    west.send(west.say(*(west.give_back(each) for each in west.told(Reclaim))), linked)
    assert isinstance(become(books, id_), Issued)


def test_a_site_that_has_spent_the_money_is_made_good_by_another(
    books: Books, north: CodeEdge
) -> None:
    """Less came back than was believed to be there: the rest is asked of who still has some."""
    assert north.secret
    linked = frozenset({"south", "west"})
    south, west = parked(books, "south", "west", each="5.00")
    id_ = waiting(books, "4.00", linked)
    asked = [*south.told(Reclaim), *west.told(Reclaim)]
    assert len(asked) == 1
    first, other = (south, west) if south.reclaims else (west, south)
    first.send(first.say(first.give_back(asked[0], euros("1.00"))), linked)
    other.send(other.say(*(other.give_back(each) for each in other.told(Reclaim))), linked)
    assert isinstance(become(books, id_), Issued)


def test_a_wish_ends_in_words_when_too_little_comes_back(books: Books, north: CodeEdge) -> None:
    """Nothing is issued, and what came back is free for everybody again."""
    assert north.secret
    linked = frozenset({"south"})
    (south,) = parked(books, "south", each="10.00")
    id_ = waiting(books, "4.00", linked)
    (asked,) = south.told(Reclaim)
    south.send(south.say(south.give_back(asked, euros("1.00"))), linked)
    done = become(books, id_)
    assert isinstance(done, Refused)
    assert "less came back" in done.reason
    with books.write() as tx:
        assert funds.park_free(tx, linked)[0] == linked


def test_a_return_after_the_patience_issues_nothing(books: Books, north: CodeEdge) -> None:
    """Nobody waits any more who could be shown the code."""
    assert north.secret
    linked = frozenset({"south"})
    (south,) = parked(books, "south", each="10.00")
    id_ = waiting(books, "4.00", linked)
    with books.write() as tx:
        codes.give_up(tx, id_, "nobody waited any longer")
    (asked,) = south.told(Reclaim)
    south.send(south.say(south.give_back(asked)), linked)
    assert isinstance(become(books, id_), Refused)
    assert places(books) == {"": euros("4.00"), "south": euros("6.00")}


def test_giving_up_takes_no_code_back(books: Books, north: CodeEdge) -> None:
    """What was issued in the last moment stays issued: its owner is shown it after all."""
    assert north.secret
    done = issue(books, wish())
    with books.write() as tx:
        codes.give_up(tx, done.id, "nobody waited any longer")
    assert become(books, done.id) == done


def test_money_at_cut_off_sites_is_named_in_the_refusal(books: Books, north: CodeEdge) -> None:
    """Whoever is refused learns how much sits where, and that it cannot be fetched."""
    assert north.secret
    parked(books, "south", each="9.00")
    done = issue(books, wish("5.00"))
    assert isinstance(done, Refused)
    assert "1.00 EUR at the centre" in done.reason
    assert "9.00 EUR at south (cut off)" in done.reason
    assert places(books) == {"": euros("1.00"), "south": euros("9.00")}


def test_a_lost_site_is_written_off_with_its_codes(books: Books, north: CodeEdge) -> None:
    """The person is made whole, the codes' money too, and no more codes go to that journal."""
    issued(books)
    with books.write() as tx:
        assert funds.write_off(tx, north.node, "test") == 1
    assert places(books) == {"": euros("10.00")}
    done = issue(books, wish())
    assert isinstance(done, Refused)
    assert findings(books) == []


@pytest.mark.parametrize(
    ("sql", "mark"),
    [
        # another amount, a code that is gone, one that was never redeemed
        ("UPDATE code SET micros = 100000", "code"),
        ("DELETE FROM code", "code"),
        ("UPDATE code SET state = 'issued'", "code"),
    ],
)
def test_verify_finds_codes_that_were_changed(
    books: Books, north: CodeEdge, sql: str, mark: str
) -> None:
    """The streams say what was issued and redeemed; the table must say the same."""
    issued(books)
    north.send(north.say(north.redeem(mark_of(books), euros("2.50"))))
    assert findings(books) == []
    with books.write() as tx:
        tx.sql.execute(text(sql))
    assert mark in {each.check for each in findings(books)}


def test_money_fetched_for_a_code_goes_to_a_linked_site_only_as_the_code(
    books: Books, north: CodeEdge
) -> None:
    """A line that is down only for the site is not known here yet: nothing is granted beside it."""
    linked = frozenset({"north", "south"})
    (south,) = parked(books, "south", each="10.00")
    id_ = waiting(books, "4.00", linked)
    (asked,) = south.told(Reclaim)
    south.send(south.say(south.give_back(asked)), linked)
    assert isinstance(become(books, id_), Issued)
    assert [each.code is not None for each in north.told(Granted)] == [True]
    assert places(books) == {"north": euros("4.00"), "south": euros("6.00")}


def test_a_birth_confirms_an_epoch_whose_ack_was_lost(books: Books, north: CodeEdge) -> None:
    """The edge had taken it, the line went before it could say so; when it is met it says so."""
    fleet = Fleet(books)
    greet(fleet, "north", north.birth(None), 0.0)
    taken = north.told(CodesFrom)[-1].epoch
    with books.read() as tx:
        state = streams.open_stream(tx, "north", north.incarnation, "down", "ledger")
    assert state.acked != state.at
    again = north.birth(None).model_copy(update={"down": {"ledger": state.at}})
    greet(fleet, "north", again, 1.0)
    issued(books)
    assert mark_of(books).epoch == taken
    assert [each.epoch for each in north.told(CodesFrom)] == [taken + 1]
