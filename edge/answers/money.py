"""Answers about money: what a person may spend here, and where the rest of it sits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import BalanceAnswer, BalanceRequest, Reply, Request, WalletHere
from config.policy.decisions import Reason
from edge.answers.words import no, yes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.ids import AccountKey
    from edge.answers.words import Answer, Visitors
    from edge.deciding import Standing
    from edge.ports import Funds
    from edge.store.books import Books
    from edge.store.replica import Replica


class MoneyAnswers:
    """Balances."""

    once: frozenset[type[Request]] = frozenset()

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        visitors: Visitors,
        standing: Standing,
        funds: Funds,
    ) -> None:
        """Take what the answers come from.

        Args:
            books: what is here.
            replica: whose accounts are whose.
            visitors: who stands at the terminals.
            standing: how far the site may go past what is here.
            funds: where the rest is.
        """
        self._books = books
        self._replica = replica
        self._visitors = visitors
        self._standing = standing
        self._funds = funds
        self.answers: Mapping[type[Request], Answer] = {BalanceRequest: self._balance}

    async def _balance(self, node: str, question: BalanceRequest) -> Reply:
        name = self._visitors.who(node, question.person)
        user = self._replica.user(name) if name else None
        if user is None:
            detail = "nobody here is known by this card or name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        lists = user.wallets or tuple((key,) for key in user.accounts)
        known = [here for keys in lists if (here := self._wallets(keys))]
        first = next((each for each in known[0] if not each.unlimited), None) if known else None
        answer = BalanceAnswer(
            lists=tuple(known),
            choices=self._wallets(user.choices),
            outside=self._standing.past(first.account, first.unit).micros if first else 0,
        )
        return yes(question, answer.model_dump(mode="json"))

    def _wallets(self, keys: Iterable[AccountKey]) -> tuple[WalletHere, ...]:
        """Return accounts as they are here, without those that the directory does not know."""
        rows = (self._replica.account(key) for key in keys)
        return tuple(
            WalletHere(
                account=row.account,
                unit=row.unit,
                here=0 if row.unlimited else self._books.free(row.account, row.unit),
                unlimited=row.unlimited,
                counts=row.counts,
                enabled=row.enabled,
                elsewhere=None
                if row.unlimited
                else self._funds.whereabouts(row.account, row.unit)[:1000] or None,
                places=() if row.unlimited else self._funds.places(row.account, row.unit),
            )
            for row in rows
            if row is not None
        )
