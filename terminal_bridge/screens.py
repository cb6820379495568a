"""What a small display says, in lines; a panel draws its own pages from the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.policy.money import Money

if TYPE_CHECKING:
    from broker.messages.copies import CopyState
    from terminal_bridge.events import Show

_FIXED = {
    "looking": ("One moment …",),
    "beginning": ("One moment …",),
    "goodbye": ("Good-bye",),
}


def lines_of(  # noqa: C901, PLR0911, PLR0912  a line for each screen
    show: Show, *, idle: str = "Hold your card here"
) -> tuple[str, ...]:
    """Return the lines, most important first; a display cuts what it has no room for.

    None: what stands there stays.

    Args:
        show: what is to be said.
        idle: what stands there while nobody does.
    """
    name = show.who.answer.display if show.who else ""
    match show.screen:
        case "ready":
            return (idle,)
        case "no-edge":
            return ("Out of service", "The site does not answer")
        case "trouble":
            return ("Out of service", show.text)
        case "refused":
            return ("Not possible", show.text)
        case "hello":
            return (f"Hello {name}",)
        case "jobs":
            return (_counted(show.number, "job") if show.number else "No jobs wait here",)
        case "released":
            return (f"{_counted(show.number, 'job')} released", show.text)
        case "copying" | "stopping" | "settled":
            return _copy(show.screen, show.copy, show.text)
        case "kept":
            return (f"{_counted(show.number, 'copy', 'copies')} counted", "Charged a little later")
        case "news":
            return (show.text,) if show.text else ()
        case "pin":
            return ("Type your PIN", show.text or "•" * show.number)
        case "new-card":
            return ("Hold the new card here",)
        case "enrolled":
            later = "It works here until the centre has confirmed it"
            return ("Card entered", later if show.code == "provisional" else "")
        case "looking" | "beginning" | "goodbye":
            return _FIXED[show.screen]


def _copy(screen: str, copy: CopyState | None, text: str) -> tuple[str, ...]:
    if copy is None:
        return (text,)
    cost = " + ".join(str(Money(each.micros, each.unit)) for each in copy.cost)
    done = _counted(copy.counts.total, "copy", "copies")
    first = f"{done} · {cost}" if cost else done
    if screen == "copying":
        return (first, f"{Money(copy.left, copy.unit)} left")
    return (first, text or copy.text or "Thank you")


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
