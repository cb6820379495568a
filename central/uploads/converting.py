"""Makes PDF of office documents with LibreOffice, where that is installed: apart and bounded.

The document is somebody's, so it is not trusted: its program has a home of its own that is thrown
away, no macros, bounds on time and memory, and no network where the system lets us take it away.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

from config.logs import logger

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from config.settings_uploads import UploadSettings

_log = logger("central.uploads")

#: Conversions at a time: each keeps a core busy. So long one waits for its turn, in seconds.
_AT_ONCE: Final = 1
_TURN: Final = 30.0
#: Octets of each file that may be made, as a multiple of the largest document.
_DISK: Final = 4
_SAID: Final = 300
#: Nothing of a document is run, and nothing beside it is read or fetched for it.
_REGISTRY: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop>
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
</item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update">
<prop oor:name="Link" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""


@dataclass(frozen=True, slots=True)
class NotMade:
    """There is no PDF."""

    why: Literal["absent", "busy", "slow", "failed"]
    """absent: the program is not installed; busy: others are being made; slow: it took too long;
    failed: the document is damaged, or the program is."""


def program_of(settings: UploadSettings) -> str | None:
    """Return where the program is; None: office documents are not taken."""
    return shutil.which(settings.office) if settings.office else None


class Office:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def pdf(
        self, settings: UploadSettings, document: IO[bytes], into: IO[bytes]
    ) -> NotMade | None:
        """Make PDF of an office document; None: it is written.

        Args:
            settings: the program, and its bounds.
            document: only read.
            into: where to write.
        """
        program = program_of(settings)
        if program is None:
            return NotMade("absent")
        try:
            async with asyncio.timeout(_TURN):
                await self._turn.acquire()
        except TimeoutError:
            return NotMade("busy")
        try:
            with tempfile.TemporaryDirectory(prefix="printmesh-office-") as own:
                return await _made(settings, program, Path(own), document, into)
        finally:
            self._turn.release()


async def _made(
    settings: UploadSettings, program: str, own: Path, document: IO[bytes], into: IO[bytes]
) -> NotMade | None:
    seconds = settings.office_seconds
    await asyncio.to_thread(_prepare, own, document)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "central.uploads.confined"),
        *map(str, (seconds, settings.office_memory, _DISK * settings.largest)),
        *_command(program, own),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=own,
        env=_surroundings(own),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
    except TimeoutError:
        return NotMade("slow")
    finally:
        await _end(process)
    made = own / "made" / "document.pdf"
    if process.returncode or not await asyncio.to_thread(_copied, made, into):
        _log.info(
            "an office document could not be made into PDF",
            action="office-failed",
            status=process.returncode,
            said=said[:_SAID].decode(errors="replace"),
        )
        return NotMade("failed")
    return None


def _command(program: str, own: Path) -> tuple[str, ...]:
    return (
        program,
        *("--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"),
        f"-env:UserInstallation=file://{own}/profile",
        *("--convert-to", "pdf", "--outdir", str(own / "made"), str(own / "document")),
    )


def _surroundings(own: Path) -> dict[str, str]:
    """Return an environment with nothing of ours in it, but the way to our own code."""
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "HOME": str(own),
        "TMPDIR": str(own),
        "XDG_CONFIG_HOME": str(own),
        "XDG_CACHE_HOME": str(own),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def _prepare(own: Path, document: IO[bytes]) -> None:
    (own / "made").mkdir()
    user = own / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(_REGISTRY)
    document.seek(0)
    with (own / "document").open("wb") as out:
        shutil.copyfileobj(document, out)


def _copied(made: Path, into: IO[bytes]) -> bool:
    """Copy what was made; say whether it is a PDF."""
    if made.is_symlink() or not made.is_file():
        return False
    with made.open("rb") as pdf:
        if pdf.read(5) != b"%PDF-":
            return False
        pdf.seek(0)
        into.seek(0)
        shutil.copyfileobj(pdf, into)
    into.truncate()
    return True


async def _end(process: Process) -> None:
    """End it with whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
