"""`audit`: who did what, when, from where; whether it is untouched; and taking it elsewhere."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from central.commands.desk import AsJson, Config, Refusal, console, desk, show, write_json
from central.store import audit, audit_chain
from central.store.audit import Which

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.audit import Act

commands = typer.Typer(
    no_args_is_help=True, help="Every administrative act: list, verify, export; never changed."
)

Author = Annotated[str | None, typer.Option("--by", help="Only by this login name.")]
Person = Annotated[str | None, typer.Option("--person", help="Only by or to this person.")]
Target = Annotated[str | None, typer.Option("--to", help="Only to this: user:ana, north, a job.")]
Word = Annotated[str | None, typer.Option("--act", help="`card add`, or all of `card`.")]
Since = Annotated[str | None, typer.Option(help="From this day or moment on, in UTC.")]
Until = Annotated[str | None, typer.Option(help="Up to this day or moment, in UTC.")]
_FORMATS: Final = ("jsonl", "csv")
_COLUMNS: Final = (
    *("n", "at", "author", "address", "act", "target", "detail", "before", "after", "hash"),
)
#: What a spreadsheet would take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@commands.command("list")
def list_acts(
    config: Config = None,
    *,
    by: Author = None,
    person: Person = None,
    to: Target = None,
    act: Word = None,
    since: Since = None,
    until: Until = None,
    before: Annotated[int | None, typer.Option(help="Go on before this act's number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List acts, newest first."""
    which = _which(by, person, to, act, since, until)
    with desk(config) as at, at.books.read() as tx:
        found = audit.search(tx, which, before=before, limit=limit)
    rows = [_row(each) for each in found]
    if as_json:
        write_json(rows)
        return
    for row in rows:
        row["detail"] = _words(row["detail"])
    columns = ("n", "at", "author", "address", "act", "target", "detail")
    show(rows, as_json=False, columns=columns, empty="Nothing of that kind was ever done.")
    if len(found) == limit:
        console.print(f"There may be more: --before {found[-1].n}", style="yellow")


@commands.command("verify")
def verify_acts(config: Config = None, *, as_json: AsJson = False) -> None:
    """Hash every act again; exit status 1 if one was changed or removed."""
    with desk(config) as at, at.books.read() as tx:
        broken = list(audit_chain.check(tx))
        head, count = audit_chain.head(tx), audit_chain.count(tx)
    if as_json:
        found = [{"where": each.where, "detail": each.detail} for each in broken]
        told = {"acts": count, "newest": head.n, "hash": head.hash, "removed_upto": head.pruned}
        write_json({**told, "findings": found, "ok": not broken})
    else:
        for each in broken:
            console.print(f"{each.where}: {each.detail}", style="red", markup=False)
        said = f"{len(broken)} differences." if broken else "none was changed."
        gone = f" Acts up to {head.pruned} were removed by retention." if head.pruned else ""
        console.print(f"{count} acts, {said}{gone}", highlight=False)
        console.print(f"Act {head.n} has the hash {head.hash}", highlight=False)
    if broken:
        raise typer.Exit(1)


@commands.command("export")
def export_acts(
    config: Config = None,
    *,
    by: Author = None,
    person: Person = None,
    to: Target = None,
    act: Word = None,
    since: Since = None,
    until: Until = None,
    format_: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
) -> None:
    """Write acts to standard output, oldest first: JSON lines, or CSV; the hashes go with them."""
    if format_ not in _FORMATS:
        raise Refusal(f"{format_!r} is no format; one of {', '.join(_FORMATS)}")
    which = _which(by, person, to, act, since, until)
    with desk(config) as at, at.books.read() as tx:
        found = audit.every(tx, which)
        if format_ == "csv":
            _write_csv(found)
            return
        for each in found:
            json.dump(_row(each), sys.stdout, ensure_ascii=False, default=_plain)
            sys.stdout.write("\n")


def _write_csv(found: Iterator[Act]) -> None:
    out = csv.writer(sys.stdout)
    out.writerow(_COLUMNS)
    for each in found:
        row = _row(each)
        for name in ("detail", "before", "after"):
            told = row[name]
            row[name] = "" if told is None else json.dumps(told, ensure_ascii=False, default=str)
        row["at"] = _plain(row["at"])
        out.writerow([_harmless(row[name]) for name in _COLUMNS])


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _row(each: Act) -> dict[str, Any]:
    return {name: getattr(each, name) for name in _COLUMNS}


def _which(
    by: str | None,
    person: str | None,
    to: str | None,
    act: str | None,
    since: str | None,
    until: str | None,
) -> Which:
    return Which(
        author=by,
        person=None if person is None else person.lower(),
        target=to,
        act=act,
        since=None if since is None else moment_of(since),
        until=None if until is None else moment_of(until, end=True),
    )


def moment_of(text: str, *, end: bool = False) -> datetime:
    """Read a day or a moment, in UTC unless it says otherwise; the end of a day is the next one."""
    try:
        if len(text) == len("2026-11-23"):
            day = date.fromisoformat(text) + timedelta(days=end)
            return datetime.combine(day, time(), UTC)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(f"{text!r} is no day; write it like 2026-11-23") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _words(detail: object) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    return ", ".join(f"{key} {value}" for key, value in detail.items() if value not in (None, ""))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
