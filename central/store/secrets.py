"""Hashes of people's PINs and passwords, in their rows of the directory.

Sites check them (`edge.secrets`); a hash says itself how it was made, so the figures here can be
raised without touching those that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from central.store import audit, directory

if TYPE_CHECKING:
    from broker.directory import UserRow
    from central.store.books import Transaction

Which: TypeAlias = Literal["pin", "password"]

#: argon2id with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet.
_HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
#: A hash of nobody's, made as ours are, to be checked where there is none: the time tells nothing.
NOBODYS: Final = (
    f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}$"
    "bm9ib2R5IHdhcyBoZXJlIQ$" + "A" * 43
)
#: No hash of ours needs more memory (KiB), and one that does would take the machine down.
_BEARABLE: Final = 256 * 1024


def hashed(secret: str) -> str:
    """Return the hash in PHC form; takes some 30 ms, so call it outside of transactions."""
    return _HASHER.hash(secret)


def matches(phc: str, secret: str) -> bool:
    """Say whether a secret is that of a hash; as slow as `hashed`, by intention."""
    try:
        if extract_parameters(phc).memory_cost > _BEARABLE:
            return False
        return _HASHER.verify(phc, secret)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return False


def outdated(phc: str) -> bool:
    """Say whether a hash was made with other figures than ours are now."""
    return _HASHER.check_needs_rehash(phc)


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
