"""A card reader with copy control at a site of the lab: its hardware, its line, its program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broker.credentials import CredentialFile
from broker.topics import Party
from demo.card_copier import FRAMING, PORT, CardReader, Copier
from demo.proxy import CuttableProxy
from demo.snmp_agents import COPIES
from terminal_bridge.app import copies_file, status_file
from terminal_bridge.durable import peek
from terminal_bridge.status_file import read_status

if TYPE_CHECKING:
    from pathlib import Path

    from demo.guarded import Guarded
    from demo.lab import Lab
    from demo.site import Site


class CardTerminal:
    """Stands beside a copier of its own."""

    def __init__(self, lab: Lab, site: Site) -> None:
        """Name the parts; `known` of the site is where its broker finds who may connect."""
        self.node = f"{site.name}-terminal"
        self.device = copier_of(site.name)
        self.reader = CardReader()
        self.root = site.root / "terminal"
        self.root.mkdir(exist_ok=True)
        self.copier = Copier(meter=self.root / COPIES)
        self.line = CuttableProxy(site.broker_port)
        self._lab = lab
        self._config = self.root / "terminal.toml"
        self._secret = CredentialFile(site.known).add(self.node, Party.NODE)

    @property
    def program(self) -> Guarded:
        """Its process."""
        return self._lab.program(self.node)

    async def start(self) -> None:
        """Set the hardware up and run the program."""
        await self.reader.start()
        await self.copier.start()
        await self.line.start()
        self._write_config()
        self.run()

    async def stop(self) -> None:
        """End everything."""
        if self._lab.started(self.node):
            await asyncio.to_thread(self.program.stop)
        await self.reader.stop()
        await self.copier.stop()
        await self.line.stop()

    def run(self) -> Guarded:
        """Run the program; again, after it was killed."""
        wires = {PORT: str(self.copier.port)}
        return self._lab.start_module(
            self.node, "demo.wired_terminal", config=self._config, more=wires
        )

    def state(self) -> dict[str, object]:
        """Return what it lets others see."""
        return read_status(status_file(self._data, self.node))

    def at_rest(self) -> bool:
        """Say whether nobody stands there and the site has every count."""
        state = self.state()
        ready = state.get("phase") == "idle" and state.get("edge") and not state.get("trouble")
        return bool(ready) and not peek(copies_file(self._data, self.node))

    @property
    def _data(self) -> Path:
        return self.root / "data"

    def _write_config(self) -> None:
        secret = self.root / "terminal.secret"
        secret.write_text(self._secret)
        secret.chmod(0o600)
        self._config.write_text(
            f'data = "{self._data}"\n'
            f'[broker]\nport = {self.line.port}\nlongest_pause = "200ms"\n'
            f'[[terminals]]\nid = "{self.node}"\nsecret_file = "{secret}"\n'
            f'printer = "{self.device}"\nidle = "5s"\nrun_out = "500ms"\n'
            f'[terminals.reader]\ndevice = "socket://127.0.0.1:{self.reader.port}"\n'
            f'framing = {FRAMING}\nsame_card = "500ms"\nlongest_pause = "200ms"\n'
            "[terminals.copier]\nenable = [{ pin = 17 }]\npulses = [{ pin = 27 }]\n"
        )


def copier_of(site: str) -> str:
    """Return the device id of a site's copier."""
    return f"{site}-copier"
