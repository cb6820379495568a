"""What pages say of an import: who comes, changes, leaves, returns, and who is not taken."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from central.web.pages import people_words
from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from central.importing.plan import Change, Plan, Refusal
    from central.web.pages.people_drafts import Draft
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit

#: Lines that a page shows; the rest is told by its number.
_SHOWN: Final = 100
_NONE: Final = "\N{EN DASH}"

_STATES: Final[Mapping[str, tuple[Tone, str]]] = {
    "done": ("good", mark("done")),
    "partial": ("waiting", mark("in part")),
    "braked": ("trouble", mark("stopped")),
    "failed": ("trouble", mark("failed")),
}
_COUNTS: Final = {
    "added": mark("new"),
    "changed": mark("changed"),
    "returned": mark("back again"),
    "disabled": mark("disabled"),
    "same": mark("as before"),
    "refused": mark("not taken"),
    "skipped": mark("left as they were"),
}
_FIELDS: Final = {
    "name": mark("User name"),
    "display": mark("Name"),
    "given": mark("First name"),
    "family": mark("Family name"),
    "email": mark("E-mail"),
    "department": mark("Department"),
    "groups": mark("Groups"),
    "cards": mark("Cards"),
    "id": mark("Id"),
    "enabled": mark("Enabled"),
    "source": mark("Comes from"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one person."""

    user: str
    chip: Chip
    detail: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The page."""

    draft: Draft
    source: str
    steps: int
    figures: tuple[Figure, ...]
    lines: tuple[Line, ...]
    more: int
    """Lines that are not shown."""
    refusals: tuple[Refusal, ...]
    more_refusals: int
    skipped: tuple[Refusal, ...]
    columns: tuple[tuple[str, str], ...]
    leaving: int
    """So many would be disabled that the number is to be typed; 0: it is not."""
    of: int
    wrong: str


def preview(visit: Visit, draft: Draft, wrong: str = "") -> Preview:
    """Return what a page shows of an import."""
    plan = draft.plan
    lines = tuple(islice(_lines(visit, plan), _SHOWN))
    told = plan.counts()
    return Preview(
        draft,
        people_words.source_word(visit, draft.source),
        plan.steps,
        tuple(
            Figure(visit.say(word), visit.words.number(told[key]))
            for key, word in _COUNTS.items()
            if key in told
        ),
        lines,
        plan.steps - len(lines),
        plan.refusals[:_SHOWN],
        max(0, len(plan.refusals) - _SHOWN),
        draft.skipped[:_SHOWN],
        tuple((visit.say(_FIELDS.get(column, column)), header) for column, header in draft.told),
        0 if plan.brake is None else plan.brake.leaving,
        0 if plan.brake is None else plan.brake.of,
        wrong,
    )


def state_chip(visit: Visit, state: str) -> Chip:
    """Return how an import ended."""
    tone, word = _STATES[state]
    return Chip(tone, visit.say(word))


def counts(visit: Visit, told: Mapping[str, int]) -> str:
    """Return how many of each, in a line."""
    return ", ".join(
        f"{visit.words.number(told[key])} {visit.say(word)}"
        for key, word in _COUNTS.items()
        if told.get(key)
    )


def _lines(visit: Visit, plan: Plan) -> Iterator[Line]:
    for leaver in plan.disables:
        yield Line(leaver.name, Chip("trouble", visit.say(mark("disabled")), "out"), leaver.display)
    for change in plan.returns:
        yield Line(change.name, Chip("good", visit.say(mark("back again"))), _detail(visit, change))
    for change in plan.changes:
        chip = Chip("waiting", visit.say(mark("changed")), "change")
        yield Line(change.name, chip, _detail(visit, change))
    for change in plan.adds:
        yield Line(
            change.name, Chip("good", visit.say(mark("new")), "plus"), _detail(visit, change)
        )


def _detail(visit: Visit, change: Change) -> str:
    """Say what is another; numbers of cards are told by how many only."""
    wanted, before = change.wanted, change.before
    if before is None:
        parts = [wanted.display or "", wanted.department or "", *change.groups]
        return ", ".join(part for part in parts if part)
    said: list[str] = []
    for each in change.fields:
        word = visit.say(_FIELDS[each])
        match each:
            case "name":
                said.append(f"{word}: {before.name} → {wanted.name}")
            case "display" | "email" | "department":
                said.append(f"{word}: {getattr(before, each) or _NONE} → {getattr(wanted, each)}")
            case "groups":
                was, is_ = ", ".join(before.groups), ", ".join(change.groups)
                said.append(f"{word}: {was or _NONE} → {is_ or _NONE}")
            case "cards":
                said.append(
                    f"{word}: +{len(change.cards_new)} \N{MINUS SIGN}{len(change.cards_gone)}"
                )
            case "source":
                said.append(f"{word}: {people_words.source_word(visit, before.source)}")
    return "; ".join(said)
