"""`move-books`: from SQLite to PostgreSQL, or wherever the books are to be from now on."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from central.commands.desk import AsJson, Config, Refusal, author, console, desk, errors, write_json
from central.store.moving import move

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def move_books(
    to: Annotated[
        Path, typer.Argument(metavar="FILE", help="Holds the new database's address, one line.")
    ],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the books to another, empty database, verify them there, and end the old ones."""
    try:
        url = to.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refusal(f"{to} cannot be read: {error.strerror}") from error
    with desk(config) as at, at.books.alone(), _progress() as progress:
        moved = move(at.books, url, author=author(), progress=progress)
    if as_json:
        write_json(
            {
                "rows": moved.rows,
                "entries": moved.counts.entries,
                "events": moved.counts.events,
                "epoch": moved.epoch,
            }
        )
        return
    console.print(
        f"{moved.rows:,} rows were copied and checked: {moved.counts.entries} entries, "
        f"{moved.counts.locations} balances, {moved.counts.events} events.",
        highlight=False,
    )
    console.print(
        f'Next: database_url_file = "{to.absolute()}" in the settings, and start the coordinator. '
        f"The new books are of epoch {moved.epoch}; the old ones are an old copy from now on.",
        markup=False,
        highlight=False,
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("copying rows"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
