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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo
    from uuid import UUID

    from broker.directory import UserRow
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
        self._printers = printers
        self._clock = clock
        self._zone = zone
        self._tagged: tuple[object, Mapping[str, PointOfPrint]] | None = None

    def decide(self, record: JobRecord, wish: Wish, *, past: bool = True) -> Decision:
        """Decide on one job as things are at this moment.

        Args:
            record: the job.
            wish: what is wanted of it.
            past: what is here may be gone past, as far as the site's terms let it.
        """
        refused = self._standing.refuses(record)
        if refused is not None:
            return refused
        wanted = self.changed(record, wish)
        if isinstance(wanted, NotChanged):
            return Denied(Reason.NOT_SUPPORTED, wanted.detail)
        decision = decide(_request(record, wish, wanted), self._view(record, wish, past=past))
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

    def _view(self, record: JobRecord, wish: Wish, *, past: bool) -> PolicyView:
        row = self._replica.user(wish.user) if wish.user else None
        now = self._clock()
        tariff = self._replica.tariff(now)
        here = wish.device in self._printers
        if row is None:
            return PolicyView(None, tariff, here)
        rules = self._rules(record)
        known = self._accounts(row, wish, rules)
        standing = self._standing
        return PolicyView(
            person=_person(row),
            tariff=tariff,
            printer_known=here,
            accounts=known,
            available={
                key: standing.available(key, each.unit, record.job) for key, each in known.items()
            },
            past={key: standing.past(key, each.unit) for key, each in known.items() if past},
            rules=rules,
            printers=self._points(),
            now=now,
            zone=self._zone,
        )

    def _rules(self, record: JobRecord) -> RuleSet | UnreadableRules | None:
        """Return the rules in force; a job that came under rules stays under them."""
        ruled = self._standing.role().rules or record.under.rules
        return self._replica.rules() if ruled else None

    def _accounts(
        self, row: UserRow, wish: Wish, rules: RuleSet | UnreadableRules | None
    ) -> Mapping[AccountKey, Account]:
        """Return every account that may come to pay, as far as it is known here."""
        keys = [*row.accounts, *(key for each in row.wallets for key in each), *row.choices]
        if wish.account is not None:
            keys.append(wish.account)
        keys += getattr(rules, "accounts", ())
        found = {key: self._replica.account(key) for key in dict.fromkeys(keys)}
        return {
            key: Account(each.unit, each.enabled, each.counts, each.unlimited)
            for key, each in found.items()
            if each is not None
        }

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
