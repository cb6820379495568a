"""What is a swipe: the same card at once is one, and a flood reaches nobody."""

from __future__ import annotations

from terminal_bridge.swipes import Refused, Swipes


def test_the_same_card_within_a_second_is_one_swipe() -> None:
    """Held on it is one swipe for as long as it is; a second after it was last held, another."""
    swipes = Swipes()
    held = [swipes.taken(b"ana", 100 + tick / 2) for tick in range(10)]
    assert held == [True, *([False] * 9)]
    assert not swipes.taken(b"ana", 105.4)
    assert swipes.taken(b"ana", 106.4)


def test_two_cards_in_turns_are_two_swipes() -> None:
    """Two cards held together, or frames that are replayed in turns, sign nobody on and off."""
    swipes = Swipes()
    held = [swipes.taken(mark, 100 + n / 100) for n, mark in enumerate([b"ana", b"bea"] * 50)]
    assert sum(held) == 2


def test_a_card_that_left_may_come_back_at_once() -> None:
    """Where the reader says that the card left, the next one is a new swipe."""
    swipes = Swipes()
    assert swipes.taken(b"ana", 100)
    swipes.gone()
    assert swipes.taken(b"ana", 100.1)


def test_ten_thousand_swipes_a_minute_are_as_many_as_people_can_make() -> None:
    """Of 10,000 different cards in a minute about one a second gets through, and little is kept."""
    swipes = Swipes()
    taken = sum(swipes.taken(b"%d" % n, 100 + n * 0.006) for n in range(10_000))
    assert 60 <= taken <= 70
    assert len(swipes._seen) <= 16


def test_people_who_queue_are_not_a_flood() -> None:
    """Thirty people with two seconds each are all let in, and so is who comes after a flood."""
    swipes = Swipes()
    assert all(swipes.taken(b"%d" % n, 100 + n * 2) for n in range(30))
    for n in range(10_000):
        swipes.taken(b"noise %d" % n, 200 + n * 0.006)
    assert swipes.taken(b"ana", 262)


def test_what_is_refused_is_counted_and_told_once_a_minute() -> None:
    """A flood is two figures now and then, never a line for each."""
    swipes = Swipes()
    told = []
    for n in range(10_000):
        swipes.taken(b"%d" % (n // 2), 100 + n * 0.012)
        told.append(swipes.report(100 + n * 0.012))
    said = [each for each in told if each is not None]
    assert len(said) == 2
    assert Refused(1, 0) == said[0]
    assert said[1].repeats + said[1].flood > 4000
