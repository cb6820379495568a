"""Taking in events of several streams at once; nobody pays for another's fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from central.store.books import BooksUnwritable
from central.store.ingest import Ingested, ingest
from central.store.streams import StreamMoved, StreamState
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.messages import Envelope
    from central.store.books import Books

_log = logger("central.intake")


@dataclass(frozen=True, slots=True)
class Run:
    """Events of one stream that follow its watermark, verified."""

    state: StreamState
    """The stream at its watermark."""
    envelopes: Sequence[Envelope]
    """In order, at least one."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The stream was not where it was believed to be: nothing of the run was taken in."""

    reason: str


def take_in(
    books: Books, runs: Sequence[Run], linked: frozenset[str]
) -> list[Ingested | Abandoned]:
    """Take runs of different streams in, all in one transaction if all is well.

    If something unforeseen happens, each run is tried alone, then each event alone; an event that
    breaks its own transaction is quarantined with what broke, and the stream goes on.

    Raises:
        BooksUnwritable: the database itself fails; nothing was taken in.
    """
    try:
        with books.write() as tx:
            return [ingest(tx, run.state, run.envelopes, linked) for run in runs]
    except BooksUnwritable:
        raise
    except Exception:  # noqa: BLE001  the dispatcher of a round: logged, then each alone
        _log.exception("a round of events failed, trying each stream alone", action="intake")
    return [_alone(books, run, linked) for run in runs]


def _alone(books: Books, run: Run, linked: frozenset[str]) -> Ingested | Abandoned:
    done: list[Ingested] = []
    state = run.state
    for envelope in run.envelopes:
        try:
            with books.write() as tx:
                one = ingest(tx, state, [envelope], linked)
        except StreamMoved as error:
            return Abandoned(str(error))
        except BooksUnwritable:
            raise
        except Exception as error:  # noqa: BLE001  as above: logged, and the event put aside
            _log.exception("an event cannot be applied", action="intake", seq=envelope.seq)
            try:
                with books.write() as tx:
                    because = f"it broke its transaction: {type(error).__name__}"
                    one = ingest(tx, state, [envelope], linked, because=because)
            except BooksUnwritable:
                raise
            except Exception as again:  # noqa: BLE001  nobody else pays for this stream
                _log.exception("nor put aside", action="intake", seq=envelope.seq)
                return Abandoned(f"event {envelope.seq} cannot even be put aside: {again!r}")
        done.append(one)
        state = StreamState(state.id, state.key, one.upto, state.acked)
    return Ingested(
        done[-1].upto,
        tuple(message for one in done for message in one.accepted),
        tuple(each for one in done for each in one.quarantined),
        frozenset().union(*(one.wake for one in done)),
        next((one.frozen for one in done if one.frozen is not None), None),
    )
