"""An edge in memory that lives by terms: any role, leave to go past the allocation, job grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.messages import (
    AccountAmount,
    Birth,
    Charged,
    Collected,
    GaveBack,
    Granted,
    Message,
    SetTerms,
    TermsTaken,
)
from central.store import nodes, terms
from central.store.exposure import NOTHING, exposure
from config.policy.roles import ROLES
from tests.integration.books_lab import CODE, MemoryEdge

if TYPE_CHECKING:
    from uuid import UUID

    from central.store.books import Books
    from central.store.exposure import InUnit
    from central.store.terms import Wish
    from config.policy.roles import RoleName


@dataclass
class TermsEdge(MemoryEdge):
    """Keeps what PROTOCOL asks of an edge, and uses every leave it has to the last micro."""

    role: RoleName = "remote"
    wire: int = 2
    heard: list[SetTerms] = field(default_factory=list)
    """Told and not taken yet."""
    caps: SetTerms | None = None
    """Taken."""
    owing: dict[str, int] = field(default_factory=dict)
    """Outstanding past the allocation, by account, as counted here."""
    uncovered: int = 0
    """All that was ever charged past the allocation."""
    aside: dict[UUID, tuple[str, int]] = field(default_factory=dict)
    """Grants for one job each."""

    def birth(self, code: str | None = CODE) -> Birth:
        """Return an introduction in this wire and role."""
        before = super().birth(code)
        return before.model_copy(update={"wire": self.wire, "role": self.role})

    def join(self) -> None:
        """Be entered, born and told the terms."""
        with self.books.write() as tx:
            nodes.add(tx, self.node, site=self.node, role="remote", kind="edge", code=CODE)
        self.meet()

    def meet(self) -> None:
        """Be born (again)."""
        with self.books.write() as tx:
            birth = self.birth()
            assert isinstance(nodes.accept(tx, self.node, birth), nodes.Accepted)
            terms.met(tx, self.node, birth)

    def listen(self) -> list[Message]:
        """Apply everything that came down."""
        heard = super().listen()
        for message in heard:
            match message:
                case SetTerms():
                    self.heard.append(message)
                case Collected(account=account, micros=micros):
                    self.owing[account] = self.owing.get(account, 0) - micros
                    assert self.owing[account] >= 0
                case Granted(job=job, account=account, micros=micros) if job is not None:
                    self.here[account] -= micros
                    already = self.aside.get(job, (account, 0))[1]
                    self.aside[job] = account, already + micros
                case _:
                    pass
        return heard

    def leave(self, account: str) -> int:
        """Return how much may be charged past the allocation now, whoever asks."""
        if self.caps is None or ROLES[self.role].past_allocation == "never":
            return 0
        cap = next((cap for cap in self.caps.uncovered if cap.unit == "EUR"), None)
        if cap is None:
            return 0
        site = 10**12 if cap.site is None else cap.site
        user = cap.user if cap.user is not None else site
        at_site = site - sum(self.owing.values())
        return max(0, min(at_site, user - self.owing.get(account, 0)))

    def print_for(self, account: str, micros: int) -> Charged | None:
        """Charge what is here first and the rest past the allocation; None when that is denied."""
        here = self.here.get(account, 0) if ROLES[self.role].standing else 0
        covered = min(here, micros)
        past = micros - covered
        if past > self.leave(account):
            return None
        lines = [
            AccountAmount(account=account, unit="EUR", micros=part, covered_by=by)
            for part, by in ((covered, "allocation"), (past, "uncovered"))
            if part
        ]
        charge = self.charge(0, account, postings=tuple(lines))
        self.here[account] = here - covered
        self.owing[account] = self.owing.get(account, 0) + past
        self.uncovered += past
        self.say(charge)
        return charge

    def end_job(self, job: UUID, cost: int) -> None:
        """Charge part of what was granted for one job, and give the rest back."""
        account, granted = self.aside.pop(job)
        spent = min(cost, granted)
        messages: list[Message] = []
        if spent:
            messages.append(self.charge(spent, account, job=job))
            self.here[account] += spent
        if granted - spent:
            messages.append(self.returning(account, granted - spent, job))
        self.say(*messages)

    def returning(self, account: str, micros: int, job: UUID | None = None) -> GaveBack:
        """Return an event that gives something back of itself."""
        return GaveBack(
            id=self.mint(),
            account=account,
            unit="EUR",
            micros=micros,
            why="role" if job is None else "job-over",
            job=job,
        )

    def take_terms(self) -> bool:
        """Live by the newest terms told: what may not stay goes back in the same breath."""
        if not self.heard:
            return False
        self.caps, self.heard = self.heard[-1], []
        self.role = self.caps.role
        messages: list[Message] = []
        if not ROLES[self.role].standing:
            messages += [
                self.returning(account, micros) for account, micros in self.here.items() if micros
            ]
            self.here = dict.fromkeys(self.here, 0)
        self.say(*messages, TermsTaken(terms=self.caps.terms, role=self.role))
        return True

    def tell(self, linked: frozenset[str] = frozenset()) -> None:
        """Have the books take in all that they have not seen."""
        with self.books.write() as tx:
            self.send_rest(tx, linked, size=1000)


def wish(books: Books, node: str, wanted: Wish) -> int:
    """Set a site's terms; return their number."""
    with books.write() as tx:
        made = terms.set_wish(tx, node, wanted, author="test")
    assert isinstance(made, terms.Terms)
    return made.n


def figures(books: Books, node: str | None = None, unit: str = "EUR") -> InUnit:
    """Return the exposure of one site, or of all."""
    with books.read() as tx:
        found = exposure(tx)
    if node is None:
        return found.units.get(unit, NOTHING)
    at = next(each for each in found.sites if each.node == node)
    return at.units.get(unit, NOTHING)
