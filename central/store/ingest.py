"""Taking a verified run of events in: effects, events and watermark in the one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from broker.messages import (
    CardEnrolled,
    Charged,
    GaveBack,
    JobHeld,
    MetersRead,
    Opening,
    OperatorLooked,
    Position,
    Redeemed,
    Rejected,
    Returned,
    TermsTaken,
)
from broker.stream import digest as digest_of
from broker.stream import place
from broker.stream_inbound import Quarantined, Readable, sift
from broker.topics import STREAMS_UP
from central.job_fold import JOB_EVENTS
from central.store import (
    adoption,
    card_enrolment,
    charges,
    closures,
    codes,
    funds,
    jobs,
    late,
    looks,
    meters,
    nodes,
    privacy,
    streams,
    terms,
)
from central.store.bulk import insert_rows
from central.store.ledger import Refused
from central.store.streams import StreamMoved
from central.store.tables import event, instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.messages import Envelope, Message
    from broker.stream import StreamKey
    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.streams import StreamState

_REASON_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a run of events did; true once the transaction has committed."""

    upto: Position
    """The new watermark."""
    accepted: tuple[Message, ...]
    """Events that took effect (or had before)."""
    quarantined: tuple[tuple[int, str], ...]
    """(seq, reason) of events that are kept but have no effect."""
    wake: frozenset[str]
    """Nodes that have something new in their stream."""
    frozen: str | None = None
    """Why the node was frozen by what it said, if it was."""


def ingest(
    tx: Transaction,
    state: StreamState,
    envelopes: Sequence[Envelope],
    linked: frozenset[str],
    *,
    because: str | None = None,
) -> Ingested:
    """Apply events that follow the stream's watermark, exactly once and in order.

    Args:
        tx: a writing transaction.
        state: the stream as it was read; stale is refused.
        envelopes: verified against the chain, at least one.
        linked: nodes that can be reached now.
        because: quarantine all of them with this reason, whatever they say.

    Raises:
        StreamMoved: the stream is somewhere else by now.
    """
    if envelopes[0].seq != state.at.seq + 1:
        raise StreamMoved(f"stream {state.id} is at {state.at.seq}, not before {envelopes[0].seq}")
    node = state.key.sender
    # first, so that a stale state is found out before anything rests on it
    upto = place(envelopes[-1])
    streams.advance(tx, state, upto)
    read: list[Readable | Quarantined] = (
        list(sift(envelopes, STREAMS_UP[state.key.name]))
        if because is None
        else [Quarantined(envelope, because) for envelope in envelopes]
    )
    wake: set[str] = set()
    reasons: list[str | None] = []
    closed = closures.written_off(tx, node, state.key.sender_incarnation)
    for kind, run in groupby(read, key=_family):
        reasons.extend(_effects(tx, state.key, kind, list(run), linked, wake, closed))
    done = list(zip(read, reasons, strict=True))
    rejected = [
        (each.envelope.seq, reason[:_REASON_LIMIT]) for each, reason in done if reason is not None
    ]
    at = instant(tx.now)
    nameless = state.key.name == "jobs" and privacy.names(tx).mode != "keep"
    rows = [_row(at, state.id, each, why, nameless=nameless) for each, why in done]
    insert_rows(tx, event, _EVENT, rows)
    if rejected and closed is None:  # to a journal that is closed nothing is said any more
        name = state.key.name
        notes = [Rejected(stream=name, seq=seq, reason=reason) for seq, reason in rejected]
        streams.append(tx, node, notes)
        wake.add(node)
    accepted: list[Message] = []
    for each, reason in done:
        if reason is None and isinstance(each, Readable):
            accepted.append(each.event.message)
    known = nodes.find(tx, node) if rejected else None
    frozen = known.reason if known is not None and known.state == "frozen" else None
    return Ingested(upto, tuple(accepted), tuple(rejected), frozenset(wake), frozen)


def apply_one(
    tx: Transaction, key: StreamKey, each: Readable, linked: frozenset[str]
) -> tuple[str | None, frozenset[str]]:
    """Carry one event out that had been put aside; return why it was refused, and whom to wake."""
    wake: set[str] = set()
    if isinstance(each.event.message, MetersRead):
        meters.record(tx, key.sender, each.event.message, late=True)
        return None, frozenset()
    closed = closures.written_off(tx, key.sender, key.sender_incarnation)
    reasons = _effects(tx, key, _family(each), [each], linked, wake, closed, anew=False)
    return reasons[0], frozenset(wake)


def _family(each: Readable | Quarantined) -> str:
    if isinstance(each, Quarantined):
        return "unreadable"
    message = each.event.message
    if isinstance(message, Charged):
        return "charges"
    if isinstance(message, Redeemed):
        return "codes"
    return "jobs" if isinstance(message, JOB_EVENTS) else "single"


def _effects(
    tx: Transaction,
    key: StreamKey,
    kind: str,
    run: Sequence[Readable | Quarantined],
    linked: frozenset[str],
    wake: set[str],
    closed: Closure | None = None,
    *,
    anew: bool = True,
) -> list[str | None]:
    """Carry a run of one family out; return for each event why it was refused, or None.

    `anew`: they come from the stream, as they may have come to lost books before.
    """
    node = key.sender
    messages = [each.event.message for each in run if isinstance(each, Readable)]
    if kind == "codes":
        return [_redeemed(tx, key, each) for each in run]
    if kind == "charges":
        some = [message for message in messages if isinstance(message, Charged)]
        if closed is not None:
            booked = late.book(tx, closed, some)
        else:
            booked = charges.book(tx, node, some, key.sender_incarnation)
        return [charges.reason_of(verdict) for verdict in booked]
    if kind == "jobs":
        told, times = [], []
        for each in run:
            if isinstance(each, Readable) and isinstance(each.event.message, JOB_EVENTS):
                told.append(each.event.message)
                times.append(each.event.time)
        return jobs.record(tx, node, told, times)
    if kind == "unreadable":
        return [each.reason for each in run if isinstance(each, Quarantined)]
    return [
        _single(tx, key, each, linked, wake, closed, anew=anew)
        for each in run
        if isinstance(each, Readable)
    ]


def _redeemed(tx: Transaction, key: StreamKey, each: Readable | Quarantined) -> str | None:
    if not isinstance(each, Readable) or not isinstance(each.event.message, Redeemed):
        return "it is not about a code"
    seq, event = each.envelope.seq, each.event.message
    done = codes.redeemed(tx, key.sender, key.sender_incarnation, event, seq)
    return None if done is None else done.reason


def _back(
    tx: Transaction,
    node: str,
    message: Returned | GaveBack,
    seq: int | None,
    linked: frozenset[str],
    wake: set[str],
    closed: Closure | None,
) -> Refused | None:
    """Take money back from a site; `seq` is none where the event had been put aside."""
    refused = None
    if closed is None and isinstance(message, Returned):
        done = funds.take_back(tx, node, message, linked, seq=seq)
        if isinstance(done, Refused):
            return done
        wake.update(done.wake, codes.go_on(tx, message.reclaim, linked))
        return None
    if closed is None and isinstance(message, GaveBack):
        refused = funds.gave_back(tx, node, message)
    # of a journal that is closed the house has taken it over already, with all that was there
    if refused is None and seq is not None:
        adoption.came_again(tx, node, seq, message)
    return refused


def _single(
    tx: Transaction,
    key: StreamKey,
    each: Readable,
    linked: frozenset[str],
    wake: set[str],
    closed: Closure | None,
    *,
    anew: bool,
) -> str | None:
    node, refused, message = key.sender, None, each.event.message
    seq = each.envelope.seq if anew else None
    match message:
        case Returned() | GaveBack():
            refused = _back(tx, node, message, seq, linked, wake, closed)
        case TermsTaken():
            refused = terms.taken(tx, node, key.sender_incarnation, message)
        case CardEnrolled():
            refused = card_enrolment.enrol(tx, node, message)
        case OperatorLooked():
            looks.note(tx, node, message)
        case MetersRead():
            meters.record(tx, node, message)
        case Opening():
            if any(balance.micros for balance in message.balances):
                refused = Refused("a new journal claims money that was never granted to it")
        case _:
            refused = Refused(f"{message.TYPE} has no effect that is known here")
    return None if refused is None else refused.reason


_EVENT = ("stream", "seq", "hash", "data", "digest", "type", "state", "reason", "at")


def _row(
    at: int, stream: int, each: Readable | Quarantined, reason: str | None, *, nameless: bool
) -> tuple[object, ...]:
    """Return an event as it is kept; `nameless`: without its text if that names a document."""
    envelope = each.envelope
    data, digest = envelope.data, envelope.digest
    told = each.event.message if nameless and isinstance(each, Readable) else None
    if isinstance(told, JobHeld) and reason is None and data is not None:
        digest, data = digest_of(data), None
    return (
        stream,
        envelope.seq,
        envelope.hash,
        data,
        digest,
        each.event.message.TYPE if isinstance(each, Readable) else "",
        "applied" if reason is None else "quarantined",
        "" if reason is None else reason[:_REASON_LIMIT],
        at,
    )
