"""Promises of `reconcile`, `device` and `devices`: the day's answer first, and acts on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from broker.directory import PrinterRow
from broker.messages import DeviceIdentity, DeviceState, DeviceTrouble, Meter, Supply
from central.reconciling import Limits
from central.store import accounts, audit, devices, directory, metering
from central.store.accounts import Rules
from central.store.books import Books
from central.store.meters import Place
from config.policy.tariffs import Tariff
from tests.integration.books_lab import Clock, Dice
from tests.integration.dialects import books_url
from tests.integration.meters_lab import DEVICE, MIDNIGHT, Site, meters, reading
from tests.integration.test_central_cli import Command
from tests.integration.test_meter_copies import PAYER, TARIFF

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-22"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command with settings, and a site whose printer was read for two days."""
    made = Command(tmp_path, capsys)
    made.ok("migrate")
    books = Books.open(books_url(tmp_path / "books" / "books.db"), clock=Clock(), dice=Dice())
    site, now = Site(books), datetime.now(UTC)
    site.say(
        *site.printed(30),
        reading(0, *meters(total=1000, print=900, copy=100), continues=False),
        *site.printed(100),
        # today's pages are those since then, whatever day it is
        reading(1, *meters(total=1150, print=1000, copy=150), read_at=now),
    )
    with books.write(now) as tx:
        row = PrinterRow(device=DEVICE, node="north", name="Lobby [left]")
        directory.put(tx, "printer", DEVICE, row)
        directory.put(tx, "tariff", "1", Tariff.model_validate(TARIFF))
        assert accounts.open_new(tx, PAYER, "EUR", Rules(), enabled=True) is None
        state = DeviceState(
            device=DEVICE,
            name="Lobby",
            state="stopped",
            updated_at=MIDNIGHT,
            answers=True,
            identity=DeviceIdentity(serial="XKL-1"),
            supplies=(
                Supply(key="1", name="Black", color="black", level=12, state="low", days_left=9),
                Supply(key="2", name="Cyan", color="cyan", level=80, state="ok"),
            ),
            meters=(Meter(name="total", value=1160, source="snmp:vendor"),),
            troubles=(
                DeviceTrouble(code="jam", severity="critical", detail="Jam", since=MIDNIGHT),
            ),
        )
        devices.put(tx, {Place("north", DEVICE): state})
        metering.step(tx, Limits())
    books.close()
    return made


def acts(run: Command) -> list[str]:
    """Return what was written down of this device."""
    books = Books.open(books_url(run.path / "books" / "books.db"))
    with books.read() as tx:
        found = [each.act for each in audit.acts(tx, target=f"north/{DEVICE}")]
    books.close()
    return found


def test_the_day_is_answered_first_and_then_shown(run: Command) -> None:
    """One sentence, a row for each printer by its name, totals, and what a person may do."""
    said = run.ok("reconcile")
    assert said.startswith(f"{DAY}: 1 printer read, 1 printer to be looked at.")
    assert "Lobby [left]" in said
    row = next(line for line in said.splitlines() if line.startswith("north"))
    assert row.split()[-8:] == ["150", "100", "0", "0", "0", "50", "33.3", "look"]
    assert "50 copies were billed to nobody" in said


@pytest.mark.parametrize("name", ["Lobby [/]", r"Lobby \[/]", "Lobby :cat:"])
def test_names_are_no_markup(run: Command, name: str) -> None:
    """Whatever a printer is called is shown so, and stops no table."""
    books = Books.open(books_url(run.path / "books" / "books.db"))
    with books.write() as tx:
        directory.put(tx, "printer", DEVICE, PrinterRow(device=DEVICE, node="north", name=name))
    books.close()
    assert name in " ".join(run.ok("reconcile").split())
    assert name in " ".join(run.ok("devices").split())


def test_machines_get_every_figure(run: Command) -> None:
    """JSON has services, what was left out, totals and whether an alert is up."""
    told = run.listed("reconcile", "--device", DEVICE)
    (device,) = told["devices"]
    assert told["whole"] is device["whole"] is True
    assert (device["counted"], device["printed"], device["left"]) == (150, 100, 50)
    assert device["services"]["copy"] == {"counted": 50, "billed": 0}
    assert device["alert"] is True
    assert told["totals"]["impressions"]["left"] == 50
    said = run.ok("reconcile", "--day", "2026-11-21")
    assert "1 printer read, 1 of them for the first time." in said
    assert "Lobby [left] (north): nothing to compare with yet;" in said
    assert "left out" not in said
    first = run.listed("reconcile", "--day", "2026-11-21")
    assert first["devices"][0]["left_out"] == ["it is the first reading"]
    assert first["still_open"][0]["day"] == DAY


@pytest.fixture
def first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Command, str]:
    """Return the command and a day: of a site that began now, whose printer was read once more."""
    made = Command(tmp_path, capsys)
    made.ok("migrate")
    books = Books.open(books_url(tmp_path / "books" / "books.db"), clock=Clock(), dice=Dice())
    now = datetime.now(UTC)
    site, shown = Site(books), meters(total=1000)
    site.say(reading(0, *shown, why="start", continues=False, read_at=now))
    site.say(*site.printed(10), reading(0, *meters(total=1150), why="asked", read_at=now))
    books.close()
    return made, now.astimezone().date().isoformat()


def test_a_day_is_shown_before_it_has_ended(first: tuple[Command, str]) -> None:
    """Where no day ended yet, today is shown so far; named or not, and it is no alarm."""
    run, today = first
    said = run.ok("reconcile")
    assert said.startswith(f"{today}, today so far: 1 printer read, 1 printer with pages left.")
    assert said == run.ok("reconcile", "--day", today)
    row = next(line for line in said.splitlines() if line.startswith("north"))
    assert row.split()[-9:-2] == ["150", "10", "0", "0", "0", "140", "93.3"]
    assert row.split()[-2] == "until"
    told = run.listed("reconcile", "--device", DEVICE)
    (device,) = told["devices"]
    assert told["whole"] is device["whole"] is device["alert"] is False
    assert (device["counted"], device["printed"], device["left"]) == (150, 10, 140)
    said = run.ok("reconcile", "explain", DEVICE, "140", "a technician's test pages")
    assert "0 are left" in said
    assert "none with pages left" in run.ok("reconcile")


def test_an_old_day_without_an_end_is_not_called_today(run: Command) -> None:
    """What was read last of a site that fell silent is shown by its day, beside the whole ones."""
    books = Books.open(books_url(run.path / "books" / "books.db"), clock=Clock(), dice=Dice(7))
    site = Site(books, "south")
    at = MIDNIGHT - timedelta(days=100)
    site.say(
        reading(-100, *meters(total=5), continues=False),
        reading(0, *meters(total=5), why="asked", read_at=at),
    )
    books.close()
    day = at.date().isoformat()
    said = run.ok("reconcile", "--day", day)
    assert said.startswith(f"{day}, so far, its end was not read: 1 printer read, none with")
    assert run.listed("reconcile", "--day", day)["whole"] is False
    assert run.listed("reconcile")["day"] == DAY


def test_an_explanation_is_kept_counted_and_audited(run: Command) -> None:
    """What is left falls by it and no further; the alert ends below the bounds."""
    said = run.ok("reconcile", "explain", DEVICE, "45", "a technician's test pages")
    assert "5 are left" in said
    (device,) = run.listed("reconcile")["devices"]
    assert (device["explained"], device["left"], device["alert"]) == (45, 5, False)
    assert device["explanations"][0]["reason"] == "a technician's test pages"
    said = run.ok("reconcile", "explain", DEVICE, "45", "once more", "--day", DAY)
    assert "Only 5 of them were left to explain" in said
    assert acts(run) == ["reconcile explain", "reconcile explain"]
    assert run.listed("devices")[0]["alerts"] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["reconcile", "--day", "yesterday"], "write it like 2026-11-22"),
        (["reconcile", "--device", "north-9"], "did you mean north-1?"),
        (["reconcile", "explain", DEVICE, "0", "x"], "at least 1"),
        (["reconcile", "explain", DEVICE, "5", " "], "a reason is needed"),
        (["reconcile", "explain", DEVICE, "5", "x", "--day", "2026-01-01"], "the newest is"),
        (["device", "cost-centre", DEVICE], "or --none"),
        (["device", "cost-centre", DEVICE, PAYER, "--tariff-service", "scan"], "copy or print"),
        (["device", "cost-centre", DEVICE, PAYER, "--media", "papyrus"], "is no paper"),
        (["device", "cost-centre", DEVICE, "project:physik"], "did you mean project:physics?"),
        (["device", "large-paper", DEVICE, "0"], "1 to 8"),
    ],
)
def test_wrong_values_are_refused_with_what_would_be_right(
    run: Command, words: list[str], why: str
) -> None:
    """And nothing is written down."""
    status, said = run(*words)
    assert status == 1
    assert why in " ".join(said.split())
    assert acts(run) == []


def test_a_cost_centre_is_told_its_consequence(run: Command) -> None:
    """Who pays what from when on, how low it may go; on record, and taken back the same way."""
    said = run.ok("device", "cost-centre", DEVICE, PAYER)
    assert f"{PAYER} pays for copies that no terminal counts" in said
    assert "0.06 EUR in black, 0.21 EUR in colour" in said
    assert "copy 150" in said
    assert "may go down to 0.00 EUR" in said
    assert run.listed("devices")[0]["cost_centre"] == PAYER
    assert "nobody pays" in run.ok("device", "cost-centre", DEVICE, "--none")
    assert run.listed("devices")[0]["cost_centre"] is None
    assert acts(run) == ["device cost-centre", "device cost-centre"]


def test_large_paper_is_said_once(run: Command) -> None:
    """Where meters are compared, and nowhere else."""
    assert "counts as 2" in run.ok("device", "large-paper", f"north/{DEVICE}", "2")
    assert acts(run) == ["device large-paper"]


def test_the_fleet_fits_a_table(run: Command) -> None:
    """Site, state, what is wrong, what runs out, and today's pages."""
    rows = [line.split() for line in run.ok("devices").splitlines()[1:]]
    words = [word for row in rows for word in row]
    for part in ("Lobby", "[left]", "stopped", "jam,", "unexplained-pages", "12", "days)", "10"):
        assert part in words
    assert "cyan" not in words
    told = run.listed("devices")
    assert told[0]["state"]["supplies"][1]["level"] == 80


def test_empty_is_a_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Books that know of no reading say when there will be one."""
    fresh = Command(tmp_path, capsys)
    fresh.ok("migrate")
    assert "at midnight" in fresh.ok("reconcile")
    assert fresh.listed("reconcile")["devices"] == []
    assert "No devices yet" in fresh.ok("devices")
