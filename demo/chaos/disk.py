"""A small file system under an edge's journal, so that it can be filled to the last byte."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack

    from demo.site import Site

_MEGABYTES = 64


def possible(root: Path) -> bool:
    """Say whether a file system can be mounted under `root`: not by everybody, nor everywhere."""
    place = root / "mount"
    place.mkdir()
    try:
        _must("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place))
        _must("umount", str(place))
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        place.rmdir()
    return True


async def make_small(site: Site, stack: ExitStack) -> None:
    """Move the edge's data to a file system of its own; `stack` takes it away again.

    Only root may. What stands on it outlives every kill, as on any disk, but not the run: it is
    copied back beside where it was mounted.
    """
    aside = site.data.with_name("data-aside")
    await asyncio.to_thread(site.edge.stop)
    site.data.rename(aside)
    site.data.mkdir()
    _must("mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(site.data))
    stack.callback(_take_away, site.data)
    shutil.copytree(aside, site.data, dirs_exist_ok=True, symlinks=True, ignore=_sockets)
    shutil.rmtree(aside)
    site.start_edge()
    await site.until_ready()
    await site.until_linked()


def _take_away(data: Path) -> None:
    kept = data.with_name("data-kept")
    shutil.copytree(data, kept, symlinks=True, ignore=_sockets)
    _must("umount", str(data))
    data.rmdir()
    kept.rename(data)


def _sockets(directory: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(directory) / name).is_socket()]


def _must(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
