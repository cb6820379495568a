"""Promises of the line between the coordinator and the process of its pages."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from broker.exporters.figures import IngestTally
from central.web.beside_words import (
    SILENT_AFTER,
    Begin,
    Down,
    End,
    Heard,
    Ready,
    Refused,
    Told,
    Up,
    down,
    line,
    up,
)

TALLY = IngestTally(
    rounds=3, seconds=0.5, applied=Counter(ledger=4, jobs=12), quarantined=1,
    alerts=Counter(info=0, warning=2, critical=0, cleared=1),
)  # fmt: skip


@pytest.mark.parametrize(
    "word",
    [
        Begin(incarnation=UUID(int=7)),
        Told(changed=True, troubles=("It rains.\nA lot.",), ingest=TALLY),
        End(),
    ],
)
def test_what_goes_down_arrives_as_it_was(word: Down) -> None:
    """Each word is one line, whatever stands in it, and is read as what was said."""
    said = line(word)
    assert said.count(b"\n") == 1
    assert said.endswith(b"\n")
    assert down(said) == word


@pytest.mark.parametrize("word", [Ready(), Refused(why="no certificate at “web.pem”")])
def test_what_goes_up_arrives_as_it_was(word: Up) -> None:
    """The same the other way."""
    assert up(line(word)) == word


@pytest.mark.parametrize("said", [b"", b"ready\n", b'{"word": "more"}\n', line(End())])
def test_what_is_no_word_is_refused(said: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="validation error"):
        up(said)


def test_what_was_told_is_what_is_shown() -> None:
    """The newest troubles and figures stand; whoever has the figures keeps the same object."""
    heard = Heard(now=100.0)
    shown = heard.ingest
    assert heard.troubles(101.0) == ()
    heard.take(Told(changed=False, troubles=("It rains.",), ingest=TALLY), 102.0)
    assert heard.troubles(102.0) == ("It rains.",)
    assert shown == TALLY
    heard.take(Told(changed=False, troubles=(), ingest=TALLY), 103.0)
    assert heard.troubles(103.0) == ()


def test_silence_is_a_trouble() -> None:
    """A coordinator that hangs is told of, beside what it said last, until it speaks again."""
    heard = Heard(now=0.0)
    heard.take(Told(changed=False, troubles=("It rains.",), ingest=TALLY), 5.0)
    assert heard.troubles(5.0 + SILENT_AFTER - 0.1) == ("It rains.",)
    rain, silence = heard.troubles(5.0 + SILENT_AFTER)
    assert rain == "It rains."
    assert "coordinator has said nothing" in silence
    heard.take(Told(changed=False, troubles=(), ingest=TALLY), 60.0)
    assert heard.troubles(60.0) == ()
