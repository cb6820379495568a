"""`import …`: people from files and directory services; shown first, done when told so."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import Progress

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    desk,
    errors,
    show,
    unknown,
    write_json,
)
from central.importing import applying, csv_file, rounds
from central.importing.plan import BRAKE_PERCENT, Habits
from central.importing.rounds import Braked
from central.store import cards, people_sources, person_search
from central.store.ledger import Refused
from central.store.person import CSV

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from central.importing.applying import Applied
    from central.importing.plan import Change, Plan
    from central.importing.plan import Refusal as Refusal_
    from central.store.books import Books

commands = typer.Typer(no_args_is_help=True, help="People from elsewhere: csv, ldap, list.")

#: Lines of a preview; --json has them all.
_SHOWN: Final = 20

Apply = Annotated[bool, typer.Option("--apply", help="Do it; without, it is only shown.")]
Confirm = Annotated[
    int | None,
    typer.Option("--confirm", help="So many may be disabled: the number that the brake shows."),
]


@commands.command("csv")
def import_csv(
    file: Annotated[Path, typer.Argument(help="Its first line names its columns.")],
    config: Config = None,
    *,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="What is called what in the file, like name=Login; may be given again. Columns: "
            "name, display, given, family, email, department, groups, cards, id, enabled.",
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="The file has everybody: who is missing is disabled."),
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Change also people who were entered by hand.")
    ] = False,
    skip_wrong: Annotated[
        bool, typer.Option("--skip-wrong", help="Do the others where some rows are wrong.")
    ] = False,
    brake: Annotated[
        float, typer.Option("--brake", help="Percent that may be disabled.", min=0, max=100)
    ] = BRAKE_PERCENT,
    apply: Apply = False,
    confirm: Confirm = None,
    as_json: AsJson = False,
) -> None:
    """Enter and change people by a file; shows what would change unless --apply is given."""
    mapping = dict(_pair(each) for each in map_ or [])
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror}") from error
    with desk(config) as at:
        with at.books.read() as tx:
            key = cards.key_in_force(tx)
        told = csv_file.read_csv(content, mapping=mapping, card_key=key)
        if isinstance(told, Refused):
            raise Refusal(f"{file}: {told.reason}")
        habits = Habits(CSV, whole=complete, adopt=adopt, brake_percent=brake)
        plan = applying.planned(at.books, told.wanted, habits, told.refusals)
        if not as_json:
            taken = ", ".join(
                f"{column} from {header!r}" for column, header in told.columns.items()
            )
            console.print(
                f"{told.rows} rows in {told.encoding}, separated by {told.delimiter!r}: {taken}.",
                markup=False,
            )
            if told.ignored:
                console.print(f"Not read: {', '.join(told.ignored)}.", markup=False)
        if apply and plan.refusals and not skip_wrong:
            _show(plan, as_json=as_json, applied=None)
            raise Refusal(
                f"{len(plan.refusals)} rows are not taken; mend them, or --skip-wrong does the "
                "others. Nothing was changed"
            )
        _finish(at.books, plan, apply=apply, confirm=confirm, as_json=as_json)


@commands.command("ldap")
def import_ldap(
    name: Annotated[str, typer.Argument(help="What [[ldap]] calls it in the settings.")],
    config: Config = None,
    *,
    apply: Apply = False,
    confirm: Confirm = None,
    as_json: AsJson = False,
) -> None:
    """Enter and change people by a directory service; only shown unless --apply is given."""
    with desk(config) as at:
        service = next((each for each in at.settings.ldap if each.name == name), None)
        if service is None:
            known = (each.name for each in at.settings.ldap)
            raise unknown("directory service", name, known, "[[ldap]] in the settings names them")
        plan = rounds.plan_of(at.books, service)
        _finish(at.books, plan, apply=apply, confirm=confirm, as_json=as_json)


@commands.command("list")
def list_sources(config: Config = None, *, as_json: AsJson = False) -> None:
    """List where people come from: how many, the last import and how it ended, the next."""
    with desk(config) as at, at.books.read() as tx:
        states = {each.source: each for each in people_sources.every(tx)}
        people = {source: (many, on) for source, many, on in person_search.sources(tx)}
        named = [rounds.source_of(each) for each in at.settings.ldap]
    rows: list[dict[str, Any]] = []
    for source in dict.fromkeys([*people, *named, *states]):
        many, enabled = people.get(source, (0, 0))
        state = states.get(source)
        rows.append(
            {
                "source": source,
                "people": many,
                "enabled": enabled,
                "state": "" if state is None else state.state,
                "ended_at": None if state is None else state.ended_at,
                "done_at": None if state is None else state.done_at,
                "due": None if state is None else state.due,
                "counts": {} if state is None else dict(state.counts),
                "remark": "" if state is None else state.remark,
            }
        )
    columns = ("source", "people", "enabled", "state", "done_at", "due", "remark")
    show(rows, as_json=as_json, columns=columns, empty="Nobody yet.")


def _finish(books: Books, plan: Plan, *, apply: bool, confirm: int | None, as_json: bool) -> None:
    if not apply:
        _show(plan, as_json=as_json, applied=None)
        return
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("People", total=plan.steps)
        outcome = rounds.carry_out(
            books,
            by(),
            plan,
            confirmed=confirm,
            progress=lambda so_far, _all: bar.update(task, completed=so_far),
        )
    if isinstance(outcome, Braked):
        _show(plan, as_json=as_json, applied=None)
        number = 0 if plan.brake is None else plan.brake.leaving
        raise Refusal(f"{outcome.why.reason}: --confirm {number}")
    _show(plan, as_json=as_json, applied=outcome)


def _show(plan: Plan, *, as_json: bool, applied: Applied | None) -> None:
    counts = plan.counts()
    if as_json:
        write_json(
            {
                "source": plan.source,
                "applied": applied is not None,
                "counts": counts,
                "brake": None if plan.brake is None else plan.brake.leaving,
                "people": list(_lines(plan)),
                "refused": [_refusal(each) for each in plan.refusals],
                "skipped": [] if applied is None else [_refusal(each) for each in applied.skipped],
            }
        )
        return
    lines = list(_lines(plan))
    if lines:
        show(lines[:_SHOWN], as_json=False, columns=("user", "what", "detail"), empty="")
    if len(lines) > _SHOWN:
        console.print(f"… and {len(lines) - _SHOWN} more; --json has them all.")
    skipped = () if applied is None else applied.skipped
    _refusals("Not taken", plan.refusals)
    _refusals("Left as they are", skipped)
    told = ", ".join(f"{many} {what}" for what, many in counts.items() if many) or "nobody"
    if applied is not None:
        console.print(f"Done: {told}.")
        return
    console.print(f"It would be: {told}. Nothing was changed; --apply does it.")
    if plan.brake is not None:
        console.print(f"The brake: {plan.brake}: --confirm {plan.brake.leaving}.")


def _refusals(title: str, refusals: Sequence[Refusal_]) -> None:
    if not refusals:
        return
    console.print(f"{title}:")
    for each in refusals[:_SHOWN]:
        who = f"{each.where}: " if each.where else ""
        console.print(f"  {who}{each.name or '(no name)'}: {each.why}", markup=False)
    if len(refusals) > _SHOWN:
        console.print(f"  … and {len(refusals) - _SHOWN} more.")


def _lines(plan: Plan) -> Iterator[dict[str, object]]:
    """Yield what becomes of each person."""
    for leaver in plan.disables:
        yield {"user": leaver.name, "what": "disabled", "detail": leaver.display}
    for change in plan.returns:
        yield {"user": change.name, "what": "enabled", "detail": _told(change)}
    for change in plan.changes:
        yield {"user": change.name, "what": "changed", "detail": _told(change)}
    for change in plan.adds:
        yield {"user": change.name, "what": "added", "detail": _told(change)}


def _told(change: Change) -> str:
    """Say what is another; numbers of cards are told by how many only."""
    wanted, before = change.wanted, change.before
    if before is None:
        parts = [wanted.display or "", wanted.department or "", *change.groups]
        return ", ".join(part for part in parts if part)
    said: list[str] = []
    for field in change.fields:
        match field:
            case "name":
                said.append(f"is called {wanted.name}")
            case "display" | "email" | "department":
                said.append(f"{field}: {getattr(before, field)!r} → {getattr(wanted, field)!r}")
            case "groups":
                said.append(f"groups: {', '.join(before.groups)} → {', '.join(change.groups)}")
            case "cards":
                said.append(f"cards: {len(change.cards_new)} more, {len(change.cards_gone)} less")
            case "source":
                said.append(f"of {before.source} until now")
    return "; ".join(said)


def _refusal(each: Refusal_) -> dict[str, str]:
    return {"where": each.where, "user": each.name, "why": each.why}


def _pair(text: str) -> tuple[str, str]:
    column, equals, header = text.partition("=")
    if not equals or not column.strip() or not header.strip():
        raise Refusal(f"{text!r} maps nothing; write it like name=Login")
    return column.strip(), header.strip()
