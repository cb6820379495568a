"""Imports that libraries make and nothing here uses: spared, because every start waits for them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let what is imported meanwhile find that an optional package is not installed.

    What was imported before stays; who imports it afterwards gets it.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # documented: its import fails
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def later(package: str) -> Iterator[None]:
    """Let what is imported meanwhile import a package that loads when something of it is used.

    One that is not installed fails where it is imported.
    """
    finder = _LaterFinder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _LaterFinder:
    """Finds one package where it is, and loads it when it is used."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Say how to load it; None for all others, which are not this finder's."""
        spec = PathFinder.find_spec(name, path, target) if name == self._package else None
        if spec is not None and spec.loader is not None:
            # put into sys.modules beforehand, it would load at the import: that looks at its spec
            spec.loader = LazyLoader(spec.loader)
        return spec
