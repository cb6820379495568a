"""Entries as pages show them: accounts by what people call them, places by their sites."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from central.rights import Right
from central.store import directory, nodes
from central.web.pages.job_words import person_of
from central.web.pages.sentences import mark
from central.web.pages.views import Ledger, LedgerLine
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from central.store.books import Transaction
    from central.store.lists import ListedEntry
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

#: The house's own accounts.
_HOUSE: Final = {
    "house:topup": mark("Money put in"),
    "house:corrections": mark("Corrections"),
    "house:grants": mark("Periodic grants"),
    "house:paidout": mark("Money paid out"),
    "income:print": mark("Income from printing"),
    "income:copy": mark("Income from copies"),
}
_HOUSE_KINDS: Final = {
    "income": mark("Income"),
    "loss": mark("Losses"),
    "uncovered": mark("Not covered at the site"),
    "suspense": mark("To be cleared"),
    "house": mark("The house"),
}
#: What entries are about.
KINDS: Final = {
    "charge": mark("Charge"),
    "refund": mark("Refund"),
    "topup": mark("Top-up"),
    "payback": mark("Cash paid out"),
    "correction": mark("Correction"),
    "grant": mark("Moved to a site"),
    "return": mark("Back from a site"),
    "gave-back": mark("Back from a site"),
    "allowance": mark("Periodic grant"),
    "collect": mark("Debt collected"),
    "recovered": mark("Recovered"),
    "fork-return": mark("Back from a forked journal"),
    "quarantine": mark("Put aside"),
    "write-off": mark("Written off"),
    "write-off-end": mark("End of a write-off"),
    "forward": mark("Moved on"),
    "close": mark("Closed"),
    "merge": mark("Merged"),
}


@dataclass(slots=True)
class Names:
    """What people call accounts and places, as far as they were looked up."""

    accounts: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def learn(self, tx: Transaction, entries: Iterable[ListedEntry]) -> None:
        """Look up all that entries name."""
        self.know(tx, *(line.account for entry in entries for line in entry.postings))
        self.places = self.places or nodes.called(tx)

    def know(self, tx: Transaction, *keys: str) -> None:
        """Look up what accounts are called."""
        if new := {*keys} - self.accounts.keys():
            self.accounts |= dict.fromkeys(new, "") | labels_of(tx, new)

    def account(self, visit: Visit, key: str) -> str:
        """Return what an account is called."""
        return self.accounts.get(key) or house(visit, key) or key.removeprefix("user:")

    def place(self, node: str) -> str:
        """Return what a place is called; empty: the centre."""
        return self.places.get(node, node)


def house(visit: Visit, key: str) -> str:
    """Return what an account of the house is called; empty: it is none."""
    kind = key.partition(":")[0]
    if key in _HOUSE:
        return visit.say(_HOUSE[key])
    return visit.say(_HOUSE_KINDS[kind]) if kind in _HOUSE_KINDS else ""


def label_of(tx: Transaction, key: str) -> str:
    """Return an account's label, or its person's name; empty: neither is known."""
    return labels_of(tx, [key]).get(key, "")


def labels_of(tx: Transaction, keys: Collection[str]) -> dict[str, str]:
    """Return the same of many accounts; those that are not there are left out."""
    rows = directory.some(tx, "account", sorted(keys))
    found = {key: str(row.get("label") or "") for key, row in rows.items()}
    names = {key.partition(":")[2] for key in found if not found[key] and key.startswith("user:")}
    people = directory.some(tx, "user", sorted(names))
    return {
        key: label or str(people.get(key.partition(":")[2], {}).get("display") or "")
        for key, label in found.items()
    }


def address_of(key: str) -> str:
    """Return the address of an account's page."""
    return f"/accounts/of/{quote(key, safe=':')}"


def ledger(visit: Visit, entry: ListedEntry, names: Names, *, links: bool = True) -> Ledger:
    """Return an entry as it is shown, with its sums."""
    totals: dict[Unit, int] = {}
    for line in entry.postings:
        totals[line.unit] = totals.get(line.unit, 0) + line.micros
    links = links and visit.may(Right.SEE_ACCOUNTS)
    return Ledger(
        f"{kind_of(visit, entry.kind)} {entry.n}",
        visit.local(entry.at),
        person_of(entry.author) or visit.say(mark("by itself")),
        entry.note,
        tuple(
            LedgerLine(
                names.account(visit, line.account),
                names.place(line.place) if line.place else "",
                visit.words.money(Money(line.micros, line.unit)),
                line.micros < 0,
                address_of(line.account) if links and not house(visit, line.account) else "",
            )
            for line in sorted(entry.postings, key=lambda line: (line.micros, line.account))
        ),
        " · ".join(visit.words.money(Money(micros, unit)) for unit, micros in totals.items()),
    )


def kind_of(visit: Visit, kind: str) -> str:
    """Return what an entry is about."""
    return visit.say(KINDS[kind]) if kind in KINDS else kind
