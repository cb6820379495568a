"""A pop-up's desk with an edge that a test answers for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from broker.messages import PersonNews, Problem, Reply
from broker.messages.terminals import (
    IdentifyAnswer,
    PrinterHere,
    SiteState,
)
from terminal_bridge.events import Answered, Ask, EdgeBack, News, NoAnswer, TimeUp
from terminal_bridge.popup.desk import step, wake_at
from terminal_bridge.popup.states import Desk, Tell

if TYPE_CHECKING:
    from terminal_bridge.popup.states import Event, Note

NAMES = UUID("018f0000-0000-7000-8000-000000000000")
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
PATIENCE = 300.0


def job_of(number: int) -> UUID:
    """Return the id of the lab's nth job."""
    return uuid5(NAMES, f"job {number}")


def row(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401  any field
    """Return a job as the edge's lists show it."""
    return {
        "job": str(job_of(number)),
        "name": f"{number}.pdf",
        "phase": "held",
        "received_at": NOON.isoformat(),
        "impressions": 6,
        "color_impressions": 2,
        "sheets": 3,
        "outlook": {"printer": "lib-1", "price": None, "question": "Really?", "refusal": None},
        **more,
    }


def yes(data: dict[str, Any] | None = None) -> Reply:
    """Answer with what was asked for."""
    return Reply(corr=NAMES, status="ok", data=data or {})


def no(code: str, detail: str = "for a reason") -> Reply:
    """Refuse."""
    return Reply(corr=NAMES, status="refused", problem=Problem(code=code, detail=detail))


def identity(session: int = 1, **more: Any) -> Reply:  # noqa: ANN401  any field
    """Say who is signed in."""
    answer = IdentifyAnswer(
        session=UUID(int=session), user="ana", display="Ana Ruiz", idle_seconds=60, **more
    )
    return yes(answer.model_dump(mode="json"))


def quote(micros: int = 600_000, **more: Any) -> Reply:  # noqa: ANN401  any field
    """Say what a job would come to."""
    price = [{"account": "user:ana", "unit": "EUR", "micros": micros}]
    return yes({"allowed": True, "price": price, "impressions": 6, **more})


def balance(micros: int = 4_200_000, *choices: str) -> Reply:
    """Say what there is to spend."""

    def wallet(account: str) -> dict[str, Any]:
        return {"account": account, "unit": "EUR", "here": micros}

    return yes({"lists": [[wallet("user:ana")]], "choices": [wallet(each) for each in choices]})


def site(**more: Any) -> SiteState:  # noqa: ANN401  any field
    """Say how the site is."""
    printers = tuple(
        PrinterHere(printer=each, name=each.title(), color=True, two_sided=True)
        for each in ("lib-1", "lib-2")
    )
    fields: dict[str, Any] = {
        "node": "north", "site": "North", "role": "remote", "linked": True, "since": NOON,
        "waiting": 0, "printers": printers,
    }  # fmt: skip
    return SiteState(**{**fields, **more})


def news(what: str, number: int = 1, session: int = 1, **more: Any) -> News:  # noqa: ANN401
    """Say what happened to a job."""
    data = more.pop("data", row(number, outlook=None))
    fields = {"job": job_of(number), "name": f"{number}.pdf", "text": f"{number}.pdf: well?"}
    told = {"session": UUID(int=session), "what": what, "data": data, **fields, **more}
    return News(PersonNews.model_validate(told))


class Bench:
    """Brings events to a desk and keeps what it asked and told."""

    def __init__(self) -> None:
        self.desk = Desk(patience=PATIENCE)
        self.now = 1000.0
        self.asks: list[Ask] = []
        self.told: list[Note] = []

    def happens(self, event: Event, after: float = 0.0) -> None:
        """Let something happen."""
        self.now += after
        self.desk, actions = step(self.desk, event, self.now)
        for action in actions:
            if isinstance(action, Ask):
                self.asks.append(action)
            elif isinstance(action, Tell):
                self.told.append(action.note)
        due = wake_at(self.desk)
        assert due is None or due > self.now, "what is due is done at once"

    def passes(self, seconds: float) -> None:
        """Let time pass, waking the desk whenever it wants."""
        end = self.now + seconds
        while (due := wake_at(self.desk)) is not None and due <= end:
            self.now = due
            self.happens(TimeUp())
        self.now = end

    def open(self) -> dict[str, int]:
        """Return what is asked and not answered: method → number of the last such question."""
        return {each.method: each.number for each in self.asks if each.number in self.desk.asks}

    def answer(self, method: str, reply: Reply | None) -> None:
        """Answer the last open question of a kind; None: there is no answer."""
        number = self.open()[method]
        self.happens(NoAnswer(number) if reply is None else Answered(number, reply))

    def asked(self, method: str) -> list[dict[str, Any]]:
        """Return all questions of a kind."""
        return [dict(each.fields) for each in self.asks if each.method == method]

    def kinds(self) -> list[str]:
        """Return what was told at the tray, in order."""
        return [each.kind for each in self.told]

    def signed_in(self, *rows: dict[str, Any]) -> Bench:
        """Let the edge be there, and know whose pop-up it is."""
        self.happens(EdgeBack())
        self.answer("identify", identity())
        self.answer("jobs", yes({"jobs": list(rows), "more": False}))
        self.answer("balance", balance())
        return self
