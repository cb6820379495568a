"""Copies at a machine, said between a terminal and its site's edge: begin, count, end, state."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from broker.messages.base import Count, Line, Part
from broker.messages.ledger import AccountAmount
from broker.messages.questions import Person, Request
from config.ids import AccountKey, NodeId
from config.policy.money import Micros, Unit


class CopyCounts(Part):
    """Impressions copied since the copy began, by kind: totals, so that saying it twice is once."""

    monochrome: Count = 0
    """Small media (up to A4 and letter)."""
    color: Count = 0
    """Small media, in colour."""
    monochrome_large: Count = 0
    """Larger media."""
    color_large: Count = 0
    """Larger media, in colour."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.monochrome + self.color + self.monochrome_large + self.color_large


class MeterReading(Part):
    """A machine's own totalisers: impressions since it was made, whatever they were made for."""

    total: Count | None = None
    """Of all kinds; for a machine that does not tell them apart."""
    kinds: CopyCounts | None = None
    """By kind; goes before `total`."""


class CopyBeginRequest(Request):
    """Let a person copy at a machine; money is set aside first. Answered with CopyState."""

    TYPE: ClassVar[str] = "printmesh.copy-begin-request.v1"
    person: Person
    """Who copies."""
    printer: NodeId
    """The copier's device id."""
    account: AccountKey | None = None
    """To be charged instead of the person's own wallets."""
    confirmed: bool = False
    """The person has said yes to what a rule asks."""
    meter: MeterReading | None = None
    """As it stands before the machine is enabled, where it can be read. What was made of a copy
    that its terminal lost is settled by the difference."""


class CopyCountRequest(Request):
    """More was copied; durable at the edge before it is answered. Answered with CopyState."""

    TYPE: ClassVar[str] = "printmesh.copy-count-request.v1"
    copy_id: UUID
    """As CopyState named it."""
    counts: CopyCounts
    """So far; a figure that fell is ignored and flagged."""
    meter: MeterReading | None = None
    """As it stands now, where it can be read."""


class CopyEndRequest(Request):
    """No more is copied: settle. Answered with CopyState; said again, with the same."""

    TYPE: ClassVar[str] = "printmesh.copy-end-request.v1"
    copy_id: UUID
    """As CopyState named it."""
    counts: CopyCounts
    """The last word."""
    why: Line = ""
    """For the record: `signed off`, `budget`, `after a restart` …"""
    meter: MeterReading | None = None
    """As it stands at the end. Where it says more than was counted, that is settled and flagged."""


class CopyState(Part):
    """How a copy stands."""

    copy_id: UUID
    """Names it for ever: its job-uuid in the books."""
    go_on: bool
    """False: stop the machine now; the budget is used but for the pages it still makes."""
    settled: bool = False
    """It is over and charged."""
    counts: CopyCounts = CopyCounts()
    """What is durable at the edge."""
    cost: tuple[AccountAmount, ...] = ()
    """So far, or in the end, on each account."""
    left: Micros = 0
    """Of the budget, in the unit of the price."""
    unit: Unit = "page"
    """That unit."""
    pages_left: CopyCounts = CopyCounts()
    """How many more of each kind alone; 0 where it is not allowed."""
    text: Line = ""
    """Why it stopped or began with less, for people."""
