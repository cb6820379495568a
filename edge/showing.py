"""How the command line shows jobs: a table, remarks, amounts, and why line by line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table


@cache
def console() -> Console:
    """Return where answers are written; made at the first, so that a node starts without it."""
    from rich.console import Console  # noqa: PLC0415  a node that runs shows nothing

    return Console(highlight=False)


@cache
def errors() -> Console:
    """Return where it is said what is wrong."""
    from rich.console import Console  # noqa: PLC0415  as above

    return Console(stderr=True, highlight=False)


def explain(lines: list[dict[str, Any]], where: Console) -> None:
    """Write why, line by line."""
    for each in lines:
        rule = f' (rule "{each["rule"]}")' if each.get("rule") else ""
        text = f"  {each['code']}: {each['text']}{rule}"
        where.print(text, style="dim", markup=False, soft_wrap=True)


def listed(rows: list[dict[str, Any]]) -> Table:
    """Lay jobs out; what others named is text here and never markup."""
    from rich.table import Table  # noqa: PLC0415  as above
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("job", no_wrap=True)
    table.add_column("user", overflow="fold")
    table.add_column("document", overflow="fold", min_width=8)
    table.add_column("state", no_wrap=True)
    for head in ("impressions", "colour"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("printer", overflow="fold")
    table.add_column("cost", justify="right", no_wrap=True)
    for row in rows:
        cells = (
            row["job"][:8],
            row["user"],
            row["name"],
            row["phase"],
            _figure(row["impressions"]),
            _figure(row["color_impressions"]),
            row["printer"] or "",
            _foreseen(row),
        )
        table.add_row(*map(Text, cells))
    return table


def remarks(row: dict[str, Any]) -> Iterator[str]:
    """Yield what is to be said of a job beside its line in the list."""
    outlook = row["outlook"] or {}
    if row.get("rest_of"):
        yield f"is what had not come out of {row['rest_of'][:8]} when its printer failed"
    if row["problem"]:
        yield f"cannot be printed: {row['problem']}"
    if outlook.get("question"):
        yield f"asks first: {outlook['question']} (release it with --yes)"
    elif refusal := outlook.get("refusal"):  # as things are now; an older one may be mended
        yield f"is refused: {refusal}"
    changes = row["conversions"] or outlook.get("conversions") or {}
    if changes:
        yield "is changed by rules: " + ", ".join(f"{k} {v}" for k, v in changes.items())
    elsewhere = row["redirected_from"] or outlook.get("redirected_from")
    if elsewhere:
        yield f"prints at {row['printer'] or outlook['printer']} instead of {elsewhere}"


def _foreseen(row: dict[str, Any]) -> str:
    """Write what a job costs; in brackets what it would cost, while it waits."""
    paid = amounts_of(row["charged"] or row["held"])
    price = (row["outlook"] or {}).get("price")
    return paid if paid or price is None else f"({amounts_of(price) or 'free'})"


def counted(number: int, noun: str) -> str:
    """Write `1 job` or `2 jobs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _figure(value: int | None) -> str:
    return "" if value is None else str(value)


def amounts_of(amounts: list[dict[str, Any]]) -> str:
    """Write amounts as the wire has them."""
    from config.policy.money import Money  # noqa: PLC0415  keeps --help fast

    return ", ".join(str(Money(each["micros"], each["unit"])) for each in amounts)
