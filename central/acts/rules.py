"""Rules and prices: checking, trying, putting in force; and how they became what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import ValidationError

from broker.directory import UserRow
from central.acts.by import By, signed
from central.rehearsal import Past, rehearse, try_on
from central.slices import ROW_LIMIT
from central.store import audit, directory, jobs, rehearsing
from central.store import rules as store
from central.store.ledger import Refused
from config.policy.rules import RuleSet
from config.policy.rules_check import check
from config.policy.rules_text import Fault, read_rules, with_lines
from config.policy.tariffs import Tariff, in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from central.rehearsal import Described, Difference, Trial
    from central.store.books import Transaction
    from central.store.rules import Kept
    from config.policy.rules import Rule, UnreadableRules

Form: TypeAlias = Literal["toml", "json"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A set of rules, looked at."""

    rules: RuleSet | None
    """None: it cannot be used."""
    faults: tuple[Fault, ...]
    """What is wrong, and what looks wrong (`refuses` false)."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Rules are in force."""

    rules: RuleSet
    new: bool
    """False: they were in force already, nothing was changed."""
    deaf: tuple[str, ...]
    """Edges whose program knows no rules: they print as they are asked."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How one rule changed."""

    name: str
    place: int
    """In the new set, from 1; of one that is gone, in the old."""
    before: Rule | None
    after: Rule | None


@dataclass(frozen=True, slots=True)
class Version:
    """One set of rules there was, and what it changed of the one before."""

    kept: Kept
    changed: tuple[Changed, ...]
    """Added, removed, or other than before."""
    reordered: bool
    """Those that stayed stand in another order."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A tariff and when it prices jobs."""

    tariff: Tariff
    until: datetime | None
    """When the next one comes into force; None: no other is known."""
    state: Literal["past", "now", "future", "never"]
    """never: another one came into force at the same moment."""
    author: str
    """Who entered it, as far as the audit still tells."""
    entered_at: datetime | None


# ── rules ───────────────────────────────────────────────────────────────────────────────────


def read(tx: Transaction, text: str, form: Form = "toml") -> Checked:
    """Read and check rules; nothing is changed.

    Args:
        tx: any transaction: rules name printers, groups and accounts that must be there.
        text: `[[rules]]` in TOML, or `{"rules": […]}` in JSON.
        form: of the text.
    """
    rules = read_rules(text, form, version=store.next_version(tx))
    if not isinstance(rules, RuleSet):
        return Checked(None, rules)
    faults = check(rules, store.known(tx, rules))
    if form == "toml":
        faults = with_lines(faults, text)
    size = len(json.dumps({"value": rules.to_json()}).encode())
    if size > ROW_LIMIT:
        words = f"have {size} bytes, {ROW_LIMIT} fit a message to a site"
        faults = (*faults, Fault(f"the rules {words}"))
    usable = not any(fault.refuses for fault in faults)
    return Checked(rules if usable else None, tuple(faults))


def put_in_force(tx: Transaction, by: By, rules: RuleSet, *, why: str = "") -> Entered | Refused:
    """Put rules in force at every site, in place of those there are; `rules` as checked by `read`.

    Whoever reads them, looks at them for an hour and then saves them must not undo what somebody
    else saved meanwhile: their version is compared.
    """
    if rules.version != store.next_version(tx):
        return Refused("somebody else has changed the rules meanwhile: look at theirs first")
    before = store.in_force(tx)
    if isinstance(before, RuleSet) and before.rules == rules.rules:
        return Entered(before, new=False, deaf=_deaf(tx, before))
    store.enter(signed(tx, by), rules, author=by.author, why=why, before=_told(before))
    return Entered(rules, new=True, deaf=_deaf(tx, rules))


def try_past(tx: Transaction, rules: RuleSet, last: int) -> list[Difference]:
    """Return which of the last jobs other rules would have treated otherwise than those now."""
    old = store.in_force(tx)
    known = old if isinstance(old, RuleSet) else None
    world = rehearsing.world_of(tx)
    found = (
        rehearse(known, rules, rehearsing.past_of(tx, job), world) for job in jobs.newest(tx, last)
    )
    return [each for each in found if each is not None]


def try_job(tx: Transaction, rules: RuleSet | None, id_: UUID) -> Trial | Refused:
    """Return what rules would do to one past job, as far as the books know it."""
    job = jobs.find(tx, id_)
    if job is None:
        return Refused(f"there is no job {id_}")
    past: Past = rehearsing.past_of(tx, job)
    found = try_on(rules, past, rehearsing.world_of(tx), past.purse)
    return found or Refused("nothing was ever counted of this job")


def try_described(tx: Transaction, rules: RuleSet | None, job: Described) -> Trial | Refused:
    """Return what rules would do to a job that somebody thinks of."""
    world = rehearsing.world_of(tx)
    if job.printer not in world.printers:
        return Refused(f"there is no printer {job.printer!r}")
    if job.pages < 1 or job.copies < 1:
        return Refused("a job has a page and a copy at least")
    found = try_on(rules, job, world, rehearsing.purse_today(tx, job.user))
    return found or Refused("nothing is known of it")


def groups_of(tx: Transaction, user: str) -> tuple[str, ...]:
    """Return a person's groups today, for describing a job."""
    row = directory.get(tx, "user", user.lower())
    return () if row is None else UserRow.model_validate(row).groups


def history(tx: Transaction) -> list[Version]:
    """Return every set of rules there was, the newest last, with what each changed."""
    found: list[Version] = []
    before: RuleSet | UnreadableRules | None = None
    for kept in store.history(tx):
        changed, reordered = difference(before, kept.rules)
        found.append(Version(kept, changed, reordered))
        before = kept.rules
    return found


def difference(
    before: RuleSet | UnreadableRules | None, after: RuleSet | UnreadableRules | None
) -> tuple[tuple[Changed, ...], bool]:
    """Return how one set of rules differs from another, and whether what stayed was reordered."""
    old = before.rules if isinstance(before, RuleSet) else ()
    new = after.rules if isinstance(after, RuleSet) else ()
    was = {rule.name: rule for rule in old}
    names = {rule.name for rule in new}
    changed = [
        Changed(rule.name, n, was.get(rule.name), rule)
        for n, rule in enumerate(new, 1)
        if was.get(rule.name) != rule
    ]
    changed += [
        Changed(rule.name, n, rule, None) for n, rule in enumerate(old, 1) if rule.name not in names
    ]
    stayed = [rule.name for rule in old if rule.name in names]
    return tuple(changed), stayed != [rule.name for rule in new if rule.name in was]


# ── prices ──────────────────────────────────────────────────────────────────────────────────


def set_tariff(tx: Transaction, by: By, given: Mapping[str, Any]) -> Tariff | Refused:
    """Enter prices, from now on or from a moment to come; charges name their version.

    Args:
        tx: a writing transaction.
        by: who does it.
        given: `lines`; and if wanted `effective_from`, `unit` and `version`.
    """
    versions = [int(key) for key, _ in directory.live(tx, "tariff")]
    fields: dict[str, Any] = {
        "version": max(versions, default=0) + 1,
        "unit": tx.identity.currency,
        "effective_from": tx.now,
        **given,
    }
    try:
        tariff = Tariff.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the tariff"
        return Refused(f"{place}: {first['msg']}")
    if tariff.version in versions:
        return Refused(f"there is a version {tariff.version} already; leave `version` out")
    size = len(tariff.model_dump_json())
    if size > ROW_LIMIT:
        return Refused(f"the tariff has {size} bytes, {ROW_LIMIT} fit a message to a site")
    before = in_force(_tariffs(tx), tariff.effective_from)
    directory.put(tx, "tariff", str(tariff.version), tariff)
    audit.note(
        signed(tx, by),
        author=by.author,
        act="tariff set",
        target=str(tariff.version),
        detail={"effective_from": tariff.effective_from, "lines": len(tariff.lines)},
        before=None if before is None else before.model_dump(mode="json"),
        after=tariff.model_dump(mode="json"),
    )
    return tariff


def withdraw_tariff(tx: Transaction, by: By, version: int) -> Tariff | Refused:
    """Take prices back that are not in force yet."""
    row = directory.get(tx, "tariff", str(version))
    if row is None:
        return Refused(f"there is no tariff {version}")
    tariff = Tariff.model_validate(row)
    if tariff.effective_from <= tx.now:
        return Refused(
            f"tariff {version} came into force at {tariff.effective_from:%F %T %Z}: charges name "
            "it; enter other prices instead"
        )
    directory.remove(tx, "tariff", str(version))
    told = tariff.model_dump(mode="json")
    audit.note(
        signed(tx, by), author=by.author, act="tariff withdraw", target=str(version), before=told
    )
    return tariff


def tariffs(tx: Transaction) -> list[Priced]:
    """Return all prices there are and were, by when they come into force, the newest last."""
    every = sorted(_tariffs(tx), key=lambda each: (each.effective_from, each.version))
    now = in_force(every, tx.now)
    return [_priced(tx, every, n, now) for n in range(len(every))]


def _priced(tx: Transaction, every: Sequence[Tariff], n: int, now: Tariff | None) -> Priced:
    tariff = every[n]
    until = next((e.effective_from for e in every[n + 1 :]), None)
    state: Literal["past", "now", "future", "never"] = "past"
    if until == tariff.effective_from:
        state = "never"
    elif tariff == now:
        state = "now"
    elif tariff.effective_from > tx.now:
        state = "future"
    which = audit.Which(target=str(tariff.version), act="tariff set")
    acts = audit.search(tx, which, limit=1)
    author, at = (acts[0].author, acts[0].at) if acts else ("", None)
    return Priced(tariff, until, state, author, at)


def _tariffs(tx: Transaction) -> list[Tariff]:
    return [Tariff.model_validate(row) for _, row in directory.live(tx, "tariff")]


def _deaf(tx: Transaction, rules: RuleSet) -> tuple[str, ...]:
    return tuple(store.deaf(tx)) if rules.rules else ()


def _told(rules: RuleSet | UnreadableRules | None) -> list[str] | None:
    return _names(rules.rules) if isinstance(rules, RuleSet) else None


def _names(rules: Iterable[Rule]) -> list[str]:
    return [rule.name for rule in rules]
