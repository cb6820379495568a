"""One browser at a terminal: its session, and what its pages have to be told."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from terminal_bridge.events import Key, Show
from terminal_bridge.panel.listing import Ahead
from terminal_bridge.panel.notices import redeemed
from terminal_bridge.phases import Copying, Ending
from terminal_bridge.session import who_is_in
from terminal_bridge.turn import signed_off_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from broker.messages import Reply
    from broker.messages.copies import CopyState
    from terminal_bridge.bridge import Bridge
    from terminal_bridge.events import Event
    from terminal_bridge.panel.views import Notice
    from terminal_bridge.phases import Who
    from terminal_bridge.shared_line import Line
    from terminal_bridge.words import Words

#: Told and not yet sent to a browser; one that is so slow is told to begin anew.
_UNSENT: Final = 64
#: Streams of one browser at once, as many as browsers open to one host; the oldest makes room.
_STREAMS_MOST: Final = 6
#: An edge that is asked nothing signs people off: asked again after so many seconds of touches.
_KEEP_ALIVE: Final = 20.0
#: What no page was open for is told to the next one within so many seconds.
_MISSED_LASTS: Final = 10.0

#: Signed in.
NOBODY: Final = "nobody"

Told = Literal["view", "notice", "copy", "line", "jobs", "money"]
#: After these the list, or the money, is another one.
_OTHERWISE: Final[frozenset[Told]] = frozenset({"jobs", "money"})


@dataclass(frozen=True, slots=True)
class Push:
    """Something that an open page has to be told."""

    kind: Told
    show: Show | None = None


class MakeBridge(Protocol):
    """Puts a bridge together."""

    def __call__(
        self, *, on_change: Callable[[Bridge], None], on_show: Callable[[Show], None]
    ) -> Bridge:
        """Return it, not running yet."""


class Visit:
    """A session with its pages: the screen at a machine keeps one, a phone has one for a while."""

    def __init__(self, make: MakeBridge, line: Line, printer: str) -> None:
        """Begin, with nobody signed in.

        Args:
            make: its session's bridge; whoever owns the visit runs it.
            line: for questions that change nothing.
            printer: id of the machine that the panel stands at.
        """
        self.bridge = make(on_change=self._changed, on_show=self._shown)
        self.language: str | None = None
        """Chosen here; None: the person's own, or the terminal's."""
        self.typed = ""
        """The name that was typed last."""
        self.copy: CopyState | None = None
        """The edge's last word on the copy that goes on, or went on."""
        self.copy_said: Show | None = None
        """What was shown of it last."""
        self.last_act = 0.0
        """When it was used, in seconds of the loop's clock."""
        self.ahead = Ahead(self.ask, printer)
        """What the first page of who signs in shows."""
        self._line = line
        self._result: Show | None = None
        self._said: Callable[[Words], Notice] | None = None
        self._asked_at = 0.0
        self._acting = 0
        self._was = self.live
        self._listeners: dict[asyncio.Queue[Push | None], None] = {}
        self._missed: deque[tuple[float, Show]] = deque(maxlen=4)

    # ── who and what ────────────────────────────────────────────────────────────────────────

    @property
    def who(self) -> Who | None:
        """Who is signed in."""
        return who_is_in(self.bridge.terminal.phase)

    @property
    def live(self) -> str:
        """Name what an open page was made of: another name, and it shows somebody else's."""
        who = self.who
        return str(who.answer.session)[-12:] if who else NOBODY

    @property
    def copying(self) -> bool:
        """A copy goes on, or ends."""
        return isinstance(self.bridge.terminal.phase, Copying | Ending)

    def lapse(self, seconds: float) -> None:
        """Forget what somebody left who chose or typed something, and never signed in."""
        if self.who is None and asyncio.get_running_loop().time() - self.last_act >= seconds:
            self.language, self.typed = None, ""

    def choose(self, language: str) -> None:
        """Write this one's pages in a language."""
        self.language, self.last_act = language, asyncio.get_running_loop().time()

    async def ready(self) -> None:
        """Wait until a new session knows whether there is an edge to ask."""
        self.bridge.happens(Key("touch"))
        await self.bridge.at_rest()

    async def act(self, event: Event) -> None:
        """Let something happen, and wait for what comes of it."""
        self._result = None
        self.ahead.forget()
        self.last_act = asyncio.get_running_loop().time()
        self.bridge.happens(event)
        self._acting += 1
        try:
            await self.bridge.at_rest()
        finally:
            self._acting -= 1

    async def ask(self, method: str, **fields: Any) -> Reply | None:  # noqa: ANN401  of the wire
        """Put a question of who is signed in, one that the session need not know of.

        None: nobody is, or there is no answer.
        """
        who = self.who
        if who is None:
            return None
        self._asked_at = asyncio.get_running_loop().time()
        reply = await self._line.ask(method, {"person": who.person, **fields})
        if signed_off_there(reply) and self.who == who:
            self.bridge.happens(Key("sign-off"))
            await self.bridge.at_rest()
        return reply

    async def bring(self, code: str) -> None:
        """Bring who is signed in what a courier code is worth; the page that comes says it."""
        before = self.live
        self.seen()
        reply = await self.ask("redeem", code=code)
        if self.live == before:
            self.say(partial(redeemed, reply=reply))
            self.push("money")

    def seen(self) -> None:
        """Somebody is there."""
        self.last_act = asyncio.get_running_loop().time()
        self.bridge.happens(Key("touch"))

    async def touch(self) -> None:
        """Somebody is there, and the edge is to know it too."""
        self.seen()
        if self.who is not None and self.last_act - self._asked_at >= _KEEP_ALIVE:
            await self.ask("balance")

    # ── what pages say ──────────────────────────────────────────────────────────────────────

    def say(self, notice: Callable[[Words], Notice]) -> None:
        """Have the next page say something."""
        self._said = notice

    def take_notice(self) -> tuple[Show | None, Callable[[Words], Notice] | None]:
        """Return what is to be said on this page, once."""
        found = self._result, self._said
        self._result = self._said = None
        return found

    @property
    def result(self) -> Show | None:
        """What came of the last act, while no page has said it."""
        return self._result

    def listen(self) -> asyncio.Queue[Push | None]:
        """Return what an open page is told from now on; None: it ends.

        It begins with what happened while no page was open, as between one page and the next.
        """
        queue: asyncio.Queue[Push | None] = asyncio.Queue(_UNSENT + 1)
        while len(self._listeners) >= _STREAMS_MOST:
            self._hang_up(next(iter(self._listeners)))
        self._listeners[queue] = None
        now = asyncio.get_running_loop().time()
        for since, show in self._missed:
            if now - since < _MISSED_LASTS:
                queue.put_nowait(Push("notice", show))
        self._missed.clear()
        return queue

    def deaf(self, queue: asyncio.Queue[Push | None]) -> None:
        """Tell that page nothing more."""
        self._listeners.pop(queue, None)

    def push(self, kind: Told, show: Show | None = None) -> None:
        """Tell all open pages."""
        if kind in _OTHERWISE:
            self.ahead.forget()
        for queue in self._open():
            queue.put_nowait(Push(kind, show))

    def hang_up(self) -> None:
        """End all open pages' streams; they come back if they can."""
        for queue in tuple(self._listeners):
            self._hang_up(queue)

    def _hang_up(self, queue: asyncio.Queue[Push | None]) -> None:
        del self._listeners[queue]
        queue.put_nowait(None)

    def _tell(self, show: Show) -> None:
        if not self._listeners:
            self._missed.append((asyncio.get_running_loop().time(), show))
        self.push("notice", show)

    def _open(self) -> Iterator[asyncio.Queue[Push | None]]:
        for queue in tuple(self._listeners):
            if queue.qsize() < _UNSENT:
                yield queue
            else:
                self._hang_up(queue)

    def _changed(self, _: Bridge) -> None:
        if (now := self.live) != self._was:
            self._was = now
            self._forget_before()
            self.push("view")
        self.push("line")

    def _forget_before(self) -> None:
        """Keep nothing of who was here for who is; but why they went is said to whoever reads."""
        self._missed.clear()
        self._said, self.copy, self.copy_said, self.typed = None, None, None, ""
        if self.who is None:
            self.language = None
            self.ahead.forget()
        else:
            self._result = None
            self.ahead.begin()

    def _shown(self, show: Show) -> None:
        match show.screen:
            case "news":
                if show.news is None or show.news.what != "money":
                    self._tell(show)  # what is left of it is in the head of each page
                self.push("jobs")
            case "copying" | "stopping" | "settled" | "kept" | "beginning":
                self.copy, self.copy_said = show.copy or self.copy, show
                if show.screen == "beginning":
                    self.copy = None
                self.push("copy", show)
            case "refused" | "released" | "no-edge" | "enrolled" | "trouble" | "goodbye":
                lasts = show.screen in {"no-edge", "trouble"}  # pages say that as long as it is so
                if self._acting or not (self._listeners or lasts):
                    self._result = show  # the page that comes next says it
                elif not lasts:
                    self.push("notice", show)
            case _:
                pass
