"""The directory's rows: what a site must know of people, prices and printers; and its digest."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from config.described import Described
from config.ids import AccountKey, NodeId
from config.policy.accounts import Counts
from config.policy.money import Unit
from config.policy.tariffs import Tariff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


#: Key of the setting whose value is the rules in force, as JSON (`config.policy.rules`).
RULES = "rules"
#: Key of the setting whose value keys card digests (`keyed_card`), 32 bytes in hexadecimal.
CARD_KEY = "card-key"
#: Bytes of that key.
CARD_KEY_BYTES: Final = 32


def _empty(value: object) -> bool:
    return not value


#: Written only when it says something: rows are many.
_UNSAID_IF_EMPTY = Field(exclude_if=_empty)


class Row(Described):
    """What every row shares: frozen, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class UserRow(Row):
    """A person; key: user name, lower case."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """job-originating-user-name."""
    display: str = ""
    """What people read."""
    groups: tuple[str, ...] = ()
    """For rules."""
    accounts: tuple[AccountKey, ...] = ()
    """All of these must cover a charge, for nodes that know no wallets: the first of each."""
    wallets: Annotated[tuple[tuple[AccountKey, ...], ...], _UNSAID_IF_EMPTY] = ()
    """Each is a list that covers the whole charge together, the first of it spent first; all of
    the lists must cover. Empty: each of `accounts` by itself."""
    choices: Annotated[tuple[AccountKey, ...], _UNSAID_IF_EMPTY] = ()
    """Departments, projects and shared accounts the person may charge instead."""
    enabled: bool = True
    """False denies everything."""
    language: Annotated[str, _UNSAID_IF_EMPTY] = ""
    """ISO 639-1; empty: as the terminal."""
    pin: Annotated[str, Field(repr=False), _UNSAID_IF_EMPTY] = ""
    """argon2id hash in PHC form; empty: none."""
    password: Annotated[str, Field(repr=False), _UNSAID_IF_EMPTY] = ""
    """The same of the password."""
    operates: Annotated[tuple[str, ...], _UNSAID_IF_EMPTY] = ()
    """Edges at whose sites they handle other people's jobs; `*`: all."""
    delegates: Annotated[tuple[str, ...], _UNSAID_IF_EMPTY] = ()
    """Users who may release this person's jobs."""


class CardRow(Row):
    """A card; key: keyed_card(number, key), or card_digest(number) until a key is in force."""

    user: str
    """Whose."""
    expires_at: Annotated[AwareDatetime | None, _UNSAID_IF_EMPTY] = None
    """It identifies nobody from then on."""
    blocked: Annotated[bool, _UNSAID_IF_EMPTY] = False
    """Reported lost: it identifies nobody, and cannot be entered again at a terminal."""
    pin: Annotated[bool, _UNSAID_IF_EMPTY] = False
    """Its owner types the PIN as well, also where the site does not want it of everybody."""

    def trouble(self, now: datetime) -> Literal["blocked", "expired"] | None:
        """Say why the card identifies nobody at a moment, None when it does."""
        if self.blocked:
            return "blocked"
        over = self.expires_at is not None and now >= self.expires_at
        return "expired" if over else None


class AccountRow(Row):
    """An account; key: the account's key."""

    account: AccountKey
    """`kind:name`."""
    unit: Unit
    """Currency code or `page`."""
    enabled: bool = True
    """False: closed or frozen, nothing may be charged."""
    counts: Annotated[Counts, Field(exclude_if=lambda counts: counts == "impressions")] = (
        "impressions"
    )
    """In `page`: which impressions it pays for."""
    unlimited: Annotated[bool, _UNSAID_IF_EMPTY] = False
    """Counted only: it always covers, and no money of it sits at sites."""
    label: Annotated[str, _UNSAID_IF_EMPTY] = ""
    """What people read; empty: the key."""


class PrinterRow(Row):
    """A point of print; key: device id."""

    device: NodeId
    """Device id."""
    node: NodeId
    """The edge whose site it stands at."""
    name: str = ""
    """What people call it."""
    tags: Annotated[tuple[str, ...], _UNSAID_IF_EMPTY] = ()
    """For rules: `copier`, `library` …"""
    copies: Annotated[bool, _UNSAID_IF_EMPTY] = False
    """Copies are charged here, by a terminal beside it."""


class SettingRow(Row):
    """One value all sites share; key: its name."""

    value: str
    """As text."""


#: kind of a DirectoryRow → its model.
MODELS: dict[str, type[BaseModel]] = {
    "user": UserRow,
    "card": CardRow,
    "account": AccountRow,
    "tariff": Tariff,
    "printer": PrinterRow,
    "setting": SettingRow,
}


def card_digest(number: str) -> str:
    """Return the key of a card row.

    A card number has too little entropy for any hash to hide it from somebody who holds the
    replica; the digest only keeps numbers out of logs, backups and casual sight.
    """
    return hashlib.sha256(b"printmesh card\0" + number.strip().upper().encode()).hexdigest()


def keyed_card(number: str, key: bytes) -> str:
    """Return the key of a card row under the organisation's key.

    Made from the older digest, so that cards entered before there was a key need not be read anew.
    Who holds the rows alone learns no number by trying them all; who holds the key as well does.
    """
    return keyed_digest(card_digest(number), key)


def keyed_digest(digest: str, key: bytes) -> str:
    """Return the same of a card whose older digest is all that is known."""
    return hmac.new(key, digest.encode(), "sha256").hexdigest()


def card_key(value: str) -> bytes | None:
    """Read the value of the setting CARD_KEY; None when it is no key."""
    try:
        key = bytes.fromhex(value)
    except ValueError:
        return None
    return key if len(key) == CARD_KEY_BYTES else None


def card_names(number: str, key: bytes | None) -> tuple[str, ...]:
    """Return every key that the row of a card may have, the one for new rows first.

    The older digest stays among them: a site that was cut off while the organisation got its key
    may have entered a card by it.
    """
    digest = card_digest(number)
    return (digest,) if key is None else (keyed_digest(digest, key), digest)


def row_digest(kind: str, key: str, n: int) -> int:
    """Return one live row's share of the digest, as a 256-bit integer."""
    return int.from_bytes(hashlib.sha256(f"{kind}\0{key}\0{n}".encode()).digest(), "big")


def directory_digest(rows: Iterable[tuple[str, str, int]]) -> str:
    """Return the digest over live rows `(kind, key, n)`: a sum modulo 2²⁵⁶, so order is free.

    It detects lost and stale rows, not a forger: the link is authenticated already.
    """
    total = sum(row_digest(*row) for row in rows) % 2**256
    return total.to_bytes(32, "big").hex()
