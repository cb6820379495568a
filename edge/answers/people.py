"""Answers about who stands at a terminal: identify, sign off, enter a new card."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from broker.messages import (
    AccountAmount,
    CardEnrolled,
    EnrolAnswer,
    EnrolRequest,
    IdentifyAnswer,
    IdentifyRequest,
    Reply,
    Request,
    SignOffRequest,
)
from config.logs import logger
from config.policy.decisions import Reason
from edge.acting import operates
from edge.answers.words import no, yes
from edge.cards import entered
from edge.proving import Right, Subject, Wrong
from edge.tries import Wait
from edge.visitors import OTHERS_OWN, PIN_NEEDED, Known, Nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from edge.answers.words import Answer
    from edge.cards import Allowance
    from edge.ports import Clock
    from edge.proving import Proving
    from edge.sessions import Way
    from edge.store.cards import CardsKept
    from edge.store.replica import Replica
    from edge.visitors import SignedIn

_log = logger("edge.people")

_LANGUAGE: Final = re.compile(r"[a-z]{2}")
#: Fewer characters are noise of a reader, or a card that everybody has.
_SHORTEST_CARD: Final = 4


class PeopleAnswers:
    """Who is who at the terminals."""

    #: Asked again with the same id, the same session is named.
    once: frozenset[type[Request]] = frozenset({IdentifyRequest, EnrolRequest})

    def __init__(
        self,
        *,
        visitors: SignedIn,
        proving: Proving,
        replica: Replica,
        cards: CardsKept,
        bound: Mapping[str, str],
        allowance: Allowance,
        node: str,
        mint: Callable[[], UUID],
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        """Take what the answers come from.

        Args:
            visitors: who stands at the terminals.
            proving: checks PINs and passwords.
            replica: who is who.
            cards: those that were entered here.
            bound: terminals of one person: node → user name.
            allowance: what may be spent by a card that the centre has not confirmed.
            node: this edge.
            mint: makes ids that nobody can guess.
            clock: the time of day.
            monotonic: seconds that only go on.
        """
        self._visitors = visitors
        self._proving = proving
        self._replica = replica
        self._cards = cards
        self._bound = bound
        self._allowance = allowance
        self._node = node
        self._mint = mint
        self._clock = clock
        self._monotonic = monotonic
        self.answers: Mapping[type[Request], Answer] = {
            IdentifyRequest: self._identify,
            SignOffRequest: self._sign_off,
            EnrolRequest: self._enrol,
        }

    # ── identify ────────────────────────────────────────────────────────────────────────────

    async def _identify(self, node: str, question: IdentifyRequest) -> Reply:
        own = self._bound.get(node)
        if own is not None:
            given = question.card or question.user or question.session
            # a token that was taken from a workstation tries no cards and no PINs
            seen = OTHERS_OWN if given else self._visitors.by_name(own)
            return self._welcome(node, question, seen, "bound")
        if question.card is not None:
            return await self._by_card(node, question, question.card.get_secret_value())
        if question.user is not None:
            return await self._by_name(node, question, question.user)
        if question.session is not None:
            seen = self._visitors.elsewhere(question.session)
            return self._welcome(node, question, seen, "session")
        detail = "this terminal is nobody's own: show a card, or type name and PIN"
        return no(question, "refused", Reason.NO_IDENTITY, detail)

    async def _by_card(self, node: str, question: IdentifyRequest, number: str) -> Reply:
        seen = self._visitors.shown(node, number)
        if isinstance(seen, Nobody):
            return self._turned_away(node, question, seen)
        if question.pin is None:
            if self._visitors.pin_beside_card or seen.pin:
                return self._turned_away(node, question, PIN_NEEDED)
            return self._welcome(node, question, seen, "card")
        subject = Subject(seen.user.name, seen.card or "", node)
        pin = question.pin.get_secret_value()
        proof = await self._proving.prove(seen.user.pin, pin, subject)
        if not isinstance(proof, Right):
            return self._not_proved(node, question, proof, "the PIN is wrong")
        # the directory may have changed meanwhile
        return self._welcome(node, question, self._visitors.by_card(number), "pin")

    async def _by_name(self, node: str, question: IdentifyRequest, name: str) -> Reply:
        given, way = question.pin or question.password, _way(question)
        user = self._replica.user(name)
        hashed = "" if user is None else user.pin if way == "pin" else user.password
        subject = Subject(name, "", node)
        typed = given.get_secret_value() if given else ""
        proof = await self._proving.prove(hashed, typed, subject)
        if not isinstance(proof, Right):
            what = "PIN" if way == "pin" else "password"
            return self._not_proved(node, question, proof, f"the name or the {what} is wrong")
        return self._welcome(node, question, self._visitors.by_name(name), way)

    def _welcome(
        self, node: str, question: IdentifyRequest, seen: Known | Nobody, by: Way
    ) -> Reply:
        if isinstance(seen, Nobody):
            return self._turned_away(node, question, seen)
        user, sessions, from_ = seen.user, self._visitors.sessions, seen.session
        session = sessions.begin(
            self._mint(),
            node,
            user.name,
            by,
            self._monotonic(),
            card=seen.card,
            # going on elsewhere makes it no longer
            ends=None if from_ is None else from_.ends,
        )
        answer = IdentifyAnswer(
            session=session.id,
            user=user.name,
            display=(user.display or user.name)[:255],
            language=user.language if _LANGUAGE.fullmatch(user.language) else None,
            operator=operates(user, self._node),
            provisional=seen.waits,
            idle_seconds=int(sessions.idle),
        )
        _log.info("signed in", action="signed-in", user=user.name, node=node, by=by)
        return yes(question, answer.model_dump(mode="json"))

    def _turned_away(self, node: str, question: Request, nobody: Nobody) -> Reply:
        if nobody.wait_seconds is not None:  # said when it began, and not with each card
            waits = {"wait_seconds": nobody.wait_seconds}
            return no(question, "refused", nobody.code, nobody.detail, waits)
        _log.info("nobody signed in", action="sign-in-refused", node=node, why=nobody.code)
        return no(question, "refused", nobody.code, nobody.detail)

    def _not_proved(
        self, node: str, question: IdentifyRequest, proof: Wrong | Wait, what: str
    ) -> Reply:
        match proof:
            case Wrong(left=left):
                _log.info("nobody signed in", action="sign-in-refused", node=node, why="wrong")
                detail = f"{what}; {left} tries are left for now"
                return no(question, "refused", Reason.NO_IDENTITY, detail, {"tries_left": left})
            case Wait(whose=whose, rest=rest):
                _log.warning("too many tries", action="sign-in-waits", node=node, whose=whose)
                seconds = -(-rest // timedelta(seconds=1))
                detail = f"{_WHOSE[whose]}; it goes on in {_spoken(seconds)}"
                return no(question, "refused", "wait", detail, {"wait_seconds": seconds})
            case _:
                assert_never(proof)

    async def _sign_off(self, node: str, question: SignOffRequest) -> Reply:
        if self._visitors.sessions.end(node, question.session):
            _log.info("signed off", action="signed-off", node=node)
        return yes(question, {})

    # ── a new card ──────────────────────────────────────────────────────────────────────────

    async def _enrol(self, node: str, question: EnrolRequest) -> Reply:
        seen = self._visitors.seen(node, question.person)
        if isinstance(seen, Nobody):
            return no(question, "refused", seen.code, seen.detail)
        session = seen.session
        if session is None or session.by not in {"pin", "password"}:
            detail = "sign in with the PIN or the password first, then show the new card"
            return no(question, "refused", "proof-needed", detail)
        by = "pin" if session.by == "pin" else "password"
        if (waits := self._visitors.waits(node)) is not None:
            return self._turned_away(node, question, waits)
        number = question.card.get_secret_value()
        if len(number.strip()) < _SHORTEST_CARD:
            return no(question, "invalid", "card-unreadable", "this card cannot be read")
        user, names = seen.user, self._replica.card_names(number)
        row, waiting = self._replica.card(number), self._cards.find(names)
        mine = sum(each.user == user.name for each in self._cards.every())
        refused = entered(user.name, row, waiting, mine, self._clock())
        if refused is not None:
            # else whose numbers are taken could be found out here, as fast as one can ask
            self._visitors.mistaken(node)
            return no(question, "refused", refused.code, refused.detail)
        if row is None and waiting is None:
            event = CardEnrolled(
                card=names[0], user=user.name, terminal=node, by=by, enrolled_at=self._clock()
            )
            self._cards.enrol(event)
            _log.info("card entered", action="card-enrolled", user=user.name, node=node, by=by)
        allowance = self._amount(user.name) if row is None else None
        answer = EnrolAnswer(provisional=row is None, allowance=allowance)
        return yes(question, answer.model_dump(mode="json"))

    def _amount(self, name: str) -> AccountAmount | None:
        """Return the allowance in the unit of the account that a person pays from first."""
        user = self._replica.user(name)
        keys = [] if user is None else [key for each in user.wallets for key in each]
        keys += [] if user is None else user.accounts
        row = self._replica.account(keys[0]) if keys else None
        if row is None:
            return None
        micros = self._allowance.in_(row.unit)
        return AccountAmount(account=row.account, unit=row.unit, micros=micros)


_WHOSE: Final = {
    "user": "too many wrong tries for this name",
    "card": "too many wrong tries with this card",
    "terminal": "too many wrong tries at this terminal",
    "site": "too many wrong tries at this site",
}


def _way(question: IdentifyRequest) -> Way:
    return "pin" if question.pin is not None else "password"


def _spoken(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds} s"
    return f"{minutes} min" if minutes < 100 else f"{-(-minutes // 60)} h"  # noqa: PLR2004
