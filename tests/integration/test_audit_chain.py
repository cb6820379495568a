"""Promises of the audit: nothing in it changes, every change shows, and it can be searched."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from central.acts.by import By, signed
from central.cli import main
from central.store import audit, audit_chain
from central.store.audit import Which
from central.store.books import Books
from central.store.verify import Counts, verify
from config.settings import CentralSettings, load
from tests.integration.books_lab import MORNING, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Transaction

ACTS = (
    ("web:ana", "card add", "person:bob"),
    ("cli:root", "cardinal", "north"),
    ("web:bob", "account freeze", "user:ana"),
    ("coordinator", "retention", "books"),
)


@pytest.fixture
def books() -> Iterator[Books]:
    """Return books with a few acts, a minute apart."""
    opened = open_books()
    for n, (author, act, target) in enumerate(ACTS):
        with opened.write(MORNING + timedelta(minutes=n)) as tx:
            detail = {"n": n, "who": "José"}
            audit.note(tx, author=author, act=act, target=target, detail=detail, from_="::1")
    yield opened
    opened.close()


def broken(books: Books) -> list[str]:
    """Return where the chain does not hold."""
    with books.read() as tx:
        return [each.where for each in audit_chain.check(tx)]


def without_guard(tx: Transaction, statement: str) -> None:
    """Do at the database what only its owner can: take the guard away first."""
    if tx.sql.dialect.name == "sqlite":
        tx.sql.execute(text("DROP TRIGGER IF EXISTS audit_not_changed"))
        tx.sql.execute(text("DROP TRIGGER IF EXISTS audit_not_removed"))
    else:
        tx.sql.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
    tx.sql.execute(text(statement))


def test_an_act_says_who_when_from_where_before_and_after(books: Books) -> None:
    """What is written down comes back, through pages of any size."""
    with books.write(MORNING) as tx:
        mine = signed(tx, By("web:eva", "10.0.0.7"))
        n = audit.note(mine, author="web:eva", act="tariff set", target="2", before=[1], after=[2])
        found = audit.find(tx, n)
    assert found is not None
    assert (found.author, found.at, found.address) == ("web:eva", MORNING, "10.0.0.7")
    assert (found.before, found.after, found.detail) == ([1], [2], {})
    assert broken(books) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET author = 'web:eve' WHERE n = 2",
        "UPDATE audit SET detail = '{}'",
        "DELETE FROM audit WHERE n = 1",
        "DELETE FROM audit",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_act(books: Books, statement: str) -> None:
    """A slip of a program or of a person at the database does nothing."""
    with pytest.raises(DatabaseError, match="acts in the audit"), books.write() as tx:
        tx.sql.execute(text(statement))
    assert broken(books) == []


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE audit SET author = 'web:eve' WHERE n = 2", "act 2"),
        ("UPDATE audit SET address = '' WHERE n = 2", "act 2"),
        ("UPDATE audit SET \"before\" = '1' WHERE n = 3", "act 3"),
        # what follows a gap shows it
        ("DELETE FROM audit WHERE n = 2", "act 3"),
        # nothing follows: the end that was noted shows it
        ("DELETE FROM audit WHERE n = 4", "act 4"),
    ],
)
def test_whoever_takes_the_guard_away_is_found_out(
    books: Books, statement: str, where: str
) -> None:
    """`audit verify` and `central verify` name the first act that is not as it was."""
    with books.write() as tx:
        without_guard(tx, statement)
    assert broken(books)[0] == where
    with books.read() as tx:
        counts = Counts()
        findings = list(verify(tx, counts, lambda _done, _all: None))
    assert findings[0].check == "audit"


def test_a_transaction_that_is_undone_leaves_no_gap(books: Books) -> None:
    """The next act follows the last one that was committed."""
    with suppress(ZeroDivisionError), books.write() as tx:
        audit.note(tx, author="a", act="b", target="c")
        raise ZeroDivisionError
    with books.write() as tx:
        assert audit.note(tx, author="a", act="b", target="c") == len(ACTS) + 1
    assert broken(books) == []


def test_what_is_pruned_is_the_beginning_and_the_rest_still_proves_itself(books: Books) -> None:
    """Retention removes the oldest; numbers go on where they were, even when all are gone."""
    with books.write() as tx:
        assert audit_chain.prune(tx, MORNING + timedelta(minutes=2)) == 2
    assert broken(books) == []
    with books.read() as tx:
        assert [each.n for each in audit.acts(tx)] == [3, 4]
    with books.write() as tx:
        assert audit_chain.prune(tx, MORNING + timedelta(days=1)) == 2
        assert audit.note(tx, author="a", act="b", target="c") == 5
    assert broken(books) == []


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Which(), [4, 3, 2, 1]),
        (Which(author="ana"), [1]),
        (Which(author="web:ana"), [1]),
        # by her, and to her
        (Which(person="ana"), [3, 1]),
        (Which(person="bob"), [3, 1]),
        (Which(target="north"), [2]),
        # a word is a word, not its beginning
        (Which(act="card"), [1]),
        (Which(act="account freeze"), [3]),
        (Which(since=MORNING + timedelta(minutes=2)), [4, 3]),
        (Which(until=MORNING + timedelta(minutes=2)), [2, 1]),
        (Which(author="ana", act="account"), []),
    ],
)
def test_acts_are_found_by_person_target_act_and_time(
    books: Books, which: Which, found: list[int]
) -> None:
    """Newest first, and the same page by page."""
    with books.read() as tx:
        assert [each.n for each in audit.search(tx, which)] == found
        paged: list[int] = []
        while page := audit.search(tx, which, before=paged[-1] if paged else None, limit=1):
            paged += [each.n for each in page]
        assert paged == found
        assert [each.n for each in audit.every(tx, which)] == sorted(found)


def test_the_hash_is_what_the_manual_says() -> None:
    """Somebody else's program can check an export: the formula is written down and stands."""
    content = audit_chain.Content(1, 1_000_000, "a", "", "b", "c", '{"é":1}', None, "[1]")
    line = '[1,1000000,"a","","b","c","{\\"\\u00e9\\":1}",null,"[1]"]'
    by_hand = sha256(("0" * 64 + "\n" + line).encode()).hexdigest()
    assert audit_chain.link(audit_chain.BEGINNING, content) == by_hand
    assert audit_chain.link("1" * 64, content) != by_hand
    other = replace(content, after=None)
    assert audit_chain.link(audit_chain.BEGINNING, other) != by_hand


SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


def test_the_command_lists_verifies_and_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON lines and CSV have everything; no cell of the CSV is a formula; damage is status 1."""
    config = tmp_path / "central.toml"
    config.write_text(SETTINGS)

    def run(*words: str) -> tuple[int, str]:
        status = main(["audit", *words, "--config", str(config)])
        said = capsys.readouterr()
        return status, said.out + said.err

    books = Books.open(load(CentralSettings, config).url)
    with books.write() as tx:
        audit.note(tx, author="cli:root", act="card add", target="=cmd()", detail={"a": 1})
    status, said = run("list", "--json")
    (row,) = json.loads(said)
    assert (status, row["target"], row["detail"]) == (0, "=cmd()", {"a": 1})
    _, said = run("export")
    assert json.loads(said)["hash"] == row["hash"]
    _, said = run("export", "--format", "csv")
    (line,) = csv.DictReader(io.StringIO(said))
    assert (line["target"], line["hash"]) == ("'=cmd()", row["hash"])
    status, said = run("verify")
    assert (status, row["hash"] in said) == (0, True)
    with books.write() as tx:
        without_guard(tx, "UPDATE audit SET target = 'x'")
    books.close()
    status, said = run("verify", "--json")
    assert (status, json.loads(said)["ok"]) == (1, False)


def test_a_long_chain_is_looked_at_piece_by_piece(books: Books) -> None:
    """Each piece goes on where the one before ended; the last one says that it was the last."""
    with books.write() as tx:
        done, pieces = audit_chain.look(tx, most=2), 1
        assert (done.upto, done.broken, done.whole) == (2, (), False)
        while not done.whole:
            done, pieces = audit_chain.look(tx, after=done.upto, most=2), pieces + 1
        assert (done.upto, done.broken, pieces) == (audit_chain.head(tx).n, (), 3)
        without_guard(tx, "UPDATE audit SET author = 'web:eve' WHERE n = 3")
        assert audit_chain.look(tx, most=2).broken == ()
        assert [each.where for each in audit_chain.look(tx, after=2, most=2).broken] == ["act 3"]
