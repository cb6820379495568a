"""How a request changes the books: in a thread, one at a time, in one transaction that is short."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from central.web.problems import TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.store.books import Books, Transaction

T = TypeVar("T")

#: Acts that may wait for their turn.
_WAITING: Final = 32


class Writer:
    """The books as acts change them; the twin of `Reader`."""

    def __init__(self, books: Books, told: Callable[[], None] = lambda: None) -> None:
        """Begin.

        Args:
            books: written to.
            told: called, in the loop, once something was committed.
        """
        self.books = books
        """For what takes more than one transaction."""
        self._told = told
        # the books have one writer in any case: a second thread would only wait with a lock on
        self._room = CapacityLimiter(1)
        self._asked = 0

    async def do(self, act: Callable[[Transaction], T]) -> T:
        """Do something in one transaction; return what it came to.

        Raises:
            TooBusy: too many wait already.
            BooksUnwritable: the database fails at present; nothing was changed.
        """
        done = await self._in_turn(lambda: self._do_here(act))
        self._told()
        return done

    async def tried(self, act: Callable[[Transaction], T]) -> T:
        """Do something in one transaction, undo it, and return what it came to.

        Raises:
            TooBusy: too many wait already.
            BooksUnwritable: the database fails at present.
        """
        return await self._in_turn(lambda: self._try_here(act))

    async def _in_turn(self, doing: Callable[[], T]) -> T:
        if self._asked > _WAITING:
            raise TooBusy
        self._asked += 1
        try:
            return await to_thread.run_sync(doing, limiter=self._room)
        finally:
            self._asked -= 1

    def _do_here(self, act: Callable[[Transaction], T]) -> T:
        with self.books.write() as tx:
            return act(tx)

    def _try_here(self, act: Callable[[Transaction], T]) -> T:
        kept: list[T] = []
        with suppress(_Undone), self.books.write() as tx:
            kept.append(act(tx))
            raise _Undone
        return kept[0]


class _Undone(Exception):
    """Undoes a transaction in which something was only tried."""
