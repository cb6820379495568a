"""Promises of `terminal pair` and `terminal sticker`: a code that pairs, a picture that leads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from terminal_bridge.app import pairing_file
from terminal_bridge.cli import main
from terminal_bridge.panel.pairing import Pairing
from terminal_bridge.panel.render import qr_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Describe one panel and one reader."""
    path = tmp_path / "terminal.toml"
    path.write_text(
        f'data = "{tmp_path / "data"}"\n[web]\naddress = "https://print.test/"\n'
        '[[terminals]]\nid = "library-2"\nsecret = "x"\nkind = "panel"\nprinter = "p"\n'
        '[[terminals]]\nid = "copier-1"\nsecret = "x"\nprinter = "p"\n'
        'reader = { device = "socket://127.0.0.1:1" }\n'
    )
    return path


def test_the_code_that_is_shown_pairs(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands there can be typed as it stands, at the address beside it."""
    assert main(["pair", "library-2", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "https://print.test/library-2/pair" in said
    found = re.search(r"type (\d{4} \d{4})\.", said)
    assert found is not None
    pairing = Pairing(pairing_file(tmp_path / "data", "library-2"))
    assert pairing.pair(found[1]) is not None


def test_a_sticker_is_a_picture_of_the_address(config: Path, tmp_path: Path) -> None:
    """The file is an SVG of its own, 5 cm wide, of the machine's page."""
    file = tmp_path / "sticker.svg"
    assert main(["sticker", "library-2", str(file), "--config", str(config)]) == 0
    drawn = file.read_text()
    assert drawn == qr_file("https://print.test/library-2/")
    assert drawn.startswith("<?xml")
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawn
    width = re.search(r'width="([\d.]+)mm"', drawn)
    assert width is not None
    assert float(width[1]) == pytest.approx(50)


@pytest.mark.parametrize("command", ["pair", "sticker"])
@pytest.mark.parametrize("name", ["copier-1", "nobody"])
def test_what_is_no_panel_is_refused(
    config: Path, tmp_path: Path, command: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written for a terminal that has no pages; the panels there are, are named."""
    more = [str(tmp_path / "x.svg")] if command == "sticker" else []
    assert main([command, name, *more, "--config", str(config)]) == 1
    assert "library-2" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "x.svg").exists()
