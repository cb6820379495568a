"""Imports spared at the start: what is held back comes back, what is put off comes when asked."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from config.spared import later, without

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of the standard library, and imported by nothing else here.
RARE = "this"


@pytest.fixture(autouse=True)
def _unknown(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Have the module not imported, before and after; it writes a poem when it is."""
    sys.modules.pop(RARE, None)
    yield
    sys.modules.pop(RARE, None)
    capsys.readouterr()


def test_what_is_held_back_is_not_there_meanwhile_and_is_there_afterwards() -> None:
    """A library finds an optional package missing; who wants it later gets it."""
    with without(RARE), pytest.raises(ImportError):
        import_module(RARE)
    assert import_module(RARE).s


def test_an_error_meanwhile_holds_nothing_back_for_good() -> None:
    """The package can be imported even if what was to be spared it failed."""
    with pytest.raises(ZeroDivisionError), without(RARE):
        _ = 1 // 0
    assert import_module(RARE).s


def test_what_is_there_already_stays() -> None:
    """Nobody loses a module that was imported before."""
    before = import_module(RARE)
    with without(RARE):
        assert import_module(RARE) is before


def test_what_is_put_off_is_loaded_when_something_of_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Importing it costs nothing; using it does."""
    with later(RARE):
        module = import_module(RARE)
    assert capsys.readouterr().out == ""
    assert module.s
    assert "Zen" in capsys.readouterr().out


def test_what_is_not_installed_fails_where_it_is_imported() -> None:
    """Putting off what there is not hides no error."""
    with later("no_such_package"), pytest.raises(ModuleNotFoundError):
        import_module("no_such_package")
