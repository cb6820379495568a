"""Promises of the dashboard for Grafana: it has its shape, and asks for what we really tell."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.exporters.central_metrics import central_families
from broker.exporters.edge_metrics import edge_families
from broker.exporters.figures import (
    CentralFigures,
    EdgeFigures,
    HttpTally,
    IngestTally,
    JobTally,
    MoneyFigures,
    Polls,
    SiteFigures,
)
from broker.exporters.metrics import exposed
from broker.messages import DeviceState, DeviceTrouble, Meter, Supply

ROOT = Path(__file__).parents[2]
BOARD: dict[str, Any] = json.loads((ROOT / "docs/grafana/printmesh.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
#: PromQL's words that are used here.
WORDS = {
    "bool",
    "bottomk",
    "by",
    "histogram_quantile",
    "increase",
    "max",
    "rate",
    "sum",
}
#: Labels that Prometheus itself adds when it scrapes.
ADDED = {"instance", "job"}
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told() -> dict[str, set[str]]:
    """Return every name that edges and the centre tell, with its labels."""
    tally = JobTally()
    tally.settled["print", "completed"] = 1
    tally.impressions["print", "color"] = 1
    tally.sheets["print"] = 1
    tally.charged["print", "EUR"] = 1
    device = DeviceState(
        device="p1",
        name="p",
        state="idle",
        updated_at=NOW,
        answers=True,
        supplies=(Supply(key="1", name="K", kind="toner", color="black", level=1, days_left=1),),
        meters=(Meter(name="total", value=1, source="snmp"),),
        troubles=(DeviceTrouble(code="jam", severity="critical", detail="jam", since=NOW),),
    )
    edge = EdgeFigures(
        node="n",
        role="remote",
        software="s",
        jobs={"held": 1},
        outbox={"jobs": 1},
        oldest={"jobs": 1.0},
        linked=True,
        money={"EUR": 1},
        owed={"EUR": 1},
        tally=tally,
        polls=Polls(),
        devices=(device,),
        disk_bytes=1,
        disk_free=1,
        checks={"disk": True},
    )
    http = HttpTally()
    http.answers["2xx"] = 1
    central = CentralFigures(
        node="c",
        software="s",
        epoch=1,
        sites=(SiteFigures("n", linked=True, waiting=0),),
        states={"active": 1},
        entries=1,
        quarantined=0,
        money={"EUR": MoneyFigures(1, 1, 1, 1)},
        ingest=IngestTally(),
        http=http,
        disk_bytes=1,
        disk_free=1,
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for families in (lambda: edge_families(edge), lambda: central_families(central)):
        for family in text_string_to_metric_families(exposed(families)[0].decode()):
            for sample in family.samples:
                found[sample.name] |= set(sample.labels)
    return dict(found)


TOLD = told()


def test_it_has_grafanas_shape() -> None:
    """What Grafana needs to load it is there; the data source is the reader's to choose."""
    assert BOARD["schemaVersion"] >= 36
    assert BOARD["uid"]
    assert BOARD["title"]
    (variable,) = BOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in PANELS:
        assert panel["type"] in {"stat", "timeseries", "bargauge", "table"}
        assert panel["title"]
        assert panel["targets"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_no_panel_covers_another() -> None:
    """Panels lie side by side within 24 columns."""
    taken: dict[tuple[int, int], str] = {}
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_asks_for_what_there_is(expression: str) -> None:
    """Names, their labels and PromQL's own words: nothing else is in it, and brackets match."""
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)
    rest = re.sub(r'"[^"]*"', '""', expression)
    rest = re.sub(r"\[(\$__rate_interval|[0-9]+[smhd])\]", "", rest)
    names = re.findall(r"\bprintmesh_\w+", rest)
    assert names
    assert [name for name in names if name not in TOLD] == []
    labels = set().union(*(TOLD[name] for name in names)) | ADDED
    for matched in re.findall(r"(\bprintmesh_\w+)\{([^}]*)\}", rest):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matched[1]))
        assert asked <= TOLD[matched[0]] | ADDED
    for group in re.findall(r"\bby \(([^)]*)\)", rest):
        assert {each.strip() for each in group.split(",")} <= labels
    rest = re.sub(r"\{[^}]*\}|\bby \([^)]*\)", "", rest)
    words = set(re.findall(r"[A-Za-z_]\w*", rest)) - set(names)
    assert words <= WORDS


def test_legends_name_labels_that_are_there() -> None:
    """A legend shows labels that its expression keeps."""
    for panel in PANELS:
        for target in panel["targets"]:
            names = re.findall(r"\bprintmesh_\w+", target["expr"])
            kept = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            labels = set().union(*(TOLD[name] for name in names)) | ADDED
            if kept:
                labels = {each.strip() for each in kept[0].split(",")}
            elif "sum(" in target["expr"]:
                labels = set()
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_names_follow_prometheus_rules() -> None:
    """Counters end in _total, times in seconds, sizes in bytes, shares in ratio; one prefix."""
    for name in TOLD:
        assert re.fullmatch(r"printmesh_[a-z_]+", name)
        assert not re.search(r"_(ms|milliseconds|percent|mb|kb)(_|$)", name)


def test_every_name_is_in_the_docs() -> None:
    """Whatever edges and the centre tell is named in docs/prometheus.md."""
    page = (ROOT / "docs/prometheus.md").read_text()
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in TOLD if "_info" not in name}
    assert [name for name in sorted(families) if name not in page] == []
