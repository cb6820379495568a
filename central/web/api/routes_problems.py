"""Kinds of problems, described at the address that is their `type`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.web.answers import Answer
from central.web.api.table import Call, Example, Route
from central.web.kinds import BASE, MEANINGS, Kind
from central.web.problems import NotFound

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.web.paging import Asked


class KindOfProblem(Answer):
    """What a `type` means."""

    type: str
    """As problems have it."""
    title: str
    """For people."""
    status: int
    """The HTTP status that it comes with."""
    advice: str
    """What to do about it."""


class Kinds(Answer):
    """All kinds there are."""

    items: tuple[KindOfProblem, ...]
    """By status."""


def every(tx: Transaction, call: Call[None, Asked]) -> Kinds:
    """List the kinds of problems there are."""
    del tx, call
    return Kinds(items=tuple(map(_shown, Kind)))


def one(tx: Transaction, call: Call[None, Asked]) -> KindOfProblem:
    """Describe one kind of problem."""
    del tx
    name = call.path["kind"]
    if name not in set(Kind):
        raise NotFound(f"There is no kind of problem {name!r}; /api/v1/problems has all.")
    return _shown(Kind(name))


def _shown(kind: Kind) -> KindOfProblem:
    of = MEANINGS[kind]
    return KindOfProblem(type=BASE + kind, title=of.title, status=of.status, advice=of.advice)


_EXAMPLE: Final = _shown(Kind.REFUSED).model_dump(mode="json")

ROUTES: Final = (
    Route(
        method="GET",
        path="/problems",
        right=Right.PUBLIC,
        do=every,
        gives=Kinds,
        example=Example({"items": [_EXAMPLE]}),
    ),
    Route(
        method="GET",
        path="/problems/{kind}",
        right=Right.PUBLIC,
        do=one,
        gives=KindOfProblem,
        example=Example(_EXAMPLE),
    ),
)
