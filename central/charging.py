"""Whether a charge from an edge may be booked: decided in memory, one by one, nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Charged
    from config.policy.money import Unit


class Booked(NamedTuple):
    """The charge holds: these sums leave the edge's accounts."""

    takes: tuple[tuple[str, Unit, int], ...]
    """(account, unit, micros), each account once, nothing that is zero."""
    content: str
    """Digest of the whole charge."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same charge is in the books already: once is enough."""


@dataclass(frozen=True, slots=True)
class Unbookable:
    """The books cannot accept it."""

    reason: str
    """One sentence for people."""


Verdict: TypeAlias = Booked | Repeated | Unbookable


class Charges:
    """Judges charges of one edge one after another; each sees what the ones before it took."""

    def __init__(
        self, here: Mapping[tuple[str, Unit], int], known: Mapping[UUID, str], node: str
    ) -> None:
        """Begin from what the books say.

        Args:
            here: micros at the edge by (account, unit), for every account that has a place there.
            known: content digest of the charges already booked, by charge.
            node: the edge.
        """
        self._left = dict(here)
        self._known = dict(known)
        self._node = node

    def judge(self, charge: Charged) -> Verdict:
        """Decide one charge; a booked one lowers what is left for the next."""
        content = sha256(charge.model_dump_json().encode()).hexdigest()
        before = self._known.get(charge.charge)
        if before is not None:
            if before == content:
                return Repeated()
            return Unbookable(f"charge {charge.charge} is in the books with other content")
        sums: dict[tuple[str, Unit], int] = {}
        for posting in charge.postings:
            if posting.micros < 0:
                return Unbookable(f"a charge cannot give {posting.account} money")
            key = posting.account, posting.unit
            sums[key] = sums.get(key, 0) + posting.micros
        for (account, unit), micros in sums.items():
            have = self._left.get((account, unit))
            if have is None and micros:
                return Unbookable(f"{account} was never given {unit} at {self._node}")
            if have is not None and have < micros:
                return Unbookable(
                    f"{account} has {have} micros of {unit} at {self._node}, not {micros}"
                )
        for key, micros in sums.items():
            if micros:
                self._left[key] -= micros
        self._known[charge.charge] = content
        takes = tuple((account, unit, micros) for (account, unit), micros in sums.items() if micros)
        return Booked(takes, content)
