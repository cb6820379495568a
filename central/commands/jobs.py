"""`job show` and `job find`: one job's whole life, and finding jobs among millions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast
from uuid import UUID

import typer

from central.acts import jobs as acts
from central.commands.audit import moment_of
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    by,
    console,
    desk,
    done,
    money,
    node_id,
    show,
    write_json,
)
from central.explaining import explained
from central.store import job_search, jobs
from central.store.job_life import PRICES, job_life
from central.store.job_search import Which
from config.policy.jobs import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from central.job_answer import Answer
    from central.store.books import Transaction
    from central.store.job_life import ChargeOf, JobLife, Meter
    from central.store.lists import ListedEntry, ListedJob
    from config.policy.money import Unit

commands = typer.Typer(
    no_args_is_help=True, help="Jobs: show one's whole life, find some; clear flags, hide names."
)

_KINDS: Final = {
    "received": "came in",
    "counted": "counted",
    "held": "held",
    "refused": "refused",
    "released": "released",
    "copying": "copying began",
    "printed": "printed",
    "flagged": "flagged",
    "canceled": "canceled",
    "charged": "charged",
    "booked": "booked",
    "refunded": "given back",
    "asked-back": "asked for back",
}
_SERVICES: Final = ("print", "copy")


@commands.command("show")
def show_job(
    job: Annotated[str, typer.Argument(help="job-uuid, or enough of its first digits.")],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one job's whole life: every moment, figure, rule, price, entry and refund."""
    with desk(config) as at, at.books.read() as tx:
        found = job_life(tx, named(tx, job))
    if found is None:
        raise Refusal(f"there is no job {job}; `printmesh central job find` finds them")
    if as_json:
        write_json(told(found))
        return
    console.print(sentence(found.answer), markup=False, highlight=False)
    for title, lines in _sections(found):
        said = list(lines)
        if said:
            console.print(f"\n{title}", style="bold")
        for line in said:
            console.print(f"  {line}", markup=False, highlight=False)


@commands.command("find")
def find_jobs(
    config: Config = None,
    *,
    user: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    node: Annotated[
        list[str] | None, typer.Option(help="Only of this edge; may be given again.")
    ] = None,
    printer: Annotated[str | None, typer.Option(help="Last released at this device.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this IPP job state.")] = None,
    service: Annotated[str | None, typer.Option(help="print, or copy.")] = None,
    since: Annotated[str | None, typer.Option(help="Came in on this day or later, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Came in on this day or earlier, UTC.")] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Somebody should look at it.")] = False,
    refused: Annotated[
        bool, typer.Option("--refused", help="Refused, not released since.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="In the document's name.")] = None,
    cost_from: Annotated[str | None, typer.Option(help="Cost so much or more.")] = None,
    cost_to: Annotated[str | None, typer.Option(help="Cost no more than this.")] = None,
    before: Annotated[int | None, typer.Option(help="Go on below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    sums: Annotated[bool, typer.Option("--totals", help="Also add up all that is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find jobs, newest first; whatever is asked, the answer comes at once, a page at a time."""
    states = [each.value for each in JobState]
    if state is not None and state not in states:
        raise Refusal(f"{state!r} is no job state; one of {', '.join(states)}")
    if service is not None and service not in _SERVICES:
        raise Refusal(f"{service!r} is no service; one of {', '.join(_SERVICES)}")
    with desk(config) as at, at.books.read() as tx:
        unit = tx.identity.currency
        which = Which(
            user=None if user is None else user.lower(),
            nodes=None if node is None else frozenset(map(node_id, node)),
            printer=None if printer is None else node_id(printer),
            state=state,
            service=cast('Literal["print", "copy"] | None', service),
            since=None if since is None else moment_of(since),
            until=None if until is None else moment_of(until, end=True),
            flagged=flagged,
            refused=refused,
            name=name,
            cost_from=None if cost_from is None else amount(cost_from, unit).micros,
            cost_to=None if cost_to is None else amount(cost_to, unit).micros,
        )
        found = job_search.search(tx, which, before=before, limit=limit)
        all_of = job_search.totals(tx, which) if sums else None
    rows = [_row(each) for each in found.jobs]
    if as_json:
        more = {} if all_of is None else {"totals": asdict(all_of)}
        write_json({"jobs": rows, "before": found.before, "whole": found.whole, **more})
        return
    columns = ("job", "node", "user", "name", "state", "printer", "impressions", "cost", "flag")
    show(rows, as_json=False, columns=columns, empty="None here.")
    if all_of is not None:
        which_ones = "In all" if all_of.whole else "Of the newest ones"
        costs = ", ".join(money(micros, each) for each, micros in all_of.cost.items())
        console.print(
            f"{which_ones}: {all_of.jobs} jobs, {all_of.impressions} impressions, "
            f"{costs or 'nothing charged'}."
        )
    if found.before is not None:
        why = "There may be more" if found.whole else "Not looked any further"
        console.print(f"{why}: --before {found.before}", style="yellow")


@commands.command("clear-flag")
def clear_flag(
    job: Annotated[str, typer.Argument(help="job-uuid, or enough of its first digits.")],
    reason: Annotated[str, typer.Option(help="What came of it; kept in the audit.")],
    config: Config = None,
) -> None:
    """Say that a flagged job has been looked at; figures and money stay as they are."""
    with desk(config) as at, at.books.write() as tx:
        found = done(acts.clear_flag(tx, by(), named(tx, job), reason=reason))
    console.print(f"No longer flagged: {found.flag}", markup=False)


@commands.command("hide-name")
def hide_name(
    job: Annotated[str, typer.Argument(help="job-uuid, or enough of its first digits.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    config: Config = None,
) -> None:
    """Take a document's name out of the books, on somebody's wish."""
    with desk(config) as at, at.books.write() as tx:
        done(acts.hide_name(tx, by(), named(tx, job), reason=reason))
    console.print("Its name is kept no more.")


def named(tx: Transaction, text: str) -> UUID:
    """Return the one job whose uuid begins with a text, or refuse."""
    try:
        return UUID(text.removeprefix("urn:uuid:"))
    except ValueError:
        pass
    found = jobs.beginning(tx, text.lower())
    if len(found) == 1:
        return found[0]
    what = "several jobs begin" if found else "no job begins"
    raise Refusal(f"{what} with {text!r}; `printmesh central jobs` lists them")


def sentence(answer: Answer) -> str:  # noqa: PLR0911  one for each kind
    """Say what became of a job."""
    verb, done = ("copied", "copies") if answer.copies else ("printed", "it")
    what = _pages(answer)
    where = f" on {answer.printer}" if answer.printer else ""
    when = f", {answer.at:%F %H:%M %Z}" if answer.at else ""
    paid, back = (", ".join(map(str, sums)) for sums in (answer.paid, answer.given_back))
    why = f" ({answer.reason})" if answer.reason else ""
    match answer.kind:
        case "paid":
            less = f"; {back} were given back" if back else ""
            return f"Paid {paid} for {what}{where}{when}{less}."
        case "given-back":
            return f"All of it was given back: {back} for {what}{where}{when}."
        case "free":
            return f"Cost nothing: {what}{where}{when}."
        case "held":
            return f"Waits for its owner: {what}{when}{why}."
        case "refused":
            return f"Was refused{where}{when}{why}; it waits."
        case "printing":
            return f"Is being {verb}{where}: {what}."
        case "canceled":
            return f"Was canceled{when}{why}; nothing was charged."
        case "not-printed":
            return f"Nothing came of {done}{where}{when}{why}; nothing was charged."


def told(life: JobLife) -> dict[str, Any]:
    """Return a job's life for machines."""
    return {
        **explained(life.told),
        "site": life.site,
        "printer_name": life.printer_name,
        "answer": {"sentence": sentence(life.answer), **_plain(asdict(life.answer))},
        "steps": [_plain(asdict(each)) for each in life.steps],
        "figures": [asdict(each) for each in life.figures],
        "why_chosen": life.why_chosen,
        "rules": [
            {"place": n, "rule": rule.model_dump(mode="json", exclude_defaults=True)}
            for n, rule in (life.decision.rules if life.decision else ())
        ],
        "tariff": None if life.tariff is None else life.tariff.model_dump(mode="json"),
        "charges": [_charge(each) for each in life.charges],
        "held": life.held,
        "came_back": life.came_back,
        "refunded": life.refunded,
        "meters": {"before": _reading(life.before), "after": _reading(life.after)},
        "requests": [_plain(asdict(each)) for each in life.requests],
    }


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _sections(life: JobLife) -> Iterator[tuple[str, Iterable[str]]]:
    yield (
        "What happened",
        (f"{each.at:%F %T} {_KINDS[each.kind]}{_step(each.told)}" for each in life.steps),
    )
    figures = [
        f"{each.source}: {_number(each.impressions, 'impression')}"
        + (f", {each.color} in colour" if each.color is not None else "")
        + (f", {_number(each.sheets, 'sheet')}" if each.sheets is not None else "")
        + (" ← billed" if each.chosen else "")
        for each in life.figures
    ]
    yield "Figures", [*figures, *([f"because {life.why_chosen}"] if life.why_chosen else [])]
    yield "Rules", _rules(life)
    yield "Price", _price(life)
    for charge in life.charges:
        if charge.entry is not None:
            yield f"Entry {charge.entry.n}, {charge.entry.kind}", _postings(charge.entry)
        for back in charge.refunds:
            yield f"Entry {back.n}, refund: {back.note}", _postings(back)
    yield (
        "Meters of the machine",
        (f"{each.read_at:%F %T} {_meters(each)}" for each in (life.before, life.after) if each),
    )
    yield (
        "Asked for back",
        (f"{each.user}: {each.reason} ({each.state}) {each.answer}" for each in life.requests),
    )


def _rules(life: JobLife) -> Iterator[str]:
    decision = life.decision
    if decision is None:
        return
    version = decision.decided.rules_version
    yield f"rules {version}" if version else "no rules"
    for line in decision.decided.because:
        place = next((n for n, rule in decision.rules if rule.name == line.rule), None)
        stands = f' (rule {place or ""} "{line.rule}")' if line.rule else ""
        if line.code not in PRICES:
            yield f"{line.code}: {line.text}{stands}"
    for name, value in decision.decided.conversions:
        yield f"{name} became {value}"


def _price(life: JobLife) -> Iterator[str]:
    if life.decision is not None:
        for line in life.decision.decided.because:
            if line.code in PRICES:
                yield line.text
    elif life.tariff is not None:
        yield f"tariff {life.tariff.version}"
    if life.came_back:
        sums = ", ".join(money(micros, unit) for unit, micros in life.came_back.items())
        yield f"{sums} of what was set aside came back by itself"
    for charge in life.charges:
        for part in charge.paid:
            past = ""
            if part.covered_by == "uncovered":
                past = f", past what was at the site, {money(part.collected or 0, part.unit)} paid"
            yield f"{money(part.micros, part.unit)} of {part.account}{past}"


def _postings(entry: ListedEntry) -> Iterator[str]:
    sums: dict[Unit, int] = {}
    for line in entry.postings:
        sums[line.unit] = sums.get(line.unit, 0) + line.micros
        place = f" at {line.place}" if line.place else ""
        yield f"{money(line.micros, line.unit):>14}  {line.account}{place}"
    yield "  ".join(f"{money(micros, unit):>14}  in all" for unit, micros in sums.items())


def _step(told: Mapping[str, Any]) -> str:
    named = ("by", "printer", "reason", "disposition", "detail", "cause")
    parts = [str(told[name]) for name in named if told.get(name)]
    if told.get("impressions") is not None:
        parts.append(_number(told["impressions"], "impression"))
    for name in ("paid", "given_back"):
        parts += [money(micros, unit) for unit, micros in told.get(name, {}).items()]
    return f": {', '.join(parts)}" if parts else ""


def _meters(meter: Meter) -> str:
    return ", ".join(f"{each['name']} {each['value']}" for each in meter.meters)


def _pages(answer: Answer) -> str:
    if answer.pages is None:
        return "pages nobody has counted"
    parts = [_number(answer.pages, "page")]
    if answer.color:
        parts.append(f"{answer.color} in colour")
    if answer.two_sided:
        parts.append("two-sided")
    return ", ".join(parts)


def _number(number: int | None, noun: str) -> str:
    return f"{'?' if number is None else number} {noun}{'' if number == 1 else 's'}"


def _row(each: ListedJob) -> dict[str, Any]:
    job = each.job
    sums: dict[str, int] = {}
    for part in each.paid:
        sums[part["unit"]] = sums.get(part["unit"], 0) + part["micros"]
    return {
        "n": each.n,
        "job": str(job.job),
        "node": job.node,
        "user": job.user,
        "queue": job.queue,
        "service": job.service,
        "name": job.name,
        "state": job.state,
        "printer": job.printer,
        "impressions": job.impressions,
        "paid": list(each.paid),
        "cost": ", ".join(money(micros, unit) for unit, micros in sums.items()),
        "detail": job.detail,
        "refused": job.refused,
        "flag": job.flag,
        "received_at": job.received_at,
        "updated_at": each.updated_at,
    }


def _charge(each: ChargeOf) -> dict[str, Any]:
    return {
        "charge": str(each.charge),
        "attempt": each.attempt,
        "printer": each.printer,
        "settled_at": each.settled_at,
        "counted": each.counted.model_dump(mode="json"),
        "tariff_version": each.tariff_version,
        "paid": [asdict(part) for part in each.paid],
        "printed_above": each.printed_above,
        "alone": each.alone,
        "entry": None if each.entry is None else _plain(asdict(each.entry)),
        "refunds": [_plain(asdict(back)) for back in each.refunds],
    }


def _reading(meter: Meter | None) -> dict[str, Any] | None:
    return None if meter is None else _plain(asdict(meter))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its ids as texts; moments are written by whoever writes the whole."""
    return {key: str(value) if isinstance(value, UUID) else value for key, value in row.items()}
