"""Which browser is the screen at a machine: codes that serve once, addresses, a file that tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from terminal_bridge.panel.pairing import CODE_LASTS, Pairing

if TYPE_CHECKING:
    from pathlib import Path


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return what it shows."""
        return self.now


@pytest.fixture
def clock() -> Hand:
    """Return a clock."""
    return Hand()


@pytest.fixture
def pairing(tmp_path: Path, clock: Hand) -> Pairing:
    """Return a terminal's pairing, of whom nobody is the screen yet."""
    return Pairing(tmp_path / "library-2.screen.json", clock=clock)


def test_a_code_pairs_one_browser_once(pairing: Pairing) -> None:
    """Whoever typed the code is the screen; the same code makes no second one."""
    code = pairing.code()
    cookie = pairing.pair(f" {code[:4]} {code[4:]} ")
    assert cookie is not None
    assert pairing.is_screen(cookie, "192.0.2.1")
    assert not pairing.is_screen("", "192.0.2.1")
    assert not pairing.is_screen(cookie + "x", "192.0.2.1")
    assert pairing.pair(code) is None


def test_the_screen_before_stays_until_another_is_paired(pairing: Pairing) -> None:
    """Making a code takes nothing away; typing it does."""
    first = pairing.pair(pairing.code())
    assert first is not None
    code = pairing.code()
    assert pairing.is_screen(first, "")
    second = pairing.pair(code)
    assert second is not None
    assert pairing.is_screen(second, "")
    assert not pairing.is_screen(first, "")


def test_a_code_is_not_guessed(pairing: Pairing) -> None:
    """After five wrong ones the right one does not serve either."""
    code = pairing.code()
    wrong = "0" * 8 if code != "0" * 8 else "1" * 8
    assert [pairing.pair(wrong) for _ in range(5)] == [None] * 5
    assert pairing.pair(code) is None


def test_who_uses_up_tries_leaves_the_code_to_others(pairing: Pairing) -> None:
    """Wrong codes of one address, or of one network of IPv6, cost nobody else their code."""
    code = pairing.code()
    wrong = "0" * 8 if code != "0" * 8 else "1" * 8
    for address in ("192.0.2.9", "2001:db8:0:7::1", "::ffff:192.0.2.10"):
        assert [pairing.pair(wrong, address) for _ in range(9)] == [None] * 9
    for spent in ("192.0.2.9", "2001:db8:0:7:ffff::2", "192.0.2.10"):
        assert pairing.pair(code, spent) is None
    assert pairing.pair(code, "2001:db8:0:8::1") is not None


def test_many_addresses_have_few_tries_together(pairing: Pairing) -> None:
    """Whoever has a thousand addresses tries a code 500 times, and nobody has it then."""
    code = pairing.code()
    wrong = "0" * 8 if code != "0" * 8 else "1" * 8
    for number in range(100):
        for _ in range(5):
            assert pairing.pair(wrong, f"10.1.0.{number}") is None
    assert pairing.pair(code, "10.2.0.1") is None


def test_a_code_is_soon_too_old(pairing: Pairing, clock: Hand) -> None:
    """Ten minutes later it is worth nothing; turning the clock back further is no help for long."""
    code = pairing.code()
    clock.now += CODE_LASTS + timedelta(seconds=1)
    assert pairing.pair(code) is None


def test_nothing_secret_is_kept(pairing: Pairing, tmp_path: Path) -> None:
    """The file holds neither code nor cookie, and nobody else may read it."""
    code = pairing.code()
    path = tmp_path / "library-2.screen.json"
    assert code not in path.read_text()
    cookie = pairing.pair(code)
    assert str(cookie) not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_read_makes_nobody_the_screen(
    pairing: Pairing, tmp_path: Path
) -> None:
    """Deny by default; a new code mends it."""
    path = tmp_path / "library-2.screen.json"
    path.write_text("{half")
    assert not pairing.is_screen("anything", "192.0.2.1")
    assert pairing.pair(pairing.code()) is not None


def test_known_addresses_need_no_pairing(tmp_path: Path) -> None:
    """A copier that forgets its cookies is known by where it stands, also as IPv6 writes it."""
    pairing = Pairing(tmp_path / "x.json", (ip_network("192.0.2.7/32"),))
    assert pairing.is_screen("", "192.0.2.7")
    assert pairing.is_screen("", "::ffff:192.0.2.7")
    assert not pairing.is_screen("", "192.0.2.8")
    assert not pairing.is_screen("", "nonsense")
