"""Ends journals that the books do not go on with, step by step, by commands to their edges.

Each step is one transaction and is stored with what it did, so whoever dies goes on where it was;
a command that is not answered is given again. What is booked is `store.forks` and `writeoff`.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from broker import topics
from broker.messages import Command, ReportedEvents
from broker.messages.base import Count, Sequence
from central.store import audit, closures, commands, forks, nodes, streams, writeoff
from central.store.books import BooksUnwritable
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.messages import CommandState
    from central.fleet import Fleet
    from central.store.books import Books, Transaction
    from central.store.closures import Closure
    from central.store.commands import CommandRecord

_log = logger("central.retiring")

#: How long an answer is waited for before the question is put again.
PATIENCE: Final = timedelta(seconds=20)
#: How long a site with running jobs is left alone.
PAUSE: Final = timedelta(seconds=2)
_CODE_BYTES: Final = 15
#: Seconds after a birth, answered or not, within which a node is there to be told something.
_RECENT: Final = 150.0


class _Stopped(BaseModel):
    """What an edge answers to `stop`; all of it, or its journal is another one by now."""

    model_config = ConfigDict(frozen=True, strict=True)

    running: Count
    """Jobs under way."""
    ledger: Sequence
    """Where its streams end."""
    jobs: Sequence


class Retiring:
    """Looks after the ends of journals; a look costs one small query when something changed."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._active: list[Closure] = []
        self._more = False
        self._heard: dict[str, float] = {}

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more

    def look(self, now: float) -> None:
        """Do one step of each end that is under way; `now` in seconds that never jump."""
        fleet = self._fleet
        token = fleet.books.change_token()
        if token != self._token or self._active:
            with fleet.books.read() as tx:
                self._active = closures.active(tx)
            self._token = token
        self._more = False
        for closed in self._active:
            try:
                self._step(closed, now)
            except BooksUnwritable:
                raise
            except Exception:  # noqa: BLE001  once per journal: nobody else waits for this one
                _log.exception("an end stands still", action="retire-failed", node=closed.node)

    def _step(self, closed: Closure, now: float) -> None:
        fleet = self._fleet
        there = now - self._heard.get(closed.node, -_RECENT) < _RECENT
        there = there or closed.node in fleet.presence.linked(now)
        step = advance(fleet.books, closed, fleet.dice, there=there)
        self._more |= step.more
        if step.command is not None:
            # whoever is frozen is not spoken with, but does as it is told
            id_ = str(step.command.id)
            fleet.say(topics.COMMAND, step.command, node=closed.node, id=id_)

    def told(self, node: str, told: CommandState) -> None:
        """An answer was stored: go on at once if it is to one of ours."""
        if any(closed.node == node and closed.command == told.id for closed in self._active):
            self._more = True

    def born(self, node: str, now: float) -> None:
        """A node is there: what it was told before may have been lost."""
        self._heard[node] = now
        if any(closed.node == node for closed in self._active):
            with self._fleet.books.write() as tx:
                for closed in closures.of(tx, node):
                    if closed.step not in closures.RESTING:
                        closures.change(tx, closed, asked_at=None)
            self._more = True


class Step:
    """What one step came to."""

    __slots__ = ("command", "more")

    def __init__(self, command: Command | None = None, *, more: bool = False) -> None:
        self.command = command
        self.more = more


def advance(
    books: Books, seen: Closure, dice: Callable[[int], bytes], *, there: bool = True
) -> Step:
    """Do one step of one journal's end, in one transaction.

    Args:
        books: the books.
        seen: which journal's.
        dice: randomness, for the code of the next journal.
        there: whether its edge can be told something.
    """
    with books.write() as tx:
        closed = closures.find(tx, seen.node, seen.incarnation)
        if closed is None or closed.step in closures.RESTING:
            return Step()
        if closed.step == "booking":
            return _book(tx, closed)
        if closed.step == "draining":
            return _drain(tx, closed)
        answer = commands.find(tx, closed.command) if closed.command else None
        if answer is not None and answer.over and answer.state != "expired":
            return _answered(tx, closed, answer)
        waits = closed.asked_at is not None and tx.now - closed.asked_at < PATIENCE
        if waits or not there:
            return Step()
        return Step(_ask(tx, closed, dice))


def _ask(tx: Transaction, closed: Closure, dice: Callable[[int], bytes]) -> Command:
    """Give the command of this step."""
    what, args = "retire-journal", {"incarnation": str(closed.incarnation)}
    if closed.step == "stopping":
        args |= {"step": "stop"}
    elif closed.step == "archiving":
        closed = _let_in(tx, closed, dice)
        code = closed.code or ""
        args |= {"step": "archive", "code": code, "ledger": str(closed.heads.get("ledger", 0))}
    else:
        name = _missing(closed)
        what, after = "report-branch", forks.after(tx, closed, name)
        args = {"stream": name, "after": str(after)}
    until = tx.now + PATIENCE
    # the code is in the closure alone; the books' list of commands needs no second copy
    kept = {key: value for key, value in args.items() if key != "code"}
    id_ = commands.order(tx, closed.node, what, dict(kept), until)
    commands.sent(tx, id_)
    closures.change(tx, closed, command=id_, asked_at=tx.now)
    return Command.model_validate({"id": id_, "command": what, "args": args, "expires_at": until})


def _answered(tx: Transaction, closed: Closure, answer: CommandRecord) -> Step:
    if answer.state == "failed":
        return _failed(tx, closed, answer.detail)
    if closed.step == "stopping":
        return _stopped(tx, closed, answer.data)
    if closed.step == "archiving":
        closures.change(tx, closures.go(tx, closed, "done"), code=None)
        detail = {"incarnation": str(closed.incarnation), **closed.result}
        audit.note(
            tx, author=closed.author, act=f"{closed.kind} over", target=closed.node, detail=detail
        )
        _log.info("a journal is retired", action="retired", node=closed.node)
        return Step()
    try:
        told = ReportedEvents.model_validate(answer.data)
    except ValidationError:
        return _failed(tx, closed, "its program is too old to report; bring it up to date")
    match forks.keep(tx, closed, told):
        case forks.Foreign(reason):
            forks.forget(tx, closed)
            return _failed(tx, closed, reason)
        case forks.More():
            _again(tx, closed)
        case forks.Whole():
            _collected(tx, closed, told)
    return Step(more=True)


def _failed(tx: Transaction, closed: Closure, why: str) -> Step:
    """Rest, or begin again where the edge has gone on meanwhile."""
    if closed.step == "archiving":
        # it has said more since it was asked: that comes first
        at = closures.go(tx, closed, "stopping", why)
        closures.change(tx, at, asked_at=tx.now - PATIENCE + PAUSE)
        return Step()
    _log.warning(why, action="retire-failed", node=closed.node, step=closed.step)
    closures.go(tx, closed, "open", why)
    return Step()


def _stopped(tx: Transaction, closed: Closure, data: dict[str, Any]) -> Step:
    """Go on once nothing runs at the site any more."""
    try:
        told = _Stopped.model_validate(data)
    except ValidationError:
        return _failed(tx, closed, "its answer makes no sense; is another journal there by now?")
    heads = {**closed.heads, "ledger": told.ledger, "jobs": told.jobs}
    closed = closures.change(tx, closed, heads=heads)
    if told.running:
        at = closures.change(tx, closed, detail=f"{told.running} jobs are still running there")
        # asked again in a moment, not at once
        closures.change(tx, at, command=None, asked_at=tx.now - PATIENCE + PAUSE)
        return Step()
    if closed.kind == "write-off" and not closed.heads.get("forked"):
        closures.go(tx, closed, "draining")
    else:
        heads = {key: n for key, n in closed.heads.items() if not key.startswith("whole ")}
        closures.go(tx, closures.change(tx, closed, heads=heads), "collecting")
    return Step(more=True)


def _collected(tx: Transaction, closed: Closure, told: ReportedEvents) -> None:
    at = closures.find(tx, closed.node, closed.incarnation) or closed
    at = closures.change(tx, at, heads={**at.heads, f"whole {told.stream}": told.head.seq})
    if any(f"whole {name}" not in at.heads for name in forks.NAMES):
        _again(tx, at)
        return
    closures.go(tx, at, "open" if at.step == "looking" else "booking")


def _missing(closed: Closure) -> Any:  # noqa: ANN401  one of the stream names
    return next((n for n in forks.NAMES if f"whole {n}" not in closed.heads), forks.NAMES[0])


def _again(tx: Transaction, closed: Closure) -> None:
    at = closures.find(tx, closed.node, closed.incarnation) or closed
    closures.change(tx, at, command=None, asked_at=None)


def _book(tx: Transaction, closed: Closure) -> Step:
    """Book the next slice of the edge's branch, then give the next accounts theirs back."""
    if forks.book_slice(tx, closed) or forks.return_slice(tx, _now(tx, closed)):
        return Step(more=True)
    closed = _now(tx, closed)
    if closed.kind == "write-off":
        closed = writeoff.settle(tx, closed)
    forks.close(tx, closed)
    if "whole ledger" not in closed.heads:
        # booked without the edge's branch: it is asked for it when it is there
        closures.go(tx, closed, "open", "what is known is booked; its own branch is missing")
        return Step()
    heads = {**closed.heads, "ledger": closed.heads["whole ledger"]}
    return _last(tx, closures.change(tx, closed, heads=heads))


def _drain(tx: Transaction, closed: Closure) -> Step:
    """Wait until all that a written-off journal has to tell is in; settle what is left."""
    for name in forks.NAMES:
        at = streams.open_stream(tx, closed.node, closed.incarnation, "up", name).at
        if at.seq < closed.heads.get(name, 0):
            return Step()
    return _last(tx, writeoff.settle(tx, closed))


def _last(tx: Transaction, closed: Closure) -> Step:
    """Have the journal put away, unless another one has taken its place already."""
    known = nodes.find(tx, closed.node)
    if known is not None and known.incarnation is not None:
        why = "all of it is in; another journal has taken its place, switch this machine off"
        closures.go(tx, closed, "done", why)
        return Step()
    closures.go(tx, closed, "archiving")
    return Step(more=True)


def _let_in(tx: Transaction, closed: Closure, dice: Callable[[int], bytes]) -> Closure:
    """Make the code for the journal that comes next; none where one has come already."""
    known = nodes.find(tx, closed.node)
    if closed.code is not None or known is None or known.incarnation is not None:
        return closed
    code = base64.urlsafe_b64encode(dice(_CODE_BYTES)).decode().rstrip("=")
    nodes.enrol(tx, closed.node, code)
    return closures.change(tx, closed, code=code)


def _now(tx: Transaction, closed: Closure) -> Closure:
    return closures.find(tx, closed.node, closed.incarnation) or closed
