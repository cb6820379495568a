"""Virtual IPP Everywhere printers that keep what they receive, count it, and fail on order."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from demo.guarded import Guarded, Startable
from demo.ports import answers, free_port, wait_until

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEEP_JOB = Path(__file__).with_name("keep_job.sh")
_BUS_CONF = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
#: `name [tag]` as the edge writes it (edge/printing/job_map.py); the printer sees it escaped.
_TAG = re.compile(r"\[([0-9a-f]{12})\]$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Fault(StrEnum):
    """What a printer can be ordered to do wrong."""

    NONE = "none"
    SLOW = "slow"
    """Take so many seconds over each document."""
    REFUSE = "refuse"
    """Abort each job; nothing comes out."""
    HALF = "half"
    """Stop half-way: half of the sides come out, then the job is aborted."""
    DIE = "die"
    """Crash at the next document, before any paper."""


class PrivateBus(Startable):
    """A message bus of our own: ippeveprinter will not start without one, and needs no more."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def address(self) -> str:
        """For DBUS_SYSTEM_BUS_ADDRESS."""
        return f"unix:path={self.root / 'bus.sock'}"

    def start(self) -> Self:
        """Run the bus; return when its socket is there."""
        self.root.mkdir(parents=True, exist_ok=True)
        listening = self.root / "bus.sock"
        listening.unlink(missing_ok=True)
        conf = self.root / "bus.conf"
        conf.write_text(_BUS_CONF.format(socket=listening))
        self._program = Guarded(
            ["dbus-daemon", f"--config-file={conf}", "--nofork", "--nopidfile"],
            self.root / "bus.log",
            {"PATH": _PATH},
        )
        wait_until(listening.exists, "the private message bus")
        return self


@dataclass(frozen=True, slots=True)
class KeptJob:
    """One job as it reached a printer."""

    document: Path
    """Byte for byte what was sent."""
    name: str
    """job-name, with the edge's tag."""
    tag: str | None
    """First 12 hexadecimal digits of the job-uuid; None if the edge did not send it."""
    user: str
    content_type: str
    copies: int
    sides: str
    print_color_mode: str
    impressions: int | None
    """Sides printed, all copies, counted by Poppler; None for a format it cannot count."""


class VirtualPrinter(Startable):
    """One ippeveprinter under `root`; what it keeps outlives `stop` and `kill`."""

    def __init__(
        self,
        root: Path,
        name: str,
        bus: PrivateBus,
        *,
        formats: str = "application/pdf,image/jpeg,image/pwg-raster,image/urf",
    ) -> None:
        self.root = root
        self.name = name
        self.port = free_port()
        self._bus = bus
        self._formats = formats

    @property
    def uri(self) -> str:
        """Where CUPS finds it."""
        return f"ipp://localhost:{self.port}/ipp/print"

    @property
    def pid(self) -> int:
        """The process id of the running printer."""
        if self._program is None:
            raise RuntimeError(f"printer {self.name} was not started")
        return self._program.pid

    def start(self) -> Self:
        """Run it; return when it answers. Starting again takes the same port and the same place.

        Raises:
            TimeoutError: it does not answer; the text ends with its log.
        """
        self.stop()
        for directory in ("spool", "kept"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        log = self.root / "printer.log"
        self._program = Guarded(
            [
                shutil.which("ippeveprinter", path=_PATH) or "ippeveprinter",
                *("-n", "localhost", "-p", str(self.port), "-r", "off"),
                *("-d", str(self.root / "spool"), "-k", "-c", str(_KEEP_JOB)),
                *("-f", self._formats, "-2", "-s", "60,30"),
                self.name,
            ],
            log,
            {
                "PATH": _PATH,
                "LC_ALL": "C.UTF-8",
                "HOME": str(self.root),
                "DBUS_SYSTEM_BUS_ADDRESS": self._bus.address,
                "KEEP_IN": str(self.root),
            },
        )
        try:
            wait_until(lambda: answers(self.port), f"virtual printer {self.name}")
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}\n{log.read_text(errors='replace')}") from error
        return self

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def order(self, fault: Fault, figure: float = 0) -> None:
        """Make it do something wrong from its next document on; `Fault.NONE` ends that."""
        order = self.root / "order"
        fresh = order.with_suffix(".new")
        fresh.write_text(f"{fault} {figure:g}\n")
        fresh.replace(order)

    def kept(self) -> tuple[KeptJob, ...]:
        """Return all jobs that reached it, in the order they ended."""
        directory = self.root / "kept"
        return (
            tuple(kept_job(each) for each in sorted(directory.iterdir()))
            if directory.exists()
            else ()
        )

    def impressions(self) -> int:
        """Return the sides it has printed so far.

        Raises:
            ValueError: a kept document is in a format that is not counted here.
        """
        counts = [(kept, kept.impressions) for kept in self.kept()]
        for kept, count in counts:
            if count is None:
                raise ValueError(f"{kept.document} is {kept.content_type}: not counted")
        return sum(count or 0 for _, count in counts)


def kept_job(directory: Path) -> KeptJob:
    """Read one job of those that a printer kept."""
    pairs = (directory / "attributes").read_text(errors="replace").split("\0")
    ipp = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    name = _ESCAPED.sub(r"\1", ipp.get("IPP_JOB_NAME", ""))
    match = _TAG.search(name)
    counted = directory / "impressions"
    return KeptJob(
        document=directory / "document",
        name=name,
        tag=match[1] if match else None,
        user=ipp.get("IPP_JOB_ORIGINATING_USER_NAME", ""),
        content_type=ipp.get("CONTENT_TYPE", ""),
        copies=int(ipp.get("IPP_COPIES", "1")),
        sides=ipp.get("IPP_SIDES", ipp.get("IPP_SIDES_DEFAULT", "one-sided")),
        print_color_mode=ipp.get("IPP_PRINT_COLOR_MODE", "auto"),
        impressions=int(counted.read_text()) if counted.exists() else None,
    )
