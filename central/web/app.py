"""The interface as one application, and the pages and it as one behind one address."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.routing import Route

from broker.exporters.figures import HttpTally, IngestTally
from central.web import health, metrics, problems
from central.web.api import document
from central.web.api.endpoint import PER_MINUTE, Centre, Endpoint
from central.web.api.every import ROUTES
from central.web.api.pace import Pace
from central.web.api.table import Desk
from central.web.health import Probe
from central.web.metrics import Counting, Gauges
from central.web.reading import Reader
from central.web.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pydantic import SecretStr
    from starlette.types import ASGIApp, Receive, Scope, Send

    from central.store.books import Books
    from central.web.api.table import Method
    from central.web.api.table import Route as TableRoute
    from central.web.pages.centre import Centre as PagesCentre
    from central.web.pages.guarding import Network
    from central.web.pages.table import Page

BASE: Final = "/api/v1"


class _Interface(FastAPI):
    """FastAPI, whose document has our table's routes in it."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document, made once."""
        fresh = self.openapi_schema is None
        found = super().openapi()
        if fresh:
            document.add_to(found, ROUTES, BASE)
        return found


def _nobody() -> None:
    """Tell nobody."""


def make_app(
    books: Books,
    *,
    token: SecretStr | None = None,
    troubles: Callable[[], Sequence[str]] = tuple,
    tally: IngestTally | None = None,
    data: Path | None = None,
    desk: Desk | None = None,
    per_minute: int = PER_MINUTE,
    trusted: Sequence[Network] = (),
    told: Callable[[], None] = _nobody,
) -> FastAPI:
    """Return the ASGI application; it needs no start and no end of its own.

    Args:
        books: read and written in threads.
        token: lets its bearer read, besides the tokens in the books.
        troubles: what else is wrong with the coordinator, a sentence for people each, without
            anything a stranger should not read; asked on every look at its health.
        tally: what the coordinator has counted, for the figures.
        data: whose volume is looked at, for the figures.
        desk: what acts need beside the books.
        per_minute: requests that a token may send.
        trusted: proxies whose word on who asks is taken.
        told: called, in the loop, once something was committed.
    """
    app = _Interface(
        title="Printmesh: the books",
        summary="People, money, jobs, prices, rules, sites: what pages do, for programs.",
        description=(
            "Amounts are integers: millionths of a currency, or of a page. Times are RFC 3339, "
            "UTC. A list comes a page at a time: give its `next` as `after`, until it is null. "
            "Errors are RFC 9457 problem details; `/api/v1/problems` lists their kinds. An act "
            "with an `Idempotency-Key` can be sent again: it is done once. If-Match with the "
            "ETag of what was read keeps two from undoing each other's changes."
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
    writer, pace = Writer(books, told), Pace(per_minute)
    centre = Centre(app.state.reader, writer, desk or Desk(), pace, trusted)
    app.include_router(health.routes, prefix=BASE)
    app.include_router(metrics.routes)
    by_path: dict[str, dict[Method, TableRoute]] = {}
    for each in ROUTES:
        by_path.setdefault(each.path, {})[each.method] = each
    for path, methods in by_path.items():
        app.router.routes.append(Route(BASE + path, Endpoint(centre, methods)))
    return app


def make_site(
    centre: PagesCentre,
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
        desk=Desk.of(settings, centre.dice),
        per_minute=settings.api.requests_per_minute,
        trusted=settings.web.trusted_proxies,
        told=centre.live.beat,
    )
    shown = make_pages(centre, pages)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        app = interface if path.startswith("/api/") or path == "/metrics" else shown
        await app(scope, receive, send)

    return Guarded(either, centre.names, secure=settings.web.secure)
