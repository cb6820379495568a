"""The front door: one command `printmesh`, whose subcommands are loaded on use."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: subcommand → (module with a `main(arguments) -> int`, one line of help)
SUBCOMMANDS = {
    "demo": ("demo.cli", "play one story on a whole fleet on this machine"),
    "chaos": ("demo.chaos.cli", "strike a whole fleet with faults, then count what came of it"),
    "central": ("central.cli", "the books: run the coordinator, people, money, tariffs, nodes"),
    "edge": ("edge.cli", "the site: run the edge node, jobs, release, status"),
    "terminal": ("terminal_bridge.cli", "what people touch: panels, card readers, copiers"),
    "popup": ("terminal_bridge.popup.cli", "your own window: jobs, balance, questions of rules"),
    "watch": ("broker.dashboard.cli", "the fleet live in a terminal, or once as JSON"),
    "broker": ("broker.cli", "the wire: run the embedded broker, export, AsyncAPI document"),
    "doctor": ("demo.doctor", "say what this machine lacks and how to get it"),
}


def usage() -> str:
    """Return the text of `printmesh --help`."""
    width = max(map(len, SUBCOMMANDS))
    lines = [f"  {name:<{width}}  {help_}" for name, (_, help_) in SUBCOMMANDS.items()]
    return "\n".join(
        [
            "usage: printmesh COMMAND …",
            "",
            "Print management that keeps working when the network does not.",
            "",
            *lines,
            "",
            "`printmesh COMMAND --help` says more; `printmesh --version` says which this is.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; return its exit status (2 for a wrong command line)."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in {"-h", "--help", "help"}:
        sys.stdout.write(usage() + "\n")
        return 0 if words else 2
    if words[0] == "--version":
        from importlib.metadata import version  # noqa: PLC0415  only here, and it is slow

        sys.stdout.write(f"printmesh {version('printmesh')}\n")
        return 0
    if words[0] not in SUBCOMMANDS:
        sys.stderr.write(f"printmesh: there is no command {words[0]!r}\n\n{usage()}\n")
        return 2
    # no plugin of pydantic's may see what is said here, PINs among it; to look for some, it would
    # read the metadata of all that is installed, at every start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    module, _ = SUBCOMMANDS[words[0]]
    run: Callable[[list[str]], int] = import_module(module).main
    return run(words[1:])


if __name__ == "__main__":
    raise SystemExit(main())
