"""Takes a courier code for a person who stands here, without asking anybody (PROTOCOL 3).

Nothing here waits, so codes are looked at one at a time. Whatever is durable is so before the
next step: the try before the code is checked, the credit before anybody is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from broker.messages import CodeMark, Redeemed
from config.logs import logger
from config.policy.courier import NotACode, Purpose, check, full_epoch, read, step
from edge.tries import SteadyClock, Try, Wait, permission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.directory import AccountRow, UserRow
    from config.ids import AccountKey
    from config.policy.courier import Parts
    from config.policy.money import Unit
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.store.codes import Mark
    from edge.store.replica import Replica

_log = logger("edge.redeeming")


@dataclass(frozen=True, slots=True)
class Credited:
    """The money of the code may be spent here."""

    account: AccountKey
    """Whose."""
    unit: Unit
    """Its unit."""
    micros: int
    """How much the code is worth."""
    before: bool
    """It had been credited before: by this code, or by its grant."""
    free: int
    """What may be spent of the account here now."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The code brought nothing."""

    code: str
    """Stable, for machines."""
    detail: str
    """One sentence for people; never the code."""


Redemption: TypeAlias = Credited | NotTaken


@dataclass(frozen=True, slots=True)
class _Asked:
    """A code that could be one, and what to check it with."""

    parts: Parts
    key: bytes
    epoch: int
    mark: Mark | None
    accounts: Sequence[AccountRow]


class Redeeming:
    """The site's side of courier codes."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        """Take what it decides on.

        Args:
            books: the journal: key, marks, tries, money.
            replica: whose accounts are whose.
            clock: the time of day, for people.
            monotonic: seconds that only go on, for the limits.
        """
        self._books = books
        self._replica = replica
        self._clock = clock
        self._monotonic = monotonic
        newest = max((each.at for each in books.codes.tries()), default=None)
        self._steady = SteadyClock(clock(), newest, monotonic())

    def redeem(self, text: str, person: UserRow, account: AccountKey | None = None) -> Redemption:
        """Take a code.

        Args:
            text: as typed or scanned.
            person: who stands here; only what they may pay from is tried.
            account: which of these; none: all.

        Raises:
            StoreUnwritableError: nothing was credited, at most a try is spent.
        """
        found = self._redeem(text, person, account)
        match found:
            case Credited():
                _log.info(
                    "code taken",
                    action="redeemed",
                    user=person.name,
                    account=found.account,
                    micros=found.micros,
                    unit=found.unit,
                    before=found.before,
                )
            case NotTaken():
                _log.info("code not taken", action="code-refused", user=person.name, why=found.code)
        return found

    def _redeem(self, text: str, person: UserRow, account: AccountKey | None) -> Redemption:
        asked = self._asked(text, person, account)
        if isinstance(asked, NotTaken):
            return asked
        codes, mark = self._books.codes, asked.mark
        now = self._steady.at(self._monotonic())
        who = person.name.lower()
        leave = permission(codes.tries(), who, now)
        if isinstance(leave, Wait):
            return NotTaken("too-many-tries", _waiting(leave))
        number = codes.spend(Try(who, now))
        owner = self._owner(asked)
        if owner is None or (mark is not None and mark.account != owner.account):
            return NotTaken(
                "code-wrong",
                "this code is not for you at this site, or a digit is wrong; "
                f"{leave.left} tries are left for now",
            )
        micros = asked.parts.steps * step(owner.unit)
        if mark is not None:
            codes.forgive(number)
        else:
            code = CodeMark(epoch=asked.epoch, index=asked.parts.index)
            self._credit(person, owner, code, micros, number)
        free = self._books.free(owner.account, owner.unit)
        return Credited(owner.account, owner.unit, micros, mark is not None, free)

    def _asked(self, text: str, person: UserRow, account: AccountKey | None) -> _Asked | NotTaken:
        """Return what there is to check, or why there is nothing: no key is used, no try spent."""
        parts = read(text)
        if isinstance(parts, NotACode):
            return NotTaken("not-a-code", parts.reason)
        codes = self._books.codes
        key, current = codes.key, codes.epoch
        if key is None or current is None:
            detail = "this site has not met the centre since codes came; it can take none yet"
            return NotTaken("no-codes-here", detail)
        accounts = self._accounts(person, account)
        if not accounts:
            named = f"{account} is not yours to charge" if account else "you have no account here"
            return NotTaken("no-account", f"{named}, so there is nothing a code could bring to")
        epoch = full_epoch(parts.epoch_bits, current)
        mark = codes.mark(epoch, parts.index)
        if epoch != current and mark is None:
            return NotTaken(
                "code-void",
                "this code has expired: since it was made this site has met the centre, and what "
                "it was worth has come by itself",
            )
        return _Asked(parts, key, epoch, mark, accounts)

    def _credit(
        self, person: UserRow, owner: AccountRow, code: CodeMark, micros: int, number: int
    ) -> None:
        at = self._clock()
        event = Redeemed(
            code=code,
            account=owner.account,
            unit=owner.unit,
            micros=micros,
            user=person.name,
            redeemed_at=at,
        )
        self._books.codes.redeem(event, number, at)

    def _owner(self, asked: _Asked) -> AccountRow | None:
        """Return the account a code is for; all are tried, so that the time tells nothing."""
        owner = None
        for account in asked.accounts:
            purpose = Purpose(
                incarnation=self._books.incarnation,
                epoch=asked.epoch,
                account=account.account,
                unit=account.unit,
                index=asked.parts.index,
                steps=asked.parts.steps,
            )
            if check(asked.key, purpose, asked.parts):
                owner = account
        return owner

    def _accounts(self, person: UserRow, account: AccountKey | None) -> list[AccountRow]:
        own = [key for wallet in person.wallets for key in wallet] or list(person.accounts)
        if account is not None:
            own = [key for key in (*own, *person.choices) if key == account]
        rows = [self._replica.account(key) for key in dict.fromkeys(own)]
        return [row for row in rows if row is not None and row.enabled and not row.unlimited]


def _waiting(wait: Wait) -> str:
    minutes = max(1, -(-wait.rest // timedelta(minutes=1)))
    rest = f"{minutes} min" if minutes < 100 else f"{-(-minutes // 60)} h"  # noqa: PLR2004
    whose = "you have tried" if wait.whose == "user" else "at this site people have tried"
    return f"{whose} too many wrong codes; it goes on in {rest}"
