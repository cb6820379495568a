"""Printers asked by SNMP and IPP: a sweep, a fleet watched by one edge, news, and a discovery.

The agents answer from a process of their own with a codec of its own, so that what is measured is
who asks. Printers of the fleet have addresses of their own on the loopback net.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr
from pysnmp.hlapi.v3arch import asyncio as bare

from benchmarks.result import absolute, compared
from benchmarks.terminals import processor
from broker.dashboard.events import Told
from broker.dashboard.line import DashboardLine
from broker.messages import DeviceState
from config.settings import LinkSettings
from config.settings_devices import SnmpProfile
from demo.lab import Lab, Person, Plan
from demo.metered import Machine
from demo.ports import free_port
from demo.snmp_agents import SnmpAgents, Speaking, free_udp_port, free_udp_ports
from edge.devices import oids, printer_mib
from edge.devices.discovery import discover, listed, plan
from edge.devices.objects import Objects
from edge.devices.snmp import Snmp
from edge.devices.words import NoAnswer, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks.result import Result
    from demo.site import Site
    from edge.devices.oids import Oid

SITE: Final = "north"
DEVICE: Final = f"{SITE}-1"
SWEPT: Final = 200
AT_ONCE: Final = 20
TURNS: Final = 7
FLEET: Final = 600
#: Seconds over which the fleet's edge is watched while it looks at each printer once a minute.
MINUTE_SAMPLE: Final = 40.0
LOOKS: Final = 10_000
#: Looks after which memory has what it needs: each printer was read whole, some were twice.
WARM: Final = 1_500
CHANGES: Final = 12
NET: Final = "127.0.4.0/22"
LIVE: Final = 51
PATIENCE: Final = 480.0
#: Seconds between two looks at a printer that waits, as the lab sets them (demo/site.py).
IDLE: Final = 2.0
_MIB_2: Final = (1, 3, 6, 1, 2, 1)
FIFTEEN: Final[tuple[Oid, ...]] = (
    oids.SYS_UP_TIME,
    (*oids.HR_DEVICE_STATUS, 1),
    (*oids.HR_PRINTER_STATUS, 1),
    (*oids.HR_PRINTER_ERRORS, 1),
    (*oids.CONFIG_CHANGES, 1),
    (*oids.SERIAL_NUMBER, 1),
    (*oids.COVER_STATUS, 1, 1),
    (*oids.INPUT_LEVEL, 1, 1),
    (*oids.MARKER_COUNTER_UNIT, 1, 1),
    (*oids.MARKER_LIFE_COUNT, 1, 1),
    *((*oids.SUPPLIES_LEVEL, 1, row) for row in range(1, 5)),
    (*oids.CONSOLE_TEXT, 1, 1),
)


def measure() -> list[Result]:
    """Measure one after the other."""
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as directory:
        root = Path(directory)
        return [
            *asyncio.run(_sweeps(root)),
            *asyncio.run(_discovery(root)),
            *asyncio.run(_edge()),
        ]


# ── a sweep ─────────────────────────────────────────────────────────────────────────────────


async def _sweeps(root: Path) -> list[Result]:
    agents = [_machine(number, port) for number, port in enumerate(free_udp_ports(SWEPT))]
    ours, theirs = [], []
    with SnmpAgents(root, agents) as running, one_core(os.getpid(), running.pid):
        snmp = Snmp({"lab": SnmpProfile(community=SecretStr("lab"))}, at_once=AT_ONCE)
        objects, engine = Objects(snmp), bare.SnmpEngine()
        targets = [Target("127.0.0.1", each.port, "lab") for each in agents]
        peers = [
            await bare.UdpTransportTarget.create(("127.0.0.1", each.port), timeout=2, retries=1)
            for each in agents
        ]
        for turn in range(TURNS + 1):
            own = await sweep(objects, targets)
            other = await gather(engine, peers)
            if turn:  # the first of each loads modules
                ours.append(own)
                theirs.append(other)
        await snmp.close()
        engine.close_dispatcher()
    return [
        compared(
            f"sweep of {SWEPT} printers x {len(FIFTEEN)} values to readings, one core, p50",
            median(ours),
            "ms",
            baseline=f"pysnmp's own get_cmd, gathered, {AT_ONCE} at once, p50",
            baseline_value=median(theirs),
            samples=TURNS,
            at_most=1.2,
        )
    ]


async def sweep(objects: Objects, targets: list[Target]) -> float:
    """Read all, as watching does; return milliseconds."""

    async def one(target: Target) -> None:
        got = await objects.get(target, FIFTEEN)
        if isinstance(got, NoAnswer) or not printer_mib.reading(got).meters:
            raise RuntimeError(f"no reading of {target}")

    began = time.perf_counter()
    await asyncio.gather(*map(one, targets))
    return (time.perf_counter() - began) * 1e3


async def gather(engine: Any, peers: list[Any]) -> float:  # noqa: ANN401  pysnmp's
    """Ask all with what pysnmp offers, and look at nothing; return milliseconds."""
    room = asyncio.Semaphore(AT_ONCE)
    community, context = bare.CommunityData("lab"), bare.ContextData()

    async def one(peer: Any) -> None:  # noqa: ANN401
        wanted = [bare.ObjectType(bare.ObjectIdentity(oid)) for oid in FIFTEEN]
        async with room:
            trouble, status, _, bound = await bare.get_cmd(
                engine, community, peer, context, *wanted, lookupMib=False
            )
        if trouble or status or len(bound) != len(FIFTEEN):
            raise RuntimeError(f"the baseline failed: {trouble or status}")

    began = time.perf_counter()
    await asyncio.gather(*map(one, peers))
    return (time.perf_counter() - began) * 1e3


@contextmanager
def one_core(asks: int, answers: int) -> Iterator[None]:
    """Let one process have the first core, and another the rest."""
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(asks, {min(cores)})
        os.sched_setaffinity(answers, cores - {min(cores)} or cores)
        yield
    finally:
        os.sched_setaffinity(asks, cores)


def _machine(number: int, port: int, address: str = "127.0.0.1") -> Speaking:
    return Speaking(Machine(f"Lab {number}", f"LAB{number:05d}"), port, address=address)


# ── a discovery ─────────────────────────────────────────────────────────────────────────────


async def _discovery(root: Path) -> list[Result]:
    addresses = listed([NET])
    there = addresses[:: len(addresses) // LIVE][:LIVE]
    port = free_udp_port(there[0])
    agents = [_machine(number, port, address) for number, address in enumerate(there)]
    profiles = {"lab": SnmpProfile(community=SecretStr("lab"), port=port)}
    with SnmpAgents(root, agents):
        began = time.perf_counter()
        # as the command does by default, without asking what else may listen at the IPP port
        found = await discover(plan(addresses, profiles, rate=50.0), profiles, whole=False)
        took = time.perf_counter() - began
    if {each.address for each in found.found} != set(there):
        raise RuntimeError(f"{len(found.found)} of {LIVE} printers were found")
    what = f"discovery of {len(addresses):,} addresses, {LIVE} of them printers, 50 a second"
    return [absolute(what, took, "s", at_most=60)]


# ── an edge ─────────────────────────────────────────────────────────────────────────────────


async def _edge() -> list[Result]:
    people = (Person("ana", "0417", "5.00"),)
    aims = Plan(sites=(SITE,), printers=1, people=people, direct_queues=False, snmp=True)
    async with Lab(aims) as lab:
        site = lab.sites[SITE]
        late = await news(lab, site)
        return [
            absolute(
                "change at a device → message at a dashboard, beyond one poll, worst",
                max(late),
                "ms",
                samples=len(late),
                at_most=100,
            ),
            *await fleet(site),
        ]


async def news(lab: Lab, site: Site) -> list[float]:
    """Let toner be empty and full again; return ms to each message, less one pause of looks.

    Nobody stands before such a printer: it is looked at no more often than before.
    """
    added = await lab.central("dashboard", "add", "board", "--json")
    link = LinkSettings(port=lab.broker_port, secret=SecretStr(added["secret"]))
    agent, late = site.agents[DEVICE], []
    async with DashboardLine.open(link, "board") as line:
        states = _states(line)
        await anext(states)
        for number in range(1, CHANGES + 1):
            level = 0 if number % 2 else None
            # at another moment between two looks each time
            await asyncio.sleep(IDLE * (1 + number / CHANGES))
            began = time.perf_counter()
            agent.order(level=level)
            async with asyncio.timeout(PATIENCE):
                while _toner(await anext(states)) != ("ok" if level is None else "empty"):
                    pass
            late.append((time.perf_counter() - began - IDLE) * 1e3)
    return late


def _toner(state: DeviceState) -> str:
    return next((each.state for each in state.supplies), "")


async def _states(line: DashboardLine) -> AsyncIterator[DeviceState]:
    async for event in line.events():
        if not isinstance(event, Told) or event.device != DEVICE:
            continue
        if isinstance(event.message, DeviceState):
            yield event.message


async def fleet(site: Site) -> list[Result]:
    """Let the edge watch a fleet: at its true pace for its share of a core, fast for its memory."""
    there = listed(["127.0.8.0/22"])[:FLEET]
    port = free_udp_port(there[0])
    agents = [_machine(number, port, address) for number, address in enumerate(there)]
    with SnmpAgents(site.root, agents):
        await fleet_config(site, agents, idle="60s", snapshot="10s")
        await until_looked(2 * FLEET)  # each has found its own beat then
        looks, used, began = polls(), processor(site.edge.pid), time.perf_counter()
        await asyncio.sleep(MINUTE_SAMPLE)
        took = time.perf_counter() - began
        share = (processor(site.edge.pid) - used) / took * 100
        pace = (polls() - looks) / took * 60
        await fleet_config(site, agents, idle="5s", snapshot="4s")
        await until_looked(WARM)
        before, began = resident(site.edge.pid), time.perf_counter()
        await until_looked(WARM + LOOKS)
        grown = resident(site.edge.pid) - before
        fast = LOOKS / (time.perf_counter() - began)
    return [
        absolute(
            f"edge that watches {FLEET} printers by SNMP and IPP, {pace:,.0f} looks a minute",
            share,
            "% of a core",
            at_most=15,
        ),
        absolute(
            f"memory of that edge after {LOOKS:,} more looks, {fast:,.0f} a second",
            grown / 1e6,
            "MB",
            samples=LOOKS,
            at_most=1,
        ),
    ]


MONITOR: Final = free_port()


async def fleet_config(site: Site, agents: list[Speaking], *, idle: str, snapshot: str) -> None:
    """Start the edge anew with a fleet; all of it prints by IPP at one virtual printer.

    Its print system is away: six hundred queues are not what is measured.
    """
    await site.hang_up()
    await asyncio.to_thread(site.edge.stop)
    head = re.split(r"\[\[printers|\[snmp\.fleet", site.config.read_text())[0]
    head = re.sub(r'(\[cups\]\nserver = )".*"', rf'\1"{site.root / "no-cups"}"', head)
    uri = site.printers[DEVICE].uri
    port = agents[0].port
    lines = [
        head,
        f'[snmp.fleet]\nport = {port}\ncommunity = "lab"\n[monitoring]\nport = {MONITOR}',
    ]
    lines += [f'[devices]\nbusy = "1s"\nidle = "{idle}"\nsnapshot = "{snapshot}"']
    lines += [
        f'[[printers]]\nid = "{SITE}-{number}"\nname = "{number}"\nuri = "{uri}"\n'
        f'queue = "p-{number}"\nsnmp = "fleet"\naddress = "{agent.address}"'
        for number, agent in enumerate(agents, 1)
    ]
    site.config.write_text("\n".join(lines) + "\n")
    site.start_edge()


async def until_looked(count: int) -> None:
    """Wait until the edge has looked so often."""
    deadline = time.monotonic() + PATIENCE
    while await asyncio.to_thread(polls) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{polls()} looks, {count} were to be")
        await asyncio.sleep(0.25)


def polls() -> int:
    """Ask the edge how many looks came back with something."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{MONITOR}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0
    found = re.search(
        r'^printmesh_poll_seconds_count\{outcome="answered"\} (\S+)', text, re.MULTILINE
    )
    return int(float(found[1])) if found else 0


def resident(pid: int) -> int:
    """Return the octets that a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
