"""What a panel says of what just happened, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.policy.money import Money
from config.policy.reasons import Reason
from terminal_bridge.panel import sentences
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Reply
    from broker.messages.terminals import (
        PersonNews,
    )
    from terminal_bridge.events import Show
    from terminal_bridge.panel.views import Tone
    from terminal_bridge.words import Words


_NEWS: Final[Mapping[str, tuple[Tone, str]]] = {
    "held": ("waiting", mark("%(name)s is here now and waits for you.")),
    "refused": ("trouble", mark("%(name)s is refused.")),
    "asks": ("waiting", mark("%(name)s asks you something first.")),
    "released": ("good", mark("%(name)s is on its way.")),
    "settled": ("good", mark("%(name)s is printed.")),
    "canceled": ("unknown", mark("%(name)s is deleted.")),
    "flagged": ("trouble", mark("%(name)s may not be complete. Ask at the desk.")),
    "money": ("good", mark("Your balance has changed.")),
    "card": ("good", mark("Your new card is entered.")),
    "signed-off": ("trouble", mark("You were signed off: the card or the person is blocked.")),
}
#: Who cancels what nobody asked to be canceled: too many jobs, too large, too old.
_THE_SITE: Final = "edge"
_REDEEMED: Final = mark("%(amount)s more can be spent here now.")
_REDEEMED_BEFORE: Final = mark("This code was used already; its %(amount)s are here.")
_NOT_KEPT: Final = mark("%(name)s is not kept here any more.")


def notice_of(  # noqa: PLR0911  a line for each screen
    words: Words, show: Show, printer: str
) -> Notice | None:
    """Return what came of something as a sentence; None where the page itself says it."""
    match show.screen:
        case "refused":
            return _refused(words, show)
        case "released":
            return _released(words, show, printer)
        case "no-edge":
            return Notice("trouble", words.gettext(sentences.NO_EDGE))
        case "trouble":
            return Notice("trouble", words.gettext(mark("The machine is in trouble.")), show.text)
        case "goodbye":
            text = words.gettext(mark("You were signed off, because nobody touched the screen."))
            return Notice("unknown", text)
        case "enrolled":
            text = words.gettext(mark("Your new card is entered."))
            later = words.gettext(
                mark("It works here for a small amount until the centre knows it.")
            )
            return Notice("good", text, later if show.code == "provisional" else "")
        case "news":
            return None if show.news is None else news_of(words, show.news)
        case _:
            return None


def news_of(words: Words, news: PersonNews) -> Notice:
    """Return what the edge tells of somebody's job."""
    tone, sentence = _NEWS[news.what]
    if by_itself := news.what == "canceled" and news.data.get("by") == _THE_SITE:
        tone, sentence = "trouble", _NOT_KEPT
    name = news.name or words.gettext(mark("Your document"))
    # what a refusal says of itself is the site's own; of the others the sentence is enough
    detail = news.text if by_itself or news.what in {"refused", "flagged", "asks"} else ""
    return Notice(tone, words.gettext(sentence) % {"name": name}, detail)


def problem_of(words: Words, reply: Reply | None) -> Notice:
    """Say why a question was not answered."""
    if reply is None or reply.problem is None:
        return Notice("trouble", words.gettext(sentences.NO_EDGE))
    return Notice("trouble", sentences.refusal(words, reply.problem.code), reply.problem.detail)


def redeemed(words: Words, reply: Reply | None) -> Notice:
    """Say what came of a courier code."""
    if reply is None or reply.status != "ok":
        return problem_of(words, reply)
    try:
        amount = Money(int(reply.data["micros"]), str(reply.data["unit"]))
    except (KeyError, TypeError, ValueError):
        return Notice("good", words.gettext(mark("Your balance has changed.")))
    before = bool(reply.data.get("before"))
    sentence = _REDEEMED_BEFORE if before else _REDEEMED
    tone: Tone = "unknown" if before else "good"
    return Notice(tone, words.gettext(sentence) % {"amount": words.money(amount)})


def _refused(words: Words, show: Show) -> Notice:
    if show.who is None and show.code == Reason.NO_IDENTITY:
        return Notice("trouble", words.gettext(sentences.NOT_KNOWN), show.text)
    known = show.code in sentences.REFUSALS
    text = sentences.refusal(words, show.code) if known or not show.text else show.text
    return Notice("trouble", text, show.text if known else "")


def _released(words: Words, show: Show, printer: str) -> Notice:
    done = words.ngettext(
        "%(num)s job is on its way to %(printer)s.",
        "%(num)s jobs are on their way to %(printer)s.",
        show.number,
    ) % {"num": show.number, "printer": printer}
    if not show.text:
        return Notice("good", done)
    why = sentences.refusal(words, show.code)
    if not show.number:
        return Notice("trouble", why, show.text)
    return Notice("waiting", f"{done} {why}", show.text)
