"""Who else on this machine may read what holds secrets."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAY_ENTER: Final = stat.S_IXGRP | stat.S_IXOTH


def open_to_others(files: Iterable[Path]) -> Iterator[Path]:
    """Yield those files that others than their owner may open; what is not there is passed over.

    A directory that only its owner may enter keeps what is in it, whatever mode that has.
    """
    for file in files:
        try:
            mode, above = file.stat().st_mode, file.absolute().parent.stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS and above & _MAY_ENTER:
            yield file
