"""Which process runs as the coordinator of some books: one at a time, and others can see that.

It is a lock that the system takes back when its process ends, however it ends; nothing has to be
tidied up after a crash.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from central.store.errors import BooksUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

#: Of a session on PostgreSQL. A connection that breaks gives it back: a guard, not a fence.
_LOCK: Final = 7_746_512


class BooksInUse(BooksUnusable):
    """A coordinator runs on these books."""


@contextmanager
def alone(engine: Engine, file: Path | None) -> Iterator[None]:
    """Be the only one who runs on the books, or begins them anew, meanwhile.

    Args:
        engine: theirs.
        file: they are in; None: a server has them, or nobody.

    Raises:
        BooksInUse: somebody else is.
    """
    if file is not None:
        with _locked(file.with_name(f"{file.name}.running")):
            yield
    elif engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as sql:
            if not sql.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar_one():
                raise _in_use(engine.url.render_as_string())
            try:
                yield
            finally:
                sql.execute(select(func.pg_advisory_unlock(_LOCK)))
    else:
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BooksUnusable(f"{path} cannot be made or opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(str(path.with_suffix(""))) from error
        yield
    finally:
        os.close(descriptor)


def _in_use(books: str) -> BooksInUse:
    return BooksInUse(f"a coordinator runs on the books {books}; stop it first")
