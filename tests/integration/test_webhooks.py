"""Promises of webhooks: all that was asked for arrives, in order, signed, whatever goes wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.codec import text_of
from broker.messages import Counted, JobFlagged, JobHeld, JobSettled, Note
from central.acts import webhooks as acts
from central.fleet import Fleet
from central.sealing import Sealer
from central.store import audit, happenings, quarantine, refund_requests, webhooks
from central.store.books import Books
from central.store.ledger import Refused
from central.webhooks import filling
from central.webhooks.kinds import TEST
from central.webhooks.noting import Noting
from central.webhooks.retrying import PAUSES
from tests.integration.books_lab import (
    MORNING,
    Clock,
    Dice,
    MemoryEdge,
    euros,
    open_account,
)
from tests.integration.dialects import books_url
from tests.integration.hook_lab import (
    BY,
    NOTHING,
    SEALER,
    answer,
    receiver,
    subscribe,
    telling,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Transaction

JOB = UUID(int=5)
COUNTED = Counted(source="analysis", impressions=3, color_impressions=0, sheets=2)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of books and senders."""
    return Clock()


@pytest.fixture
def books(tmp_path: Path, clock: Clock) -> Iterator[Books]:
    """Open books that several threads may use."""
    opened = Books.open(books_url(tmp_path / "books.db"), clock=clock, dice=Dice())
    yield opened
    opened.close()


def held() -> JobHeld:
    """Return the beginning of a job."""
    return JobHeld(
        job=JOB, queue="pull", user="ana", name="plan.pdf", received_at=MORNING, counted=COUNTED
    )


def settled() -> JobSettled:
    """Return its end."""
    return JobSettled(
        job=JOB,
        attempt=1,
        printer="north-1",
        disposition="completed",
        counts=(COUNTED,),
        billed=COUNTED,
        charge=None,
    )


def happen(books: Books, *names: str) -> None:
    """Let nodes be heard."""
    for name in names:
        with books.write() as tx:
            happenings.links(tx, {name: True})


# ── what arrives ────────────────────────────────────────────────────────────────────────────


async def test_all_that_happens_arrives_in_order(books: Books, clock: Clock) -> None:
    """Jobs, money, links, requests and alerts, as the books got them, and signed."""
    edge = MemoryEdge(books)
    edge.join()
    open_account(books, "user:ana", "1.00")
    async with receiver() as there, telling(books, clock) as here:
        secret = subscribe(books, there.url, "*")
        edge.send(edge.say(held(), settled(), name="jobs"), name="jobs")
        with books.write() as tx:
            happenings.links(tx, {"north": True})
        open_account(books, "user:ben", "2.50")
        with books.write() as tx:
            asked = refund_requests.enter(tx, JOB, node="north", user="ana", reason="smeared")
        with books.write() as tx:
            refund_requests.settle(tx, asked.id, "declined", by="olga", answer="it is fine")
        fleet = Fleet(books, clock=clock)
        fleet.alert("north", "parked", "it cannot be understood", 0.0)
        Noting(fleet).look(0.0)
        await here.turn()
        assert there.kinds() == [
            "job.held",
            "job.settled",
            "node.linked",
            "money.booked",
            "refund.asked",
            "refund.settled",
            "alert.raised",
        ]
        assert all(each.signed_with(secret) for each in there.got)
        assert all(each.line == "POST /in HTTP/1.1" for each in there.got)
        assert all(each.headers["content-type"] == "application/json" for each in there.got)
        assert there.got[0].told["data"]["job"] == str(JOB)
        assert there.got[3].told["data"]["postings"][1]["micros"] == euros("2.50")
        assert there.got[6].told["data"]["code"] == "parked"
        assert len({each.id for each in there.got}) == 7
        said = b"".join(each.body for each in there.got)
        assert not any(word in said for word in (b"ana", b"plan", b"ben", b"olga", b"smeared"))
        await here.turn()
        assert len(there.got) == 7


async def test_names_go_to_who_asks_for_them(books: Books, clock: Clock) -> None:
    """And what was booked before somebody asked is not told at all."""
    open_account(books, "user:ana", "1.00")
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "money", people=True)
        open_account(books, "user:ben", "2.50")
        await here.turn()
        (got,) = there.got
        accounts = {each["account"] for each in got.told["data"]["postings"]}
        assert accounts == {"house:topup", "user:ben"}
        assert got.told["data"]["author"] == "test"


async def test_only_what_is_asked_for(books: Books, clock: Clock) -> None:
    """Kinds, and money from an amount on; each subscription for itself."""
    edge = MemoryEdge(books)
    edge.join()
    async with receiver() as much, receiver() as ends, telling(books, clock) as here:
        subscribe(books, much.url, "money", name="much", above=euros("2.00"))
        subscribe(books, ends.url, "job.settled", name="ends")
        open_account(books, "user:ana", "1.99")
        open_account(books, "user:ben", "2.00")
        edge.send(edge.say(held(), settled(), name="jobs"), name="jobs")
        await here.turn()
        assert [each.told["data"]["postings"][1]["micros"] for each in much.got] == [euros("2.00")]
        assert ends.kinds() == ["job.settled"]


async def test_a_journal_that_begins_later_is_told_whole(books: Books, clock: Clock) -> None:
    """A site that joins after the subscription, and what had been put aside and was mended."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "job")
        edge = MemoryEdge(books)
        edge.join()
        flag = JobFlagged(job=JOB, cause="uncertain", detail="nobody knows")
        edge.send(edge.say(held(), flag, name="jobs"), name="jobs")
        await here.turn()
        assert there.kinds() == ["job.held", "job.flagged"]


async def test_what_was_put_aside_is_told_once_it_is_mended(books: Books, clock: Clock) -> None:
    """Whoever follows the stream was past it by then."""
    edge, other = MemoryEdge(books), MemoryEdge(books, "south")
    for each in (edge, other):
        each.join()
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "job.flagged")
        edge.send(edge.say(held(), name="jobs"), name="jobs")
        not_theirs = JobFlagged(job=JOB, cause="uncertain", detail="nobody knows")
        other.send(other.say(not_theirs, name="jobs"), name="jobs")
        await here.turn()
        assert there.got == []
        theirs = not_theirs.model_copy(update={"job": UUID(int=6)})
        text = text_of(theirs, source="south", id_=other.mint(), now=clock())
        with books.write() as tx:
            (put,) = quarantine.every(tx)
            done = quarantine.repair(
                tx, put.id, text, author="cli:test", reason="it was another", linked=frozenset()
            )
            assert isinstance(done, quarantine.Done)
        await here.turn()
        (got,) = there.got
        assert got.told["data"] == {
            "job": str(UUID(int=6)),
            "node": "south",
            "cause": "uncertain",
            "detail": "nobody knows",
        }


async def test_links_are_told_as_the_coordinator_sees_them(books: Books, clock: Clock) -> None:
    """In the transaction that stores them: who is heard, and who no more."""
    MemoryEdge(books).join()
    fleet = Fleet(books, clock=clock)
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        session = UUID(int=3)
        fleet.presence.born("north", session, 0.0)
        fleet.tell_presence(0.0)
        fleet.presence.status("north", session, 1.0, online=False)
        fleet.tell_presence(1.0)
        await here.turn()
        assert there.kinds() == ["node.linked", "node.cut_off"]


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────


async def test_a_lost_answer_repeats_the_message(books: Books, clock: Clock) -> None:
    """The receiver had it: it gets it again under the same id, and the next one afterwards."""
    async with receiver() as there, telling(books, clock) as here:
        secret = subscribe(books, there.url, "node")
        happen(books, "north", "south")
        there.says.append(NOTHING)
        await here.turn()
        assert len(there.got) == 1
        assert here.messages()[0].trouble
        await here.later(seconds=6)
        first, again, second = there.got
        assert (first.id, first.body) == (again.id, again.body)
        assert second.id != first.id
        assert again.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
        assert again.signed_with(secret)
        assert [each.state for each in here.messages()] == ["arrived", "arrived"]
        assert [each.tries for each in here.messages()] == [2, 1]


async def test_a_receiver_that_fails_is_asked_ever_less_and_then_not(
    books: Books, clock: Clock
) -> None:
    """Over three days, one message, nothing past it; then an alert, and nothing is lost."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        happen(books, "north", "south")
        there.says += [answer(500)] * (len(PAUSES) + 1)
        await here.turn()
        for pause in PAUSES:
            before = len(there.got)
            await here.later(seconds=pause.total_seconds() * 0.95 - 1)
            assert len(there.got) == before
            await here.later(seconds=pause.total_seconds() * 0.1 + 2)
            assert len(there.got) == before + 1
        assert len({each.id for each in there.got}) == 1
        stands = here.subscription()
        assert stands.state == "paused"
        assert "500" in stands.why
        assert [name for name, _ in here.alerts.raised] == ["erp"]
        await here.later(days=40)
        happen(books, "west")
        await here.turn()
        assert len(there.got) == len(PAUSES) + 1
        with books.write() as tx:
            assert isinstance(acts.resume(tx, BY, "erp"), acts.Resumed)
        await here.turn()
        assert here.alerts.raised[-1] == ("erp", "")
        nodes = [each.told["data"]["node"] for each in there.got[-3:]]
        assert nodes == ["north", "south", "west"]


async def test_a_slow_receiver_holds_nobody_up(books: Books, clock: Clock) -> None:
    """While one is waited for another gets all; and the wait has an end."""
    async with (
        receiver() as slow,
        receiver() as quick,
        telling(books, clock, timeout="300ms") as here,
    ):
        go_on = asyncio.Event()

        async def when_told() -> bytes:
            await go_on.wait()
            return answer()

        slow.says.append(when_told)
        subscribe(books, slow.url, "node", name="slow")
        subscribe(books, quick.url, "node", name="quick")
        happen(books, "north", "south", "west")
        await here.rounds.look()
        await slow.until(1)
        await quick.until(3)
        assert len(slow.got) == 1
        await here.rounds.settled()
        assert "no answer within 0.3 s" in here.messages("slow")[0].trouble
        go_on.set()


async def test_an_answer_without_an_end_is_not_read(books: Books, clock: Clock) -> None:
    """Its status counts; what follows is nobody's business, however much it is."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        there.says.append(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 100_000)
        happen(books, "north", "south")
        await here.turn()
        assert [each.state for each in here.messages()] == ["arrived", "arrived"]


async def test_no_redirect_is_followed(books: Books, clock: Clock) -> None:
    """Where it leads nobody looked at: it is a failure like others, and says so."""
    async with receiver() as there, receiver() as elsewhere, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        happen(books, "north")
        there.says += [answer(status, f"location: {elsewhere.url}") for status in (302, 307)]
        await here.turn()
        await here.later(seconds=6)
        assert len(there.got) == 2
        assert elsewhere.got == []
        assert "points elsewhere" in here.messages()[0].trouble


async def test_what_was_not_noted_is_sent_once_more(
    books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends between sending and noting: the same messages, the same ids."""
    async with receiver() as there:
        subscribe(books, there.url, "node")
        happen(books, "north", "south")
        with monkeypatch.context() as patch:
            patch.setattr("central.webhooks.rounds._AFTER_A_FAILURE", 0.0)

            def fall(*_: object) -> None:
                raise RuntimeError("the process ends here")

            patch.setattr(webhooks, "arrived", fall)
            async with telling(books, clock) as here:
                await here.turn()
        async with telling(books, clock) as here:
            await here.turn()
            ids = [each.id for each in there.got]
            assert ids[:2] == ids[2:]
            assert [each.state for each in here.messages()] == ["arrived", "arrived"]


async def test_who_is_gone_is_paused_at_once(books: Books, clock: Clock) -> None:
    """410 says that nothing more is wanted."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        happen(books, "north")
        there.says.append(answer(410))
        await here.turn()
        assert here.subscription().state == "paused"
        assert here.alerts.raised[0][0] == "erp"


async def test_nobody_there_is_a_failure_like_others(books: Books, clock: Clock) -> None:
    """A port at which nobody listens, and a name that there is not."""

    def nowhere(host: str, _port: int) -> list[str]:
        raise OSError(f"{host}: no such name")

    async with receiver() as there:
        url = there.url
    subscribe(books, url, "node")
    happen(books, "north")
    async with telling(books, clock) as here:
        await here.turn()
        assert "cannot be reached" in here.messages()[0].trouble
    async with telling(books, clock, nowhere) as here:
        await here.later(minutes=2)
        assert "is not found" in here.messages()[0].trouble


# ── pausing, rotating, limits ───────────────────────────────────────────────────────────────


async def test_a_pause_loses_nothing_and_a_skip_one(books: Books, clock: Clock) -> None:
    """What happens meanwhile waits in the books; what a receiver never takes can be left out."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        with books.write() as tx:
            assert acts.pause(tx, BY, "erp", "moving house") is None
            assert isinstance(acts.pause(tx, BY, "erp"), Refused)
        happen(books, "north", "south")
        await here.turn()
        assert there.got == []
        assert here.messages() == []
        there.says.append(answer(400))
        with books.write() as tx:
            acts.resume(tx, BY, "erp")
        await here.turn()
        with books.write() as tx:
            assert acts.resume(tx, BY, "erp", skip=True) == acts.Resumed(1)
        await here.turn()
        assert [each.state for each in here.messages()] == ["left-out", "arrived"]
        there.says.append(answer(400))
        happen(books, "west", "east")
        await here.turn()
        happen(books, "far")
        with books.write() as tx:
            assert acts.resume(tx, BY, "erp", from_now=True) == acts.Resumed(2)
        happen(books, "near")
        await here.turn()
        assert there.got[-1].told["data"]["node"] == "near"
        assert [each.state for each in here.messages()][-3:] == ["left-out", "left-out", "arrived"]


async def test_two_secrets_are_good_for_a_while(books: Books, clock: Clock) -> None:
    """Messages carry both signatures until the old one's time is over."""
    async with receiver() as there, telling(books, clock) as here:
        old = subscribe(books, there.url, "node")
        new = "whsec_" + "bmV3" * 11
        with books.write() as tx:
            until = tx.now + timedelta(hours=24)
            done = acts.rotate(tx, BY, "erp", new, SEALER, until=until)
            assert not isinstance(done, Refused)
        happen(books, "north")
        await here.turn()
        happen(books, "south")
        await here.later(hours=25)
        first, second = there.got
        assert first.signed_with(old)
        assert first.signed_with(new)
        assert not second.signed_with(old)
        assert second.signed_with(new)


async def test_secrets_are_hidden_in_the_books(books: Books, clock: Clock) -> None:
    """Whoever has them without the centre's own secret signs nothing; and nothing goes unsigned."""
    async with receiver() as there:
        secret = subscribe(books, f"{there.url}?key=hunter2", "node")
        happen(books, "north")
        with books.read() as tx:
            found = webhooks.find(tx, "erp")
            assert found is not None
            assert secret.removeprefix("whsec_") not in found.sealed
            (act,) = audit.every(tx, audit.Which(act="webhook add"))
            assert "hunter2" not in str(act)
            assert secret not in str(act)
        other = Sealer("another secret altogether, long", Dice())
        async with telling(books, clock, sealer=other) as here:
            await here.turn()
            assert there.got == []
            assert here.subscription().state == "paused"
            assert "given" not in here.subscription().why
            assert len(here.alerts.raised) == 1


async def test_little_is_made_ahead(
    books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a receiver is away the books hold what it is to be told; then it gets it in order."""
    monkeypatch.setattr(filling, "AHEAD", 10)
    monkeypatch.setattr(filling.fill, "__defaults__", (4,))
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        happen(books, *(f"node-{n}" for n in range(40)))
        there.says += [answer(503)] * 5
        for _ in range(5):
            await here.turn()
        assert len([each for each in here.messages() if each.state == "waiting"]) <= 14
        for _ in range(30):
            await here.later(hours=1)
        nodes = [each.told["data"]["node"] for each in there.got if each]
        assert list(dict.fromkeys(nodes)) == [f"node-{n}" for n in range(40)]
        assert {each.state for each in here.messages()} == {"arrived"}


async def test_a_try_tells_nothing_and_reaches_one(books: Books, clock: Clock) -> None:
    """Whoever looks after it sees that it works; others hear nothing of it."""
    async with receiver() as there, receiver() as other, telling(books, clock) as here:
        subscribe(books, there.url, "job")
        subscribe(books, other.url, "*", name="other")
        with books.write() as tx:
            assert acts.try_out(tx, BY, "erp") is None
        await here.turn()
        assert there.kinds() == [TEST]
        assert other.got == []


async def test_old_messages_are_forgotten(books: Books, clock: Clock) -> None:
    """After some days what has arrived is gone; numbers of what comes later go on."""
    async with receiver() as there, telling(books, clock) as here:
        subscribe(books, there.url, "node")
        happen(books, "north", "south")
        await here.turn()
        assert [each.body for each in here.messages()] == ["", ""]
        clock.now += timedelta(days=8)
        with books.write() as tx:
            webhooks.tidy(tx)
        assert here.messages() == []
        happen(books, "west")
        await here.turn()
        assert there.got[-1].told["data"]["node"] == "west"
        with books.write() as tx:
            acts.remove(tx, BY, "erp")
        assert _count(books) == []


def test_nothing_is_noted_for_nobody(books: Books, clock: Clock) -> None:
    """Without a subscription the books do not grow by what would be told."""
    fleet = Fleet(books, clock=clock)
    fleet.pass_on("north", Note(severity="warning", code="jam", subject="north-1", detail="jam"))
    Noting(fleet).look(0.0)
    happen(books, "north")
    with books.read() as tx:
        assert _ends(tx) == 0
    assert not fleet.raised


def test_alerts_that_nobody_fetches_have_an_end(
    books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that raises without end does not fill the books while a receiver is away."""
    monkeypatch.setattr(happenings, "MOST", 5)
    subscribe(books, "https://example.org/in", "alert")
    fleet = Fleet(books, clock=clock)
    noting = Noting(fleet)
    for n in range(20):
        fleet.pass_on("north", Note(severity="info", code="jam", subject=f"{n}", detail="jam"))
        noting.look(0.0)
    with books.read() as tx:
        assert _ends(tx) == 6
    assert not fleet.raised


def test_a_wrong_wish_is_refused_in_words(books: Books) -> None:
    """Names, addresses, amounts, and too many of them."""
    there = "https://example.org/in"
    subscribe(books, there, "node")
    wrong = (
        webhooks.Wanted("erp", there, ("node.linked",), None, people=False),
        webhooks.Wanted("Ä", there, ("node.linked",), None, people=False),
        webhooks.Wanted("b", "http://example.org", ("node.linked",), None, people=False),
        webhooks.Wanted("b", there, ("node.linked",), 5, people=False),
        webhooks.Wanted("b", there, ("money.booked",), 0, people=False),
    )
    for wanted in wrong:
        with books.write() as tx:
            done = acts.add(tx, BY, wanted, "whsec_eA==", SEALER, plain=False)
        assert isinstance(done, Refused), wanted
    assert isinstance(acts.kinds_of(["job", "nothing"]), Refused)
    assert isinstance(acts.kinds_of([]), Refused)
    with books.write() as tx:
        assert isinstance(acts.remove(tx, BY, "nobody"), Refused)
        assert isinstance(acts.resume(tx, BY, "erp"), Refused)


def _ends(tx: Transaction) -> int:
    from central.store.webhook_sources import HAPPENINGS, ends  # noqa: PLC0415

    return ends(tx)[HAPPENINGS]


def _count(books: Books) -> list[object]:
    with books.read() as tx:
        return [*webhooks.every(tx), *webhooks.last(tx)]
