"""Promises of an edge's figures: counted once, few labels, and text that Prometheus reads."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from broker.exporters.edge_metrics import edge_families
from broker.exporters.figures import OTHER, REASONS, Durations, EdgeFigures, JobTally, Polls
from broker.exporters.metrics import exposed
from broker.messages import (
    AccountAmount,
    Counted,
    DeviceState,
    DeviceTrouble,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Meter,
    Supply,
)
from config.policy.jobs import Source

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB = UUID(int=7)
FIGURES = EdgeFigures(
    node="north-1",
    role="remote",
    software="printmesh 0.1.0",
    jobs={"held": 3},
    outbox={"ledger": 2, "jobs": 5},
    oldest={"ledger": 12.5, "jobs": 0.0},
    linked=False,
    money={"EUR": 4_200_000, "page": 30_000_000},
    owed={},
    tally=JobTally(),
    polls=Polls(),
    devices=(),
    disk_bytes=1000,
    disk_free=10,
    checks={"disk": False, "spooler": True},
)


class Read:
    """What Prometheus' own parser reads."""

    def __init__(self, figures: EdgeFigures) -> None:
        text, media_type = exposed(lambda: edge_families(figures))
        assert media_type.startswith("text/plain; version=")
        self.found = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """Return one figure."""
        return self.found[f"printmesh_{name}", frozenset(labels.items())]


def refused(reason: str) -> JobRefused:
    """Return a refusal."""
    return JobRefused(job=JOB, user="ana", printer="p1", reason=reason, detail="no", alone=False)


def settled(**billed: int) -> JobSettled:
    """Return a settlement."""
    return JobSettled(
        job=JOB,
        attempt=1,
        printer="p1",
        disposition="completed",
        counts=(),
        billed=Counted(source=Source.ANALYSIS, **billed),
        charge=JOB,
    )


def test_what_is_here_now_is_read_back() -> None:
    """Jobs, outbox, link, money and health come out as what they are, amounts in their unit."""
    found = Read(FIGURES)
    assert found("jobs", phase="held") == 3
    assert found("outbox_events", stream="jobs") == 5
    assert found("outbox_oldest_age_seconds", stream="ledger") == 12.5
    assert found("link_up") == 0
    assert found("money_here", unit="EUR") == 4.2
    assert found("money_here", unit="page") == 30
    assert found("healthy", check="disk") == 0
    assert found("healthy", check="spooler") == 1
    assert found("edge_info", node="north-1", role="remote", software="printmesh 0.1.0") == 1


def test_jobs_are_counted_by_what_became_of_them() -> None:
    """Releases, refusals, settled pages and money count once each, copies apart from prints."""
    tally = JobTally()
    released = JobReleased(job=JOB, attempt=1, user="ana", printer="p1", held=(), alone=False)
    tally.take(released)
    tally.take(refused("no-price"))
    tally.take(refused("answer-needed"))
    paid = (AccountAmount(account="user:ana", unit="EUR", micros=120_000),)
    tally.take(settled(impressions=6, color_impressions=2, sheets=3), "print", paid)
    tally.take(settled(impressions=1, color_impressions=0, sheets=1), "copy", paid)
    found = Read(replace(FIGURES, tally=tally))
    assert found("releases_total", service="print") == 1
    assert found("refusals_total", reason="no-price") == 1
    assert found("refusals_total", reason="answer-needed") == 1
    assert found("settlements_total", service="print", disposition="completed") == 1
    assert found("impressions_total", service="print", color="color") == 2
    assert found("impressions_total", service="print", color="monochrome") == 4
    assert found("sheets_total", service="copy") == 1
    assert found("charged_total", service="copy", unit="EUR") == 0.12


@given(st.lists(st.text(max_size=40), max_size=30))
def test_reasons_are_a_closed_set(reasons: list[str]) -> None:
    """Whatever a reason says, no label is made of it that is not in the list."""
    tally = JobTally()
    for each in reasons:
        tally.take(refused(each))
    assert set(tally.refused) <= REASONS | {OTHER}
    assert sum(tally.refused.values()) == len(reasons)


def test_no_label_names_a_person_a_job_or_a_document() -> None:
    """After jobs of named people there is no series with their name, their job's, or its name."""
    tally = JobTally()
    held = JobHeld(
        job=JOB,
        queue="print2me",
        user="ana-maria",
        name="Secret thesis.pdf",
        received_at=NOW,
        counted=None,
    )
    for event in (held, refused("no-price"), settled(impressions=1)):
        tally.take(event, "print", (AccountAmount(account="user:ana", unit="EUR", micros=1),))
    text = exposed(lambda: edge_families(replace(FIGURES, tally=tally)))[0].decode()
    assert not [each for each in ("ana", "thesis", str(JOB), "user:") if each in text]


def test_printers_are_shown_as_they_told() -> None:
    """State, troubles, supplies and meters by device; what is not known has no series."""
    device = DeviceState(
        device="p1",
        name="Library",
        state="stopped",
        updated_at=NOW,
        answers=True,
        supplies=(
            Supply(key="1.1", name="K", kind="toner", color="black", level=8, days_left=3),
            Supply(key="1.2", name="odd", kind="unheard of", color="Ultraviolet 12", level=50),
            Supply(key="1.3", name="M", kind="toner", color="magenta"),
        ),
        meters=(Meter(name="total", value=1234, source="snmp:prtMarkerLifeCount"),),
        troubles=(DeviceTrouble(code="jam", severity="critical", detail="jam", since=NOW),),
    )
    found = Read(replace(FIGURES, devices=(device,)))
    assert found("printer_state", device="p1", state="stopped") == 1
    assert found("printer_state", device="p1", state="idle") == 0
    assert found("printer_answers", device="p1") == 1
    assert found("printer_troubles", device="p1", severity="critical") == 1
    assert (
        found("supply_level_ratio", device="p1", supply="1.1", kind="toner", color="black") == 0.08
    )
    assert found("supply_days_left", device="p1", supply="1.1", kind="toner", color="black") == 3
    assert found("supply_level_ratio", device="p1", supply="1.2", kind=OTHER, color=OTHER) == 0.5
    assert not [key for key in found.found if "1.3" in str(key)]
    assert found("printer_meter_total", device="p1", meter="total", unit="impressions") == 1234


def test_durations_are_cumulative_buckets() -> None:
    """Each look falls under every bound that it did not pass, and under +Inf."""
    polls = Polls()
    for seconds in (0.01, 0.02, 3.0, 60.0):
        polls.answered.took(seconds)
    found = Read(replace(FIGURES, polls=polls))
    name = "poll_seconds_bucket"
    assert found(name, outcome="answered", le="0.01") == 1
    assert found(name, outcome="answered", le="0.025") == 2
    assert found(name, outcome="answered", le="5.0") == 3
    assert found(name, outcome="answered", le="+Inf") == 4
    assert found("poll_seconds_sum", outcome="answered") == 63.03
    assert found(name, outcome="silent", le="+Inf") == 0


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=50))
def test_no_duration_is_lost(seconds: list[float]) -> None:
    """However long they took, all are counted."""
    found = Durations()
    for each in seconds:
        found.took(each)
    assert sum(found.counts) == len(seconds)


def test_open_metrics_for_who_asks_for_it() -> None:
    """Prometheus asks for OpenMetrics: the text is that, and its strict parser reads it."""
    text, media_type = exposed(
        lambda: edge_families(FIGURES), "application/openmetrics-text; version=1.0.0"
    )
    assert media_type.startswith("application/openmetrics-text")
    assert [each.name for each in read_openmetrics(text.decode())]  # type: ignore[no-untyped-call]


@given(st.lists(st.text(max_size=50), max_size=20))
def test_what_a_machine_calls_its_rows_makes_no_label(keys: list[str]) -> None:
    """Rows are numbers; a machine that makes up new ones for ever makes no new series."""
    device = DeviceState(
        device="p1",
        name="x",
        state="idle",
        updated_at=NOW,
        supplies=tuple(Supply(key=each, name="s", level=1) for each in keys),
        meters=tuple(Meter(name=f"marker-{each}", value=1, source="x") for each in keys),
    )
    found = Read(replace(FIGURES, devices=(device,))).found
    labels = [dict(labels) for _, labels in found]
    supplies = {each["supply"] for each in labels if "supply" in each}
    places = {f"place-{number}" for number in range(1, 21)}
    assert all(each in places or re.fullmatch(r"[0-9.]{1,7}", each) for each in supplies)
    meters = {each["meter"] for each in labels if "meter" in each}
    assert all(re.fullmatch(r"marker-[0-9.]{0,7}", each) for each in meters)


@given(st.text(max_size=50))
def test_foreign_names_do_not_break_the_text(meter: str) -> None:
    """Quotes, backslashes and line ends in a machine's own words are read back as they are."""
    device = DeviceState(
        device="p1",
        name="x",
        state="idle",
        updated_at=NOW,
        meters=(Meter(name=meter, value=1, source="x"),),
    )
    found = Read(replace(FIGURES, devices=(device,)))
    assert found("printer_meter_total", device="p1", meter=meter, unit="impressions") == 1
