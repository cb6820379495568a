"""The read-only interface as one application, and the pages and it as one behind one address."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Depends, FastAPI

from broker.exporters.figures import HttpTally, IngestTally
from central.web import devices, fleet, health, jobs, metrics, money, people, problems
from central.web.health import Probe
from central.web.metrics import Counting, Gauges
from central.web.reading import Reader, guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pydantic import SecretStr
    from starlette.types import ASGIApp, Receive, Scope, Send

    from central.store.books import Books
    from central.web.pages.centre import Centre
    from central.web.pages.table import Page

BASE: Final = "/api/v1"

_REFUSALS: Final = problems.documented(
    HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)


class _Interface(FastAPI):
    """FastAPI, whose document says what our problems really are sent as."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document, made once."""
        fresh = self.openapi_schema is None
        document = super().openapi()
        if fresh:
            for path in document["paths"].values():
                for operation in path.values():
                    _name_media_type(operation["responses"])
        return document


def make_app(
    books: Books,
    *,
    token: SecretStr | None = None,
    troubles: Callable[[], Sequence[str]] = tuple,
    tally: IngestTally | None = None,
    data: Path | None = None,
) -> FastAPI:
    """Return the ASGI application; it needs no start and no end of its own.

    Args:
        books: read, in threads, never written.
        token: lets its bearer read, besides the tokens in the books.
        troubles: what else is wrong with the coordinator, a sentence for people each, without
            anything a stranger should not read; asked on every look at its health.
        tally: what the coordinator has counted, for the figures.
        data: whose volume is looked at, for the figures.
    """
    app = _Interface(
        title="Printmesh: the books",
        summary="People, accounts, jobs and nodes of the organisation; read-only.",
        description=(
            "Amounts are integers: millionths of a currency, or of a page. Times are RFC 3339, "
            "UTC. A list comes a page at a time: give its `next` as `after`, until it is null. "
            "Errors are RFC 9457 problem details."
        ),
        version=version("printmesh"),
        openapi_url=f"{BASE}/openapi.json",
        # their pages fetch scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # an environment variable must not make the books tell others what is asked
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.reader = Reader(books, token)
    app.state.probe = Probe(books, troubles)
    http = HttpTally()
    app.state.gauges = Gauges(books, tally or IngestTally(), http, data)
    app.add_middleware(Counting, tally=http)
    problems.install(app)
    # whatever is added here needs a token
    guarded = APIRouter(dependencies=[Depends(guard)], responses=_REFUSALS)
    for room in (people, money, jobs, fleet, devices):
        guarded.include_router(room.routes)
    app.include_router(health.routes, prefix=BASE)
    app.include_router(guarded, prefix=BASE)
    app.include_router(metrics.routes)
    return app


def make_site(
    centre: Centre,
    *,
    tally: IngestTally | None = None,
    pages: Iterable[Page] | None = None,
) -> ASGIApp:
    """Return the pages, with the interface at the same address.

    Args:
        centre: what pages work with; the interface reads the same books.
        tally: what the coordinator has counted, for the figures.
        pages: which; None: all there are.

    Raises:
        NoRight: a page does not say what it needs.
    """
    from central.web.pages.site import Guarded, make_pages  # noqa: PLC0415  with [api] alone unused

    settings = centre.settings
    interface = make_app(
        centre.books,
        token=settings.api.token,
        troubles=centre.troubles,
        tally=tally,
        data=settings.data,
    )
    shown = make_pages(centre, pages)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        app = interface if path.startswith("/api/") or path == "/metrics" else shown
        await app(scope, receive, send)

    return Guarded(either, centre.names, secure=settings.web.secure)


def _name_media_type(responses: dict[str, dict[str, Any]]) -> None:
    for response in responses.values():
        shapes = response.get("content", {})
        shape = shapes.get("application/json", {}).get("schema", {})
        if shape.get("$ref") == "#/components/schemas/Problem":
            shapes[problems.MEDIA_TYPE] = shapes.pop("application/json")
