"""`printmesh doctor` on a real machine, as it is and with everything of CUPS out of sight."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo import doctor, machine
from demo.machine import ThisMachine


def test_it_answers_machines_in_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The JSON says what the exit status says, and every finding has its reason."""
    status = doctor.main(["--json", "--directory", str(tmp_path)])
    answer = json.loads(capsys.readouterr().out)
    assert status == (0 if answer["can_run"] else 1)
    assert len(answer["findings"]) > 10
    for finding in answer["findings"]:
        assert finding["why"]
        assert finding["state"] in {"ok", "missing", "optional"}


def test_it_works_where_there_is_no_cups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without any program of CUPS it ends in order, says so, and exits with 1."""
    monkeypatch.setattr(machine, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(machine, "_FILTERS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.main([]) == 1
    said = capsys.readouterr().out
    assert "The demo cannot run here yet; missing: cupsd, lp, ippeveprinter" in said
    assert "cups-ipp-utils" in said


@pytest.mark.parametrize("arguments", [["--nonsense"], ["extra"], ["--directory"]])
def test_a_wrong_command_line_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word is answered with what is wrong, exit status 2, and no traceback."""
    assert doctor.main(arguments) == 2
    said = capsys.readouterr().err
    assert "Error" in said
    assert "Traceback" not in said


def test_a_directory_that_is_not_there_yet_stands_on_its_parent(tmp_path: Path) -> None:
    """A place that would be made is judged by the directory it would be made in."""
    disk = ThisMachine().disk(tmp_path / "not" / "yet")
    assert disk.directory == tmp_path
    assert disk.free_bytes > 0
    assert disk.sync_seconds is not None
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_a_finding() -> None:
    """Where no file can be made there is no fdatasync, and the system's words say why."""
    disk = ThisMachine().disk(Path("/proc"))
    assert disk.sync_seconds is None
    assert disk.problem
    assert disk.file_system == "proc"


def test_a_module_is_tried_for_real() -> None:
    """What can be imported is no problem, what cannot says why."""
    here = ThisMachine()
    assert here.module("json") is None
    assert "no_such_module" in (here.module("no_such_module") or "")


def test_ports_of_this_machine_work() -> None:
    """A port can be listened on and reached where the tests run."""
    assert ThisMachine().port_problem() is None
