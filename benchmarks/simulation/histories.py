"""Random histories: what happens, step by step, until an invariant breaks or all is quiet again."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from benchmarks.simulation.oracle import Oracle, Violation
from benchmarks.simulation.world import CENT, NODES, UNIT, USERS, quieten
from broker.messages import UncoveredCap
from central.store.terms import Wish
from config.policy.jobs import Figures, Sides, Source
from config.policy.roles import ROLES
from edge.release import Phase
from edge.store.memory_disk import PowerCutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.simulation.world import Template, World
    from config.policy.roles import RoleName

#: Longer than anybody waits for anything, in seconds; and how often that is tried.
LONG: Final = 70.0
_ROUNDS: Final = 8
#: Rounds of messages that a code or a change of role gets at once.
_WHILE: Final = 3
#: One history in so many has the centre's books folded again at its end.
_DEEP: Final = 8
#: What happens, and its particulars.
Step: TypeAlias = tuple[str, tuple[object, ...]]


_Draw: TypeAlias = "Callable[[random.Random, Sequence[str]], tuple[object, ...]]"
_MODES: Final = ("in-order", "in-order", "in-order", "any", "twice", "lost")

#: How often each happens, and how its particulars are drawn.
_STEPS: Final[dict[str, tuple[int, _Draw]]] = {
    "print": (22, lambda d, n: (d.choice(n), d.choice(USERS), d.choice((3, 40, 90, 140, 250)))),
    "settle": (16, lambda d, n: (d.choice(n), d.choice((0.0, 0.5, 1.0, 1.0, 1.2)))),
    "net": (26, lambda d, _: (d.randint(3, 24), d.choice(_MODES))),
    "wait": (9, lambda d, _: (d.choice((0.5, 2.0, 6.0, 65.0, 700.0)),)),
    "cut": (6, lambda d, n: (d.choice(n),)),
    "join": (8, lambda d, n: (d.choice(n),)),
    "power": (5, lambda d, n: (d.choice(n), d.randint(0, 9))),
    "crash": (3, lambda d, n: (d.choice(n),)),
    "centre-dies": (3, lambda _d, _n: ()),
    "centre-begins": (6, lambda _d, _n: ()),
    "top-up": (5, lambda d, _: (d.choice(USERS), d.choice((10, 100, 300)))),
    "code": (6, lambda d, n: (d.choice(n), d.choice(USERS), d.randint(1, 12))),
    "redeem": (8, lambda d, _: (d.randint(0, 5), d.randint(0, 5))),
    "role": (
        6,
        lambda d, n: (
            d.choice(n),
            d.choice(("agent", "tracker", "remote")),
            d.choice((0, 100, 200)),
        ),
    ),
    "back-up": (3, lambda _d, _n: ()),
    "restore": (3, lambda d, _: (d.randint(0, 5), d.randint(0, 2))),
}
#: Everything, as often as it happens.
ALL: Final = {name: weight for name, (weight, _) in _STEPS.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """A counter-example."""

    seed: int
    steps: tuple[Step, ...]
    at: int
    """The step after which it was seen; as many as there are: at rest."""
    violation: Violation


def story(seed: int, sites: int, weights: Mapping[str, int] = ALL) -> tuple[Step, ...]:
    """Return what happens in the history of a seed.

    Args:
        seed: of its dice.
        sites: how many there are.
        weights: what may happen, and how often.
    """
    dice = random.Random(seed)  # noqa: S311  a simulation
    nodes = NODES[:sites]
    count = dice.randint(4, 16)
    return tuple(
        (name, _STEPS[name][1](dice, nodes))
        for name in dice.choices(list(weights), list(weights.values()), k=count)
    )


def live(template: Template, seed: int, steps: Sequence[Step]) -> tuple[int, Violation] | None:
    """Live through steps; return after which of them what broke, None when nothing did."""
    world = template.world(seed)
    oracle = Oracle(world)
    at = 0
    try:
        for at, step in enumerate(steps):
            _carry_out(world, step)
            if (broken := oracle.look()) is not None:
                return at, broken
        at = len(steps)
        broken = _rest(world, oracle, deep=seed % _DEEP == 0)
    except Exception as error:  # noqa: BLE001  whatever breaks is what is searched for
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return at, Violation("broke", said)
    return None if broken is None else (at, broken)


def _rest(world: World, oracle: Oracle, *, deep: bool) -> Violation | None:
    return _come_to_rest(world) or oracle.look_at_rest(deep=deep)


def search(template: Template, seed: int, weights: Mapping[str, int] = ALL) -> Found | None:
    """Live through the history of a seed."""
    steps = story(seed, len(template.disks), weights)
    broke = live(template, seed, steps)
    return None if broke is None else Found(seed, steps, *broke)


def shrink(template: Template, found: Found) -> Found:
    """Leave steps out as long as the same invariant breaks."""
    steps, last = list(found.steps), found
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            broke = live(template, found.seed, fewer)
            if broke is not None and broke[1].invariant == found.violation.invariant:
                steps, last = fewer, Found(found.seed, tuple(fewer), *broke)
            else:
                at += size
        size //= 2
    return last


def told(found: Found) -> str:
    """Return a counter-example for people."""
    lines = [f"seed {found.seed}: {found.violation.invariant}: {found.violation.detail}"]
    for number, (name, particulars) in enumerate(found.steps):
        mark = "→" if number == found.at else " "
        lines.append(f" {mark} {name} {' '.join(map(str, particulars))}")
    if found.at == len(found.steps):
        lines.append(" → and everybody comes to rest")
    return "\n".join(lines)


def _carry_out(world: World, step: Step) -> None:
    name, particulars = step
    try:
        _ACTS[name](world, *particulars)
    except PowerCutError:
        for site in world.sites.values():
            if site.disk.power is not None and site.disk.power <= 0:
                site.crash(site.disk.crash(lambda most: world.dice.randint(0, most)))
    world.now += 0.05


def _come_to_rest(world: World) -> Violation | None:
    """Mend everything; let what prints end, and everybody hear everything."""
    for site in world.sites.values():
        site.disk.power = None
    for _ in range(_ROUNDS):
        if world.coordinator is None:
            world.start_centre()
        for site in world.sites.values():
            site.connect()
            for record in site.books.jobs(Phase.RELEASING):
                site.end(record, 1.0)
        world.now += LONG
        if not quieten(world):
            return Violation("quiet", "messages go round and round")
        if _at_rest(world):
            return None
    return None


def _at_rest(world: World) -> bool:
    return all(
        site.agreed and not site.up.waiting and not site.books.jobs(Phase.RELEASING)
        for site in world.sites.values()
    )


# ── what may happen ─────────────────────────────────────────────────────────────────────────


def _print(world: World, node: str, user: str, cents: int) -> None:
    world.sites[node].print(user, _figures(cents))
    world.sites[node].pump()


def _settle(world: World, node: str, came: float) -> None:
    world.sites[node].settle(came)
    world.sites[node].pump()


def _net(world: World, count: int, mode: str) -> None:
    for _ in range(count):
        if not world.packets:
            return
        at = 0 if mode == "in-order" else world.dice.randrange(len(world.packets))
        if mode == "lost":
            world.packets.pop(at)
            continue
        packet = world.packets.pop(at)
        if mode == "twice":
            world.packets.insert(world.dice.randrange(len(world.packets) + 1), packet)
        world.arrive(packet)


def _wait(world: World, seconds: float) -> None:
    world.now += seconds
    for site in world.sites.values():
        site.tick()
        site.pump()
    world.look()


def _cut(world: World, node: str) -> None:
    world.sites[node].disconnect()


def _join(world: World, node: str) -> None:
    world.sites[node].connect()


def _power(world: World, node: str, operations: int) -> None:
    world.sites[node].disk.power = operations


def _crash(world: World, node: str) -> None:
    site = world.sites[node]
    site.crash(site.disk.crash(lambda most: world.dice.randint(0, most)))


def _centre_dies(world: World) -> None:
    world.stop_centre()


def _centre_begins(world: World) -> None:
    if world.coordinator is None:
        world.start_centre()


def _top_up(world: World, user: str, cents: int) -> None:
    world.top_up(user, cents)
    world.look()


def _code(world: World, node: str, user: str, tenths: int) -> None:
    world.code(node, user, tenths)
    _hear(world)


def _hear(world: World) -> None:
    """Let what is under way arrive, and what it leads to, for a while."""
    for _ in range(_WHILE):
        world.look()
        for site in world.sites.values():
            site.tick()
            site.pump()
        _net(world, len(world.packets), "in-order")
        world.now += 0.1


def _redeem(world: World, which: int, other: int) -> None:
    if world.codes:
        node, user, digits = world.codes[which % len(world.codes)]
        names = list(world.sites)
        if not other:
            node = names[which % len(names)]
        world.sites[node].redeem(digits, user)
        world.sites[node].pump()


def _role(world: World, node: str, role: RoleName, cents: int) -> None:
    allowed: tuple[UncoveredCap, ...] = ()
    if cents and ROLES[role].past_allocation != "never":
        allowed = (UncoveredCap(unit=UNIT, site=2 * cents * CENT, user=cents * CENT),)
    world.wish(node, Wish(role, allowed))
    _hear(world)


def _back_up(world: World) -> None:
    world.back_up()


def _restore(world: World, which: int, forget: int) -> None:
    copy = world.copies[which % len(world.copies)] if world.copies and forget else None
    world.restore(copy)


def _figures(cents: int) -> Figures:
    return Figures(
        impressions=cents,
        color_impressions=0,
        monochrome_impressions=cents,
        sheets=cents,
        media="iso_a4",
        sides=Sides.ONE_SIDED,
        source=Source.ANALYSIS,
    )


_ACTS: Final[dict[str, Callable[..., None]]] = {
    "print": _print,
    "settle": _settle,
    "net": _net,
    "wait": _wait,
    "cut": _cut,
    "join": _join,
    "power": _power,
    "crash": _crash,
    "centre-dies": _centre_dies,
    "centre-begins": _centre_begins,
    "top-up": _top_up,
    "code": _code,
    "redeem": _redeem,
    "role": _role,
    "back-up": _back_up,
    "restore": _restore,
}
