"""`printmesh edge discover` as somebody types it: shown first, then done, known ones named."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from config.settings_devices import DeviceSettings, SnmpProfile
from edge.cli import main
from edge.devices.discovery import SerialSearch, discover, plan
from edge.devices.identity import Machine
from edge.devices.keeping import KeptFiles
from edge.devices.watch import Kept
from edge.devices.words import Origin
from tests.integration.snmp_lab import recordings

if TYPE_CHECKING:
    from pathlib import Path

EDGE = """
node = "north"
site = "North"
data = "data"
[coordinator]
incarnation = "01234567-89ab-7def-8123-456789abcdef"
[link]
secret = "a secret"
[snmp.wrong]
community = "nobody-knows-this"
port = {port}
timeout = "200ms"
retries = 0
[snmp.lab]
community = "{community}"
port = {port}
"""
KNOWN = """
[[printers]]
id = "copier"
name = "Copier"
uri = "ipp://127.0.0.1:9/ipp/print"
queue = "copier"
snmp = "lab"
serial = "3081RX00042"
"""


@pytest.fixture
def config(tmp_path: Path, makers: int) -> Path:
    """Return settings with two profiles, the first of them wrong."""
    file = tmp_path / "edge.toml"
    file.write_text(EDGE.format(port=makers, community="ricoh-mfp"))
    return file


def test_without_apply_nothing_is_sent(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how many addresses, by what, how fast and how long at most."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("edge.devices.discovery.discover", None)  # whoever calls it fails
        assert main(["discover", "10.1.2.0/24", "10.1.3.5-9", "-c", str(config)]) == 0
    said = capsys.readouterr().out
    assert "259 addresses (10.1.2.1 to 10.1.3.9) would be asked by profile wrong" in said
    assert "then profile lab" in said
    assert "Nothing was sent; `--apply` asks them." in said


def test_printers_are_found_and_can_be_pasted(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each profile in turn; what it prints at the end are settings."""
    assert main(["discover", "127.0.0.1", "-c", str(config), "--apply"]) == 0
    said = capsys.readouterr().out
    assert "3081RX00042" in said
    assert "118,960" in said
    assert "1 printer at 1 address asked" in said
    (table,) = tomllib.loads(said[said.index("[[printers]]") :])["printers"]
    assert (table["snmp"], table["serial"]) == ("lab", "3081RX00042")


def test_known_printers_are_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By serial number, whatever their address; nothing is left to paste. JSON for machines."""
    config.write_text(config.read_text() + KNOWN)
    assert main(["discover", "127.0.0.1", "-c", str(config), "--apply"]) == 0
    assert "[[printers]]" not in capsys.readouterr().out
    assert main(["discover", "127.0.0.1", "-c", str(config), "--apply", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (found,) = told["printers"]
    assert (told["asked"], found["known_as"], found["profile"]) == (1, "copier", "lab")


def test_who_looks_on_sees_how_far_it_is(config: Path) -> None:
    """On a terminal a bar counts the addresses; what is piped is the result and nothing else."""
    terminal, its = pty.openpty()
    command = [sys.executable, "-m", "printmesh", "edge", "discover", "127.0.0.2-60", "--apply"]
    more = ["--profile", "wrong", "--rate", "100", "--config", str(config)]
    environ = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    shown = b""
    with subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=its, env=environ
    ) as process:
        os.close(its)
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(terminal, 65536):
                shown += piece
        assert process.stdout is not None
        piped = process.stdout.read().decode()
    os.close(terminal)
    assert (process.returncode, piped) == (0, "0 printers at 59 addresses asked.\n")
    assert b"asking, 0 found" in shown
    assert b"100%" in shown


def test_learned_printers_are_known(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the settings have no serial number: the edge has read it before."""
    config.write_text(config.read_text() + KNOWN.replace('serial = "3081RX00042"', ""))
    machine = Machine({Origin.SNMP: "3081rx00042"})
    KeptFiles(config.parent / "data" / "devices").write("copier", Kept(machine=machine))
    assert main(["discover", "127.0.0.1", "-c", str(config), "--apply", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["printers"]
    assert found["known_as"] == "copier"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["10.1.2.0/99"], "is no address"),
        (["10.0.0.0/8"], "more than 65,536"),
        (["10.1.2.1", "--profile", "none"], "no profile 'none'"),
    ],
)
def test_mistakes_are_said_in_words(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """One line, before anything is sent."""
    assert main(["discover", *arguments, "-c", str(config), "--apply"]) == 1
    assert said in " ".join(capsys.readouterr().err.split())


async def test_every_makers_machine_is_found(makers: int) -> None:
    """Whatever its agent is like; a switch is none."""

    async def looked_for(name: str) -> bool:
        profiles = {name: SnmpProfile.model_validate({"community": name, "port": makers})}
        wanted = plan(("127.0.0.1",), profiles, rate=50)
        sweep = await discover(wanted, profiles, whole=False)
        assert len(sweep.found) + len(sweep.others) == 1, name
        return bool(sweep.found)

    found = {name: await looked_for(name) for name in recordings()}
    assert [name for name, there in found.items() if not there] == ["no-printer"]


async def test_a_lost_printer_is_found_by_its_serial(makers: int) -> None:
    """In the ranges of the settings; one that is not there is not found."""
    profile = SnmpProfile.model_validate({"community": "ricoh-mfp", "port": makers})
    search = SerialSearch({"lab": profile}, DeviceSettings(search=("127.0.0.1",)))
    assert await search({"3081RX00042", "OTHER"}) == {"3081RX00042": "127.0.0.1"}
