"""Takes the questions of terminals, panels and the command line; each is acted on once."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.codec import Unreadable, decode
from broker.topics import METHODS
from edge.answers.words import no
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from broker.messages import Reply, Request
    from edge.answers.words import Answers
    from edge.ports import Clock

#: Questions of one node that are answered at the same time; who asks more is told so.
_AT_ONCE = 32
#: Answers kept to what changes something, so that a question that comes twice is acted on once: of
#: each node, lest a noisy one take the others' place.
_KEPT = 200


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nothing is to be said: nobody could read it, or it is being answered."""

    reason: str
    """For the log."""


class Requests:
    """The edge's side of `req/{method}` on its own broker."""

    def __init__(
        self, subjects: Sequence[Answers], *, operators: frozenset[str], clock: Clock
    ) -> None:
        """Take who answers.

        Args:
            subjects: each answers some kinds of questions.
            operators: nodes that may ask as much as they like.
            clock: the time.
        """
        self._answering = {kind: each for one in subjects for kind, each in one.answers.items()}
        self._once = frozenset(kind for one in subjects for kind in one.once)
        self._operators = operators
        self._clock = clock
        self._answers: defaultdict[str, OrderedDict[UUID, Reply]] = defaultdict(OrderedDict)
        self._under_way: set[tuple[str, UUID]] = set()

    async def answer(self, node: str, method: str, payload: bytes) -> Reply | Unanswered:
        """Answer one question; acted on once, however often it comes."""
        model = METHODS.get(method)
        received = decode(payload, (model,) if model else ())
        if isinstance(received, Unreadable):
            return Unanswered(received.reason)
        return await self.asked(node, received.message)

    async def asked(self, node: str, question: Request) -> Reply | Unanswered:
        """Answer one question that was read already; acted on once, however often it comes."""
        key = (node, question.corr)
        if (known := self._answers.get(node)) is not None and question.corr in known:
            return known[question.corr]
        if key in self._under_way:
            return Unanswered("it came twice and is being answered")
        if question.expires_at <= self._clock():
            return no(question, "expired", "expired", "the question came too late; ask again")
        theirs = sum(asker == node for asker, _ in self._under_way)
        if theirs >= _AT_ONCE and node not in self._operators:
            detail = f"{_AT_ONCE} questions of {node} are being answered; ask again in a moment"
            return no(question, "failed", "busy", detail)
        self._under_way.add(key)
        try:
            reply = await self._act(node, question)
        finally:
            self._under_way.discard(key)
        if type(question) in self._once and reply.status != "failed":
            kept = self._answers[node]
            kept[question.corr] = reply
            if len(kept) > _KEPT:
                kept.popitem(last=False)
        return reply

    async def _act(self, node: str, question: Request) -> Reply:
        answer = self._answering.get(type(question))
        if answer is None:
            return no(question, "invalid", "unknown-method", "not answered here")
        try:
            return await answer(node, question)
        except StoreUnwritableError as error:
            detail = f"the site cannot write: {error}; nothing was released or charged"
            return no(question, "failed", "store-unwritable", detail)
        except SpoolerUnavailableError as error:
            detail = f"the print system does not answer: {error}; try again in a moment"
            return no(question, "failed", "spooler-unavailable", detail)
        except SpoolerRefusedError as error:
            detail = f"the print system will not do it: {error}"
            return no(question, "failed", "spooler-refused", detail)
