"""How somebody wants a document of their own printed: what can be chosen, and what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from central.web.pages.sentences import mark
from central.web.pages.views import Choice
from config.policy.jobs import COPIES_MAX, ColorMode, Sides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.web.pages.visit import Visit

_AS_SENT: Final = mark("as it was sent")
SIDES: Final = {
    Sides.ONE_SIDED.value: mark("one-sided"),
    Sides.TWO_SIDED_LONG_EDGE.value: mark("two-sided"),
    Sides.TWO_SIDED_SHORT_EDGE.value: mark("two-sided, turned at the short edge"),
}
MODES: Final = {ColorMode.MONOCHROME.value: mark("black and white")}


def choices(
    visit: Visit, known: Mapping[str, str], chosen: str, nothing: str = _AS_SENT
) -> tuple[Choice, ...]:
    """Return what may be chosen, with leaving it as it is first, in these marked words."""
    offered = {"": nothing, **known}
    return tuple(
        Choice(key, visit.say(label), chosen=key == chosen) for key, label in offered.items()
    )


def chosen(visit: Visit) -> dict[str, Any] | str:
    """Return what the form sets, as attributes of a job; else what is wrong with its copies."""
    form = visit.form
    copies, sides, mode = form.text("copies", 8), form.text("sides", 40), form.text("mode", 40)
    found: dict[str, Any] = {}
    if copies:
        if not (copies.isascii() and copies.isdigit() and 1 <= int(copies) <= COPIES_MAX):
            return visit.say(mark("Copies are a number from 1 to %(most)s."), most=COPIES_MAX)
        found["copies"] = int(copies)
    found |= {"sides": sides} if sides in SIDES else {}
    found |= {"print_color_mode": mode} if mode in MODES else {}
    return found
