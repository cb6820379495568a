"""Opens the books that the settings name; new ones are made only where none can have been lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.credentials import CredentialFile
from broker.topics import Party
from central.store.books import Books, BooksUnusable

if TYPE_CHECKING:
    from config.settings import CentralSettings

_NAMED = 5


def open_books(settings: CentralSettings) -> Books:
    """Open the books, migrating them first; with their second log.

    Raises:
        BooksUnusable: they are not there though nodes have credentials (a volume that is not
            mounted, a file that was moved): empty ones would give everybody nothing. Or they
            cannot be used; or a second log is wanted where a server has them.
        BooksUnwritable: the database fails at present.
    """
    refuse_if_lost(settings)
    if settings.second_log is not None and not settings.url.startswith("sqlite"):
        raise BooksUnusable(
            "second_log is for SQLite; a server archives its own log, see docs/postgresql.md: take "
            "second_log out of the settings"
        )
    return Books.open(
        settings.url, currency=settings.currency, second_log=settings.second_log_directory
    )


def refuse_if_lost(settings: CentralSettings) -> None:
    """Make sure that where there are no books none were lost.

    Raises:
        BooksUnusable: some were: nodes have credentials.
    """
    file = settings.file
    if settings.database_url is not None or file.exists():
        return
    entries = CredentialFile(settings.credentials).entries()
    nodes = [each.name for each in entries if each.party is Party.NODE]
    if not nodes:
        return
    more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    raise BooksUnusable(
        f"there are no books at {file}, though {', '.join(nodes[:_NAMED])}{more} may connect; is "
        "the volume there? `printmesh central restore` brings books back from a backup"
    )
