"""Changing prices: a form of lines, what they would have cost in the past week, then in force."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from central.acts import rules as acts
from central.repricing import Weighed, weigh
from central.rights import Right
from central.store import jobs
from central.store.ledger import Refused
from central.web.pages.routes_prices import word
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice
from config.policy.media import CUSTOM, SIZES
from config.policy.money import Money, MoneyError
from config.policy.tariffs import ANY, Tariff, TariffLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

#: Lines that a form holds; more are entered by the command line.
_LINES: Final = 60
_SPARE: Final = 2
#: Jobs looked at for what prices would have cost.
_JOBS: Final = 1000
_WEEK: Final = timedelta(days=7)
_CHANGED: Final = mark("Somebody else has entered prices meanwhile: look at theirs first.")
_AMOUNT: Final = mark("This is no price: write it as 0.05, not below zero.")
_WHEN: Final = mark("This is no moment to come.")
_NO_LINE: Final = mark("At least one line needs a price.")
_ENTERED: Final = mark("Version %(n)s of the prices is entered.")


@dataclass(frozen=True, slots=True)
class FormLine:
    """A line being changed."""

    n: int
    choices: tuple[tuple[str, str, tuple[Choice, ...]], ...]
    """Name, label, what can be chosen."""
    printer: str
    impression: str
    sheet: str
    wrong: str


@dataclass(frozen=True, slots=True)
class PriceForm:
    """Prices being changed."""

    base: int
    """The newest version when the form was shown."""
    unit: str
    lines: tuple[FormLine, ...]
    effective: str
    wrong: Mapping[str, str]
    weighed: Weighed | None
    seen: str
    """Names what the preview was of; empty: there was none."""
    more: str
    """How much more or less it is, written down."""
    too_many: bool = False
    looked_at: int = 0
    """So many of the week's jobs, where there were more; 0: all."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """What a form says."""

    rows: tuple[dict[str, str], ...]
    effective: str
    given: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def _rows_of(visit: Visit, tariff: Tariff | None) -> tuple[dict[str, str], ...]:
    """Return the lines of a price list as a form has them."""
    names = ("service", "color", "media", "sides", "printer")

    def typed(micros: int, unit: Unit) -> str:
        return visit.words.money_parts(Money(micros, unit)).number if micros else ""

    if tariff is None:
        return ()
    return tuple(
        {
            **dict(zip(names, line.fields, strict=True)),
            "impression": typed(line.per_impression, tariff.unit),
            "sheet": typed(line.per_sheet, tariff.unit),
        }
        for line in tariff.lines
    )


def _typed(visit: Visit, unit: Unit) -> _Typed:
    """Read the form: lines without any price are left out."""
    form = visit.form
    rows: list[dict[str, str]] = []
    lines: list[dict[str, Any]] = []
    wrong: dict[str, str] = {}
    for n in range(_LINES + _SPARE):
        if f"service-{n}" not in form.fields:
            continue
        row = {
            name: form.text(f"{name}-{n}", 80)
            for name in ("service", "color", "media", "sides", "printer", "impression", "sheet")
        }
        if not row["impression"] and not row["sheet"]:
            continue
        at = len(rows)
        rows.append(row)
        line: dict[str, Any] = {
            "service": row["service"],
            "color": row["color"],
            "media": row["media"],
            "sides": row["sides"],
            "printer": row["printer"] or ANY,
        }
        try:
            line["per_impression"] = _micros(visit, row["impression"], unit)
            line["per_sheet"] = _micros(visit, row["sheet"], unit)
            TariffLine.model_validate(line)
        except MoneyError:
            wrong[str(at)] = visit.say(_AMOUNT)
        except ValidationError as error:
            wrong[str(at)] = str(error.errors(include_url=False)[0]["msg"])
        lines.append(line)
    given: dict[str, Any] = {"lines": lines, "unit": unit}
    effective = form.text("effective", 40)
    if effective:
        moment = _moment(visit, effective)
        if moment is None or moment < visit.now:
            wrong["effective"] = visit.say(_WHEN)
        else:
            given["effective_from"] = moment
    if not lines:
        wrong["lines"] = visit.say(_NO_LINE)
    return _Typed(tuple(rows), effective, given, wrong)


def _micros(visit: Visit, text: str, unit: Unit) -> int:
    """Return an amount, nothing for an empty field.

    Raises:
        MoneyError: it is none, or below zero.
    """
    if not text:
        return 0
    micros = Money.parse(visit.words.typed(text), unit).micros
    if micros < 0:
        raise MoneyError("below zero")
    return micros


def _moment(visit: Visit, text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None or not 2000 <= found.year < 2200:  # noqa: PLR2004  years
        return None
    return found.replace(tzinfo=visit.centre.zone)


def _now_and_newest(tx: Transaction) -> tuple[Tariff | None, int]:
    found = acts.tariffs(tx)
    now = next((each.tariff for each in found if each.state == "now"), None)
    return now, max((each.tariff.version for each in found), default=0)


def _week(tx: Transaction, old: Tariff | None, new: Tariff) -> tuple[Weighed, bool]:
    """Weigh what was charged in the past week; and say whether these are its newest jobs only."""
    since = tx.now - _WEEK
    found = jobs.newest(tx, _JOBS)
    within = [each for each in found if each.received_at is None or each.received_at >= since]
    weighed = weigh(old, new, (each for each in within if each.charge is not None))
    return weighed, len(within) == _JOBS


def _mark_of(typed: _Typed) -> str:
    """Return a name of what was previewed, so that nothing else is put in force."""
    text = json.dumps([typed.given["lines"], typed.effective], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _form(
    visit: Visit,
    typed: _Typed,
    unit: Unit,
    base: int,
    *,
    weighed: Weighed | None = None,
    part: bool = False,
    too_many: bool = False,
) -> PriceForm:
    rows = (*typed.rows, *({} for _ in range(_SPARE)))
    more = ""
    if weighed is not None and weighed.before is not None and weighed.before.micros:
        ratio = weighed.after.micros / weighed.before.micros - 1
        if ratio:
            much = visit.words.percent(abs(ratio), 1)
            said = mark("%(much)s more") if ratio > 0 else mark("%(much)s less")
            more = visit.say(said, much=much)
    return PriceForm(
        base,
        unit,
        tuple(_form_line(visit, n, row, typed.wrong.get(str(n), "")) for n, row in enumerate(rows)),
        typed.effective,
        typed.wrong,
        weighed,
        _mark_of(typed) if weighed is not None else "",
        more,
        too_many,
        _JOBS if part else 0,
    )


_CHOICES: Final = (
    ("service", mark("Kind"), (ANY, "print", "copy")),
    ("color", mark("Colour"), (ANY, "monochrome", "color")),
    ("sides", mark("Sides"), (ANY, "one-sided", "two-sided")),
    ("media", mark("Paper"), (ANY, *SIZES, CUSTOM)),
)


def _form_line(visit: Visit, n: int, row: Mapping[str, str], wrong: str) -> FormLine:
    choices = tuple(
        (
            name,
            visit.say(label),
            tuple(
                Choice(each, word(visit, each), chosen=row.get(name, ANY) == each)
                for each in values
            ),
        )
        for name, label, values in _CHOICES
    )
    printer = row.get("printer", "")
    return FormLine(
        n,
        choices,
        "" if printer == ANY else printer,
        row.get("impression", ""),
        row.get("sheet", ""),
        wrong,
    )


async def change(visit: Visit) -> Response:
    """Show the prices in force as a form."""
    now, newest = await visit.read(_now_and_newest)
    unit = await _unit(visit, now)
    if now is not None and len(now.lines) > _LINES:
        form = _form(visit, _Typed((), ""), unit, newest, too_many=True)
        return visit.page("prices-change.html", form)
    return visit.page(
        "prices-change.html", _form(visit, _Typed(_rows_of(visit, now), ""), unit, newest)
    )


async def _unit(visit: Visit, now: Tariff | None) -> Unit:
    return now.unit if now is not None else await visit.read(lambda tx: tx.identity.currency)


async def enter(visit: Visit) -> Response:
    """Show what other prices come to; put them in force once that was seen."""
    now, newest = await visit.read(_now_and_newest)
    unit = await _unit(visit, now)
    typed = _typed(visit, unit)
    base = visit.form.text("base", 20)
    if typed.wrong:
        return visit.page("prices-change.html", _form(visit, typed, unit, newest), status=422)
    tariff = _tried(visit, typed, newest)
    if isinstance(tariff, str):
        typed.wrong["lines"] = tariff
        return visit.page("prices-change.html", _form(visit, typed, unit, newest), status=422)
    if base != str(newest):
        typed.wrong["lines"] = visit.say(_CHANGED)
        return visit.page("prices-change.html", _form(visit, typed, unit, newest), status=422)
    if visit.form.text("seen", 40) != _mark_of(typed) or visit.form.text("do") != "enter":
        weighed, part = await visit.read(lambda tx: _week(tx, now, tariff))
        form = _form(visit, typed, unit, newest, weighed=weighed, part=part)
        return visit.page("prices-change.html", form)

    def act(tx: Transaction) -> Tariff | Refused:
        if str(_now_and_newest(tx)[1]) != base:
            return Refused(visit.say(_CHANGED))
        return acts.set_tariff(tx, visit.by, typed.given)

    done = await visit.write(act)
    if isinstance(done, Refused):
        typed.wrong["lines"] = done.reason
        return visit.page("prices-change.html", _form(visit, typed, unit, newest), status=422)
    return visit.go("/prices", visit.told("good", _ENTERED, n=done.version))


def _tried(visit: Visit, typed: _Typed, newest: int) -> Tariff | str:
    """Return the prices that a form makes, or what is wrong with them as a whole."""
    fields = {"version": newest + 1, "effective_from": visit.now, **typed.given}
    try:
        return Tariff.model_validate(fields)
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"])


PAGES: Final = (
    Page("/prices/~change", change, Right.CHANGE_RULES),
    Page("/prices/~change", enter, Right.CHANGE_RULES, methods=("POST",)),
)
