"""Promises of the centre's figures: from real books, for tokens, as Prometheus reads them."""

from __future__ import annotations

import asyncio
from math import inf
from time import sleep
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from broker.exporters.central_metrics import central_families
from broker.exporters.figures import CentralFigures, HttpTally, IngestTally, MoneyFigures
from broker.exporters.metrics import exposed
from central.store import figures as stored
from central.web import health, metrics
from central.web.app import make_app
from tests.integration.api_lab import (
    SECRETS,
    STORED,
    TOKEN,
    Lab,
    app_of,
    caller,
    fill,
    problem,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Transaction

METRICS = "http://books.test/metrics"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Return what Prometheus' own parser reads: name and labels (by name) → value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_books_figures_are_told(lab: Lab, tmp_path: Path) -> None:
    """Edges, entries, money at sites and exposure are what the books have."""
    tally = IngestTally()
    tally.applied["jobs"] += 3
    app = make_app(lab.books, token=SecretStr(TOKEN), tally=tally, data=tmp_path)
    async with caller(app) as client:
        answer = await client.get(METRICS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = figures(answer.text)
    assert found["printmesh_nodes", "active"] == 1
    assert found["printmesh_node_events_waiting", "north"] == 0
    assert found["printmesh_entries_total",] >= 3
    assert found["printmesh_quarantined_events",] == 0
    assert found["printmesh_money_at_sites", "EUR"] == 3.8, "5.00 less 1.20"
    assert found["printmesh_exposure", "owed", "EUR"] == 0
    assert found["printmesh_events_applied_total", "jobs"] == 3
    assert found["printmesh_disk_free_bytes",] > 0


async def test_figures_are_for_tokens_only(lab: Lab) -> None:
    """Without a token: 401 and not a figure; the books' own tokens let in as well."""
    async with caller(app_of(lab), token=None) as client:
        assert "printmesh_" not in problem(await client.get(METRICS), 401)
    async with caller(app_of(lab), STORED) as client:
        assert (await client.get(METRICS)).status_code == 200


async def test_no_person_and_no_secret_is_in_them(lab: Lab) -> None:
    """Neither people nor accounts nor jobs nor tokens are in any label."""
    async with caller(app_of(lab)) as client:
        text = (await client.get(METRICS)).text
    assert not [each for each in (*SECRETS, "ana", "bob", "user:", str(lab.job)) if each in text]


async def test_answers_are_counted_by_class(lab: Lab) -> None:
    """What was asked of the interface counts, by class of status and by nothing else."""
    app = app_of(lab)
    async with caller(app) as client:
        await read(client, "health")
        await client.get("http://books.test/nothing-there")
        found = figures((await client.get(METRICS)).text)
    assert found["printmesh_http_requests_total", "2xx"] == 1
    assert found["printmesh_http_requests_total", "4xx"] == 1
    assert found["printmesh_http_seconds_total",] > 0


async def test_many_scrapes_are_few_looks(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks again at once gets the same moment of the books; later ones get a new one."""
    app, looks = app_of(lab), []
    real = stored.money

    def counted(tx: Transaction) -> dict[str, MoneyFigures]:
        looks.append(tx)
        return real(tx)

    monkeypatch.setattr(stored, "money", counted)
    async with caller(app) as client:
        for _ in range(5):
            await client.get(METRICS)
        assert len(looks) == 1
        monkeypatch.setattr(metrics, "AGAIN", 0.0)
        await client.get(METRICS)
    assert len(looks) == 2


async def test_scrapes_at_once_are_one_look(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks while the books are looked at waits for that look."""
    app, looks = app_of(lab), []
    real = stored.entries

    def slow(tx: Transaction) -> int:
        looks.append(tx)
        sleep(0.2)  # longer than it takes the others to ask
        return real(tx)

    monkeypatch.setattr(stored, "entries", slow)
    async with caller(app) as client:
        answers = await asyncio.gather(*(client.get(METRICS) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(looks) == 1


def test_without_limit_is_infinite() -> None:
    """Exposure that has no bound is +Inf, never a small number."""
    told = CentralFigures(
        node="coordinator",
        software="printmesh",
        epoch=1,
        sites=(),
        states={},
        entries=0,
        quarantined=0,
        money={"EUR": MoneyFigures(allocated=0, owed=1_500_000, quarantined=0, more=None)},
        ingest=IngestTally(),
        http=HttpTally(),
        disk_bytes=0,
        disk_free=0,
    )
    found = figures(exposed(lambda: central_families(told))[0].decode())
    assert found["printmesh_exposure", "more", "EUR"] == inf
    assert found["printmesh_exposure", "owed", "EUR"] == 1.5


async def test_a_broker_that_is_away_is_ill_health(lab: Lab) -> None:
    """What the coordinator's process says of itself makes health 503, with its sentence."""
    said: list[str] = []
    app = make_app(lab.books, troubles=lambda: said)
    async with caller(app, token=None) as client:
        assert (await client.get("health")).status_code == 200
        said.append("The coordinator is not on line: its broker is not reached.")
        answer = await client.get("health")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == said


async def test_a_full_disk_is_ill_health(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume on which the books cannot grow much longer makes health 503, before it is full."""
    async with caller(app_of(lab), token=None) as client:
        assert (await client.get("health")).status_code == 200
        monkeypatch.setattr(health, "LEAST_FREE", 1 << 62)
        answer = await client.get("health")
    if lab.books.file is None:
        assert answer.status_code == 200, "the disk of a server is not seen from here"
        return
    assert answer.status_code == 503
    assert "volume" in answer.json()["reasons"][0]
