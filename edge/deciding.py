"""Decides on a job at this site: puts together what is known here, and lets the policy decide.

Reads the replica and what stands here, and writes nothing: a decision may be made to look at it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Protocol

from config.policy.decisions import (
    Account,
    Allowed,
    Charge,
    Decision,
    Denied,
    Document,
    Person,
    PointOfPrint,
    PolicyView,
    Reason,
    ReleaseRequest,
    Uncounted,
    decide,
)
from edge.changes import Changed, NotChanged, changed, suited
from edge.printers import narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo
    from uuid import UUID

    from broker.directory import UserRow
    from broker.messages import Capabilities
    from config.ids import AccountKey
    from config.policy.decisions import RuleSet, UnreadableRules
    from config.policy.jobs import Figures
    from config.policy.money import Money, Unit
    from config.policy.roles import Role
    from edge.jobs import JobRecord
    from edge.ports import Clock
    from edge.store.replica import Replica
    from edge.wishes import Wish


class Standing(Protocol):
    """What this edge may do now, by its role, its terms and its link."""

    def role(self) -> Role:
        """Return the line of the role table that is in force."""

    def waits(self, record: JobRecord) -> str | None:
        """Say why a job of a pull queue cannot be released here for now; None when it can."""

    def refuses(self, record: JobRecord) -> Denied | None:
        """Say why nothing like this is released now, whatever it costs; None when it may be."""

    def available(self, account: AccountKey, unit: Unit, job: UUID) -> Money:
        """Return what of an account this job may spend here, holds taken off."""

    def past(self, account: AccountKey, unit: Unit) -> Money:
        """Return how far an account may be charged past that now."""

    def beyond(self, charges: Iterable[Charge], card: str | None = None) -> Denied | None:
        """Say whether charges together go further than each of them may.

        Past what is here; and past the allowance of a card that the centre has not confirmed.
        """


class Moment:
    """What decisions at one moment have in common, looked up once: a list decides on many jobs.

    Good until anything else runs; nobody keeps one.
    """

    def __init__(self, replica: Replica, standing: Standing, now: datetime) -> None:
        """Begin with nothing looked up.

        Args:
            replica: who is who, prices, rules.
            standing: what this edge may do now.
            now: the moment.
        """
        self._replica = replica
        self._standing = standing
        self.now = now
        self.tariff = replica.tariff(now)
        self._closed: dict[tuple[object, ...], Denied | None] = {}
        self._people: dict[str, tuple[UserRow, Person] | None] = {}
        self._accounts: dict[AccountKey, Account | None] = {}
        self._past: dict[tuple[AccountKey, Unit], Money] = {}
        self._rules: tuple[RuleSet | UnreadableRules | None, tuple[AccountKey, ...]] | None = None

    def refuses(self, record: JobRecord) -> Denied | None:
        """Say why nothing like this is released now; see `Standing`."""
        like = record.service, record.direct, record.role
        if like not in self._closed:
            self._closed[like] = self._standing.refuses(record)
        return self._closed[like]

    def person(self, name: str) -> tuple[UserRow, Person] | None:
        """Return somebody, None when nobody here has that name."""
        if name not in self._people:
            row = self._replica.user(name)
            self._people[name] = None if row is None else (row, _person(row))
        return self._people[name]

    def account(self, key: AccountKey) -> Account | None:
        """Return an account, None when it is not known here."""
        if key not in self._accounts:
            row = self._replica.account(key)
            self._accounts[key] = (
                None if row is None else Account(row.unit, row.enabled, row.counts, row.unlimited)
            )
        return self._accounts[key]

    def past(self, account: AccountKey, unit: Unit) -> Money:
        """Return how far an account may be charged past what is here."""
        key = account, unit
        if key not in self._past:
            self._past[key] = self._standing.past(account, unit)
        return self._past[key]

    def rules(
        self, record: JobRecord
    ) -> tuple[RuleSet | UnreadableRules | None, tuple[AccountKey, ...]]:
        """Return the rules in force and the accounts they may charge.

        A job that came under rules stays under them.
        """
        if not (record.under.rules or self._standing.role().rules):
            return None, ()
        if self._rules is None:
            found = self._replica.rules()
            self._rules = found, tuple(getattr(found, "accounts", ()))
        return self._rules


class Deciding:
    """Decides on the jobs of one site."""

    def __init__(
        self,
        *,
        replica: Replica,
        standing: Standing,
        printers: Mapping[str, PointOfPrint],
        clock: Clock,
        zone: tzinfo = UTC,
    ) -> None:
        """Take what decisions rest on.

        Args:
            replica: who is who, prices, rules.
            standing: what this edge may do now.
            printers: the site's points of print, by device id; their tags come from the replica.
            clock: the time.
            zone: the site's own, for rules that name hours.
        """
        self._replica = replica
        self._standing = standing
        self._set_up = printers
        self._printers = dict(printers)
        self._clock = clock
        self._zone = zone
        self._tagged: tuple[object, Mapping[str, PointOfPrint]] | None = None

    def printer_can(self, device: str, can: Capabilities) -> None:
        """Take in what a printer says it can do: from now on it counts like its settings."""
        if (point := self._set_up.get(device)) is not None:
            self._printers[device] = narrowed(point, can)
            self._tagged = None

    def moment(self) -> Moment:
        """Look at what decisions have in common now."""
        return Moment(self._replica, self._standing, self._clock())

    def decide(
        self, record: JobRecord, wish: Wish, *, past: bool = True, at: Moment | None = None
    ) -> Decision:
        """Decide on one job as things are at this moment.

        Args:
            record: the job.
            wish: what is wanted of it.
            past: what is here may be gone past, as far as the site's terms let it.
            at: this moment, where several are decided on at once.
        """
        at = at or self.moment()
        refused = at.refuses(record)
        if refused is not None:
            return refused
        wanted = self.changed(record, wish)
        if isinstance(wanted, NotChanged):
            return Denied(Reason.NOT_SUPPORTED, wanted.detail)
        view = self._view(record, wish, at, past=past)
        decision = decide(_request(record, wish, wanted), view)
        if isinstance(decision, Allowed):
            return self._standing.beyond(decision.charges, wish.card) or decision
        return decision

    def changed(self, record: JobRecord, wish: Wish) -> Changed | NotChanged | None:
        """Return the job as it is wished for; None: not counted, so there is nothing to change."""
        planned, wanted = record.planned, wish.changes
        if planned is None:
            return None
        if wish.unattended and (here := self._printers.get(wish.device)) is not None:
            wanted = suited(planned, here)
        if wanted is None:
            return Changed(record.attributes, planned)
        return changed(record, planned, wanted)

    def _view(self, record: JobRecord, wish: Wish, at: Moment, *, past: bool) -> PolicyView:
        found = at.person(wish.user) if wish.user else None
        here = wish.device in self._printers
        if found is None:
            return PolicyView(None, at.tariff, here)
        row, person = found
        rules, charged = at.rules(record)
        known = _accounts(row, wish, charged, at)
        available = self._standing.available
        return PolicyView(
            person=person,
            tariff=at.tariff,
            printer_known=here,
            accounts=known,
            available={key: available(key, each.unit, record.job) for key, each in known.items()},
            past={key: at.past(key, each.unit) for key, each in known.items() if past},
            rules=rules,
            printers=self._points(),
            now=at.now,
            zone=self._zone,
        )

    def _points(self) -> Mapping[str, PointOfPrint]:
        """Return the site's printers with their tags; a site may have hundreds."""
        tags = self._replica.tags()
        if self._tagged is None or self._tagged[0] is not tags:
            points = {
                device: replace(point, tags=tags.get(device, ()))
                for device, point in self._printers.items()
            }
            self._tagged = tags, points
        return self._tagged[1]


def _accounts(
    row: UserRow, wish: Wish, charged: tuple[AccountKey, ...], at: Moment
) -> Mapping[AccountKey, Account]:
    """Return every account that may come to pay, as far as it is known here."""
    keys = [*row.accounts, *(key for each in row.wallets for key in each), *row.choices]
    if wish.account is not None:
        keys.append(wish.account)
    keys += charged
    found = {key: at.account(key) for key in dict.fromkeys(keys)}
    return {key: each for key, each in found.items() if each is not None}


def _person(row: UserRow) -> Person:
    return Person(
        name=row.name,
        accounts=row.accounts,
        enabled=row.enabled,
        groups=row.groups,
        wallets=row.wallets,
        choices=row.choices,
    )


def _request(record: JobRecord, wish: Wish, wanted: Changed | None) -> ReleaseRequest:
    figures: Figures | Uncounted = Uncounted(Reason.UNREADABLE, record.problem or "not counted")
    attributes = record.attributes
    if wanted is not None:
        figures, attributes = wanted.figures, wanted.attributes
    if record.name and attributes.job_name != record.name:
        attributes = attributes.model_copy(update={"job_name": record.name})
    return ReleaseRequest(
        user=wish.user,
        service=record.service,
        figures=figures,
        printer=wish.device,
        queue=record.queue,
        attributes=attributes,
        document=Document(record.pages, record.document_format) if record.pages else None,
        confirmed=wish.confirmed,
        account=wish.account,
    )
