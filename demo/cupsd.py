"""A private cupsd: its own directory, socket and helper programs, apart from the machine's own."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from demo.guarded import Guarded, Startable
from demo.ports import free_port, wait_until
from edge.printing.backend import BACKEND_PROGRAM, BACKEND_SCHEME
from edge.printing.notifier import NOTIFIER_PROGRAM, NOTIFIER_SCHEME
from edge.printing.operation_policy import OPERATION_POLICY

_SYSTEM_BIN = Path("/usr/lib/cups")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_FILES_CONF = """\
ServerRoot {root}/etc
Printcap
RequestRoot {root}/spool
TempDir {root}/spool/tmp
CacheDir {root}/cache
StateDir {root}/run
ServerBin {root}/bin
DataDir /usr/share/cups
DocumentRoot /usr/share/cups/doc-root
ServerKeychain {root}/etc/ssl
AccessLog {root}/log/access_log
ErrorLog {root}/log/error_log
PageLog {root}/log/page_log
LogFileGroup {group}
LogFilePerm 0644
User {user}
Group {group}
SystemGroup {system_group}
FileDevice No
FatalErrors none
Sandboxing relaxed
"""

#: DirtyCleanInterval 0: with any other value a crash right after `lp` loses an acknowledged job.
_CUPSD_CONF = """\
Listen 127.0.0.1:{port}
Listen {root}/run/cups.sock
ServerName localhost
Browsing Off
BrowseLocalProtocols none
WebInterface No
DefaultAuthType Basic
DefaultShared No
DefaultPaperSize A4
LogLevel {log_level}
MaxLogSize 0
PreserveJobHistory Yes
PreserveJobFiles Yes
MaxJobs 0
MaxJobTime 0
MaxHoldTime 0
MaxSubscriptions 0
MaxEvents 2000
MaxClients 500
DirtyCleanInterval 0
IdleExitTimeout 0
ErrorPolicy abort-job
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
"""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom cupsd's own helpers run as, and which group may administer it."""

    user: str
    group: str
    system_group: str


def _owner() -> _Owner:
    """As root, cupsd refuses `User root` and wants an ordinary one; else it is all ourselves."""
    system_group = grp.getgrgid(os.getgid()).gr_name
    if os.geteuid() == 0:
        return _Owner("lp", "lp", system_group)
    return _Owner(pwd.getpwuid(os.geteuid()).pw_name, system_group, system_group)


class PrivateCups(Startable):
    """One cupsd under `root`; queues and jobs outlive `stop` and `kill`, so `start` finds them.

    `root` must be a place that user lp can enter when the lab runs as root, and short: a unix
    socket's path has at most 107 bytes.
    """

    def __init__(self, root: Path, *, log_level: str = "info") -> None:
        self.root = root
        self.port = free_port()
        self.log_level = log_level
        self._earlier: list[Guarded] = []

    @property
    def socket(self) -> Path:
        """The domain socket: what the edge uses, and `lp -h SOCKET` too."""
        return self.root / "run" / "cups.sock"

    @property
    def server(self) -> str:
        """What people give to `lp -h`: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running cupsd."""
        if self._program is None:
            raise RuntimeError("this cupsd was not started")
        return self._program.pid

    def notifiers(self) -> list[int]:
        """Return the process ids of the edge's notifiers below it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                # the parent's id is the second word after the name, which ends with a bracket
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue  # it ended while we looked
            if parent == self.pid and f"{NOTIFIER_SCHEME}://".encode() in command:
                found.append(int(process.name))
        return found

    def start(self) -> Self:
        """Write the configuration, run cupsd, return when it answers on its socket.

        Raises:
            TimeoutError: it does not answer; the text ends with its log's last lines.
        """
        if self._program is not None:
            self._program.stop()
            self._earlier.append(self._program)
        owner = _owner()
        self._lay_out(owner)
        self._program = Guarded(
            [
                shutil.which("cupsd", path=_PATH) or "/usr/sbin/cupsd",
                "-f",
                "-c",
                str(self.root / "etc" / "cupsd.conf"),
                "-s",
                str(self.root / "etc" / "cups-files.conf"),
            ],
            self.root / "log" / "cupsd.out",
            {"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": str(self.root)},
        )
        try:
            wait_until(self._answers, "the private cupsd to answer on its socket")
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}\n{self.log_tail()}") from error
        return self

    def stop(self) -> None:
        """End it in order, and what killed ones left behind; does nothing if it does not run."""
        if self._program is not None:
            self._program.stop()
            for program in (*self._earlier, self._program):
                program.end_leftovers()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), and wait until it is gone.

        What it had started, such as a backend that sends a document, goes on, as in life.
        """
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its output and error log."""
        logs = [self.root / "log" / "cupsd.out", self.root / "log" / "error_log"]
        text = [log.read_text(errors="replace") for log in logs if log.exists()]
        return "\n".join("".join(text).splitlines()[-lines:])

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            return probe.connect_ex(str(self.socket)) == 0

    def _lay_out(self, owner: _Owner) -> None:
        for name in ("etc/ssl", "etc/ppd", "spool/tmp", "cache/rss", "run/certs", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self._lay_out_programs()
        words = {
            "root": self.root,
            "port": self.port,
            "log_level": self.log_level,
            "user": owner.user,
            "group": owner.group,
            "system_group": owner.system_group,
        }
        etc = self.root / "etc"
        (etc / "cups-files.conf").write_text(_FILES_CONF.format(**words))
        (etc / "cupsd.conf").write_text(_CUPSD_CONF.format(**words) + OPERATION_POLICY)
        if os.geteuid() == 0 and not (self.root / "cache" / "job.cache").exists():
            self._hand_over(grp.getgrnam(owner.group).gr_gid)

    def _hand_over(self, group: int) -> None:
        """Let cupsd's own user into the directories, once: what is made there later is its own."""
        for directory in self.root.rglob("*"):
            if directory.is_dir() and not directory.is_symlink():
                os.chown(directory, 0, group)
        for name in ("spool/tmp", "cache", "cache/rss", "etc/ppd", "log"):
            (self.root / name).chmod(0o1770 if name == "spool/tmp" else 0o775)

    def _lay_out_programs(self) -> None:
        """ServerBin is one directory: link the system's own programs, add ours."""
        programs = self.root / "bin"
        for entry in _SYSTEM_BIN.iterdir():
            if entry.name not in {"notifier", "backend"}:
                _link(programs / entry.name, entry)
        for entry in (_SYSTEM_BIN / "backend").iterdir():
            _link(programs / "backend" / entry.name, entry)
        for program, place in (
            (NOTIFIER_PROGRAM, programs / "notifier" / NOTIFIER_SCHEME),
            (BACKEND_PROGRAM, programs / "backend" / BACKEND_SCHEME),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(program, place)
            place.chmod(0o755)


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(target)
