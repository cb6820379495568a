"""Whether a charge from an edge may be booked: decided in memory, one by one, nothing written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Charged
    from config.policy.money import Unit

    #: (account, unit) → micros.
    Sums: TypeAlias = Mapping[tuple[str, Unit], int]


class Booked(NamedTuple):
    """The charge holds: these sums leave the edge's accounts."""

    takes: tuple[tuple[str, Unit, int], ...]
    """(account, unit, micros), each account once, nothing that is zero."""
    content: str
    """Digest of the whole charge."""
    counted: tuple[tuple[str, Unit, int], ...] = ()
    """In the same form: taken from accounts without limit, at the centre."""
    owes: tuple[tuple[str, Unit, int], ...] = ()
    """In the same form: past the allocation, to be collected."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same charge is in the books already: once is enough."""


@dataclass(frozen=True, slots=True)
class Unbookable:
    """The books cannot accept it."""

    reason: str
    """One sentence for people."""
    freezes: bool = False
    """No honest edge says so: it must be looked at before it is given anything."""


@dataclass(frozen=True, slots=True)
class Cap:
    """How much may be outstanding in a unit; None: without limit."""

    site: int | None
    """At the site."""
    user: int | None
    """On one account."""


@dataclass(slots=True)
class Past:
    """What may stand behind a charge besides the allocation, as the books have it."""

    units: Mapping[str, Unit] = field(default_factory=dict)
    """The unit of every account that is named."""
    unlimited: frozenset[str] = frozenset()
    """Accounts that are counted only."""
    caps: Mapping[Unit, Cap] = field(default_factory=dict)
    """The widest that were ever in force for this journal; none for a unit: nothing."""
    owed: dict[Unit, int] = field(default_factory=dict)
    """Outstanding at the site."""
    owed_by: dict[tuple[str, Unit], int] = field(default_factory=dict)
    """Outstanding there on each account."""


Verdict: TypeAlias = Booked | Repeated | Unbookable


class Charges:
    """Judges charges of one edge one after another; each sees what the ones before it took."""

    def __init__(
        self,
        here: Sums,
        known: Mapping[UUID, str],
        node: str,
        past: Past | None = None,
    ) -> None:
        """Begin from what the books say.

        Args:
            here: micros at the edge by (account, unit), for every account that has a place there.
            known: content digest of the charges already booked, by charge.
            node: the edge.
            past: needed if anything is covered by more than the allocation.
        """
        self._left = dict(here)
        # by number: hashing a UUID costs more than all the rest of looking it up
        self._known = {charge.int: content for charge, content in known.items()}
        self._node = node
        self._past = past or Past()

    def judge(self, charge: Charged) -> Verdict:
        """Decide one charge; a booked one lowers what is left for the next."""
        content = content_of(charge)
        before = self._known.get(charge.charge.int)
        if before is not None:
            return Repeated() if before == content else _contradicts(charge)
        for posting in charge.postings:
            if posting.micros < 0:
                return Unbookable(f"a charge cannot give {posting.account} money")
        parts = _parts(charge)
        wrong = self._short(parts.get("allocation"))
        if wrong is None and len(parts) > ("allocation" in parts):
            wrong = self._beyond(parts)
        if wrong is not None:
            return wrong
        self._known[charge.charge.int] = content
        return self._booked(parts, content)

    def _booked(self, parts: Mapping[str, Sums], content: str) -> Booked:
        """Lower what is left, and raise what is owed."""
        takes = _lines(parts.get("allocation"))
        for account, unit, micros in takes:
            self._left[account, unit] -= micros
        if len(parts) == 1 and "allocation" in parts:
            return Booked(takes, content)
        counted, owes = _lines(parts.get("account")), _lines(parts.get("uncovered"))
        for account, unit, micros in owes:
            self._past.owed[unit] = self._past.owed.get(unit, 0) + micros
            self._past.owed_by[account, unit] = self._past.owed_by.get((account, unit), 0) + micros
        return Booked(takes, content, counted, owes)

    def _short(self, sums: Sums | None) -> Unbookable | None:
        """Say what is not at the edge, None when all is."""
        if sums is None:
            return None
        for key, micros in sums.items():
            account, unit = key
            have = self._left.get(key)
            if have is None and micros:
                return Unbookable(f"{account} was never given {unit} at {self._node}", freezes=True)
            if have is not None and have < micros:
                return Unbookable(
                    f"{account} has {have} micros of {unit} at {self._node}, not {micros}",
                    freezes=True,
                )
        return None

    def _beyond(self, others: Mapping[str, Sums]) -> Unbookable | None:
        """Say what nothing stands behind, None when something does behind all of it."""
        past = self._past
        for how in ("account", "uncovered"):
            for account, unit in others.get(how, {}):
                if past.units.get(account) != unit:
                    return Unbookable(f"there is no account {account} in {unit}")
        for account, _ in others.get("account", {}):
            if account not in past.unlimited:
                return Unbookable(f"{account} is not an account without limit")
        at_site: defaultdict[Unit, int] = defaultdict(int)
        for (account, unit), micros in others.get("uncovered", {}).items():
            cap = past.caps.get(unit, _NOTHING)
            at_site[unit] += micros
            owed, owes = past.owed.get(unit, 0), past.owed_by.get((account, unit), 0)
            if _over(owed + at_site[unit], cap.site) or _over(owes + micros, cap.user):
                return Unbookable(
                    f"{self._node} claims {micros} micros of {unit} past the allocation of "
                    f"{account}, where {owes} are outstanding, {owed} at the site: more than it "
                    "was ever allowed",
                    freezes=True,
                )
        return None


_NOTHING = Cap(0, 0)


def _over(micros: int, most: int | None) -> bool:
    return most is not None and micros > most


def content_of(charge: Charged) -> str:
    """Return the digest by which the books tell a repetition from a contradiction.

    SHA-256 of the charge's JSON, byte for byte as `model_dump_json` writes it: old books are full
    of these.
    """
    return sha256(to_json(charge)).hexdigest()


def _parts(charge: Charged) -> dict[str, dict[tuple[str, Unit], int]]:
    """Return the sums of a charge by what stands behind them, each account once."""
    parts: dict[str, dict[tuple[str, Unit], int]] = {}
    for posting in charge.postings:
        into = parts.setdefault(posting.covered_by, {})
        key = posting.account, posting.unit
        into[key] = into.get(key, 0) + posting.micros
    return parts


def _contradicts(charge: Charged) -> Unbookable:
    return Unbookable(f"charge {charge.charge} is in the books with other content")


def _lines(sums: Sums | None) -> tuple[tuple[str, Unit, int], ...]:
    if sums is None:
        return ()
    # a list first: it costs half of what a generator does
    return tuple([(account, unit, micros) for (account, unit), micros in sums.items() if micros])
