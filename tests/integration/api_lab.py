"""Books with one of everything, and a caller that reads them through the interface in memory."""

from __future__ import annotations

import json
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic import SecretStr

from broker.directory import (
    CARD_KEY,
    CardRow,
    PrinterRow,
    SettingRow,
    UserRow,
    card_digest,
)
from broker.messages import JobHeld, JobReleased, JobSettled
from central.acts import codes, money, registrations, till, webhooks
from central.acts.by import By
from central.acts.tokens import GIVEN
from central.rights import EVERYWHERE, Scope
from central.sealing import Sealer
from central.store import cards, courier, directory, funds, quarantine, streams, tokens
from central.store import registrations as kept
from central.store.books import Books
from central.store.codes import Issued
from central.store.ledger import Refused
from central.store.webhooks import Wanted
from central.web.api.parts import PARTS
from central.web.api.table import Desk
from central.web.app import make_app
from config.policy.money import Money
from config.settings_directory_services import GuestSettings
from tests.integration.books_lab import (
    CODE,
    MORNING,
    Clock,
    Dice,
    MemoryEdge,
    euros,
    open_account,
)
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from fastapi import FastAPI

    from broker.messages import Message
    from central.rights import Right
    from central.store.books import Transaction

TOKEN: Final = "the-token-of-the-settings"
STORED: Final = "a-token-that-the-books-know"
CARD: Final = "04A1B2C3"
KEY: Final = "6b" * 32
HASH: Final = "$argon2id$of-a-pin"
#: Must not be in any answer.
SECRETS: Final = (TOKEN, STORED, CARD, card_digest(CARD), CODE, KEY, HASH)
#: Guests are let in, and may ask for it.
GUESTS: Final = GuestSettings(enabled=True, ask=True)
SEALER: Final = Sealer("a-secret-of-the-centre-of-these-tests", Dice())
ADDRESS: Final = "http://books.test/api/v1/"


class StuckBooks(Books):
    """Books on a disk that does not answer while its gate is shut."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  as Books
        super().__init__(*given, **named)
        self.gate = threading.Event()
        self.gate.set()
        self.reading = threading.Event()
        self.looks = 0

    @contextmanager
    def read(self, now: datetime | None = None) -> Iterator[Transaction]:
        """Wait for the gate, then read."""
        self.looks += 1
        self.reading.set()
        self.gate.wait(30)
        with super().read(now) as tx:
            yield tx


@dataclass(frozen=True)
class Lab:
    """An organisation with one of everything."""

    books: Books
    north: MemoryEdge
    job: UUID
    charge: UUID
    credentials: Path
    """The broker's file of secrets."""
    clock: Clock
    """The books' own."""


def fill(path: Path) -> Lab:
    """Make books on disk: Ana with 5.00 at north, of which one job took 1.20; Bob with nothing."""
    clock = Clock()
    books = Books.open(books_url(path / "books.db"), clock=clock, dice=Dice())
    with books.write() as tx:
        directory.put(tx, "card", card_digest(CARD), CardRow(user="ana"))
        directory.put(tx, "setting", CARD_KEY, SettingRow(value=KEY))
        directory.put(tx, "printer", "north-1", PrinterRow(device="north-1", node="north"))
        tokens.add(tx, "reports", STORED)
    enter_user(books, "ana", "user:ana")
    enter_user(books, "bob")
    north = MemoryEdge(books)
    north.join()
    open_account(books, top_up="5.00")
    open_account(books, "department:a/b")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    north.listen()
    job = north.mint()
    charged = north.charge(euros("1.20"), job=job)
    north.send(north.say(charged))
    north.send(
        north.say(
            held(north, job, "ana"),
            JobReleased(
                job=job,
                user="ana",
                printer="north-1",
                attempt=1,
                held=charged.postings,
                alone=False,
            ),
            JobSettled(
                job=job,
                attempt=1,
                printer="north-1",
                disposition="completed",
                billed=charged.counted,
                counts=(charged.counted,),
                charge=charged.charge,
            ),
            name="jobs",
        ),
        name="jobs",
    )
    return Lab(books, north, job, charged.charge, path / "credentials.json", clock)


def enter_user(books: Books, name: str, *accounts: str) -> None:
    """Enter a person."""
    with books.write() as tx:
        row = UserRow(name=name, display=name.title(), accounts=accounts, pin=HASH, password=HASH)
        directory.put(tx, "user", name, row)


def held(edge: MemoryEdge, job: UUID, user: str) -> Message:
    """Return the event that a job came in."""
    return JobHeld(
        job=job,
        user=user,
        queue="pull",
        name="letter.pdf",
        counted=None,
        problem=None,
        received_at=MORNING,
    )


def app_of(lab: Lab, *, per_minute: int = 1_000_000) -> FastAPI:
    """Return the application on these books."""
    desk = Desk(lab.credentials, guests=GUESTS, sealer=SEALER, dice=Dice(7))
    return make_app(lab.books, token=SecretStr(TOKEN), desk=desk, per_minute=per_minute)


def token_of(lab: Lab, *rights: Right, sites: Iterable[str] = (EVERYWHERE,)) -> str:
    """Make a token with some rights; without any named, with all there are. Return its secret."""
    scope = Scope(frozenset(rights or GIVEN), frozenset(sites))
    secret = f"a-token-with-{' '.join(sorted(scope.rights | scope.sites))}"
    with lab.books.write() as tx:
        # one that was made before is the same
        tokens.add(tx, secret, secret, scope)
    return secret


def things(lab: Lab) -> dict[str, str]:
    """Return what there is, for the parts of addresses; what was asked for or put aside is made."""
    found = {name: part.example for name, part in PARTS.items()}
    take_codes(lab)
    with lab.books.write() as tx:
        asked = money.ask_refund(tx, By("web:ana"), lab.job, user="ana", reason="pale")
        assert not isinstance(asked, Refused)
        (card,) = cards.every(tx, "ana")
        money.top_up(tx, By("cli:test"), "user:ana", Money(euros("1.00"), "EUR"))
        wish = codes.bring(
            tx,
            By("web:ana"),
            "ana",
            node="north",
            account="user:ana",
            amount=Money(euros("0.50"), "EUR"),
        )
        assert isinstance(wish, Issued)
        desk = By("cli:test")
        session = till.open_till(tx, desk, "front-desk", Money(euros("10.00"), "EUR"))
        cash = till.take_cash(tx, desk, "front-desk", "user:ana", Money(euros("1.00"), "EUR"))
        assert not isinstance(session, Refused)
        assert not isinstance(cash, Refused)
        told = Wanted("erp", "https://erp.example.org/print", ("job.held",), None, people=False)
        assert not isinstance(
            webhooks.add(tx, desk, told, "whsec_aGlkZGVu", SEALER, plain=False), Refused
        )
        ask_to_be_let_in(tx)
        (waits,) = kept.waiting(tx, limit=2)
    aside, _ = put_aside(lab.north)
    return {
        **found,
        "uuid": str(lab.job),
        "id": str(asked.id),
        "card": card.shown,
        "event": aside,
        "code": str(wish.id),
        "registration": str(waits.n),
        "session": str(session.n),
        "receipt": str(cash.number),
    }


def take_codes(lab: Lab) -> None:
    """Have north meet the centre as an edge does that takes courier codes."""
    birth = lab.north.birth().model_copy(update={"wire": 2})
    with lab.books.write() as tx:
        state = streams.open_stream(tx, "north", birth.incarnation, "down", "ledger")
        courier.contact(tx, "north", birth, state.acked, Dice(5))
        state = streams.open_stream(tx, "north", birth.incarnation, "down", "ledger")
        streams.acknowledged(tx, state.id, state.at)


def ask_to_be_let_in(tx: Transaction) -> str:
    """Have a stranger ask for it; return the code that they show at the desk."""
    wish = registrations.Wish("Dr. Lima", "lima@example.org", HASH)
    asked = registrations.ask(tx, GUESTS, wish, sealer=SEALER, dice=Dice(3))
    assert not isinstance(asked, Refused)
    return asked.code


def put_aside(edge: MemoryEdge) -> tuple[str, dict[str, Any]]:
    """Have a charge put aside whose printer nobody can read; return its id and what it meant."""
    (good,) = edge.say(edge.charge(euros("0.12")))
    edge.journal["ledger"].pop()
    meant = json.loads(str(good.data))
    bad = {**meant, "data": {**meant["data"], "printer": "?"}}
    edge.send([edge.say_text(json.dumps(bad))])
    with edge.books.read() as tx:
        *_, put = quarantine.every(tx)
    return put.id, meant


@asynccontextmanager
async def caller(app: FastAPI, token: str | None = TOKEN) -> AsyncIterator[httpx.AsyncClient]:
    """Call an application in memory; its faults become answers, as with a server."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as client:
        yield client


async def read(client: httpx.AsyncClient, path: str, **query: str | int) -> dict[str, Any]:
    """Return what is at a path, which must be there."""
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response, status: int) -> str:
    """Check that an answer is a problem of this status; return its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["title"]
    return str(body["detail"])
