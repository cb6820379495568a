"""Sentences that pages say in several places, marked for translators."""

from __future__ import annotations

from typing import Final


def mark(sentence: str) -> str:
    """Mark a sentence for translators; whoever shows it has it translated."""
    return sentence


def mark_of(one: str, many: str) -> tuple[str, str]:
    """Mark two sentences for translators, one of which is said, by a number."""
    return one, many


NO_PAGE: Final = mark("There is no such page here.")
NOT_YOURS: Final = mark("This page is not for you.")
NOT_YOURS_MORE: Final = mark("Your roles do not include it. Whoever gives roles can change that.")
SORRY: Final = mark("That did not work.")
SORRY_MORE: Final = mark("Nothing was changed. What happened is in the log of the centre.")
TOO_OLD: Final = mark("This page was open for too long.")
TOO_OLD_MORE: Final = mark("Nothing was changed. Load it again and send it once more.")
NOT_FROM_HERE: Final = mark("This was not sent by a page of ours.")
NOT_FROM_HERE_MORE: Final = mark("Nothing was changed.")
BUSY: Final = mark("The books are busy at the moment.")
BUSY_MORE: Final = mark("Nothing was changed. Try again in a few seconds.")
TOO_MUCH: Final = mark("That is more than this page asks for.")
TIMED_OUT: Final = mark("You were signed off, since nothing happened for a while.")
ENDED: Final = mark("You were signed off.")
