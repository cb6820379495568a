"""The lab's side of its SNMP agents: which there are, their process, what they are to do wrong."""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from demo.guarded import Guarded, Startable
from demo.metered import Machine, Orders
from demo.ports import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

#: In a printer's directory: what to do wrong, and the copies made there.
ORDERS, COPIES = "snmp-orders.json", "copies"


@dataclass(frozen=True, slots=True)
class Speaking:
    """One agent: a printer that answers SNMP."""

    machine: Machine
    port: int
    root: Path | None = None
    """Directory of a `VirtualPrinter`; None: it has none, and its counters stand still."""
    community: str = "lab"
    address: str = "127.0.0.1"
    three: tuple[str, str, str] | None = None
    """User and pass phrases (SHA-256, AES-128): it speaks version 3 and nothing else."""

    def order(self, **what: Any) -> None:  # noqa: ANN401  fields of Orders
        """Let it do something wrong from now on, and nothing else; without any, all is well.

        What it counted stays: `resets`, `total` and `walked_up` are kept from order to order.
        """
        if self.root is None:
            raise ValueError("it has no directory for orders")
        file = self.root / ORDERS
        before = Orders.of(json.loads(file.read_text())) if file.exists() else Orders()
        kept = {each: getattr(before, each) for each in ("resets", "total", "walked_up")}
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(Orders(**{**kept, **what}).as_json()))
        fresh.replace(file)

    def reset(self) -> None:
        """Let its counters and its clock begin anew, and all else be well."""
        if self.root is None:
            raise ValueError("it has no directory for orders")
        file = self.root / ORDERS
        before = Orders.of(json.loads(file.read_text())) if file.exists() else Orders()
        self.order(resets=before.resets + 1)

    def as_json(self) -> dict[str, Any]:
        """Return an entry of the file that the process reads."""
        entry: dict[str, Any] = {
            "machine": asdict(self.machine),
            "address": self.address,
            "port": self.port,
            "community": self.community,
            "root": str(self.root) if self.root else None,
        }
        if self.three is not None:
            names = ("user", "authentication_key", "privacy_key")
            entry["three"] = dict(zip(names, self.three, strict=True))
        return entry

    def profile(self, name: str) -> str:
        """Return the edge's settings of how it is asked."""
        lines = [f"[snmp.{name}]", f"port = {self.port}", 'timeout = "1s"']
        if self.three is None:
            lines += ['version = "2c"', f'community = "{self.community}"']
        else:
            user, prove, hide = self.three
            lines += ['version = "3"', f'user = "{user}"']
            lines += [f'authentication_key = "{prove}"', f'privacy_key = "{hide}"']
        return "\n".join(lines)


class SnmpAgents(Startable):
    """The process; use it as a context, or start and stop it."""

    def __init__(self, root: Path, agents: Sequence[Speaking]) -> None:
        """Name who answers; `root` is for the file and the log."""
        self.agents = tuple(agents)
        self._file = root / "snmp-agents.json"
        self._log = root / "snmp-agents.log"

    @property
    def pid(self) -> int:
        """The process id."""
        if self._program is None:
            raise RuntimeError("the SNMP agents were not started")
        return self._program.pid

    def start(self) -> Self:
        """Run it; return when all answer.

        Raises:
            TimeoutError: they do not; the text ends with the log.
        """
        self._file.write_text(json.dumps([each.as_json() for each in self.agents]))
        ready = self._file.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        here = str(Path(__file__).parents[1])
        program = self._program = Guarded(
            [sys.executable, "-m", "demo.snmp_agent", str(self._file)],
            self._log,
            {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "PYTHONPATH": here},
        )
        try:
            wait_until(lambda: ready.exists() or not program.running, "the SNMP agents", 30)
            wait_until(lambda: program.running, "the SNMP agents to live on", 0)
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}\n{self._log.read_text(errors='replace')}") from error
        return self


def free_udp_port(address: str = "127.0.0.1") -> int:
    """Return a UDP port that nothing is bound to now; for several see `free_udp_ports`."""
    (port,) = free_udp_ports(1, address)
    return port


def free_udp_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Return UDP ports that nothing is bound to now, no two the same.

    The kernel draws them by lot: of 200 asked for one by one two are likely to be the same.
    """
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(count)]
        for probe in probes:
            probe.bind((address, 0))
        return [probe.getsockname()[1] for probe in probes]
