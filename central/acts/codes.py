"""Courier codes: money that a person carries to a site whose line is cut."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.acts.by import signed
from central.acts.nodes import linked_now
from central.acts.people import find
from central.store import audit, code_list, codes, wallets
from central.store.codes import Issued, Wish
from central.store.ledger import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from central.acts.by import By
    from central.store.books import Transaction
    from central.store.code_list import CodeRecord
    from central.store.codes import Waiting
    from config.policy.money import Money

#: How long other sites have to give money back for a code.
PATIENCE: Final = timedelta(seconds=10)
#: A code is shown to who asked for it for so long, should the answer be lost.
SHOWN: Final = timedelta(minutes=30)
#: Codes that one person may have waiting or unused; more would only tie up their money.
_MOST: Final = 20
_LATELY: Final = 500


def bring(
    tx: Transaction, by: By, given: str, *, node: str, account: str, amount: Money
) -> Issued | Waiting | Refused:
    """Make a code for a person to carry, of an account they may pay from.

    Args:
        tx: a writing transaction.
        by: who does it.
        given: who will type it.
        node: the site's edge.
        account: whose money.
        amount: in steps of a code.
    """
    person = find(tx, given)
    if isinstance(person, Refused):
        return person
    own = {key for each in wallets.lists_of(person) for key in each}
    if account not in own | set(person.choices):
        return Refused(f"{person.name} may not pay from {account}")
    lately = code_list.every(tx, node_id=node, limit=_LATELY)
    if sum(each.user == person.name and each.state in {"waiting", "issued"} for each in lately) >= (
        _MOST
    ):
        return Refused(f"{person.name} has {_MOST} codes for {node} that nobody typed yet")
    wish = Wish(node, person.name, account, amount, by.author)
    return codes.issue(signed(tx, by), wish, linked_now(tx), PATIENCE)


def mine(tx: Transaction, id_: UUID, user: str) -> CodeRecord | None:
    """Return a person's code, without its digits; None: there is none of theirs."""
    found = code_list.find(tx, id_)
    return found if found is not None and found.user == user else None


def shown(tx: Transaction, found: CodeRecord) -> Issued | Waiting | Refused:
    """Return a code with its digits, for as long as it is shown; Waiting: its money is fetched."""
    if found.state == "redeemed":
        return Refused(f"it was typed at {found.node}")
    done = codes.outcome(tx, found.id)
    if isinstance(done, Issued) and tx.now > found.at + SHOWN:
        return Refused(
            f"it is not shown any more; the money comes to {found.node} by itself when its line "
            "is back"
        )
    return done


def take_back(tx: Transaction, by: By, id_: UUID) -> CodeRecord | Refused:
    """End a wish for a code whose money is still being fetched; what was issued stays."""
    found = code_list.find(tx, id_)
    if found is None:
        return Refused(f"there is no code {id_}")
    if found.state == "failed":
        return Refused(f"it came to nothing already: {found.detail}")
    if found.state == "redeemed":
        return Refused(f"it was typed at {found.node} already")
    if found.state == "issued":
        return Refused(
            f"it was issued, and may have been typed; if not, the money is at {found.node} like "
            "any other as soon as that site is heard"
        )
    codes.give_up(tx, id_, "it was taken back")
    detail = {"node": found.node, "user": found.user, "code": str(id_)}
    audit.note(
        signed(tx, by), author=by.author, act="code end", target=found.account, detail=detail
    )
    return code_list.find(tx, id_) or found
