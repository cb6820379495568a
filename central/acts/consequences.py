"""What an act on a site would mean, in numbers, before it is done: pure reads of the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from central.presence import is_linked
from central.store import forks, in_flight, nodes, quarantine
from config.policy.money import Money
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.nodes import NodeRecord
    from central.store.terms import Wish
    from config.policy.money import Unit
    from config.policy.roles import Role


@dataclass(frozen=True, slots=True)
class Consequence:
    """What would happen."""

    sentences: tuple[str, ...] = ()
    """For people, in the order that matters."""
    money: Mapping[Unit, int] = field(default_factory=dict)
    """Micros by unit that would be moved, or written off."""
    accounts: int = 0
    """Of so many accounts."""
    events: int = 0
    """The node has, or had, and the books have not: lost if it never comes back."""
    running: int = 0
    """Jobs that are printing there, as far as is known."""
    held: int = 0
    """Jobs that wait there for their owners."""
    refused: str | None = None
    """Why it cannot be done now."""


@dataclass(frozen=True, slots=True)
class _There:
    """What is at a site."""

    money: Mapping[Unit, int]
    accounts: int
    events: int
    running: int
    held: int

    def with_words(self, *sentences: str, refused: str | None = None) -> Consequence:
        """Return it as a consequence."""
        return Consequence(
            sentences,
            self.money,
            self.accounts,
            self.events,
            self.running,
            self.held,
            refused,
        )

    @property
    def sums(self) -> str:
        """The money, for people."""
        return sums_of(self.money)


def of_write_off(tx: Transaction, known: NodeRecord) -> Consequence:
    """Say what writing a lost journal off would mean."""
    there = _at(tx, known)
    if known.incarnation is None:
        return there.with_words(refused=f"{known.id} has no journal: there is nothing to write off")
    if is_linked(linked=known.linked, seen_at=known.seen_at, now=tx.now):
        return there.with_words(refused=f"{known.id} is linked: it is not lost")
    return there.with_words(
        f"{there.sums} of {_count(there.accounts, 'account')} would go back to people, paid by "
        "the house.",
        f"{_count(there.events, 'event')} that {known.id} had said it has are not here: what they "
        "tell is booked if it ever comes back, and lost if not.",
        f"{_count(there.running, 'job')} were printing there and {_count(there.held, 'job')} "
        "waited; nothing more can be said of them.",
        f"{known.id} is given nothing any more; a new machine begins with a code.",
    )


def of_enrolment(tx: Transaction, known: NodeRecord, *, write_off: bool) -> Consequence:
    """Say what a code for a new journal would mean."""
    if known.kind != "edge":
        return Consequence(refused=f"{known.id} is a {known.kind}; it has no journal")
    there = _at(tx, known)
    if write_off:
        told = of_write_off(tx, known)
        return Consequence(
            (*told.sentences, "Then a code lets one new journal in."),
            told.money,
            told.accounts,
            told.events,
            told.running,
            told.held,
            told.refused if known.incarnation is not None else None,
        )
    if there.accounts and known.incarnation is not None:
        return there.with_words(
            refused=(
                f"{there.sums} of {there.accounts} accounts sit at {known.id}. A new journal "
                "knows nothing of it: if the old one is lost for good, add --write-off; otherwise "
                "bring it back"
            )
        )
    said = ["A code lets one new journal in, once; a code that was made before is void."]
    if known.state != "active":
        said.append(f"{known.id} is {known.state} ({known.reason}); it is active then.")
    if known.incarnation is not None:
        said.append("When the new journal comes the old one is not spoken with any more.")
    return there.with_words(*said)


def of_freeing(tx: Transaction, known: NodeRecord) -> Consequence:
    """Say what listening to a parked or frozen node again would mean."""
    there = _at(tx, known)
    if known.state == "active":
        return there.with_words(refused=f"{known.id} is neither parked nor frozen")
    return there.with_words(
        f"{known.id} is {known.state}: {known.reason}.",
        "It is listened to at its next birth, and what is wrong with it shows again.",
        f"{there.sums} of {_count(there.accounts, 'account')} sit there.",
    )


def of_new_secret(tx: Transaction, known: NodeRecord) -> Consequence:
    """Say what a new secret for the broker would mean."""
    return _at(tx, known).with_words(
        f"{known.id} is cut off from its next connection on, until it has the new secret.",
        "A site goes on alone meanwhile, as its role lets it; nothing is lost.",
    )


def of_revoking(tx: Transaction, known: NodeRecord) -> Consequence:
    """Say what taking a node's secret away would mean."""
    there = _at(tx, known)
    return there.with_words(
        f"{known.id} cannot connect any more, until it gets a new secret.",
        f"{there.sums} of {_count(there.accounts, 'account')} sit there and stay there: a machine "
        "that goes on alone may still spend it. If it is lost, write it off too.",
    )


def of_role(tx: Transaction, known: NodeRecord, wish: Wish) -> Consequence:
    """Say what another role, or other leave, would mean for a site."""
    line = ROLES[wish.role]
    there = _at(tx, known)
    said = [*role_sentences(known, line, wish)]
    if not line.standing and there.accounts:
        said.append(f"{there.sums} of {_count(there.accounts, 'account')} would come back.")
    if not line.holds and there.held:
        said.append(f"{_count(there.held, 'job')} that wait there can still be released.")
    if there.running:
        said.append(f"It is taken when {_count(there.running, 'job')} under way are settled.")
    return there.with_words(*said)


def of_resync(tx: Transaction, known: NodeRecord) -> Consequence:
    """Say what sending a site the whole directory again would mean."""
    there = _at(tx, known)
    if known.kind != "edge":
        return there.with_words(refused=f"{known.id} is a {known.kind}; it keeps no directory")
    return there.with_words(
        f"{known.id} gets every person, card, price and rule again, and puts them in place of "
        "what it has, at once. Money, jobs and streams are not touched.",
    )


def of_fork(tx: Transaction, closed: Closure, plan: Mapping[str, object]) -> Consequence:
    """Say what booking both branches of a forked journal would mean; `plan` as rehearsed."""
    known = nodes.find(tx, closed.node)
    there = _There({}, 0, 0, 0, 0) if known is None else _at(tx, known)
    said = [
        f"{each.name}: {each.ours - each.common} events of ours and {each.theirs - each.common} of "
        f"its own follow event {each.common}."
        for each in forks.branches(tx, closed)
    ]
    loss = plan.get("loss")
    if isinstance(loss, dict) and loss:
        said.append(f"{sums_of(loss)} of what it charged is not covered: the house pays.")
    said.append("What is left there goes back to the accounts; it begins a new journal.")
    if "whole ledger" not in closed.heads:
        said.insert(0, "Its own branch is not here yet.")
    return there.with_words(*said)


def of_dismissal(tx: Transaction, put: quarantine.Put) -> Consequence:
    """Say what letting an event be without effect would mean."""
    back = quarantine.would_go_back(tx, put)
    sums: dict[Unit, int] = {}
    for (_, unit), micros in back.items():
        sums[unit] = sums.get(unit, 0) + micros
    said = ["What was printed is then not charged to anybody."]
    if sums:
        said.append(f"{sums_of(sums)} that it had spent at {put.node} goes back to its accounts.")
    done = None if put.state == "quarantined" else f"{put.id} was {put.act} already"
    return Consequence(tuple(said), sums, len(back), events=1, refused=done)


def role_sentences(known: NodeRecord, line: Role, wish: Wish) -> Iterator[str]:
    """Say what a site in a role does, in the order that people ask."""
    yield f"{known.site} ({known.id}) is to be {_an(line.name)}; it is {_an(known.role)} now."
    yield (
        "Jobs wait for their owner there; terminals are served."
        if line.holds
        else "Jobs print at once there; nothing is held for an owner, no terminal is served."
    )
    yield "Rules decide and convert." if line.rules else "No rules: jobs are counted and billed."
    yield (
        "Money is parked there."
        if line.standing
        else "No money is parked there: what sits there comes back, and each job asks for its own."
    )
    yield (
        "It goes on while the line is down."
        if line.alone
        else "While the line is down it prints nothing: jobs stay held."
    )
    past = _PAST[line.past_allocation]
    if line.past_allocation == "never":
        yield past
    elif not wish.uncovered:
        yield "Nothing is charged past what sits there."
    for cap in wish.uncovered:
        site = "without any limit" if cap.site is None else f"up to {Money(cap.site, cap.unit)}"
        user = "" if cap.user is None else f", {Money(cap.user, cap.unit)} on one account"
        yield f"{past}: {site} outstanding{user}. That is exposure until it is collected."
    if wish.offline_seconds is not None:
        yield f"After {_span(wish.offline_seconds)} without the centre it releases nothing."


_PAST = {
    "never": "Nothing is ever charged past what sits there.",
    "alone": "While it is cut off a charge may go past what sits there",
    "always": "A charge may go past what sits there at any time",
}
_SECONDS = {"h": 3600, "d": 86_400}


def sums_of(money: Mapping[Unit, int]) -> str:
    """Write sums of several units for people."""
    said = ", ".join(str(Money(micros, unit)) for unit, micros in sorted(money.items()))
    return said or "nothing"


def _at(tx: Transaction, known: NodeRecord) -> _There:
    sums, accounts = nodes.sums_at(tx, known.id)
    events = in_flight.untold(tx, known.id)
    running, held = in_flight.jobs_at(tx, known.id)
    return _There(sums, accounts, events, running, held)


def _an(name: str) -> str:
    return f"an {name}" if name[:1] in "aeiou" else f"a {name}"


def _span(seconds: int) -> str:
    for letter, word in (("d", "day"), ("h", "hour")):
        if seconds % _SECONDS[letter] == 0:
            count = seconds // _SECONDS[letter]
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{seconds // 60} minutes"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
