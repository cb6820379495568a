"""`privacy` and `retention`: what is kept of people, in what is there already, and what is old."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

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
    write_json,
)
from central.keeping import terms_of
from central.store import audit, privacy, retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from central.store.books import Books, Transaction
    from central.store.privacy import Names, Treated

privacy_commands = typer.Typer(
    no_args_is_help=True, help="Documents' names: what is kept of them, and treating old ones."
)
retention_commands = typer.Typer(
    no_args_is_help=True, help="Deleting what has been kept long enough: show, run."
)

_SLICE: Final = 500
_WORDS: Final = {
    "keep": "Documents' names are kept.",
    "hash": "Of documents' names a keyed hash is kept.",
    "hide": "Documents' names are not kept.",
}


@privacy_commands.command("show")
def show_privacy(config: Config = None, *, as_json: AsJson = False) -> None:
    """Say what is kept of documents' names, by the books and by the settings."""
    with desk(config) as at, at.books.read() as tx:
        mode, wanted = privacy.names(tx).mode, at.settings.privacy.document_names
    if as_json:
        write_json({"document_names": mode, "settings": wanted})
        return
    console.print(_WORDS[mode])
    if mode != wanted:
        console.print(
            f"The settings say {wanted!r}: that holds from the coordinator's next start, or "
            "`printmesh central privacy apply`, on.",
            style="yellow",
        )


@privacy_commands.command("apply")
def apply_privacy(config: Config = None, *, as_json: AsJson = False) -> None:
    """Treat all names that are in the books as the settings say; money is not touched."""
    with desk(config) as at:
        with at.books.write() as tx:
            privacy.set_names(tx, at.settings.privacy.document_names, author=author())
            how = privacy.names(tx)
        if how.mode == "keep":
            raise Refusal(
                'the settings keep documents\' names: [privacy] document_names = "hash", or '
                '"hide", and then again'
            )
        jobs, texts = _treat_all(at.books, how)
        with at.books.write() as tx:
            detail = {"document_names": how.mode, "jobs": jobs, "texts": texts}
            audit.note(tx, author=author(), act="privacy apply", target="books", detail=detail)
    if as_json:
        write_json({"document_names": how.mode, "jobs": jobs, "texts": texts})
        return
    console.print(
        f"{jobs} jobs, and the texts of {texts} events, name no document any more. Older copies "
        "still do: backups, and the second log until it is compacted."
    )


@retention_commands.command("show")
def show_retention(config: Config = None, *, as_json: AsJson = False) -> None:
    """Say how long what is kept, and how much is older by now."""
    with desk(config) as at:
        given = at.settings.privacy
        with at.books.read() as tx:
            due = retention.due(tx, terms_of(given))
            gone = retention.deleted_before(tx)
    days = {
        "names": given.keep_names_days,
        "jobs": given.keep_jobs_days,
        "acts": given.keep_audit_days,
    }
    if as_json:
        write_json({"days": days, "due": due, "jobs_deleted_before": gone})
        return
    words = {"names": "names of documents", "jobs": "jobs", "acts": "acts in the audit"}
    for what, kept in days.items():
        late = f"; {due[what]} are older" if due.get(what) else ""
        span = "for ever" if kept is None else f"{kept} day{'' if kept == 1 else 's'}"
        console.print(f"{words[what]}: {span}{late}", highlight=False)
    if gone is not None:
        console.print(f"Jobs from before {gone:%F %T %Z} are deleted.")


@retention_commands.command("run")
def run_retention(
    config: Config = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete now what is old enough, as the coordinator does by itself once an hour."""
    with desk(config) as at:
        terms = terms_of(at.settings.privacy)
        if terms.nothing:
            raise Refusal("the settings delete nothing: [privacy] keep_jobs_days = 400, say")
        with at.books.read() as tx:
            due = retention.due(tx, terms)
        counts = due
        if not dry_run:
            counts = {}
            for done in _slices(at.books, terms):
                counts[done.kind] = counts.get(done.kind, 0) + done.changed
    if as_json:
        write_json({"deleted": {} if dry_run else counts, "due": due})
        return
    told = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number) or "nothing"
    console.print(f"{'Would delete' if dry_run else 'Deleted'}: {told}.")


def _slices(books: Books, terms: retention.Terms) -> Iterator[retention.Step]:
    while True:
        with books.write() as tx:
            done = retention.step(tx, terms)
        if done.over:
            return
        yield done


def _treat_all(books: Books, how: Names) -> tuple[int, int]:
    """Treat every job and every event that names a document; a second run finds nothing to do."""
    with books.read() as tx:
        streams = privacy.streams_up(tx, "jobs")
    with _progress("jobs") as seen:
        jobs = _through(books, lambda tx, after: privacy.treat_jobs(tx, how, after, _SLICE), seen)
    texts = 0
    with _progress("events") as seen:
        for stream in streams:
            texts += _through(books, partial(_treat_events, stream), seen)
    return jobs, texts


def _treat_events(stream: int, tx: Transaction, after: int) -> Treated:
    return privacy.treat_events(tx, stream, after, _SLICE)


def _through(
    books: Books, treat: Callable[[Transaction, int], Treated], seen: Callable[[int], None]
) -> int:
    after, changed = 0, 0
    while True:
        with books.write() as tx:
            done = treat(tx, after)
        changed += done.changed
        seen(done.upto - after)
        after = done.upto
        if done.over:
            return changed


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda more: bar.advance(task, more)
