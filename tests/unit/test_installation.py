"""What a machine's CUPS needs: planned, shown, done once, and nothing of the admin's is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.errors import PrintmeshError
from edge.printing.installation import (
    DIRECTIVES,
    Advice,
    Configuration,
    Program,
    carry_out,
    configured,
    plan,
)
from edge.printing.operation_policy import OPERATION_POLICY

if TYPE_CHECKING:
    from pathlib import Path

CUPSD_CONF = """\
# our own comment
LogLevel warn
MaxJobs 500
DefaultAuthType Negotiate
<Location /admin>
  AuthType Default
  MaxJobs 7
</Location>
<Policy default>
  JobPrivateAccess default
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
<Policy kerberos>
  JobPrivateAccess all
</Policy>
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Lay out a CUPS as a distribution would."""
    (tmp_path / "bin" / "notifier").mkdir(parents=True)
    (tmp_path / "bin" / "backend").mkdir()
    (tmp_path / "cupsd.conf").write_text(CUPSD_CONF)
    (tmp_path / "cups-files.conf").write_text("SystemGroup nosuchgroup sys\n")
    return tmp_path


def test_what_is_there_is_kept_and_what_is_needed_added() -> None:
    """Comments, other policies and directives in blocks stay; ours are there once."""
    text, changes = configured(CUPSD_CONF)
    assert "# our own comment" in text
    assert "LogLevel warn" in text
    assert "<Policy kerberos>" in text
    assert "  MaxJobs 7" in text
    assert OPERATION_POLICY in text
    assert text.count("<Policy default>") == 1
    for name, (value, _) in DIRECTIVES.items():
        assert f"{name} {value}" in text.splitlines()
    assert any("was 500" in change for change in changes)


def test_a_second_time_there_is_nothing_to_do() -> None:
    """What was configured is recognised, to the byte."""
    once, _ = configured(CUPSD_CONF)
    assert configured(once) == (once, ())


def test_a_plan_changes_nothing(server: Path) -> None:
    """Planning reads only, and says every step."""
    steps = plan(server, server / "bin", "nobody")
    assert [Program, Program, Configuration, Advice] == [type(step) for step in steps]
    assert (server / "cupsd.conf").read_text() == CUPSD_CONF
    assert not list((server / "bin").rglob("printmesh"))
    assert "usermod" in str(steps[-1])


def test_a_plan_carried_out_leaves_nothing_to_plan(server: Path) -> None:
    """Afterwards all is as it should be, and the old file is beside the new one."""
    carry_out(plan(server, server / "bin", "root"))
    assert plan(server, server / "bin", "root") == ()
    assert (server / "cupsd.conf.before-printmesh").read_text() == CUPSD_CONF
    assert (server / "bin" / "backend" / "printmesh").stat().st_mode & 0o777 == 0o755


def test_the_first_old_file_is_never_overwritten(server: Path) -> None:
    """A second change keeps the administrator's original."""
    carry_out(plan(server, server / "bin", "root"))
    (server / "cupsd.conf").write_text("MaxJobs 3\n")
    carry_out(plan(server, server / "bin", "root"))
    assert (server / "cupsd.conf.before-printmesh").read_text() == CUPSD_CONF


def test_a_machine_without_cups_is_told_so(tmp_path: Path) -> None:
    """Where there is no cupsd.conf the answer names the option that says where it is."""
    with pytest.raises(PrintmeshError, match="--server-root"):
        plan(tmp_path, tmp_path, "root")
