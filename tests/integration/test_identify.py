"""People at the terminals of a real edge: its broker, its journal, its line to a real centre."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from broker import topics
from broker.codec import Received, decode, encode
from broker.credentials import CredentialFile
from broker.directory import UserRow, card_digest
from broker.link import Arrived, Link, TimedOut
from broker.messages import (
    BalanceAnswer,
    BalanceRequest,
    CoordinatorStatus,
    EnrolAnswer,
    EnrolRequest,
    IdentifyAnswer,
    IdentifyRequest,
    JobsRequest,
    Person,
    Reply,
    SignOffRequest,
)
from broker.topics import METHODS, Party
from central.store import cards, directory, nodes
from config.ids import uuid7
from config.settings import EdgeSettings, LinkSettings
from demo.ports import free_port
from demo.proxy import CuttableProxy
from edge.app import Edge
from tests.integration.books_lab import CODE, euros, open_account
from tests.integration.test_coordinator import Centre

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from broker.messages import Request

pytestmark = pytest.mark.sqlite_only("about the site: the centre is only there")

PATIENCE = 20.0
ANA = "user:ana"
PIN, PASSWORD, CARD, NEW_CARD = "739164528013", "correct horse battery", "04A1B2C3D4", "04FFEE1122"
#: As the centre makes them, but quick.
_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
TERMINALS = ("panel", "other", "phones", "ana-pc", "desk")


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        await asyncio.sleep(0.02)


class Terminal:
    """A terminal of any maker on the site's broker."""

    def __init__(self, name: str, link: LinkSettings) -> None:
        self.name = name
        filters = (topics.node_subscriptions(name)[0], topics.ALL_COORDINATOR.of())
        self.link = Link(link, name, subscriptions=filters)
        self._heard = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.link.__aenter__()
        self._task = asyncio.create_task(self._hear())
        async with asyncio.timeout(PATIENCE):
            await self._heard.wait()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await self.link.__aexit__(None, None, None)

    async def _hear(self) -> None:
        async for event in self.link.events():
            if isinstance(event, Arrived) and event.topic == topics.ALL_COORDINATOR.of():
                said = decode(event.payload, (CoordinatorStatus,))
                if isinstance(said, Received) and said.message.online:
                    self._heard.set()

    async def ask(self, question: Request) -> Reply:
        """Put a question."""
        method = next(name for name, model in METHODS.items() if isinstance(question, model))
        now = datetime.now(UTC)
        payload = encode(question, source=self.name, id_=uuid4(), now=now)
        topic = topics.REQUEST.of(node=self.name, method=method)
        answer = await self.link.request(topic, payload, corr=question.corr, within=PATIENCE)
        assert not isinstance(answer, TimedOut)
        received = decode(answer, (Reply,))
        assert isinstance(received, Received)
        reply: Reply = received.message
        return reply

    async def mumbles(self, field: str, text: str) -> None:
        """Put a question that no model takes."""
        question = IdentifyRequest(**asked(), card=SecretStr("x" * 40))
        now = datetime.now(UTC)
        payload = encode(question, source=self.name, id_=uuid4(), now=now).decode()
        spoilt = payload.replace('"card":"' + "x" * 40, f'"user":"a","{field}":"{text}')
        assert spoilt != payload
        topic = topics.REQUEST.of(node=self.name, method="identify")
        await self.link.publish(topic, spoilt.encode())

    async def identify(self, **fields: Any) -> Reply:  # noqa: ANN401  any way
        """Say who stands here."""
        return await self.ask(IdentifyRequest(**asked(), **fields))

    async def signed_in(self, **fields: Any) -> IdentifyAnswer:  # noqa: ANN401  any way
        """Say who stands here; it is somebody."""
        reply = await self.identify(**fields)
        assert reply.status == "ok", reply
        return IdentifyAnswer.model_validate(reply.data)

    async def is_signed_in(self, session: UUID) -> bool:
        """Say whether a session may list jobs here."""
        reply = await self.ask(JobsRequest(**asked(), person=Person(session=session)))
        return reply.status == "ok"

    async def enrol(self, session: UUID, card: str) -> Reply:
        """Hold a new card to the reader."""
        person = Person(session=session)
        return await self.ask(EnrolRequest(**asked(), person=person, card=SecretStr(card)))


def asked() -> dict[str, Any]:
    """Return what every question carries."""
    now = datetime.now(UTC)
    return {
        "corr": uuid7(now, secrets.token_bytes(10)),
        "expires_at": now + timedelta(seconds=PATIENCE),
    }


class Site:
    """A whole edge with a print system that is not there, and a line that can be cut."""

    def __init__(self, centre: Centre, path: Path, **terminals: Any) -> None:  # noqa: ANN401
        self.centre = centre
        self.path = path
        self.proxy = CuttableProxy(centre.port)
        self.terminals = terminals
        self.port = free_port()
        file = CredentialFile(path / "site.json")
        self.secrets = {name: file.add(name, Party.NODE) for name in TERMINALS}
        self._stop = asyncio.Event()

    async def start(self) -> Self:
        """Run the edge, on what is on the disk."""
        if not self.proxy.port:
            await self.proxy.start()
            self.link = self.centre.link("north").model_copy(update={"port": self.proxy.port})
        settings = EdgeSettings.model_validate(
            {
                "node": "north",
                "site": "North",
                "data": self.path / "data",
                "coordinator": {"incarnation": self.centre.books.identity.incarnation},
                "link": self.link.model_dump(),
                "enrolment_code": CODE,
                "site_broker": {
                    "port": self.port,
                    "credentials": self.path / "site.json",
                    "vouching": ["desk"],
                },
                "terminals": {"bound": {"ana-pc": "ana"}, "shared": ["phones"], **self.terminals},
                "cups": {"server": str(self.path / "no-cups.sock")},
            }
        )
        self._stop = asyncio.Event()
        self.edge = Edge(settings)
        self._task = asyncio.create_task(self.edge.run(self._stop))
        return self

    async def stop(self) -> None:
        """End the edge."""
        self._stop.set()
        await self._task

    async def close(self) -> None:
        """End the edge and its line."""
        await self.stop()
        await self.proxy.stop()

    def terminal(self, name: str) -> Terminal:
        """Return a terminal that is let in."""
        secret = SecretStr(self.secrets[name])
        return Terminal(name, LinkSettings(port=self.port, secret=secret))

    def journal(self) -> bytes:
        """Return every byte that the edge keeps."""
        return b"".join(
            file.read_bytes() for file in sorted(self.path.rglob("*")) if file.is_file()
        )


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    """Run a coordinator that knows Ana, her card, PIN and password."""
    (tmp_path / "centre").mkdir()
    running = Centre(tmp_path / "centre")
    open_account(running.books, ANA, "5.00")
    with running.books.write() as tx:
        cards.begin_key(tx, lambda count: b"k" * count)
        row = UserRow(
            name="ana",
            display="Ana Ruiz",
            accounts=(ANA,),
            language="es",
            pin=_HASHER.hash(PIN),
            password=_HASHER.hash(PASSWORD),
            operates=("north",),
        )
        directory.put(tx, "user", "ana", row)
        directory.put(tx, "user", "ben", UserRow(name="ben", pin=_HASHER.hash("1357")))
        given = cards.give(tx, CARD, "ana", author="test")
        assert isinstance(given, cards.Card)
        nodes.add(tx, "north", site="North", role="remote", kind="edge", code=CODE)
    await running.start()
    yield running
    await running.stop()
    running.books.close()


@pytest.fixture
async def site(centre: Centre, tmp_path: Path) -> AsyncIterator[Site]:
    """Run a site that has met the centre."""
    (tmp_path / "north").mkdir()
    made = await Site(centre, tmp_path / "north").start()
    await until(lambda: made.edge.replica.user("ben") is not None)
    yield made
    await made.close()


async def test_every_way_to_say_who_stands_there(site: Site) -> None:
    """Card, card and PIN, name and PIN, name and password, own terminal, and from the phone."""
    async with AsyncExitStack() as stack:
        panel, phones, own = [
            await stack.enter_async_context(site.terminal(name))
            for name in ("panel", "phones", "ana-pc")
        ]
        for way in (
            {"card": CARD},
            {"card": CARD, "pin": PIN},
            {"user": "Ana", "pin": PIN},
            {"user": "ana", "password": PASSWORD},
        ):
            answer = await panel.signed_in(**way)
            assert (answer.user, answer.display) == ("ana", "Ana Ruiz")
            assert (answer.language, answer.operator, answer.provisional) == ("es", True, False)
            assert answer.idle_seconds == 60
            assert await panel.is_signed_in(answer.session)
        assert (await own.signed_in()).user == "ana"
        assert (await panel.identify()).status == "refused"
        phone = await phones.signed_in(user="ana", password=PASSWORD)
        answer = await panel.signed_in(session=phone.session)
        assert answer.user == "ana"
        assert await phones.is_signed_in(phone.session)
        reply = await panel.ask(SignOffRequest(**asked(), session=answer.session))
        assert reply.status == "ok"
        assert not await panel.is_signed_in(answer.session)


async def test_a_session_is_its_terminals_own(site: Site) -> None:
    """Guessed, of another terminal, ended from there, or over: nobody."""
    async with site.terminal("panel") as panel, site.terminal("other") as other:
        answer = await panel.signed_in(card=CARD)
        assert not await other.is_signed_in(answer.session)
        await other.ask(SignOffRequest(**asked(), session=answer.session))
        assert await panel.is_signed_in(answer.session)
        assert not await panel.is_signed_in(UUID(int=answer.session.int ^ 1))
        assert not await panel.is_signed_in(uuid4())
        again = await panel.signed_in(user="ben", pin="1357")
        assert not await panel.is_signed_in(answer.session)
        assert await panel.is_signed_in(again.session)
        person = Person(user="ana")
        assert (await panel.ask(JobsRequest(**asked(), person=person))).status == "refused"


async def test_a_doubled_question_signs_in_once(site: Site) -> None:
    """The same id asked again names the same session, which is not ended by it."""
    async with site.terminal("panel") as panel:
        question = IdentifyRequest(**asked(), card=SecretStr(CARD))
        first, second = await panel.ask(question), await panel.ask(question)
        assert first.data == second.data
        assert await panel.is_signed_in(UUID(first.data["session"]))


async def test_wrong_pins_wait_and_a_restart_brings_no_tries(site: Site) -> None:
    """Five, then `wait` with seconds; unknown names are told the same; the card still works."""
    async with site.terminal("panel") as panel:
        unknown = await panel.identify(user="nobody", pin="0000")
        replies = [await panel.identify(user="ana", pin="0000") for _ in range(5)]
        assert unknown.problem == replies[0].problem
        assert {reply.status for reply in (unknown, *replies)} == {"refused"}
        waits = await panel.identify(user="ana", pin=PIN)
        assert waits.problem is not None
        assert waits.problem.code == "wait"
        assert 0 < waits.data["wait_seconds"] <= 15 * 60
        session = (await panel.signed_in(card=CARD)).session
    await site.stop()
    await site.start()
    async with site.terminal("panel") as panel:
        assert not await panel.is_signed_in(session)
        waits = await panel.identify(user="ana", pin=PIN)
        assert waits.problem is not None
        assert waits.problem.code == "wait"
        assert (await panel.signed_in(user="ben", pin="1357")).user == "ben"


async def test_a_card_entered_while_cut_off_works_and_is_confirmed(
    centre: Centre, site: Site
) -> None:
    """Here at once with its allowance, over a restart; at the next contact for good."""
    site.proxy.cut()
    await until(lambda: not site.edge.funds.reachable)
    async with site.terminal("panel") as panel:
        by_card = await panel.signed_in(card=CARD)
        refused = await panel.enrol(by_card.session, NEW_CARD)
        assert refused.problem is not None
        assert refused.problem.code == "proof-needed"
        session = (await panel.signed_in(user="ana", pin=PIN)).session
        reply = await panel.enrol(session, NEW_CARD)
        answer = EnrolAnswer.model_validate(reply.data)
        assert answer.provisional
        assert answer.allowance is not None
        assert (answer.allowance.account, answer.allowance.micros) == (ANA, euros("2.00"))
        assert (await panel.enrol(session, NEW_CARD)).data == reply.data
        assert (await panel.signed_in(card=NEW_CARD)).provisional
        session = (await panel.signed_in(user="ben", pin="1357")).session
        taken = await panel.enrol(session, NEW_CARD)
        assert taken.problem is not None
        assert taken.problem.code == "card-used"
    await site.stop()
    await site.start()
    async with site.terminal("panel") as panel:
        session = (await panel.signed_in(card=NEW_CARD)).session
        site.proxy.restore()
        await until(lambda: site.edge.replica.card(NEW_CARD) is not None)
        assert await panel.is_signed_in(session)
        assert not (await panel.signed_in(card=NEW_CARD)).provisional
        await until(lambda: site.edge.books.cards.every() == [])
    with centre.books.read() as tx:
        card = cards.by_number(tx, NEW_CARD)
    assert card is not None
    assert card.row.user == "ana"


async def test_a_card_that_is_anothers_by_then_is_withdrawn(centre: Centre, site: Site) -> None:
    """Entered while cut off, given to Ben at the centre meanwhile: it is Ben's."""
    site.proxy.cut()
    await until(lambda: not site.edge.funds.reachable)
    async with site.terminal("panel") as panel:
        session = (await panel.signed_in(user="ana", password=PASSWORD)).session
        await panel.enrol(session, NEW_CARD)
        session = (await panel.signed_in(card=NEW_CARD)).session
        with centre.books.write() as tx:
            given = cards.give(tx, NEW_CARD, "ben", author="test")
            assert isinstance(given, cards.Card)
        site.proxy.restore()
        await until(lambda: site.edge.books.cards.every() == [])
        await until(lambda: site.edge.replica.card(NEW_CARD) is not None)
        assert not await panel.is_signed_in(session)
        assert (await panel.signed_in(card=NEW_CARD)).user == "ben"


async def test_lost_cards_and_leaving_people_stop_at_the_next_question(
    centre: Centre, site: Site
) -> None:
    """Blocked or disabled at the centre: sessions made by it end here while they are used."""
    async with site.terminal("panel") as panel, site.terminal("other") as other:
        session = (await panel.signed_in(card=CARD)).session
        by_pin = (await other.signed_in(user="ana", pin=PIN)).session
        with centre.books.write() as tx:
            card = cards.by_number(tx, CARD)
            assert card is not None
            cards.block(tx, card, reason="lost", author="test")
        await until(lambda: bool((row := site.edge.replica.card(CARD)) and row.blocked))
        assert not await panel.is_signed_in(session)
        refused = await panel.identify(card=CARD)
        assert refused.problem is not None
        assert refused.problem.code == "card-blocked"
        assert await other.is_signed_in(by_pin)
        enrolled = await other.enrol(by_pin, CARD)
        assert enrolled.problem is not None
        assert enrolled.problem.code == "card-blocked"
        with centre.books.write() as tx:
            directory.put(tx, "user", "ana", UserRow(name="ana", enabled=False))
        await until(lambda: not site.edge.replica.user("ana").enabled)  # type: ignore[union-attr]
        assert not await other.is_signed_in(by_pin)
        assert (await other.identify(user="ana", pin=PIN)).status == "refused"


async def test_what_a_person_has_here_and_elsewhere(centre: Centre, site: Site) -> None:
    """The balance per wallet; cut off, that the rest cannot be fetched."""
    await until(lambda: site.edge.books.free(ANA, "EUR") == euros("5.00"))
    async with site.terminal("panel") as panel:
        person = Person(session=(await panel.signed_in(card=CARD)).session)
        reply = await panel.ask(BalanceRequest(**asked(), person=person))
        answer = BalanceAnswer.model_validate(reply.data)
        ((wallet,),) = answer.lists
        assert (wallet.account, wallet.here, wallet.unit) == (ANA, euros("5.00"), "EUR")
        site.proxy.cut()
        await until(lambda: not site.edge.funds.reachable)
        reply = await panel.ask(BalanceRequest(**asked(), person=person))
        answer = BalanceAnswer.model_validate(reply.data)
        assert "line to the centre is down" in (answer.lists[0][0].elsewhere or "")


async def test_no_card_number_and_no_secret_is_kept_or_logged(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in what is logged, nor in any file of the edge, nor in a topic of its broker."""
    caplog.set_level(logging.DEBUG)
    wrong, unknown = "880211993355", "04DEADBEEF"
    seen: list[str] = []
    async with site.terminal("panel") as panel:
        publish = panel.link.request

        async def noted(topic: str, payload: bytes, **more: Any) -> Any:  # noqa: ANN401
            seen.append(topic)
            return await publish(topic, payload, **more)

        panel.link.request = noted  # type: ignore[method-assign]
        await panel.identify(card=CARD, pin=wrong)
        await panel.identify(card=unknown)
        await panel.identify(user=wrong, pin=PIN)
        await panel.identify(user="ana", password="hunter2 hunter2")
        await panel.identify(card=CARD)
        for name in ("card", "pin", "password"):  # unreadable questions are logged too
            await panel.mumbles(name, unknown * 40)
        session = (await panel.signed_in(user="ana", pin=PIN)).session
        await panel.enrol(session, NEW_CARD)
        await panel.ask(JobsRequest(**asked(), person=Person(card=CARD)))
    await site.stop()
    out, err = capfd.readouterr()
    places = {
        "log": caplog.text + out + err,
        "topics": " ".join(seen),
        "files": site.journal().decode("latin-1"),
    }
    await site.start()
    assert "signed in" in places["log"]
    for what in (CARD, NEW_CARD, unknown, PIN, wrong, PASSWORD, "hunter2"):
        for name, text in places.items():
            assert what.lower() not in text.lower(), f"{what} in {name}"
    assert card_digest(NEW_CARD) not in places["files"]


async def test_where_the_site_wants_the_pin_beside_the_card(centre: Centre, tmp_path: Path) -> None:
    """The card alone says what is missing; with the PIN it is good, for a new card as well."""
    (tmp_path / "north").mkdir()
    site = await Site(centre, tmp_path / "north", pin_beside_card=True).start()
    await until(lambda: site.edge.replica.user("ben") is not None)
    async with site.terminal("panel") as panel:
        alone = await panel.identify(card=CARD)
        assert alone.problem is not None
        assert alone.problem.code == "pin-needed"
        wrong = await panel.identify(card=CARD, pin="0000")
        assert wrong.problem is not None
        assert wrong.problem.code == "no-identity"
        session = (await panel.signed_in(card=CARD, pin=PIN)).session
        assert (await panel.enrol(session, NEW_CARD)).status == "ok"
        assert await panel.is_signed_in(session)
        assert (await panel.ask(JobsRequest(**asked(), person=Person(card=CARD)))).status != "ok"
    await site.close()


async def test_a_card_whose_record_wants_the_pin(site: Site) -> None:
    """It is asked for beside that card at once, and beside no other."""

    def want(*, wanted: bool) -> None:
        with site.centre.books.write() as tx:
            card = cards.by_number(tx, CARD)
            assert card is not None
            cards.want_pin(tx, card, wanted=wanted, author="test")

    async with site.terminal("panel") as panel:
        await panel.signed_in(card=CARD)
        want(wanted=True)
        async with asyncio.timeout(PATIENCE):
            while (alone := await panel.identify(card=CARD)).status == "ok":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert alone.problem is not None
        assert alone.problem.code == "pin-needed"
        await panel.signed_in(card=CARD, pin=PIN)


async def test_a_flood_of_cards_at_one_reader_keeps_nobody_else_out(site: Site) -> None:
    """Hundreds of unknown cards in one go: another terminal's person is signed in meanwhile."""
    async with site.terminal("panel") as panel, site.terminal("other") as other:
        topic = topics.REQUEST.of(node="panel", method="identify")

        async def swipes() -> None:
            for number in range(300):
                question = IdentifyRequest(**asked(), card=SecretStr(f"0499{number:06}"))
                now = datetime.now(UTC)
                payload = encode(question, source="panel", id_=uuid4(), now=now)
                await panel.link.publish(topic, payload)

        flood = asyncio.create_task(swipes())
        took = []
        while not flood.done():
            began = time.monotonic()
            assert (await other.signed_in(card=CARD)).user == "ana"
            took.append(time.monotonic() - began)
        await flood
        assert max(took) < 5.0
        assert len(site.edge._reception.visitors.sessions) == 1
