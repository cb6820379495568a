"""What happens next to a document that waits for its site, moment by moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.messages import CommandState
from central.upload_steps import (
    AGAIN,
    PAUSE,
    Again,
    Expired,
    Held,
    Here,
    Refused,
    Tell,
    outcome,
    step,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
ID, JOB = UUID(int=1), UUID(int=2)
SECOND = timedelta(seconds=1)


ENDS = NOW + timedelta(hours=4)


def waiting(asked: timedelta | None = None, word: str | None = None) -> Here:
    """Return a document that waits; its site was told so long ago, if ever."""
    return Here(
        told=False, word=word, asked_at=None if asked is None else NOW - asked, ends_at=ENDS
    )


def told(asked: timedelta, word: str | None) -> Here:
    """Return a document whose site was told so long ago, and how far the command is."""
    return Here(told=True, word=word, asked_at=NOW - asked, ends_at=ENDS)


@pytest.mark.parametrize(
    ("here", "linked", "then"),
    [
        (waiting(), True, Tell()),
        # nothing is said to a site that works alone: it waits
        (waiting(), False, None),
        # that was told just now and could not: not in a circle
        (waiting(PAUSE - SECOND, "failed"), True, None),
        (waiting(PAUSE, "failed"), True, Tell()),
        # it is being fetched
        (told(SECOND, "accepted"), True, None),
        (told(SECOND, "sent"), True, None),
        # nobody answered, or the answer was lost: the site does nothing twice
        (told(AGAIN, "accepted"), True, Again()),
        (told(AGAIN, "successful"), True, Again()),
        (told(SECOND, "expired"), True, Again()),
        (told(SECOND, None), True, Again()),
        # cut off in the middle: people read that it waits
        (told(SECOND, "accepted"), False, Again()),
        # a clock that was turned back keeps nothing for ever
        (told(-AGAIN, "accepted"), True, Again()),
        (waiting(-AGAIN, "failed"), True, Tell()),
    ],
)
def test_each_moment_has_one_step(here: Here, then: object, *, linked: bool) -> None:
    """Told when it can be, again when nothing is heard, else left alone."""
    assert step(here, linked=linked, now=NOW) == then


@pytest.mark.parametrize("here", [waiting(), told(SECOND, "accepted")])
def test_nothing_is_kept_beyond_its_end(here: Here) -> None:
    """Linked or not, told or not."""
    for linked in (True, False):
        assert step(here, linked=linked, now=ENDS) == Expired()


@pytest.mark.parametrize(
    ("state", "data", "then"),
    [
        ("accepted", {}, None),
        ("executing", {}, None),
        ("successful", {"job": str(JOB)}, Held(JOB)),
        ("successful", {"job": "nonsense"}, Held(None)),
        ("failed", {"code": "over-limit"}, Refused("over-limit", "so")),
        ("failed", {}, Refused("", "so")),
        ("failed", {"code": "busy"}, Again()),
        ("expired", {}, Again()),
    ],
)
def test_the_sites_word_is_taken(state: str, data: dict[str, Any], then: object) -> None:
    """What it could not begin it is asked again."""
    said = CommandState.model_validate({"id": ID, "state": state, "detail": "so", "data": data})
    assert outcome(said) == then
