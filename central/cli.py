"""`printmesh central …`: the commands around the books, and the coordinator's process itself."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import TYPE_CHECKING, Final

import typer

from central.commands import (
    account_ends,
    accounts,
    balances,
    begin,
    books,
    cards,
    codes,
    corrections,
    fleet,
    grants,
    members,
    people,
    pins,
    recovery,
    rules,
    safety,
    terms,
    things,
    trouble,
)
from central.commands.desk import Config, Refusal, settings_of
from config import logs
from config.command_line import LogLevel, played
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from central.app import Running
    from config.settings import CentralSettings

#: Objects made and not let go of before garbage is looked for: more than some rounds leave behind.
_YOUNG: Final = 50_000

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The books: the coordinator, people, money, tariffs, the fleet.",
)
app.command("init")(begin.init)
app.add_typer(people.users, name="user")
app.add_typer(cards.commands, name="card")
app.add_typer(pins.pin_commands, name="pin")
app.add_typer(pins.password_commands, name="password")
# -1 is an amount here, to be refused as one, and no option
app.command("correct", context_settings={"ignore_unknown_options": True})(corrections.correct)
app.command("refund")(corrections.refund)
app.command("entries")(corrections.entries)
accounts.commands.command("freeze")(account_ends.freeze)
accounts.commands.command("unfreeze")(account_ends.unfreeze)
accounts.commands.command("close")(account_ends.close)
accounts.commands.command("merge")(account_ends.merge)
accounts.commands.add_typer(members.commands, name="member")
app.add_typer(accounts.commands, name="account")
app.add_typer(grants.commands, name="grant")
app.command("topup", context_settings={"ignore_unknown_options": True})(people.topup)
app.command("code", context_settings={"ignore_unknown_options": True})(codes.code)
app.command("codes")(codes.list_codes)
app.add_typer(things.tariffs, name="tariff")
app.add_typer(rules.commands, name="rule")
app.add_typer(fleet.fleet, name="node")
app.add_typer(things.printers, name="printer")
app.add_typer(things.api_tokens, name="token")
app.command("role")(terms.role)
app.command("exposure")(terms.exposure)
app.command("migrate")(books.migrate)
app.command("balance")(balances.balance)
app.command("jobs")(books.jobs)
app.command("verify")(books.verify_books)
app.command("backup")(safety.backup)
app.command("restore")(safety.restore)
app.add_typer(safety.second_log, name="second-log")
app.add_typer(recovery.app, name="recovery")
app.add_typer(trouble.fork, name="fork")
app.command("write-off")(trouble.write_off)
app.add_typer(trouble.aside, name="quarantine")


def main(arguments: list[str]) -> int:
    """Run one subcommand; return its exit status: 1 refused or failed, 2 a wrong command line."""
    return played(app, arguments, "printmesh central")


@app.command()
def run(
    config: Config = None,
    *,
    log_level: LogLevel = "info",
) -> None:
    """Run the coordinator until SIGTERM or SIGINT."""
    if log_level not in logs.LEVELS:
        raise Refusal(f"{log_level!r} is no level; one of {', '.join(logs.LEVELS)}")
    settings = settings_of(config)
    logs.configure("central", log_level)
    asyncio.run(_run(settings))


async def _run(settings: CentralSettings) -> None:
    from central.app import serve  # noqa: PLC0415  the other commands do not need the wire

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await serve(settings, stop, _announce)
    except ExceptionGroup as group:
        # what a person can act on is said in one line; the rest is a fault and shows itself
        ours, others = group.split(PrintmeshError)
        if ours is not None and others is None:
            raise PrintmeshError("; ".join(map(str, ours.exceptions))) from group
        raise


def _announce(running: Running) -> None:
    # what stands now stays; looking through it again and again took a tenth of a busy process,
    # and looking through each round's events six times over another thirtieth
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
    where = f"online {running.node}"
    if running.broker_port is not None:
        where += f" broker=127.0.0.1:{running.broker_port}"
    if running.api_port is not None:
        where += f" api=127.0.0.1:{running.api_port}"
    sys.stdout.write(where + "\n")
    sys.stdout.flush()
