"""Values that follow the books while a page is open: read once for all who look at the same.

A live value is what a page shows of the books under a key, such as `site/north`. For each distinct
question that anybody looks at there is one room, which reads again when something was committed,
once a second at most. A viewer is sent what differs from what they were sent: there is no queue
that could grow, and who was away gets the newest only.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from central.store.books import BooksUnwritable
from central.web.problems import TooBusy
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from zoneinfo import ZoneInfo

    from central.rights import Right
    from central.store.books import Transaction
    from central.web.reading import Reader

_log = logger("central.live")

#: Seconds between two readings of the same at least: one of a large fleet costs some 30 ms.
_PACE: Final = 1.0
#: And at most while somebody looks: what the command line commits is not told of here.
_ANYWAY: Final = 5.0
#: Seconds between two signs of life on a stream, and looks whether its session still is.
_SIGN: Final = 15.0
#: Open streams of one session: a person has some pages open, a script must not have a thousand.
STREAMS: Final = 6
_ROOMS: Final = 200


@dataclass(frozen=True, slots=True)
class Audience:
    """Who looks at what: those who see the same share one reading."""

    sites: frozenset[str] | None
    """At which sites they may look; None: all."""
    asked: tuple[tuple[str, str], ...] = ()
    """What of it, as the page's address says."""


@dataclass(frozen=True, slots=True)
class Live:
    """Something of the books that pages follow."""

    name: str
    """What `/live?of=` calls it."""
    right: Right
    read: Callable[[Transaction, Audience, ZoneInfo], Mapping[str, object]]
    """Return the views by key, with times in the organisation's zone; they are compared with those
    before, so they are frozen dataclasses."""
    template: str
    """Renders one of them: it is given `key` and `page`, the view."""


@dataclass(eq=False, slots=True)
class _Room:
    """One question, and the answer so far."""

    live: Live
    audience: Audience
    views: dict[str, object] = field(default_factory=dict)
    rendered: dict[tuple[str, str], tuple[object, str]] = field(default_factory=dict)
    """By language and key: of which view, and its HTML; who reads the same language shares it."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    viewers: int = 0
    task: asyncio.Task[None] | None = None


class Broadcaster:
    """The rooms of one process."""

    def __init__(
        self, reader: Reader, zone: ZoneInfo, *, pace: float = _PACE, sign: float = _SIGN
    ) -> None:
        self._reader = reader
        self._zone = zone
        self._pace = pace
        self._sign = sign
        self._rooms: dict[tuple[str, Audience], _Room] = {}
        self._beat = asyncio.Event()
        self._streams: Counter[int] = Counter()
        self._closed = False

    def beat(self) -> None:
        """Note that something was committed. Call it in the loop."""
        if self._rooms:
            before, self._beat = self._beat, asyncio.Event()
            before.set()

    def close(self) -> None:
        """End all streams: the process ends."""
        self._closed = True
        for room in self._rooms.values():
            _tell(room)

    def room_for(self, session: int) -> bool:
        """Say whether one more stream of a session may be opened."""
        return self._streams[session] < STREAMS and len(self._rooms) < _ROOMS and not self._closed

    async def follow(
        self,
        live: Live,
        audience: Audience,
        *,
        session: int,
        language: str,
        render: Callable[[str, str, object], str],
        goes_on: Callable[[], Any],
    ) -> AsyncGenerator[str, None]:
        """Yield server-sent events until the session ends, the viewer goes, or the process ends.

        Args:
            live: what.
            audience: for whom.
            session: its number, for the bound on streams.
            language: what the viewer reads.
            render: (template, key, view) → HTML in it, the same for all who read it.
            goes_on: asked now and then whether the session still is; awaited.
        """
        room = self._enter(live, audience)
        self._streams[session] += 1
        sent: dict[str, object] = {}
        try:
            yield "retry: 3000\n\n"
            while True:
                # taken before anything is looked at: what changes from here on is not missed
                waiting = room.changed
                if self._closed:
                    return
                news = {key: view for key, view in room.views.items() if sent.get(key) != view}
                if news:
                    sent |= news
                    data = {k: _html(room, language, k, view, render) for k, view in news.items()}
                    yield f"event: change\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
                try:
                    async with asyncio.timeout(self._sign):
                        await waiting.wait()
                except TimeoutError:
                    if not await goes_on():
                        yield "event: ended\ndata: {}\n\n"
                        return
                    yield ": here\n\n"
        finally:
            self._streams[session] -= 1
            if not self._streams[session]:
                del self._streams[session]
            self._leave(room)

    def _enter(self, live: Live, audience: Audience) -> _Room:
        room = self._rooms.get((live.name, audience))
        if room is None:
            room = self._rooms[live.name, audience] = _Room(live, audience)
            room.task = asyncio.create_task(self._tend(room), name=f"live {live.name}")
        room.viewers += 1
        return room

    def _leave(self, room: _Room) -> None:
        room.viewers -= 1
        if room.viewers == 0:
            self._rooms.pop((room.live.name, room.audience), None)
            if room.task is not None:
                room.task.cancel()

    async def _tend(self, room: _Room) -> None:
        while True:
            beat = self._beat
            try:
                found = await self._reader.ask(
                    lambda tx: room.live.read(tx, room.audience, self._zone)
                )
            except (TooBusy, BooksUnwritable) as error:
                _log.info(f"not read: {error!r}", action="live-skipped", of=room.live.name)
            except Exception:  # noqa: BLE001  the supervisor of this task: logged, and going on
                _log.exception("a live value failed", action="live-failed", of=room.live.name)
            else:
                if found != room.views:
                    # what is the same stays the same thing: its HTML stands already
                    before = room.views
                    room.views = {
                        key: before[key] if before.get(key) == view else view
                        for key, view in found.items()
                    }
                    room.rendered = {
                        at: kept
                        for at, kept in room.rendered.items()
                        if room.views.get(at[1]) is kept[0]
                    }
                    _tell(room)
            await asyncio.sleep(self._pace)
            try:
                async with asyncio.timeout(_ANYWAY):
                    await beat.wait()
            except TimeoutError:
                pass


def _html(
    room: _Room,
    language: str,
    key: str,
    view: object,
    render: Callable[[str, str, object], str],
) -> str:
    kept = room.rendered.get((language, key))
    if kept is None or kept[0] is not view:
        kept = room.rendered[language, key] = view, render(room.live.template, key, view)
    return kept[1]


def _tell(room: _Room) -> None:
    before, room.changed = room.changed, asyncio.Event()
    before.set()
