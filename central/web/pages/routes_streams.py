"""`/live?of=…`: what an open page follows, as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

from central.rights import Right
from central.web.pages import guarding, rendering
from central.web.pages.live import Audience
from central.web.pages.standing import Who, who_is
from central.web.pages.table import Page

if TYPE_CHECKING:
    from central.web.pages.visit import Visit

#: Parameters of the address beside `of` that say what is looked at.
_ASKED: Final = 8


async def follow(visit: Visit) -> Response:
    """Stream what changes; 204 tells a browser not to come back."""
    centre, who = visit.centre, visit.me
    live = centre.lives.get(visit.asked("of"))
    if live is None or not visit.may(live.right):
        return Response(status_code=204)
    if not centre.live.room_for(who.session.n):
        return Response(status_code=429, headers={"retry-after": "30"})
    cookie, words = visit.cookie, visit.words
    asked = tuple(
        sorted((k, v[:200]) for k, v in visit.request.query_params.items() if k != "of")[:_ASKED]
    )

    async def goes_on() -> bool:
        found = await centre.reader.ask(lambda tx: who_is(tx, cookie, centre.manners))
        return isinstance(found, Who) and found.full and found.grants == who.grants

    def render(template: str, key: str, view: object) -> str:
        return rendering.fragment(template, words, key, view, visit.now)

    events = centre.live.follow(
        live,
        Audience(visit.sites(live.right), asked),
        session=who.session.n,
        language=words.language,
        render=render,
        goes_on=goes_on,
    )
    headers = {"cache-control": guarding.FRESH, "x-accel-buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


PAGES: Final = (Page("/live", follow, Right.OWN),)
