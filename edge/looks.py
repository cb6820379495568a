"""Who handles other people's jobs and looked at them: told to the centre before they are shown."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from broker.messages import OperatorLooked

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from edge.store.books import Books

#: A screen asks for its list again and again: said once in so long, for each thing looked at.
_AGAIN: Final = timedelta(minutes=10)
#: Looks remembered, so that they do not grow with time.
_REMEMBERED: Final = 1000


class Looks:
    """What was looked at of late."""

    def __init__(self, books: Books) -> None:
        """Begin with nothing: after a restart all is said anew."""
        self._books = books
        self._told: OrderedDict[tuple[str, str | None, UUID | None], datetime] = OrderedDict()

    def at(self, user: str, node: str, owner: str | None, job: UUID | None, now: datetime) -> None:
        """Say that somebody looks at what is not theirs.

        Args:
            user: who.
            node: where.
            owner: whose; None: everybody's.
            job: of which a page is shown; None: the list.
            now: the moment.

        Raises:
            StoreUnwritableError: it is not said, so it must not be shown.
        """
        key = user.lower(), owner and owner.lower(), job
        last = self._told.get(key)
        if last is not None and abs(now - last) < _AGAIN:
            return
        looked = OperatorLooked(user=user, terminal=node, owner=owner, job=job, looked_at=now)
        self._books.tell(looked, now)
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
