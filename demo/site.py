"""One site of the lab: a print system, printers, an edge, the line to the centre, people."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from broker.messages import (
    JobsRequest,
    Person,
    RedeemRequest,
    ReleaseRequest,
    Reply,
    StatusRequest,
)
from config.ids import uuid7
from config.settings import EdgeSettings, load
from demo.card_terminal import CardTerminal
from demo.cupsd import PrivateCups
from demo.lab_error import LabError
from demo.lp import lp
from demo.metered import Machine
from demo.panel import Panel
from demo.ports import answers, free_port
from demo.printers import VirtualPrinter
from demo.proxy import CuttableProxy
from demo.snmp_agents import SnmpAgents, Speaking, free_udp_port
from edge.asking import OPERATOR_SECRET, Asker, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from broker.messages import Request
    from demo.guarded import Guarded
    from demo.lab import Lab

PULL = "print2me"


class Site:
    """A site and everything in it."""

    def __init__(self, lab: Lab, name: str, node: Mapping[str, Any]) -> None:
        """Name the parts.

        Args:
            lab: what it belongs to.
            name: of the site and of its edge node.
            node: what `printmesh central node add --json` said.
        """
        self.lab = lab
        self.name = name
        self.root = lab.root / name
        self.root.mkdir(exist_ok=True)
        self.config = self.root / "edge.toml"
        self.line = CuttableProxy(lab.broker_port)
        self.cups = PrivateCups(self.root / "cups")
        self.printers = {
            f"{name}-{number}": VirtualPrinter(
                self.root / f"printer-{number}", f"{name} {number}", lab.bus
            )
            for number in range(1, lab.plan.printers + 1)
        }
        self.broker_port = free_port()
        self.role = lab.plan.roles.get(name, ("remote",))[0]
        """What it begins as."""
        self._node = node
        self._stack = AsyncExitStack()
        self._asker: Asker | None = None
        self._asked_run: int | None = None
        self._one_asker = asyncio.Lock()
        self._own_broker = name in lab.plan.separate_site_brokers
        self._broker_config = self.root / "broker.toml"
        self.known = self.root / "credentials.json"
        """Who may connect to the site's broker, where somebody besides the edge may."""
        self.terminal = CardTerminal(lab, self) if name in lab.plan.terminals else None
        """A card reader beside a copier, where the plan has one."""
        self.panel = Panel(lab, self) if name in lab.plan.panels else None
        """A panel at its first printer, where the plan has one."""
        self.agents = self._speaking() if lab.plan.snmp else {}
        """SNMP agents of its printers by device id, where the plan has them."""
        self._snmp = SnmpAgents(self.root, tuple(self.agents.values()))

    async def start(self) -> None:
        """Start print system, printers, line and edge."""
        await self.line.start()
        self._stack.push_async_callback(self.line.stop)
        await asyncio.to_thread(self.cups.start)
        self._stack.callback(self.cups.stop)
        for printer in self.printers.values():
            await asyncio.to_thread(printer.start)
            self._stack.callback(printer.stop)
        if self.agents:
            await asyncio.to_thread(self._snmp.start)
            self._stack.callback(self._snmp.stop)
        self._write_config()
        if self._own_broker:
            self.start_broker()
        self.start_edge()
        if self.terminal is not None:
            await self.terminal.start()
            self._stack.push_async_callback(self.terminal.stop)
        if self.panel is not None:
            await self.panel.start()
            self._stack.push_async_callback(self.panel.stop)
        await self.until_ready()

    async def stop(self) -> None:
        """End everything of this site."""
        await self.hang_up()
        if self.lab.started(f"edge-{self.name}"):
            await asyncio.to_thread(self.edge.stop)
        await self._stack.aclose()

    def start_edge(self) -> Guarded:
        """Run the edge; again, after it was killed."""
        # each run of the edge gives its operator a new secret: ask nobody with the old one
        (self.data / OPERATOR_SECRET).unlink(missing_ok=True)
        return self.lab.start(f"edge-{self.name}", "edge", "run", config=self.config)

    def start_broker(self) -> Guarded:
        """Run the site's broker where it is a process of its own; again, after it was killed."""
        # people walk up afresh; who asked before would wait for its growing pause
        self._asked_run = None
        return self.lab.start(f"broker-{self.name}", "broker", "run", config=self._broker_config)

    @property
    def data(self) -> Path:
        """Where the edge keeps its journal."""
        return self.root / "data"

    @property
    def broker(self) -> Guarded:
        """The process of the site's broker, where it is one of its own."""
        return self.lab.program(f"broker-{self.name}")

    @property
    def edge(self) -> Guarded:
        """The edge's process."""
        return self.lab.program(f"edge-{self.name}")

    # ── people ──────────────────────────────────────────────────────────────────────────────

    async def print(
        self,
        document: Path,
        *,
        user: str,
        title: str,
        queue: str = PULL,
        options: Mapping[str, str | int] | None = None,
        more: Sequence[Path] = (),
    ) -> str:
        """Print as a person does, with `lp`; return CUPS's request id."""
        return await asyncio.to_thread(
            lp, self.cups, queue, document, user=user, title=title, options=options, more=more
        )

    async def jobs(self, *, held_only: bool = False) -> list[dict[str, Any]]:
        """Return every job of the site, as its operator sees it."""
        rows: list[dict[str, Any]] = []
        after: UUID | None = None
        while True:
            reply = await self.ask("jobs", JobsRequest, held_only=held_only, after=after)
            _must_be_ok(reply)
            rows += reply.data["jobs"]
            if not reply.data["more"]:
                return rows
            after = UUID(rows[-1]["job"])

    async def job(self, title: str, *phases: str, seconds: float = 60.0) -> dict[str, Any]:
        """Return the job of this title once it is in one of these phases (any, if none named)."""
        found: dict[str, Any] = {}

        async def there() -> bool:
            for row in await self.jobs():
                if row["name"] == title and (not phases or row["phase"] in phases):
                    found.update(row)
                    return True
            return False

        what = f"job {title!r} at {self.name} to be {' or '.join(phases) or 'known'}"
        try:
            await self.lab.until_async(there, what, seconds)
        except LabError as error:
            rows = [row for row in await self.jobs() if row["name"] == title]
            raise LabError(f"{error}\nit is: {rows}") from error
        return found

    async def release(self, job: str, printer: str, *, card: str, confirmed: bool = False) -> Reply:
        """Release a job as a terminal does for the person with this card."""
        return await self.ask(
            "release",
            ReleaseRequest,
            job=UUID(job),
            printer=printer,
            person=Person(card=card),
            confirmed=confirmed,
        )

    async def redeem(self, code: str, *, card: str) -> Reply:
        """Type a courier code as the person with this card."""
        return await self.ask("redeem", RedeemRequest, code=code, person=Person(card=card))

    async def status(self, *, seconds: float = 30.0) -> dict[str, Any]:
        """Return what the edge says of itself."""
        reply = await self.ask("status", StatusRequest, seconds=seconds)
        _must_be_ok(reply)
        return reply.data

    async def ask(
        self,
        method: str,
        model: type[Request],
        *,
        seconds: float = 30.0,
        **fields: Any,  # noqa: ANN401  of the model
    ) -> Reply:
        """Ask the edge over the site's broker, as its operator.

        Raises:
            NoAnswer: it does not run, or did not answer within `seconds`.
        """
        asker = await self._current_asker()
        now = datetime.now(UTC)
        question = model(
            corr=uuid7(now, secrets.token_bytes(10)),
            expires_at=now + timedelta(seconds=seconds),
            **fields,
        )
        return await asker.ask(method, question, seconds=seconds)

    async def _current_asker(self) -> Asker:
        """Return who asks with the secret of the edge that runs now.

        Raises:
            NoAnswer: no edge runs.
        """
        secret = self.data / OPERATOR_SECRET
        async with self._one_asker:
            run = secret.stat().st_mtime_ns if secret.exists() else None
            if self._asker is not None and run == self._asked_run:
                return self._asker
            await self.hang_up()
            asker = Asker(load(EdgeSettings, self.config))
            await asker.open()
            self._asker, self._asked_run = asker, run
            return asker

    async def hang_up(self) -> None:
        """End the line to the edge, for others who ask as its operator; the next question calls."""
        asker, self._asker = self._asker, None
        if asker is not None:
            await asker.close()

    # ── link ────────────────────────────────────────────────────────────────────────────────

    async def until_ready(self) -> None:
        """Wait until people can print here."""
        await self.lab.until(
            lambda: answers(self.broker_port), f"the broker of site {self.name} to listen"
        )
        await self._until(
            lambda status: status["ready"], f"the queues of site {self.name}", seconds=2
        )

    async def until_linked(self) -> None:
        """Wait until the centre and this site agree and the directory is here."""
        await self._until(
            lambda status: status["linked"] and status["directory"] is not None,
            f"site {self.name} to be linked",
        )

    async def until_told(self) -> None:
        """Wait until this site lives by the terms that the plan has for it, if it has any."""
        if self.name in self.lab.plan.roles:
            await self._until(
                lambda status: status["terms"]["number"] and not status["waiting"],
                f"site {self.name} to be told its terms",
            )

    async def until_alone(self) -> None:
        """Wait until the site has noticed that its line is down."""
        await self._until(
            lambda status: not status["linked"], f"site {self.name} to notice the cut"
        )

    async def until_merged(self) -> None:
        """Wait until the centre has committed everything that happened here."""
        await self._until(
            lambda status: status["linked"] and status["waiting"] == 0,
            f"site {self.name} to be merged",
        )

    async def _until(
        self, holds: Callable[[dict[str, Any]], object], what: str, *, seconds: float = 30.0
    ) -> None:
        """Ask for the status until it is as wanted; an edge that is not up yet is asked again."""

        async def so() -> bool:
            try:
                return bool(holds(await self.status(seconds=seconds)))
            except NoAnswer:
                return False

        await self.lab.until_async(so, what)

    def _speaking(self) -> dict[str, Speaking]:
        """Return an agent for each printer, and for a copier that stands beside them."""
        found = {
            device: Speaking(
                Machine(printer.name, f"LAB{device.upper().replace('-', '')}"),
                free_udp_port(),
                printer.root,
            )
            for device, printer in self.printers.items()
        }
        if self.terminal is not None:
            device = self.terminal.device
            copier = Machine("copier", f"LAB{device.upper().replace('-', '')}")
            found[device] = Speaking(copier, free_udp_port(), self.terminal.root)
        return found

    def _asked(self, device: str) -> list[str]:
        """Return how a printer is asked by SNMP."""
        return [f'snmp = "{device}"\naddress = "127.0.0.1"'] if device in self.agents else []

    def _write_config(self) -> None:
        node = self._node
        secret = self.root / "edge.secret"
        secret.write_text(node["secret"])
        secret.chmod(0o600)
        lines = [
            f'node = "{self.name}"',
            f'site = "{self.name.title()}"',
            f'role = "{self.role}"',
            f'data = "{self.data}"',
            f'enrolment_code = "{node["enrolment_code"]}"',
            f'[coordinator]\nincarnation = "{node["coordinator_incarnation"]}"',
            f'[link]\nport = {self.line.port}\nsecret_file = "{secret}"',
            f"[site_broker]\nport = {self.broker_port}",
            *self._own_broker_lines(),
            '[copies]\npatience = "60s"',
            f'[cups]\nserver = "{self.cups.socket}"',
            f'[[queues]]\nname = "{PULL}"\nkind = "pull"',
        ]
        if self.panel is not None:
            lines.append(f'[terminals]\nshared = ["{self.panel.node}"]')
        for device, printer in self.printers.items():
            lines.append(
                f'[[printers]]\nid = "{device}"\nname = "{device}"\n'
                f'uri = "{printer.uri}"\nqueue = "p-{device}"'
            )
            lines += self._asked(device)
            if self.panel is not None and self.panel.device == device:
                lines.append("copies = true")
            if self.lab.plan.direct_queues:
                lines.append(
                    f'[[queues]]\nname = "direct-{device}"\nkind = "direct"\nprinter = "{device}"'
                )
        if self.terminal is not None:
            # it prints nothing; a machine that copies is declared like one that prints
            lines.append(
                f'[[printers]]\nid = "{self.terminal.device}"\nname = "copier"\n'
                f'queue = "p-{self.terminal.device}"\ncopies = true\ncolor = false\n'
                f'uri = "{next(iter(self.printers.values())).uri}"'
            )
            lines += self._asked(self.terminal.device)
        lines += [agent.profile(device) for device, agent in self.agents.items()]
        if self.agents:
            lines.append('[devices]\nbusy = "500ms"\nidle = "2s"\nsnapshot = "500ms"')
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def _own_broker_lines(self) -> list[str]:
        """Return what the edge is told of a broker beside it; write what that broker is told."""
        known = f'credentials = "{self.known}"'
        if not self._own_broker:
            return [known] if self.terminal or self.panel else []
        self._broker_config.write_text(f"port = {self.broker_port}\n{known}\n")
        return ["embedded = false", known]


def _must_be_ok(reply: Reply) -> None:
    """Refuse an answer without what was asked for.

    Raises:
        NoAnswer: it says why.
    """
    if reply.status != "ok":
        raise NoAnswer(f"the edge answered {reply.status}: {reply.problem}")
