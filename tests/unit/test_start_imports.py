"""What a process imports before it does anything: everybody waits for it, at every start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What makes documents, pages and tables, and what a process of another kind is made of.
HEAVY = {
    "PIL", "alembic", "argon2", "demo", "fastapi", "jinja2", "pikepdf", "pypdfium2",
    "rich", "segno", "sqlalchemy", "starlette", "uvicorn", "yaml.loader",
}  # fmt: skip
#: The program → what it is made of that runs → what it must not have imported by then.
STARTS = {
    "edge": ("edge.cli, edge.app, config.settings", HEAVY | {"central", "terminal_bridge"}),
    "terminal": (
        "terminal_bridge.cli, terminal_bridge.app, config.settings_terminal",
        HEAVY | {"amqtt", "central", "edge", "gpiozero", "tinydb", "smartcard"},
    ),
    "broker": ("broker.cli, broker.server, config.settings", HEAVY | {"central", "edge"}),
    "central": (
        "central.cli, config.settings",
        HEAVY - {"rich"} | {"amqtt", "broker", "edge", "terminal_bridge"},  # it shows tables
    ),
    "front door": ("printmesh", HEAVY | {"asyncio", "pydantic", "typer"}),
}


def imported(what: str) -> set[str]:
    """Return the names of all modules that are there after an import, in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", f"import {what}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize("program", STARTS)
def test_a_start_waits_for_nothing_that_it_does_not_need(program: str) -> None:
    """What only some commands, documents or people need is imported when it is needed."""
    what, heavy = STARTS[program]
    assert imported(what) & heavy == set()


def test_no_plugin_of_the_models_sees_what_is_said() -> None:
    """What happens to be installed beside Printmesh reads no message of its processes."""
    ask = (
        "import printmesh\nprintmesh.main(['broker', '--help'])\n"
        "from pydantic.plugin import _loader\n"
        "print(list(_loader.get_plugins()), _loader._plugins)"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[] None"
