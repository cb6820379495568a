"""Who may do what at the centre's pages and interface, and at which sites; pure, one table of data.

Everybody who can sign in is a person and looks after their own printing. Staff has roles besides,
each for all sites or for some. A right that is about a site's things counts at the sites of the
role that gives it; one about what is the organisation's (people, accounts, prices) counts for all
of it, and those that could change anybody's money or rights are given by roles for all sites only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: At all sites.
EVERYWHERE: Final = "*"


class Role(StrEnum):
    """What somebody of the staff is."""

    ADMINISTRATOR = "administrator"
    """Everything."""
    SITE_ADMINISTRATOR = "site-administrator"
    """Runs sites: their nodes, printers and jobs."""
    OPERATOR = "operator"
    """The desk: people, their cards and money, held jobs."""
    AUDITOR = "auditor"
    """Sees everything, changes nothing."""


class Right(StrEnum):
    """What a page or an act asks for."""

    PUBLIC = "public"
    """Nothing: anybody, signed in or not."""
    OWN = "own"
    """To be signed in: one's own jobs, money, cards and sessions."""
    STAFF = "staff"
    """Any role: the overview, the search."""

    SEE_FLEET = "see-fleet"
    """Sites, nodes, printers, terminals: how they are."""
    RUN_FLEET = "run-fleet"
    """Enrol and revoke nodes, change roles, mend quarantine, write off."""
    SEE_JOBS = "see-jobs"
    """Everybody's jobs."""
    HANDLE_JOBS = "handle-jobs"
    """Release, delete and explain other people's jobs."""
    SETTLE_REFUNDS = "settle-refunds"
    """Give back what a job cost, or decline it."""
    SEE_FIGURES = "see-figures"
    """Pages, money and shares over time."""

    SEE_PEOPLE = "see-people"
    """The directory of people and cards."""
    HELP_PEOPLE = "help-people"
    """At the desk: a new card, PIN or password, a guest."""
    CHANGE_PEOPLE = "change-people"
    """Enter, change, import and remove people, groups, departments."""
    SEE_ACCOUNTS = "see-accounts"
    """Balances, where money sits, entries."""
    TAKE_MONEY = "take-money"
    """The till: cash top-ups, receipts, the day's close."""
    CHANGE_ACCOUNTS = "change-accounts"
    """Corrections, overdrafts, grants; open, freeze, close and merge accounts."""
    SEE_RULES = "see-rules"
    """Prices and rules, and trying them out."""
    CHANGE_RULES = "change-rules"
    """Put other prices and rules in force."""
    SEE_AUDIT = "see-audit"
    """Who did what."""
    CHANGE_STAFF = "change-staff"
    """Who has which role."""
    CHANGE_SETTINGS = "change-settings"
    """The organisation itself, tokens of the interface, imports."""


_NOT_STAFFS: Final = frozenset({Right.PUBLIC, Right.OWN})
#: Given by a role for all sites only: they reach beyond any site.
_ORGANISATIONS: Final = frozenset(
    {
        Right.CHANGE_PEOPLE,
        Right.CHANGE_ACCOUNTS,
        Right.CHANGE_RULES,
        Right.SEE_AUDIT,
        Right.CHANGE_STAFF,
        Right.CHANGE_SETTINGS,
    }
)
#: About the things of a site: they count at the sites of the role.
SITES_RIGHTS: Final = frozenset(
    {
        Right.SEE_FLEET,
        Right.RUN_FLEET,
        Right.SEE_JOBS,
        Right.HANDLE_JOBS,
        Right.SETTLE_REFUNDS,
        Right.SEE_FIGURES,
    }
)

#: What each role gives.
ROLES: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.ADMINISTRATOR: frozenset(Right) - _NOT_STAFFS,
        Role.SITE_ADMINISTRATOR: frozenset(
            {
                Right.STAFF,
                Right.SEE_FLEET,
                Right.RUN_FLEET,
                Right.SEE_JOBS,
                Right.HANDLE_JOBS,
                Right.SETTLE_REFUNDS,
                Right.SEE_FIGURES,
                Right.SEE_PEOPLE,
                Right.SEE_ACCOUNTS,
                Right.SEE_RULES,
            }
        ),
        Role.OPERATOR: frozenset(
            {
                Right.STAFF,
                Right.SEE_FLEET,
                Right.SEE_JOBS,
                Right.HANDLE_JOBS,
                Right.SETTLE_REFUNDS,
                Right.SEE_PEOPLE,
                Right.HELP_PEOPLE,
                Right.SEE_ACCOUNTS,
                Right.TAKE_MONEY,
                Right.SEE_RULES,
            }
        ),
        Role.AUDITOR: frozenset(
            {
                Right.STAFF,
                Right.SEE_FLEET,
                Right.SEE_JOBS,
                Right.SEE_FIGURES,
                Right.SEE_PEOPLE,
                Right.SEE_ACCOUNTS,
                Right.SEE_RULES,
                Right.SEE_AUDIT,
            }
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that somebody has."""

    role: Role
    sites: frozenset[str]
    """Edges at whose sites it counts; `EVERYWHERE` among them: at all."""

    @property
    def everywhere(self) -> bool:
        """Whether it counts at all sites."""
        return EVERYWHERE in self.sites

    def gives(self, right: Right) -> bool:
        """Say whether the role gives a right, at some site at least."""
        return right in ROLES[self.role] and (self.everywhere or right not in _ORGANISATIONS)


def may(grants: Iterable[Grant], right: Right, site: str | None = None) -> bool:
    """Say whether somebody who is signed in has a right.

    Args:
        grants: the roles they have; none: a person.
        right: which.
        site: the edge at whose site the thing is; None: whether they have it anywhere, which opens
            a page and no object.
    """
    if right in _NOT_STAFFS:
        return True
    return any(
        each.gives(right)
        and (site is None or each.everywhere or right not in SITES_RIGHTS or site in each.sites)
        for each in grants
    )


def sites_of(grants: Iterable[Grant], right: Right) -> frozenset[str] | None:
    """Return the sites at which somebody has a right; None: at all of them."""
    giving = [each for each in grants if each.gives(right)]
    if any(each.everywhere for each in giving) or (giving and right not in SITES_RIGHTS):
        return None
    return frozenset(site for each in giving for site in each.sites)


#: What a token reads that was made when there were no others.
READS: Final = frozenset(
    {
        Right.SEE_FLEET,
        Right.SEE_JOBS,
        Right.SEE_FIGURES,
        Right.SEE_PEOPLE,
        Right.SEE_ACCOUNTS,
        Right.SEE_RULES,
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token may do, and at which sites."""

    rights: frozenset[Right] = READS
    sites: frozenset[str] = frozenset({EVERYWHERE})
    """Edges at whose sites it counts; `EVERYWHERE` among them: at all."""

    @property
    def everywhere(self) -> bool:
        """Whether it counts at all sites."""
        return EVERYWHERE in self.sites

    def may(self, right: Right, site: str | None = None) -> bool:
        """Say whether it has a right, at a site or (None) anywhere."""
        if right is Right.PUBLIC:
            return True
        if right not in self.rights:
            return False
        if self.everywhere:
            return True
        return right not in _ORGANISATIONS and (
            site is None or right not in SITES_RIGHTS or site in self.sites
        )

    def sites_of(self, right: Right) -> frozenset[str] | None:
        """Return the sites at which it has a right; None: at all of them."""
        if not self.may(right):
            return frozenset()
        return None if self.everywhere or right not in SITES_RIGHTS else self.sites


def unbounded(rights: Iterable[Right]) -> list[Right]:
    """Return those of some rights that reach beyond any site, so that none can bound them."""
    return sorted(each for each in rights if each in _ORGANISATIONS)
