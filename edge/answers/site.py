"""Answers about the site itself, for its operator: how it is, and whether its journal is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.messages import Reply, Request, StatusRequest, VerifyRequest
from edge.answers.words import no, yes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from edge.answers.words import Answer


class SiteAnswers:
    """How the site is."""

    once: frozenset[type[Request]] = frozenset()

    def __init__(
        self,
        *,
        operators: frozenset[str],
        status: Callable[[], dict[str, Any]],
        verify: Callable[[], Awaitable[dict[str, Any]]],
    ) -> None:
        """Take what is answered.

        Args:
            operators: nodes that may ask.
            status: what `status` answers.
            verify: what `verify` answers; may take long.
        """
        self._operators = operators
        self._status = status
        self._verify = verify
        self._verifying = False
        self.answers: Mapping[type[Request], Answer] = {
            StatusRequest: self._told,
            VerifyRequest: self._verified,
        }

    async def _told(self, node: str, question: Request) -> Reply:
        return self._refused(node, question) or yes(question, self._status())

    async def _verified(self, node: str, question: Request) -> Reply:
        """Verify the journal, which reads all of it: one at a time."""
        refused = self._refused(node, question)
        if refused is not None:
            return refused
        if self._verifying:
            return no(question, "failed", "busy", "a verification is under way; ask again later")
        self._verifying = True
        try:
            return yes(question, await self._verify())
        finally:
            self._verifying = False

    def _refused(self, node: str, question: Request) -> Reply | None:
        if node in self._operators:
            return None
        return no(question, "refused", "not-operator", "only the site's operator may ask this")
