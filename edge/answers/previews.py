"""Answers with pictures of pages: to the owner of the job, a delegate, or an operator."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from broker.messages import PreviewAnswer, PreviewRequest, Reply, Request
from edge.answers.rights import Refusal
from edge.answers.words import no, yes
from edge.ports import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.answers.rights import Rights
    from edge.answers.words import Answer
    from edge.previews import Previews

#: Why there is no picture.
NO_PREVIEW = "no-preview"


class PreviewAnswers:
    """Pictures of pages."""

    once: frozenset[type[Request]] = frozenset()

    def __init__(self, *, rights: Rights, previews: Previews) -> None:
        """Take who may see them, and where they come from."""
        self._rights = rights
        self._previews = previews
        self.answers: Mapping[type[Request], Answer] = {PreviewRequest: self._preview}

    async def _preview(self, node: str, question: PreviewRequest) -> Reply:
        found = self._rights.job(node, question.person, question.job)
        if isinstance(found, Refusal):
            return no(question, "refused", found.code, found.detail)
        self._rights.looked(node, found)
        drawn = await self._previews.picture(found.record, question.page, question.width)
        if isinstance(drawn, Unreadable):
            return no(question, "refused", NO_PREVIEW, drawn.reason)
        told = PreviewAnswer(
            media_type=drawn.media_type,
            image=b64encode(drawn.image).decode(),
            pages=found.record.pages,
        )
        return yes(question, told.model_dump())
