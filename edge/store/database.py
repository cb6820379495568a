"""The door of the store: TinyDB with transactions, streams and checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from tinydb import TinyDB

from edge.store.disk import DirectoryDisk
from edge.store.errors import StoreUnwritableError
from edge.store.journal import Journal
from edge.store.storage import JournalStorage
from edge.store.table import JournalTable
from edge.store.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path
    from uuid import UUID

    from tinydb.table import Table

    from broker.messages import Envelope, Position
    from broker.stream import StreamKey
    from edge.store.recovery import Recovered

__all__ = ["EdgeDatabase", "Transaction"]


class _Block:
    """A `with` block: whatever leaves it by an exception was never there."""

    __slots__ = ("_storage", "_then")

    def __init__(self, storage: JournalStorage, then: Callable[[], None] | None) -> None:
        self._storage = storage
        self._then = then

    def __enter__(self) -> Transaction:
        return self._storage.begin()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._storage.end(commit=kind is None)
        if kind is None and self._then is not None:
            self._then()


class EdgeDatabase(TinyDB):
    """TinyDB over a journal: the Query API as it is, each write O(1) and durable.

    For one thread; a transaction never spans an `await`.

    Args:
        journal: owns the directory; `close` closes it.
        indexes: table → top-level fields that `==`, `one_of`, `&` and `|` find by hash.
    """

    table_class: type[Table] = JournalTable

    def __init__(
        self,
        journal: Journal,
        *,
        indexes: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(journal, storage=JournalStorage)
        self._journal = journal
        self._journalled = self._rows()
        for table, fields in (indexes or {}).items():
            self._rows().add_indexes(table, fields)

    @classmethod
    def at(
        cls,
        path: Path,
        *,
        indexes: Mapping[str, tuple[str, ...]] | None = None,
        durable: bool = True,
    ) -> Self:
        """Open the directory, or make it.

        Raises:
            StoreInUseError: another process has it.
            StoreDamagedError: it is not what was acknowledged.
            StoreUnwritableError: it cannot be read or written.
        """
        try:
            disk = DirectoryDisk(path)
        except OSError as error:
            raise StoreUnwritableError(f"{path} cannot be made: {error.strerror}") from error
        return cls(Journal(disk, durable=durable), indexes=indexes)

    @property
    def incarnation(self) -> UUID:
        """Minted with the journal (PROTOCOL 1)."""
        return self._journal.incarnation

    @property
    def recovered(self) -> Recovered | None:
        """What was found at the start; none when the store is new, or was started empty."""
        return self._journal.recovered

    @property
    def trouble(self) -> str:
        """Why nothing can be written, as of the last try; empty: it can."""
        return self._journal.trouble

    @property
    def checkpoint_due(self) -> bool:
        """Whether `checkpoint_step` should be called."""
        return self._journal.checkpoint_due

    def transaction(
        self, then: Callable[[], None] | None = None
    ) -> AbstractContextManager[Transaction]:
        """Make all table writes and events in the block one durable record, or nothing at all.

        Args:
            then: called once the record is durable.

        Raises:
            StoreUnwritableError: at the end of the block; everything is as before it.
            RuntimeError: a transaction is running already.
        """
        return _Block(self._journalled, then)

    def table(self, name: str, **options: Any) -> JournalTable:  # noqa: ANN401 - as TinyDB's
        """Return a table by name; it exists from its first write on."""
        table = self._tables.get(name)
        if table is None:
            table = super().table(name, **options)
        return cast("JournalTable", table)

    def open_stream(self, stream: str, key: StreamKey, after: Position | None = None) -> Position:
        """Begin a stream unless it is there, and return its head; see `Transaction.open_stream`."""
        with self.transaction() as transaction:
            return transaction.open_stream(stream, key, after)

    def streams(self) -> dict[str, StreamKey]:
        """Return the key of every stream by its name."""
        return {name: index.key for name, index in self._journal.streams.items()}

    def head(self, stream: str) -> Position:
        """Return the newest durable place of a stream.

        Raises:
            KeyError: there is no such stream.
        """
        return self._journal.streams[stream].head

    def first_kept(self, stream: str) -> int:
        """Return the oldest seq still on disk; one past the head when there is none."""
        return self._journal.streams[stream].first

    def events(self, stream: str, first: int, last: int) -> Iterator[Envelope]:
        """Yield a stream's events from disk; see `Journal.events`."""
        return self._journal.events(stream, first, last)

    def hash_at(self, stream: str, seq: int) -> str | None:
        """Return the chain's hash at `seq`, or none when that is unknown here."""
        return self._journal.hash_at(stream, seq)

    def checkpoint_step(self, budget: timedelta) -> bool:
        """Go on with the checkpoint, or begin one; see `Journal.checkpoint_step`."""
        return self._journal.checkpoint_step(budget)

    def checkpoint(self) -> None:
        """Make a whole checkpoint, blocking."""
        self._journal.checkpoint()

    def end(self) -> None:
        """Write nothing any more; see `Journal.end`."""
        self._journal.end()

    def prune(self, acked: Mapping[str, int], now: datetime) -> int:
        """Drop old segments; see `Journal.prune`."""
        return self._journal.prune(acked, now)

    def _rows(self) -> JournalStorage:
        return cast("JournalStorage", self._storage)
