"""Tokens of the interface: made with rights, sites and an end, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.acts.by import By, signed
from central.rights import EVERYWHERE, Right, Scope, unbounded
from central.store import audit, nodes, tokens
from central.store.ledger import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction
    from central.store.tokens import Token

_LONGEST: Final = 100
#: Nobody's to give: a token is no person, and shows no pages.
_NO_TOKENS: Final = frozenset({Right.PUBLIC, Right.OWN, Right.STAFF})
#: What a token may be given, in the order of the table of rights.
GIVEN: Final = tuple(each for each in Right if each not in _NO_TOKENS)


def add(
    tx: Transaction,
    by: By,
    name: str,
    secret: str,
    scope: Scope,
    *,
    expires_at: datetime | None = None,
) -> Token | Refused:
    """Let whoever holds a secret in.

    Args:
        tx: a writing transaction.
        by: who does it.
        name: what it is for; entries and the audit name it.
        secret: 256 random bits; only a digest is kept.
        scope: what it may do, and at which sites.
        expires_at: it lets nobody in from then on; None: for ever.
    """
    called = " ".join(name.split())
    if not 0 < len(called) <= _LONGEST or not called.isprintable():
        return Refused("a token needs a name that says what it is for")
    if (refused := _wrong(tx, scope)) is not None:
        return refused
    if expires_at is not None and expires_at <= tx.now:
        return Refused("that moment is over; the token would let nobody in")
    if not tokens.add(tx, called, secret, scope, expires_at=expires_at):
        return Refused(f"there is a token {called!r} already; remove it first")
    after = shown(scope) | {"expires_at": expires_at}
    audit.note(signed(tx, by), author=by.author, act="token add", target=called, after=after)
    return next(each for each in tokens.every(tx) if each.name == called)


def remove(tx: Transaction, by: By, name: str) -> Refused | None:
    """Take a token's rights away, at once."""
    if not tokens.remove(tx, name):
        return Refused(f"there is no token {name!r}")
    audit.note(signed(tx, by), author=by.author, act="token remove", target=name)
    return None


def shown(scope: Scope) -> dict[str, object]:
    """Return a scope as the audit keeps it."""
    return {"rights": sorted(scope.rights), "sites": sorted(scope.sites)}


def _wrong(tx: Transaction, scope: Scope) -> Refused | None:
    if not scope.rights or scope.rights & _NO_TOKENS:
        return Refused(f"a token is given rights of {', '.join(GIVEN)}")
    if scope.everywhere:
        return None
    if not scope.sites:
        return Refused("name at least one site; '*' means all")
    for each in sorted(scope.sites):
        found = nodes.find(tx, each)
        if found is None or found.kind != "edge":
            return Refused(f"there is no edge {each}; `node list` has them, '*' means all")
    if beyond := unbounded(scope.rights):
        words = ", ".join(beyond)
        return Refused(f"{words}: reaches beyond any site; give it for all of them ({EVERYWHERE})")
    return None
