"""Bringing the schema of the books to the newest version, whatever has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from central.store import postgres
from central.store.engines import engine_of
from central.store.errors import BooksUnusable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the schema to the newest version; return the version before and after.

    Raises:
        BooksUnusable: the database was written by a newer version of this program, or is not fit.
    """
    from alembic import command as alembic  # noqa: PLC0415  slow, and --help opens no books
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    newest, known = _versions()
    if newest is None:
        raise BooksUnusable("this installation has no migrations: it is incomplete")
    with engine.connect().execution_options(writer=True) as sql, sql.begin():
        before = MigrationContext.configure(sql).get_current_revision()
        if before is not None and before not in known:
            raise BooksUnusable(
                f"the books have schema {before}, this program knows up to {newest}: "
                "use the version that wrote them, or a newer one"
            )
        if before != newest:
            if postgres.is_server(engine):
                postgres.refuse_unfit(sql)
            config = _config()
            config.attributes["connection"] = sql
            alembic.upgrade(config, "head")
            if postgres.is_server(engine):
                postgres.settle(sql)
    return before, newest


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415  slow, see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def _versions() -> tuple[str | None, frozenset[str]]:
    """Return the newest version and all; each is a file that is read, so once."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  slow, see above

    script = ScriptDirectory.from_config(_config())
    return script.get_current_head(), frozenset(each.revision for each in script.walk_revisions())


def migrate_url(url: str) -> tuple[str | None, str]:
    """Migrate the database at an address; see `migrate`."""
    engine = engine_of(url)
    try:
        return migrate(engine)
    except DatabaseError as error:
        raise BooksUnusable(f"cannot migrate {make_url(url)!r}: {error.orig}") from error
    finally:
        engine.dispose()
