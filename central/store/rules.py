"""The rules in the books: a row of the directory that every site has, and every set there was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select

from broker.directory import RULES, SettingRow
from central.store import directory, person_search
from central.store.audit import note
from central.store.tables import node, rule_set
from config.policy.rules_check import Known, KnownPrinter
from config.policy.rules_text import load_rules

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction
    from config.policy.rules import RuleSet, UnreadableRules

_NONE: Final = 0
#: Edges that speak this version or a newer one know rules.
_WIRE: Final = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """A set of rules that is or was in force."""

    version: int
    at: datetime
    """When it came into force."""
    author: str
    note: str
    """As its author gave it."""
    rules: RuleSet | UnreadableRules


def in_force(tx: Transaction) -> RuleSet | UnreadableRules | None:
    """Return the rules that sites decide by; None where there are none."""
    row = directory.get(tx, "setting", RULES)
    text = None if row is None else SettingRow.model_validate(row).value
    return load_rules(text) if text else None


def next_version(tx: Transaction) -> int:
    """Return the version that the next set gets."""
    return (tx.sql.execute(select(func.max(rule_set.c.version))).scalar() or _NONE) + 1


def enter(
    tx: Transaction,
    rules: RuleSet,
    *,
    author: str,
    why: str = "",
    before: list[str] | None = None,
) -> None:
    """Put rules in force everywhere; whoever calls has checked them.

    Args:
        tx: the transaction.
        rules: with the version of `next_version`.
        author: who does it.
        why: a remark, kept with them.
        before: the names of the rules they replace, for the audit.
    """
    text = rules.to_json()
    directory.put(tx, "setting", RULES, SettingRow(value=text))
    tx.sql.execute(
        insert(rule_set).values(
            version=rules.version, rules=text, author=author, note=why, at=tx.now
        )
    )
    detail = {"version": rules.version, "rules": len(rules.rules), "why": why}
    after = [rule.name for rule in rules.rules]
    note(tx, author=author, act="rule set", target=RULES, detail=detail, before=before, after=after)


def kept(tx: Transaction, version: int) -> Kept | None:
    """Return the rules of a version, or None."""
    query = select(rule_set).where(rule_set.c.version == version)
    row = tx.sql.execute(query).one_or_none()
    return None if row is None else _kept(row)


def history(tx: Transaction) -> list[Kept]:
    """Return every set of rules, the newest last."""
    return [_kept(row) for row in tx.sql.execute(select(rule_set).order_by(rule_set.c.version))]


def known(tx: Transaction, rules: RuleSet) -> Known:
    """Return the names that rules may use: what the directory has. Queues are the sites' own.

    Of people and accounts, who are many, only those that the rules name.
    """
    named = {name.casefold() for rule in rules.rules for name in rule.when.users}
    charged = {rule.then.charge for rule in rules.rules if rule.then.charge}
    return Known(
        printers={
            key: KnownPrinter(row["node"], tuple(row.get("tags", ())))
            for key, row in directory.live(tx, "printer")
        },
        groups={group for group, _ in person_search.groups(tx)},
        accounts=directory.some(tx, "account", sorted(charged)).keys(),
        users=directory.some(tx, "user", sorted(named)).keys(),
        currencies={row["unit"] for _, row in directory.live(tx, "tariff")},
    )


def deaf(tx: Transaction) -> list[str]:
    """Return the edges that run a version which knows no rules: they print as they are asked."""
    query = (
        select(node.c.id)
        .where(node.c.kind == "edge", node.c.incarnation.is_not(None), node.c.wire < _WIRE)
        .order_by(node.c.id)
    )
    return list(tx.sql.execute(query).scalars())


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(row.version, row.at, row.author, row.note, load_rules(row.rules))
