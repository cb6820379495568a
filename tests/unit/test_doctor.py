"""The doctor: what a machine lacks decides whether the demo can run, and the cure is named."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo.doctor import Finding, State, can_run, examine, show
from demo.machine import Disk

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = {
    name: f"/usr/bin/{name}"
    for name in (
        *("cupsd", "lp", "ippeveprinter", "dbus-daemon", "gs", "pdfinfo"),
        *("mosquitto", "mosquitto_sub"),
    )
}
HOME = Path("/srv/demo")
DISK = Disk(HOME, free_bytes=10**10, file_system="ext4", sync_seconds=0.0002)


@dataclass(frozen=True)
class FakeMachine:
    """A machine that has all it needs, unless told otherwise."""

    python: tuple[int, int, int] = (3, 11, 2)
    programs: Mapping[str, str] = field(default_factory=lambda: PROGRAMS)
    filters: frozenset[str] = frozenset({"pdftopdf", "texttopdf", "rastertopdf"})
    modules: Mapping[str, str] = field(default_factory=dict)
    without_user: str | None = None
    profiles: frozenset[str] = frozenset()
    stands_on: Disk = DISK
    ports: str | None = None

    def program(self, name: str) -> str | None:
        """As given."""
        return self.programs.get(name)

    def cups_filter(self, name: str) -> bool:
        """As given."""
        return name in self.filters

    def module(self, name: str) -> str | None:
        """As given."""
        return self.modules.get(name)

    def missing_user(self) -> str | None:
        """As given."""
        return self.without_user

    def confined(self, program: str) -> bool:
        """As given."""
        return program in self.profiles

    def disk(self, directory: Path) -> Disk:
        """As given."""
        assert directory == HOME
        return self.stands_on

    def port_problem(self) -> str | None:
        """As given."""
        return self.ports


def without(*names: str) -> dict[str, str]:
    """Return all programs but these."""
    return {name: place for name, place in PROGRAMS.items() if name not in names}


def troubled(machine: FakeMachine) -> dict[str, Finding]:
    """Return what is not all right with a machine, by what it is."""
    return {each.what: each for each in examine(machine, HOME) if each.state is not State.OK}


def test_a_machine_with_everything_can_run_the_demo() -> None:
    """Where nothing is missing no cure is named, and the demo can run."""
    findings = list(examine(FakeMachine(), HOME))
    assert can_run(findings)
    assert {(each.state, each.how, each.package) for each in findings} == {(State.OK, "", "")}
    assert all(each.why and each.found for each in findings)


@pytest.mark.parametrize(
    ("machine", "what", "cure"),
    [
        (FakeMachine(python=(3, 10, 12)), "Python 3.11 or newer", "python3.11"),
        (FakeMachine(programs=without("cupsd")), "cupsd", " cups"),
        (FakeMachine(programs=without("lp")), "lp", "cups-client"),
        (FakeMachine(programs=without("ippeveprinter")), "ippeveprinter", "cups-ipp-utils"),
        (FakeMachine(programs=without("dbus-daemon")), "dbus-daemon", "dbus"),
        (FakeMachine(programs=without("gs")), "gs", "ghostscript"),
        (FakeMachine(programs=without("pdfinfo")), "pdfinfo", "poppler-utils"),
        (
            FakeMachine(filters=frozenset({"pdftopdf", "rastertopdf"})),
            "CUPS filter texttopdf",
            "cups-filters",
        ),
        (FakeMachine(without_user="lp"), "user lp", "useradd"),
        (FakeMachine(modules={"cups": "No module named 'cups'"}), "pycups", "printmesh[cups]"),
        (
            FakeMachine(stands_on=replace(DISK, free_bytes=10**8)),
            "free space in /srv/demo",
            "--directory",
        ),
        (
            FakeMachine(stands_on=replace(DISK, sync_seconds=None, problem="read-only")),
            "fdatasync in /srv/demo",
            "--directory",
        ),
        (FakeMachine(ports="Operation not permitted"), "ports of 127.0.0.1", "loopback"),
    ],
)  # fmt: skip
def test_what_the_demo_needs_is_missing(*, machine: FakeMachine, what: str, cure: str) -> None:
    """One needed thing less, and exactly that is missing, with its cure; the demo cannot run."""
    found = troubled(machine)
    assert list(found) == [what]
    assert found[what].state is State.MISSING
    assert cure in found[what].how
    assert not can_run(list(examine(machine, HOME)))


@pytest.mark.parametrize(
    ("machine", "what", "cure"),
    [
        (FakeMachine(programs=without("mosquitto")), "mosquitto", "mosquitto"),
        (FakeMachine(profiles=frozenset({"/usr/bin/cupsd"})), "cupsd not confined", "aa-complain"),
        (
            FakeMachine(stands_on=replace(DISK, file_system="tmpfs")),
            "fdatasync in /srv/demo",
            "power",
        ),
        (
            FakeMachine(stands_on=replace(DISK, sync_seconds=0.2)),
            "fdatasync in /srv/demo",
            "faster disk",
        ),
    ],
)
def test_what_the_demo_can_do_without(*, machine: FakeMachine, what: str, cure: str) -> None:
    """What only tests or habits want is pointed out, and the demo runs all the same."""
    found = troubled(machine)
    assert list(found) == [what]
    assert found[what].state is State.OPTIONAL
    assert cure in found[what].how
    assert can_run(list(examine(machine, HOME)))


def test_either_name_of_a_filter_will_do() -> None:
    """Newer cups-filters have `universal` where older ones have `pdftopdf`."""
    newer = FakeMachine(filters=frozenset({"universal", "texttopdf", "rastertopdf"}))
    assert troubled(newer) == {}


def test_a_bare_machine_is_told_everything_at_once() -> None:
    """Nothing of CUPS there: each thing is listed, and one line installs all of it."""
    bare = FakeMachine(programs={}, filters=frozenset(), modules={"cups": "No module named 'cups'"})
    written = io.StringIO()
    show(list(examine(bare, HOME)), Console(file=written, width=300))
    said = written.getvalue()
    packages = "cups cups-client cups-filters cups-ipp-utils dbus ghostscript"
    line = f"{packages} mosquitto mosquitto-clients poppler-utils"
    assert f"sudo apt-get install -y --no-install-recommends {line}" in said
    assert "pip install 'printmesh[cups]'" in said  # brackets are not taken for markup
    assert "The demo cannot run here yet; missing: cupsd, lp, ippeveprinter" in said
