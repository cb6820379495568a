"""What every subcommand shares: settings and books, amounts, tables, JSON, and saying no well."""

from __future__ import annotations

import getpass
import json
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from central.acts.by import By
from config.errors import PrintmeshError
from config.ids import NODE_ID_PATTERN
from config.policy.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from central.store.books import Books
    from central.store.ledger import Refused
    from config.settings import CentralSettings

T = TypeVar("T")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="PRINTMESH_CONFIG",
        help="TOML file; PRINTMESH_CENTRAL_… variables win over it.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
DEFAULT_CONFIG: Final = Path("central.toml")
#: Columns that are never folded; what people and documents are called is, where room is short.
_SHORT: Final = frozenset({"job", "state", "cost", "balance", "linked", "seen_at"})
_MONEY: Final = frozenset({"cost", "balance"})
_ACCOUNT: Final = re.compile(r"[a-z]+:[^\s@]{1,120}")
_USER: Final = re.compile(r"[^\s@:/]{1,110}")

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)


class Refusal(PrintmeshError):
    """A wrong value or a thing that cannot be done; says what would be right."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Settings and open books."""

    settings: CentralSettings
    books: Books


def settings_of(config: Path | None) -> CentralSettings:
    """Load the settings: of the file given, else of central.toml here, else of the environment."""
    from config.settings import CentralSettings, load  # noqa: PLC0415  keeps --help fast

    return load(CentralSettings, config_file(config))


def config_file(config: Path | None) -> Path | None:
    """Return the file that the settings are in: the one given, else central.toml here, if any."""
    if config is None and DEFAULT_CONFIG.exists():
        return DEFAULT_CONFIG
    return config


@contextmanager
def desk(config: Path | None) -> Iterator[Desk]:
    """Open the books for one command."""
    from central.opening import open_books  # noqa: PLC0415  keeps --help fast
    from central.store import recovery  # noqa: PLC0415

    settings = settings_of(config)
    books = open_books(settings)
    try:
        with books.read() as tx:
            newer = recovery.find(tx).fenced_by
        if newer is not None:
            errors.print(
                f"These books are an old copy: a node has met books of epoch {newer}. "
                "What is done here is lost.",
                style="red",
            )
        yield Desk(settings, books)
    finally:
        books.close()


def author() -> str:
    """Return who does this, for the ledger."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"


def by() -> By:
    """Return who does this, for acts; whoever is at this machine's command line."""
    return By(author())


def done(outcome: T | Refused) -> T:
    """Return what an act did, or refuse as it did; nothing of it stays."""
    from central.store.ledger import Refused  # noqa: PLC0415  keeps --help fast

    if isinstance(outcome, Refused):
        raise Refusal(outcome.reason)
    return outcome


# ── values ──────────────────────────────────────────────────────────────────────────────────


def amount(text: str, unit: str) -> Money:
    """Read an amount like 2.50."""
    try:
        return Money.parse(text, unit)
    except MoneyError as error:
        raise Refusal(str(error)) from error


def account_key(text: str) -> str:
    """Check an account's key."""
    if not _ACCOUNT.fullmatch(text):
        raise Refusal(f"{text!r} is no account; write it like user:ana or department:physics")
    return text


def user_name(text: str) -> str:
    """Check a user name; they are kept in lower case, as CUPS compares them."""
    if not _USER.fullmatch(text) or not text.isprintable():
        raise Refusal(
            f"{text!r} is no user name; it is 1 to 110 characters without spaces, @, : and /"
        )
    return text.lower()


def node_id(text: str) -> str:
    """Check a node or device id."""
    if not re.match(NODE_ID_PATTERN, text) or text.endswith("\n"):
        raise Refusal(f"{text!r} is no id; it is 1 to 32 of a-z, 0-9 and -, like edge-north")
    return text


def first_line(longest: int) -> str:
    """Return the first line of the input, for what is not to stand on a command line."""
    return sys.stdin.readline(longest + 2).rstrip("\r\n")


def day_end(text: str) -> datetime:
    """Return the end of a day, by the clock on the wall here."""
    try:
        day = date.fromisoformat(text)
        after = datetime.combine(day + timedelta(days=1), time()).astimezone()
    except (ValueError, OverflowError) as error:
        raise Refusal(f"{text!r} is no day; write it like 2027-07-31") from error
    return after.astimezone(UTC)


def unknown(what: str, given: str, known: Iterable[str], how: str) -> Refusal:
    """Return a refusal that names what may have been meant, or how to make one."""
    near = get_close_matches(given, list(known), n=1)
    hint = f"did you mean {near[0]}?" if near else how
    return Refusal(f"there is no {what} {given!r}; {hint}")


# ── output ──────────────────────────────────────────────────────────────────────────────────


def write_json(rows: object) -> None:
    """Write JSON to standard output."""
    json.dump(rows, sys.stdout, ensure_ascii=False, indent=1, default=_plain)
    sys.stdout.write("\n")


def show(
    rows: Sequence[dict[str, Any]], *, as_json: bool, columns: Sequence[str], empty: str
) -> None:
    """Write rows as JSON, or some of their columns as a table."""
    if as_json:
        write_json(rows)
        return
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        figures = all(isinstance(row[column], int | None) for row in rows)
        table.add_column(
            column.replace("_", " "),
            justify="right" if figures or column in _MONEY else "left",
            no_wrap=figures or column in _SHORT,
            overflow="fold",
        )
    for row in rows:
        # the first digits of a job name it well enough, and leave room; JSON has them all
        cells = (_cell(row[column])[: 8 if column == "job" else None] for column in columns)
        # what others named must not be read as markup
        table.add_row(*(console.render_str(cell, markup=False, emoji=False) for cell in cells))
    console.print(table)


def money(micros: int, unit: str) -> str:
    """Write an amount for people."""
    return str(Money(micros, unit))


def role_text(role: str, wished: str | None) -> str:
    """Say what a site is, and what it was told to become and has not yet."""
    return role if wished is None else f"{role}, to be {wished}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
