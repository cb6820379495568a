"""A round of batches: judged one by one, taken in by one transaction, then acked and published."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from broker import topics
from broker.codec import Unreadable, decode
from broker.messages import Batch, CopyBegan, FeedJob, JobReleased, JobSettled
from broker.stream_inbound import AlreadyApplied, AskSingly, Fork, Gap, Park
from central.job_fold import JOB_EVENTS, feed_state
from central.reparking import spent
from central.store.books import BooksUnwritable
from central.store.ingest import Ingested
from central.store.intake import Abandoned, take_in
from config.logs import batch_line, logger

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Message, StreamName
    from broker.stream_inbound import BatchOutcome
    from central.conversation import Conversation
    from central.fleet import Fleet
    from central.store.intake import Run

_log = logger("central.rounds")


def hear_batch(fleet: Fleet, node: str, stream: StreamName, payload: bytes, now: float) -> None:
    """Judge one batch of a node; what can be applied waits for `take_round`."""
    conversation = fleet.conversations.get(node)
    if conversation is None:
        return
    read = decode(payload, (Batch,))
    if isinstance(read, Unreadable):
        outcome = conversation.unreadable(stream, read.reason, now)
    elif read.message.stream != stream:
        outcome = conversation.unreadable(stream, "the batch is of another stream", now)
    else:
        outcome = conversation.receive(stream, read.message, now)
    _answer(fleet, node, stream, outcome, now)


def take_round(fleet: Fleet, now: float) -> None:
    """Take in what was judged good, in one transaction; ack and publish what was committed."""
    waiting = [
        (conversation, name, run)
        for conversation in fleet.conversations.values()
        for name, run in conversation.runs()
    ]
    if not waiting:
        return
    began = perf_counter()
    try:
        results = take_in(fleet.books, [run for _, _, run in waiting], fleet.linked(now))
    except BooksUnwritable as error:
        for conversation, name, _ in waiting:
            conversation.abandoned(name)
        fleet.unwritable = True
        fleet.alert(fleet.books.identity.node, "books", str(error), now)
        return
    took = timedelta(seconds=perf_counter() - began)
    fleet.unwritable = False
    fleet.tally.rounds += 1
    fleet.tally.seconds += took.total_seconds()
    wake: set[str] = set()
    for (conversation, name, run), result in zip(waiting, results, strict=True):
        if isinstance(result, Abandoned):
            _log.error(result.reason, action="batch-refused", node=conversation.node, stream=name)
            conversation.reread(name)
            continue
        _committed(fleet, conversation, name, result, now)
        _line(conversation, name, run, result, took)
        wake |= result.wake
    fleet.grown(wake)
    for (conversation, _, _), result in zip(waiting, results, strict=True):
        if isinstance(result, Ingested) and result.frozen is not None:
            fleet.halt(conversation.node, "frozen", result.frozen, now)


def _answer(fleet: Fleet, node: str, stream: StreamName, outcome: BatchOutcome, now: float) -> None:
    match outcome:
        case AlreadyApplied(ack) | Gap(ack) | AskSingly(ack):
            if ack is not None:
                fleet.say(topics.DOWN_ACK, ack, node=node, stream=stream)
        case Fork(seq, ours, theirs):
            reason = f"fork: event {seq} of {stream} was {ours[:12]}…, now it is {theirs[:12]}…"
            fleet.halt(node, "frozen", reason, now)
        case Park(reason):
            fleet.halt(node, "parked", f"it cannot be understood ({stream}): {reason}", now)
        case _:
            pass


def _committed(
    fleet: Fleet, conversation: Conversation, name: StreamName, result: Ingested, now: float
) -> None:
    node = conversation.node
    fleet.tally.applied[name] += len(result.accepted)
    fleet.tally.quarantined += len(result.quarantined)
    ack = conversation.committed(name, result.upto, now)
    fleet.say(topics.DOWN_ACK, ack, node=node, stream=name)
    for seq, reason in result.quarantined:
        subject = f"{name} {seq}"
        fleet.alert(node, "quarantine", f"event {subject}: {reason}", now, subject=subject)
    spent(fleet, result.accepted)
    if name == "jobs":
        for told in _feed(node, result.accepted).values():
            fleet.say(topics.FEED, told, kind="jobs")


def _feed(node: str, accepted: tuple[Message, ...]) -> dict[UUID, FeedJob]:
    """Return the newest of each job: dashboards want to know how it is, not how it became so."""
    newest: dict[UUID, FeedJob] = {}
    for event in accepted:
        if isinstance(event, JOB_EVENTS):
            before = newest.get(event.job)
            placed = event if isinstance(event, JobReleased | JobSettled | CopyBegan) else None
            printer = placed.printer if placed else None
            newest[event.job] = FeedJob(
                job=event.job,
                node=node,
                state=feed_state(event),
                printer=printer or (before.printer if before else None),
                impressions=event.billed.impressions if isinstance(event, JobSettled) else None,
            )
    return newest


def _line(
    conversation: Conversation, name: StreamName, run: Run, result: Ingested, took: timedelta
) -> None:
    batch_line(
        _log,
        action="batch-applied",
        node=conversation.node,
        stream=name,
        first=run.envelopes[0].seq,
        last=result.upto.seq,
        applied=len(result.accepted),
        quarantined=len(result.quarantined),
        took=took,
    )
