"""The search through random histories finds a fault of each kind that somebody could build in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from benchmarks.simulation.histories import Found, search, shrink, told
from benchmarks.simulation.hunt import template
from benchmarks.simulation.site import Site
from broker.messages import AccountAmount, Returned
from broker.stream_outbound import Opened, Outbound
from edge.store.codes import Codes
from edge.store.returns import Returns
from edge.store.till import Till

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from broker.messages import Charged, Granted, Position, Reclaim
    from broker.stream_outbound import BirthOutcome
    from config.policy.jobs import Figures
    from edge.jobs import JobRecord
    from edge.store.transaction import Transaction

#: Histories that are searched for a planted fault, at most.
PATIENCE = 60
LINE = {"print": 18, "settle": 14, "net": 30, "wait": 9}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        for sites in (2, 3):
            template(sites)  # before a fault is planted
        yield


def find(weights: Mapping[str, int]) -> Found:
    """Return the first counter-example, shrunk."""
    for seed in range(PATIENCE):
        found = search(template(2), seed, weights)
        if found is not None:
            return shrink(template(2), found)
    pytest.fail(f"nothing was found in {PATIENCE} histories")


def unguarded(
    self: Till, amount: AccountAmount, *, balance: int, held: int, aside: int = 0
) -> None:
    """Change an account whatever comes of it."""
    row = self._accounts.find("key", f"{amount.account} {amount.unit}")
    if row is not None:
        self._accounts.amend(row, {"balance": row["balance"] + balance, "held": row["held"] + held})


def test_finds_a_charge_above_the_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that charges more than it held is found."""
    honest, lift = Site.charge, Till.settle

    def dearer(
        self: Site, record: JobRecord, amounts: tuple[AccountAmount, ...], billed: Figures
    ) -> Charged:
        more = tuple(each.model_copy(update={"micros": 2 * each.micros}) for each in amounts)
        return honest(self, record, more, billed)

    def settle(
        self: Till, held: Sequence[AccountAmount], charged: Sequence[AccountAmount]
    ) -> dict[str, int]:
        lift(self, held, ())
        for each in charged:
            unguarded(self, each, balance=-each.micros, held=0)
        return {}

    monkeypatch.setattr(Site, "charge", dearer)
    monkeypatch.setattr(Till, "settle", settle)
    monkeypatch.setattr(Till, "move", unguarded)
    found = find(LINE)
    assert found.violation.invariant in {"once", "negative", "overspent"}, told(found)


def test_finds_a_grant_that_is_applied_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that takes a grant in twice is found."""
    once = Returns.credit

    def twice(
        self: Returns, txn: Transaction, grant: Granted, now: datetime, *, wanted: bool
    ) -> None:
        once(self, txn, grant, now, wanted=wanted)
        once(self, txn, grant, now, wanted=wanted)

    monkeypatch.setattr(Returns, "credit", twice)
    found = find(LINE | {"top-up": 8})
    assert found.violation.invariant in {"exposure", "overspent"}, told(found)


def test_finds_a_code_that_is_credited_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that credits a code, and its grant again, is found."""
    monkeypatch.setattr(Codes, "brought", lambda _self, _grant: False)
    found = find({"code": 10, "redeem": 14, "net": 20, "cut": 8, "join": 8, "wait": 8})
    assert found.violation.invariant in {"exposure", "overspent"}, told(found)


def test_finds_a_reclaim_that_is_answered_with_held_money(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An edge that gives back what it holds for a job is found."""

    def generous(self: Returns, txn: Transaction, asked: Reclaim, now: datetime) -> None:
        there = {each.account: each.micros for each in self._till.balances()}
        micros = min(asked.up_to, there.get(asked.account, 0))
        amount = AccountAmount(account=asked.account, unit=asked.unit, micros=micros)
        unguarded(self._till, amount, balance=-micros, held=0)
        answer = Returned(
            reclaim=asked.reclaim, account=asked.account, unit=asked.unit, micros=micros
        )
        self._say(txn, answer, now)

    monkeypatch.setattr(Returns, "answer", generous)
    monkeypatch.setattr(Till, "move", unguarded)
    found = find(LINE)
    assert found.violation.invariant in {"negative", "broke"}, told(found)


def test_finds_a_restore_that_lowers_no_watermark(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that does not send again what a restored centre has forgotten is found."""
    honest = Outbound.on_birth

    def stubborn(self: Outbound, applied: Position, *, epoch: int, now: float) -> BirthOutcome:
        before = self.acked
        outcome = honest(self, applied, epoch=epoch, now=now)
        if isinstance(outcome, Opened) and outcome.lowered:
            self.acked, self._cursor = before, before.seq
        return outcome

    monkeypatch.setattr(Outbound, "on_birth", stubborn)
    found = find(LINE | {"back-up": 12, "restore": 20})
    assert found.violation.invariant in {"once", "quiet", "exposure", "overspent"}, told(found)


def test_finds_nothing_where_nothing_is_wrong() -> None:
    """Histories of the code as it is keep every invariant."""
    for seed in range(40):
        found = search(template(2 + seed % 2), seed)
        assert found is None, told(found)
