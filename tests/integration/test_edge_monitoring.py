"""Promises of an edge's own HTTP: health for everybody, figures for who may, and a clean end."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from config.settings import EdgeSettings
from config.settings_monitoring import MonitoringSettings
from edge.app import Edge
from edge.web.app import make_app
from edge.web.server import CannotListen, serve
from tests.contract.mqtt.wire import free_port
from tests.unit.test_edge_health import WELL
from tests.unit.test_edge_metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.exporters.figures import EdgeFigures
    from edge.health import Vital

TOKEN = SecretStr("the-token-of-monitoring")


@dataclass
class Site:
    """An edge that can be asked, as it is made to be."""

    vital: Vital = WELL
    asked: int = 0

    def health(self) -> Vital:
        """Return how it is."""
        return self.vital

    def figures(self) -> EdgeFigures:
        """Return its figures."""
        self.asked += 1
        return FIGURES


@asynccontextmanager
async def asking(site: Site, token: SecretStr | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Give a caller of the application."""
    app = make_app(health=site.health, figures=site.figures, token=token)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge.test") as caller:
        yield caller


async def test_health_is_200_or_503_with_reasons() -> None:
    """A monitor that knows nothing but status codes is right; people read why."""
    site = Site()
    async with asking(site, TOKEN) as caller:
        well = await caller.get("/health")
        assert (well.status_code, well.json()) == (
            200,
            {"healthy": True, "reasons": [], "notes": []},
        )
        site.vital = replace(WELL, journal=False, spooler=False)
        ill = await caller.get("/health")
    assert ill.status_code == 503
    assert not ill.json()["healthy"]
    assert len(ill.json()["reasons"]) == 2


@pytest.mark.parametrize(
    "shown", [None, "Bearer wrong", "Basic the-token-of-monitoring", "the-token-of-monitoring"]
)
async def test_figures_need_the_token(shown: str | None) -> None:
    """Without it, or not shown as a bearer's, nothing is told and nothing is gathered."""
    site = Site()
    async with asking(site, TOKEN) as caller:
        headers = {"Authorization": shown} if shown else {}
        refused = await caller.get("/metrics", headers=headers)
        assert refused.status_code == 401
        assert "Bearer" in refused.headers["WWW-Authenticate"]
        assert "printmesh_" not in refused.text
        assert site.asked == 0
        right = await caller.get(
            "/metrics", headers={"Authorization": f"Bearer {TOKEN.get_secret_value()}"}
        )
    assert right.status_code == 200
    assert list(text_string_to_metric_families(right.text))


async def test_there_is_nothing_else() -> None:
    """No documents, no other paths, nothing that changes anything."""
    async with asking(Site()) as caller:
        for path in ("/", "/docs", "/openapi.json", "/metrics/", "/redoc"):
            assert (await caller.get(path)).status_code == 404
        for path in ("/health", "/metrics"):
            assert (await caller.post(path)).status_code == 405


async def test_a_taken_port_is_told() -> None:
    """An address that cannot be had is an error with what to change, not the end of the process."""
    site, port = Site(), free_port()
    settings = MonitoringSettings(port=port)
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    work = serve(settings, health=site.health, figures=site.figures, listening=ready.set_result)
    first = asyncio.create_task(work)
    assert await ready == port
    with pytest.raises(CannotListen, match="monitoring"):
        await serve(settings, health=site.health, figures=site.figures)
    async with httpx.AsyncClient() as caller:
        assert (await caller.get(f"http://127.0.0.1:{port}/health")).status_code == 200
    first.cancel()
    await asyncio.wait({first})
    assert first.cancelled()
    async with httpx.AsyncClient() as caller:
        with pytest.raises(httpx.ConnectError):
            await caller.get(f"http://127.0.0.1:{port}/health")


def settings(path: Path, port: int | None) -> EdgeSettings:
    """Return settings of an edge without a print system and without a centre."""
    given: dict[str, Any] = {
        "node": "north",
        "site": "North",
        "data": path / "data",
        "coordinator": {"incarnation": UUID(int=1)},
        "link": {"port": free_port(), "secret": "x" * 30},
        "site_broker": {"port": free_port()},
        "cups": {"server": str(path / "no-cups.sock")},
    }
    if port is not None:
        given["monitoring"] = {"port": port}
    return EdgeSettings.model_validate(given)


async def test_a_running_edge_tells_how_it_is(tmp_path: Path) -> None:
    """A real edge without a print system answers: 503 with that reason, figures that parse."""
    port, stop = free_port(), asyncio.Event()
    edge = Edge(settings(tmp_path, port))
    running = asyncio.create_task(edge.run(stop))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as caller:
            async with asyncio.timeout(20):
                while True:
                    try:
                        health = await caller.get("/health")
                    except httpx.ConnectError:
                        await asyncio.sleep(0.05)  # it has no other sign of being ready
                        continue
                    if not [each for each in health.json()["reasons"] if "broker" in each]:
                        break
            assert health.status_code == 503
            assert "print system" in json.dumps(health.json()["reasons"])
            assert health.json()["notes"] == ["The site works alone."]
            told = await caller.get("/metrics")
    finally:
        stop.set()
        await running
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(told.text)
        for sample in family.samples
    }
    assert found["printmesh_link_up",] == 0
    assert found["printmesh_outbox_events", "jobs"] == 1, "its Opening waits for the centre"
    assert 0 <= found["printmesh_outbox_oldest_age_seconds", "jobs"] < 60
    assert found["printmesh_healthy", "broker"] == 1
    assert found["printmesh_disk_free_bytes",] > 0


async def test_without_a_port_nothing_listens(tmp_path: Path) -> None:
    """Monitoring is off unless it is asked for."""
    edge = Edge(settings(tmp_path, None))
    stop = asyncio.Event()
    running = asyncio.create_task(edge.run(stop))
    names: set[str] = set()
    try:
        async with asyncio.timeout(20):
            while "uplink" not in names:
                await asyncio.sleep(0.02)  # it has no other sign of running
                names = {task.get_name() for task in asyncio.all_tasks()}
        assert "monitoring" not in names
    finally:
        stop.set()
        await running


def test_from_afar_figures_need_a_token() -> None:
    """Listening at an address that others reach without a token is a wrong setting."""
    with pytest.raises(ValueError, match="token"):
        MonitoringSettings(host="0.0.0.0", port=9631)  # noqa: S104  that is the point
    assert MonitoringSettings(host="0.0.0.0", port=9631, token=TOKEN).port == 9631  # noqa: S104
    assert MonitoringSettings(host="::1", port=9631).token is None
