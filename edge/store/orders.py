"""What the coordinator's ledger tells a site, carried out: always inside a record of the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from broker.messages import (
    AccountAmount,
    CodesFrom,
    Collected,
    Granted,
    Reclaim,
    Rejected,
    SetTerms,
)
from broker.stream import place
from broker.stream_inbound import Quarantined, sift
from broker.topics import STREAMS_DOWN
from edge.store.applied import Applied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Envelope, Message
    from edge.store.cards import CardsKept
    from edge.store.codes import Codes
    from edge.store.returns import Returns
    from edge.store.table import JournalTable
    from edge.store.terms import TermsKept
    from edge.store.till import Till
    from edge.store.transaction import Transaction

#: The coordinator's ledger as the journal keeps it: applied events and their hashes.
DOWN: Final = "down-ledger"


@dataclass(frozen=True, slots=True)
class Orders:
    """Which part of a site's books each event of the coordinator is for."""

    quarantine: JournalTable
    """Events that could not be read or carried out."""
    till: Till
    """The money."""
    terms: TermsKept
    """Role and terms."""
    codes: Codes
    """Courier codes."""
    cards: CardsKept
    """Cards that were entered here."""
    returns: Returns
    """Money that goes back, and what comes for a job."""
    wanted: Callable[[UUID | None], bool]
    """Says whether somebody waits for money that comes for a job."""

    def apply(
        self,
        txn: Transaction,
        envelopes: Sequence[Envelope],
        now: datetime,
        *,
        because: str | None = None,
    ) -> Applied:
        """Carry out consecutive events, and keep them: the watermark goes with them.

        Args:
            txn: the record that this is part of.
            envelopes: verified against the chain, at least one.
            now: the moment it happens at.
            because: put all of them aside with this reason, whatever they say.
        """
        granted: list[Granted] = []
        rejected: list[Rejected] = []
        bad: list[tuple[int, str]] = []
        items = (
            sift(envelopes, STREAMS_DOWN["ledger"])
            if because is None
            else (Quarantined(envelope, because) for envelope in envelopes)
        )
        for item in items:
            if isinstance(item, Quarantined):
                seq, data, reason = item.envelope.seq, item.envelope.data, item.reason
                row = {"seq": seq, "data": data, "reason": reason, "stream": DOWN}
                self.quarantine.insert(row)
                bad.append((seq, reason))
            else:
                self._carry_out(txn, item.event.message, granted, rejected, now)
            txn.keep(DOWN, item.envelope)
        return Applied(place(envelopes[-1]), tuple(granted), tuple(rejected), tuple(bad))

    def _carry_out(
        self,
        txn: Transaction,
        event: Message,
        granted: list[Granted],
        rejected: list[Rejected],
        now: datetime,
    ) -> None:
        match event:  # an Opening of the centre carries nothing for a fresh journal
            case Granted():
                if self.codes.brought(event):
                    self.returns.brought(txn, event, now)
                else:
                    self.returns.credit(txn, event, now, wanted=self.wanted(event.job))
                granted.append(event)
            case SetTerms():
                self.terms.wish_for(event)
            case Collected():
                paid = AccountAmount(account=event.account, unit=event.unit, micros=event.micros)
                self.till.collected(paid)
            case CodesFrom():
                self.codes.begin(event)
            case Reclaim():
                self.returns.answer(txn, event, now)
            case Rejected():
                self.cards.rejected(event)
                rejected.append(event)
