"""The webhooks as the coordinator runs them: books gone through, messages sent, for ever.

Each subscription has a task of its own while something waits for it, and one message under way:
messages of one go in order, and a receiver that is slow holds nobody else up. What has arrived is
noted a little later, several at once; what was not noted when the process ends is sent once more.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from central.acts.webhooks import about
from central.sealing import Unreadable
from central.store import recovery, webhooks
from central.store.webhooks import Subscription, Try
from central.webhooks import filling, retrying, signing
from central.webhooks.addresses import target_of
from central.webhooks.retrying import Again, Answered, Delivered, GivenUp
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from central.sealing import Sealer
    from central.store.books import Books, Transaction
    from central.store.webhooks import Message
    from central.webhooks.retrying import Outcome
    from central.webhooks.sending import Line, Sender

_log = logger("central.webhooks")

T = TypeVar("T")

#: Seconds between two looks at the books.
LOOK_EVERY: Final = 1.0
#: How much of its time the filling may take while there is ever more to tell.
_SHARE: Final = 0.1
#: Messages taken from the books at once, and seconds after which those that arrived are noted.
_AT_ONCE: Final = 20
_NOTED_AFTER: Final = 1.0
_TIDY_EVERY: Final = 3600.0
_AFTER_A_FAILURE: Final = 30.0

_OTHER_KEY: Final = "its secret cannot be read: the centre's own was changed; give it a new one"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one subscription has to send next."""

    subscription: Subscription
    secrets: tuple[str, ...]
    """In force; none: they cannot be read."""
    messages: tuple[Message, ...]


class Rounds:
    """Sends what is to be told until it is cancelled."""

    def __init__(
        self,
        books: Books,
        sender: Sender,
        sealer: Sealer,
        *,
        alert: Callable[[str, str], object],
        clock: Callable[[], datetime] = _now,
        dice: Callable[[int], bytes] = os.urandom,
        look_every: float = LOOK_EVERY,
    ) -> None:
        """Begin.

        Args:
            books: gone through, in a thread of its own.
            sender: sends.
            sealer: opens the secrets.
            alert: told the name of a subscription that was paused here, and why; and once it goes
                on, the name and nothing. In the thread of the books.
            clock: the time of day.
            dice: randomness.
            look_every: seconds between two looks.
        """
        self._books = books
        self._sender = sender
        self._sealer = sealer
        self._alert = alert
        self._clock = clock
        self._dice = dice
        self._look_every = look_every
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._paused: dict[int, str] = {}
        self._tidied = float("-inf")

    async def run(self) -> None:
        """Do it for ever."""
        try:
            while True:
                try:
                    pause = await self.look()
                except Exception:  # noqa: BLE001  the supervisor of this task: logged, and going on
                    _log.exception("webhooks are not looked after", action="webhooks-failed")
                    pause = _AFTER_A_FAILURE
                await asyncio.sleep(pause)
        finally:
            await self.close()

    async def look(self) -> float:
        """Make the next messages, and begin to send what is due; return the seconds to wait now."""
        began = perf_counter()
        more = await self._in_books(self._fill, asyncio.get_running_loop().time())
        took = perf_counter() - began
        self._send(await self._in_books(self._due))
        return min(self._look_every, took / _SHARE) if more else self._look_every

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._sending:
            await asyncio.wait(self._sending.values())

    async def close(self) -> None:
        """Break off what is under way."""
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        self._sender.close()
        # the books are closed after this: nobody may be in the midst of them
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    # ── in the thread of the books ──────────────────────────────────────────────────────────

    async def _in_books(self, work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401  its own
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _fill(self, now: float) -> bool:
        with self._books.read() as tx:
            # what these books say is not known to be so until they are whole
            if recovery.closed(tx) is not None or not webhooks.every(tx):
                return False
        more = filling.fill(self._books)
        if now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            with self._books.write() as tx:
                webhooks.tidy(tx)
        return more

    def _due(self) -> list[int]:
        """Return the subscriptions that something may be sent to now."""
        now = self._clock()
        with self._books.read() as tx:
            if recovery.closed(tx) is not None:
                return []
            every = webhooks.every(tx)
            due = [each.n for each in every if _may(each, now) and _waits(tx, each)]
        still = {each.n for each in every if each.state == "paused"}
        for n in self._paused.keys() - still:
            self._alert(self._paused.pop(n), "")
        return due

    def _take(self, n: int) -> Turn | None:
        with self._books.read() as tx:
            found = webhooks.at(tx, n)
            if found is None or not _may(found, self._clock()):
                return None
            messages = webhooks.waiting(tx, n, _AT_ONCE)
        return Turn(found, self._secrets(found), tuple(messages)) if messages else None

    def _secrets(self, subscription: Subscription) -> tuple[str, ...]:
        sealed = [subscription.sealed]
        until = subscription.before_until
        if subscription.sealed_before and until is not None and self._clock() < until:
            sealed.append(subscription.sealed_before)
        try:
            return tuple(self._sealer.open(each, about(subscription.id)) for each in sealed)
        except Unreadable:
            return ()

    def _note(self, n: int, tries: Sequence[Try], last: tuple[Try, Again | GivenUp] | None) -> None:
        """Write down what came of some messages, in one transaction."""
        name = ""
        with self._books.write() as tx:
            webhooks.arrived(tx, n, tries)
            if last is not None:
                one, following = last
                webhooks.failed(tx, n, one, following.at if isinstance(following, Again) else None)
                if isinstance(following, GivenUp):
                    name = self._pause(tx, n, following.why)
        if name and last is not None:
            self._alert(name, last[1].why)

    def _give_up(self, n: int, why: str) -> None:
        with self._books.write() as tx:
            name = self._pause(tx, n, why)
        if name:
            self._alert(name, why)

    def _pause(self, tx: Transaction, n: int, why: str) -> str:
        """Pause a subscription that is active; return its name, or nothing where it is not."""
        found = webhooks.at(tx, n)
        if found is None or found.state != "active":
            return ""
        webhooks.pause(tx, n, why)
        self._paused[n] = found.name
        return found.name

    # ── in the loop ─────────────────────────────────────────────────────────────────────────

    def _send(self, due: Sequence[int]) -> None:
        for n in due:
            if n not in self._sending:
                task = asyncio.create_task(self._one(n), name=f"webhook {n}")
                self._sending[n] = task
                task.add_done_callback(partial(self._sent, n))

    def _sent(self, n: int, _: asyncio.Task[None]) -> None:
        del self._sending[n]

    async def _one(self, n: int) -> None:
        """Send what waits for one subscription, until nothing does or it fails."""
        try:
            async with self._sender.line() as line:
                while (turn := await self._in_books(self._take, n)) is not None:
                    if not await self._some(line, turn):
                        return
        except Exception:  # noqa: BLE001  the supervisor of this task: logged, and going on
            _log.exception("a webhook failed", action="webhook-failed", webhook=n)
            await asyncio.sleep(_AFTER_A_FAILURE)

    async def _some(self, line: Line, turn: Turn) -> bool:
        """Send some messages in their order; return whether all have arrived."""
        clock = asyncio.get_running_loop().time
        n = turn.subscription.n
        if not turn.secrets:
            await self._in_books(self._give_up, n, _OTHER_KEY)
            return False
        noted = clock()
        done: list[Try] = []
        for message in turn.messages:
            at = self._clock()
            outcome = await self._attempt(line, turn, message, at)
            failures = turn.subscription.failures if message is turn.messages[0] else 0
            share = self._dice(1)[0] / 255
            following = retrying.after(outcome, failures, self._clock(), share)
            if not isinstance(following, Delivered):
                one = _tried(message, outcome, at, following.why)
                await self._in_books(self._note, n, done, (one, following))
                _log_failure(turn.subscription, message, following)
                return False
            done.append(_tried(message, outcome, at, ""))
            if clock() - noted >= _NOTED_AFTER:
                break
        await self._in_books(self._note, n, done, None)
        return True

    async def _attempt(self, line: Line, turn: Turn, message: Message, at: datetime) -> Outcome:
        body = message.body.encode()
        headers = signing.headers(turn.secrets, message.id, int(at.timestamp()), body)
        return await line.send(turn.subscription.wanted.url, headers, body)


def _may(subscription: Subscription, now: datetime) -> bool:
    due = subscription.next_at is None or subscription.next_at <= now
    return subscription.state == "active" and due


def _waits(tx: Transaction, subscription: Subscription) -> bool:
    return bool(webhooks.waiting(tx, subscription.n, 1))


def _tried(message: Message, outcome: Outcome, at: datetime, trouble: str) -> Try:
    status = outcome.status if isinstance(outcome, Answered) else None
    return Try(message.n, message.id, at, outcome.took, status, trouble)


def _log_failure(subscription: Subscription, message: Message, following: Again | GivenUp) -> None:
    target = target_of(subscription.wanted.url, plain=True)
    _log.warning(
        f"not told: {following.why}",
        action="webhook-not-told",
        webhook=subscription.name,
        where=target if isinstance(target, str) else target.shown,
        message=message.id,
        again=following.at.isoformat() if isinstance(following, Again) else "",
    )
