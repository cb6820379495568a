"""Courier codes: 20 digits that bring money to a site whose line is cut; made, read, checked.

A code is a grant that a person carries (PROTOCOL 3). The centre has posted the money to the site
before it shows the code; the site checks it with a key that both know and needs no line for it.

66 bits, highest first: epoch 2 (its lowest) | index 12 | amount 10 (steps) | MAC 42. The MAC is
HMAC-SHA-256 over the journal's incarnation, the full epoch, account, unit, index and amount, under
HKDF-SHA-256 (RFC 5869) of the courier key, with the full epoch and the account as its info.

What 42 bits buy: a guess is right once in 2⁴² (4,398,046,511,104) for each account that is tried.
50 tries a site and day are 18,250 a year; with 4 accounts a person the chance that one of them is
right is 18,250 · 4 / 2⁴² = 1.7 in 100 million for a year and site: at 1,000 sites, once in 60,000
years. It would bring 102.30 at most, and it shows: no such code was issued, so the site is frozen
at its next contact.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from config.policy.money import PAGE, UNIT_MICROS, Money

if TYPE_CHECKING:
    from uuid import UUID

    from config.ids import AccountKey
    from config.policy.money import Unit

DIGITS: Final = 20
#: Bytes of a courier key.
KEY_BYTES: Final = 32
_GROUP: Final = 4
_EPOCH_BITS, _INDEX_BITS, _AMOUNT_BITS, _MAC_BITS = 2, 12, 10, 42
_ALL_BITS: Final = _EPOCH_BITS + _INDEX_BITS + _AMOUNT_BITS + _MAC_BITS
#: Epochs that differ by this look the same in a code.
EPOCHS: Final = 1 << _EPOCH_BITS
#: Codes of one epoch.
INDEXES: Final = 1 << _INDEX_BITS
#: The most that a code brings, in steps; 0 is never made.
MOST_STEPS: Final = (1 << _AMOUNT_BITS) - 1
_TENTH: Final = UNIT_MICROS // 10
_HASH_BYTES: Final = 32
#: What people put between the groups.
_BETWEEN: Final = dict.fromkeys(map(ord, " -\u00a0\u2009\u2010\u2011\u2013\t"))


@dataclass(frozen=True, slots=True)
class Purpose:
    """What one code is for; all of it is under the MAC."""

    incarnation: UUID
    """The journal that takes it."""
    epoch: int
    """The full epoch it was issued under; at least 1."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    index: int
    """Its number within the epoch, 0 to 4095."""
    steps: int
    """How much, in steps of the unit; 1 to 1023."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a code says openly, and its MAC."""

    epoch_bits: int
    """The lowest 2 bits of its epoch."""
    index: int
    """Its number within the epoch."""
    steps: int
    """How much, in steps of the account's unit."""
    mac: int
    """42 bits."""


@dataclass(frozen=True, slots=True)
class NotACode:
    """The text cannot be a code, whatever the key."""

    reason: str
    """One sentence for people."""


def step(unit: Unit) -> int:
    """Return the micros of one step: 0.10 of a currency, or one page."""
    return UNIT_MICROS if unit == PAGE else _TENTH


def steps_of(money: Money) -> int | NotACode:
    """Return an amount in steps, or say why no code can bring it."""
    one = step(money.unit)
    steps, rest = divmod(money.micros, one)
    if rest or steps < 1:
        return NotACode(f"{money} is not a code's amount: codes go in steps of {_of(1, money)}")
    if steps > MOST_STEPS:
        return NotACode(
            f"{money} is too much for one code, which brings {_of(MOST_STEPS, money)} at most"
        )
    return steps


def full_epoch(bits: int, current: int) -> int:
    """Return the newest epoch, at most the current one, that ends in these bits; maybe below 1."""
    return current - (current - bits) % EPOCHS


def make(key: bytes, purpose: Purpose) -> str:
    """Return the code: 20 digits in groups of 4.

    Args:
        key: the 32 bytes that the centre minted for this journal.
        purpose: what it is for.

    Raises:
        ValueError: a part is outside its bits.
    """
    if not (0 <= purpose.index < INDEXES and 1 <= purpose.steps <= MOST_STEPS):
        raise ValueError("the index or the amount does not fit a code")
    number = purpose.epoch % EPOCHS
    number = number << _INDEX_BITS | purpose.index
    number = number << _AMOUNT_BITS | purpose.steps
    number = number << _MAC_BITS | _mac(key, purpose)
    digits = f"{number:0{DIGITS}d}"
    return " ".join(digits[at : at + _GROUP] for at in range(0, DIGITS, _GROUP))


def read(text: str) -> Parts | NotACode:
    """Take a code apart, as typed or scanned; blanks and hyphens do not matter.

    Nothing secret is needed for this, so a text that is refused here costs nobody a try.
    """
    digits = text.translate(_BETWEEN).strip()
    if not (digits.isascii() and digits.isdigit()):
        return NotACode("a code has digits only, blanks and hyphens between them do not matter")
    if len(digits) != DIGITS:
        return NotACode(f"a code has {DIGITS} digits, these are {len(digits)}")
    number = int(digits)
    if number >> _ALL_BITS:
        return NotACode("no code begins like this; please compare the first digits")
    steps = number >> _MAC_BITS & MOST_STEPS
    if not steps:
        return NotACode("no code looks like this; please compare the digits")
    return Parts(
        epoch_bits=number >> (_ALL_BITS - _EPOCH_BITS),
        index=number >> (_MAC_BITS + _AMOUNT_BITS) & INDEXES - 1,
        steps=steps,
        mac=number & (1 << _MAC_BITS) - 1,
    )


def check(key: bytes, purpose: Purpose, parts: Parts) -> bool:
    """Say whether a code was made for this purpose, in a time that tells nothing."""
    ours = _mac(key, purpose).to_bytes(8, "big")
    same_mac = hmac.compare_digest(ours, parts.mac.to_bytes(8, "big"))
    said = (parts.epoch_bits, parts.index, parts.steps)
    return same_mac and said == (purpose.epoch % EPOCHS, purpose.index, purpose.steps)


def hkdf(key: bytes, info: bytes, length: int, *, salt: bytes = b"") -> bytes:
    """Derive a key by HKDF-SHA-256: extract, then expand (RFC 5869 §2).

    Raises:
        ValueError: more than 255 times 32 bytes are wanted.
    """
    if length > 255 * _HASH_BYTES:
        raise ValueError("HKDF gives at most 255 blocks")
    root = hmac.digest(salt or bytes(_HASH_BYTES), key, sha256)
    block, out, number = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(root, block + info + bytes([number]), sha256)
        out += block
        number += 1
    return out[:length]


def _mac(key: bytes, purpose: Purpose) -> int:
    account = purpose.account.encode()
    epoch = purpose.epoch.to_bytes(8, "big")
    own = hkdf(key, b"printmesh courier\0" + epoch + account, _HASH_BYTES)
    # every part has a fixed length or its length before it: no two purposes read the same
    said = (
        purpose.incarnation.bytes
        + epoch
        + len(account).to_bytes(2, "big")
        + account
        + len(purpose.unit).to_bytes(2, "big")
        + purpose.unit.encode()
        + purpose.index.to_bytes(2, "big")
        + purpose.steps.to_bytes(2, "big")
    )
    return int.from_bytes(hmac.digest(own, said, sha256)[:8], "big") >> (64 - _MAC_BITS)


def _of(steps: int, money: Money) -> Money:
    return Money(steps * step(money.unit), money.unit)
