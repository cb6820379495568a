"""A private PostgreSQL server, as labs and tests start one: on a domain socket, nowhere else."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

from demo.guarded import Guarded, Startable
from demo.lab_error import LabError
from demo.ports import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Whom it runs as when the lab is root, which it refuses to be.
_USER: Final = "nobody"
_OWNER: Final = "printmesh"
_SOCKET: Final = ".s.PGSQL.5432"
#: Where Debian has its programs, each version's in its own place.
_DEBIAN: Final = Path("/usr/lib/postgresql")
#: Ordered as people's databases often are, not by bytes: the books must not rely on it.
_AS_PEOPLE_SORT: Final = ("--locale-provider=icu", "--icu-locale=en-US")
#: Nothing outlives the machine here, so nothing waits for the disk.
_QUICK: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
_SMALL: Final = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "logging_collector": "off",
}


def programs() -> Path | None:
    """Return the directory of the newest server on this machine, None when there is none."""
    found = [
        each.parent
        for each in _DEBIAN.glob("*/bin/postgres")
        if re.fullmatch(r"\d+", each.parts[-3])
    ]
    if found:
        return max(found, key=lambda each: int(each.parts[-2]))
    elsewhere = shutil.which("postgres")
    return Path(elsewhere).resolve().parent if elsewhere is not None else None


class PrivatePostgres(Startable):
    """One server under `root`; what it holds outlives `stop` and `kill`, so `start` finds it.

    `root` must be a place that user nobody can enter when the lab runs as root, and short: a domain
    socket's path has at most 107 bytes.
    """

    def __init__(self, root: Path, *, quick: bool = True) -> None:
        """Start nothing yet.

        Args:
            root: made when it is missing; nobody else may enter it.
            quick: without waiting for the disk; False: as a real one.
        """
        self.root = root
        self._settings = _SMALL | (_QUICK if quick else {})

    def url(self, database: str = "postgres") -> str:
        """Return SQLAlchemy's address of one of its databases."""
        return f"postgresql+psycopg://{_OWNER}@/{database}?host={quote(str(self.root / 'run'))}"

    def start(self) -> Self:
        """Make the server when there is none yet, run it, return when it answers.

        Raises:
            LabError: it is not installed, or cannot be made.
            TimeoutError: it does not answer; the text ends with its log.
        """
        directory = programs()
        if directory is None:
            raise LabError("PostgreSQL is not installed; `tools/setup system test` installs it")
        if not (self.root / "data" / "PG_VERSION").exists():
            self._make(directory)
        settings = [f"--{key}={value}" for key, value in self._settings.items()]
        settings.append(f"--unix_socket_directories={self.root / 'run'}")
        command = [str(directory / "postgres"), "-D", str(self.root / "data"), *settings]
        self._program = Guarded(_as_user(command), self.root / "server.log", _environment())
        try:
            wait_until(self._answers, "the private PostgreSQL to answer", 30)
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}\n{self.log_tail()}") from error
        return self

    def stop(self) -> None:
        """End it in order, whoever is connected; does nothing if it does not run."""
        if self._program is not None:
            self._program.kill(signal.SIGINT)
            try:
                self._program.wait()
            except subprocess.TimeoutExpired:
                self._program.stop()
            self._program = None

    def kill(self) -> None:
        """End it as a crash would, all of its processes at once: nothing is written any more."""
        if self._program is not None:
            self._program.kill(signal.SIGQUIT)
            self._program.wait()
            self._program = None

    def create(self, database: str) -> None:
        """Make an empty database.

        Raises:
            LabError: it cannot be made.
        """
        directory = programs()
        assert directory is not None  # noqa: S101  it was started
        host = str(self.root / "run")
        _run([str(directory / "createdb"), "-h", host, "-U", _OWNER, database])

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        log = self.root / "server.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _make(self, directory: Path) -> None:
        for each in (self.root, self.root / "run"):
            each.mkdir(parents=True, exist_ok=True)
            each.chmod(0o700)
            if os.geteuid() == 0:
                owner = pwd.getpwnam(_USER)
                os.chown(each, owner.pw_uid, owner.pw_gid)
        command = [str(directory / "initdb"), "-D", str(self.root / "data"), "-U", _OWNER]
        command += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        try:
            _run([*command, *_AS_PEOPLE_SORT])
        except LabError:
            _run(command)  # of before 15, or built without: it sorts by bytes only

    def _answers(self) -> bool:
        if not self.running:
            return False
        # a server that starts listens before it lets anybody in
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            if probe.connect_ex(str(self.root / "run" / _SOCKET)):
                return False
            words = f"user\0{_OWNER}\0database\0postgres\0\0".encode()
            probe.sendall((len(words) + 8).to_bytes(4) + (196608).to_bytes(4) + words)
            return probe.recv(1) == b"R"


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def _as_user(command: Sequence[str]) -> list[str]:
    """Return the command, as root one that gives up being root first."""
    if os.geteuid() != 0:
        return list(command)
    owner = pwd.getpwnam(_USER)
    who = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    return ["setpriv", *who, "--", *command]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        _as_user(command),
        env=_environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise LabError(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip()[-500:]}")
