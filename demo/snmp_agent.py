"""The SNMP agents of the lab's printers, all in one process: `python -m demo.snmp_agent FILE`.

The file lists them (`demo/snmp_agents.py` writes it). Counters move with the documents that a
printer kept and the copies that a copier made; orders lie beside those. Versions 1 and 2c are
answered by `demo.snmp_wire`; for version 3 pysnmp proves, hides and asks the same tables.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from demo import snmp_wire as wire
from demo.metered import SYS_UP_TIME, Machine, Orders, Pages, objects, total
from demo.printers import kept_job
from demo.snmp_agents import COPIES, ORDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.printers import KeptJob
    from demo.snmp_wire import Object, Oid

#: Octets of bindings after which a GetBulk's answer is full.
_FULL: Final = 1300
#: Seconds between two looks at the directory.
_LOOK: Final = 0.05
#: Square points: more than A4, less than A3.
_LARGE: Final = 750_000.0
_HUNDREDTHS: Final = 100


@dataclass(slots=True)
class Agent:
    """One printer's."""

    machine: Machine
    community: str
    root: Path | None
    """Where its printer keeps what it received; None: it only answers."""
    pages: Pages = field(default_factory=Pages)
    orders: Orders = field(default_factory=Orders)
    table: dict[Oid, Object] = field(default_factory=dict)
    order: list[Oid] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _known: set[str] = field(default_factory=set)
    _copies: int = 0
    _away: Pages = field(default_factory=Pages)
    """Taken off the pages, by a reset or because its total was set."""
    _seen: tuple[int, int, int] = (0, 0, 0)
    _looked: float = -1.0
    answers: int = 0
    """How many it had, also those that got lost."""

    def look(self) -> None:
        """See what came, if it is time to."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        seen = self._stamps()
        if self.table and seen == self._seen:
            return
        self._seen = seen
        if self.root is not None:
            self._obey(self.root)
            self._count(self.root)
        self.table = objects(self.machine, self.pages, self.orders, self._away)
        self.order = list(self.table)

    def _stamps(self) -> tuple[int, int, int]:
        if self.root is None:
            return (0, 0, 0)
        kept = self.root / "kept"
        files = (self.root / COPIES, self.root / ORDERS)
        copies, orders = (each.stat().st_mtime_ns if each.exists() else 0 for each in files)
        return sum(1 for _ in kept.iterdir()) if kept.exists() else 0, copies, orders

    def _obey(self, root: Path) -> None:
        file = root / ORDERS
        if not file.exists():
            return
        before, self.orders = self.orders, Orders.of(json.loads(file.read_text()))
        self.pages += Pages(mono=self.orders.walked_up - before.walked_up)
        if self.orders.resets > before.resets:
            self._began = time.monotonic()
            # what it had printed before it was set up is forgotten as well
            self._away = self.pages + Pages(mono=self.machine.began)
        if self.orders.total is not None and self.orders.total != before.total:
            shown = total(self.machine, self.pages)
            self._away = Pages(mono=shown - self.orders.total)

    def _count(self, root: Path) -> None:
        directory = root / "kept"
        if directory.exists():
            for each in sorted(directory.iterdir()):
                if each.name not in self._known:
                    self._known.add(each.name)
                    self.pages += _sides(kept_job(each), each, self.orders)
        file = root / COPIES
        if file.exists():
            made = int(file.read_text() or "0")
            self.pages += Pages(copies=made - self._copies)
            self._copies = made

    # ── questions ───────────────────────────────────────────────────────────────────────────

    def value(self, oid: Oid) -> Object | None:
        """Return what it says there; None: there is nothing."""
        if oid == SYS_UP_TIME:
            up = int((time.monotonic() - self._began) * _HUNDREDTHS)
            return wire.TIME_TICKS, up % 2**32
        return self.table.get(oid)

    def after(self, oid: Oid) -> tuple[Oid, Object] | None:
        """Return the next object; None: that was the last."""
        find = bisect_left if self.orders.garbage == "circles" else bisect_right
        place = find(self.order, oid)
        if place == len(self.order):
            return None
        found = self.value(self.order[place])
        return None if found is None else (self.order[place], found)

    def answer(self, datagram: bytes) -> bytes | None:
        """Answer a question of version 1 or 2c; None: it is silent."""
        asked = wire.question(datagram)
        self.look()
        listens = (self.orders.community or self.community).encode()
        if asked is None or asked.community != listens:
            return None
        if self.orders.garbage == "noise":
            return os.urandom(1 + asked.number % 80)
        number = asked.number + 1 if self.orders.garbage == "other-number" else asked.number
        if asked.kind == wire.GET_BULK:
            bound = list(self._bulk(asked))
        else:
            bound = [self._one(asked.kind, oid) for oid in asked.oids]
        if not asked.version:
            missing = [tag in _MISSING for _, (tag, _) in bound]
            if any(missing):  # noSuchName, RFC 1157 §4.1.2
                place = missing.index(True) + 1
                return wire.answer(asked, wire.unanswered(asked.oids), status=2, index=place)
        return wire.answer(asked, bound, number=number)

    def _one(self, kind: int, oid: Oid) -> tuple[Oid, Object]:
        if kind == wire.GET:
            return oid, self.value(oid) or (wire.NO_SUCH_INSTANCE, b"")
        return self.after(oid) or (oid, (wire.END_OF_MIB_VIEW, b""))

    def _bulk(self, asked: wire.Question) -> Iterator[tuple[Oid, Object]]:
        """GetBulk, RFC 3416 §4.2.3: as many rows as an answer holds."""
        once = max(0, asked.once)
        for oid in asked.oids[:once]:
            yield self._one(wire.GET_NEXT, oid)
        last, size = list(asked.oids[once:]), 0
        for _ in range(asked.rows if last else 0):
            ended = True
            for place, oid in enumerate(last):
                following = self._one(wire.GET_NEXT, oid)
                ended = ended and following[1][0] == wire.END_OF_MIB_VIEW
                last[place] = following[0]
                size += len(following[0]) + len(wire.object_octets(following[1])) + 4
                if size > _FULL:
                    return
                yield following
            if ended:
                return


_MISSING: Final = frozenset({wire.NO_SUCH_INSTANCE, wire.END_OF_MIB_VIEW})


def _sides(job: KeptJob, directory: Path, orders: Orders) -> Pages:
    """Return what a kept job moves the counters by; colour is by its mode, nobody looks at it."""
    count = job.impressions or 0
    if orders.large_as_four and job.sides.startswith("two-sided") and _is_large(directory):
        count *= 2
    return Pages(color=count) if job.print_color_mode == "color" else Pages(mono=count)


def _is_large(directory: Path) -> bool:
    """Read what Poppler said of the document: `Page size:  842 x 1191 pts (A3)`."""
    file = directory / "pdfinfo"
    for line in file.read_text(errors="replace").splitlines() if file.exists() else ():
        if line.startswith("Page size:"):
            _, _, wide, _, high, *_ = line.split()
            return float(wide) * float(high) > _LARGE
    return False


class Listening(asyncio.DatagramProtocol):
    """A port at which one agent answers, as late and as seldom as it is ordered to."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Remember where answers go."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer, or not."""
        said = self._agent.answer(data)
        if said is None or self._transport is None:
            return
        if (slow := lost_or_late(self._agent)) is None:
            return
        if slow:
            asyncio.get_running_loop().call_later(slow, self._transport.sendto, said, addr)
        else:
            self._transport.sendto(said, addr)


def lost_or_late(agent: Agent) -> float | None:
    """Return how many seconds an answer takes; None: it gets lost.

    A tenth lost is every tenth: dice would lose a question's every try once in a while.
    """
    orders, before = agent.orders, agent.answers
    agent.answers += 1
    if orders.silent or int(agent.answers * orders.drop) > int(before * orders.drop):
        return None
    return orders.slow


# ── version 3 ───────────────────────────────────────────────────────────────────────────────


def listen_by_three(agent: Agent, address: tuple[str, int], user: Mapping[str, str]) -> object:
    """Answer by version 3 with SHA-256 and AES; return what has to be kept alive."""
    from pysnmp.carrier.asyncio.dgram import udp  # noqa: PLC0415  half a second that few need
    from pysnmp.entity import config as plain  # noqa: PLC0415
    from pysnmp.entity.engine import SnmpEngine  # noqa: PLC0415
    from pysnmp.entity.rfc3413 import cmdrsp  # noqa: PLC0415
    from pysnmp.entity.rfc3413.context import SnmpContext  # noqa: PLC0415
    from pysnmp.proto import rfc1902, rfc1905  # noqa: PLC0415
    from pysnmp.smi.instrum import AbstractMibInstrumController  # noqa: PLC0415

    types: dict[int, Any] = {
        wire.INTEGER: rfc1902.Integer32,
        wire.OCTETS: rfc1902.OctetString,
        wire.OBJECT_ID: rfc1902.ObjectName,
        wire.COUNTER32: rfc1902.Counter32,
        wire.GAUGE32: rfc1902.Gauge32,
        wire.TIME_TICKS: rfc1902.TimeTicks,
    }

    class Table(AbstractMibInstrumController):  # type: ignore[misc]  # pysnmp has no types
        """What the responders ask."""

        def read_variables(self, *bound: Any, **_: Any) -> list[Any]:  # noqa: ANN401
            agent.look()
            found = [(oid, agent.value(tuple(oid))) for oid, _ in bound]
            return [(oid, made(each) if each else rfc1905.noSuchInstance) for oid, each in found]

        def read_next_variables(self, *bound: Any, **_: Any) -> list[Any]:  # noqa: ANN401
            agent.look()
            found = [(oid, agent.after(tuple(oid))) for oid, _ in bound]
            return [
                (rfc1902.ObjectName(each[0]), made(each[1]))
                if each
                else (oid, rfc1905.endOfMibView)
                for oid, each in found
            ]

    class Port(udp.UdpAsyncioTransport):  # type: ignore[misc]
        """Loses what it is ordered to."""

        def send_message(self, message: Any, address: Any) -> None:  # noqa: ANN401
            slow = lost_or_late(agent)
            if slow is not None:
                asyncio.get_running_loop().call_later(slow, super().send_message, message, address)

    def made(each: Object) -> Any:  # noqa: ANN401
        return types[each[0]](each[1])

    config: Any = plain
    engine = SnmpEngine()
    config.add_transport(engine, config.SNMP_UDP_DOMAIN, Port().open_server_mode(address))
    config.add_v3_user(
        engine,
        user["user"],
        config.USM_AUTH_HMAC192_SHA256,
        user["authentication_key"],
        config.USM_PRIV_CFB128_AES,
        user["privacy_key"],
    )
    config.add_vacm_user(engine, 3, user["user"], "authPriv", (1, 3, 6))
    context = SnmpContext(engine)
    context.unregister_context_name(b"")
    context.register_context_name(b"", Table())
    for responder in (
        cmdrsp.GetCommandResponder,
        cmdrsp.NextCommandResponder,
        cmdrsp.BulkCommandResponder,
    ):
        responder(engine, context)
    return engine


# ── the process ─────────────────────────────────────────────────────────────────────────────


async def serve(entries: list[dict[str, Any]], ready: Path) -> None:
    """Answer for all that are listed, until the process is ended; `ready` is made when all do."""
    loop = asyncio.get_running_loop()
    alive: list[object] = []
    for entry in entries:
        root = entry.get("root")
        agent = Agent(
            Machine(**entry["machine"]),
            entry.get("community", "public"),
            Path(root) if root else None,
        )
        where = (entry.get("address", "127.0.0.1"), entry["port"])
        if entry.get("three"):
            alive.append(listen_by_three(agent, where, entry["three"]))
        else:
            port = partial(Listening, agent)
            alive.append(await loop.create_datagram_endpoint(port, local_addr=where))
    await asyncio.to_thread(ready.touch)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        listed = Path(sys.argv[1])
        asyncio.run(serve(json.loads(listed.read_text()), listed.with_suffix(".ready")))
    except KeyboardInterrupt:
        sys.exit(130)
