"""One year under one policy: what was allowed where, what it cost, what was overspent."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.simulation import placing
from benchmarks.simulation.purse import UNIT, Purse, Traffic
from benchmarks.simulation.setting import DAY, outages, people, prints_of_day
from benchmarks.simulation.tally import Tally
from broker.messages import UncoveredCap
from central.sizing import Habits, visited
from edge.terms import Terms, leave

if TYPE_CHECKING:
    from benchmarks.simulation.placing import Placing
    from benchmarks.simulation.policies import Policy
    from benchmarks.simulation.setting import Change, Print, Setting

_WAYS: dict[str, Placing] = {
    "proportion": placing.in_proportion,
    "greedy": placing.greedily,
}
#: The centre's own line, as a place.
_CENTRE_LINE = -1


class Year(ABC):
    """The world's year under a policy. Subclasses say what a site does when asked."""

    def __init__(self, setting: Setting, policy: Policy, seed: int) -> None:
        self.setting = setting
        self.policy = policy
        self.names = setting.names
        self.people = people(setting, seed)
        self._changes = outages(setting, seed)
        self.down = dict.fromkeys(range(_CENTRE_LINE, setting.sites), False)
        self.linked = frozenset(self.names)
        self.tally = Tally()
        self._overspent: defaultdict[int, int] = defaultdict(int)

    def run(self) -> Tally:
        """Live through the year."""
        for number, person in enumerate(self.people):
            self.top_up(number, person.opening, 0.0)
        later: list[Print] = []
        changes = iter(self._changes)
        change = next(changes, None)
        for day in range(self.setting.days):
            for wanted in prints_of_day(self.people, day):
                heapq.heappush(later, wanted)
            while later and later[0].at < (day + 1) * DAY:
                wanted = heapq.heappop(later)
                while change is not None and change.at <= wanted.at:
                    self._change(change)
                    change = next(changes, None)
                again = self._try(wanted)
                if again is not None:
                    heapq.heappush(later, again)
        self.tally.worst = max(self._overspent.values(), default=0)
        owed = (-self.total(number) for number in range(len(self.people)))
        self.tally.unpaid = sum(each for each in owed if each > 0)
        return self.tally

    # ── what differs ────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def total(self, person: int) -> int:
        """Everything somebody has, truly; below zero when they spent more."""

    @abstractmethod
    def top_up(self, person: int, micros: int, at: float) -> None:
        """Put money on an account, at the centre."""

    @abstractmethod
    def decide(self, wanted: Print) -> bool:
        """Print it, if the policy lets it."""

    def cut(self, place: int) -> None:  # noqa: B027  most policies have nothing to do then
        """A site is cut off from now on."""

    def back(self, places: list[int], at: float) -> None:  # noqa: B027  likewise
        """Sites are linked again."""

    # ── what does not ───────────────────────────────────────────────────────────────────────

    def is_linked(self, site: int) -> bool:
        """Whether the centre and a site hear each other."""
        return self.names[site] in self.linked

    @property
    def centre_up(self) -> bool:
        """Whether the centre can be reached by anybody."""
        return not self.down[_CENTRE_LINE]

    def _change(self, change: Change) -> None:
        before = self.linked
        self.down[change.place] = not change.up
        self.linked = (
            frozenset(name for place, name in enumerate(self.names) if not self.down[place])
            if self.centre_up
            else frozenset()
        )
        for place, name in enumerate(self.names):
            if name in before - self.linked:
                self.cut(place)
        back = [place for place, name in enumerate(self.names) if name in self.linked - before]
        if back:
            self.back(back, change.at)

    def _try(self, wanted: Print) -> Print | None:
        """Let somebody try to print; return the next try, if there will be one."""
        tally, cut = self.tally, not self.is_linked(wanted.site)
        tally.jobs += 1
        before = self.total(wanted.person)
        covered = before >= wanted.cost
        allowed = self.decide(wanted)
        after = self.total(wanted.person)
        beyond = max(0, min(before, 0) - after) if after < 0 else 0
        if beyond:
            tally.overspent += beyond
            self._overspent[wanted.person] += beyond
        if covered:
            tally.coverable += 1
            tally.allowed += allowed
            if cut:
                tally.cut_coverable += 1
                tally.cut_allowed += allowed
            elif not allowed:
                tally.stranded += 1
        person = self.people[wanted.person]
        if allowed or covered:
            # who lives near zero does not notice that they owe something
            if self.centre_up and not person.near_zero and after < person.refill_below:
                self.top_up(wanted.person, person.refill, wanted.at)
            return None
        if not self.centre_up:
            return None
        self.top_up(wanted.person, wanted.top_up, wanted.at)
        return wanted._replace(at=wanted.at + wanted.again) if wanted.again else None


class Refusing(Year):
    """Money sits at the centre; a site that is cut off refuses."""

    def __init__(self, setting: Setting, policy: Policy, seed: int) -> None:
        self.money: defaultdict[int, int] = defaultdict(int)
        super().__init__(setting, policy, seed)

    def total(self, person: int) -> int:
        """There is one balance."""
        return self.money[person]

    def top_up(self, person: int, micros: int, at: float) -> None:  # noqa: ARG002
        """Add to it."""
        self.money[person] += micros

    def decide(self, wanted: Print) -> bool:
        """Ask the centre."""
        self.tally.messages += 2
        if not self.is_linked(wanted.site) or self.money[wanted.person] < wanted.cost:
            return False
        self.money[wanted.person] -= wanted.cost
        return True


class Cached(Refusing):
    """Each site decides on its copy of the balance: what replicating products do."""

    def __init__(self, setting: Setting, policy: Policy, seed: int) -> None:
        self.copies: dict[int, dict[int, int]] = {}
        self.unmerged: defaultdict[tuple[int, int], int] = defaultdict(int)
        super().__init__(setting, policy, seed)

    def cut(self, place: int) -> None:
        """Go on with what was known."""
        self.copies[place] = {number: self._known(number) for number in range(len(self.people))}

    def back(self, places: list[int], at: float) -> None:  # noqa: ARG002
        """Tell what was spent meanwhile."""
        for place in places:
            del self.copies[place]
            for person in range(len(self.people)):
                self.unmerged.pop((place, person), None)

    def decide(self, wanted: Print) -> bool:
        """Look at the copy."""
        person, place = wanted.person, wanted.site
        copy = self.copies.get(place)
        known = self._known(person) if copy is None else copy[person]
        if known < wanted.cost:
            return False
        self.money[person] -= wanted.cost
        if copy is not None:
            copy[person] -= wanted.cost
            self.unmerged[place, person] += wanted.cost
        return True

    def _known(self, person: int) -> int:
        """What the centre believes: it has not heard of what cut-off sites spent."""
        there = sum(self.unmerged.get((place, person), 0) for place in self.copies)
        return self.money[person] + there


class Clairvoyant(Refusing):
    """Money lies where it will be needed: the most that placing alone can do.

    What came after a cut cannot be at the cut-off site; all that was there before is.
    """

    def __init__(self, setting: Setting, policy: Policy, seed: int) -> None:
        self.old: dict[int, dict[int, int]] = {}
        super().__init__(setting, policy, seed)

    def cut(self, place: int) -> None:
        """Remember what there was."""
        self.old[place] = dict(self.money)

    def back(self, places: list[int], at: float) -> None:  # noqa: ARG002
        """All of it is one again."""
        for place in places:
            del self.old[place]

    def decide(self, wanted: Print) -> bool:
        """Allow it if money from before the cut is left; newer money is spent first elsewhere."""
        person, here = wanted.person, self.old.get(wanted.site)
        have = self.money[person] if here is None else min(here.get(person, 0), self.money[person])
        if have < wanted.cost:
            return False
        for place, old in self.old.items():
            kept = old.get(person, 0)
            newer = 0 if place == wanted.site else max(0, self.money[person] - kept)
            old[person] = kept - max(0, wanted.cost - newer)
        self.money[person] -= wanted.cost
        return True


@dataclass(slots=True)
class _Visits:
    """How often somebody was seen where, as the centre counts it."""

    values: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def count(self, site: str, at: float) -> None:
        age = timedelta(seconds=at - self.last.get(site, at))
        self.values[site] = visited(self.values.get(site, 0.0), age)
        self.last[site] = at


class Parking(Year):
    """Money is parked at the sites before it can be spent there; nothing else is spent."""

    def __init__(self, setting: Setting, policy: Policy, seed: int) -> None:
        super().__init__(setting, policy, seed)
        busiest = max(setting.popularity)
        self._popularity = {
            name: share / busiest
            for name, share in zip(self.names, setting.popularity, strict=True)
        }
        self.purses = [Purse() for _ in self.people]
        self.visits = [_Visits() for _ in self.people]
        self.traffic = Traffic()
        self._place = _WAYS[policy.way]
        caps = (
            (UncoveredCap(unit=UNIT, site=policy.float_site, user=policy.float_person),)
            if policy.float_person
            else ()
        )
        self._terms = Terms(uncovered=caps)
        self._unheard: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._owed_at: defaultdict[str, int] = defaultdict(int)
        self._asked: defaultdict[int, dict[str, float]] = defaultdict(dict)

    def run(self) -> Tally:
        """Live through the year, and say what moving the money cost."""
        tally = super().run()
        tally.reclaims, tally.messages = self.traffic.reclaims, self.traffic.messages
        return tally

    def total(self, person: int) -> int:
        """Wherever it is."""
        return self.purses[person].total

    def top_up(self, person: int, micros: int, at: float) -> None:  # noqa: ARG002
        """Put it on the account, pay what is owed, park the rest."""
        self.purses[person].centre += micros
        self._park(person)

    def back(self, places: list[int], at: float) -> None:
        """Hear what was spent there, and spread what is free anew."""
        for place in places:
            for person, when in self._unheard.pop(self.names[place], ()):
                self.visits[person].count(self.names[place], when)
        for person in range(len(self.people)):
            self._repark(person, at)

    def decide(self, wanted: Print) -> bool:
        """Spend what is here; fetch what is missing if anybody can be asked."""
        site, purse = self.names[wanted.site], self.purses[wanted.person]
        linked = site in self.linked
        owed = purse.owed.get(site, 0)
        missing = purse.spend(site, wanted.cost, 0 if linked else self._leave(site, purse))
        self._owed_at[site] += purse.owed.get(site, 0) - owed
        if missing is not None and self._bring(wanted, site, missing):
            missing = purse.spend(site, wanted.cost)
        if missing is not None:
            return False
        if linked:
            self.visits[wanted.person].count(site, wanted.at)
            self._repark(wanted.person, wanted.at)
        else:
            self._unheard[site].append((wanted.person, wanted.at))
        return True

    def _bring(self, wanted: Print, site: str, missing: int) -> bool:
        purse = self.purses[wanted.person]
        if site in self.linked:
            return purse.fetch(site, missing, self.linked, self.traffic)
        able = self.people[wanted.person].courier < self.policy.courier
        if not able or not self.centre_up:
            return False
        brought = purse.carry(site, missing, self.linked, self.traffic)
        self.tally.codes += brought
        return brought

    def _leave(self, site: str, purse: Purse) -> int:
        """Return how far a site may go past what is there: the caps less what is outstanding."""
        if not self.policy.float_person:
            return 0
        owed = purse.owed.get(site, 0)
        return leave(self._terms, None, UNIT, site=self._owed_at[site], account=owed, alone=True)

    def _park(self, person: int) -> None:
        """Pay what is owed, then spread what is free: what the centre does whenever it looks."""
        if not self.linked:
            return
        purse = self.purses[person]
        if purse.owed:
            for site, paid in purse.collect().items():
                self._owed_at[site] -= paid
        if purse.centre > 0:
            habits = self._habits(person)
            purse.grant(self._place(purse.centre, habits, purse.at, self.linked), self.traffic)

    def _repark(self, person: int, at: float) -> None:
        """Fetch back what does more good elsewhere, and spread it: after a job, or a return."""
        if self.policy.way != "greedy" or not self.linked:
            return
        purse, asked = self.purses[person], self._asked[person]
        wrong = placing.misplaced(purse.centre, self._habits(person), purse.at, self.linked)
        for site, micros in wrong.items():
            if at - asked.get(site, -placing.QUIET) >= placing.QUIET:
                asked[site] = at
                purse.reclaim(site, micros, self.traffic)
        self._park(person)

    def _habits(self, person: int) -> Habits:
        # nobody's own costs are learned: here all jobs are of the one distribution assumed for all
        return Habits(self.visits[person].values, self._popularity)


_YEARS: dict[str, type[Year]] = {
    "cached": Cached,
    "refuse": Refusing,
    "proportion": Parking,
    "greedy": Parking,
    "clairvoyant": Clairvoyant,
}


def live(setting: Setting, policy: Policy, seed: int) -> Tally:
    """Return what a year came to under a policy."""
    return _YEARS[policy.way](setting, policy, seed).run()
