"""`printmesh edge …`: run the site's node, and ask it things over its own broker."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import UUID

import typer

from config.command_line import LogLevel, played
from edge.discover_cli import discover
from edge.popup_cli import popup
from edge.showing import amounts_of, console, counted, errors, explain, listed, remarks

if TYPE_CHECKING:
    from broker.messages import Reply, Request

DEFAULT_CONFIG = Path("edge.toml")
app = typer.Typer(
    help="The site: run the edge node, see its jobs, release and cancel them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(popup)
app.command()(discover)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="Settings of this edge.", envvar="PRINTMESH_CONFIG")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
Job = Annotated[str, typer.Argument(help="job-uuid, or as many of its first digits as are unique.")]
User = Annotated[str | None, typer.Option("--user", help="The person, by user name.")]
Card = Annotated[str | None, typer.Option("--card", help="The person, by card number.")]


def main(arguments: list[str]) -> int:
    """Run one subcommand; return its exit status: 1 failed, 2 a wrong command line, 3 refused."""
    return played(app, arguments, "printmesh edge")


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    *,
    log_level: LogLevel = "info",
) -> None:
    """Run this site's node until SIGTERM or SIGINT."""
    gc.disable()  # a tenth of the start went into looking for garbage where there is none
    from config import logs  # noqa: PLC0415  the other subcommands do not log
    from config.settings import EdgeSettings, load  # noqa: PLC0415  keeps --help fast
    from edge.process import run as run_edge  # noqa: PLC0415  heavy, and only here

    if log_level not in logs.LEVELS:
        _wrong(f"{log_level!r} is no level; one of {', '.join(logs.LEVELS)}")
    settings = load(EdgeSettings, config)
    logs.configure("edge", log_level)
    asyncio.run(run_edge(settings))


@app.command("set-up")
def set_up(
    *,
    server_root: Annotated[Path, typer.Option(help="Where cupsd.conf is.")] = Path("/etc/cups"),
    server_bin: Annotated[Path, typer.Option(help="Where CUPS has its programs.")] = Path(
        "/usr/lib/cups"
    ),
    user: Annotated[str | None, typer.Option(help="Who runs the edge; you, if not given.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without, only say what would be done.")
    ] = False,
) -> None:
    """Prepare this machine's CUPS for an edge: programs, directives, policies; shown first."""
    from getpass import getuser  # noqa: PLC0415  only here

    from edge.printing.installation import Advice, carry_out, plan  # noqa: PLC0415

    steps = plan(server_root, server_bin, user or getuser())
    if not steps:
        console().print("This CUPS is ready for an edge; `printmesh edge run` makes the queues.")
        return
    for step in steps:
        console().print(f"• {step}", markup=False, soft_wrap=True)
    if not apply:
        console().print("Nothing was changed; `--apply` does it.")
        return
    carry_out(steps)
    by_hand = any(isinstance(step, Advice) for step in steps)
    more = " What is left is said above." if by_hand else ""
    console().print(f"Done. Restart CUPS now (systemctl restart cups).{more}", soft_wrap=True)


@app.command()
def jobs(
    config: Config = DEFAULT_CONFIG,
    *,
    user: User = None,
    card: Card = None,
    everything: Annotated[bool, typer.Option("--all", help="Also jobs that are done.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the jobs that wait here."""
    from broker.messages import JobsRequest  # noqa: PLC0415  keeps --help fast

    rows: list[dict[str, Any]] = []
    after: UUID | None = None
    while True:
        reply = _ask(
            config,
            "jobs",
            JobsRequest,
            person=_person(user, card, needed=False),
            held_only=not everything,
            after=after,
        )
        rows += reply.data["jobs"]
        if not reply.data["more"]:
            break
        after = UUID(rows[-1]["job"])
    if as_json:
        _write(rows)
        return
    if not rows:
        console().print("No jobs wait here. Print to a queue of this site, and they show up.")
        return
    console().print(listed(rows))
    for row in rows:
        for text in remarks(row):
            console().print(f"{row['job'][:8]} {text}", markup=False, soft_wrap=True)


@app.command()
def release(
    job: Job,
    printer: Annotated[str, typer.Option("--printer", "-p", help="Device id of the printer.")],
    config: Config = DEFAULT_CONFIG,
    *,
    user: User = None,
    card: Card = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Say yes to what the rules ask, if they do.")
    ] = False,
    account: Annotated[
        str | None,
        typer.Option("--account", help="Charge this one of the person's choices instead."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a held job at a printer of this site; exit status 3 when it is refused.

    Where the rules ask the person something, it stays held and the question is shown: the same
    with --yes releases it.
    """
    from broker.messages import ReleaseRequest  # noqa: PLC0415  keeps --help fast

    reply = _ask(
        config,
        "release",
        ReleaseRequest,
        job=_job(config, job, user, card),
        printer=printer,
        person=_person(user, card, needed=True),
        confirmed=yes,
        account=_account(account),
    )
    if as_json:
        _write(reply.data)
        return
    row = reply.data["job"]
    instead = f" instead of {printer}" if row["printer"] != printer else ""
    console().print(
        f"Released {row['name']!r} at {row['printer']}{instead}: "
        f"{counted(row['impressions'], 'impression')}, "
        f"{amounts_of(row['held'] or row['charged']) or 'free'}.",
        markup=False,
        soft_wrap=True,
    )
    explain(reply.data.get("because", []), console())


@app.command()
def cancel(
    job: Job,
    config: Config = DEFAULT_CONFIG,
    *,
    user: User = None,
    card: Card = None,
    printing: Annotated[
        bool, typer.Option("--printing", help="Also one that prints, or is stuck at its printer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Throw a held job away; without --user or --card, as the site's operator.

    One that prints is stopped: what came out is paid, the rest waits again where that is known.
    """
    from broker.messages import CancelRequest  # noqa: PLC0415  keeps --help fast

    reply = _ask(
        config,
        "cancel",
        CancelRequest,
        job=_job(config, job, user, card),
        person=_person(user, card, needed=False),
        printing=printing,
    )
    if as_json:
        _write(reply.data)
        return
    row = reply.data["job"]
    text = f"Canceled {row['name']!r}; nothing was charged."
    if row["phase"] == "releasing":
        text = f"{row['name']!r} is being stopped at {row['printer']}; what came out is paid."
    console().print(text, markup=False, soft_wrap=True)


@app.command()
def redeem(
    user: Annotated[str, typer.Argument(help="Who stands here, by user name.")],
    code: Annotated[str, typer.Argument(help="20 digits, as shown; - reads them from the input.")],
    config: Config = DEFAULT_CONFIG,
    *,
    account: Annotated[
        str | None, typer.Option("--account", help="Which of their accounts; all, if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take a courier code for a person, with or without a line; exit status 3 when refused."""
    from broker.messages import RedeemAnswer, RedeemRequest  # noqa: PLC0415  keeps --help fast
    from config.policy.courier import NotACode, read  # noqa: PLC0415
    from config.policy.money import Money  # noqa: PLC0415

    digits = typer.get_text_stream("stdin").readline().strip() if code == "-" else code
    if isinstance(wrong := read(digits), NotACode):
        _wrong(wrong.reason)
    fields = {"code": digits, "person": {"user": user}, "account": _account(account)}
    reply = _ask(config, "redeem", RedeemRequest, **fields)
    if as_json:
        _write(reply.data)
        return
    told = RedeemAnswer.model_validate(reply.data)
    done = "had been credited already" if told.before else "credited"
    console().print(
        f"{Money(told.micros, told.unit)} {done} to {told.account}; "
        f"{Money(told.free, told.unit)} may be spent here now.",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def status(config: Config = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Say how this edge is: link, backlog, jobs, money."""
    from broker.messages import StatusRequest  # noqa: PLC0415  keeps --help fast
    from config.policy.money import Money  # noqa: PLC0415
    from edge.status_lines import status_lines  # noqa: PLC0415

    data = _ask(config, "status", StatusRequest).data
    if as_json:
        _write(data)
        return
    since = datetime.fromisoformat(data["since"]).astimezone().strftime("%H:%M on %d %b")
    link = (
        f"linked since {since}"
        if data["linked"]
        else f"working alone since {since}, {data['waiting']} events waiting"
    )
    text = f"{data['site']} ({data['node']}, {data['role']}): {link}"
    console().print(text, markup=False, soft_wrap=True)
    for phase, count in data["jobs"].items():
        console().print(f"  {phase}: {counted(count, 'job')}")
    for unit, micros in data["money"].items():
        spread = f"on {counted(data['accounts'], 'account')}"
        console().print(f"  {Money(micros, unit)} may be spent here, {spread}")
    for line in status_lines(data):
        console().print(f"  {line}", markup=False, soft_wrap=True)


@app.command()
def verify(config: Config = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Re-fold the journal and check it: checksums, hash chains, tables, holds. Reads only."""
    from config.settings import EdgeSettings, load  # noqa: PLC0415  keeps --help fast
    from edge.checkup import verified  # noqa: PLC0415

    data = load(EdgeSettings, config).data
    if not (data / "journal").is_dir():
        _wrong(f"there is no journal in {data}; `printmesh edge run` makes it when it first starts")
    found = verified(data)
    if as_json:
        _write(found)
    else:
        console().print(
            f"{found['records']} records, {found['events']} events, "
            f"{sum(found['rows'].values())} rows: "
            + ("all as acknowledged" if found["holds"] else "NOT as acknowledged")
        )
        for problem in found["problems"]:
            errors().print(f"  {problem}", style="red", markup=False, soft_wrap=True)
    if not found["holds"]:
        raise typer.Exit(1)


def _ask(config: Path, method: str, model: type[Request], **fields: Any) -> Reply:  # noqa: ANN401
    """Put one question to the running edge.

    Raises:
        PrintmeshError: it does not run or does not answer.
        typer.Exit: with 3, after saying why it refused.
    """
    from config import logs  # noqa: PLC0415  keeps --help fast
    from config.settings import EdgeSettings, load  # noqa: PLC0415
    from edge.asking import ask  # noqa: PLC0415

    logs.configure("edge", "error")  # the answer is what people came for, and JSON stays JSON
    reply = asyncio.run(ask(load(EdgeSettings, config), method, model, fields))
    if reply.status != "ok":
        problem = reply.problem
        detail = problem.detail if problem else "no reason given"
        code = problem.code if problem else reply.status
        text = f"{reply.status}: {detail} ({code})"
        errors().print(text, style="yellow", markup=False, soft_wrap=True)
        explain(reply.data.get("because", []), errors())
        if reply.data.get("question"):
            errors().print("Nothing was charged; the same with --yes releases it.", markup=False)
        raise typer.Exit(3)
    return reply


def _account(text: str | None) -> str | None:
    from config.ids import ACCOUNT_KEY_PATTERN  # noqa: PLC0415  keeps --help fast

    if text is not None and not re.fullmatch(ACCOUNT_KEY_PATTERN, text):
        _wrong(f"{text!r} is no account; write it like user:ana or department:physics")
    return text


def _person(user: str | None, card: str | None, *, needed: bool) -> dict[str, str] | None:
    if user and card:
        _wrong("give --user or --card, not both")
    if user or card:
        return {"user": user} if user else {"card": card or ""}
    if needed:
        _wrong("say who releases it: --user NAME or --card NUMBER")
    return None


def _job(config: Path, text: str, user: str | None, card: str | None) -> UUID:
    """Read a job-uuid, or find the one whose id begins so."""
    from broker.messages import JobsRequest  # noqa: PLC0415  keeps --help fast

    try:
        return UUID(text)
    except ValueError:
        pass
    person = _person(user, card, needed=False)
    reply = _ask(config, "jobs", JobsRequest, person=person, held_only=True)
    found = [row["job"] for row in reply.data["jobs"] if row["job"].startswith(text.lower())]
    if len(found) == 1:
        return UUID(found[0])
    whose = f" of {user}" if user else " of this card" if card else ""
    what = f"{len(found)} waiting jobs{whose} begin" if found else f"no waiting job{whose} begins"
    return _wrong(f"{what} with {text!r}; `printmesh edge jobs` lists them")


def _wrong(what: str) -> NoReturn:
    errors().print(f"printmesh edge: {what}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(2)


def _write(what: object) -> None:
    console().print_json(json.dumps(what))
