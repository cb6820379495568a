"""Who may import whom, and what a deciding file may do: each rule is shown to catch a breach."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = PROJECT["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
PACKAGES = LINTER["root_packages"]
DECIDERS = CONTRACTS["deciders-do-not-await"]["source_modules"]

#: (contract, file → line added to it): a file that is not there yet is made.
VIOLATIONS: list[tuple[str, dict[str, str]]] = [
    # the rooms: upwards, sideways, and around a corner
    ("rooms", {"config/planted.py": "import broker.topics"}),
    ("rooms", {"broker/planted.py": "import edge.ports"}),
    ("rooms", {"edge/planted.py": "import central.sizing"}),
    ("rooms", {"central/planted.py": "from edge import release"}),
    ("rooms", {"terminal_bridge/planted.py": "import edge.ports"}),
    ("rooms", {"central/planted.py": "import terminal_bridge"}),
    ("rooms", {"edge/planted.py": "def late():\n    import demo.lab"}),
    ("policy-is-pure", {"config/policy/planted.py": "import sqlalchemy"}),
    ("policy-is-pure", {"config/policy/planted.py": "from config.settings import load"}),
    (
        "policy-is-pure",
        {"config/policy/planted.py": "import config.ids", "config/ids.py": "import io"},
    ),
    ("deciders-do-not-await", {"edge/release.py": "import asyncio"}),
    ("deciders-do-not-await", {"broker/stream_inbound.py": "from time import monotonic"}),
    ("deciders-know-no-adapter", {"edge/release.py": "from edge.store.books import Books"}),
    (
        "deciders-know-no-adapter",
        {"central/sizing.py": "import central.planted", "central/planted.py": "import broker.link"},
    ),
    ("spooler-named-in-app", {"edge/releasing.py": "from edge.printing import spooler"}),
    ("spooler-named-in-app", {"edge/planted/deep.py": "import edge.printing.job_map"}),
    ("embedded-broker-named-in-app", {"edge/intake.py": "from broker.server import BrokerServer"}),
    ("embedded-broker-named-in-app", {"demo/planted.py": "import broker.plugin"}),
    ("paho-in-link", {"edge/planted.py": "import paho.mqtt.client"}),
    ("paho-in-link", {"broker/planted.py": "from paho.mqtt import client"}),
    ("amqtt-in-server", {"broker/planted.py": "from amqtt.broker import Broker"}),
    ("amqtt-in-server", {"edge/app.py": "import amqtt"}),
    ("amqtt-in-server", {"demo/planted.py": "from websockets import connect"}),
    ("tinydb-in-edge-store", {"edge/planted.py": "import tinydb"}),
    ("tinydb-in-edge-store", {"central/store/planted.py": "import orjson"}),
    ("cups-in-edge-printing", {"edge/app.py": "import cups"}),
    ("cups-in-edge-printing", {"demo/planted.py": "import cups"}),
    ("documents-in-edge-printing", {"edge/intake.py": "import pikepdf"}),
    ("documents-in-edge-printing", {"demo/planted.py": "from PIL import Image"}),
    ("argon2-where-secrets-are", {"edge/visitors.py": "import argon2"}),
    ("argon2-where-secrets-are", {"terminal_bridge/planted.py": "from argon2 import low_level"}),
    ("babel-in-words", {"terminal_bridge/planted.py": "import babel"}),
    ("babel-in-words", {"central/web/pages/planted.py": "from babel import Locale"}),
    ("codes-in-second-factor", {"central/web/pages/planted.py": "import pyotp"}),
    ("codes-in-second-factor", {"central/store/planted.py": "from cryptography import fernet"}),
    ("sql-in-central-store", {"central/app.py": "import sqlalchemy"}),
    ("sql-in-central-store", {"central/web/planted.py": "from sqlalchemy import select"}),
    ("sql-in-central-store", {"edge/store/planted.py": "import alembic"}),
    ("sql-in-central-store", {"demo/planted.py": "import psycopg"}),
    ("papers-in-their-rooms", {"central/figures/planted.py": "import xlsxwriter"}),
    ("papers-in-their-rooms", {"central/web/planted.py": "from fpdf import FPDF"}),
    ("ldap-in-importing", {"central/web/planted.py": "import ldap3"}),
    ("openid-in-provider", {"central/web/pages/planted.py": "import authlib"}),
    ("openid-in-provider", {"central/planted.py": "from joserfc import jwt"}),
    ("http-in-web", {"central/app.py": "import uvicorn"}),
    ("http-in-web", {"edge/planted.py": "import fastapi"}),
    ("http-in-web", {"edge/web/planted.py": "import uvicorn"}),
    ("http-in-web", {"broker/planted.py": "import uvicorn"}),
    ("hardware-in-terminal-bridge", {"terminal_bridge/app.py": "import serial"}),
    ("hardware-in-terminal-bridge", {"edge/planted.py": "from gpiozero import LED"}),
    ("qt-in-popup-windows", {"terminal_bridge/popup/planted.py": "from PySide6 import QtCore"}),
    ("qt-in-popup-windows", {"edge/planted.py": "import shiboken6"}),
    ("snmp-in-edge-devices", {"edge/planted.py": "import pysnmp.hlapi"}),
    ("snmp-in-edge-devices", {"demo/planted.py": "from pyasn1.type import univ"}),
    ("prometheus-in-exporters", {"central/web/planted.py": "import prometheus_client"}),
    ("prometheus-in-exporters", {"edge/planted.py": "from prometheus_client import Gauge"}),
    ("http-client-in-webhooks", {"central/web/planted.py": "import httpx"}),
    ("settings-in-config", {"edge/planted.py": "from pydantic_settings import BaseSettings"}),
    ("settings-in-config", {"config/policy/planted.py": "import pydantic_settings"}),
]  # fmt: skip


def rounds(
    violations: Iterable[tuple[str, dict[str, str]]],
) -> list[dict[str, dict[str, str]]]:
    """Return violations in as few rounds as one contract has: to look at the house takes long.

    Returns:
        for each round, by contract: the lines by file.
    """
    found: list[dict[str, dict[str, str]]] = []
    for contract, lines in violations:
        free = next((each for each in found if contract not in each), None)
        if free is None:
            found.append(free := {})
        free[contract] = lines
    return found


def told_of(said: str, name: str) -> str:
    """Return what was said of a broken contract; empty: nothing."""
    _, _, broken = said.partition("Broken contracts")
    _, _, after = broken.partition(f" {name} ---")
    return after.lstrip("-").partition(" ---")[0]


class Tree:
    """A copy of the packages in which violations can be planted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for package in PACKAGES:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, root / package, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", root)

    @contextmanager
    def with_(self, lines: Mapping[str, str]) -> Iterator[None]:
        """Add lines at the end of files, and take them out again."""
        before: dict[Path, str | None] = {}
        made: list[Path] = []
        for name, line in lines.items():
            file = self.root / name
            before[file] = file.read_text(encoding="utf-8") if file.exists() else None
            if not file.parent.exists():
                file.parent.mkdir()
                made.append(file.parent)
                (file.parent / "__init__.py").touch()
            file.write_text(f"{before[file] or ''}\n{line}\n", encoding="utf-8")
        try:
            yield
        finally:
            for file, text in before.items():
                if text is None:
                    file.unlink()
                else:
                    file.write_text(text, encoding="utf-8")
            for directory in made:
                shutil.rmtree(directory)

    def lint(self, *contracts: str) -> tuple[int, str]:
        """Check contracts (all when none is given); return the exit status and what was said."""
        only = [word for contract in contracts for word in ("--contract", contract)]
        program = Path(sys.executable).with_name("lint-imports")
        done = subprocess.run(
            [program, "--no-cache", "--no-logo", *only],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Copy the packages once."""
    return Tree(tmp_path_factory.mktemp("house"))


def test_the_house_is_clean(tree: Tree) -> None:
    """Every contract is kept by the packages as they are."""
    status, said = tree.lint()
    assert status == 0, said
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in said


@pytest.mark.parametrize("planted", rounds(VIOLATIONS))
def test_a_planted_violation_breaks_its_contract(
    tree: Tree, planted: dict[str, dict[str, str]]
) -> None:
    """The contract that forbids an import is broken by it, by name."""
    lines: dict[str, str] = {}
    for files in planted.values():
        for file, line in files.items():
            lines[file] = f"{lines.get(file, '')}\n{line}"
    with tree.with_(lines):
        status, said = tree.lint(*planted)
    assert status == 1, said
    told = {contract: told_of(said, CONTRACTS[contract]["name"]) for contract in planted}
    for contract, files in planted.items():
        # any of them: of several ways around a corner the linter tells one, not always the same
        modules = [each.removesuffix(".py").replace("/", ".") for each in files]
        assert any(each in told[contract] for each in modules), f"{contract}: {said}"


def test_no_contract_is_decoration() -> None:
    """Each contract in pyproject.toml has a violation that it is shown to catch."""
    assert {contract for contract, _ in VIOLATIONS} == set(CONTRACTS)


def test_every_decider_is_watched(tree: Tree) -> None:
    """Each file in the list of deciders is really there and really checked."""
    files = {name: path_of(name) for name in DECIDERS}
    inside = {
        name: str((file / "planted.py" if file.is_dir() else file).relative_to(ROOT))
        for name, file in files.items()
    }
    with tree.with_(dict.fromkeys(inside.values(), "import time")):
        _, said = tree.lint("deciders-do-not-await")
    for name in DECIDERS:
        assert f"{name} is not allowed to import time" in said


def test_policy_forbids_every_dependency() -> None:
    """A dependency that joins pyproject.toml joins the list of what policy may not import."""
    project = PROJECT["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["cups"]]
    forbidden = CONTRACTS["policy-is-pure"]["forbidden_modules"]
    of = packages_distributions()
    covered = {each for name in forbidden for each in of.get(name, ())}
    names = {_plain(re.split(r"[=<>]", each)[0]) for each in declared}
    assert names - {_plain(each) for each in covered} == {"pydantic"}


def _plain(name: str) -> str:
    """Return a distribution's name as all ways of writing it are compared."""
    return name.lower().replace("_", "-")


def test_policy_imports_only_what_it_may() -> None:
    """In `config/policy` stand imports of the standard library, pydantic and config, no others."""
    allowed = sys.stdlib_module_names | {"pydantic", "config"}
    for file in sorted((ROOT / "config" / "policy").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                assert name.split(".")[0] in allowed, f"{file.name}: {name}"


@pytest.mark.parametrize("name", DECIDERS)
def test_what_decides_does_not_await(name: str) -> None:
    """A deciding file holds no coroutine, reads no clock and throws no dice."""
    path = path_of(name)
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        found = breaches(file.read_text(encoding="utf-8"))
        assert found == [], f"{file.relative_to(ROOT)}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "async def f(): ...",
        "async def f():\n    await g()",
        "import datetime\nx = datetime.datetime.now(datetime.UTC)",
        "from datetime import datetime\nx = datetime.utcnow()",
        "from datetime import date\nx = date.today()",
        "from uuid import uuid4\nx = uuid4()",
        "import uuid\nx = uuid.uuid1()",
        "x = open('file')",
        "print('hello')",
    ],
)
def test_a_breach_is_seen(source: str) -> None:
    """The eye that looks for coroutines, clocks and dice is not blind."""
    assert breaches(source)


def path_of(module: str) -> Path:
    """Return the file of a module, or the directory of a package."""
    path = ROOT.joinpath(*module.split("."))
    return path if path.is_dir() else path.with_suffix(".py")


def breaches(source: str) -> list[str]:
    """Return what a deciding file may not hold, with line numbers."""
    impure = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input"}
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, waiting):
            found.append(f"line {node.lineno}: waits")
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in impure:
                found.append(f"line {node.lineno}: {name}()")
    return found
