"""Beginning to tell once there is somebody to be told: until then no library of HTTP is loaded."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from broker.messages import Note
from central.sealing import Sealer
from central.store import webhooks
from config.errors import PrintmeshError
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.store.books import Books
    from config.settings import CentralSettings

_log = logger("central.webhooks")

PAUSED: Final = "webhook-paused"
#: Seconds between two looks whether there is anybody.
_LOOK_EVERY: Final = 2.0
_LINE: Final = 1000


def sealer_of(settings: CentralSettings) -> Sealer:
    """Return what hides the secrets of subscriptions: made of the secret that hides others too."""
    secret = settings.web.secret or settings.broker.secret
    return Sealer(secret.get_secret_value(), os.urandom)


def note_of(name: str, why: str) -> Note:
    """Return the alert of a subscription that was paused; or that it is over, for no reason."""
    text = f"{name} is told nothing more: {why}. `central webhook resume {name}` goes on"
    return Note(
        severity="warning" if why else "info",
        code=PAUSED,
        subject=name,
        detail=text[:_LINE] if why else f"{name} is told again",
        cleared=not why,
    )


async def tell(
    books: Books, settings: CentralSettings, alert: Callable[[str, str], object]
) -> None:
    """Tell other programs what happens, for ever.

    Args:
        books: of the coordinator.
        settings: theirs.
        alert: told the name of a subscription and why it was paused; no reason: it goes on.
    """
    while not await asyncio.to_thread(_anybody, books):  # noqa: ASYNC110  nobody tells of it
        await asyncio.sleep(_LOOK_EVERY)
    from central.webhooks.rounds import Rounds  # noqa: PLC0415  see above
    from central.webhooks.sending import Sender  # noqa: PLC0415

    sender = Sender(settings.webhooks)
    await Rounds(books, sender, sealer_of(settings), alert=alert).run()


def _anybody(books: Books) -> bool:
    try:
        with books.read() as tx:
            return bool(webhooks.every(tx))
    except PrintmeshError as error:
        _log.warning(f"not looked after: {error}", action="webhooks-failed")
        return False
