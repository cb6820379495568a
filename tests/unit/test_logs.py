"""What leaves as a log record, and what never does."""

from __future__ import annotations

import io
import json
import logging
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from config.logs import HIDDEN, batch_line, configure, job_line, logger, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = UUID("018f0000-0000-7000-8000-000000000001")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_elsewhere_than_on_a_terminal_is_a_line_of_json() -> None:
    """It has process, logger, level, action, event, and its time in UTC as of RFC 3339."""
    out = io.StringIO()
    configure("edge", stream=out)
    logger("edge.release").info("it is held", action="job-held", count=3)
    (record,) = records(out)
    moment = record.pop("timestamp")
    assert moment.endswith("Z")
    assert abs(datetime.fromisoformat(moment) - datetime.now(UTC)) < timedelta(minutes=1)
    assert record == {
        "event": "it is held",
        "action": "job-held",
        "count": 3,
        "level": "info",
        "logger": "printmesh.edge.release",
        "process": "edge",
    }


def test_a_terminal_gets_lines_for_people() -> None:
    """On a terminal there is no JSON, but the same words."""
    out = Terminal()
    configure("edge", stream=out)
    logger("edge").warning("paper is low", action="device-alert", tray=2)
    line = out.getvalue()
    assert not line.startswith("{")
    assert "paper is low" in line
    assert "device-alert" in line


def test_libraries_are_heard_through_the_same_door() -> None:
    """A library's warning and a Python warning are records too, with an action."""
    out = io.StringIO()
    configure("central", stream=out)
    logging.getLogger("paho").warning("gone: %s", "broken pipe")
    logging.getLogger("paho").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    assert [
        (each["action"], each["event"] if each["logger"] == "paho" else "old" in each["event"])
        for each in records(out)
    ] == [("library", "gone: broken pipe"), ("library", True)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["ours debug", "ours info", "ours warning", "theirs debug"]),
        ("info", ["ours info", "ours warning"]),
        ("warning", ["ours warning"]),
        ("error", []),
    ],
)
def test_levels(level: str, expected: list[str]) -> None:
    """Ours are heard from the level on; those of libraries from warning, at debug all."""
    out = io.StringIO()
    configure("edge", level, stream=out)
    log = logger("edge")
    log.debug("ours debug")
    log.info("ours info")
    log.warning("ours warning")
    logging.getLogger("lib").debug("theirs debug")
    assert expected == [each["event"] for each in records(out)]


def test_an_unknown_level_is_refused() -> None:
    """The refusal says which there are."""
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        configure("edge", "loud")


def test_a_record_without_an_action_is_a_note() -> None:
    """Every record has an action."""
    out = io.StringIO()
    configure("edge", stream=out)
    logger("edge").info("hello")
    assert records(out)[0]["action"] == "note"


def test_an_exception_is_one_record() -> None:
    """Its traceback stays inside of the record."""
    out = io.StringIO()
    configure("edge", stream=out)
    try:
        raise KeyError("lost")  # noqa: TRY301
    except KeyError:
        logger("edge").exception("it failed", action="failed")
    (record,) = records(out)
    assert "KeyError: 'lost'" in record["exception"]
    assert "\n" in record["exception"]


@pytest.mark.parametrize(
    "key",
    [
        *("secret", "Password", "token", "api_token", "accessToken", "Authorization"),
        *("code", "enrolment_code", "enrolment-code", "courier code", "card_pin", "credentials"),
    ],
)
def test_what_is_under_the_key_of_a_secret_never_leaves(key: str) -> None:
    """At the top, within tables and lists, as text, bytes, figure or table."""
    for value in ("hush-1", b"hush-1", 48151623, {"a": "hush-1"}, ["hush-1"]):
        out = io.StringIO()
        configure("edge", stream=out)
        logger("edge").info("x", action="x", inner=[{"deep": {key: value}}], **{key: value})
        assert "hush" not in out.getvalue()
        assert "48151623" not in out.getvalue()
        assert records(out)[0][key] == HIDDEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ana:hush@db/books", f"postgresql://{HIDDEN}@db/books"),
        ("mqtt://:hush@host", f"mqtt://{HIDDEN}@host"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {HIDDEN}"),
        ("ipp://host:631/ipp/print at 10:20", "ipp://host:631/ipp/print at 10:20"),
        ("a basic fact", "a basic fact"),  # too short to be a credential
    ],
)
def test_what_a_text_gives_away_is_hidden(text: str, expected: str) -> None:
    """Credentials in a URL and in an HTTP header go, other texts stay."""
    assert redact(None, "", {"event": text})["event"] == expected


def test_harmless_keys_keep_their_values() -> None:
    """Codes of reasons and states are not secrets, and a missing secret may be said."""
    record = {"reason_code": 4, "status_code": "404", "secret": None, "account": "user:ana"}
    assert record == redact(None, "", dict(record))


def test_pydantics_secrets_stay_secrets() -> None:
    """A SecretStr under any key shows stars."""
    assert "hush" not in str(redact(None, "", {"value": SecretStr("hush")}))


@given(st.text(max_size=40))
def test_no_text_makes_a_second_line(text: str) -> None:
    """A job's name cannot forge a record."""
    cleaned = redact(None, "", {"name": text})["name"]
    assert len(cleaned.splitlines()) <= 1
    assert not any(ord(each) < 32 for each in cleaned)


def test_a_jobs_line_always_has_all_its_keys() -> None:
    """What is not known is None, so that lines can be put in a table."""
    out = io.StringIO()
    configure("edge", stream=out)
    job_line(logger("edge"), action="job-held", job=JOB, user="ana")
    job_line(
        logger("edge"),
        action="job-settled",
        job=JOB,
        user="ana",
        queue="print2me",
        printer="library-1",
        attempt=1,
        impressions=3,
        sheets=2,
        price="0.30 EUR",
        reason="none",
        online=False,
        took=timedelta(milliseconds=1500),
    )
    held, settled = records(out)
    assert held.keys() == settled.keys()
    assert (held["event"], held["action"], held["job"]) == ("job held", "job-held", str(JOB))
    assert held["seconds"] is None
    assert settled["seconds"] == 1.5


def test_a_batchs_line_always_has_all_its_keys() -> None:
    """One line a batch, with its range and what became of it."""
    out = io.StringIO()
    configure("central", stream=out)
    batch_line(
        logger("central"),
        action="batch-applied",
        node="edge-north",
        stream="ledger",
        first=1,
        last=20,
        applied=20,
    )
    (record,) = records(out)
    assert record["seconds"] is None
    assert tuple(
        record[key] for key in ("first", "last", "applied", "duplicates", "quarantined")
    ) == (1, 20, 20, 0, 0)
