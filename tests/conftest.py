"""Fixtures that more than one suite uses: a place for the print lab, and the lab itself."""

from __future__ import annotations

import gc
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

from demo.cupsd import PrivateCups
from demo.printers import PrivateBus, VirtualPrinter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_ACCEPTANCE = Path(__file__).parent / "acceptance"

# a busy machine is no finding: how long an example takes is measured in benchmarks, not here
settings.register_profile("printmesh", deadline=None)
settings.load_profile("printmesh")

#: About how many seconds a file takes, where that is many: begun last, one of them would leave the
#: other workers idle. Needs `--no-loadscope-reorder`: xdist begins with those of many tests, hence
#: ends with these.
LONG = {
    "test_edge_killed.py": 76,
    "test_panel.py": 60,
    "test_chaos.py": 53,
    "test_link_cut.py": 53,
    "test_terminals_at_once.py": 50,
    "test_runbook_with_log.py": 50,
    "test_runbook_without_log.py": 49,
    "test_story.py": 48,
    "test_watched_printers.py": 45,
    "test_centre_pages.py": 40,
    "test_counts_match.py": 40,
    "test_api_schemathesis.py": 30,
    "test_centre_figures.py": 28,
    "test_meters_reach_the_books.py": 28,
    "test_centre_fleet.py": 27,
    "test_centre_money.py": 26,
    "test_commands_in_trouble.py": 25,
    "test_spooler_killed.py": 25,
    "test_runbook_backup.py": 24,
    "test_rules_everywhere.py": 21,
    "test_central_killed.py": 20,
    "test_direct_queue.py": 20,
    "test_rules_on_paper.py": 20,
    "test_centre_people.py": 20,
    "test_changes_on_paper.py": 19,
    "test_broker_killed.py": 19,
    "test_disk_full.py": 18,
    "test_centre_portal.py": 18,
    "test_figures_equal.py": 16,
    "test_pages_process.py": 15,
    "test_simulated_faults.py": 14,
    "test_coordinator.py": 14,
    "test_snmp_agents.py": 13,
    "test_bad_documents.py": 13,
    "test_analysis.py": 12,
    "test_exposure.py": 12,
    "test_house_contracts.py": 12,
    "test_restore.py": 10,
    "test_allowances.py": 10,
    "test_identify.py": 10,
    "test_journal_processes.py": 8,
    "test_money_machine.py": 8,
    "test_edge_till.py": 8,
}
#: What any other file takes, all in all.
OTHERS = 1.0
NEEDED = ("cupsd", "lp", "ippeveprinter", "dbus-daemon", "pdfinfo")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the command line say which databases have the books."""
    parser.addoption(
        "--databases",
        choices=("some", "both", "sqlite", "postgresql"),
        default="some",
        help="where tests of the centre have their books; some: SQLite, and what asks most on both",
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what collecting makes: it stays, and looking took a quarter of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _turns(items: list[pytest.Item]) -> dict[pytest.Item, tuple[float, Path]]:
    """Return when each item has its turn: its file's share of the whole that is done by then.

    What waits for real processes and what works by itself are each in order of how long they take,
    and are done at the same rate: side by side they leave no processor idle.
    """
    files = sorted({item.path for item in items}, key=lambda path: (-_seconds(path), path))
    done: dict[Path, float] = {}
    for kind in (True, False):
        mine = [path for path in files if (_ACCEPTANCE in path.parents) is kind]
        whole, so_far = sum(map(_seconds, mine)), 0.0
        for path in mine:
            done[path] = so_far / whole
            so_far += _seconds(path)
    return {item: (done[item.path], item.path) for item in items}


def _seconds(path: Path) -> float:
    return LONG.get(path.name, OTHERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, waiting beside working; leave out what needs CUPS without one."""
    items.sort(key=_turns(items).__getitem__)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        skip = pytest.mark.skip(reason=f"not installed: {', '.join(missing)}")
        for item in items:
            if item.get_closest_marker("cups"):
                item.add_marker(skip)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a test configured of the logs, so that none depends on which ran before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("printmesh").setLevel(logging.NOTSET)


def _lab_directory() -> Iterator[Path]:
    """Make a directory with a short path that cupsd's own user can enter (tmp_path is neither)."""
    directory = Path(tempfile.mkdtemp(prefix="pm-lab-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


#: One for a test, one for a module.
lab_directory = pytest.fixture(_lab_directory)
module_directory = pytest.fixture(_lab_directory, scope="module")


@pytest.fixture(scope="module")
def cups(module_directory: Path) -> Iterator[PrivateCups]:
    """Run a private cupsd without queues."""
    with PrivateCups(module_directory / "cups") as running:
        yield running


@pytest.fixture(scope="module")
def bus(module_directory: Path) -> Iterator[PrivateBus]:
    """Run a private message bus for virtual printers."""
    with PrivateBus(module_directory / "bus") as running:
        yield running


@pytest.fixture(scope="module")
def printer(module_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run one virtual printer."""
    with VirtualPrinter(module_directory / "one", "Lab One", bus) as running:
        yield running
