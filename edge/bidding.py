"""What people wish of their jobs at the centre's pages: commands in, carried out as at a terminal.

The centre says who it is, as a node does that may vouch for people; everything else is asked and
answered as from any terminal, each once. A release may wait for money that comes down the same
line as the command: so it is carried out beside the line, and its end is told when it has one.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from broker.messages import CancelRequest, CommandState, QuoteRequest, ReleaseRequest
from config.logs import logger
from edge.popup_place import NoPlace, PopupWish, enrol
from edge.requests import Unanswered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from broker.messages import Command, Request
    from config.settings import EdgeSettings
    from edge.popup_place import Place
    from edge.ports import Clock
    from edge.requests import Requests

_log = logger("edge.bidding")

#: Whom the centre's wishes come from among the nodes of a site: no node can be called that.
CENTRE: Final = "@centre"
#: Command → the question that a terminal would ask.
QUESTIONS: Final[dict[str, type[Request]]] = {
    "release-job": ReleaseRequest,
    "cancel-job": CancelRequest,
    "quote-job": QuoteRequest,
}
#: And one that no terminal asks.
ENROL: Final = "enrol-popup"
KNOWN: Final = frozenset({*QUESTIONS, ENROL})
#: Wishes that are carried out at the same time; one more is told so.
_AT_ONCE: Final = 16
#: A wish that came in time is carried out, whatever the site's own clock says.
_PATIENCE: Final = timedelta(minutes=1)


class Bidding:
    """Carries the centre's wishes out."""

    def __init__(
        self,
        requests: Requests,
        settings: EdgeSettings | None = None,
        *,
        say: Callable[[CommandState], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """Take who answers.

        Args:
            requests: what terminals ask; the same for the centre.
            settings: where pop-ups reach the site; None: there are none.
            say: tells the centre how a command ended.
            clock: the time.
        """
        self._requests = requests
        self._settings = settings
        self._say = say
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[Command, Request | PopupWish]] = asyncio.Queue(_AT_ONCE)

    def obey(self, command: Command) -> CommandState:
        """Take a wish in; its end is said later, unless it cannot even begin."""
        model = QUESTIONS.get(command.command, PopupWish)
        args = command.args
        asked = {
            **args,
            "person": {"user": args.get("user")},
            "corr": command.id,
            "expires_at": self._clock() + _PATIENCE,
        }
        try:
            if not isinstance(args.get("user"), str) or not args["user"]:
                return _failed(command.id, "invalid", "the wish names nobody")
            question = model.model_validate(asked)
        except ValidationError as error:
            return _failed(command.id, "invalid", f"not a wish: {error.errors()[0]['msg']}")
        try:
            self._waiting.put_nowait((command, question))
        except asyncio.QueueFull:
            detail = "the site is busy with other wishes; ask again in a moment"
            return _failed(command.id, "busy", detail)
        return CommandState(id=command.id, state="accepted")

    async def run(self) -> None:
        """Carry out what was taken in, until canceled; one that fails stops no other."""
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await room.acquire()
                command, question = await self._waiting.get()
                work = self._one(command, question)
                task = tasks.create_task(work, name=f"wish {command.command}")
                task.add_done_callback(lambda _: room.release())

    async def _one(self, command: Command, question: Request | PopupWish) -> None:
        try:
            if isinstance(question, PopupWish):
                await self._say(await self._enrolled(command.id, question))
                return
            reply = await self._requests.asked(CENTRE, question)
            if isinstance(reply, Unanswered):
                return  # it came twice: the first one tells its end
            if reply.status == "ok":
                await self._say(
                    CommandState(id=command.id, state="successful", data=dict(reply.data))
                )
                return
            problem = reply.problem
            code, detail = (problem.code, problem.detail) if problem else (reply.status, "")
            await self._say(_failed(command.id, code, detail, dict(reply.data)))
        except ConnectionError:
            pass  # the answer is kept: the same command, come again, is told it
        except Exception:  # noqa: BLE001  once a wish
            _log.exception("a wish could not be carried out", action="wish-error")

    async def _enrolled(self, id_: UUID, wish: PopupWish) -> CommandState:
        found: Place | NoPlace = NoPlace("this site has no pop-ups")
        if self._settings is not None:
            found = await asyncio.to_thread(enrol, self._settings, wish)
        if isinstance(found, NoPlace):
            return _failed(id_, "no-popup", found.reason)
        return CommandState(id=id_, state="successful", data=found.told())


def _failed(
    id_: UUID, code: str, detail: str, data: dict[str, object] | None = None
) -> CommandState:
    """Return that it was not done: the code for the centre's own words, the site's for the rest."""
    return CommandState(
        id=id_, state="failed", detail=detail[:1000], data={**(data or {}), "code": code}
    )
