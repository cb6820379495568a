"""Which process runs as the coordinator of some books: one at a time, and others can see that.

It is a lock that the system takes back when its process ends, however it ends; nothing has to be
tidied up after a crash.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError, OperationalError

from central.store import postgres
from central.store.errors import BooksUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

#: Of a session on PostgreSQL: the server takes it back when the connection ends.
_LOCK: Final = 7_746_512
#: A server needs a moment to see that whoever had it has died.
_TAKE: Final = f"SET LOCAL lock_timeout = '1s'; SELECT pg_advisory_lock({_LOCK})"


class BooksInUse(BooksUnusable):
    """A coordinator runs on these books."""


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Be the only one who runs on the books in a file, or begins them anew, meanwhile.

    Raises:
        BooksInUse: somebody else is.
    """
    path = file.with_name(f"{file.name}.running")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BooksUnusable(f"{path} cannot be made or opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(str(file)) from error
        yield
    finally:
        os.close(descriptor)


class Guard:
    """Holds the lock of the one coordinator, and takes it again when its connection was lost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sql: Connection | None = None
        self._turn = Lock()

    @property
    def held(self) -> bool:
        """Whether it has the lock, as far as is known without asking."""
        return self._sql is not None

    def hold(self) -> None:
        """Take the lock, or make sure that it is still held.

        Raises:
            BooksInUse: somebody else has it.
            OperationalError: the server cannot be asked.
        """
        with self._turn:
            self._held()

    def changes(self) -> int:
        """Return `postgres.changes`, asked where the lock is: so its loss is noticed at once."""
        with self._turn:
            return postgres.changes(self._held())

    def release(self) -> None:
        """Give it back."""
        with self._turn:
            if self._sql is not None:
                with suppress(DatabaseError):
                    self._sql.execute(select(func.pg_advisory_unlock(_LOCK)))
            self._drop()

    def _held(self) -> Connection:
        if self._sql is not None:
            try:
                self._sql.exec_driver_sql("SELECT 1")
            except OperationalError:
                self._drop()
            else:
                return self._sql
        sql = postgres.session(self._engine)
        try:
            sql.exec_driver_sql(_TAKE)
        except OperationalError as error:
            sql.close()
            if error.connection_invalidated:
                raise
            raise _in_use(self._engine.url.render_as_string()) from error
        self._sql = sql
        return sql

    def _drop(self) -> None:
        if self._sql is not None:
            self._sql.close()
        self._sql = None


def _in_use(books: str) -> BooksInUse:
    return BooksInUse(f"a coordinator runs on the books {books}; stop it first")
