"""A whole fleet on this machine: broker, centre, sites with edges, print systems and printers.

Every part is a real process on a free port of 127.0.0.1, started and ended by its pid. The
acceptance tests and the benchmarks stand on this as the demo does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from config.policy.money import Money
from demo.card_terminal import copier_of
from demo.guarded import Guarded
from demo.lab_error import LabError
from demo.ports import answers, free_port
from demo.printers import PrivateBus
from demo.site import Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

#: What a process of ours may take to get going on a busy machine.
_START_SECONDS = 60.0
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who prints."""

    user: str
    card: str
    credit: str
    """As `printmesh central topup` takes it."""
    groups: tuple[str, ...] = ()
    """For rules."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the lab is made of."""

    sites: tuple[str, ...] = ("north", "south")
    printers: int = 2
    """At each site."""
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What `printmesh central role SITE` is told, the role first; remote where nothing is."""
    rules: str = ""
    """As `printmesh central rule set` reads them."""
    people: tuple[Person, ...] = ()
    mono: str = "0.05"
    """Price of a monochrome impression."""
    color: str = "0.20"
    """Price of a colour impression."""
    separate_site_brokers: tuple[str, ...] = ()
    """Sites whose broker is a process of its own, so that it can be killed by itself."""
    direct_queues: bool = True
    """Give each printer a queue of its own that releases at once, besides the pull queue."""
    terminals: tuple[str, ...] = ()
    """Sites with a copier, and a card reader with copy control beside it."""
    panels: tuple[str, ...] = ()
    """Sites with a panel at their first printer, which copies as well."""
    snmp: bool = False
    """Printers and copiers answer SNMP, and the edges ask them."""
    second_log: bool = False
    """Keep the second log outside the directory of the books, as if on another volume."""
    pages: bool = False
    """Serve the centre's pages; no second factor is asked for."""
    database: str = ""
    """SQLAlchemy's address of an empty database for the books; without, a file."""


def quiet(_: str) -> None:
    """Say nothing."""


class Lab:
    """The fleet; use it as an async context."""

    def __init__(
        self, plan: Plan, *, root: Path | None = None, say: Callable[[str], None] = quiet
    ) -> None:
        """Name what is to be built; without a `root`, one is made under the temporary directory."""
        self.plan = plan
        self.root = root or Path(tempfile.mkdtemp(prefix="pm-"))
        # cupsd and its filters run as another user when we are root
        self.root.chmod(0o755)
        self._own_root = root is None
        self._say = say
        self._stack = AsyncExitStack()
        self.broker_port = free_port()
        self.api_port = free_port()
        self.pages_port = free_port()
        self.bus = PrivateBus(self.root / "bus")
        self.sites: dict[str, Site] = {}
        self.environs: dict[str, Mapping[str, str]] = {}
        """What a process gets besides, by its name; read when it is started."""
        self._programs: dict[str, Guarded] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._build()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every process; the files stay with a given root."""
        await self._stack.aclose()
        for program in reversed(self._programs.values()):
            await asyncio.to_thread(program.stop)
        self._programs.clear()
        if self._own_root:
            shutil.rmtree(self.root, ignore_errors=True)

    # ── what can be done with it ────────────────────────────────────────────────────────────

    async def central(self, *words: str) -> Any:  # noqa: ANN401  whatever the command lists
        """Run `printmesh central …`; return what it says, read as JSON when `--json` is among it.

        Raises:
            LabError: it failed; the text is what it said.
        """
        group, *rest = words
        return await self.command("central", group, *rest)

    async def central_all(self, *commands: tuple[str, ...]) -> list[str]:
        """Run several `printmesh central …` in order, in one process; return what each says.

        Raises:
            LabError: one failed; those after it were not run.
        """
        if not commands:
            return []
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "demo.many"],
            env=self._centres(),
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        for words, each in zip(commands, told, strict=False):
            if each["status"]:
                raise _failed(("central", *words), each["err"] or each["out"], each["status"])
        if done.returncode or len(told) < len(commands):
            raise _failed(("central", *commands[len(told)]), done.stderr, done.returncode)
        return [each["out"] for each in told]

    async def command(self, *words: str) -> Any:  # noqa: ANN401  as `central`
        """Run any `printmesh …` command with the centre's settings."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "printmesh", *words],
            env=self._centres(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise _failed(words, done.stderr or done.stdout, done.returncode)
        return json.loads(done.stdout) if "--json" in words else done.stdout

    def start(self, name: str, *words: str, config: Path) -> Guarded:
        """Run a `printmesh …` process; its log is `NAME.log`."""
        return self.start_module(name, "printmesh", *words, config=config)

    def start_module(
        self, name: str, *words: str, config: Path, more: Mapping[str, str] | None = None
    ) -> Guarded:
        """Run a module as a process, with more in its environment; its log is `NAME.log`."""
        program = Guarded(
            [sys.executable, "-m", *words, "--config", str(config)],
            self.root / f"{name}.log",
            self.environ({**self.environs.get(name, {}), **(more or {})}),
        )
        self._programs[name] = program
        return program

    def started(self, name: str) -> bool:
        """Say whether a process of this name was ever started."""
        return name in self._programs

    @property
    def second_log(self) -> Path:
        """Where the second log is when it is not beside the books."""
        return self.root / "second-log"

    def start_broker(self) -> Guarded:
        """Run the centre's broker."""
        return self.start("broker", "broker", "run", config=self.root / "broker.toml")

    def start_central(self) -> Guarded:
        """Run the coordinator."""
        return self.start("central", "central", "run", config=self.root / "central.toml")

    def program(self, name: str) -> Guarded:
        """Return a process, such as `broker`, `edge-SITE`, `SITE-terminal`, `SITE-panel`."""
        return self._programs[name]

    def _centres(self) -> dict[str, str]:
        return self.environ({"PRINTMESH_CONFIG": str(self.root / "central.toml")})

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment our processes get: nothing of the caller's settings."""
        return {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
            "HOME": str(self.root),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
            ).rstrip(os.pathsep),
            **more,
        }

    # ── building ────────────────────────────────────────────────────────────────────────────

    async def _build(self) -> None:
        self._say("Setting up the centre: books")
        self._write_central()
        self._say("  sites and their roles, printers, prices, people and their cards, rules")
        nodes = await self._enter()
        self._say("  the broker and the coordinator")
        self.start_broker()
        await self.until(lambda: answers(self.broker_port), "the broker to listen")
        self.start_central()
        await asyncio.to_thread(self.bus.start)
        self._stack.callback(self.bus.stop)
        self.sites = {name: Site(self, name, node) for name, node in nodes.items()}
        for site in self.sites.values():
            count = f"{self.plan.printers} printer{'' if self.plan.printers == 1 else 's'}"
            self._say(f"  site {site.name} ({site.role}): print system, {count}, edge")
        self._stack.push_async_callback(self._stop_sites)
        await _all(site.start() for site in self.sites.values())
        self._say("  waiting for the sites to be linked and to know prices and people")
        for site in self.sites.values():
            await site.until_linked()
            await site.until_told()
        if self.plan.people:
            self._say("  credit for everybody, shared out over the sites")
        await self._give_credit()

    async def _stop_sites(self) -> None:
        await _all(site.stop() for site in self.sites.values())

    def _write_central(self) -> None:
        secret = self.root / "coordinator.secret"
        credentials = self.root / "credentials.json"
        from broker.credentials import CredentialFile  # noqa: PLC0415
        from broker.topics import Party  # noqa: PLC0415

        value = CredentialFile(credentials).add("coordinator", Party.COORDINATOR)
        secret.write_text(value)
        secret.chmod(0o600)
        (self.root / "broker.toml").write_text(
            f'port = {self.broker_port}\ncredentials = "{credentials}"\n'
        )
        second_log = f'second_log = "{self.second_log}"\n' if self.plan.second_log else ""
        pages = f"[web]\nport = {self.pages_port}\nsecond_factor = []\n" if self.plan.pages else ""
        database = f'database_url = "{self.plan.database}"\n' if self.plan.database else ""
        (self.root / "central.toml").write_text(
            f'data = "{self.root / "books"}"\n'
            f"{second_log}{database}"
            f'credentials = "{credentials}"\n'
            'currency = "EUR"\n'
            f'[broker]\nport = {self.broker_port}\nsecret_file = "{secret}"\n'
            f"{pages}"
        )

    async def _enter(self) -> dict[str, dict[str, Any]]:
        """Enter sites, printers, prices, people, rules; return what each new node is told."""
        plan = self.plan
        rules = self.root / "rules.toml"
        rules.write_text(plan.rules)
        nodes = [("node", "add", site, "--site", site.title(), "--json") for site in plan.sites]
        said = await self.central_all(
            ("migrate",),
            *nodes,
            ("tariff", "set", "--mono", plan.mono, "--color", plan.color),
            *(
                ("printer", "add", f"{site}-{number}", "--node", site)
                for site in plan.sites
                for number in range(1, plan.printers + 1)
            ),
            *(("printer", "add", copier_of(site), "--node", site) for site in plan.terminals),
            *(("role", site, *words) for site, words in plan.roles.items()),
            *(
                (
                    "user",
                    "add",
                    each.user,
                    *(w for group in each.groups for w in ("--group", group)),
                )
                for each in plan.people
            ),
            *(("card", "add", each.user, each.card) for each in plan.people),
            *([("rule", "set", str(rules))] if plan.rules else []),
        )
        return dict(zip(plan.sites, map(json.loads, said[1 : 1 + len(nodes)]), strict=True))

    async def _give_credit(self) -> None:
        """Top accounts up, and wait until the money is parked where people may come."""
        total = Money(0, "EUR")
        for person in self.plan.people:
            total += Money.parse(person.credit, "EUR")
        await self.central_all(
            *(("topup", f"user:{person.user}", person.credit) for person in self.plan.people)
        )

        async def parked() -> bool:
            states = [await site.status() for site in self.sites.values()]
            here: int = sum(state["money"].get("EUR", 0) for state in states)
            return here == total.micros

        if self.plan.people:
            await self.until_async(parked, "the money to be parked at the sites")

    async def until(
        self,
        condition: Callable[[], bool],
        what: str,
        seconds: float = _START_SECONDS,
    ) -> None:
        """Poll a condition that offers no event.

        Raises:
            LabError: it did not come true; names what was awaited and what the logs end with.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            if loop.time() > deadline:
                raise LabError(f"waited {seconds:g} s in vain: {what}\n{self.log_tails()}")
            await asyncio.sleep(_PAUSE)

    async def until_async(
        self,
        condition: Callable[[], Awaitable[bool]],
        what: str,
        seconds: float = _START_SECONDS,
    ) -> None:
        """As `until`, for a condition that has to be asked for."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await condition():
            if loop.time() > deadline:
                raise LabError(f"waited {seconds:g} s in vain: {what}\n{self.log_tails()}")
            await asyncio.sleep(_PAUSE)

    def log_tails(self, lines: int = 8) -> str:
        """Return how the logs end."""
        tails = []
        for log in sorted(self.root.glob("*.log")):
            tail = log.read_text(errors="replace").splitlines()[-lines:]
            tails.append("\n".join([f"── {log.name}", *tail]))
        return "\n".join(tails)


async def _all(several: Iterable[Awaitable[None]]) -> None:
    """Do it all at once and to the end; then raise the first fault, if there was any."""
    outcomes = await asyncio.gather(*several, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


def _failed(words: Sequence[str], said: str, status: int) -> LabError:
    return LabError(f"printmesh {' '.join(words)}: {said.strip()} (exit status {status})")
