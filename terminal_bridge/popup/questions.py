"""One job's question at a pop-up: what it would cost, the person's answer, what became of it; pure.

Nothing is printed unless the person said yes and the edge said so too; whatever else happens, a job
stays held.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, assert_never

from broker.messages.terminals import (
    QuoteAnswer,
)
from terminal_bridge.popup.rows import read_row
from terminal_bridge.popup.states import (
    QUESTIONS,
    Canceling,
    Chosen,
    Later,
    Opened,
    Question,
    Quoting,
    Releasing,
    Throw,
    Yes,
)
from terminal_bridge.popup.turn import own_words, read

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Reply
    from broker.messages.terminals import (
        PersonNews,
    )
    from terminal_bridge.popup.rows import JobRow
    from terminal_bridge.popup.states import Wanted
    from terminal_bridge.popup.turn import Turn

#: The reason of a refusal that is a question.
_ANSWER_NEEDED: Final = "answer-needed"
#: The job is not held any more.
_OVER: Final = frozenset({"not-held", "not-found"})


def asked(turn: Turn, news: PersonNews, row: JobRow | None) -> None:
    """Let a rule ask."""
    turn.refresh()
    if news.job is None:
        return
    known = turn.question(news.job)
    if known is not None:
        if not known.busy:
            turn.put(replace(known, text=own_words(news), asked=True))
        return
    if len(turn.desk.questions) >= QUESTIONS:
        turn.note("asks", news.job, news.name, own_words(news), row=row)
        return
    question = Question(
        news.job, news.name, own_words(news), asked=True, row=row, born=turn.desk.number
    )
    turn.set(questions=(*turn.desk.questions, question))
    if row is not None and row.outlook is not None:
        learn(turn, question, row)


def wanted(turn: Turn, event: Wanted) -> None:  # noqa: C901, PLR0912  a line for each event
    """Do what the person wants."""
    question = turn.question(event.job)
    if question is not None and question.busy:
        return  # pressed twice
    match event:
        case Opened():
            _open(turn, event.job)
        case Later():
            if question is not None:
                turn.drop(event.job)
                turn.note("kept", event.job, question.name)
        case Chosen():
            if question is not None:
                _choose(turn, question, event)
        case Yes():
            if question is None:
                turn.note("too-late", event.job, turn.name(event.job))
            elif question.printer is not None and turn.desk.who is not None:
                # a yes is to what was read, and to no other question
                read_it = bool(question.text) and not question.moved
                act(turn, Releasing(event.job, question.printer, question.account, read_it))
        case Throw():
            if question is None and event.job not in turn.desk.jobs:
                turn.note("too-late", event.job)
            elif turn.desk.who is not None:
                act(turn, Canceling(event.job))
        case _:
            assert_never(event)


def learn(turn: Turn, question: Question, row: JobRow) -> None:
    """Learn where a job would be printed, and what that comes to."""
    site = turn.desk.site
    likely = row.outlook.printer if row.outlook else None
    first = site.printers[0].printer if site is not None and site.printers else None
    turn.put(replace(question, row=row, printer=question.printer or likely or first))
    if question.quote is None:
        _quote(turn, question.job)


def close_late(turn: Turn) -> None:
    """Close the question in front when its time is over; the next one's time begins then."""
    while turn.desk.questions:
        front = turn.desk.questions[0]
        if not front.asked or front.busy:
            return
        if front.until is None:
            turn.put(replace(front, until=turn.now + turn.desk.patience))
            return
        if front.until > turn.now:
            return
        turn.drop(front.job)
        turn.note("unanswered", front.job, front.name)


def _open(turn: Turn, job: UUID) -> None:
    """Ask about a job of the list, before whatever else is asked."""
    row, known = turn.desk.jobs.get(job), turn.question(job)
    if known is None:
        if row is None:
            turn.note("too-late", job)
            return
        text = (row.outlook.question if row.outlook else None) or ""
        known = Question(job, row.name, text, row=row, born=turn.desk.number)
    # nobody sees the others meanwhile, so their time does not pass
    others = (replace(each, until=None) for each in turn.desk.questions if each.job != job)
    turn.set(questions=(known, *others)[:QUESTIONS])
    if row is not None:
        learn(turn, known, row)


def _choose(turn: Turn, question: Question, event: Chosen) -> None:
    where = event.printer or question.printer
    moved = question.moved or (where, event.account) != (question.printer, question.account)
    chosen = replace(question, printer=where, account=event.account, moved=moved, quote=None)
    turn.put(replace(chosen, trouble="", code=""))
    _quote(turn, event.job)


# ── the edge is asked ───────────────────────────────────────────────────────────────────────


def act(turn: Turn, purpose: Releasing | Canceling) -> None:
    """Have a job released or thrown away."""
    question = turn.question(purpose.job)
    if question is not None:
        busy = replace(question, busy="releasing", trouble="", code="")
        turn.put(busy if isinstance(purpose, Releasing) else replace(busy, busy="canceling"))
    fields: dict[str, Any] = {"job": str(purpose.job), "person": turn.person()}
    if isinstance(purpose, Canceling):
        turn.ask(purpose, "cancel", fields)
        return
    fields |= {"printer": purpose.printer, "confirmed": purpose.confirmed}
    if purpose.account is not None:
        fields["account"] = purpose.account
    turn.ask(purpose, "release", fields)


def _quote(turn: Turn, job: UUID) -> None:
    question = turn.question(job)
    if question is None or question.printer is None or turn.desk.who is None:
        return
    fields: dict[str, Any] = {
        "job": str(job),
        "printer": question.printer,
        "person": turn.person(),
        "confirmed": True,
    }
    if question.account is not None:
        fields["account"] = question.account
    turn.ask(Quoting(job, question.printer, question.account), "quote", fields)


# ── and answers ─────────────────────────────────────────────────────────────────────────────


def acted(
    turn: Turn, purpose: Releasing | Canceling, reply: Reply | None, code: str, detail: str
) -> None:
    """Take in what became of a release or of throwing away."""
    turn.refresh()
    job, name = purpose.job, turn.name(purpose.job)
    question = turn.question(job)
    if reply is None:
        # it may have been done all the same: the list will show it
        troubled(turn, job, "no-answer", "")
        turn.note("no-answer", job, name)
    elif reply.status == "ok":
        turn.drop(job)
        done = read_row(reply.data.get("job"))
        turn.note("released" if isinstance(purpose, Releasing) else "canceled", job, name, row=done)
    elif code in _OVER:
        turn.drop(job)
        turn.note("gone", job, name, detail)
    elif code == _ANSWER_NEEDED and question is not None:
        # another question than was read, if any was
        turn.put(
            replace(question, text=detail, asked=True, moved=False, busy="", code=code, quote=None)
        )
        _quote(turn, job)
    else:
        troubled(turn, job, code, detail)
        if question is None:
            turn.note("refused", job, name, detail, code)


def quoted(turn: Turn, purpose: Quoting, reply: Reply | None, code: str, detail: str) -> None:
    """Take in what a job would come to, unless something else was chosen meanwhile."""
    question = turn.question(purpose.job)
    asked_for = (purpose.printer, purpose.account)
    if question is None or (question.printer, question.account) != asked_for:
        return
    quote = read(QuoteAnswer, reply)
    if quote is not None:
        turn.put(replace(question, quote=quote))
    elif code in _OVER:
        turn.drop(purpose.job)
        turn.note("gone", purpose.job, question.name, detail)
    elif reply is not None:
        troubled(turn, purpose.job, code, detail)


def troubled(turn: Turn, job: UUID, code: str, detail: str) -> None:
    """Say at a question why its answer did not do it; it can be answered again."""
    question = turn.question(job)
    if question is not None:
        turn.put(replace(question, busy="", code=code, trouble=detail))
