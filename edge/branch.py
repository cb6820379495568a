"""How this edge's journal ends when the centre does not go on with it: told, stopped, put away.

The centre asks for our own branch of a stream (`report-branch`) and has the journal retired
(`retire-journal`): first nothing new is released and what runs settles, then, once the centre has
everything, the journal is put beside with its date and a new one begins. What was decided is
durable before it is done, so a crash between any two lines goes on from there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from broker.messages import CommandState, ReportedEvents
from broker.stream_outbound import fitting
from config.logs import logger
from edge.release import Phase
from edge.store.books import UP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from broker.messages import Command, StreamName
    from edge.ports import Clock
    from edge.store.books import Books

_log = logger("edge.branch")

#: Room for the events of one answer; the rest of the message is its frame.
_ROOM: Final = 48 * 1024
_MOST: Final = 200
_MARK: Final = "next-journal.json"
_JOURNAL: Final = "journal"
#: Note in the journal: nothing is released from it any more.
RETIRING: Final = "retiring"


def branch(books: Books, command: Command) -> CommandState:
    """Answer with our own events behind a place; reads only."""
    name = _stream(command.args.get("stream"))
    if name is None:
        return _failed(command, f"there is no stream {command.args.get('stream')!r} up")
    first = max(0, _number(command.args.get("after"))) + 1
    most = min(_MOST, _number(command.args.get("most")) or _MOST)
    head = books.head(name)
    last = min(head.seq, first + most - 1)
    events = fitting(books.events(name, first, last), _ROOM) if first <= last else ()
    told = ReportedEvents(stream=name, head=head, events=events)
    return CommandState(id=command.id, state="successful", data=told.model_dump(mode="json"))


class Retirement:
    """The end of the journal that is open."""

    def __init__(
        self, books: Books, data: Path, *, again: Callable[[], None], clock: Clock
    ) -> None:
        """Take what it rests on.

        Args:
            books: on the journal.
            data: where the journal's directory is.
            again: begins anew with the next journal, once the answer is out.
            clock: the time, for the name of what is put away.
        """
        self._books = books
        self._data = data
        self._again = again
        self._clock = clock

    def obey(self, command: Command) -> CommandState:
        """Stop, or put the journal away; each may be asked for again.

        Raises:
            StoreUnwritableError: nothing was changed; the centre asks again.
        """
        args = command.args
        if args.get("incarnation") != str(self._books.incarnation):
            # we have done it, and the answer was lost
            return CommandState(id=command.id, state="successful", detail="it is put away")
        if args.get("step") == "stop":
            return self._stop(command)
        if args.get("step") == "archive":
            return self._archive(command)
        return _failed(command, f"{args.get('step')!r} is no step of retiring a journal")

    def _stop(self, command: Command) -> CommandState:
        if self._books.note(RETIRING) is None:
            self._books.remember(RETIRING, str(command.id))
            _log.warning("this journal is being closed", action="retire-stop")
        running = self._unsettled()
        data: dict[str, Any] = {"running": running}
        data |= {name: self._books.head(name).seq for name in UP}
        return CommandState(id=command.id, state="successful", data=data)

    def _unsettled(self) -> int:
        """Return how many jobs have still to be settled: in a journal put away nobody would.

        Disputes are ended soon, by policy; one that cannot be keeps nobody waiting, it is flagged.
        """
        disputed = self._books.jobs(Phase.DISPUTED)
        ending = sum(each.deadline is not None and each.expected is not None for each in disputed)
        return self._books.count_jobs().get(Phase.RELEASING.value, 0) + ending

    def _archive(self, command: Command) -> CommandState:
        books = self._books
        ledger = books.head("ledger").seq
        if books.note(RETIRING) is None:
            return _failed(command, "the site was not stopped before")
        if self._unsettled():
            return _failed(command, "jobs are still running here")
        if _number(command.args.get("ledger")) != ledger:
            return _failed(command, f"the ledger has gone on to event {ledger} here")
        incarnation = books.incarnation
        beside = f"journal-{self._clock():%Y-%m-%d}-{incarnation}"
        code = str(command.args.get("code", ""))
        try:
            _write(self._data, Next(code, beside))
        except OSError as error:
            return _failed(command, f"it cannot be put away: {error.strerror}")
        books.end()  # what it would say from now on, nobody would hear
        _log.warning("this journal is put away", action="retire-archive", into=beside)
        self._again()
        return CommandState(id=command.id, state="successful", detail=f"it becomes {beside}")


@dataclass(frozen=True, slots=True)
class Next:
    """What is to happen when the edge starts the next time."""

    code: str
    """The enrolment code of the journal that comes next."""
    beside: str
    """The name that the present one gets, unless it has it already."""


def put_away(data: Path) -> Next | None:
    """Finish what was decided before: put the old journal beside; before any store is opened.

    Raises:
        OSError: it cannot be done; nothing may be opened.
    """
    due = _read(data)
    if due is None:
        return None
    if not (data / due.beside).exists() and (data / _JOURNAL).exists():
        (data / _JOURNAL).rename(data / due.beside)
        _sync(data)
        _log.warning("the old journal is put away", action="retired", into=due.beside)
    return due


def accepted(data: Path, due: Next) -> None:
    """The centre has taken the new journal in: the code is used.

    Args:
        data: the edge's data.
        due: what `put_away` returned; what was decided since then stays.
    """
    if _read(data) == due:
        (data / _MARK).unlink()


def _read(data: Path) -> Next | None:
    try:
        read = json.loads((data / _MARK).read_text())
    except FileNotFoundError:
        return None
    return Next(str(read["code"]), str(read["beside"]))


def _write(data: Path, due: Next) -> None:
    part = data / f"{_MARK}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, json.dumps({"code": due.code, "beside": due.beside}).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.rename(data / _MARK)
    _sync(data)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(command: Command, why: str) -> CommandState:
    return CommandState(id=command.id, state="failed", detail=why)


def _number(text: object) -> int:
    return int(text) if isinstance(text, int | str) and str(text).isdigit() else 0


def _stream(name: object) -> StreamName | None:
    return next((each for each in UP if each == name), None)
