"""Hashes of people's PINs and passwords, in their rows of the directory.

Sites check them (`edge.secrets`); a hash says itself how it was made, so the figures here can be
raised without touching those that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from argon2 import PasswordHasher, Type

from central.store import audit, directory

if TYPE_CHECKING:
    from broker.directory import UserRow
    from central.store.books import Transaction

Which: TypeAlias = Literal["pin", "password"]

#: argon2id with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet.
_HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)


def hashed(secret: str) -> str:
    """Return the hash in PHC form; takes some 30 ms, so call it outside of transactions."""
    return _HASHER.hash(secret)


def store(tx: Transaction, person: UserRow, which: Which, phc: str, *, author: str) -> None:
    """Put a hash into a person's row.

    Args:
        tx: the transaction.
        person: the row as it is now.
        which: of what.
        phc: of `hashed`; empty takes it away.
        author: who does it.
    """
    row = person.model_copy(update={which: phc})
    directory.put(tx, "user", person.name, row)
    act = f"{which} {'set' if phc else 'clear'}"
    audit.note(tx, author=author, act=act, target=f"person:{person.name}")
