"""A PostgreSQL of one's own for as long as a measurement takes."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from demo.postgres import PrivatePostgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def passing_server() -> Iterator[str]:
    """Run an empty server that does not wait for the disk; yield SQLAlchemy's address of it."""
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as directory:
        # the user it runs as goes through
        Path(directory).chmod(0o711)
        with PrivatePostgres(Path(directory) / "server") as server:
            yield server.url()
