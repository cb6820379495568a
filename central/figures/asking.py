"""What may be asked of figures, what an answer is, and which totals answer it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from central.figures.folding import View
from central.figures.periods import Grain

if TYPE_CHECKING:
    from datetime import datetime

    from central.figures.periods import Period
    from config.policy.money import Unit


class By(StrEnum):
    """Of what each line of an answer is."""

    SITE = "site"
    PRINTER = "printer"
    USER = "user"
    GROUP = "group"
    """Groups the person was in then; who is in several counts in each."""
    DEPARTMENT = "department"
    """The person's, then."""
    ACCOUNT = "account"
    """The shared account that paid."""
    PROJECT = "project"
    """The same, projects only."""
    SERVICE = "service"
    """print or copy."""
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


#: Lines that follow one another in time.
TIMES: Final = {
    By.DAY: Grain.DAY,
    By.MONTH: Grain.MONTH,
    By.QUARTER: Grain.QUARTER,
    By.YEAR: Grain.YEAR,
}
#: What lines can be ordered by, the highest first.
ORDERS: Final = ("impressions", "jobs", "color", "sheets", "two_sided", "charged", "name")
#: Most lines of one page of an answer.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Where:
    """Only what is of these; what is None is not asked about."""

    nodes: tuple[str, ...] | None = None
    """Sites, by their edges: also the bounds of who asks. Corrections belong to none."""
    printer: str | None = None
    user: str | None = None
    """Name, lower case."""
    group: str | None = None
    department: str | None = None
    account: str | None = None
    """`kind:name` of a shared account."""
    service: str | None = None
    """print or copy."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question."""

    period: Period
    by: By | None = None
    """None: the sum only."""
    where: Where = field(default_factory=Where)
    order: str = "impressions"
    """One of ORDERS; lines in time are in their order whatever this says."""
    limit: int = 50
    """Lines of this page, 1 to MOST."""
    skip: int = 0
    """Lines of the pages before."""
    compare: bool = True
    """Say beside each figure what it was in the period before."""
    against: Period | None = None
    """Which period that is; None: the one before."""


@dataclass(frozen=True, slots=True)
class Money:
    """What was paid in one unit, in micros."""

    charged: int = 0
    refunded: int = 0
    corrected: int = 0
    """Given to accounts by hand; negative: taken."""

    @property
    def cost(self) -> int:
        """What was charged and not given back."""
        return self.charged - self.refunded


@dataclass(frozen=True, slots=True)
class Figures:
    """What was printed and copied, and what was paid for it."""

    jobs: int = 0
    impressions: int = 0
    color: int = 0
    sheets: int = 0
    two_sided: int = 0
    """Sheets with something on both sides."""
    money: dict[Unit, Money] = field(default_factory=dict)

    @property
    def color_share(self) -> float | None:
        """How much of the impressions was in colour, 0 to 1; None: there were none."""
        return self.color / self.impressions if self.impressions else None

    @property
    def two_sided_share(self) -> float | None:
        """How many of the sheets had something on both sides, 0 to 1; None: there were none."""
        return self.two_sided / self.sheets if self.sheets else None

    def __add__(self, other: Figures) -> Figures:
        units = self.money | other.money
        return Figures(
            self.jobs + other.jobs,
            self.impressions + other.impressions,
            self.color + other.color,
            self.sheets + other.sheets,
            self.two_sided + other.two_sided,
            {unit: _sum(self.money.get(unit), other.money.get(unit)) for unit in units},
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an answer."""

    key: str
    """What it is of, as filters have it; of time the first day, as 2026-11-23. Empty: nobody."""
    label: str
    """What people read; empty: as the key."""
    figures: Figures
    before: Figures | None = None
    """In the period before; None: not asked for."""
    period: Period | None = None
    """Of lines in time: which part of the period."""


@dataclass(frozen=True, slots=True)
class Table:
    """An answer."""

    ask: Ask
    lines: tuple[Line, ...]
    more: bool
    """There are lines behind these."""
    total: Figures
    """Of all that was asked for, these lines or not."""
    before: Figures | None
    """The same of the period before."""
    compared: Period | None
    """The period before, as far as this one has come; None: not asked for."""
    units: tuple[Unit, ...]
    """Units there is money of, the books' own first."""
    zone: str
    """Whose days these are."""
    upto: datetime | None
    """When the totals last grew; None: never."""
    behind: int
    """Entries of the ledger that are not in them yet."""


@dataclass(frozen=True, slots=True)
class NotKept:
    """The totals do not answer this: it would take reading all jobs."""

    reason: str
    """One sentence for people."""


#: What each view knows beside node and time, the smallest first.
_VIEWS: Final = (
    (View.SITE, {"service"}),
    (View.ACCOUNT, {"service", "account"}),
    (View.PRINTER, {"service", "printer"}),
    (View.COHORT, {"service", "cohort"}),
    (View.USER, {"cohort", "user"}),
)
_DIMENSIONS: Final = {
    By.PRINTER: "printer",
    By.USER: "user",
    By.GROUP: "cohort",
    By.DEPARTMENT: "cohort",
    By.ACCOUNT: "account",
    By.PROJECT: "account",
    By.SERVICE: "service",
}


def view_for(by: By | None, where: Where) -> View | NotKept:
    """Return which totals answer a question, the smallest that do."""
    asked = {
        "printer": where.printer,
        "user": where.user,
        "cohort": where.group or where.department,
        "account": where.account,
        "service": where.service,
    }
    needed = {name for name, value in asked.items() if value is not None}
    if by in _DIMENSIONS:
        needed.add(_DIMENSIONS[by])
    for view, has in _VIEWS:
        if needed <= has:
            return view
    words = sorted("group" if name == "cohort" else name for name in needed)
    said = f"{', '.join(words[:-1])} and {words[-1]}"
    return NotKept(f"no totals are kept by {said} together; ask by one of them, or list the jobs")


def checked(ask: Ask) -> Ask | NotKept:
    """Return a question with everything in its bounds, or why it is none."""
    if ask.order not in ORDERS:
        return NotKept(f"{ask.order!r} is no order; one of {', '.join(ORDERS)}")
    limit = min(max(ask.limit, 1), MOST)
    return replace(ask, limit=limit, skip=max(ask.skip, 0))


def _sum(one: Money | None, other: Money | None) -> Money:
    a, b = one or Money(), other or Money()
    return Money(a.charged + b.charged, a.refunded + b.refunded, a.corrected + b.corrected)
