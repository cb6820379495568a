"""What an import changes: who comes, is another now, leaves, returns, and who is refused; pure.

A source owns the people that it brought and nobody else. Who is missing from it is disabled, never
removed. When more would be disabled than anybody expects, nothing is done until somebody says the
number: a wrong filter must not close an organisation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Field: TypeAlias = Literal["name", "display", "email", "department", "groups", "cards", "source"]

#: Fewer people than these never set the brake off.
BRAKE_LEAST: Final = 5
BRAKE_PERCENT: Final = 10.0
_TOLD: Final = attrgetter("name", "wanted", "groups", "cards_new", "cards_gone")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person as the source tells of them; None of a field: it does not tell, so it stays."""

    name: str
    """User name, lower case, checked."""
    where: str
    """For people who look for it in the source: `line 12`, an entry's name."""
    source_id: str = ""
    """What the source calls them for ever; empty: their user name is all there is."""
    display: str | None = None
    email: str | None = None
    department: str | None = None
    groups: tuple[str, ...] | None = None
    cards: tuple[tuple[str, ...], ...] | None = field(default=None, repr=False)
    """Of each card every key that its row may have, the one for a new row first."""
    enabled: bool = True
    """False: the source says they are shut out."""


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the books have them."""

    name: str
    source: str
    source_id: str
    display: str
    email: str
    department: str
    groups: tuple[str, ...]
    told_groups: tuple[str, ...]
    """Which of the groups the source told; the others were given here."""
    enabled: bool
    ended: str
    """`left`: an import disabled them."""


@dataclass(frozen=True, slots=True)
class CardHeld:
    """A card as the books have it."""

    user: str
    source: str
    """Who told of it; empty: somebody here, or a terminal."""
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """How an import goes about it."""

    source: str
    """`csv`, `ldap:NAME`."""
    whole: bool = True
    """The source has everybody of its own: who is missing has left."""
    adopt: bool = False
    """People of the same name that somebody entered here become the source's."""
    brake_percent: float = BRAKE_PERCENT
    """Not more than this share of the source's people may be disabled at once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody, or a part of what is told of them, that is not taken."""

    where: str
    name: str
    """Empty where that is what is wrong."""
    why: str
    source_id: str = ""
    """So that somebody whose entry is wrong is not taken for missing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one person; each field holds what it is to be."""

    wanted: Wanted
    before: Known | None
    """None: they are new."""
    groups: tuple[str, ...] = ()
    """All they are to be in: the source's, and those given here."""
    cards_new: tuple[str, ...] = field(default=(), repr=False)
    """Keys of cards to enter."""
    cards_gone: tuple[str, ...] = field(default=(), repr=False)
    """Keys of the source's own cards that it tells of no more."""
    fields: tuple[Field, ...] = ()
    """What is another than before."""

    @property
    def name(self) -> str:
        """Who it is, by the name they have until now."""
        return self.wanted.name if self.before is None else self.before.name


@dataclass(frozen=True, slots=True)
class Brake:
    """So many would be disabled that somebody is to say the number first."""

    leaving: int
    of: int
    percent: float
    """What is allowed."""

    def __str__(self) -> str:
        """Say it in a sentence."""
        share = 100 * self.leaving / self.of if self.of else 100.0
        return (
            f"{self.leaving} of {self.of} people would be disabled ({share:.0f} %, "
            f"{self.percent:g} % are allowed): nothing is changed until the number is confirmed"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an import would do."""

    source: str
    adds: tuple[Change, ...] = ()
    changes: tuple[Change, ...] = ()
    returns: tuple[Change, ...] = ()
    """Who left and is there again: enabled, and changed where they are another now."""
    disables: tuple[Known, ...] = ()
    same: int = 0
    """People who stay as they are."""
    refusals: tuple[Refusal, ...] = ()
    brake: Brake | None = None

    @property
    def steps(self) -> int:
        """How many people it touches."""
        return len(self.adds) + len(self.changes) + len(self.returns) + len(self.disables)

    @property
    def fingerprint(self) -> str:
        """Which plan it is: who confirms one must not get another, though as many go."""
        parts = (self.adds, self.changes, self.returns)
        told = [[_TOLD(each) for each in part] for part in parts]
        left = [each.name for each in self.disables]
        return sha256(repr((self.source, told, left)).encode()).hexdigest()[:16]

    def counts(self) -> dict[str, int]:
        """Return how many of each, for lists and records."""
        return {
            "added": len(self.adds),
            "changed": len(self.changes),
            "returned": len(self.returns),
            "disabled": len(self.disables),
            "same": self.same,
            "refused": len(self.refusals),
        }


def plan(
    current: Iterable[Known],
    wanted: Iterable[Wanted],
    habits: Habits,
    held: Mapping[str, CardHeld] | None = None,
    refused: Iterable[Refusal] = (),
) -> Plan:
    """Return what an import would change.

    Args:
        current: everybody in the books, of whatever source.
        wanted: everybody the source tells of.
        habits: how to go about it.
        held: every card in the books, by its key.
        refused: what could not even be read; these people are not taken for missing when their
            name is known.
    """
    deciding = _Deciding(habits, current, held or {}, list(refused))
    for each in wanted:
        deciding.take(each)
    return deciding.done()


class _Deciding:
    """Goes through what the source tells of, once."""

    def __init__(
        self,
        habits: Habits,
        current: Iterable[Known],
        held: Mapping[str, CardHeld],
        refusals: list[Refusal],
    ) -> None:
        self._habits = habits
        self._held = held
        self._refusals = refusals
        self._by_name = {each.name: each for each in current}
        self._own = {
            name: each for name, each in self._by_name.items() if each.source == habits.source
        }
        self._by_id = {each.source_id: each for each in self._own.values() if each.source_id}
        self._their_cards: dict[str, list[str]] = {}
        for key, card in held.items():
            if card.source == habits.source:
                self._their_cards.setdefault(card.user, []).append(key)
        self._told = bool(refusals)
        self._met: set[str] = {each.name for each in refusals if each.name in self._own}
        ids = {each.source_id for each in refusals}
        self._met |= {known.name for id_, known in self._by_id.items() if id_ in ids}
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._cards: dict[str, str] = {}
        self._adds: list[Change] = []
        self._changes: list[Change] = []
        self._returns: list[Change] = []
        self._disables: list[Known] = []
        self._same = 0

    def take(self, wanted: Wanted) -> None:
        """Decide about one whom the source tells of."""
        self._told = True
        before = self._before(wanted)
        if (why := self._why_not(wanted, before)) is not None:
            self._refusals.append(Refusal(wanted.where, wanted.name, why))
            if before is not None:
                self._met.add(before.name)
            return
        self._names[wanted.name] = wanted.where
        if wanted.source_id:
            self._ids[wanted.source_id] = wanted.where
        if before is not None:
            self._met.add(before.name)
        if not wanted.enabled:
            self._shut_out(before)
            return
        change = self._change(wanted, before)
        if before is None:
            self._adds.append(change)
        elif before.ended == "left" and not before.enabled:
            self._returns.append(change)
        elif change.fields:
            self._changes.append(change)
        else:
            self._same += 1

    def done(self) -> Plan:
        """Decide about those whom it told nothing of; return everything."""
        active = sum(each.enabled for each in self._own.values())
        if self._habits.whole:
            missing = [each for name, each in self._own.items() if name not in self._met]
            self._disables += [each for each in missing if each.enabled]
            self._same += sum(not each.enabled for each in missing)
        return Plan(
            self._habits.source,
            tuple(self._adds),
            tuple(self._changes),
            tuple(self._returns),
            tuple(self._disables),
            self._same,
            tuple(self._refusals),
            self._brake(active),
        )

    def _before(self, wanted: Wanted) -> Known | None:
        if wanted.source_id and (known := self._by_id.get(wanted.source_id)) is not None:
            return known
        return self._by_name.get(wanted.name)

    def _why_not(self, wanted: Wanted, before: Known | None) -> str | None:
        if (other := self._names.get(wanted.name)) is not None:
            return f"{wanted.name} is told of twice, first in {other}"
        if (other := self._ids.get(wanted.source_id)) is not None:
            return f"the same person is told of twice, first in {other}"
        if before is None:
            return None
        if before.source == self._habits.source:
            return self._another(wanted, before)
        return self._not_ours(wanted, before)

    def _another(self, wanted: Wanted, before: Known) -> str | None:
        """Say why somebody of the source's own is not who they were, None when they are."""
        if before.name != wanted.name:
            if wanted.name not in self._by_name:
                return None
            return (
                f"{before.name} is called {wanted.name} now, and there is a {wanted.name} already"
            )
        if before.source_id and wanted.source_id not in {"", before.source_id}:
            # the same name given to somebody else: money must not go over to them
            return f"another person was called {wanted.name} before; rename or remove them first"
        return None

    def _not_ours(self, wanted: Wanted, before: Known) -> str | None:
        """Say why somebody of another source stays there, None when they become this one's."""
        if self._habits.adopt and before.source in {"local", "csv"}:
            return None
        hint = "" if self._habits.adopt else "; only with adopt do they become this source's"
        return f"there is a user {wanted.name} already, of {before.source}{hint}"

    def _shut_out(self, before: Known | None) -> None:
        if before is not None and before.enabled and before.source == self._habits.source:
            self._disables.append(before)
        else:
            self._same += 1

    def _change(self, wanted: Wanted, before: Known | None) -> Change:
        new, gone = self._cards_of(wanted, before)
        groups = _groups(wanted, before)
        fields: list[Field] = []
        if before is not None:
            if before.name != wanted.name:
                fields.append("name")
            if wanted.display not in {None, before.display}:
                fields.append("display")
            if wanted.email not in {None, before.email}:
                fields.append("email")
            if wanted.department not in {None, before.department}:
                fields.append("department")
            told = before.told_groups if wanted.groups is None else wanted.groups
            if groups != before.groups or set(told) != set(before.told_groups):
                fields.append("groups")
            if new or gone:
                fields.append("cards")
            owned = (self._habits.source, wanted.source_id or before.source_id)
            if (before.source, before.source_id) != owned:
                fields.append("source")
        return Change(wanted, before, groups, new, gone, tuple(fields))

    def _cards_of(
        self, wanted: Wanted, before: Known | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return keys of cards to enter, and of those to take away."""
        if wanted.cards is None:
            return (), ()
        new: list[str] = []
        told: set[str] = set()
        user = wanted.name if before is None else before.name
        for keys in wanted.cards:
            key = next((each for each in keys if each in self._held), keys[0])
            told.add(key)
            if (other := self._cards.get(key)) is not None and other != wanted.where:
                self._refuse(wanted, f"one of their cards is told of in {other} as well")
                continue
            self._cards[key] = wanted.where
            card = self._held.get(key)
            if card is None:
                new.append(key)
            elif card.user != user:
                self._refuse(wanted, f"one of their cards belongs to {card.user}")
            elif card.blocked:
                self._refuse(wanted, "one of their cards is blocked, and stays so")
        gone = [
            key
            for key in self._their_cards.get(user, ())
            if key not in told and not self._held[key].blocked
        ]
        return tuple(dict.fromkeys(new)), tuple(gone)

    def _refuse(self, wanted: Wanted, why: str) -> None:
        self._refusals.append(Refusal(wanted.where, wanted.name, why))

    def _brake(self, active: int) -> Brake | None:
        leaving = len(self._disables)
        brake = Brake(leaving, active, self._habits.brake_percent)
        if leaving and not self._told:
            return brake  # an empty source is a wrong one
        if leaving < BRAKE_LEAST or leaving * 100 <= self._habits.brake_percent * active:
            return None
        return brake


def _groups(wanted: Wanted, before: Known | None) -> tuple[str, ...]:
    """Return the groups somebody is to be in: what was given here stays."""
    if before is None:
        return wanted.groups or ()
    if wanted.groups is None:
        return before.groups
    given_here = [each for each in before.groups if each not in before.told_groups]
    kept = [each for each in before.groups if each in wanted.groups or each in given_here]
    return tuple(dict.fromkeys([*kept, *wanted.groups]))
