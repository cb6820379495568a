"""A node introduces itself: accepted or not, heads compared, its directory brought up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker import topics
from broker.messages import Problem, Reply
from central import proving
from central.conversation import Conversation
from central.recovering import must_tell
from central.slices import delta, snapshot
from central.store import cards, courier, directory, nodes, terms
from config.logs import logger

if TYPE_CHECKING:
    from broker.messages import Birth, DirectoryCursor
    from central.fleet import Fleet

_log = logger("central.births")


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str
    detail: str


def greet(fleet: Fleet, node: str, birth: Birth, now: float) -> None:
    """Answer a birth; afterwards the node's streams go on, or it has been told why not."""
    if fleet.fenced_by is not None:
        detail = f"these books are an old copy: epoch {fleet.fenced_by} exists"
        _refuse(fleet, node, birth, _Refusal("epoch", detail))
        return
    accepted = _accept(fleet, node, birth)
    if isinstance(accepted, _Refusal):
        fleet.conversations.pop(node, None)
        fleet.alert(node, accepted.code, accepted.detail, now)
        _refuse(fleet, node, birth, accepted)
        return
    if must_tell(fleet, node, accepted, birth):
        return
    greeting = Conversation.greet(fleet.books, node, accepted, birth, now)
    if greeting.trouble is not None:
        fleet.halt(node, "frozen", f"fork: {greeting.trouble}", now)
        _refuse(fleet, node, birth, _Refusal("frozen", greeting.trouble))
        return
    if greeting.remark is not None:
        fleet.alert(node, "heads", greeting.remark, now)
    fleet.conversations[node] = greeting.conversation
    fleet.presence.born(node, birth.session, now)
    secret = None if accepted.closed else _terms_and_codes(fleet, greeting.conversation, birth)
    answer = greeting.conversation.accepted(secret).model_dump(mode="json")
    fleet.say(
        topics.REPLY,
        Reply(corr=birth.corr, status="ok", data=answer),
        node=node,
        corr=str(birth.corr),
    )
    _log.info("born", action="birth", node=node, software=birth.software, first=accepted.first)
    if birth.wire >= proving.WIRE:
        for each in greeting.unproven:
            proving.ask(fleet, node, each, now)
    if accepted.closed:
        detail = "a journal that was written off is back: it tells what it has done, and is retired"
        fleet.alert(node, "written-off", detail, now)
        return
    if birth.wire < cards.WIRE and _names_cards_by_key(fleet):
        detail = f"{birth.software} knows no card key: cards identify nobody there"
        fleet.alert(node, "old-program", detail, now)
    bring_directory(fleet, node, birth.directory)


def bring_directory(fleet: Fleet, node: str, cursor: DirectoryCursor | None) -> None:
    """Send what a replica lacks: nothing, what changed since its cursor, or all of it."""
    epoch = fleet.books.identity.epoch
    with fleet.books.read() as tx:
        upto = directory.version(tx)
        fits = cursor is not None and cursor.epoch == epoch and cursor.n <= upto
        at_head = cursor is not None and fits and cursor.n == upto
        digest = directory.digest(tx)[1] if not fits or at_head else None
        if cursor is not None and at_head and cursor.digest not in {None, digest}:
            fits = False
        rows = directory.changes(tx, cursor.n) if cursor and fits else directory.snapshot(tx)
    fleet.conversations[node].directory_n = upto
    if cursor is not None and fits:
        if rows.rows:
            for message in delta(rows.rows, epoch=epoch, since=cursor.n, upto=upto, digest=None):
                fleet.say(topics.DIRECTORY, message, node=node)
        return
    whole = snapshot(rows.rows, epoch=epoch, upto=upto, name=fleet.mint(), digest=digest or "")
    for message in whole:
        fleet.say(topics.DIRECTORY, message, node=node)


def _names_cards_by_key(fleet: Fleet) -> bool:
    with fleet.books.read() as tx:
        return cards.key_in_force(tx) is not None


def _accept(fleet: Fleet, node: str, birth: Birth) -> nodes.Accepted | _Refusal:
    identity = fleet.books.identity
    if birth.epoch > identity.epoch:
        detail = (
            f"it has seen epoch {birth.epoch}, these books are at {identity.epoch}: "
            "they are an old copy and must not be used"
        )
        fleet.fence(birth.epoch)
        return _Refusal("epoch", detail)
    with fleet.books.write() as tx:
        known = nodes.find(tx, node)
        if known is not None and known.state == "frozen":
            return _Refusal("frozen", known.reason)
        accepted = nodes.accept(tx, node, birth)
    if isinstance(accepted, nodes.NotAccepted):
        return _Refusal("not-accepted", accepted.reason)
    return accepted


def _terms_and_codes(fleet: Fleet, conversation: Conversation, birth: Birth) -> str | None:
    """Tell it a new epoch of courier codes, and terms it does not know; return its courier key."""
    node, acked = conversation.node, conversation.outbound.acked
    with fleet.books.write() as tx:
        met = courier.contact(tx, node, birth, acked, fleet.dice)
        told = terms.met(tx, node, birth)
    if met is None:
        return None
    if met.grown or told:
        fleet.grown([node])
    return met.secret


def _refuse(fleet: Fleet, node: str, birth: Birth, why: _Refusal) -> None:
    problem = Problem(code=why.code, detail=why.detail[:1000])
    reply = Reply(corr=birth.corr, status="refused", problem=problem)
    fleet.say(topics.REPLY, reply, node=node, corr=str(birth.corr))
