"""The door to libraries that not every terminal needs: imported on use, missed with words."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from types import ModuleType


class DriverMissingError(PrintmeshError):
    """A library for this hardware is not installed here, or does not load."""


def driver(module: str, *, extra: str) -> ModuleType:
    """Import a library.

    Raises:
        DriverMissingError: it is not there; names the extra of Printmesh that has it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DriverMissingError(
            f"{module.partition('.')[0]} does not load here ({error}); "
            f"pip install 'printmesh[{extra}]'"
        ) from error
