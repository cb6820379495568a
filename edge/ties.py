"""Terminals tied to the machine they stand beside: nothing leaves a machine that nobody is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import CopyBeginRequest, IdentifyRequest, ReleaseRequest
from edge.answers.words import no

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Reply, Request
    from edge.answers.words import Answer, Answers


class Ties:
    """Which machine each terminal stands beside, as it said last; forgotten with the process.

    With the process every session ends too, and who identifies again says it again.
    """

    def __init__(self, *, elsewhere: bool) -> None:
        """Begin with no terminal tied.

        Args:
            elsewhere: the site lets people release at other machines from a tied terminal.
        """
        self._elsewhere = elsewhere
        self._tied: dict[str, str] = {}

    def hears(self, node: str, question: IdentifyRequest) -> None:
        """Note what a terminal says; one that said it once and says nothing now stays tied."""
        if question.printer is not None:
            self._tied[node] = question.printer

    def refuses(self, node: str, printer: str) -> str | None:
        """Return why a terminal may not have a machine print or copy; None: it may."""
        tied = self._tied.get(node)
        if self._elsewhere or tied is None or tied == printer:
            return None
        return f"this terminal is for {tied} only; go to the other machine's own"


class Tied:
    """One subject's answers, where terminals are tied."""

    def __init__(self, answers: Answers, ties: Ties) -> None:
        """Answer as before, but for what a tied terminal may not ask."""
        self.once = answers.once
        self._ties = ties
        kinds: tuple[type[Request], ...] = (IdentifyRequest, ReleaseRequest, CopyBeginRequest)
        self.answers: Mapping[type[Request], Answer] = {
            kind: self._checked(answer) if kind in kinds else answer
            for kind, answer in answers.answers.items()
        }

    def _checked(self, answer: Answer) -> Answer:
        async def checked(node: str, question: Request) -> Reply:
            match question:
                case IdentifyRequest():
                    self._ties.hears(node, question)
                case ReleaseRequest(printer=printer) | CopyBeginRequest(printer=printer):
                    why = self._ties.refuses(node, printer)
                    if why is not None:
                        return no(question, "refused", "printer-elsewhere", why)
                case _:
                    pass
            return await answer(node, question)

        return checked


def tied(*subjects: Answers, elsewhere: bool) -> list[Tied]:
    """Return all subjects' answers with the same ties before them."""
    ties = Ties(elsewhere=elsewhere)
    return [Tied(each, ties) for each in subjects]
