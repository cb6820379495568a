"""How a command of Printmesh is run and how it fails: one line in words, one table of statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable

#: 1 failed; 2, a wrong command line, is typer's own.
FAILED: Final = 1

LogLevel = Annotated[str, typer.Option(help="debug, info, warning or error.")]


def played(app: Callable[..., Any], arguments: list[str], program: str) -> int:
    """Run one subcommand; return its exit status: 1 failed, 2 a wrong command line, or its own.

    What a person can act on is said in one line on standard error, as it is: it may hold brackets
    that look like markup. What nobody planned is raised.

    Args:
        app: the typer application.
        arguments: the words after the program.
        program: as it was typed, for usage and errors: `printmesh edge`.
    """
    try:
        app(args=arguments, prog_name=program)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except PrintmeshError as error:
        from rich.console import Console  # noqa: PLC0415  only who fails waits for it

        said = Console(stderr=True, highlight=False)
        said.print(f"{program}: {error}", style="red", markup=False, soft_wrap=True)
        return FAILED
    return 0
