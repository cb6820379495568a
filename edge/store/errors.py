"""What can keep the store from working; each asks for another reaction of its caller."""

from __future__ import annotations

from config.errors import PrintmeshError


class StoreDamagedError(PrintmeshError):
    """What is on disk is not what was acknowledged: the edge must not start.

    The words name the file, the byte and how to recover.
    """

    RECOVERY = (
        "Recover: restore the whole directory from a backup of this incarnation, or move it away "
        "and enrol the edge again; the centre then writes off what stood at this one"
    )

    def __init__(self, file: str, offset: int, what: str) -> None:
        self.file = file
        self.offset = offset
        self.what = what
        super().__init__(f"{file}, byte {offset}: {what}. {self.RECOVERY}.")


class StoreInUseError(PrintmeshError):
    """Another process owns the directory; `pid` is 0 when it did not say who it is."""

    def __init__(self, directory: str, pid: int) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{directory} is in use by {who}; stop it first")


class StoreUnwritableError(PrintmeshError):
    """The disk is full, read-only or failing: nothing was written and memory is as before.

    Trying again is right: the store works again by itself once the disk does.
    """
