"""Money that is not here: asks the centre for it, waits for the grant, says where the rest sits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from broker.messages import FundsAnswer, FundsRequest
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Granted, MoneyAtSite
    from config.ids import AccountKey
    from config.policy.money import Unit
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.uplink import Uplink

#: A person stands at the printer: what is not here by then is not coming for this try.
_PATIENCE = 8.0


class CentralFunds:
    """The way to money at the centre and at other sites."""

    def __init__(self, *, books: Books, mint: Callable[[datetime], UUID], clock: Clock) -> None:
        self._books = books
        self._mint = mint
        self._clock = clock
        self._uplink: Uplink | None = None
        self._where: dict[tuple[str, str], tuple[MoneyAtSite, ...]] = {}
        self._arrived = asyncio.Condition()
        self._tellers: set[asyncio.Task[None]] = set()

    def ask_through(self, uplink: Uplink) -> None:
        """Name the line to the centre; without one nothing is reachable."""
        self._uplink = uplink

    @property
    def reachable(self) -> bool:
        """Whether the centre listens now."""
        return self._uplink is not None and self._uplink.linked

    def granted(self, _grants: tuple[Granted, ...]) -> None:
        """Wake those who wait: money has come."""
        teller = asyncio.ensure_future(self._tell())
        self._tellers.add(teller)
        teller.add_done_callback(self._tellers.discard)

    async def fetch(
        self, account: AccountKey, missing: Money, job: UUID, *, partly: bool = False
    ) -> None:
        """Ask for it and wait until it is here, is known not to come, or time is up.

        Args:
            account: which is short.
            missing: how much more is needed.
            job: for which job.
            partly: less will do as well, another account pays the rest.
        """
        if self._uplink is None:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        unit, before = missing.unit, self._here(account, missing.unit, job)
        coming = await self._ask(account, missing, job)
        if coming is None:
            return
        if coming < missing.micros and partly:
            less = min(missing.micros, self._within_reach(account, unit))
            if less:
                coming = await self._ask(account, Money(less, unit), job) or 0
        elif coming < missing.micros:
            return  # what comes is not enough: refuse now instead of letting the person wait
        wanted = before + min(coming, missing.micros)
        async with self._arrived:
            while self._here(account, unit, job) < wanted and loop.time() < end:
                try:
                    async with asyncio.timeout(end - loop.time()):
                        await self._arrived.wait()
                except TimeoutError:
                    return

    async def prefetch(self, account: AccountKey, missing: Money) -> None:
        """Ask for it, as much as there is; nobody waits until it is here."""
        await self._ask(account, missing, None)

    def whereabouts(self, account: AccountKey, unit: Unit) -> str:
        """Say for people where the rest of a balance sits; empty where the centre told nothing."""
        if not self.reachable:
            return "the line to the centre is down, so money that sits elsewhere cannot be fetched"
        if (account, unit) not in self._where:
            return ""
        known = [
            f"{Money(place.micros, unit)} at {place.name or place.site}"
            + ("" if place.linked else ", which works alone now")
            for place in self.places(account, unit)
        ]
        return "elsewhere: " + "; ".join(known) if known else "there is no more elsewhere"

    def places(self, account: AccountKey, unit: Unit) -> tuple[MoneyAtSite, ...]:
        """Return where else money of an account sat when the centre last said so."""
        return tuple(
            place
            for place in self._where.get((account, unit), ())
            if place.micros and not self._is_here(place)
        )

    async def _ask(self, account: AccountKey, missing: Money, job: UUID | None) -> int | None:
        """Return how much comes, in micros; None when nobody says. Without a job: ahead of one."""
        if self._uplink is None:
            return None
        question = FundsRequest(
            corr=self._mint(self._clock()),
            expires_at=self._clock() + timedelta(seconds=_PATIENCE),
            account=account,
            unit=missing.unit,
            micros=missing.micros,
            job=job,
            prefetch=job is None,
        )
        reply = await self._uplink.request("funds", question, seconds=_PATIENCE)
        if reply is None or reply.status != "ok":
            return None
        try:
            answer = FundsAnswer.model_validate(reply.data)
        except ValidationError:
            return None
        self._where[account, missing.unit] = answer.where
        return answer.coming

    def _here(self, account: AccountKey, unit: Unit, job: UUID) -> int:
        """Return what this job may spend here."""
        return self._books.free(account, unit) + self._books.till.aside(job, account, unit)

    def _within_reach(self, account: AccountKey, unit: Unit) -> int:
        """Return what the last answer says is elsewhere and can be fetched."""
        places = self._where.get((account, unit), ())
        return sum(
            place.micros
            for place in places
            if place.linked and place.micros > 0 and not self._is_here(place)
        )

    def _is_here(self, place: MoneyAtSite) -> bool:
        return self._uplink is not None and place.site == self._uplink.node

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()
