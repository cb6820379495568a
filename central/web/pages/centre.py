"""What pages work with: the books, the settings, keys, and the clock; one of it per process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from central.sealing import Sealer
from central.uploads.converting import Office
from central.web.pages.guarding import Names
from central.web.pages.live import Broadcaster
from central.web.pages.people_drafts import Drafts
from central.web.pages.proving import Passwords, Services
from central.web.pages.standing import Manners
from central.web.problems import TooBusy
from central.web.reading import Reader
from central.web.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from central.store.books import Books
    from central.web.pages.live import Live
    from central.web.provider import Provider
    from config.settings import CentralSettings


def _now() -> datetime:
    return datetime.now(UTC)


#: Files that are fetched at once: each reads the books for as long as it lasts.
_DOWNLOADS: Final = 4


@dataclass(slots=True)
class Downloads:
    """How many files are being fetched."""

    _now: int = 0
    _lock: Lock = field(default_factory=Lock)

    def bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield a file's pieces, while it counts as being fetched.

        Raises:
            TooBusy: at once, when too many are.
        """
        with self._lock:
            if self._now >= _DOWNLOADS:
                raise TooBusy
        return self._counted(pieces)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        # from the first piece on: one that nobody began to fetch would count for ever
        with self._lock:
            self._now += 1
        try:
            yield from pieces
        finally:
            with self._lock:
                self._now -= 1


@dataclass(slots=True)
class Centre:
    """What pages work with."""

    settings: CentralSettings
    books: Books
    reader: Reader
    writer: Writer
    live: Broadcaster
    """Tells open pages what changed."""
    sealer: Sealer
    passwords: Passwords
    names: Names
    manners: Manners
    zone: ZoneInfo
    """The organisation's."""
    clock: Callable[[], datetime] = _now
    dice: Callable[[int], bytes] = os.urandom
    troubles: Callable[[], Sequence[str]] = tuple
    """What is wrong with the coordinator, a sentence each."""
    organisation: str = ""
    """Its name, read at the start and whenever it is set."""
    lives: dict[str, Live] = field(default_factory=dict)
    """What pages can follow, by name."""
    downloads: Downloads = field(default_factory=Downloads)
    services: Services = field(default_factory=Services)
    """Directory services, asked for passwords."""
    office: Office = field(default_factory=Office)
    """Makes PDF of office documents, in turn."""
    drafts: Drafts = field(default_factory=Drafts)
    """Imports of people that were looked at."""
    provider: Provider | None = None
    """By whom people sign in besides; None: by passwords alone."""

    @classmethod
    def of(
        cls,
        settings: CentralSettings,
        books: Books,
        *,
        troubles: Callable[[], Sequence[str]] = tuple,
        clock: Callable[[], datetime] = _now,
        dice: Callable[[int], bytes] = os.urandom,
        passwords: Passwords | None = None,
    ) -> Centre:
        """Return what the settings say."""
        web = settings.web
        reader = Reader(books, settings.api.token)
        zone = ZoneInfo(settings.zone)
        live = Broadcaster(reader, zone)
        secret = web.secret or settings.broker.secret
        provider: Provider | None = None
        if web.oidc is not None:
            from central.web.provider import Provider as Made  # noqa: PLC0415  nobody loads Authlib who has none

            provider = Made(web.oidc, f"{web.outside}/sign-in/oidc/back", clock, dice)
        return cls(
            settings,
            books,
            reader,
            Writer(books, live.beat),
            live,
            Sealer(secret.get_secret_value(), dice),
            passwords or Passwords(),
            Names.of(web),
            Manners.of(web),
            zone,
            clock,
            dice,
            troubles,
            provider=provider,
        )
