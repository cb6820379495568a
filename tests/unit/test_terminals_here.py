"""What an edge tells of the terminals at its site."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from broker.codec import encode
from broker.messages import SiteTerminals, Status
from edge import terminals_here
from edge.terminals_here import TerminalsHere

if TYPE_CHECKING:
    import pytest

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SESSION = UUID("019aaba6-0b12-7000-8000-000000000001")


class Clock:
    """A clock that goes on by a minute whenever it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Return the moment."""
        self.now += timedelta(minutes=1)
        return self.now


def status(*, online: bool) -> bytes:
    """Return what a terminal says, or its will."""
    told = Status(online=online, session=SESSION)
    return encode(told, source="hall", id_=SESSION, now=NOW)


def here() -> TerminalsHere:
    """Return a site without terminals."""
    return TerminalsHere(Clock(), besides=frozenset({"operator"}))


def test_who_is_on_line_is_told_since_when() -> None:
    """A repeated word changes nothing; ours are no terminals; what cannot be read is nobody's."""
    site = here()
    for node, payload in (
        ("hall", status(online=True)),
        ("desk", status(online=True)),
        ("hall", status(online=True)),
        ("desk", status(online=False)),
        ("operator", status(online=True)),
        ("attic", b"{"),
    ):
        site.heard(node, payload)
    told = site.state().terminals
    assert [(each.terminal, each.online) for each in told] == [("desk", False), ("hall", True)]
    assert told[1].since == NOW + timedelta(minutes=1)
    assert told[0].since > told[1].since


def test_a_terminal_that_is_no_more_is_forgotten() -> None:
    """Whoever takes its status away takes it off the list."""
    site = here()
    site.heard("hall", status(online=True))
    site.heard("hall", b"")
    assert site.state().terminals == ()


def test_more_than_fit_a_message_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was there first stays, and is told of."""
    monkeypatch.setattr(terminals_here, "MOST", 2)
    site = here()
    for name in ("a", "b", "c"):
        site.heard(name, status(online=True))
    site.heard("a", status(online=False))
    assert [(e.terminal, e.online) for e in site.state().terminals] == [("a", False), ("b", True)]


async def test_what_changed_is_told_and_what_was_not_heard_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A line that is down loses nothing."""
    monkeypatch.setattr(terminals_here, "_APART", 0.0)
    site, told = here(), asyncio.Queue[SiteTerminals]()
    down = [True]

    async def say(state: SiteTerminals) -> None:
        if down:
            down.clear()
            raise ConnectionError
        told.put_nowait(state)

    running = asyncio.create_task(site.run(say))
    site.heard("hall", status(online=True))
    async with asyncio.timeout(5):
        assert [each.terminal for each in (await told.get()).terminals] == ["hall"]
        site.heard("hall", status(online=False))
        assert not (await told.get()).terminals[0].online
    running.cancel()
