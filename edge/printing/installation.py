"""What a machine's CUPS needs to serve an edge: two programs, a few directives, two policies.

Planned first and shown; carried out only when asked, with the old file kept beside the new one.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from config.errors import PrintmeshError
from edge.printing.backend import BACKEND_PROGRAM, BACKEND_SCHEME
from edge.printing.notifier import NOTIFIER_PROGRAM, NOTIFIER_SCHEME
from edge.printing.operation_policy import OPERATION_POLICY, PEOPLE_POLICY, PRINTER_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Directives of cupsd.conf, and why each is needed.
DIRECTIVES: Final = {
    "DirtyCleanInterval": ("0", "else a crash right after a print loses an acknowledged job"),
    "PreserveJobHistory": ("Yes", "jobs are settled from what became of them"),
    "PreserveJobFiles": ("Yes", "held documents are counted from the spool"),
    "MaxJobs": ("0", "held jobs must not push one another out"),
    "MaxJobTime": ("0", "a long job is not a failed job"),
    "MaxHoldTime": ("0", "the edge says when a held job is too old"),
    "MaxSubscriptions": ("0", "the edge's subscription must always find room"),
    "MaxEvents": ("2000", "events wait while the edge starts again"),
    "DefaultAuthType": ("Basic", "who is not the edge has to prove to be an administrator"),
}
_BACKUP: Final = ".before-printmesh"


@dataclass(frozen=True, slots=True)
class Program:
    """A program to put into ServerBin."""

    source: Path
    target: Path

    def __str__(self) -> str:
        """Say what would be done."""
        return f"install {self.target} (owned by root, mode 755)"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A new text for cupsd.conf."""

    file: Path
    text: str
    changes: tuple[str, ...]
    """One line each, for people."""

    def __str__(self) -> str:
        """Say what would be done."""
        lines = "".join(f"\n    {change}" for change in self.changes)
        return f"change {self.file} (the old one is kept as {self.file.name}{_BACKUP}):{lines}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What an administrator has to do by hand."""

    text: str

    def __str__(self) -> str:
        """Say it."""
        return self.text


Step = Program | Configuration | Advice


def plan(server_root: Path, server_bin: Path, user: str) -> tuple[Step, ...]:
    """Say what is missing; nothing is changed. An empty plan: all is as it should be.

    Args:
        server_root: where cupsd.conf and cups-files.conf are.
        server_bin: where CUPS has its programs.
        user: the system user that runs the edge.

    Raises:
        PrintmeshError: there is no cupsd.conf that can be read.
    """
    return (
        *_programs(server_bin),
        *_configuration(server_root / "cupsd.conf"),
        *_membership(server_root / "cups-files.conf", user),
    )


def carry_out(steps: tuple[Step, ...]) -> None:
    """Do what can be done without people; new files appear whole or not at all.

    Raises:
        PrintmeshError: something could not be written; says what was.
    """
    try:
        for step in steps:
            match step:
                case Program(source=source, target=target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _replace(target, source.read_text(), 0o755)
                case Configuration(file=file, text=text):
                    backup = file.with_name(file.name + _BACKUP)
                    if not backup.exists():
                        shutil.copy2(file, backup)
                    _replace(file, text, file.stat().st_mode & 0o777)
                case Advice():
                    pass
    except OSError as error:
        raise PrintmeshError(
            f"{error.filename} cannot be written: {error.strerror}; run this as root"
        ) from error


def configured(text: str) -> tuple[str, tuple[str, ...]]:
    """Return cupsd.conf as it should be, and what changed, one line each."""
    changes = []
    lines = text.splitlines()
    for name, (value, why) in DIRECTIVES.items():
        pattern = re.compile(rf"\s*{name}\s+(.*\S)\s*", re.IGNORECASE)
        outside = _outside_blocks(lines)
        found = [(i, match[1]) for i in outside if (match := pattern.fullmatch(lines[i]))]
        if [each.lower() for _, each in found] == [value.lower()]:
            continue
        for i, _ in reversed(found):
            del lines[i]
        lines.insert(0, f"{name} {value}")
        before = f" (was {', '.join(each for _, each in found)})" if found else ""
        changes.append(f"{name} {value}{before}: {why}")
    rest = "\n".join(lines)
    ours = re.compile(
        rf"^[ \t]*<Policy[ \t]+({PEOPLE_POLICY}|{PRINTER_POLICY})[ \t]*>.*?</Policy>[ \t]*\n?",
        re.IGNORECASE | re.DOTALL | re.MULTILINE,
    )
    there = [match[0].strip() for match in ours.finditer(rest + "\n")]
    wanted = [f"{block}</Policy>".strip() for block in OPERATION_POLICY.split("</Policy>")[:-1]]
    if there != wanted:
        rest = ours.sub("", rest + "\n").rstrip("\n") + "\n\n" + OPERATION_POLICY
        names = f"{PEOPLE_POLICY} and {PRINTER_POLICY}"
        changes.append(f"operation policies {names}: people print, only the edge releases")
    return (rest.rstrip("\n") + "\n", tuple(changes)) if changes else (text, ())


def _programs(server_bin: Path) -> Iterator[Program]:
    for source, target in (
        (NOTIFIER_PROGRAM, server_bin / "notifier" / NOTIFIER_SCHEME),
        (BACKEND_PROGRAM, server_bin / "backend" / BACKEND_SCHEME),
    ):
        same = target.is_file() and target.read_bytes() == source.read_bytes()
        if not same or not os.access(target, os.X_OK):
            yield Program(source, target)


def _configuration(file: Path) -> Iterator[Configuration]:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PrintmeshError(
            f"{file} cannot be read: {why}; say where CUPS is configured with --server-root"
        ) from error
    wanted, changes = configured(text)
    if changes:
        yield Configuration(file, wanted, changes)


def _membership(file: Path, user: str) -> Iterator[Advice]:
    """Check that CUPS takes the edge's user for an administrator."""
    if user == "root":
        return
    text = file.read_text() if file.is_file() else ""
    found = re.search(r"^\s*SystemGroup\s+(.+)$", text, re.IGNORECASE | re.MULTILINE)
    groups = found[1].split() if found else ["lpadmin", "sys", "root"]
    if not any(group in _groups_of(user) for group in groups):
        yield Advice(
            f"let CUPS know the edge: usermod --append --groups {groups[0]} {user} "
            f"({file} says SystemGroup {' '.join(groups)})"
        )


def _groups_of(user: str) -> set[str]:
    import grp  # noqa: PLC0415  not on every system that can plan
    import pwd  # noqa: PLC0415

    try:
        primary = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return set()
    return {primary, *(group.gr_name for group in grp.getgrall() if user in group.gr_mem)}


def _outside_blocks(lines: list[str]) -> list[int]:
    """Return the numbers of the lines that are in no <Location>, <Policy> or <Limit>."""
    depth, outside = 0, []
    for number, line in enumerate(lines):
        word = line.strip()
        if word.startswith("</"):
            depth -= 1
        elif word.startswith("<"):
            depth += 1
        elif depth == 0:
            outside.append(number)
    return outside


def _replace(file: Path, text: str, mode: int) -> None:
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text)
    fresh.chmod(mode)
    with fresh.open() as opened:
        os.fsync(opened.fileno())
    fresh.replace(file)
