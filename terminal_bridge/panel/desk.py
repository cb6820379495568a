"""One panel: its screen, the phones that use it, and the line that they share."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

from config.logs import logger
from terminal_bridge.bridge import Bridge
from terminal_bridge.events import SessionShown
from terminal_bridge.panel.pace import ALL_AT_ONCE, AT_ONCE, Bucket, Paced
from terminal_bridge.panel.pages import machine_name
from terminal_bridge.panel.visit import Visit

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages.terminals import (
        SiteState,
    )
    from config.panel_settings import PanelSettings
    from terminal_bridge.panel.pairing import Pairing
    from terminal_bridge.panel.visit import MakeBridge
    from terminal_bridge.phases import Habits, OpenCopy, Who
    from terminal_bridge.shared_line import SharedLine

_log = logger("terminal.panel")

#: Phones at one panel at a time; the one that was quiet for longest makes room.
PHONES_MOST: Final = 60
#: A phone that nobody is signed in at is forgotten after so many seconds.
_FORGOTTEN_AFTER: Final = 120.0
#: The code in the QR of the sign-in page lasts so many seconds, and as long again.
_HAND_LASTS: Final = 60.0


class NoCopies:
    """The durable file of a browser that starts no copies: nothing to remember."""

    def load(self) -> tuple[OpenCopy, ...]:
        """Return none."""
        return ()

    def keep(self, copy: OpenCopy) -> None:
        """Refuse: a phone stands beside no machine."""
        raise OSError(f"copy {copy.copy_id} was begun where none can be")

    def forget(self, copy_id: UUID) -> None:
        """Do nothing."""


class Desk:
    """A panel, from `run` on."""

    def __init__(
        self,
        name: str,
        *,
        settings: PanelSettings,
        habits: Habits,
        line: SharedLine,
        screen: MakeBridge,
        pairing: Pairing,
        copier: bool,
        reader: bool,
    ) -> None:
        """Put a panel together.

        Args:
            name: the terminal's id.
            settings: of its pages.
            habits: of its sessions.
            line: to the edge.
            screen: makes the bridge of the screen at the machine, with its reader and copier.
            pairing: which browser that screen is.
            copier: copies can be made at it.
            reader: cards can be read at it.
        """
        self.name = name
        self.settings = settings
        self.habits = habits
        self.line = line
        self.pairing = pairing
        self.copier = copier
        self.reader = reader
        self.screen = Visit(screen, line.tap(), habits.printer)
        self.over = False
        """It does not work any more; another one may take its place."""
        self._phones: dict[str, Visit] = {}
        self._bringing: asyncio.Task[None] | None = None
        self._all_phones = asyncio.Semaphore(ALL_AT_ONCE)
        self._work: dict[str, asyncio.Task[None]] = {}
        self._hands = ("", "")
        self._handed_at = float("-inf")

    @property
    def base(self) -> str:
        """Path that its addresses begin with."""
        return f"/{self.name}"

    @property
    def site(self) -> SiteState | None:
        """The site's last word on itself."""
        return self.line.site

    @property
    def printer(self) -> str:
        """What people call the machine it stands beside."""
        return machine_name(self.site, self.habits.printer)

    async def run(self) -> None:
        """Work until canceled, or until the screen's part fails for good."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.line.run(), name=f"{self.name} line")
                tasks.create_task(self.screen.bridge.run(), name=f"{self.name} screen")
        finally:
            self.over = True
            if self._bringing is not None:
                self._bringing.cancel()
            self.screen.hang_up()
            self.screen.ahead.forget()
            for token in tuple(self._phones):
                self._forget(token)

    def hang_up(self) -> None:
        """End the streams of all open pages."""
        for visit in (self.screen, *self._phones.values()):
            visit.hang_up()

    def scanned(self, code: str) -> bool:
        """Take a courier code that was held to the reader; False: nobody is there to have it."""
        if self.screen.who is None or self.over:
            return False
        if self._bringing is None or self._bringing.done():  # one after the other: no flood
            self._bringing = asyncio.create_task(self.screen.bring(code), name="courier code")
        return True

    # ── phones ──────────────────────────────────────────────────────────────────────────────

    def phone(self, token: str) -> Visit | None:
        """Return a phone's visit by its cookie."""
        return self._phones.get(token)

    def welcome(self, before: str = "") -> tuple[str, Visit]:
        """Begin a visit for a phone; return its cookie too.

        Args:
            before: the phone's cookie until now; nobody signed in with it needs it any more.
        """
        now = asyncio.get_running_loop().time()
        for token, visit in tuple(self._phones.items()):
            quiet = token == before or now - visit.last_act >= _FORGOTTEN_AFTER
            if visit.who is None and quiet:
                self._forget(token)
        while len(self._phones) >= PHONES_MOST:
            self._forget(min(self._phones, key=self._worth))
        token = secrets.token_urlsafe(24)
        make = partial(Bridge, self.name, habits=self.habits, copies=NoCopies())
        pace = partial(
            Paced, bucket=Bucket(), own=asyncio.Semaphore(AT_ONCE), all_=self._all_phones
        )
        bridge = partial(make, line=pace(self.line.tap()))
        visit = Visit(bridge, pace(self.line.tap()), self.habits.printer)
        visit.last_act = now
        self._phones[token] = visit
        work = asyncio.create_task(visit.bridge.run(), name=f"{self.name} phone")
        work.add_done_callback(partial(self._ended, token))
        self._work[token] = work
        return token, visit

    def _worth(self, token: str) -> tuple[bool, float]:
        """Order phones: trying to sign in costs nothing, so it displaces nobody who is."""
        visit = self._phones[token]
        return visit.who is not None, visit.last_act

    def _forget(self, token: str) -> None:
        visit = self._phones.pop(token, None)
        work = self._work.pop(token, None)
        if visit is not None:
            visit.hang_up()
            visit.ahead.forget()
            visit.bridge.rest.over()  # it may not have begun to run
        if work is not None:
            work.cancel()

    def _ended(self, token: str, work: asyncio.Task[None]) -> None:
        if not work.cancelled() and (error := work.exception()) is not None:
            _log.error(
                "a phone's session failed",
                action="panel-phone",
                terminal=self.name,
                reason=str(error)[:200],
            )
        self._forget(token)

    # ── from a phone to the screen ──────────────────────────────────────────────────────────

    def hand(self) -> str:
        """Return the code that a phone beside the screen signs in here with."""
        now = asyncio.get_running_loop().time()
        if now - self._handed_at >= _HAND_LASTS:
            was = self._hands[0] if now - self._handed_at < 2 * _HAND_LASTS else ""
            self._hands = (secrets.token_urlsafe(9), was)
            self._handed_at = now
        return self._hands[0]

    def may_hand(self, code: str) -> bool:
        """Say whether a code is one that the screen shows, or has just shown."""
        self.hand()
        return any(hmac.compare_digest(code.encode(), own.encode()) for own in self._hands if own)

    async def take(self, code: str, who: Who) -> bool:
        """Sign somebody in at the screen who is so on their phone; a code serves once.

        Whoever is signed in there stays: a code can be photographed, and used from afar.
        """
        free = self.screen.who is None
        if not (free and self.may_hand(code)):
            return False
        self._hands, self._handed_at = ("", ""), float("-inf")
        await self.screen.act(SessionShown(who.answer.session))
        here = self.screen.who
        return here is not None and here.answer.user == who.answer.user
