"""What a pop-up does about what happens: the edge there or not, its answers, its news; pure.

The shell brings events one after the other, carries out the actions in their order, and wakes it
at `wake_at`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, assert_never

from broker.messages.terminals import (
    BalanceAnswer,
    IdentifyAnswer,
)
from terminal_bridge.events import Answered, EdgeBack, EdgeLost, News, NoAnswer, TimeUp
from terminal_bridge.popup import questions
from terminal_bridge.popup.rows import read_row, read_rows
from terminal_bridge.popup.states import (
    Canceling,
    Chosen,
    Identifying,
    Later,
    Listing,
    Opened,
    Quoting,
    Releasing,
    SiteSaid,
    Throw,
    Weighing,
    Yes,
)
from terminal_bridge.popup.turn import Turn, own_words, read, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Reply
    from broker.messages.terminals import (
        PersonNews,
    )
    from terminal_bridge.popup.states import Action, Desk, Event, Purpose

#: Seconds until the edge is asked again who this is: after silence, and after a no.
_SILENCE: Final = 5.0
_BARRED: Final = 60.0
#: News can be lost on the way; a list that is so old is asked for anew.
_STALE: Final = 300.0
#: Jobs on the list at most; the edge lets nobody have many more.
_LISTED: Final = 200
#: The reason of a refusal that says who is signed in no more.
_NO_IDENTITY: Final = "no-identity"


def step(desk: Desk, event: Event, now: float) -> tuple[Desk, tuple[Action, ...]]:
    """Return the pop-up after an event, and what is to be done, in this order.

    Args:
        desk: before.
        event: what happened.
        now: seconds, on a clock that never goes back.
    """
    turn = Turn(desk, now)
    match event:
        case EdgeBack():
            turn.set(here=True, identify_at=now)
        case EdgeLost():
            _edge_lost(turn)
        case SiteSaid(site=site):
            turn.set(site=site)
        case News(news=news):
            _news(turn, news)
        case Answered(ask=ask, reply=reply):
            _answered(turn, ask, reply)
        case NoAnswer(ask=ask):
            _answered(turn, ask, None)
        case Yes() | Throw() | Later() | Opened() | Chosen():
            questions.wanted(turn, event)
        case TimeUp():
            pass
        case _:
            assert_never(event)
    _time(turn)
    return turn.desk, tuple(turn.actions)


def wake_at(desk: Desk) -> float | None:
    """Return when TimeUp is due; None: not by itself."""
    front = desk.questions[0] if desk.questions else None
    due = [front.until] if front is not None and not front.busy else []
    if desk.here and desk.who is None:
        due.append(None if _under_way(desk, Identifying) else desk.identify_at)
    elif desk.here:
        due.append(None if _under_way(desk, Listing) else desk.jobs_at)
        due += [None] if _under_way(desk, Weighing) else [desk.balance_at, desk.touch_at]
    return min((each for each in due if each is not None), default=None)


def _time(turn: Turn) -> None:
    """Do what is due."""
    now = turn.now
    questions.close_late(turn)
    desk = turn.desk
    if not desk.here:
        return
    if desk.who is None:
        if _due(desk.identify_at, now) and not _under_way(desk, Identifying):
            turn.set(identify_at=None)
            turn.ask(Identifying(), "identify", {})
        return
    if _due(desk.jobs_at, now) and not _under_way(desk, Listing):
        turn.set(jobs_at=now + _STALE, listed=now)
        _list(turn, Listing(began=turn.desk.number + 1))
    owed = _due(desk.balance_at, now) or _due(desk.touch_at, now)
    if owed and not _under_way(desk, Weighing):
        turn.set(balance_at=None, weighed=now)
        turn.ask(Weighing(), "balance", {"person": turn.person()})


def _edge_lost(turn: Turn) -> None:
    turn.set(here=False, who=None, identify_at=None, touch_at=None)
    for each in turn.desk.again:
        # whenever the edge is back, the person decides anew
        questions.troubled(turn, each.job, "no-answer", "")
    turn.set(again=())


# ── answers ─────────────────────────────────────────────────────────────────────────────────


def _answered(turn: Turn, number: int, reply: Reply | None) -> None:
    """Take in an answer; None: there was none."""
    found = turn.desk.asks.get(number)
    if found is None:
        return
    purpose, session = found
    left = {key: each for key, each in turn.desk.asks.items() if key != number}
    turn.set(asks=MappingProxyType(left))
    code, detail = refusal(reply)
    if isinstance(purpose, Identifying):
        _identified(turn, reply, code, detail)
    elif code == _NO_IDENTITY:
        who = turn.desk.who
        _signed_off(turn, purpose, already=who is not None and who.session != session)
    else:
        _told(turn, purpose, reply, code, detail)


def _identified(turn: Turn, reply: Reply | None, code: str, detail: str) -> None:
    who = read(IdentifyAnswer, reply)
    if not turn.desk.here:
        return
    if who is None and (reply is None or reply.status != "refused"):
        turn.set(identify_at=turn.now + _SILENCE)
        return
    if who is None:
        # whose this was may not print: nothing of theirs stays on the screen
        turn.set(barred=(code, detail), identify_at=turn.now + _BARRED, balance=None)
        turn.set(jobs=MappingProxyType({}), questions=(), again=())
        return
    again = turn.desk.again
    turn.set(who=who, barred=None, again=(), jobs_at=turn.now, balance_at=turn.now)
    for each in again:
        questions.act(turn, replace(each, again=True))


def _signed_off(turn: Turn, purpose: Purpose, *, already: bool) -> None:
    """Sign in again: sessions end, and this is a terminal of one person.

    Args:
        turn: this one.
        purpose: what was not answered for it.
        already: that was done meanwhile.
    """
    if isinstance(purpose, Releasing | Canceling):
        if purpose.again:
            questions.troubled(turn, purpose.job, _NO_IDENTITY, "")
        elif already:
            questions.act(turn, replace(purpose, again=True))
        else:
            turn.set(again=(*turn.desk.again, purpose))
    if already:
        turn.refresh()
    else:
        turn.set(who=None, identify_at=turn.now)


def _told(turn: Turn, purpose: Purpose, reply: Reply | None, code: str, detail: str) -> None:
    match purpose:
        case Listing():
            _listed(turn, purpose, reply)
        case Weighing():
            balance = read(BalanceAnswer, reply)
            if balance is not None:
                turn.set(balance=balance)
        case Quoting():
            questions.quoted(turn, purpose, reply, code, detail)
        case Releasing() | Canceling():
            questions.acted(turn, purpose, reply, code, detail)
        case Identifying():
            raise RuntimeError("is answered apart")
        case _:
            assert_never(purpose)


def _list(turn: Turn, purpose: Listing) -> None:
    fields: dict[str, Any] = {"person": turn.person()}
    if purpose.found:
        fields["after"] = str(purpose.found[-1].job)
    turn.ask(purpose, "jobs", fields)


def _listed(turn: Turn, purpose: Listing, reply: Reply | None) -> None:
    if reply is None or reply.status != "ok":
        turn.set(jobs_at=turn.now + _SILENCE)
        return
    rows = tuple(read_rows(reply.data.get("jobs")))
    found, more = (*purpose.found, *rows), bool(reply.data.get("more"))
    if more and rows and len(found) < _LISTED and turn.desk.who is not None:
        _list(turn, replace(purpose, found=found))
        return
    jobs = {each.job: each for each in found}
    turn.set(jobs=MappingProxyType(jobs))
    for question in turn.desk.questions:
        row = jobs.get(question.job)
        if row is not None:
            questions.learn(turn, question, row)
        elif not (more or question.busy or question.born >= purpose.began):
            turn.drop(question.job)  # answered elsewhere, and the news of it was lost


# ── news ────────────────────────────────────────────────────────────────────────────────────


def _news(turn: Turn, news: PersonNews) -> None:
    """Take in what the edge tells unasked; of another session it is nobody's business here."""
    if turn.desk.who is None or news.session != turn.desk.who.session:
        return
    row, code = read_row(news.data), _code(news.data)
    match news.what:
        case "money":
            turn.refresh(jobs=False)
        case "signed-off":
            again = turn.now + _SILENCE
            turn.set(who=None, barred=(code, news.text), identify_at=again, again=())
        case "asks":
            questions.asked(turn, news, row)
        case "card":
            turn.note("card", None, text=news.text)
        case "held" | "refused" | "flagged":
            turn.refresh()
            turn.note(news.what, news.job, news.name, own_words(news), code, row)
        case "released" | "settled" | "canceled":
            turn.refresh()
            if news.job is not None:
                turn.drop(news.job)
            turn.note(news.what, news.job, news.name, own_words(news), code, row)
        case _:
            assert_never(news.what)


def _code(data: Mapping[str, Any]) -> str:
    return next((str(data[key]) for key in ("reason", "disposition", "cause") if data.get(key)), "")


def _due(at: float | None, now: float) -> bool:
    return at is not None and at <= now


def _under_way(desk: Desk, purpose: type[Purpose]) -> bool:
    return any(isinstance(each, purpose) for each, _ in desk.asks.values())
