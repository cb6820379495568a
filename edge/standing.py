"""What this edge may do now: its role, its terms, its link, its money; asked before each release.

Reads only, and everything at one moment: whoever asks writes before anything else can happen.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from config.policy.decisions import Denied, Reason
from config.policy.money import Money
from edge.age import too_old
from edge.branch import RETIRING
from edge.cards import Allowance
from edge.terms import changes_role, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from uuid import UUID

    from config.ids import AccountKey
    from config.policy.accounts import Charge
    from config.policy.money import Unit
    from config.policy.roles import Role
    from config.policy.tariffs import Service
    from edge.jobs import JobRecord
    from edge.store.books import Books

#: What passes by itself: a direct queue's job is tried again when it has.
PASSING = frozenset({Reason.OUT_OF_SERVICE, Reason.OFFLINE_TOO_LONG})


class SiteStanding:
    """The standing of one site."""

    def __init__(
        self,
        books: Books,
        *,
        reachable: Callable[[], bool],
        alone_for: Callable[[], timedelta],
        allowance: Allowance | None = None,
    ) -> None:
        """Take what it rests on.

        Args:
            books: terms and money.
            reachable: whether the centre listens now.
            alone_for: for how long it has not been heard.
            allowance: what may be spent by a card that the centre has not confirmed; nothing.
        """
        self._allowance = allowance or Allowance()
        self._books = books
        self._reachable = reachable
        self._alone_for = alone_for

    def role(self) -> Role:
        """Return the line of the role table that is in force."""
        return self._books.terms.taken.role

    def waits(self, record: JobRecord) -> str | None:
        """Say why a job of a pull queue cannot be released here for now; None when it can."""
        role = self.role()
        if record.service == "copy":
            return None if role.copies else _no_copies(role)
        if record.direct or role.holds or record.under.holds:
            return None
        return f"{_nothing_shared(role)}; the job stays held until it does again"

    def refuses(self, record: JobRecord) -> Denied | None:
        """Say why nothing like this job is released now, whatever it costs."""
        if (why := self.waits(record)) is not None:
            return Denied(Reason.OUT_OF_SERVICE, why)
        return self._pauses(record.service)

    def closed(self, service: Service) -> Denied | None:
        """Say why nothing of a kind is done for people at the site's terminals now; None: it is."""
        role = self.role()
        if service == "copy" and not role.copies:
            return Denied(Reason.OUT_OF_SERVICE, _no_copies(role))
        if service == "print" and not role.holds:
            return Denied(Reason.OUT_OF_SERVICE, _nothing_shared(role))
        return self._pauses(service)

    def _pauses(self, service: Service) -> Denied | None:
        """Say why the site does nothing new now, whatever its role does otherwise."""
        terms, wish = self._books.terms.taken, self._books.terms.wish
        copies = service == "copy"
        if self._books.note(RETIRING) is not None:
            detail = "the books of this site are being closed and begun anew; try again in a moment"
            return Denied(Reason.OUT_OF_SERVICE, detail)
        if changes_role(terms, wish):
            detail = "the role of this site is being changed; try again in a moment"
            return Denied(Reason.OUT_OF_SERVICE, detail)
        if not terms.role.alone and not self._reachable():
            detail = (
                "the line to the centre is down and this site "
                "charges no copies without it; try again when the line is back"
                if copies
                else "the line to the centre is down and this site releases nothing without it; "
                "the job stays held and can be released when the line is back"
            )
            return Denied(Reason.OUT_OF_SERVICE, detail)
        age = self._alone_for()
        if too_old(age, terms.longest_alone):
            detail = (
                f"this site has heard nothing from the centre for {spoken(age)} and may go on "
                f"alone for {spoken(terms.longest_alone or age)}; "
                f"{'copies are off' if copies else 'the job stays held'}"
            )
            return Denied(Reason.OFFLINE_TOO_LONG, detail)
        return None

    def available(self, account: AccountKey, unit: Unit, job: UUID) -> Money:
        """Return what of an account this job may spend: what is free, and what is its own."""
        till = self._books.till
        return Money(till.free(account, unit) + till.aside(job, account, unit), unit)

    def past(self, account: AccountKey, unit: Unit) -> Money:
        """Return how far an account may be charged past that now."""
        return self._leave(unit, self._books.till.owed(unit, account))

    def beyond(self, charges: Iterable[Charge], card: str | None = None) -> Denied | None:
        """Say whether charges together go further than each of them may.

        Each account is asked for its own leave; what the site may owe is one sum for all, and so
        is what a card may spend that the centre has not confirmed.
        """
        charges = tuple(charges)
        if card is not None and (denied := self._past_allowance(charges, card)) is not None:
            return denied
        asked: dict[Unit, int] = {}
        for charge in charges:
            if charge.covered_by == "uncovered":
                unit = charge.money.unit
                asked[unit] = asked.get(unit, 0) + charge.money.micros
        for unit, micros in asked.items():
            room = self._leave(unit, None)
            if micros > room.micros:
                detail = f"costs {Money(micros, unit)} more than is here, the site may owe {room}"
                return Denied(Reason.ACCOUNT_LIMIT_REACHED, detail)
        return None

    def _past_allowance(self, charges: Iterable[Charge], card: str) -> Denied | None:
        used = self._books.cards.used(card)
        asked: Counter[Unit] = Counter()
        for charge in charges:
            asked[charge.money.unit] += charge.money.micros
        for unit, micros in asked.items():
            room = self._allowance.in_(unit) - used[unit]
            if micros > room:
                detail = (
                    f"costs {Money(micros, unit)}, and this card is new: until the centre has "
                    f"confirmed it, {Money(max(0, room), unit)} may be spent by it; with the PIN "
                    "or the password there is no such bound"
                )
                return Denied(Reason.ACCOUNT_LIMIT_REACHED, detail)
        return None

    def _leave(self, unit: Unit, account: int | None) -> Money:
        terms = self._books.terms
        site, alone = self._books.till.owed(unit), not self._reachable()
        micros = leave(terms.taken, terms.wish, unit, site=site, account=account, alone=alone)
        return Money(micros, unit)


def _no_copies(role: Role) -> str:
    return f"this site works as a {role.name} and copies are off"


def _nothing_shared(role: Role) -> str:
    return f"this site works as a {role.name} and releases nothing from shared queues"


def spoken(age: timedelta) -> str:
    """Say a duration for people, in its two largest units."""
    minutes, seconds = divmod(int(age.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((n for n, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"
