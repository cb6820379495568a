"""One coordinator on some books at a time: who begins them anew, or runs as well, is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from central.cli import main
from central.store.books import Books
from central.store.running import BooksInUse
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS: Final = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""
_HOLD: Final = """
import sys
from central.store.books import Books
with Books.open(sys.argv[1]).alone():
    print("alone", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory with settings and books."""
    (tmp_path / "central.toml").write_text(SETTINGS)
    (tmp_path / "books").mkdir()
    Books.open(books_url(tmp_path / "books" / "books.db")).close()
    return tmp_path


def test_books_in_use_are_not_begun_anew(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`recovery begin` says who is in the way, and the epoch stays; afterwards it does it."""
    url = books_url(home / "books" / "books.db")
    line = ["recovery", "begin", "--yes", "--config", str(home / "central.toml")]
    books = Books.open(url)
    with books.alone():
        assert main(line) == 1
    assert "a coordinator runs on the books" in capsys.readouterr().err
    assert main(line) == 0
    assert "epoch 2" in capsys.readouterr().out
    books.close()


def test_a_second_coordinator_ends_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would give the same money a second time; it ends before it has written anything."""
    books = Books.open(books_url(home / "books" / "books.db"))
    with books.alone():
        assert main(["run", "--config", str(home / "central.toml")]) == 1
    books.close()
    assert "a coordinator runs on the books" in capsys.readouterr().err


def test_who_dies_leaves_nothing_in_the_way(home: Path) -> None:
    """Killed, it holds the books no longer: there is nothing for a person to tidy up."""
    url = books_url(home / "books" / "books.db")
    held = subprocess.Popen(
        [sys.executable, "-c", _HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert held.stdout is not None
    assert held.stdout.readline() == b"alone\n"
    books = Books.open(url)
    with pytest.raises(BooksInUse), books.alone():
        pass
    held.kill()
    held.communicate()
    with books.alone():
        pass
    books.close()
