"""Money ahead of a release: asked for together, quietly, at most once a minute and person."""

from __future__ import annotations

import asyncio

from config.policy.decisions import Allowed, Charge, Denied, Reason, Short
from config.policy.money import Money
from config.policy.pricing import Priced
from edge.prefetch import EVERY, Prefetch, shortage
from tests.unit.edge_lab import ANA

FREE = {(ANA, "EUR"): 70}


def allowed(micros: int, account: str = ANA) -> Allowed:
    """Return a decision that charges an account."""
    money = Money(micros, "EUR")
    return Allowed(Priced(money, 1, ()), (Charge(account, money),))


def denied(needed: int, here: int) -> Denied:
    """Return a decision that is short."""
    short = Short(ANA, Money(needed, "EUR"), Money(here, "EUR"))
    return Denied(Reason.ACCOUNT_LIMIT_REACHED, "", short)


def free(account: str, unit: str) -> int:
    """Return what is here."""
    return FREE.get((account, unit), 0)


def test_jobs_are_short_together_of_what_each_alone_is_not() -> None:
    """Two jobs that are covered one by one may cost more than there is."""
    assert shortage([allowed(50)], free) == {}
    assert shortage([allowed(50), allowed(50)], free) == {(ANA, "EUR"): 30}
    assert shortage([denied(100, 70)], free) == {(ANA, "EUR"): 30}
    assert shortage([denied(100, 70), allowed(50)], free) == {(ANA, "EUR"): 80}
    assert shortage([Denied(Reason.NO_PRICE, "")], free) == {}


async def test_nobody_waits_for_it() -> None:
    """The question is put behind the answer to who listed their jobs."""
    asked: list[tuple[str, Money]] = []
    gate = asyncio.Event()

    async def fetch(account: str, money: Money) -> None:
        await gate.wait()
        asked.append((account, money))

    prefetch = Prefetch(fetch, wanted=lambda: True)
    prefetch.begin([denied(100, 70)], free)
    assert asked == []
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked == [(ANA, Money(30, "EUR"))]


async def test_once_a_minute_and_person() -> None:
    """Who looks at their list again and again asks the centre once; others have their own turn."""

    async def fetch(_account: str, _money: Money) -> None:
        await asyncio.sleep(0)

    linked = True
    prefetch = Prefetch(fetch, wanted=lambda: linked)
    assert prefetch.due("ana", 10.0)
    assert not prefetch.due("Ana", 10.0 + EVERY - 1)
    assert prefetch.due("bob", 11.0)
    assert prefetch.due("ana", 10.0 + EVERY)
    linked = False
    assert not prefetch.due("ana", 1000.0)
    linked = True
    assert prefetch.due("ana", 1001.0)
