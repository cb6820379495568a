"""Money between a centre and its sites: whatever happens in whatever order, it adds up."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import time, timedelta
from functools import cache
from typing import TypeAlias

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.directory import UserRow
from broker.messages import UncoveredCap
from central.schedules import Plan
from central.store import closing, corrections, schedules, terms
from central.store.accounts import Rules
from central.store.allowances import Allowance
from central.store.corrections import HOUSE_CORRECTIONS
from central.store.ledger import Posted
from central.store.terms import Wish
from config.policy.money import Money
from config.policy.roles import ROLES
from edge.release import Phase as JobPhase
from edge.store.memory_disk import PowerCutError
from tests.integration.money_books import AUTHOR, NODES, PEOPLE, UNITS, Template
from tests.integration.money_machine import Organisation
from tests.integration.money_site import CENT
from tests.integration.money_truth import Truth

pytestmark = pytest.mark.sqlite_only("each history begins from an image of the books in memory")

#: Examples to try instead of the few that `make test` has time for.
HUNT = int(os.environ.get("PRINTMESH_MONEY_EXAMPLES", "0"))
EXAMPLES, STEPS = (HUNT, 50) if HUNT else (11, 35)

node = st.sampled_from(NODES)
person = st.sampled_from(PEOPLE)
key = st.sampled_from(sorted(UNITS))
cents = st.sampled_from([1, 3, 40, 90, 250, 700])
quarters = st.sampled_from([4, 4, 4, 2, 0, 5])
payers = st.sampled_from(["own", "own", "grant", "project", "pages"])
#: Who, paid by what, for how much, how much of it comes out (none: it goes on printing).
Job: TypeAlias = tuple[str, str, int, int | None]
job = st.tuples(person, payers, cents, st.none() | quarters)
role = st.sampled_from(["remote", "tracker", "agent"])
#: What may be outstanding at a site, and on one account.
Caps: TypeAlias = tuple[int | None, int | None]
caps = st.sampled_from([(None, None), (1500, 700), (700, None), (250, 90), (40, 3)])
FATES = ("once", "once", "twice", "lost")


@cache
def template() -> Template:
    """Return what every history begins with."""
    return Template()


def paid_by(who: str, how: str) -> tuple[str, ...]:
    """Return the list of accounts that pays."""
    lists = {
        "own": (f"user:{who}",),
        "grant": (f"grant:{who}", f"user:{who}"),
        "project": ("project:x", f"user:{who}"),
        "pages": ("pages:ana",),
    }
    return lists[how]


class Household(RuleBasedStateMachine):
    """Three sites, two people, six accounts, and all that may become of their money."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.org = Organisation(template())
        self.truth = Truth(self.org)
        self.lost: set[str] = set()

    @initialize(
        mode=st.sampled_from(["set", "add"]),
        micros=cents,
        cap=st.none() | cents,
        money=st.sampled_from([60, 500]),
        roles=st.tuples(role, role, role),
        cap_of=caps,
    )
    def begin(
        self,
        mode: str,
        micros: int,
        cap: int | None,
        money: int,
        roles: tuple[str, ...],
        cap_of: Caps,
    ) -> None:
        """Enter a nightly grant; people have something to begin with, sites know what to be."""
        allowance = Allowance(
            "group:students",
            "grant",
            "EUR",
            micros * CENT,
            "set" if mode == "set" else "add",
            None if mode == "set" or cap is None else cap * CENT,
        )
        plan = Plan("daily", "Europe/Paris", time(2, 30))
        with self.org.books.write() as tx:
            added = schedules.add(tx, "pocket", allowance, plan, author=AUTHOR)
        assert isinstance(added, schedules.Schedule)
        for each in ("user:ana", "user:bob", "project:x", "pages:ana"):
            self.org.top_up(each, 500 * CENT)
        self.org.look()
        self._settle_down()

    # ── the centre's people ─────────────────────────────────────────────────────────────────

    @rule(key=key, cents=cents)
    def top_up(self, key: str, cents: int) -> None:
        """Put money on an account; the centre spreads it, and sites hear."""
        self.org.top_up(key, cents * CENT)
        self._settle_down()

    @rule(
        key=key,
        act=st.sampled_from(["correct", "allow", "close", "merge", "freeze", "thaw"]),
        cents=st.sampled_from([-700, -90, -3, 3, 250]),
        floor=st.sampled_from([0, -100, -1000]),
        unlimited=st.booleans(),
        heir=st.sampled_from((*sorted(UNITS), "house:paidout", None)),
    )
    def govern(
        self,
        key: str,
        act: str,
        cents: int,
        floor: int,
        unlimited: bool,  # noqa: FBT001  drawn
        heir: str | None,
    ) -> None:
        """Do what an administrator may do to an account, if that can be done."""
        if act == "correct":
            self._correct(key, cents)
        elif act == "allow":
            self.org.rule_account(key, Rules(floor=floor * CENT, unlimited=unlimited))
        else:
            with self.org.books.write() as tx:
                if act == "close":
                    closing.close(tx, key, to=heir, author=AUTHOR, reason="x")
                elif act == "merge" and heir is not None:
                    closing.merge(tx, key, heir, author=AUTHOR, reason="x")
                else:
                    turn = closing.unfreeze if act == "thaw" else closing.freeze
                    turn(tx, key, author=AUTHOR, reason="x")
        if heir is not None and key in self.org.told.limitless:
            self.org.told.limitless.add(heir)

    def _correct(self, key: str, cents: int) -> None:
        by = Money(cents * CENT, UNITS[key])
        with self.org.books.write() as tx:
            done = corrections.correct(tx, key, by, reason="x", author=AUTHOR)
        if isinstance(done, Posted):
            self.org.told.given[HOUSE_CORRECTIONS, by.unit] += by.micros

    @precondition(lambda self: self.org.told.printed)
    @rule(which=st.integers(0, 30), part=st.none() | cents)
    def refund(self, which: int, part: int | None) -> None:
        """Give some of a job back, or all of it."""
        jobs = sorted(self.org.told.printed)
        job = jobs[which % len(jobs)]
        wanted = None if part is None else Money(part * CENT + 1, "EUR")
        with self.org.books.write() as tx:
            done = corrections.refund(tx, job, wanted, reason="x", author=AUTHOR)
        if isinstance(done, list):
            back = sum(money.micros for each in done for _, money in each.parts)
            self.org.told.refunded[job] += back

    @rule(name=node, role=role, cap_of=caps)
    def wish(self, name: str, role: str, cap_of: Caps) -> None:
        """Wish a site another role and other terms."""
        at_site, on_one = (None if each is None else each * CENT for each in cap_of)
        caps = (UncoveredCap(unit="EUR", site=at_site, user=on_one),)
        line = next(each for each in ROLES.values() if each.name == role)
        wish = Wish(line.name, caps if line.past_allocation != "never" else ())
        with self.org.books.write() as tx:
            terms.set_wish(tx, name, wish, author=AUTHOR)

    # ── time, the centre and lines ──────────────────────────────────────────────────────────

    @rule(minutes=st.sampled_from([0, 1, 11, 700, 3000]))
    def wait(self, minutes: int) -> None:
        """Let time go by; the centre does what is due."""
        self.org.wait(timedelta(minutes=minutes))
        self.org.look()

    @rule(name=node)
    def flip(self, name: str) -> None:
        """Cut a line, or bring it back."""
        if name in self.org.talks:
            self.org.cut(name)
        else:
            self.org.meet(name)

    @rule()
    def settle_down(self) -> None:
        """Everybody whose line is up says and hears all there is."""
        self._settle_down()

    def _settle_down(self) -> None:
        self.org.look()
        for name in sorted(self.org.talks):
            self.org.converse(name)

    @rule(name=node, again=st.booleans())
    def talk(self, name: str, again: bool) -> None:  # noqa: FBT001  drawn
        """Put what is new on a line, or all that is not confirmed."""
        if again:
            self.org.talk_again(name)
        else:
            self.org.talk(name)

    @precondition(lambda self: self.org.line)
    @rule(some=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(FATES)), max_size=5))
    def deliver(self, some: list[tuple[int, str]]) -> None:
        """Let any messages arrive, arrive and stay, or get lost."""
        for at, fate in some:
            if not self.org.line:
                return
            which = at % len(self.org.line)
            if fate == "lost":
                del self.org.line[which]
            else:
                self.org.deliver(which, twice=fate == "twice")

    # ── sites ───────────────────────────────────────────────────────────────────────────────

    @rule(name=node, jobs=st.lists(job, min_size=1, max_size=4), tell=st.booleans())
    def print(self, name: str, jobs: list[Job], tell: bool) -> None:  # noqa: FBT001  drawn
        """Print and release; jobs may end at once, and the centre may hear of it."""
        for who, how, cents, quarters in jobs:
            site = self.org.sites[name]
            record = site.submit(who)
            self.org.release(name, record, paid_by(who, how), cents)
            after = site.books.job(record.job)
            if quarters is not None and after is not None and after.phase is JobPhase.RELEASING:
                self.org.settle(name, after, quarters)
        if tell:
            self.org.converse(name)

    @rule(name=node, how=payers, cents=cents, quarters=quarters)
    def go_on(self, name: str, how: str, cents: int, quarters: int) -> None:
        """The oldest job that prints ends; the oldest that waits is tried once more."""
        site = self.org.sites[name]
        if printing := site.books.jobs(JobPhase.RELEASING):
            self.org.settle(name, printing[0], quarters)
        if held := site.books.jobs(JobPhase.HELD):
            self.org.release(name, held[0], paid_by(held[0].user, how), cents)

    @rule(name=node, who=person, cents=cents, back=cents | st.none())
    def borrow(self, name: str, who: str, cents: int, back: int | None) -> None:
        """Print alone and past what is there, as far as terms allow; tell of it, and pay back."""
        self.org.cut(name)
        self.print(name, [(who, "own", 700, 4), (who, "own", cents, 4)], tell=False)
        if self.org.meet(name):
            self.org.converse(name)
        if back is not None:
            self.org.top_up(f"user:{who}", back * CENT)
            self.org.look()

    @rule(name=node, act=st.sampled_from(["cancel", "accounts", "tick"]))
    def tidy(self, name: str, act: str) -> None:
        """Throw a job away; let a site know accounts as they are; let it take its terms."""
        site = self.org.sites[name]
        if act == "cancel":
            for held in site.books.jobs(JobPhase.HELD)[:1]:
                site.cancel(held)
        elif act == "accounts" and name in self.org.talks:
            self.org.tell_accounts(name)
        elif act == "tick":
            site.tick()

    @rule(name=node, who=person, tenths=st.integers(1, 12))
    def issue(self, name: str, who: str, tenths: int) -> None:
        """Ask for a courier code."""
        self.org.code(name, who, tenths)

    @precondition(lambda self: self.org.codes)
    @rule(which=st.integers(0, 9), who=person)
    def redeem(self, which: int, who: str) -> None:
        """Type a code at its site, maybe again, maybe somebody else."""
        name, digits = self.org.codes[which % len(self.org.codes)]
        row = UserRow(name=who, accounts=(f"user:{who}",))
        self.org.sites[name].redeem(digits, row)

    @rule(name=node, power=st.integers(0, 9), kept=st.integers(0, 3))
    def power_cut(self, name: str, power: int, kept: int) -> None:
        """The power goes while a site prints and hears; some of what was not durable is there."""
        site = self.org.sites[name]
        site.disk.power = power
        with suppress(PowerCutError):
            self.org.converse(name, rounds=1)
            self.print(name, [("ana", "own", 3, 4)], tell=False)
        self.org.cut(name)
        site.start(site.disk.crash(lambda most: min(most, kept)))

    # ── disasters ───────────────────────────────────────────────────────────────────────────

    @rule(name=node, act=st.sampled_from(["write-off", "retire"]))
    def lose(self, name: str, act: str) -> None:
        """Give a site up as lost; or go on with the end of its journal as it is back."""
        if act == "retire":
            self.org.meet(name)
            self.org.converse(name)
            self.org.retire(name)
        elif not self.org.awaited(name):
            self.org.write_off(name)

    @rule(which=st.integers(-3, 3))
    def fall(self, which: int) -> None:
        """Copy the books; or the centre falls, and maybe its second log with it."""
        if which < 0 or not self.org.backups:
            self.org.back_up()
        elif which == 0:
            self.org.restore(None)
        else:
            # what was copied later is of a past that has not happened any more
            del self.org.backups[which % len(self.org.backups) + 1 :]
            self.org.restore(self.org.backups[-1])

    # ── what must hold ──────────────────────────────────────────────────────────────────────

    @invariant()
    def true(self) -> None:
        """Everything adds up at every moment."""
        self.truth.look()

    def teardown(self) -> None:
        """When all jobs have ended and everybody has heard everything, it adds up as well."""
        org = self.org
        for _ in range(4):
            for name, site in org.sites.items():
                for record in site.books.jobs(JobPhase.RELEASING):
                    org.settle(name, record, 4)
                if name not in org.talks:
                    org.meet(name)
                org.talk_again(name)  # what was lost comes again
                org.converse(name, rounds=6)
                org.retire(name)
            org.look()
        self.truth.at_rest()


TestMoney = Household.TestCase
TestMoney.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not HUNT,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.target, Phase.shrink],
)
