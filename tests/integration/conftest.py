"""Fixtures of several suites: which database has the books, SNMP agents that run once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from tests.integration import dialects, snmp_lab
from tests.integration.books_server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure(config: pytest.Config) -> None:
    """Say what our mark means."""
    config.addinivalue_line(
        "markers", "sqlite_only(why): opens books, and need not or cannot do it on PostgreSQL"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what opens books on each database, unless it is about the one that is a file."""
    about_a_file = metafunc.definition.get_closest_marker("sqlite_only")
    module = Path(str(metafunc.module.__file__))
    if about_a_file is None and dialects.opens_books(module):
        wanted = dialects.wanted(metafunc.config.getoption("--databases"), module)
        metafunc.parametrize("dialect", wanted, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def _one_schema() -> Iterator[None]:
    """Build the schema of books in SQLite once for all tests of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("central.store.books.migrate", dialects.migrate_by_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_compilation() -> Iterator[None]:
    """Compile each statement once for all books in SQLite of this process.

    Most tests have books of their own, hence an engine, which would compile all it asks anew: a
    quarter of what they take. Engines made with the same arguments compile the same.
    """
    compiled: LRUCache[object, object] = LRUCache(2000)
    options = {"execution_options": {"compiled_cache": compiled}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda one, two: type(one) is type(two))
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda one: hash(type(one)))
        patch.setattr("central.store.engines.create_engine", partial(create_engine, **options))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Run a PostgreSQL server, for all tests of this process that have their books in one."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def dialect(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the books of a test in SQLite, or in databases of the server."""
    which: dialects.Dialect = getattr(request, "param", "sqlite")
    if which == "sqlite":
        yield from dialects.use(None)
        return
    if not dialects.installed():
        pytest.skip("PostgreSQL is not installed")
    yield from dialects.use(request.getfixturevalue("postgresql"))


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return the UDP port at which every recording answers, its name as community."""
    with snmp_lab.snmpsim(tmp_path_factory.mktemp("snmpsim")) as port:
        yield port


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[snmp_lab.Snmpd]:
    """Run Net-SNMP's agent, with users of version 3 and a recorded Printer MIB."""
    with snmp_lab.snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running
