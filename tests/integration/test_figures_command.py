"""Promises of `figures`: the answer first, the same figures in files, and rebuilding on record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.directory import PrinterRow
from central.store import audit, directory
from central.store.books import Books
from tests.integration.books_lab import Clock, Dice
from tests.integration.dialects import books_url
from tests.integration.figures_lab import FiguresLab
from tests.integration.test_central_cli import Command

if TYPE_CHECKING:
    from pathlib import Path

FROM = ("--from", "2026-10-01", "--to", "2026-10-31")


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command, with books of a few jobs that are rolled up."""
    made = Command(tmp_path, capsys)
    made.ok("migrate")
    url = books_url(tmp_path / "books" / "books.db")
    clock = Clock()
    clock.now -= timedelta(days=33)  # a month that is over, whenever this runs
    lab = FiguresLab(clock=clock, opened=Books.open(url, clock=clock, dice=Dice()))
    with lab.books.write() as tx:
        row = PrinterRow(device="north-1", node="north", name="Lobby [left]")
        directory.put(tx, "printer", "north-1", row)
    lab.print_([("user:ana", "EUR", 120_000)], counted=(10, 5, 6))
    lab.print_([("user:bob", "EUR", 60_000)], user="bob", node="south", counted=(2, 0, 2))
    lab.print_([("user:ana", "EUR", 40_000)], counted=(8, 0, 8), ago=timedelta(days=33))
    lab.refund(1, "0.01")
    lab.roll()
    lab.books.close()
    return made


def refused(run: Command, *words: str) -> str:
    """Run what must be refused."""
    status, said = run(*words)
    assert status == 1, said
    return said


def test_the_answer_comes_first(run: Command) -> None:
    """A sentence, then a line for each printer, by the name that people call it."""
    said = run.ok("figures", "--by", "printer", *FROM)
    first, *rest = said.splitlines()
    assert first == (
        "2026-10-01 to 2026-10-31: 12 pages in 2 jobs, 42% in colour, 50% of 8 sheets two-sided, "
        "0.17 EUR; 50% more pages than 2026-09-01 to 2026-09-30."
    )
    assert any("Lobby [left]" in line and "█" in line for line in rest)


def test_json_has_the_same_figures(run: Command) -> None:
    """For machines: whole numbers, micros, shares."""
    told = json.loads(run.ok("figures", "--by", "user", *FROM, "--json"))
    assert told["total"]["impressions"] == 12
    ana, bob = told["lines"]
    assert (ana["key"], ana["impressions"], ana["before"]["impressions"]) == ("ana", 10, 8)
    assert bob["money"]["EUR"] == {"charged": 60_000, "refunded": 10_000, "corrected": 0}
    assert told["behind"] == 0


def test_files_have_every_line(run: Command, tmp_path: Path) -> None:
    """However few are shown; a workbook is one."""
    as_csv, as_xlsx = tmp_path / "a.csv", tmp_path / "a.xlsx"
    files = ("--csv", str(as_csv), "--xlsx", str(as_xlsx))
    run.ok("figures", "--by", "site", "--top", "1", *FROM, *files)
    lines = list(csv.reader(io.StringIO(as_csv.read_text(encoding="utf-8-sig"))))
    assert [line[0] for line in lines] == ["site", "north", "south"]
    assert lines[2][-3:] == ["0.06", "0.01", "0.05"]
    with zipfile.ZipFile(as_xlsx) as book:
        assert "xl/worksheets/sheet1.xml" in book.namelist()


def test_what_is_wrong_is_said_in_words(run: Command) -> None:
    """Sites that are not there, days that are none, what is not kept together."""
    assert "did you mean north" in refused(run, "figures", "--site", "nord")
    assert "2026-11-22" in refused(run, "figures", "--from", "yesterday")
    assert "no totals are kept" in refused(run, "figures", "--by", "user", "--printer", "north-1")
    assert "--by" in refused(run, "figures", "--csv", "x.csv")


def test_rebuilding_is_kept_in_the_audit(run: Command, tmp_path: Path) -> None:
    """The same figures by other days, and who did it."""
    assert "Europe/Madrid" in run.ok("figures", "rebuild", "--zone", "Europe/Madrid")
    told = json.loads(run.ok("figures", *FROM, "--json"))
    assert (told["zone"], told["total"]["impressions"]) == ("Europe/Madrid", 12)
    assert "no time zone" in refused(run, "figures", "rebuild", "--zone", "Madrid")
    books = Books.open(books_url(tmp_path / "books" / "books.db"), clock=Clock(), dice=Dice())
    with books.read() as tx:
        acts = [each.act for each in audit.acts(tx)]
    assert "figures rebuild" in acts
    books.close()
