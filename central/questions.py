"""What nodes may ask the coordinator: funds for a job, the directory, documents of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics
from broker.codec import Unreadable, decode
from broker.messages import DirectoryRequest, DocumentRequest, FundsRequest, Problem, Reply
from central.births import bring_directory
from central.store import funds
from central.store.ledger import Refused

if TYPE_CHECKING:
    from broker.messages import Request
    from central.fleet import Fleet
    from central.uploading import Uploading

_SERVED: dict[str, type[Request]] = {
    "funds": FundsRequest,
    "directory": DirectoryRequest,
    "document": DocumentRequest,
}


def answer(
    fleet: Fleet,
    node: str,
    method: str,
    payload: bytes,
    now: float,
    uploading: Uploading | None = None,
) -> None:
    """Answer one question; one that cannot be read, or came too late, is not acted on."""
    model = _SERVED.get(method)
    if model is None:
        fleet.alert(node, "question", f"it asked for {method[:80]!r}, which is not served", now)
        return
    read = decode(payload, (model,))
    if isinstance(read, Unreadable):
        fleet.alert(node, "question", f"its {method} request is unreadable: {read.reason}", now)
        return
    asked = read.message
    reply = _reply(fleet, node, asked, now, uploading)
    fleet.say(topics.REPLY, reply, node=node, corr=str(asked.corr))


def _reply(  # noqa: PLR0911  one a question
    fleet: Fleet, node: str, asked: Request, now: float, uploading: Uploading | None
) -> Reply:
    if fleet.clock() >= asked.expires_at:
        return _problem(asked, "expired", "expired", "the question came after its own deadline")
    if node not in fleet.conversations:
        return _problem(asked, "refused", "unborn", "introduce yourself first, by a birth")
    match asked:
        case FundsRequest():
            with fleet.books.write() as tx:
                done = funds.ask(tx, node, asked, fleet.linked(now))
            if isinstance(done, Refused):
                return _problem(asked, "refused", "no-funds", done.reason)
            fleet.grown(done.wake)
            data = done.answer.model_dump(mode="json")
            return Reply(corr=asked.corr, status="ok", data=data)
        case DirectoryRequest():
            bring_directory(fleet, node, asked.cursor)
            return Reply(corr=asked.corr, status="ok")
        case DocumentRequest():
            return _piece(node, asked, uploading)
        case _:
            return _problem(asked, "invalid", "not-served", "this is not asked of the centre")


def _piece(node: str, asked: DocumentRequest, uploading: Uploading | None) -> Reply:
    piece = None if uploading is None else uploading.piece(node, asked)
    if piece is None:
        return _problem(asked, "refused", "gone", "this document is not wanted any more")
    return Reply(corr=asked.corr, status="ok", data=piece.model_dump(mode="json"))


def _problem(asked: Request, status: str, code: str, detail: str) -> Reply:
    problem = Problem(code=code, detail=detail[:1000])
    return Reply.model_validate({"corr": asked.corr, "status": status, "problem": problem})
