"""A panel at a site of the lab: the screen beside its first printer, which copies as well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broker.credentials import CredentialFile
from broker.topics import Party
from demo.card_copier import FRAMING, PORT, CardReader, Copier
from demo.ports import answers, free_port
from demo.snmp_agents import COPIES

if TYPE_CHECKING:
    from pathlib import Path

    from demo.guarded import Guarded
    from demo.lab import Lab
    from demo.site import Site


class Panel:
    """Its hardware, its program, its address."""

    def __init__(self, lab: Lab, site: Site) -> None:
        """Name the parts; `known` of the site is where its broker finds who may connect."""
        self.node = panel_of(site.name)
        self.device = next(iter(site.printers))
        self.reader = CardReader()
        # the machine's own meter counts what is copied at it
        self.copier = Copier(meter=next(iter(site.printers.values())).root / COPIES)
        self.port = free_port()
        self._lab = lab
        self._site = site
        self._root = site.root / "panel"
        self._root.mkdir(exist_ok=True)
        self.config = self._root / "terminal.toml"
        self._secret = CredentialFile(site.known).add(self.node, Party.NODE)

    @property
    def address(self) -> str:
        """Where its pages begin."""
        return f"http://127.0.0.1:{self.port}/{self.node}/"

    @property
    def program(self) -> Guarded:
        """Its process."""
        return self._lab.program(self.node)

    async def start(self) -> None:
        """Set the hardware up, run the program, return when it serves."""
        await self.reader.start()
        await self.copier.start()
        self._write_config()
        self.run()
        await self._lab.until(lambda: answers(self.port), f"the panel of {self._site.name}")

    async def stop(self) -> None:
        """End everything."""
        if self._lab.started(self.node):
            await asyncio.to_thread(self.program.stop)
        await self.reader.stop()
        await self.copier.stop()

    async def pair(self) -> str:
        """Return a code that makes one browser the screen at the machine."""
        words = ("terminal", "pair", self.node, "--config", str(self.config), "--json")
        return str((await self._lab.command(*words))["code"])

    def run(self) -> Guarded:
        """Run the program; again, after it was killed."""
        wires = {PORT: str(self.copier.port)}
        return self._lab.start_module(
            self.node, "demo.wired_terminal", config=self.config, more=wires
        )

    def _write_config(self) -> None:
        secret = self._root / "terminal.secret"
        secret.write_text(self._secret)
        secret.chmod(0o600)
        data: Path = self._root / "data"
        self.config.write_text(
            f'data = "{data}"\n'
            f'[broker]\nport = {self._site.broker_port}\nlongest_pause = "200ms"\n'
            f"[web]\nport = {self.port}\n"
            f'[[terminals]]\nid = "{self.node}"\nsecret_file = "{secret}"\nkind = "panel"\n'
            f'printer = "{self.device}"\nrun_out = "500ms"\n'
            f'[terminals.reader]\ndevice = "socket://127.0.0.1:{self.reader.port}"\n'
            f'framing = {FRAMING}\nsame_card = "500ms"\nlongest_pause = "200ms"\n'
            "[terminals.copier]\nenable = [{ pin = 17 }]\npulses = [{ pin = 27 }]\n"
        )


def panel_of(site: str) -> str:
    """Return the node of a site's panel."""
    return f"{site}-panel"
