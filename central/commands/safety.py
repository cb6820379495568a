"""`backup`, `restore`, `second-log` and `recovery`: what is done so that a centre may fall."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    errors,
    money,
    write_json,
)
from central.store import upkeep
from central.store.backup import file_of, make_backup
from central.store.restore import CREDENTIALS, carry_out, plan_restore, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from central.store.restore import Plan

_NO_LOG: Final = "a server has these books; it archives its own log, see docs/runbooks/backup.md"

second_log = typer.Typer(no_args_is_help=True, help="The log beside the books: show, compact.")


def backup(
    file: Annotated[Path, typer.Argument(help="A new file.")],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the books into one file while they are used, and check the copy."""
    with desk(config) as at:
        source = file_of(at.settings.url)
        carry = {CREDENTIALS: at.settings.credentials}
        with _progress("copying") as progress:
            copy, checked = make_backup(source, file, carry, progress, datetime.now(UTC))
    counts = checked.counts
    if as_json:
        write_json(
            {
                "file": str(file),
                "bytes": file.stat().st_size,
                "epoch": copy.epoch,
                "last_transaction": copy.n,
                "entries": counts.entries,
                "events": counts.events,
                "people_micros": checked.people,
            }
        )
        return
    console.print(f"The books are in {file}, {file.stat().st_size:,} bytes.", markup=False)
    console.print(
        f"Checked: {counts.entries} entries, {counts.locations} balances, {counts.events} events; "
        f"people have {_sums(checked.people)}. Transaction {copy.n} of epoch {copy.epoch}.",
        highlight=False,
    )


def restore(
    backup_file: Annotated[
        Path | None, typer.Argument(metavar="[BACKUP]", help="What `central backup` made.")
    ] = None,
    *,
    to: Annotated[Path, typer.Option(help="New directory for the books.")],
    log: Annotated[
        Path | None, typer.Option("--second-log", help="Directory of the second log.")
    ] = None,
    without: Annotated[
        bool,
        typer.Option("--without-second-log", help="It is lost too: begin in recovery mode."),
    ] = False,
    up_to_damage: Annotated[
        bool,
        typer.Option("--up-to-damage", help="Use a damaged log as far as it goes; recovery mode."),
    ] = False,
    epoch_at_least: Annotated[
        int, typer.Option(help="When a node has seen a higher epoch than the backup knows.", min=0)
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the books anew from a backup and the second log, under the next epoch."""
    if (log is None) is not without:
        raise Refusal(
            "say where the second log is, with --second-log DIR; only if it is lost as well, say "
            "--without-second-log"
        )
    plan = plan_restore(backup_file, log, epoch_at_least=epoch_at_least, up_to_damage=up_to_damage)
    recovery = without or plan.damage is not None
    if dry_run:
        if as_json:
            write_json({**told(plan, recovery), "dry_run": True})
            return
        _say_plan(plan, recovery, "would be")
        console.print("Nothing was written.")
        return
    with _progress("replaying") as progress:
        done = carry_out(plan, to, datetime.now(UTC), author=author(), progress=progress)
    counts = done.checked.counts
    if as_json:
        more = {
            "books": str(done.books),
            "carried": [str(each) for each in done.carried],
            "entries": counts.entries,
            "events": counts.events,
            "people_micros": done.checked.people,
            "dry_run": False,
        }
        write_json({**told(plan, recovery), **more})
        return
    _say_plan(plan, recovery, "were")
    console.print(
        f"Checked: {counts.entries} entries, {counts.locations} balances, {counts.events} events; "
        f"people have {_sums(done.checked.people)}.",
        highlight=False,
    )
    console.print(f"The books are in {done.books}.", markup=False)
    for each in done.carried:
        console.print(f"Who may connect is in {each}: name it in the settings.", markup=False)


@second_log.command("show")
def show_log(config: Config = None, *, as_json: AsJson = False) -> None:
    """Show where the second log is and how long it has become."""
    with desk(config) as at:
        with at.books.write():
            pass  # whoever writes first begins it
        found = upkeep.standing(at.books)
    if found is None:
        raise Refusal(_NO_LOG)
    shown: dict[str, Any] = {
        "directory": str(found.files.directory),
        "last_transaction": found.n,
        "bytes": found.bytes,
        "books_bytes": found.books_bytes,
        "copies": [each.path.name for each in found.files.bases()],
        "files": [each.path.name for each in found.files.segments()],
    }
    if as_json:
        write_json(shown)
        return
    for key, value in shown.items():
        text = ", ".join(value) if isinstance(value, list) else value
        console.print(f"{key.replace('_', ' ')}: {text}", markup=False, highlight=False)


@second_log.command("compact")
def compact_log(config: Config = None, *, as_json: AsJson = False) -> None:
    """Put a new copy of the books beside the log, and remove what is superfluous then."""
    with desk(config) as at, _progress("copying") as progress:
        with at.books.write():
            pass  # whoever writes first begins it
        try:
            done = upkeep.compact(at.books, progress)
        except OSError as error:
            raise Refusal(f"nothing was removed: {error.strerror or error}") from error
        after = upkeep.standing(at.books)
    if done is None or after is None:
        raise Refusal(_NO_LOG)
    before, gone = done
    if as_json:
        write_json({"removed": gone, "bytes_before": before.bytes, "bytes": after.bytes})
        return
    console.print(f"Removed {gone} files; the records take {after.bytes:,} bytes now.")


def _say_plan(plan: Plan, recovery: bool, were: str) -> None:  # noqa: FBT001  one fact of several
    until = "" if plan.until is None else f", until {plan.until.astimezone():%Y-%m-%d %H:%M:%S}"
    console.print(f"Begun with {plan.start.path} (transaction {plan.start.n}).", markup=False)
    console.print(
        f"{plan.records} transactions of the second log {were} repeated{until}.", highlight=False
    )
    if plan.damage is not None:
        console.print(f"The log went no further: {plan.damage}", style="yellow", markup=False)
    console.print(f"Epoch {plan.start.epoch} has become {plan.epoch}.", highlight=False)
    if recovery:
        console.print(
            "The centre begins in recovery mode: it takes in and grants nothing until the edges "
            "have reported. See `central recovery status`.",
            style="yellow",
        )


def _sums(people: Mapping[str, int]) -> str:
    return ", ".join(money(micros, unit) for unit, micros in sorted(people.items())) or "nothing"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
