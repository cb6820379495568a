"""Who stands at the site's terminals, as far as the asking node can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.messages import Person
    from edge.store.replica import Replica


class Vouched:
    """Takes every node at its word: a user name it vouches for, or a card that was read there."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def who(self, node: str, person: Person) -> str | None:
        """Return the user name of who a node says stands there, None if nobody is known by it."""
        del node
        if person.card is not None:
            row = self._replica.user_of_card(person.card)
            return row.name if row else None
        row = self._replica.user(person.user) if person.user else None
        return row.name if row else None
