"""`rule`: what may be printed how, where and at whose cost; and why a job cost what it cost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.acts import rules as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    desk,
    done,
    errors,
    show,
    write_json,
)
from central.commands.jobs import named
from central.explaining import Told, explain, explained
from central.rehearsal import Described
from central.store import jobs, lists
from central.store import rules as store
from config.policy.rules import RuleSet, UnreadableRules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from central.acts.rules import Changed
    from central.rehearsal import Difference
    from central.store.books import Transaction
    from config.policy.rules import Rule
    from config.policy.rules_text import Fault

commands = typer.Typer(
    no_args_is_help=True, help="What may be printed how: check, try, set, show, history, explain."
)

File = Annotated[Path, typer.Argument(help="TOML with [[rules]], or JSON as `show --json` has it.")]


@commands.command("check")
def check_rules(file: File, config: Config = None) -> None:
    """Say everything that is wrong with a file of rules; nothing is changed."""
    with desk(config) as at, at.books.read() as tx:
        rules = _read(tx, file)
    console.print(f"{_count(len(rules.rules), 'rule')}, nothing wrong.")


@commands.command("set")
def set_rules(
    file: File,
    config: Config = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what they would have changed.")
    ] = False,
    last: Annotated[
        int, typer.Option("--jobs", help="For so many of the last jobs.", min=1, max=100_000)
    ] = 200,
    why: Annotated[str, typer.Option("--note", help="Why; kept with the rules.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put rules in force at every site, in place of those there are."""
    with desk(config) as at:
        if dry_run:
            with at.books.read() as tx:
                rules = _read(tx, file)
                found = acts.try_past(tx, rules, last)
            _differences(found, last, as_json=as_json)
            return
        with at.books.write() as tx:
            entered = done(acts.put_in_force(tx, by(), _read(tx, file), why=why))
    rules, same = entered.rules, not entered.new
    if entered.deaf:
        names = ", ".join(entered.deaf)
        text = f"warning: {names} must be updated first: older versions know no rules"
        errors.print(text, style="yellow", markup=False, highlight=False)
    if as_json:
        write_json({"version": rules.version, "new": not same})
    elif same:
        console.print("These are in force already; nothing was changed.")
    else:
        console.print(
            f"Rules {rules.version} are in force: {_count(len(rules.rules), 'rule')}. "
            "Each site follows when it hears of them."
        )


@commands.command("show")
def show_rules(
    config: Config = None,
    *,
    version: Annotated[int | None, typer.Option(help="An older version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rules in force, or those of a version, in the order they are applied."""
    with desk(config) as at, at.books.read() as tx:
        rules = store.in_force(tx) if version is None else _of(tx, version)
    if isinstance(rules, UnreadableRules):
        raise Refusal(f"these rules are of a newer program and cannot be read: {rules.detail}")
    if as_json:
        write_json({} if rules is None else rules.model_dump(mode="json", exclude_defaults=True))
        return
    rows = [_row(number, rule) for number, rule in enumerate(rules.rules if rules else (), 1)]
    if rules is not None:
        console.print(f"Rules {rules.version}:")
    empty = "No rules: everything is printed as asked. `printmesh central rule set FILE`"
    show(rows, as_json=False, columns=("no", "rule", "when", "then"), empty=empty)


@commands.command("history")
def show_history(config: Config = None, *, as_json: AsJson = False) -> None:
    """List every set of rules there was, the newest last."""
    with desk(config) as at, at.books.read() as tx:
        found = acts.history(tx)
    rows: list[dict[str, Any]] = [
        {
            "version": each.kept.version,
            "from": each.kept.at,
            "by": each.kept.author,
            "rules": len(each.kept.rules.rules) if isinstance(each.kept.rules, RuleSet) else None,
            "note": each.kept.note,
            "changed": [_change(one) for one in each.changed],
            "reordered": each.reordered,
        }
        for each in found
    ]
    if not as_json:
        for row in rows:
            words = [f"{one['name']} {one['what']}" for one in row["changed"]]
            row["changed"] = [*words, *(["reordered"] if row["reordered"] else [])]
    columns = ("version", "from", "by", "rules", "changed", "note")
    show(rows, as_json=as_json, columns=columns, empty="There were never any rules.")


@commands.command("explain")
def explain_job(
    job: Annotated[str, typer.Argument(help="job-uuid, or enough of its first digits.")],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say line by line why a job cost what it cost, or was refused."""
    with desk(config) as at, at.books.read() as tx:
        told = _told(tx, named(tx, job))
    if as_json:
        write_json(explained(told))
        return
    for line in explain(told):
        console.print(line, markup=False, highlight=False)


@commands.command("try")
def try_rules(
    config: Config = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="Other rules than those in force.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="A past job, by its first digits.")] = None,
    user: Annotated[str, typer.Option(help="Whose job, if none of the past.")] = "",
    printer: Annotated[str, typer.Option(help="Where: a device id.")] = "",
    pages: Annotated[int, typer.Option(min=1, help="Of the document.")] = 1,
    color: Annotated[int, typer.Option(min=0, help="Of these, in colour.")] = 0,
    copies: Annotated[int, typer.Option(min=1)] = 1,
    two_sided: Annotated[bool, typer.Option("--two-sided")] = False,
    name: Annotated[str, typer.Option(help="Of the document.")] = "",
    media: Annotated[str | None, typer.Option(help="Such as iso_a4.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what rules do to a past job, or to one that you describe; nothing is changed."""
    with desk(config) as at, at.books.read() as tx:
        if file is not None:
            rules: RuleSet | None = _read(tx, file)
        else:
            kept = store.in_force(tx)
            rules = kept if isinstance(kept, RuleSet) else None
        if job is not None:
            trial = done(acts.try_job(tx, rules, named(tx, job)))
        else:
            described = Described(
                user=user.lower(),
                groups=acts.groups_of(tx, user),
                printer=printer,
                pages=pages,
                color_pages=color,
                copies=copies,
                two_sided=two_sided,
                name=name,
                media=media,
                at=tx.now,
            )
            trial = done(acts.try_described(tx, rules, described))
    if as_json:
        write_json(asdict(trial))
        return
    for line in trial.lines:
        console.print(f"  {line}", markup=False, highlight=False)
    if trial.refused is not None:
        console.print(f"Refused: {trial.refused}", markup=False)
        return
    asks = f", after asking: {'; '.join(trial.questions)}" if trial.questions else ""
    pays = f", {trial.charge} pays" if trial.charge else ""
    cost = trial.price or "no price"
    console.print(f"Printed at {trial.printer} for {cost}{pays}{asks}.", markup=False)


def _read(tx: Transaction, file: Path) -> RuleSet:
    """Read and check a file; warnings are said.

    Raises:
        Refusal: something is wrong with it, all of it named.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refusal(f"{file} cannot be read: it is not text") from error
    checked = acts.read(tx, text, "json" if file.suffix == ".json" else "toml")
    if checked.rules is None:
        raise _refusal(file, [fault for fault in checked.faults if fault.refuses])
    for fault in checked.faults:
        errors.print(f"warning: {fault}", style="yellow", markup=False, highlight=False)
    return checked.rules


def _refusal(file: Path, faults: Iterable[Fault]) -> Refusal:
    return Refusal(
        "\n  ".join([f"{file} cannot be used, and nothing was changed:", *map(str, faults)])
    )


def _of(tx: Transaction, version: int) -> RuleSet | UnreadableRules:
    found = store.kept(tx, version)
    if found is None:
        raise Refusal(f"there are no rules {version}; `printmesh central rule history` lists them")
    return found.rules


def _row(number: int, rule: Rule) -> dict[str, Any]:
    return {
        "no": number,
        "rule": rule.name if rule.enabled else f"{rule.name} (off)",
        "when": _compact(rule.when.model_dump(mode="json", exclude_defaults=True)) or "always",
        "then": _compact(rule.then.model_dump(mode="json", exclude_defaults=True)),
    }


def _change(one: Changed) -> dict[str, Any]:
    what = "added" if one.before is None else "removed" if one.after is None else "changed"
    return {
        "name": one.name,
        "what": what,
        "before": None if one.before is None else _dumped(one.before),
        "after": None if one.after is None else _dumped(one.after),
    }


def _dumped(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(mode="json", exclude_defaults=True)


def _compact(table: dict[str, Any]) -> str:
    """Write conditions or actions in one line."""
    words = {True: "{}", False: "no {}"}
    return ", ".join(
        words[value].format(name) if isinstance(value, bool) else f"{name} {_plain(value)}"
        for name, value in table.items()
    )


def _plain(value: object) -> str:
    match value:
        case dict():
            return " ".join(f"{name} {_plain(each)}" for name, each in value.items())
        case list():
            return " or ".join(map(_plain, value))
        case _:
            return str(value)


def _differences(found: list[Difference], last: int, *, as_json: bool) -> None:
    rows = [
        {
            "job": str(each.job.job),
            "user": each.job.user,
            "name": each.job.name,
            "now": each.before,
            "then": each.after,
        }
        for each in found
    ]
    empty = f"Of the last {_count(last, 'job')} none would have been treated otherwise."
    columns = ("job", "user", "name", "now", "then")
    show(rows, as_json=as_json, columns=columns, empty=empty)
    if rows and not as_json:
        console.print(
            f"{_count(len(rows), 'job')} of the last {last} would have been treated otherwise. "
            "Judged by what the books have: today's groups, balances and tariff, one copy, "
            "no paper size, no document format, hours in UTC. Nothing was changed."
        )


def _told(tx: Transaction, id_: UUID) -> Told:
    listed = lists.job(tx, id_)
    if listed is None:
        raise Refusal(f"there is no job {id_}; `printmesh central jobs` lists them")
    found = jobs.decision_of(tx, id_)
    if found is None:
        return Told(listed.job, listed.paid, None)
    decided, _ = found
    rules = store.kept(tx, decided.rules_version)
    return Told(
        listed.job,
        listed.paid,
        decided,
        rules_at=rules.at if rules else None,
        rules_by=rules.author if rules else "",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
