"""Promises of the books on PostgreSQL beyond those that both databases keep alike."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from central.cli import main
from central.store import accounts, audit
from central.store.books import Books, BooksUnusable, BooksUnwritable
from central.store.postgres_kinds import escaped, plain
from central.store.running import BooksInUse
from central.store.tables import event, job, location
from demo.postgres import PrivatePostgres, programs
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import MORNING, MemoryEdge, open_account, open_books
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.books_server import Server

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Open books with Ana's account."""
    opened = open_books(books_url(tmp_path / "books.db"))
    open_account(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(module_directory: Path) -> Iterator[PrivatePostgres]:
    """Run a server that tests may stop and kill; it keeps what it confirms, as a real one."""
    with PrivatePostgres(module_directory / "server", quick=False) as running:
        yield running


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    """Return the address of new books on the server of all tests."""
    with postgresql.database() as address:
        yield address


def note(books: Books, act: str) -> None:
    """Write something small."""
    with books.write() as tx:
        audit.note(tx, author="test", act=act, target="t")


def undo(books: Books) -> None:
    """Write something and take it back."""
    with suppress(ZeroDivisionError), books.write() as tx:
        audit.note(tx, author="test", act="undone", target="t")
        _ = 1 / 0


def broken_off(books: Books, strike: Callable[[], None]) -> None:
    """Write one act, have lightning strike, and write another in the same breath."""
    with books.write() as tx:
        audit.note(tx, author="test", act="half", target="t")
        strike()
        audit.note(tx, author="test", act="other half", target="t")


def acts(books: Books) -> list[str]:
    """Return what was written so."""
    with books.read() as tx:
        return [each.act for each in audit.acts(tx, target="t")]


# ── what both promise, and the file by its nature ───────────────────────────────────────────


def test_a_reader_sees_one_moment(books: Books, tmp_path: Path) -> None:
    """What is committed while somebody reads is not there for them, not even in part."""
    other = open_books(books_url(tmp_path / "books.db"))
    with books.read() as tx:
        before = tx.sql.execute(select(func.count()).select_from(location)).scalar_one()
        open_account(other, "user:bob", "1.00")
        assert tx.sql.execute(select(func.count()).select_from(location)).scalar_one() == before
        assert accounts.find(tx, "user:bob") is None
    with books.read() as tx:
        assert accounts.find(tx, "user:bob") is not None
    other.close()


def test_what_changes_nothing_is_no_change(books: Books, tmp_path: Path) -> None:
    """Whoever waits for changes is woken by them, whoever made them, and by nothing else."""
    other = open_books(books_url(tmp_path / "books.db"))
    first = books.change_token()
    with other.write() as tx:
        accounts.find(tx, "user:ana")
    with other.read() as tx:
        accounts.find(tx, "user:ana")
    undo(other)
    assert books.change_token() == first
    note(other, "one")
    second = books.change_token()
    assert second != first
    note(books, "two")
    assert books.change_token() not in {first, second}
    other.close()


def test_every_character_comes_back(books: Books) -> None:
    """NUL as well, which PostgreSQL has no room for, in a text that its hash must fit."""
    edge = MemoryEdge(books)
    edge.join()
    odd = "{\x00 not JSON \U0010ffff0 \U0010ffff1 \U0001f5a8 é \x7f\u2028"
    done = edge.send([*edge.say(), edge.say_text(odd)])
    assert len(done.quarantined) == 1
    with books.read() as tx:
        kept = tx.sql.execute(select(event.c.data).where(event.c.state == "quarantined")).scalar()
    assert kept == odd
    assert_sound(books)


def test_keys_are_ordered_by_their_bytes(books: Books) -> None:
    """Pages of keys leave none out, whatever order a language would put them in."""
    odd = ["user:Zoe", "user:ana", "user:-x", "user:éva", "user:a.b", "user:_", "user:ANA"]
    for key in odd[:1] + odd[2:]:
        open_account(books, key)
    found: list[str] = []
    with books.read() as tx:
        while page := accounts.every(tx, after=found[-1] if found else "", limit=2, kind="user"):
            found += [each.key for each in page]
    assert found == sorted(odd)


def test_large_figures_fit_and_stay_integers(books: Books) -> None:
    """More than 32 bits in every column of integers; and sums are no decimals, which JSON lacks."""
    large = 2**40
    row = dict.fromkeys(("node", "user", "queue", "name", "state", "detail"), "x")
    values = {"attempt": large, "counts": "[]", "impressions": large, "updated_at": MORNING}
    with books.write() as tx:
        for n in (1, 2):
            tx.sql.execute(job.insert().values(n=n, job=str(n), **row, **values))
        assert tx.sql.execute(select(job.c.attempt).limit(1)).scalar_one() == large
        total = tx.sql.execute(select(func.sum(job.c.impressions))).scalar_one()
    assert json.dumps(total) == str(2 * large)


# ── a server ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.sqlite_only("needs no books")
def test_no_two_texts_are_kept_alike() -> None:
    """Escaping is undone to the letter, whatever stands beside what is escaped."""
    signs = ("\x00", "\U0010ffff", "0", "1")
    texts = [a + b + c + d for a in signs for b in signs for c in signs for d in signs]
    assert [plain(escaped(each)) for each in texts] == texts
    assert not any("\x00" in escaped(each) for each in texts)


def opened(url: str) -> closing[Books]:
    """Open books at an address, and close them."""
    return closing(open_books(url))


@pytest.mark.sqlite_only("has a server of its own")
def test_a_server_that_comes_back_is_used_again(server: PrivatePostgres) -> None:
    """Reading, writing and waiting go on; the coordinator's lock is taken again."""
    server.create("comes_back")
    url = server.url("comes_back")
    with opened(url) as books, books.alone():
        note(books, "before")
        token = books.change_token()
        server.stop()
        with pytest.raises(BooksUnwritable):
            note(books, "meanwhile")
        with pytest.raises(BooksUnwritable):
            books.change_token()
        with pytest.raises(BooksUnwritable), books.read():
            pass
        server.start()
        assert acts(books) == ["before"]
        note(books, "after")
        assert books.change_token() != token
        with opened(url) as other, pytest.raises(BooksInUse), other.alone():
            pass
        assert acts(books) == ["before", "after"]


@pytest.mark.sqlite_only("has a server of its own")
def test_a_restart_between_two_writes_is_not_noticed(server: PrivatePostgres) -> None:
    """Nothing was under way: the connection is made anew and nobody is told."""
    server.create("restarted")
    with opened(server.url("restarted")) as books:
        note(books, "one")
        server.stop()
        server.start()
        note(books, "two")
        assert acts(books) == ["one", "two"]


@pytest.mark.sqlite_only("has a server of its own")
def test_what_was_committed_survives_a_crash(server: PrivatePostgres) -> None:
    """A server that is killed has every act that was confirmed, and none that was not."""
    server.create("killed")
    with opened(server.url("killed")) as books:
        for n in range(20):
            note(books, f"act {n}")
        with pytest.raises(BooksUnwritable):
            broken_off(books, server.kill)
        server.start()
        assert acts(books) == [f"act {n}" for n in range(20)]
        assert_sound(books)


def lose_answer(books: Books, really: Callable[[psycopg.Connection], None]) -> None:
    """Have the next commit do something, and its answer lost."""
    dialect = books._engine.dialect

    def lossy(pooled: Any) -> None:  # noqa: ANN401  as the dialect has it
        del dialect.do_commit
        raw = pooled.driver_connection
        really(raw)
        raw.close()
        raise psycopg.OperationalError("the line is down")

    dialect.do_commit = lossy  # type: ignore[assignment, method-assign]


@pytest.mark.sqlite_only("about a line to a server")
def test_a_commit_whose_answer_was_lost_is_looked_up(url: str) -> None:
    """Kept, all is well and nothing is done twice; not kept, it is said."""
    with opened(url) as books:
        lose_answer(books, lambda raw: raw.commit())
        note(books, "kept")
        lose_answer(books, lambda raw: raw.rollback())
        with pytest.raises(BooksUnwritable):
            note(books, "not kept")
        note(books, "next")
        assert acts(books) == ["kept", "next"]


@pytest.mark.sqlite_only("about a line to a server")
def test_a_coordinator_that_lost_its_lock_writes_nothing(postgresql: Server, url: str) -> None:
    """Another has begun meanwhile; the first one's lines were cut, and it comes back too late."""
    with opened(url) as old, opened(url) as new:
        with old.alone():
            note(old, "old")
            postgresql.throw_out(url)
            with new.alone():
                with pytest.raises(BooksInUse):
                    old.change_token()
                with pytest.raises(BooksInUse):
                    note(old, "too late")
                note(new, "new")
            note(old, "alone again")
        assert acts(new) == ["old", "new", "alone again"]


@pytest.mark.sqlite_only("about a line to a server")
def test_a_line_cut_in_the_middle_leaves_no_trace(postgresql: Server, url: str) -> None:
    """Whatever was under way is undone there, said here, and the next try works."""
    with opened(url) as books:
        open_account(books, top_up="5.00")
        with pytest.raises(BooksUnwritable):
            broken_off(books, lambda: postgresql.throw_out(url))
        note(books, "next")
        assert acts(books) == ["next"]
        assert_sound(books)


@pytest.mark.sqlite_only("about rights on a server")
def test_who_reads_cannot_write(url: str) -> None:
    """A question that would change something is a mistake of ours, and the server says so."""
    with (
        opened(url) as books,
        pytest.raises(BooksUnwritable, match="read-only transaction"),
        books.read() as tx,
    ):
        audit.note(tx, author="test", act="by mistake", target="t")


@pytest.mark.sqlite_only("about a server's database")
def test_a_database_in_another_encoding_is_refused(postgresql: Server) -> None:
    """What people are called would not fit; what to do is in the answer."""
    how = "TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
    with (
        postgresql.database(how) as url,
        pytest.raises(BooksUnusable, match="ENCODING 'UTF8'"),
    ):
        Books.open(url)


@pytest.mark.sqlite_only("about a server's database")
def test_the_tests_server_does_not_order_by_bytes(url: str) -> None:
    """So that what the books need of order is their own doing; every text of theirs has it."""
    with opened(url) as books, books.read() as tx:
        if tx.sql.execute(text("SELECT 'a' < 'B'")).scalar_one() is not True:
            pytest.skip("this server was built without other orders")
        left = tx.sql.execute(
            text(
                "SELECT count(*) FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid "
                "JOIN pg_namespace n ON n.oid = t.relnamespace "
                "WHERE n.nspname = 'public' AND t.relkind = 'r' AND a.attnum > 0 "
                "AND a.atttypid = 'text'::regtype AND a.attcollation <> '\"C\"'::regcollation"
            )
        ).scalar_one()
    assert left == 0


@pytest.mark.sqlite_only("about commands on a server's books")
def test_copies_of_a_file_are_refused_in_words(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`backup` and `second-log` name what PostgreSQL has instead."""
    settings = tmp_path / "central.toml"
    settings.write_text(
        f'data = "books"\ndatabase_url = "{url}"\n'
        'credentials = "c.json"\n[broker]\nsecret = "sssssssssssssssssssssssssssssssssssssssssss"\n'
        "port = 1\n"
    )
    for words, said in (
        (["backup", str(tmp_path / "b.db")], "pg_dump"),
        (["second-log", "show"], "archives its own log"),
        (["second-log", "compact"], "archives its own log"),
    ):
        assert main([*words, "--config", str(settings)]) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "b.db").exists()
