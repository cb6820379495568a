"""Who stands at the site's terminals: a session, a card, or the word of a node that may vouch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from config.logs import logger
from config.policy.decisions import Reason
from edge.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from uuid import UUID

    from broker.directory import UserRow
    from broker.messages import Person
    from edge.ports import Clock
    from edge.sessions import Session, Sessions
    from edge.store.cards import CardsKept
    from edge.store.replica import Replica


_log = logger("edge.visitors")


def _now() -> datetime:
    return datetime.now(UTC)


class Vouched:
    """Takes every node at its word: a user name it vouches for, or a card that was read there."""

    def __init__(self, replica: Replica, clock: Callable[[], datetime] = _now) -> None:
        self._replica = replica
        self._clock = clock

    def who(self, node: str, person: Person) -> str | None:
        """Return the user name of who a node says stands there, None if nobody is known by it."""
        del node
        if person.card is not None:
            row = self._replica.user_of_card(person.card, self._clock())
            return row.name if row else None
        row = self._replica.user(person.user) if person.user else None
        return row.name if row else None

    def new_card(self, node: str, person: Person) -> str | None:
        """Return None: a card that is known here is confirmed."""
        del node, person
        return None


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody stands there."""

    user: UserRow
    """Who."""
    card: str | None = None
    """The key of the card they came by."""
    waits: bool = False
    """The centre has not confirmed that card yet: what may be spent by it is bounded."""
    session: Session | None = None
    """Where they are signed in."""
    pin: bool = False
    """They came by a card beside which the PIN is wanted."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody is known by what was shown."""

    code: str
    """Stable, for machines."""
    detail: str
    """One sentence for people."""
    wait_seconds: int | None = None
    """With `wait`: for how long nothing is looked at."""


Seen: TypeAlias = Known | Nobody

#: What a panel shows while it goes back to its first page.
SIGNED_OFF: Final = Nobody(Reason.NO_IDENTITY, "you are not signed in here any more; sign in again")
#: At a terminal of one person nobody shows anything.
OTHERS_OWN: Final = Nobody("not-yours", "this terminal is one person's own: nobody else signs in")
#: A card alone is not enough here.
PIN_NEEDED: Final = Nobody("pin-needed", "type the PIN as well")
_UNKNOWN_CARD: Final = Nobody(Reason.NO_IDENTITY, "nobody is known by this card")
_UNKNOWN: Final = Nobody(Reason.NO_IDENTITY, "nobody here is known by this card or name")
_DISABLED: Final = Nobody("user-disabled", "this person may not print or copy; ask at the desk")
_CARDS: Final = {
    "blocked": Nobody("card-blocked", "this card is blocked; ask at the desk"),
    "expired": Nobody("card-expired", "this card is no longer valid; ask at the desk"),
}


class SignedIn:
    """The people of a site as its edge knows them; nothing here waits."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        replica: Replica,
        cards: CardsKept,
        vouching: Iterable[str],
        clock: Clock,
        monotonic: Callable[[], float],
        pin_beside_card: bool = False,
        own: Container[str] = (),
        stale: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Take what identities rest on.

        Args:
            sessions: who is signed in.
            replica: who is who.
            cards: those that were entered here and wait for the centre.
            vouching: nodes whose word is taken for who stands there.
            clock: the time of day, for cards that expire.
            monotonic: seconds that only go on, for sessions.
            pin_beside_card: a card alone identifies nobody.
            own: terminals of one person, who need show nothing there.
            stale: says why what is known here of people is too old to go by, None when it is not.
        """
        self._own = own
        self.sessions = sessions
        """Who is signed in."""
        self._replica = replica
        self._cards = cards
        self._vouching = frozenset(vouching)
        self._clock = clock
        self._monotonic = monotonic
        self.pin_beside_card = pin_beside_card
        """A card alone identifies nobody."""
        self.stale = stale
        """Says why nobody is known here now."""
        self._strangers = Strangers()

    def who(self, node: str, person: Person) -> str | None:
        """Return the user name of who a node says stands there, None if nobody is known by it."""
        seen = self.seen(node, person)
        return seen.user.name if isinstance(seen, Known) else None

    def new_card(self, node: str, person: Person) -> str | None:
        """Return the key of the card they came by where the centre has not confirmed it."""
        seen = self.seen(node, person)
        return seen.card if isinstance(seen, Known) and seen.waits else None

    def seen(self, node: str, person: Person) -> Seen:
        """Say who stands there; whoever is signed in stays so for a while longer."""
        if person.session is not None:
            return self.signed_in(self.sessions.at(node, person.session, self._monotonic()))
        vouches = node in self._vouching
        if not vouches and node in self._own:
            return OTHERS_OWN
        if person.card is not None:
            if self.pin_beside_card and not vouches:
                return PIN_NEEDED
            seen = self.shown(node, person.card)
            return PIN_NEEDED if isinstance(seen, Known) and seen.pin and not vouches else seen
        if person.user is None or not vouches:
            return _UNKNOWN  # a name alone is a claim that anybody may make
        return self.by_name(person.user)

    def elsewhere(self, session: UUID) -> Seen:
        """Say who is signed in by a session, at whatever terminal."""
        return self.signed_in(self.sessions.elsewhere(session, self._monotonic()))

    def signed_in(self, session: Session | None) -> Seen:
        """Say who a session is, as things are now: people are disabled and cards lost meanwhile."""
        if session is None:
            return SIGNED_OFF
        user = self.by_name(session.user)
        if isinstance(user, Nobody):
            self.sessions.end(session.node, session.id)
            return SIGNED_OFF if user is _UNKNOWN else user
        if session.card is None:
            return Known(user.user, session=session)
        card = self._by_names((session.card,))
        if isinstance(card, Nobody) or card.user.name != user.user.name:
            self.sessions.end(session.node, session.id)
            return card if isinstance(card, Nobody) else SIGNED_OFF
        return Known(user.user, card.card, card.waits, session)

    def by_name(self, name: str) -> Seen:
        """Say who has this user name."""
        if (why := self.stale()) is not None:
            return Nobody("directory-old", why)
        user = self._replica.user(name)
        if user is None:
            return _UNKNOWN
        return Known(user) if user.enabled else _DISABLED

    def shown(self, node: str, number: str) -> Seen:
        """Say whose card was shown at a terminal; after many unknown ones it waits."""
        seen = self.waits(node) or self.by_card(number)
        if seen is _UNKNOWN_CARD:
            self.mistaken(node)
        return seen

    def waits(self, node: str) -> Nobody | None:
        """Say that no card of a terminal is looked at for a while; None: they are."""
        rest = self._strangers.rest(node, self._monotonic())
        if rest is None or node in self._vouching:
            return None
        seconds = math.ceil(rest)
        detail = f"too many cards that nobody knows were shown here; it goes on in {seconds} s"
        return Nobody("wait", detail, seconds)

    def mistaken(self, node: str) -> None:
        """Note that a terminal was told nothing about a card."""
        if self._strangers.unknown(node, self._monotonic()) and node not in self._vouching:
            _log.warning("cards are not looked at for a while", action="cards-wait", node=node)

    def by_card(self, number: str) -> Seen:
        """Say whose card this is: as the directory has it, else as it was entered here."""
        return self._by_names(self._replica.card_names(number))

    def _by_names(self, names: tuple[str, ...]) -> Seen:
        for name in names:
            row = self._replica.card_named(name)
            if row is None:
                continue
            trouble = row.trouble(self._clock())
            if trouble:
                return _CARDS[trouble]
            return self._of_card(row.user, name, waits=False, pin=row.pin)
        waiting = self._cards.find(names)
        if waiting is None:
            return _UNKNOWN_CARD
        return self._of_card(waiting.user, waiting.card, waits=True)

    def _of_card(self, name: str, key: str, *, waits: bool, pin: bool = False) -> Seen:
        known = self.by_name(name)
        if isinstance(known, Nobody):
            return _UNKNOWN_CARD if known is _UNKNOWN else known
        return Known(known.user, key, waits, pin=pin)
