"""One run: builds the fleet, lets people work and faults strike, waits for calm, has it judged."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from config.errors import PrintmeshError
from demo.chaos import clock, disk
from demo.chaos.arena import Arena
from demo.chaos.central_faults import CentralFaults
from demo.chaos.copying import TerminalFaults, copy_until
from demo.chaos.kinds import Kind, Places, schedule
from demo.chaos.line_faults import LineFaults
from demo.chaos.oracle import judge
from demo.chaos.people import People
from demo.chaos.role_faults import RoleFaults
from demo.chaos.rollback import RolledBack, roll_back
from demo.chaos.site_faults import SiteFaults
from demo.lab import Lab, Person, Plan
from demo.lab_error import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from demo.card_terminal import CardTerminal
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned
    from demo.chaos.oracle import Verdict
    from demo.site import Site

#: Two never run short. The third does, again and again: his money has to follow him.
EVERYBODY: Final = (
    Person("ana", "04A1B2C3", "800.00"),
    Person("eva", "04C0FFEE", "800.00"),
    Person("ben", "0499F00D", "3.00"),
)
_POOR: Final = "ben"
_POOR_GETS: Final = "1.00"
_POOR_EVERY: Final = 20.0
#: What is left of their jobs at the end is paid with this.
_AT_LAST: Final = "200.00"
_BACKUP_EVERY: Final = 90.0
_NAMES: Final = ("north", "south", "east", "west", "hill", "lake", "mill", "port")
#: Faults that the machine was too slow for are left out after so much more than the time given.
_LATE: Final = 1.25
_CALM_SECONDS: Final = 240.0
#: A fault that takes longer than it was meant to, and this, is given up and told as a problem.
_LONGEST_DEED: Final = 240.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be played."""

    seed: int
    faults: int
    seconds: float
    roles: tuple[str, ...] = ("remote", "remote", "agent", "tracker")
    """Of the sites."""
    every: float = 1.0
    """Seconds from one job to the next, on average."""
    kinds: Collection[Kind] = tuple(Kind)
    rollbacks: bool = True
    """Also roll the second site's disk back, at the end; it has to hold jobs."""
    terminals: int = 2
    """Sites with a card reader beside a copier; trackers charge no copies and have none."""


@dataclass(slots=True)
class Outcome:
    """What was done, and what came of it."""

    order: Order
    planned: int
    done: Counter[str] = field(default_factory=Counter)
    """Faults by kind."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Kind → why it was not played here."""
    refusals: dict[str, int] = field(default_factory=dict)
    longest_recovery: float = 0.0
    recoveries: int = 0
    seconds: float = 0.0
    """From the first fault to the last."""
    calm_seconds: float = 0.0
    """From the end of the last fault until nothing was under way and everything merged."""
    crashes: int = 0
    """Print systems that died though nobody had struck them; started again."""
    verdict: Verdict | None = None
    rollbacks: list[RolledBack] = field(default_factory=list)
    """Outside the failure model; after everything else was judged."""
    problems: list[str] = field(default_factory=list)

    @property
    def all_problems(self) -> list[str]:
        """Whatever does not hold, one sentence each."""
        told = [*self.problems, *(self.verdict.problems if self.verdict else ["never judged"])]
        return told + [
            f"rollback of {each.site}: {p}" for each in self.rollbacks for p in each.problems
        ]

    @property
    def holds(self) -> bool:
        """Whether every promise held."""
        return not self.all_problems

    def figures(self) -> dict[str, Any]:
        """Return all of it for machines."""
        return {**asdict(self), "holds": self.holds}


class Run:
    """Plays one order under a directory."""

    def __init__(self, order: Order, root: Path, tell: Callable[[Run, str], None]) -> None:
        """Decide everything that can be decided before.

        Args:
            order: what to play.
            root: an empty directory, which stays.
            tell: is told of each step.
        """
        self.order = order
        self._tell = tell
        self._root = root
        self._dice = random.Random(order.seed)  # noqa: S311  no secret hangs on it
        sites = _NAMES[: len(order.roles)]
        self.roles = dict(zip(sites, order.roles, strict=True))
        self._own_broker = sites[1:2]
        self._small_disk = sites[:1] if disk.possible(root) else ()
        self._library = clock.library(root)
        able = [name for name in (*self._own_broker, *sites) if self.roles[name] != "tracker"]
        self._terminals = tuple(dict.fromkeys(able))[: order.terminals]
        kinds, left_out = self._possible()
        places = Places(sites, self._own_broker, self._small_disk, self._terminals)
        self.schedule = schedule(
            random.Random(order.seed),  # noqa: S311
            faults=order.faults,
            seconds=order.seconds,
            places=places,
            kinds=kinds,
        )
        self.outcome = Outcome(order, planned=len(self.schedule), left_out=left_out)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._over = False
        self._deeds: Mapping[Kind, Deed] = {}

    def _possible(self) -> tuple[list[Kind], dict[str, str]]:
        left_out = {}
        if self._library is None:
            left_out[Kind.CLOCK.value] = "needs a C compiler"
        if not self._small_disk:
            left_out[Kind.FULL_DISK.value] = "needs the right to mount a small file system"
        return [kind for kind in self.order.kinds if kind.value not in left_out], left_out

    async def play(self) -> Outcome:
        """Play it; the outcome says what came of it, whatever that is.

        Raises:
            LabError: the fleet could not be built.
        """
        plan = Plan(
            sites=tuple(self.roles),
            printers=1,
            roles={name: (role,) for name, role in self.roles.items() if role != "remote"},
            people=EVERYBODY,
            separate_site_brokers=self._own_broker,
            terminals=self._terminals,
            second_log=True,
        )
        lab = Lab(plan, root=self._root, say=lambda text: self._tell(self, text.strip()))
        clocks = self._clocks(lab)
        with ExitStack() as disks:
            async with lab:
                for name in self._small_disk:
                    await disk.make_small(lab.sites[name], disks)
                arena = Arena(lab, clocks)
                async with asyncio.TaskGroup() as keepers:
                    kept = [keepers.create_task(arena.keep(site)) for site in lab.sites.values()]
                    await self._suffer(arena)
                    for each in kept:
                        each.cancel()
                self.outcome.crashes = arena.crashes.total()
        return self.outcome

    def _clocks(self, lab: Lab) -> Mapping[str, clock.TurnedClock]:
        clocks = {}
        if self._library is not None:
            for name in self.roles:
                clocks[name] = clock.TurnedClock(self._root / f"clock-{name}")
                lab.environs[f"edge-{name}"] = clocks[name].environ(self._library)
        return clocks

    async def _suffer(self, arena: Arena) -> None:
        lab, sites = arena.lab, list(arena.lab.sites.values())
        holding = frozenset(name for name, role in self.roles.items() if role != "tracker")
        people = People(lab, self._dice, EVERYBODY, holding)
        central = CentralFaults(arena)
        cards = [person.card for person in EVERYBODY]
        terminals = [site.terminal for site in sites if site.terminal is not None]
        self._deeds = {
            **LineFaults(arena).deeds(),
            **SiteFaults(arena).deeds(),
            **central.deeds(),
            **RoleFaults(arena, self.roles).deeds(),
            **TerminalFaults(arena, cards).deeds(),
        }
        clock = asyncio.get_running_loop().time
        printed, calm = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as crowd:
            for site in sites:
                crowd.create_task(people.release_until(calm, site))
                crowd.create_task(arena.watch(site, calm))
            began = clock()
            async with asyncio.TaskGroup() as work:
                work.create_task(people.print_until(printed, every=self.order.every))
                for each in terminals:
                    work.create_task(copy_until(printed, each, cards, self._dice))
                work.create_task(self._act(arena, people, central, printed))
                await self._strike_all(arena)
                printed.set()
            self.outcome.seconds = round(clock() - began, 1)
            self._tell(self, "the faults are over; waiting until all is settled and merged")
            await self._heal(arena)
            healed = clock()
            await self._calm_down(arena, people)
            self.outcome.calm_seconds = round(clock() - healed, 1)
            calm.set()
        self._tell(self, "counting it all again: paper, journals, books")
        self.outcome.refusals = dict(people.told.refusals)
        self.outcome.longest_recovery = round(arena.longest_recovery, 1)
        self.outcome.recoveries = arena.recoveries
        self.outcome.problems += arena.problems
        self.outcome.verdict = await judge(arena, people)
        await self._roll_back(arena)

    async def _roll_back(self, arena: Arena) -> None:
        """Put a disk back to a copy, twice: what was lost the centre had heard of, or not."""
        if not self.order.rollbacks or not self._own_broker:
            return
        (name,) = self._own_broker
        # an agent prints nothing that the centre has not heard of
        for told in (True,) if self.roles[name] == "agent" else (True, False):
            self._tell(self, f"the disk of {name} is rolled back (outside the failure model)")
            site = arena.lab.sites[name]
            try:
                done = await roll_back(arena.lab, site, EVERYBODY[0], told=told)
            except PrintmeshError as error:
                self.outcome.problems.append(f"the disk of {name} was rolled back: {error}")
                return
            self.outcome.rollbacks.append(done)

    async def _act(
        self, arena: Arena, people: People, central: CentralFaults, done: asyncio.Event
    ) -> None:
        """Do what administrators do meanwhile: back up, and take money in."""
        clock = asyncio.get_running_loop().time
        await central.back_up()
        backed_up = paid = clock()
        while not done.is_set():
            await asyncio.sleep(1)
            if clock() - paid > _POOR_EVERY:
                async with arena.books:
                    await people.pay_in(_POOR, _POOR_GETS)
                paid = clock()
            if clock() - backed_up > _BACKUP_EVERY:
                await central.back_up()
                backed_up = clock()

    async def _strike_all(self, arena: Arena) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        deadline = began + self.order.seconds * _LATE + 30
        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            for planned in self.schedule:
                await asyncio.sleep(max(0.0, began + planned.at - clock()))
                tasks.create_task(self._strike(arena, planned))
            tasks.create_task(self._end_at(deadline))
            await asyncio.sleep(0)

    async def _end_at(self, deadline: float) -> None:
        clock = asyncio.get_running_loop().time
        while self.outcome.done.total() < self.outcome.planned and not self._over:
            if clock() > deadline:
                self._over = True
            await asyncio.sleep(0.2)

    async def _strike(self, arena: Arena, planned: Planned) -> None:
        """Carry one fault out once its target suffers no other."""
        async with self._locks[planned.target]:
            if self._over:
                return
            self._tell(self, f"{planned.kind} {planned.site}".rstrip())
            began, trouble = datetime.now(UTC), ""
            with arena.suffering(planned.site):
                try:
                    async with asyncio.timeout(planned.seconds + _LONGEST_DEED):
                        await self._deeds[planned.kind](planned)
                except (PrintmeshError, OSError, TimeoutError, subprocess.SubprocessError) as error:
                    why = str(error) or f"not done in {_LONGEST_DEED:.0f} s more than it lasts"
                    trouble = f"fault {planned.number}, {planned.kind}: {why}"
                    arena.problems.append(trouble)
                    self._tell(self, trouble)
            self.outcome.done[planned.kind.value] += 1
            self._write_down(planned, began, trouble)

    def _write_down(self, planned: Planned, began: datetime, trouble: str) -> None:
        """Keep what was done when, for whoever looks for a fault of ours."""
        told = {
            **asdict(planned),
            "began": began.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "trouble": trouble,
        }
        with (self._root / "faults.jsonl").open("a") as file:
            file.write(json.dumps(told) + "\n")

    async def _heal(self, arena: Arena) -> None:
        """Start what is not there; nothing should be missing."""
        lab = arena.lab
        starts: dict[str, Callable[[], object]] = {
            "broker": lab.start_broker,
            "central": lab.start_central,
        }
        for name, site in lab.sites.items():
            site.line.restore()
            if site.terminal is not None:
                site.terminal.line.restore()
                starts[site.terminal.node] = site.terminal.run
            starts[f"edge-{name}"] = site.start_edge
            if name in self._own_broker:
                starts[f"broker-{name}"] = site.start_broker
        for name, start in starts.items():
            if not lab.program(name).running:
                status = lab.program(name).wait()
                arena.problems.append(f"{name} had ended by itself with status {status}")
                start()

    async def _calm_down(self, arena: Arena, people: People) -> None:
        for site in arena.lab.sites.values():
            if site.terminal is not None:
                await self._at_rest(arena, site.terminal)
            await self._merged(arena, site)
        await people.pay_in(_POOR, _AT_LAST)
        left = await people.until_final(seconds=_CALM_SECONDS)
        arena.problems += [f"never ended: {each}" for each in left.values()]
        for site in arena.lab.sites.values():
            await self._merged(arena, site)

    async def _at_rest(self, arena: Arena, terminal: CardTerminal) -> None:
        try:
            await arena.lab.until(terminal.at_rest, f"{terminal.node} to have told of all copies")
        except LabError as error:
            arena.problems.append(str(error))

    async def _merged(self, arena: Arena, site: Site) -> None:
        try:
            await site.until_merged()
        except LabError as error:
            arena.problems.append(str(error))
