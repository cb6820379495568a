"""`printmesh chaos`: strikes a whole fleet with faults; exits 0 only if every promise held."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from config.command_line import played

if TYPE_CHECKING:
    from demo.chaos.run import Order, Outcome

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
_ROLES = ("remote", "remote", "agent", "tracker")


def main(arguments: list[str]) -> int:
    """Play one run: 0 if all that was promised held, 1 if not, 2 for a wrong command line."""
    return played(app, arguments, "printmesh chaos")


@app.command()
def chaos(
    *,
    seed: Annotated[int | None, typer.Option(help="Play this schedule; else one is drawn.")] = None,
    faults: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=1440, help="Spread over so much time.")
    ] = 3,
    every: Annotated[
        float, typer.Option(min=0.05, help="Seconds from one job to the next, on average.")
    ] = 1.0,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Of one site; once for each. remote, remote, agent, tracker if unsaid."),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only faults whose name contains this; may repeat.")
    ] = None,
    rollbacks: Annotated[
        bool, typer.Option(help="At the end, roll a disk back: outside the failure model.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the files in any case.")] = False,
) -> None:
    """Strike a fleet of real processes with faults, then compare paper, journals and books.

    A centre, sites of every role with their edges, print systems and virtual printers, and lines
    that fail. The seed decides which faults come, where and when; how the processes take it,
    nothing decides, so a run is repeated in its faults and not to the letter.
    """
    from demo.chaos.kinds import Kind  # noqa: PLC0415  keeps --help fast
    from demo.chaos.run import Order  # noqa: PLC0415

    kinds = [each for each in Kind if not kind or any(word in each.value for word in kind)]
    roles = tuple(role or _ROLES)
    if not kinds or not set(roles) <= {"remote", "agent", "tracker"} or len(roles) > 8:  # noqa: PLR2004
        names = ", ".join(Kind)
        errors.print(f"printmesh chaos: up to 8 roles; faults are: {names}", soft_wrap=True)
        raise typer.Exit(2)
    order = Order(
        seed=secrets.randbits(32) if seed is None else seed,
        faults=faults,
        seconds=minutes * 60,
        roles=roles,
        every=every,
        kinds=kinds,
        rollbacks=rollbacks,
    )
    try:
        status = asyncio.run(_play(order, as_json=as_json, keep=keep))
    except asyncio.CancelledError:
        status = 1  # somebody ended us; all that ran was ended too
    raise typer.Exit(status)


async def _play(order: Order, *, as_json: bool, keep: bool) -> int:
    from config import logs  # noqa: PLC0415
    from demo.chaos.run import Run  # noqa: PLC0415
    from demo.chaos.show import Line, show  # noqa: PLC0415

    logs.configure("chaos", "error")
    ourselves = asyncio.current_task()
    if ourselves is not None:  # a mounted disk has to be taken away, whoever ends us
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ourselves.cancel)
    root = Path(tempfile.mkdtemp(prefix="pm-"))
    holds = False
    with Line(errors) as line:
        run = Run(order, root, line.tell)
        try:
            outcome = await run.play()
            holds = outcome.holds
        finally:
            if holds and not keep:
                shutil.rmtree(root, ignore_errors=True)
            else:
                errors.print(f"Seed {order.seed}. Files: {root}", soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(outcome.figures(), indent=2) + "\n")
    else:
        show(outcome, console)
    if not outcome.holds:
        errors.print(f"Something does not hold. Again: {_again(outcome)}", soft_wrap=True)
    return 0 if outcome.holds else 1


def _again(outcome: Outcome) -> str:
    order = outcome.order
    words = [f"printmesh chaos --seed {order.seed} --faults {order.faults}"]
    words += [f"--minutes {order.seconds / 60:g} --every {order.every:g}"]
    if order.roles != _ROLES:
        words += [f"--role {role}" for role in order.roles]
    return " ".join(words)
