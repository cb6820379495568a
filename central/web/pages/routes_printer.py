"""A printer's page: how it is, its supplies, its counters against what was billed, its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import devices as acts
from central.charts import About, Point, columns
from central.figures.asking import Ask, By, Figures, Table, Where
from central.figures.periods import Days, Period
from central.rights import Right
from central.store import device_alerts, devices, figures_of, job_search, reconciled
from central.store.ledger import Refused
from central.store.meters import Place
from central.web.pages import fleet_views, sentences
from central.web.pages.live import Audience, Live
from central.web.pages.routes_overview import PICTURE, State, state_of
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from broker.messages import DeviceState
    from central.figures.asking import Line as FigureLine
    from central.reconciling import Day
    from central.store.books import Transaction
    from central.store.device_alerts import Alert
    from central.store.overview import DeviceGlance
    from central.web.pages.fleet_views import Line
    from central.web.pages.visit import Visit

_DAYS: Final = 14
_RECONCILED: Final = 7
_JOBS: Final = 10
_ONE: Final = timedelta(days=1)
#: Why a day could not be compared, as the books say it (`meter_moves.apart`).
_BREAKS: Final = (
    mark("it is the first reading"),
    mark("its counters do not go on from the reading before"),
    mark("a reading was told late: what had been billed then is not known"),
    mark("the readings are not in the order in which they were made"),
    mark("the two readings have no counter of pages in common"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first sentence."""

    name: str
    state: State
    supply_days: int | None
    supply: str
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that somebody should see to."""

    severity: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the edge told last, as far as it changes while one looks."""

    state: DeviceState | None
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A job of this printer."""

    id: str
    user: str
    name: str
    state: str
    impressions: int | None
    paid: tuple[Money, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of this printer by the books."""

    day: date
    pages: int
    cost: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Printer:
    """The page."""

    node: str
    device: str
    line: Line
    answer: Answer
    told: Told
    today: Figures
    before: int | None
    """Impressions of the day before."""
    chart: str
    days: tuple[DayView, ...]
    reconciled: tuple[Day, ...]
    """The newest first."""
    jobs: tuple[Job, ...] | None
    """None: not theirs to see."""


def _find(tx: Transaction, place: Place) -> DeviceGlance | None:
    found = PICTURE.devices(tx, {place.node})
    return next((each for each in found if each.device == place.device), None)


def _glance(tx: Transaction, place: Place) -> DeviceGlance:
    found = _find(tx, place)
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


def _answer(each: DeviceGlance, zone: ZoneInfo) -> Answer:
    tone, word = state_of(each)
    note = each.troubles[0].detail if each.troubles else ""
    seen = None if each.updated_at is None else each.updated_at.astimezone(zone)
    return Answer(each.name, State(tone, word, note), each.supply_days, each.supply, seen)


def _told(tx: Transaction, place: Place, zone: ZoneInfo, raised: list[Alert]) -> Told:
    kept = devices.find(tx, place)
    found = [] if kept is None else list(kept.state.troubles)
    troubles = [Trouble(t.severity, t.detail, t.since.astimezone(zone)) for t in found]
    troubles += [Trouble("warning", each.detail, None) for each in raised]
    return Told(None if kept is None else kept.state, tuple(troubles))


def _raised(tx: Transaction, place: Place) -> list[Alert]:
    return [each for each in device_alerts.raised(tx) if each.place == place]


def _reconciled(tx: Transaction, place: Place, zone: ZoneInfo) -> tuple[Day, ...]:
    """Return the last days for which it was read, the newest first."""
    newest = reconciled.newest_day(tx, place, zone=zone)
    today = Days(zone).today(tx.now)
    if newest is None:
        return ()
    last = max(newest, today)
    found: list[Day] = []
    for back in range(_RECONCILED):
        found += reconciled.days(tx, last - back * _ONE, place, zone=zone)
    return tuple(found)


def _figures(tx: Transaction, place: Place, zone: ZoneInfo) -> tuple[FigureLine, ...]:
    day = Days(zone).today(tx.now)
    period = Period(day - (_DAYS - 1) * _ONE, day)
    where = Where(nodes=(place.node,), printer=place.device)
    found = figures_of.figures_of(tx, Ask(period, By.DAY, where, limit=_DAYS, compare=False))
    return found.lines if isinstance(found, Table) else ()


def _jobs(tx: Transaction, place: Place, zone: ZoneInfo) -> tuple[Job, ...]:
    which = job_search.Which(nodes=frozenset({place.node}), printer=place.device)
    found = job_search.search(tx, which, limit=_JOBS)
    return tuple(
        Job(
            str(each.job.job),
            each.job.user,
            each.job.name,
            each.job.state,
            each.job.impressions,
            tuple(Money(part["micros"], part["unit"]) for part in each.paid),
            (each.job.received_at or each.updated_at).astimezone(zone),
        )
        for each in found.jobs
    )


async def show(visit: Visit) -> Response:
    """Show a printer."""
    place = Place(visit.path("node"), visit.path("device"))
    visit.check(Right.SEE_FLEET, place.node)
    view = await visit.read(lambda tx: _look(tx, visit, place))
    may_run = visit.may(Right.RUN_FLEET, place.node)
    return visit.page("fleet-printer.html", view, may_run=may_run)


def _look(tx: Transaction, visit: Visit, place: Place) -> Printer:
    zone = visit.centre.zone
    glance = _glance(tx, place)
    line = fleet_views.line_of(tx, fleet_views.glance_at(tx, place.node), zone)
    figures = _figures(tx, place, zone)
    days = tuple(
        DayView(
            each.period.first,
            each.figures.impressions,
            tuple(Money(m.cost, unit) for unit, m in each.figures.money.items() if m.cost),
        )
        for each in figures
        if each.period is not None
    )
    return Printer(
        place.node,
        place.device,
        line,
        _answer(glance, zone),
        _told(tx, place, zone, _raised(tx, place)),
        figures[-1].figures if figures else Figures(),
        figures[-2].figures.impressions if len(figures) > 1 else None,
        _chart(visit, days),
        days[::-1],
        _reconciled(tx, place, zone),
        _jobs(tx, place, zone) if visit.may(Right.SEE_JOBS, place.node) else None,
    )


def _chart(visit: Visit, days: tuple[DayView, ...]) -> str:
    if not any(each.pages for each in days):
        return ""
    points = [Point(visit.words.number(each.day.day), each.pages) for each in days]
    total = sum(each.pages for each in days)
    about = About(
        visit.say(mark("Pages a day")),
        visit.say_of("%(num)s page in these days", "%(num)s pages in these days", total),
    )
    return columns(points, about, visit.words.number, width=420, height=170)


async def read_now(visit: Visit) -> Response:
    """Have the meters read now."""
    place = Place(visit.path("node"), visit.path("device"))
    visit.check(Right.RUN_FLEET, place.node)

    def act(tx: Transaction) -> Refused | None:
        _glance(tx, place)
        return acts.read_meters(tx, visit.by, place)

    done = await visit.write(act)
    back = f"/printers/{place.node}/{place.device}"
    if isinstance(done, Refused):
        said = visit.say(mark("The site is not linked, so its printers cannot be asked now."))
        return visit.go(back, Notice("waiting", said))
    said = visit.say(mark("Its edge was asked. What it reads stands here within a minute."))
    return visit.go(back, Notice("good", said))


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    node, _, device = dict(audience.asked).get("at", "").partition("/")
    if audience.sites is not None and node not in audience.sites:
        return {}
    place = Place(node, device)
    found = _find(tx, place)
    if found is None:
        return {}
    return {
        "printer": _answer(found, zone),
        "told": _told(tx, place, zone, _raised(tx, place)),
    }


LIVES: Final = (Live("printer", Right.SEE_FLEET, _follow, "fleet-live.html"),)

PAGES: Final = (
    Page("/printers/{node}/{device}", show, Right.SEE_FLEET),
    Page("/printers/{node}/{device}/read", read_now, Right.RUN_FLEET, methods=("POST",)),
)
