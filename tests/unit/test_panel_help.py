"""Where a panel's QR code sends a phone for money: the centre's page, with the site filled in."""

from __future__ import annotations

from pydantic import AnyHttpUrl

from terminal_bridge.panel.routes_money import help_at
from tests.unit.popup_lab import site


def test_the_phone_need_not_choose_the_site() -> None:
    """Whoever scans at North brings money to North, whatever else the address says."""
    assert help_at(AnyHttpUrl("https://print.example.org/me/code"), site()) == (
        "https://print.example.org/me/code?site=north"
    )
    assert help_at(AnyHttpUrl("https://print.example.org/me/code?from=panel"), site()) == (
        "https://print.example.org/me/code?from=panel&site=north"
    )


def test_without_a_page_there_is_no_code_to_scan() -> None:
    """Nothing is shown where there is nowhere to go; a site that is not known is left out."""
    assert help_at(None, site()) == ""
    assert help_at(AnyHttpUrl("https://print.example.org/"), None) == "https://print.example.org/"
