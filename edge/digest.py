"""What the edge says of its books when the centre checks its own against them (PROTOCOL 3)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from broker.messages import EdgeDigest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.messages import AccountAmount, Position


def edge_digest(
    balances: Iterable[AccountAmount], *, up: Position, down: Position, part: int | None
) -> EdgeDigest:
    """Return the digest of balances (holds included) as of two stream positions.

    Args:
        balances: every account here; zero amounts are left out.
        up: head of the ledger stream up.
        down: what was applied of the ledger stream down.
        part: which 1/256 of the accounts to list, by the first byte of SHA-256(account).
    """
    whole = sorted(
        (each for each in balances if each.micros), key=lambda each: (each.account, each.unit)
    )
    digest = sha256()
    for each in whole:
        digest.update(f"{each.account} {each.unit} {each.micros}\n".encode())
    rows = tuple(each for each in whole if part is not None and _part(each.account) == part)
    return EdgeDigest(
        up=up, down=down, accounts=len(whole), digest=digest.hexdigest(), part=part or 0, rows=rows
    )


def _part(account: str) -> int:
    return sha256(account.encode()).digest()[0]
