"""What a real edge says unasked on its broker: how the site is, and news to who is signed in."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from broker import topics
from broker.codec import Received, decode
from broker.directory import UserRow
from broker.link import Arrived, Link
from broker.messages import PersonNews, SiteState
from central.store import accounts, cards, directory, nodes
from config.settings import LinkSettings
from tests.contract.mqtt.wire import Client, close_all
from tests.integration.books_lab import CODE, euros, open_account
from tests.integration.test_coordinator import Centre
from tests.integration.test_identify import ANA, CARD, Site, Terminal, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the site: the centre is only there")

#: Of a SUBACK (MQTT 3.1.1 §3.9.3).
REFUSED = 0x80


class Screen(Terminal):
    """A terminal that keeps what it hears unasked."""

    def __init__(self, name: str, link: LinkSettings) -> None:
        super().__init__(name, link)
        self.link = Link(link, name, subscriptions=topics.node_subscriptions(name))
        self.states: list[SiteState] = []
        self.news: list[PersonNews] = []

    async def _hear(self) -> None:
        async for event in self.link.events():
            if not isinstance(event, Arrived):
                continue
            if event.topic == topics.ALL_COORDINATOR.of():
                self._heard.set()
                continue
            said = decode(event.payload, (SiteState, PersonNews))
            assert isinstance(said, Received)
            match said.message:
                case SiteState() as state:
                    self.states.append(state)
                case PersonNews() as news:
                    assert event.topic == topics.NEWS.of(node=self.name)
                    self.news.append(news)

    def told(self, what: str) -> list[PersonNews]:
        """Return the news of one kind."""
        return [each for each in self.news if each.what == what]


def screen(site: Site, name: str) -> Screen:
    """Return a screen that is let in."""
    return Screen(name, LinkSettings(port=site.port, secret=SecretStr(site.secrets[name])))


@asynccontextmanager
async def stood_up(path: Path) -> AsyncIterator[Site]:
    """Run a coordinator that knows Ana and her card, and a site that has met it."""
    (path / "centre").mkdir()
    (path / "north").mkdir()
    async with AsyncExitStack() as stack:
        centre = Centre(path / "centre")
        stack.callback(centre.books.close)
        open_account(centre.books, ANA, "5.00")
        with centre.books.write() as tx:
            cards.begin_key(tx, lambda count: b"k" * count)
            directory.put(tx, "user", "ana", UserRow(name="ana", accounts=(ANA,)))
            given = cards.give(tx, CARD, "ana", author="test")
            assert isinstance(given, cards.Card)
            nodes.add(tx, "north", site="North", role="remote", kind="edge", code=CODE)
        await centre.start()
        stack.push_async_callback(centre.stop)
        site = await Site(centre, path / "north").start()
        stack.push_async_callback(site.close)
        await until(lambda: site.edge.replica.card(CARD) is not None)
        yield site


async def test_screens_hear_the_site_and_terminals_their_own_person(tmp_path: Path) -> None:
    """The state when they come and when it changes; news at no terminal but the person's own."""
    async with stood_up(tmp_path) as site, AsyncExitStack() as stack:
        await until(lambda: site.edge.books.free(ANA, "EUR") == euros("5.00"))
        panel = await stack.enter_async_context(screen(site, "panel"))
        other = await stack.enter_async_context(screen(site, "other"))
        stack.callback(close_all)
        spy = await Client.open(site.port)
        await spy.hello("desk", "desk", site.secrets["desk"])
        # another's by name, everybody's, and wider still
        for asked in (topics.NEWS.of(node="panel"), topics.NEWS.filter(), "pm/v1/down/#", "#"):
            assert await spy.subscribe(asked) == REFUSED
        for each in (panel, other):
            await until(lambda each=each: bool(each.states) and each.states[-1].linked)  # type: ignore[misc]
        state = panel.states[-1]
        assert (state.node, state.site, state.role, state.out_of_service) == (
            "north", "North", "remote", None,
        )  # fmt: skip
        assert state.languages == ("en", "fr", "de", "es")
        assert state.rights is not None
        assert (state.rights.holds, state.rights.alone) == (True, True)
        site.proxy.cut()
        await until(lambda: not panel.states[-1].linked)
        assert panel.states[-1].since > state.since
        site.proxy.restore()
        await until(lambda: panel.states[-1].linked)

        session = (await panel.signed_in(card=CARD)).session
        await until(lambda: bool(site.edge._board._known))
        with site.centre.books.write() as tx:
            accounts.put(tx, ANA, "EUR", floor=0, enabled=False)
        await until(lambda: bool(panel.told("money")))
        (told,) = panel.told("money")[-1].data["accounts"]
        assert (told["account"], told["unit"], told["enabled"]) == (ANA, "EUR", False)

        with site.centre.books.write() as tx:
            card = cards.by_number(tx, CARD)
            assert card is not None
            cards.block(tx, card, reason="lost", author="test")
        await until(lambda: bool(panel.told("signed-off")))
        (over,) = panel.told("signed-off")
        assert over.session == session
        assert "blocked" in over.text
        assert not await panel.is_signed_in(session)
        assert {each.session for each in panel.news} == {session}
        assert other.news == []
        assert await spy.nothing()
