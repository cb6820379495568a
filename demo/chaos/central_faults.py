"""What happens to the centre: to its broker, its process, its disk, and the fall of its books."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from central.store.log_format import Frames, frame
from demo.chaos.doing import kill, no_writes, stop_for
from demo.chaos.kinds import Kind
from demo.lab_error import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from demo.chaos.arena import Arena
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned

#: Every edge has to report before money is granted again; their own faults go on meanwhile.
_RECOVERY_SECONDS = 120.0
_LOOK_AGAIN = 0.5
_FENCED_SECONDS = 60.0
_MOST_TORN = 400


class CentralFaults:
    """Strikes the centre."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._lab = arena.lab
        self._backups: list[Path] = []
        self._fallen = 0
        self._copies = 0
        self._epoch = 0

    def deeds(self) -> Mapping[Kind, Deed]:
        """Return who does what."""
        return {
            Kind.STOP_CENTRAL: self._stop,
            Kind.KILL_CENTRAL: self._kill,
            Kind.CENTRAL_NO_WRITES: self._no_writes,
            Kind.STOP_BROKER: self._stop_broker,
            Kind.KILL_BROKER: self._kill_broker,
            Kind.TORN_LOG: self._torn_log,
            Kind.RESTORE: self._restore,
            Kind.OLD_RETURNS: self._old_returns,
            Kind.RESTORE_WITHOUT: self._restore_without,
        }

    async def back_up(self) -> Path:
        """Copy the books while they are used."""
        while True:
            self._copies += 1
            file = self._lab.root / f"backup-{self._copies}.db"
            try:
                async with self._arena.books:
                    await self._lab.central("backup", str(file))
            except LabError:  # its writes may just be refused
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                self._backups.append(file)
                return file

    async def _stop(self, planned: Planned) -> None:
        await stop_for(self._lab.program("central"), planned.seconds)

    async def _kill(self, _: Planned) -> None:
        await kill(self._lab.program("central"))
        self._lab.start_central()

    async def _torn_log(self, planned: Planned) -> None:
        """Kill it, and let half of a record stand in its log: a commit that never came to be."""
        await kill(self._lab.program("central"))
        # the commands of administrators write into the same log
        async with self._arena.books:
            tear(max(self._lab.second_log.glob("*.log")), planned.figure)
        self._lab.start_central()

    async def _no_writes(self, planned: Planned) -> None:
        with no_writes(self._lab.program("central").pid):
            await asyncio.sleep(planned.seconds)

    async def _stop_broker(self, planned: Planned) -> None:
        await stop_for(self._lab.program("broker"), planned.seconds)

    async def _kill_broker(self, _: Planned) -> None:
        await kill(self._lab.program("broker"))
        self._lab.start_broker()

    async def _restore(self, _: Planned) -> None:
        """Lose the books; build them anew from the newest backup and the second log."""
        async with self._arena.books:
            await self._fall()
            backup = [str(each) for each in self._backups[-1:]]
            await self._build_anew(*backup, "--second-log", str(self._lab.second_log))

    async def _build_anew(self, *words: str) -> None:
        """Restore the books and start the coordinator.

        Raises:
            LabError: it failed; the fallen books were put back, for the run to go on.
        """
        try:
            await self._lab.central("restore", *words, "--to", str(self._books))
        except LabError:
            (self._lab.root / f"fallen-{self._fallen}").rename(self._books)
            raise
        finally:
            self._lab.start_central()

    async def _old_returns(self, planned: Planned) -> None:
        """Restore, then start the old coordinator on its old books: it must find out and end.

        Not before the sites have met the new one: nothing fences an old machine for a site that has
        heard of no other, which is why the runbook has it switched off until then.

        Raises:
            LabError: it went on, or a site met nobody.
        """
        await self._restore(planned)
        await self._met_by_all()
        settings = self._lab.root / "old.toml"
        log = self._lab.root / f"old-log-{self._fallen}"
        lines = [f'second_log = "{log}"']
        for line in (self._lab.root / "central.toml").read_text().splitlines():
            if line.startswith("data ="):
                lines.append(f'data = "{self._lab.root / f"fallen-{self._fallen}"}"')
            elif not line.startswith("second_log ="):
                lines.append(line)
        settings.write_text("\n".join(lines) + "\n")
        old = self._lab.start("old-central", "central", "run", config=settings)
        try:
            await asyncio.to_thread(old.wait, _FENCED_SECONDS)
        except subprocess.TimeoutExpired:
            await kill(old)
            raise LabError(
                f"the old coordinator was not fenced within {_FENCED_SECONDS:g} s"
            ) from None

    async def _met_by_all(self) -> None:
        """Wait until every site was heard by the coordinator that runs now.

        Raises:
            LabError: some was not within two minutes.
        """
        loop = asyncio.get_running_loop()
        began, deadline = datetime.now(UTC), loop.time() + _RECOVERY_SECONDS
        while loop.time() < deadline:
            nodes = await self._lab.central("node", "list", "--json")
            edges = [each for each in nodes if each["kind"] == "edge"]
            if all(_heard_since(began, each["seen_at"]) for each in edges):
                return
            await asyncio.sleep(_LOOK_AGAIN)
        raise LabError(f"not every site met the restored centre in {_RECOVERY_SECONDS:g} s")

    async def _restore_without(self, _: Planned) -> None:
        """Lose books and log; build them anew from a backup and from what the edges tell."""
        if not self._backups:
            await self.back_up()
        async with self._arena.books:
            await self._fall()
            shutil.rmtree(self._lab.second_log)
            above = ("--epoch-at-least", str(self._epoch + 1))
            await self._build_anew(str(self._backups[-1]), "--without-second-log", *above)
            await self._recover()
        # what is granted from here on is in no older backup
        await self.back_up()

    async def _fall(self) -> None:
        """Kill the coordinator and carry its volume away."""
        told = await self._lab.central("node", "coordinator", "--json")
        self._epoch = int(told["epoch"])
        await kill(self._lab.program("central"))
        self._fallen += 1
        self._books.rename(self._lab.root / f"fallen-{self._fallen}")

    async def _recover(self) -> None:
        """Wait until every edge has reported; end recovery.

        Raises:
            LabError: they did not within two minutes.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RECOVERY_SECONDS
        told: dict[str, Any] = {}
        while loop.time() < deadline:
            told = await self._lab.central("recovery", "status", "--json")
            if all(each["state"] != "absent" for each in told["edges"]):
                await self._lab.central("recovery", "finish", "--json")
                return
            await asyncio.sleep(_LOOK_AGAIN)
        raise LabError(f"recovery did not end within {_RECOVERY_SECONDS:g} s: {told}")

    @property
    def _books(self) -> Path:
        return self._lab.root / "books"


def _heard_since(began: datetime, seen_at: str | None) -> bool:
    return seen_at is not None and datetime.fromisoformat(seen_at) >= began


def tear(segment: Path, figure: float) -> None:
    """Write the beginning of a record that was never finished behind the log's last one."""
    content = segment.read_bytes()
    frames = Frames(content)
    for _ in frames:
        pass
    dice = random.Random(figure)  # noqa: S311  of the seed
    record = frame(dice.randbytes(_MOST_TORN))
    with segment.open("r+b") as file:
        file.seek(frames.end)
        file.write(record[: dice.randrange(1, len(record))])
