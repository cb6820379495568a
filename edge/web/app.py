"""`/health` and `/metrics` of an edge as one application; who may read which, and nothing else."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Header, Response
from pydantic import BaseModel, Field

from broker.exporters.edge_metrics import edge_families
from broker.exporters.metrics import exposed
from edge.health import judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from broker.exporters.figures import EdgeFigures
    from edge.health import Vital

_UNHEALTHY = 503
_REFUSED = 401


class HealthAnswer(BaseModel):
    """Whether the edge does its work."""

    healthy: bool
    reasons: tuple[str, ...] = Field(description="What is wrong, a sentence each.")
    notes: tuple[str, ...] = Field(description="What is worth knowing.")


def make_app(
    *, health: Callable[[], Vital], figures: Callable[[], EdgeFigures], token: SecretStr | None
) -> FastAPI:
    """Return the ASGI application.

    Args:
        health: what the edge's health rests on at this moment; asked on the event loop.
        figures: of this moment; asked on the event loop, written down beside it.
        token: shown for the figures; None: nobody has to show one. Health is for everybody: it
            names nobody and no amounts.
    """
    app = FastAPI(
        title="Printmesh: an edge",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # an environment variable must not make a site tell others what is asked
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )

    @app.get("/health", responses={_UNHEALTHY: {"model": HealthAnswer}})
    async def show_health(response: Response) -> HealthAnswer:
        found = judged(health())
        response.status_code = 200 if found.healthy else _UNHEALTHY
        response.headers["Cache-Control"] = "no-store"
        return HealthAnswer(healthy=found.healthy, reasons=found.reasons, notes=found.notes)

    @app.get("/metrics")
    async def show_metrics(
        accept: Annotated[str | None, Header()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Response:
        if not _shown(authorization, token):
            return _refusal()
        now = figures()
        # some thousand lines at a large site: the edge answers people meanwhile
        text, media_type = await asyncio.to_thread(exposed, lambda: edge_families(now), accept)
        return Response(text, headers={"Content-Type": media_type})

    return app


def _shown(authorization: str | None, token: SecretStr | None) -> bool:
    """Say whether the header has the token (RFC 6750 §2.1); the time it takes tells nothing."""
    if token is None or not token.get_secret_value():
        return True
    scheme, _, given = (authorization or "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())
    return right and scheme.lower() == "bearer"


def _refusal() -> Response:
    headers: dict[str, Any] = {"WWW-Authenticate": 'Bearer realm="printmesh"'}
    text = "Show the token of [monitoring]: `Authorization: Bearer …`.\n"
    return Response(text, status_code=_REFUSED, headers=headers, media_type="text/plain")
