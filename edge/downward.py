"""What comes down: the coordinator's ledger is applied, the directory replica kept up to date.

It says nothing itself: each call returns what there is to say and to tell, `uplink` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, assert_never

from broker.stream_inbound import (
    AlreadyApplied,
    Apply,
    AskSingly,
    Fork,
    Gap,
    Inbound,
    Park,
)
from broker.stream_outbound import OtherEpoch, Stray
from config.logs import logger
from edge.store.books import DOWN
from edge.store.errors import StoreUnwritableError
from edge.store.replica import Moved, NeedSnapshot

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import (
        Ack,
        Batch,
        DirectoryCursor,
        DirectoryRows,
        Envelope,
        Granted,
        Position,
        Rejected,
    )
    from edge.store.books import Applied, Books
    from edge.store.replica import Replica

_log = logger("edge.downward")

#: Seconds after which a directory that was asked for and did not come is asked for again.
FETCH_AGAIN = 30.0


@dataclass(frozen=True, slots=True)
class Came:
    """What a batch from the coordinator came to."""

    ack: Ack | None = None
    """To be sent."""
    granted: tuple[Granted, ...] = ()
    """Money that arrived."""
    rejected: tuple[Rejected, ...] = ()
    """Events of ours that the centre could not accept."""
    quarantined: tuple[tuple[int, str], ...] = ()
    """(seq, reason) of events that were put aside."""
    halted: Fork | Park | None = None
    """The stream cannot go on."""
    meet_again: bool = False
    """The centre speaks under a higher epoch than the one agreed."""


class Downward:
    """The coordinator's ledger and directory, as this edge takes them in."""

    def __init__(self, books: Books, replica: Replica, *, epoch: int) -> None:
        self._books = books
        self._replica = replica
        self._fetched_at: float | None = None
        self._in = Inbound(
            books.down_key,
            applied=books.head(DOWN),
            hash_at=partial(books.hash_at, DOWN),
            epoch=epoch,
            from_coordinator=True,
        )

    @property
    def applied(self) -> Position:
        """The last event of the coordinator's ledger that is durable here."""
        return self._in.applied

    @property
    def cursor(self) -> DirectoryCursor | None:
        """How far the directory goes."""
        return self._replica.cursor

    def on_birth(self, head: Position, *, epoch: int) -> Fork | Park | None:
        """Compare with the coordinator's own head; return why its ledger cannot go on here."""
        heads = self._in.on_birth(head, epoch=epoch)
        return heads if isinstance(heads, Fork | Park) else None

    def batch(self, batch: Batch, now: float, at: datetime) -> Came:
        """Apply what is new of a batch, once.

        Raises:
            StoreUnwritableError: nothing of it, or not all of it, was applied; it comes again.
        """
        outcome = self._in.receive(batch, now)
        match outcome:
            case Apply(events=events):
                return self._apply(events, now, at)
            case AlreadyApplied(ack=ack) | Gap(ack=ack) | AskSingly(ack=ack):
                return Came(ack)
            case Fork() | Park():
                return Came(halted=outcome)
            case Stray() | OtherEpoch():
                _log.warning("a batch of others", action="uplink-stray", outcome=repr(outcome))
                ahead = isinstance(outcome, OtherEpoch) and outcome.theirs > outcome.ours
                return Came(meet_again=ahead)
        assert_never(outcome)

    def unreadable(self, reason: str, now: float) -> Came:
        """Note a payload on the ledger's topic that could not be read."""
        outcome = self._in.unreadable(reason, now)
        if isinstance(outcome, AskSingly):
            return Came(outcome.ack)
        return Came(halted=outcome)

    def directory(self, rows: DirectoryRows, now: float) -> bool:
        """Take rows in; return whether the whole directory is to be asked for.

        Raises:
            StoreUnwritableError: they were not taken in; `wants_directory` says so in a while.
        """
        try:
            outcome = self._replica.apply(rows)
        except StoreUnwritableError:
            self._fetched_at = now  # what is lost here does not come again by itself
            raise
        match outcome:
            case Moved(cursor=cursor):
                self._fetched_at = None
                _log.info("directory", action="directory", n=cursor.n, rows=len(rows.rows))
            case NeedSnapshot(reason=reason):
                if self._fetched_at is None:
                    _log.warning("directory fetched anew", action="directory", reason=reason)
                    self._fetched_at = now
                    return True
                # asked for already; what comes in between does not join
            case _:
                if self._fetched_at is not None:
                    self._fetched_at = now  # a slice: it is on its way
        return False

    def wants_directory(self, now: float) -> bool:
        """Say whether the directory is to be asked for again: nothing has come of it."""
        if self._fetched_at is None or now - self._fetched_at < FETCH_AGAIN:
            return False
        self._fetched_at = now
        return True

    def offline(self) -> None:
        """The way to the coordinator is gone; the next birth says where the replica stands."""
        self._fetched_at = None

    def _apply(self, events: tuple[Envelope, ...], now: float, at: datetime) -> Came:
        try:
            return self._committed([self._books.apply(events, at)], now)
        except StoreUnwritableError:
            self._in.abandoned()
            raise
        except Exception:  # noqa: BLE001  the dispatcher of a batch: logged, then each alone
            _log.exception("a batch cannot be applied, trying each alone", action="uplink-error")
        done: list[Applied] = []
        try:
            for event in events:
                done.append(self._alone(event, at))
                self._in.committed(done[-1].upto, now)
        except BaseException:
            self._in.abandoned()
            raise
        return self._committed(done, now)

    def _alone(self, event: Envelope, at: datetime) -> Applied:
        try:
            return self._books.apply([event], at)
        except StoreUnwritableError:
            raise
        except Exception as error:  # noqa: BLE001  as above: logged, and the event put aside
            _log.exception("an event cannot be applied", action="uplink-error", seq=event.seq)
            because = f"it broke its transaction: {type(error).__name__}"
            return self._books.apply([event], at, because=because)

    def _committed(self, done: list[Applied], now: float) -> Came:
        return Came(
            self._in.committed(done[-1].upto, now),
            granted=tuple(each for one in done for each in one.granted),
            rejected=tuple(each for one in done for each in one.rejected),
            quarantined=tuple(each for one in done for each in one.quarantined),
        )
