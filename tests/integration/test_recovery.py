"""Promises of recovery: restored books learn from the edges what they have forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from broker import topics
from broker.codec import Received, decode, encode
from broker.messages import (
    Batch,
    BirthAccepted,
    CodeMark,
    Collected,
    Command,
    CommandState,
    Envelope,
    FundsRequest,
    Granted,
    Message,
    Position,
    Reclaim,
    Redeemed,
    Reply,
    ReportedEvents,
    UpHeads,
)
from broker.stream import StreamKey, place, seal, start
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.mailboxes import Mail
from central.store import accounts, audit, funds, ledger, nodes, recovery, streams
from central.store.backup import make_backup
from central.store.books import Books
from central.store.restore import carry_out, plan_restore
from central.store.streams import NodeAwaited
from central.store.verify import Counts, verify
from config.policy.money import Money
from tests.integration.books_lab import MORNING, Clock, MemoryEdge, euros, open_account
from tests.integration.dialects import books_url, on_postgresql, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.fleet import Say

ANA = "user:ana"


@dataclass
class Site:
    """An edge with what it has applied of our stream, and what it may be asked."""

    memory: MemoryEdge
    down: list[Envelope] = field(default_factory=list)
    kept_from: int = 1
    acked: int = 0
    epoch: int = 1

    def hear(self) -> None:
        """Apply everything that came down, keep it, and answer reclaims."""
        edge = self.memory
        with edge.books.read() as tx:
            state = streams.open_stream(tx, edge.node, edge.incarnation, "down", "ledger")
            self.down += streams.envelopes(tx, state.id, len(self.down) + 1, state.at.seq)
        edge.listen()
        for asked in edge.reclaims:
            edge.say(edge.give_back(asked))
        edge.reclaims.clear()

    def report(self) -> None:
        """Have the books take in everything that is new."""
        with self.memory.books.write() as tx:
            self.memory.send_rest(tx, frozenset({"north", "south"}))
        self.acked = len(self.memory.journal["ledger"])

    def birth(self) -> Message:
        """Introduce itself as a real edge does after a restore."""
        edge = self.memory
        heads = {}
        for name in edge.journal:
            kept = edge.journal[name]
            acked = place(kept[self.acked - 1]) if name == "ledger" and self.acked else None
            heads[name] = UpHeads(sent=edge.head(name), acked=acked or start(edge.key(name)))
        applied = place(self.down[-1])
        return edge.birth(code=None).model_copy(
            update={"epoch": self.epoch, "down": {"ledger": applied}, "up": heads}
        )

    def answer(self, command: Command, *, at_once: int = 2) -> CommandState:
        """Hand back what was said after a place, a few events at a time."""
        after = command.args["after"]
        events = [e for e in self.down if after < e.seq <= after + at_once]
        told = ReportedEvents(
            stream="ledger",
            head=place(self.down[-1]),
            events=tuple(e for e in events if e.seq >= self.kept_from),
        )
        data = told.model_dump(mode="json")
        return CommandState(id=command.id, state="successful", data=data)


class Organisation:
    """Two sites, a backup, a life after it, and the day on which the centre burns down."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = Clock()
        self.books = Books.open(books_url(home / "books.db"), clock=self.clock)
        open_account(self.books, ANA, "10.00")
        self.sites: dict[str, Site] = {}
        for name in ("north", "south"):
            edge = MemoryEdge(self.books, node=name)
            edge.join()
            self.sites[name] = Site(edge)
            self.sites[name].hear()
        self.fleet: Fleet
        self.coordinator: Coordinator

    def top_up(self, amount: str) -> None:
        """Pay in."""
        with self.books.write() as tx:
            accounts.top_up(tx, ANA, Money.parse(amount, "EUR"), note="", author="test")

    def grant(self, site: str, amount: str, account: str = ANA) -> None:
        """Grant and have the site apply it."""
        with self.books.write() as tx:
            done = funds.grant(tx, site, account, "EUR", euros(amount), "parked")
            assert isinstance(done, ledger.Posted)
        self.sites[site].hear()

    def back_up(self) -> None:
        """Make a backup."""
        books, file = self.home / "books.db", self.home / "backup.db"
        if on_postgresql():
            snapshot(books, file)
        else:
            make_backup(books, file, {}, lambda _d, _a: None, MORNING)

    def burn_down(self) -> None:
        """Restore from the backup alone, and start a coordinator on it."""
        self.books.close()
        file = self.home / "backup.db"
        if on_postgresql():
            restored = Books.open(books_url(file))
            with restored.write() as tx:
                recovery.begin(tx)
                detail = {"recovery": True}
                audit.note(tx, author="test", act="restore", target="books", detail=detail)
            restored.close()
        else:
            done = carry_out(plan_restore(file, None), self.home / "new", MORNING, author="test")
            assert done.recovery
            file = done.books
        self.books = Books.open(books_url(file), clock=self.clock)
        for site in self.sites.values():
            site.memory.books = self.books
        self.start()

    def start(self) -> None:
        """Start a coordinator."""
        self.fleet = Fleet(self.books, clock=self.clock)
        self.coordinator = Coordinator(self.fleet)
        self.coordinator.connected(uuid4(), 0.0)

    def hear(self, topic: topics.Topic, site: str, message: Message, **levels: str) -> list[Say]:
        """Have the coordinator hear a message of a site."""
        edge = self.sites[site].memory
        payload = encode(message, source=site, id_=edge.mint(), now=edge.clock())
        return self.coordinator.heard([Mail(site, topic.of(node=site, **levels), payload)], 1.0)

    def meet(self, site: str) -> Reply | None:
        """Let a site meet the coordinator, answering whatever it is asked; return its answer."""
        says = self.hear(topics.BIRTH, site, self.sites[site].birth())
        for _ in range(50):
            reply: Reply | None = _first(says, topics.REPLY, Reply)
            if reply is not None:
                return reply
            command = _first(says, topics.COMMAND, Command)
            if command is None:
                return None
            state = self.sites[site].answer(command)
            says = self.hear(topics.COMMAND_STATE, site, state, id=str(command.id))
        raise AssertionError("it goes on asking")

    def resend(self, site: str, reply: Reply) -> None:
        """Send again what the books have lost of a site's ledger stream."""
        edge = self.sites[site].memory
        accepted = BirthAccepted.model_validate(reply.data)
        rest = edge.journal["ledger"][accepted.up["ledger"].seq :]
        if rest:
            batch = Batch(
                stream="ledger",
                sender_incarnation=edge.incarnation,
                receiver_incarnation=self.books.identity.incarnation,
                events=tuple(rest),
            )
            self.hear(topics.UP_LOG, site, batch, stream="ledger")

    def places(self, account: str = ANA) -> dict[str, int]:
        """Return where an account's money sits."""
        with self.books.read() as tx:
            found = ledger.places_of(tx, account, "EUR")
        return {place or "centre": micros for place, micros in found.items() if micros}

    def standing(self) -> dict[str, str]:
        """Return how far each edge is."""
        with self.books.read() as tx:
            return {each.node: each.state for each in recovery.edges(tx)}

    def assert_sound(self) -> None:
        """Check that a full verification finds nothing, and nothing is quarantined."""
        counts = Counts()
        with self.books.read() as tx:
            assert list(verify(tx, counts, lambda _done, _all: None)) == []
        assert counts.quarantined == 0


def _first(says: list[Say], topic: topics.Topic, kind: type[Any]) -> Any:  # noqa: ANN401  of the kind
    for say in says:
        if topic.match(say.topic) is not None:
            read = decode(say.payload, (kind,))
            assert isinstance(read, Received)
            return read.message
    return None


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Organisation]:
    """Build an organisation."""
    made = Organisation(tmp_path)
    yield made
    made.books.close()


def test_a_forgotten_grant_is_booked_again_from_the_account(firm: Organisation) -> None:
    """What the account still has in the backup pays for the grant, under the grant's own id."""
    firm.back_up()
    firm.grant("north", "4.00")
    edge = firm.sites["north"].memory
    edge.say(edge.charge(euros("1.50")))
    firm.sites["north"].report()
    firm.burn_down()
    assert firm.places() == {"centre": euros("10.00")}

    reply = firm.meet("north")
    assert reply is not None
    assert reply.status == "ok"
    assert firm.places() == {"centre": euros("6.00"), "north": euros("4.00")}
    firm.resend("north", reply)

    assert firm.places() == {"centre": euros("6.00"), "north": edge.here[ANA]}
    assert firm.standing() == {"north": "reported", "south": "absent"}
    firm.assert_sound()


def test_what_the_books_cannot_explain_comes_from_suspense_and_is_listed(
    firm: Organisation,
) -> None:
    """A top-up lost with the books was granted to a site: the site keeps it, a person is told."""
    firm.back_up()
    firm.top_up("20.00")
    firm.grant("north", "25.00")
    firm.burn_down()
    firm.meet("north")
    firm.meet("south")

    assert firm.places() == {"north": euros("25.00")}
    assert firm.places(recovery.SUSPENSE) == {"centre": -euros("15.00")}
    with firm.books.write() as tx:
        (unknown,) = recovery.from_suspense(tx)
        assert recovery.finish(tx) is None
    assert unknown == recovery.FromSuspense(ANA, "EUR", euros("15.00"), ("north",))
    firm.assert_sound()


def test_an_account_opened_after_the_backup_is_known_again(firm: Organisation) -> None:
    """Its grant opens it, and its money comes from suspense."""
    firm.back_up()
    open_account(firm.books, "user:new", "3.00")
    firm.grant("south", "3.00", "user:new")
    firm.burn_down()
    firm.meet("south")
    assert firm.places("user:new") == {"south": euros("3.00")}
    firm.assert_sound()


def test_nothing_is_granted_before_every_edge_has_told(firm: Organisation) -> None:
    """Parking, requests and top-ups change nothing at sites while one edge is missing."""
    firm.back_up()
    firm.grant("south", "10.00")
    firm.burn_down()
    firm.meet("north")
    asked = FundsRequest(
        corr=uuid4(), expires_at=MORNING.replace(year=2027), account=ANA, unit="EUR", micros=1
    )
    both = frozenset({"north", "south"})
    with firm.books.write() as tx:
        assert isinstance(funds.grant(tx, "north", ANA, "EUR", 1, "parked"), ledger.Refused)
        refused = funds.ask(tx, "north", asked, both)
        assert isinstance(refused, ledger.Refused)
        assert "1 edges have not reported" in refused.reason
        assert funds.park_free(tx, both) == (frozenset(), False)
        done = recovery.finish(tx)
        assert isinstance(done, ledger.Refused)
    firm.coordinator.look(2.0)
    assert firm.places() == {"centre": euros("10.00")}

    firm.meet("south")
    assert firm.places() == {"south": euros("10.00")}
    firm.top_up("1.00")
    with firm.books.write() as tx:
        assert isinstance(funds.grant(tx, "north", ANA, "EUR", 1, "parked"), ledger.Posted)


def test_an_absent_edge_can_be_given_up_and_may_still_come(firm: Organisation) -> None:
    """An administrator goes on without it; when it comes after all, it is booked all the same."""
    firm.back_up()
    firm.grant("south", "10.00")
    firm.burn_down()
    firm.meet("north")
    with firm.books.write() as tx:
        assert recovery.accept_absent(tx, "south", "test") is None
        assert recovery.closed(tx) is None
        assert recovery.finish(tx) is None
        assert isinstance(
            funds.grant(tx, "north", ANA, "EUR", euros("10.00"), "parked"), ledger.Posted
        )
    reply = firm.meet("south")
    assert reply is not None
    assert reply.status == "ok"
    assert firm.places() == {"north": euros("10.00"), "south": euros("10.00")}
    assert firm.places(recovery.SUSPENSE) == {"centre": -euros("10.00")}
    assert firm.standing() == {"north": "reported", "south": "reported"}
    firm.assert_sound()


@pytest.mark.parametrize("order", [("south", "north"), ("north", "south")])
def test_money_that_went_from_site_to_site_is_not_there_twice(
    order: tuple[str, str], firm: Organisation
) -> None:
    """What one gave back and the other got needs no suspense in the end, whoever reports first."""
    firm.grant("north", "6.00")
    firm.back_up()
    corr = uuid4()
    asked = FundsRequest(
        corr=corr, expires_at=MORNING.replace(year=2027), account=ANA, unit="EUR", micros=9_000_000
    )
    with firm.books.write() as tx:
        funds.ask(tx, "south", asked, frozenset({"north", "south"}))
    firm.sites["north"].hear()
    firm.sites["north"].report()
    firm.sites["south"].hear()
    assert any('"printmesh.reclaim.v1"' in str(e.data) for e in firm.sites["north"].down)
    firm.burn_down()
    for name in order:
        reply = firm.meet(name)
        assert reply is not None
        firm.resend(name, reply)

    with firm.books.read() as tx:
        assert recovery.from_suspense(tx) == []
    assert sum(firm.places().values()) == euros("10.00")
    here = {name: site.memory.here.get(ANA, 0) for name, site in firm.sites.items()}
    assert {k: v for k, v in firm.places().items() if k in here} == {
        k: v for k, v in here.items() if v
    }
    firm.assert_sound()


def test_nothing_is_said_to_an_edge_that_has_still_to_tell(firm: Organisation) -> None:
    """A new event of ours in its stream would stand where it has another one already."""
    firm.back_up()
    firm.grant("north", "1.00")
    firm.burn_down()
    with pytest.raises(NodeAwaited), firm.books.write() as tx:
        streams.append(tx, "north", [Reclaim(reclaim=tx.mint(), account=ANA, unit="EUR", up_to=1)])


def test_a_charge_is_not_judged_before_its_grant_is_known(firm: Organisation) -> None:
    """Batches of an edge that has still to tell are left alone, and are sent again later."""
    firm.back_up()
    firm.grant("north", "2.00")
    edge = firm.sites["north"].memory
    edge.say(edge.charge(euros("2.00")))
    firm.burn_down()
    firm.hear(topics.BIRTH, "north", firm.sites["north"].birth())
    fake = Reply(
        corr=uuid4(),
        status="ok",
        data=BirthAccepted(
            epoch=2,
            incarnation=firm.books.identity.incarnation,
            up={"ledger": Position(seq=0, hash=start(edge.key("ledger")).hash)},
            down={},
        ).model_dump(mode="json"),
    )
    firm.resend("north", fake)
    assert firm.places() == {"centre": euros("10.00")}
    reply = firm.meet("north")
    assert reply is not None
    firm.resend("north", reply)
    assert firm.places() == {"centre": euros("8.00")}
    firm.assert_sound()


@pytest.mark.parametrize("harm", ["pruned", "forged", "newer"])
def test_what_does_not_join_is_left_to_a_person(firm: Organisation, harm: str) -> None:
    """Events that were dropped, do not follow ours, or may be a newer program's are not booked."""
    firm.back_up()
    firm.grant("north", "1.00")
    firm.grant("north", "2.00")
    site = firm.sites["north"]
    before = len(site.down) - 2
    if harm == "pruned":
        site.kept_from = before + 2
    elif harm == "newer":
        ours, edge = firm.books.identity, site.memory
        key = StreamKey(ours.node, ours.incarnation, edge.node, edge.incarnation, "ledger")
        text = str(site.down[-1].data).replace("granted.v1", "granted.v9")
        site.down[-1] = seal(key, place(site.down[-2]), text)
    else:
        text = str(site.down[before].data).replace("1000000", "9000000")
        site.down[before] = site.down[before].model_copy(update={"data": text})
    firm.burn_down()

    assert firm.meet("north") is None
    assert firm.places() == {"centre": euros("10.00")}
    with firm.books.read() as tx:
        north = recovery.edges(tx)[0]
    assert north.state == "absent"
    assert north.detail


def test_recovery_goes_on_over_a_crash_of_the_centre(firm: Organisation) -> None:
    """Pages that were taken over stay; the next birth asks for the rest only."""
    firm.back_up()
    for _ in range(5):
        firm.grant("north", "1.00")
    firm.burn_down()
    site = firm.sites["north"]
    says = firm.hear(topics.BIRTH, "north", site.birth())
    command = _first(says, topics.COMMAND, Command)
    firm.hear(topics.COMMAND_STATE, "north", site.answer(command), id=str(command.id))
    assert firm.places()["north"] == euros("2.00")
    firm.start()
    firm.meet("north")
    assert firm.places() == {"centre": euros("5.00"), "north": euros("5.00")}
    with firm.books.read() as tx:
        assert recovery.edges(tx)[0].adopted == 5
    firm.assert_sound()


def test_an_old_coordinator_that_meets_a_newer_epoch_stops_for_ever(firm: Organisation) -> None:
    """It refuses everybody, grants nothing any more, and does so after a restart as well."""
    firm.start()
    assert firm.meet("south") is not None
    firm.sites["north"].epoch = 2
    reply = firm.meet("north")
    assert reply is not None
    assert reply.status == "refused"
    again = firm.meet("south")
    assert again is not None
    assert again.problem is not None
    assert again.problem.code == "epoch"
    firm.coordinator.look(2.0)
    assert firm.places() == {"centre": euros("10.00")}
    with firm.books.write() as tx:
        refused = funds.grant(tx, "south", ANA, "EUR", 1, "parked")
    assert isinstance(refused, ledger.Refused)
    firm.start()
    assert firm.fleet.fenced_by == 2


def test_a_restore_is_in_the_audit_and_sends_nothing_of_its_own(firm: Organisation) -> None:
    """Who restored what is written down; grants of the backup are not said twice."""
    firm.grant("north", "1.00")
    firm.back_up()
    firm.burn_down()
    with firm.books.read() as tx:
        acts = audit.acts(tx, target="books")
        assert nodes.every(tx)[0].linked is False
    assert [(each.act, each.detail["recovery"]) for each in acts] == [("restore", True)]
    firm.meet("north")
    assert firm.places() == {"centre": euros("9.00"), "north": euros("1.00")}
    assert not any(isinstance(message, Granted) for message in firm.sites["north"].memory.listen())


def test_a_forgotten_courier_code_is_booked_and_freezes_nobody(firm: Organisation) -> None:
    """A code that was typed at a site is real, though the books that issued it are lost."""
    firm.back_up()
    edge = firm.sites["north"].memory
    mark = CodeMark(epoch=(1 << 32) + 1, index=7)
    said = Redeemed(
        code=mark, account=ANA, unit="EUR", micros=euros("2.00"), user="ana", redeemed_at=MORNING
    )
    edge.say(said)
    edge.here[ANA] = euros("2.00")
    edge.say(edge.charge(euros("0.50")))
    firm.burn_down()
    reply = firm.meet("north")
    assert reply is not None
    firm.resend("north", reply)

    assert firm.places() == {"centre": euros("8.00"), "north": euros("1.50")}
    with firm.books.read() as tx:
        north = nodes.find(tx, "north")
    assert north is not None
    assert north.state == "active"
    firm.assert_sound()


def test_a_debt_that_was_collected_is_not_collected_again(firm: Organisation) -> None:
    """The edge knows of the collection; the debt that comes again with its charge is paid."""
    firm.back_up()
    with firm.books.write() as tx:
        collected = Collected(id=tx.mint(), account=ANA, unit="EUR", micros=euros("1.00"))
        streams.append(tx, "north", [collected])
    firm.sites["north"].hear()
    firm.burn_down()
    firm.meet("north")
    assert firm.places() == {"centre": euros("9.00")}
    with firm.books.write() as tx:
        # as debts do when their charges come again
        known = [
            recovery.use_collection(tx, "north", ANA, "EUR", euros(debt))
            for debt in ("0.70", "0.50")
        ]
    assert known == [euros("0.70"), euros("0.30")]
