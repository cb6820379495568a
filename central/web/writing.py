"""How a request changes the books: in a thread, one at a time, in one transaction that is short."""

from __future__ import annotations

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
        self._books = books
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
        if self._asked > _WAITING:
            raise TooBusy
        self._asked += 1
        try:
            done = await to_thread.run_sync(self._do_here, act, limiter=self._room)
        finally:
            self._asked -= 1
        self._told()
        return done

    def _do_here(self, act: Callable[[Transaction], T]) -> T:
        with self._books.write() as tx:
            return act(tx)
