"""`figures`: what was printed and copied and what it cost, by whom, where and when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path  # noqa: TC003  typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table as Grid
from rich.text import Text

from central.acts import figures as acts
from central.acts.by import By as Doer
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    errors,
    money,
    unknown,
    write_json,
)
from central.figures.asking import ORDERS, Ask, By, NotKept, Table, Where
from central.figures.periods import Days, Period
from central.store import facts, nodes
from central.store.figures_of import every_line, figures_of, refused
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.figures.asking import Figures, Line
    from central.store.books import Transaction
    from central.web.export import Column, Value

commands = typer.Typer(invoke_without_command=True)

_BAR = 24
_FULL, _PARTS = "█", "▏▎▍▌▋▊▉█"


@commands.callback()
def figures(
    context: typer.Context,
    config: Config = None,
    *,
    by: Annotated[By | None, typer.Option(help="Of what each line is.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="First day; without: of this month.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day; without: today.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="Only at this site, or these.")] = None,
    printer: Annotated[str | None, typer.Option(help="Only at this printer.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    group: Annotated[str | None, typer.Option(help="Only of people who were in it then.")] = None,
    department: Annotated[str | None, typer.Option(help="Only of its people, as of then.")] = None,
    account: Annotated[str | None, typer.Option(help="Only what it paid: project:apollo.")] = None,
    service: Annotated[str | None, typer.Option(help="print or copy only.")] = None,
    order: Annotated[str, typer.Option(help=f"One of {', '.join(ORDERS)}.")] = "impressions",
    top: Annotated[int, typer.Option(help="So many lines; files have them all.")] = 20,
    as_json: AsJson = False,
    csv: Annotated[Path | None, typer.Option(help="Write all lines into this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="The same as a workbook.")] = None,
) -> None:
    """Say what was printed and copied and what it cost, by whom, where and when."""
    if context.invoked_subcommand is not None:
        return
    if by is None and (csv or xlsx):
        raise Refusal("a file needs lines: say of what with --by, for instance --by month")
    with desk(config) as at, at.books.read() as tx:
        where = Where(
            nodes=_nodes(tx, site),
            printer=printer,
            user=user.lower() if user else None,
            group=group,
            department=department,
            account=account,
            service=_service(service),
        )
        ask = Ask(_period(tx, from_, to), by, where, order=order, limit=top)
        table = figures_of(tx, ask)
        if isinstance(table, NotKept):
            raise Refusal(table.reason)
        for file, kind in ((csv, "csv"), (xlsx, "xlsx")):
            if file is not None:
                _write(tx, table, file, kind)
        no = refused(tx, ask.period, where)
    if as_json:
        write_json(_plain(table, [] if isinstance(no, NotKept) else no))
        return
    console.print(_answer(table), highlight=False)
    if table.lines:
        console.print(_grid(table))
    if isinstance(no, list) and no:
        said = ", ".join(f"{count} {reason}" for reason, count in no)
        console.print(f"Refused: {said}.", highlight=False)
    _remarks(table)


@commands.command()
def rebuild(
    config: Config = None,
    *,
    zone: Annotated[
        str | None, typer.Option(help="Whose days they are, such as Europe/Madrid.")
    ] = None,
) -> None:
    """Make the totals anew from the ledger, beside a running coordinator; nothing else changes."""
    with desk(config) as at:
        with at.books.write() as tx:
            done = acts.rebuild(tx, Doer(author()), zone=zone)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=errors,
            transient=True,
        )
        with bar as progress:
            task = progress.add_task("entries", total=done.entries)
            facts.catch_up(
                at.books, lambda n, total: progress.update(task, completed=n, total=total)
            )
    console.print(f"Figures are made anew of {done.entries} entries, by the days of {done.zone}.")


# ── the question ────────────────────────────────────────────────────────────────────────────


def _period(tx: Transaction, first: str | None, last: str | None) -> Period:
    from zoneinfo import ZoneInfo  # noqa: PLC0415  keeps --help fast

    today = Days(ZoneInfo(facts.mark(tx).zone)).today(tx.now)
    end = _day(last) or today
    begin = _day(first) or end.replace(day=1)
    try:
        return Period(begin, end)
    except ValueError as error:
        raise Refusal(str(error)) from error


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(f"{text!r} is no day; write it like 2026-11-22") from error


def _nodes(tx: Transaction, given: Sequence[str] | None) -> tuple[str, ...] | None:
    if not given:
        return None
    edges = [each for each in nodes.every(tx) if each.kind == "edge"]
    found: list[str] = []
    for each in given:
        named = [edge.id for edge in edges if each in {edge.id, edge.site}]
        if not named:
            raise unknown("site", each, [e.site for e in edges], "`node list` has them")
        found += named
    return tuple(dict.fromkeys(found))


def _service(text: str | None) -> str | None:
    if text not in {None, "print", "copy"}:
        raise Refusal(f"{text!r} is no service; it is print or copy")
    return text


# ── the answer ──────────────────────────────────────────────────────────────────────────────


def _answer(table: Table) -> str:
    """Say first what somebody came for."""
    total, before = table.total, table.before
    if not total.jobs and not total.impressions:
        return f"{table.ask.period}: nothing was printed."
    parts = [f"{_count(total.impressions, 'page')} in {_count(total.jobs, 'job')}"]
    if total.color_share is not None:
        parts.append(f"{total.color_share:.0%} in colour")
    if total.two_sided_share is not None:
        parts.append(f"{total.two_sided_share:.0%} of {_count(total.sheets, 'sheet')} two-sided")
    costs = [money(each.cost, unit) for unit, each in total.money.items() if each.cost]
    if costs:
        parts.append(" and ".join(costs))
    said = f"{table.ask.period}: {', '.join(parts)}"
    if before is not None and before.impressions and table.compared is not None:
        change = total.impressions / before.impressions - 1
        word = "more" if change >= 0 else "fewer"
        said += f"; {abs(change):.0%} {word} pages than {table.compared}"
    return f"{said}."


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    units = _shown(table)
    grid.add_column(str(table.ask.by or ""), overflow="fold")
    for head in ("jobs", "pages", "colour", "two-sided", *(f"cost {unit}" for unit in units)):
        grid.add_column(head, justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    most = max((line.figures.impressions for line in table.lines), default=0)
    for line in table.lines:
        each = line.figures
        # what others named must not be read as markup
        grid.add_row(
            Text(_name(line)),
            str(each.jobs),
            str(each.impressions),
            _percent(each.color_share),
            _percent(each.two_sided_share),
            *(_amount(each, unit) for unit in units),
            Text(_bar(each.impressions, most), style="cyan"),
        )
    return grid


def _remarks(table: Table) -> None:
    given = {u: m.corrected for u, m in table.total.money.items() if m.corrected}
    for unit, micros in given.items():
        console.print(f"Corrections beside this: {money(micros, unit)}.", highlight=False)
    if table.more:
        console.print("There are more lines; --csv and --xlsx have them all.")
    if table.behind:
        done = f"{table.behind} entries of the ledger are not in these figures yet."
        console.print(done, style="yellow", highlight=False)


def _bar(value: int, most: int) -> str:
    eighths = round(value / most * _BAR * 8) if most else 0
    whole, rest = divmod(eighths, 8)
    return _FULL * whole + (_PARTS[rest - 1] if rest else "")


def _name(line: Line) -> str:
    if not line.key:
        return "nobody"
    return line.label or line.key


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _amount(figures: Figures, unit: str) -> str:
    found = figures.money.get(unit)
    return "" if found is None else money(found.cost, unit).partition(" ")[0]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _shown(table: Table) -> list[str]:
    return [unit for unit in table.units if unit in table.total.money]


def _plain(table: Table, no: Sequence[tuple[str, int]]) -> dict[str, Any]:
    return {
        "period": _days(table.ask.period),
        "compared": None if table.compared is None else _days(table.compared),
        "by": table.ask.by,
        "zone": table.zone,
        "upto": table.upto,
        "behind": table.behind,
        "total": _figures(table.total),
        "before": None if table.before is None else _figures(table.before),
        "refused": [{"reason": reason, "jobs": count} for reason, count in no],
        "lines": [
            {
                "key": line.key,
                "label": line.label,
                **_figures(line.figures),
                "before": None if line.before is None else _figures(line.before),
            }
            for line in table.lines
        ],
        "more": table.more,
    }


def _days(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _figures(figures: Figures) -> dict[str, Any]:
    return asdict(figures) | {
        "color_share": figures.color_share,
        "two_sided_share": figures.two_sided_share,
    }


# ── files ───────────────────────────────────────────────────────────────────────────────────


def _write(tx: Transaction, table: Table, file: Path, kind: str) -> None:
    from central.web.export import csv_of, xlsx_of  # noqa: PLC0415  most have no use for it

    units = _shown(table)
    rows = (_row(line, units) for line in every_line(tx, table.ask))
    write = csv_of if kind == "csv" else xlsx_of
    try:
        with file.open("wb") as out:
            for piece in write(rows, _columns(table, units)):
                out.write(piece)
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}") from error
    errors.print(f"{file} is written.", style="dim", markup=False)


def _columns(table: Table, units: Sequence[str]) -> list[Column]:
    from central.web.export import Column, Kind  # noqa: PLC0415  as above

    of = str(table.ask.by or "all")
    counts = ("jobs", "pages", "colour pages", "sheets", "two-sided sheets")
    return [
        Column(of),
        Column("name"),
        *(Column(title, Kind.NUMBER) for title in counts),
        Column("colour share", Kind.SHARE),
        Column("two-sided share", Kind.SHARE),
        *(
            Column(f"{title} {unit}", Kind.MICROS)
            for unit in units
            for title in ("charged", "given back", "cost")
        ),
    ]


def _row(line: Line, units: Sequence[str]) -> list[Value]:
    each = line.figures
    amounts: list[Value] = []
    for unit in units:
        found = each.money.get(unit)
        amounts += [0, 0, 0] if found is None else [found.charged, found.refunded, found.cost]
    return [
        line.key,
        line.label,
        each.jobs,
        each.impressions,
        each.color,
        each.sheets,
        each.two_sided,
        each.color_share,
        each.two_sided_share,
        *amounts,
    ]
