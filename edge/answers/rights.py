"""Who asks about whose job: the owner, a delegate of theirs, or an operator of the site.

Whoever may not is told the same as for a job that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from config.policy.decisions import Reason
from edge.acting import acts, operates
from edge.looks import Looks

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Person
    from edge.acting import Acting
    from edge.answers.words import Visitors
    from edge.jobs import JobRecord
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.store.replica import Replica


def _now() -> datetime:
    return datetime.now(UTC)


#: Whose jobs an operator asks for: everybody's (JobsRequest.of).
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Theirs:
    """A job that the asker may act on."""

    record: JobRecord
    by: str
    """Who asks: a user name, or the node of the site's own operator."""
    acting: Acting | None
    """As what, where it is not their own."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not to be answered."""

    code: str
    detail: str


NO_SUCH_JOB = Refusal("not-found", "there is no such job of yours here")
NOBODY = Refusal(Reason.NO_IDENTITY, "nobody here is known by this card or name")
NOT_THEIRS = Refusal("not-permitted", "these are not your jobs, and nobody lets you handle them")


class Rights:
    """Looks jobs up for who may act on them."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        visitors: Visitors,
        operators: frozenset[str],
        node: str,
        clock: Clock = _now,
    ) -> None:
        """Take what rights rest on.

        Args:
            books: the site's jobs.
            replica: who is who, and whose delegate.
            visitors: who stands at the terminals.
            operators: nodes that may do with everybody's jobs what operators may.
            node: the edge.
            clock: the time, for the record of who looked.
        """
        self._clock = clock
        self._looks = Looks(books)
        self._books = books
        self._replica = replica
        self._visitors = visitors
        self._operators = operators
        self._node = node

    def new_card(self, node: str, person: Person) -> str | None:
        """Return the key of the card they came by where the centre has not confirmed it."""
        return self._visitors.new_card(node, person)

    def who(self, node: str, person: Person) -> str | None:
        """Return the user name of who stands at a node, None when nobody is known by that."""
        return self._visitors.who(node, person)

    def looked(self, node: str, found: Theirs) -> None:
        """Record that an operator looks into somebody's document, before it is shown.

        Raises:
            StoreUnwritableError: it is not recorded: nothing may be shown.
        """
        if found.acting == "operator":
            job = found.record
            self._looks.at(found.by, node, job.user, job.job, self._clock())

    def job(self, node: str, person: Person | None, job: UUID) -> Theirs | Refusal:
        """Look up a job for who asks; without a person it is the node itself."""
        record = self._books.job(job)
        if person is None:
            if node not in self._operators:
                detail = "say whose job it is: by card or by user name"
                return Refusal(Reason.NO_IDENTITY, detail)
            return Theirs(record, node, "operator") if record else NO_SUCH_JOB
        user = self.who(node, person)
        if user is None:
            return NOBODY
        if record is None:
            return NO_SUCH_JOB
        if record.user.lower() == user.lower():
            return Theirs(record, user, None)
        acting = self._acting(user, record.user)
        return Theirs(record, user, acting) if acting else NO_SUCH_JOB

    def owner(self, node: str, person: Person | None, of: str | None) -> str | Refusal:
        """Return whose jobs may be listed, a user name or `EVERYBODY`; record an operator's look.

        The site's own command line is no person: whoever runs it could read the journal as well.

        Args:
            node: who asks.
            person: who stands there; None for the node itself.
            of: whose are wanted; None: the person's own.

        Raises:
            StoreUnwritableError: a look is not recorded, so nothing may be shown.
        """
        if person is None:
            return (of or EVERYBODY) if node in self._operators else NOBODY
        user = self.who(node, person)
        if user is None:
            return NOBODY
        if of is None or of.lower() == user.lower():
            return user
        if of == EVERYBODY:
            acting: Acting | None = "operator" if self.operator(user) else None
        else:
            acting = self._acting(user, of)
        if acting == "operator":
            owner = None if of == EVERYBODY else of
            self._looks.at(user, node, owner, None, self._clock())
        return of if acting else NOT_THEIRS

    def operator(self, user: str) -> bool:
        """Say whether somebody handles other people's jobs here."""
        return operates(self._replica.user(user), self._node)

    def _acting(self, user: str, owner: str) -> Acting | None:
        return acts(self._replica.user(user), self._replica.user(owner), self._node)
