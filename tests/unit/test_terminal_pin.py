"""The PIN beside a card at a terminal: asked for, answered, backed off, forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from terminal_bridge.events import (
    Answered,
    CardRemoved,
    CardSeen,
    Digit,
    EdgeBack,
    Key,
    NoAnswer,
    PinBeside,
    TimeUp,
)
from terminal_bridge.phases import Beginning, Habits, Identifying, Idle, PinNeeded, Settled
from terminal_bridge.screens import lines_of
from tests.unit.session_lab import Bench, identity, ok, refused

if TYPE_CHECKING:
    from broker.messages import Reply

ANA = CardSeen("0417", b"ana")
HABITS = Habits(printer="copier-1", pin=20.0)


def asked_for_pin(habits: Habits = HABITS) -> Bench:
    """Return a terminal that waits for a PIN."""
    bench = Bench(habits)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, refused("pin-needed")))
    assert bench.is_in(PinNeeded)
    return bench


def typed(bench: Bench, pin: str = "4711") -> Bench:
    """Type a PIN on the key pad."""
    for digit in pin:
        bench.happens(Digit(digit))
    bench.happens(Key("enter"))
    return bench


def test_card_and_pin_are_asked_together() -> None:
    """The digits that were typed go to the edge with the card, and who is right goes on."""
    bench = typed(asked_for_pin())
    assert bench.asked.fields == {"card": "0417", "pin": "4711"}
    bench.happens(Answered(bench.asked.number, identity()))
    assert bench.is_in(Beginning)


def test_a_panel_sends_it_whole() -> None:
    """A page posts the PIN at once."""
    bench = asked_for_pin()
    bench.happens(PinBeside("4711"))
    assert bench.asked.fields == {"card": "0417", "pin": "4711"}


def test_a_wrong_pin_is_said_and_asked_for_again() -> None:
    """While tries are left the card need not be shown again; what was typed is gone."""
    bench = typed(asked_for_pin(), "9999")
    bench.happens(Answered(bench.asked.number, refused("no-identity", tries_left=3)))
    assert bench.is_in(PinNeeded)
    assert bench.shown[-1].text == "it is no-identity"
    typed(bench)
    assert bench.asked.fields["pin"] == "4711"


@pytest.mark.parametrize(
    "no",
    [
        refused("wait", wait_seconds=30),  # backs off
        refused("no-identity", tries_left=0),  # the last one
        refused("no-identity"),  # the card is nobody's any more
        refused("card-blocked"),
        refused("pin-needed"),  # an edge that does not know what it wants
        ok({"session": "none"}),
    ],
)
def test_what_more_tries_cannot_help_ends_it(no: Reply) -> None:
    """The reason is shown, and the card is forgotten."""
    bench = typed(asked_for_pin())
    bench.happens(Answered(bench.asked.number, no))
    assert bench.is_in(Settled)
    asked = len(bench.asks)
    typed(bench)
    assert len(bench.asks) == asked


def test_the_back_off_is_told() -> None:
    """How long they have to wait is on the display."""
    bench = typed(asked_for_pin())
    bench.happens(Answered(bench.asked.number, refused("wait", wait_seconds=30)))
    assert lines_of(bench.shown[-1]) == ("Not possible", "it is wait")
    assert bench.shown[-1].code == "wait"


def test_nobody_types_and_the_card_is_forgotten() -> None:
    """Each key is waited for; then the terminal is as if nobody had come."""
    bench = asked_for_pin()
    bench.happens(Digit("4"), 15.0)
    assert bench.wake_at == bench.now + 20.0
    bench.happens(TimeUp(), 19.0)
    assert bench.is_in(PinNeeded)
    bench.happens(TimeUp(), 1.0)
    assert bench.is_in(Idle)
    typed(bench)
    assert bench.methods() == ["identify"]


def test_clear_begins_anew() -> None:
    """What was typed before is no part of the PIN."""
    bench = asked_for_pin()
    bench.happens(Digit("9"))
    bench.happens(Key("clear"))
    assert typed(bench).asked.fields["pin"] == "4711"


def test_an_empty_pin_is_not_asked() -> None:
    """Enter alone is no try."""
    bench = asked_for_pin()
    bench.happens(Key("enter"))
    assert bench.methods() == ["identify"]
    assert bench.is_in(PinNeeded)


def test_a_cat_on_the_key_pad_makes_no_question_of_any_size() -> None:
    """Digits beyond any PIN are not taken."""
    assert len(typed(asked_for_pin(), "1" * 10_000).asked.fields["pin"]) == 32


def test_a_card_taken_away_meanwhile_asks_for_nothing() -> None:
    """Who leaves between card and answer is not asked for a PIN; nor is one who takes the card."""
    stays = Habits(printer="copier-1", card_stays=True)
    bench = asked_for_pin(stays)
    bench.happens(CardRemoved())
    assert bench.is_in(Idle)
    bench.happens(ANA)
    bench.happens(CardRemoved())
    bench.happens(Answered(bench.asked.number, refused("pin-needed")))
    assert bench.is_in(Settled)


def test_no_answer_to_a_pin_ends_it() -> None:
    """The edge may have counted the try: the card is shown again."""
    bench = typed(asked_for_pin())
    bench.happens(NoAnswer(bench.asked.number))
    assert bench.is_in(Settled)


def test_a_second_card_is_asked_for_instead() -> None:
    """The PIN belongs to the card that was shown last."""
    bench = asked_for_pin()
    bench.happens(Digit("4"))
    bench.happens(CardSeen("0533", b"bea"))
    assert bench.is_in(Identifying)
    bench.happens(Answered(bench.asked.number, refused("pin-needed")))
    assert typed(bench).asked.fields == {"card": "0533", "pin": "4711"}


def test_display_shows_how_many_digits_and_never_which() -> None:
    """Dots on the display; nothing in a repr."""
    bench = asked_for_pin()
    bench.happens(Digit("7"))
    bench.happens(Digit("3"))
    assert lines_of(bench.shown[-1]) == ("Type your PIN", "••")
    text = repr((bench.terminal, bench.actions, Digit("7"), PinBeside("73")))
    assert not [secret for secret in ("73", "0417", "'7'") if secret in text]
