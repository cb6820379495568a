"""Promises of what is told: small, without names unless asked for, and in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import (
    CopyBegan,
    Counted,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.webhooks.kinds import GROUPS, KINDS, chosen
from central.webhooks.merging import Item, Slice, merged
from central.webhooks.telling import MOST, Moved, Telling, body, message_id, of_entry, of_job

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
JOB = UUID(int=7)
COUNTED = Counted(source="analysis", impressions=3, color_impressions=1, sheets=2)


def events() -> list[Any]:
    """Return one event of each kind; ana's, and of a document that is nobody's business."""
    return [
        JobHeld(
            job=JOB,
            queue="print2me",
            user="ana",
            name="secret plan.pdf",
            received_at=NOW,
            counted=COUNTED,
        ),
        JobRefused(
            job=JOB,
            user="ana",
            printer="north-1",
            reason="no-money",
            detail="ana has too little",
            alone=False,
        ),
        JobReleased(job=JOB, attempt=1, user="ana", printer="north-1", held=(), alone=False),
        JobSettled(
            job=JOB,
            attempt=1,
            printer="north-1",
            disposition="completed",
            counts=(COUNTED,),
            billed=COUNTED,
            charge=UUID(int=9),
        ),
        JobCanceled(job=JOB, by="ana", detail="ana did"),
        JobFlagged(job=JOB, cause="uncertain", detail="the printer does not say"),
        CopyBegan(job=JOB, user="ana", printer="north-1", held=(), alone=False, began_at=NOW),
    ]


@pytest.mark.parametrize("event", events(), ids=lambda each: type(each).__name__)
def test_each_event_of_a_job_is_told(event: Any) -> None:  # noqa: ANN401  any of them
    """By a kind that can be asked for; people only with their names asked for, documents never."""
    told = of_job(event, reference="jobs:1", node="north", at=NOW)
    assert told.kind in KINDS
    without, whole = (json.loads(body(told, people=people)) for people in (False, True))
    assert without["type"] == told.kind
    assert without["timestamp"] == "2026-11-22T08:00:00Z"
    assert without["data"]["job"] == str(JOB)
    assert without["data"]["node"] == "north"
    assert "ana" not in json.dumps(without).replace("canceled", "")
    assert "secret plan" not in json.dumps(whole)
    assert without["data"].items() <= whole["data"].items()


def test_money_that_changes_hands_is_told() -> None:
    """By kinds of account, with their names if asked for; and how much it is about."""
    lines = [
        Moved("user:ana", "EUR", -3_000_000),
        Moved("department:physics", "EUR", -1_000_000),
        Moved("income:print", "EUR", 4_000_000),
        Moved("user:ana", "page", -7),
        Moved("income:print", "page", 7),
    ]
    told = of_entry(5, "e5", "charge", NOW, "user:ana", "cli:ana", lines)
    assert told is not None
    assert told.micros == 4_000_000
    without, whole = (json.loads(body(told, people=people))["data"] for people in (False, True))
    assert without["kind"] == "charge"
    assert {"account": "user", "unit": "EUR", "micros": -3_000_000} in without["postings"]
    assert "ana" not in json.dumps(without)
    assert {"account": "user:ana", "unit": "EUR", "micros": -3_000_000} in whole["postings"]
    for postings in (without["postings"], whole["postings"]):
        for unit in ("EUR", "page"):
            assert sum(each["micros"] for each in postings if each["unit"] == unit) == 0


def test_money_that_only_moves_house_is_not_told() -> None:
    """To a site and back it is still the same account's."""
    lines = [Moved("user:ana", "EUR", -5), Moved("user:ana", "EUR", 5)]
    assert of_entry(5, "e5", "grant", NOW, "north", "coordinator", lines) is None


def test_a_message_stays_small() -> None:
    """Whatever it is about, it is whole JSON of a bounded size, and says what is missing."""
    wide = "\N{SNOWMAN}" * 5000
    postings = [{"account": f"user:{n}", "unit": "EUR", "micros": n} for n in range(5000)]
    for data in ({"a": wide, "b": wide, "c": wide, "d": wide}, {"postings": postings, "id": "x"}):
        made = body(Telling("x", "alert.raised", NOW, data), people=False)
        assert len(made.encode()) <= MOST
        assert json.loads(made)["data"]["shortened"] is True


def test_a_message_has_one_id() -> None:
    """Made anew of the same books it is the same; of another subscription it is another."""
    one, other = (Telling(ref, "job.held", NOW, {}) for ref in ("jobs:a", "jobs:b"))
    assert message_id(UUID(int=1), one) == message_id(UUID(int=1), one)
    different = {message_id(UUID(int=n), each) for n in (1, 2) for each in (one, other)}
    assert len(different) == 4
    assert not any("." in each for each in different)


def test_kinds_are_chosen_by_their_first_part() -> None:
    """One, all of a group, or all; a word that is none is named."""
    assert chosen(["job.settled"]) == ("job.settled",)
    assert chosen(["node", "job.settled"]) == ("job.settled", "node.linked", "node.cut_off")
    assert chosen(["*"]) == tuple(KINDS)
    assert chosen(GROUPS) == tuple(KINDS)
    for wrong in ("", "jo", "job.", ".", "job.settle", "webhook.test"):
        assert chosen(["job", wrong]) == wrong


# ── the order of what several sources tell ──────────────────────────────────────────────────


def source(name: str, seconds: list[int], *, full: bool = False) -> Slice:
    """Return a source whose rows came at these seconds; each tells of itself."""
    items = tuple(
        Item(n, NOW + timedelta(seconds=s), Telling(f"{name}{n}", "job.held", NOW, {}))
        for n, s in enumerate(seconds, 1)
    )
    return Slice(name, 0, items, len(seconds) + (0 if full else 5), full=full)


def test_several_sources_make_one_order() -> None:
    """By the books' time; a source's own order is kept though its clock went back."""
    told, marks = merged([source("a", [1, 5, 3]), source("b", [2, 4, 6])])
    assert [each.reference for each in told] == ["a1", "b1", "b2", "a2", "a3", "b3"]
    assert marks == {"a": 8, "b": 8}


def test_nothing_overtakes_what_was_not_read_yet() -> None:
    """Where a source has more, what others have after its last row waits."""
    told, marks = merged([source("a", [1, 2], full=True), source("b", [1, 2, 3])])
    assert [each.reference for each in told] == ["a1", "b1", "a2", "b2"]
    assert marks == {"a": 2, "b": 2}


rows = st.lists(st.integers(0, 20), max_size=8)


@given(st.lists(st.tuples(rows, st.booleans()), max_size=4))
def test_all_is_told_once_and_something_always(sources: list[tuple[list[int], bool]]) -> None:
    """Slice after slice each row is told once; no slice leaves all as it was."""
    slices = [
        source(str(n), seconds, full=full and bool(seconds))
        for n, (seconds, full) in enumerate(sources)
    ]
    told, marks = merged(slices)
    by_source = {
        each.source: [t for t in told if t.reference.startswith(each.source)] for each in slices
    }
    for each in slices:
        taken = len(by_source[each.source])
        assert [t.reference for t in by_source[each.source]] == [
            f"{each.source}{n}" for n in range(1, taken + 1)
        ]
        if taken == len(each.items):
            assert marks[each.source] == each.end
        else:
            assert marks.get(each.source, 0) == taken
    if any(each.items for each in slices):
        assert told
