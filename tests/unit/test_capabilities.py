"""What a printer says it can do counts at release like its settings; settings stand above it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import Capabilities
from config.policy.decisions import Allowed, Denied, PointOfPrint
from edge.ports import PrinterSeen
from edge.printers import narrowed
from edge.site_state import WatchedPrinter, put_together
from tests.unit.edge_lab import Site, euros, grant

if TYPE_CHECKING:
    from pathlib import Path

ALL = PointOfPrint()


@pytest.mark.parametrize(
    ("point", "can", "expected"),
    [
        (ALL, Capabilities(), ALL),
        (ALL, Capabilities(color=True, two_sided=True), ALL),
        (ALL, Capabilities(color=False), PointOfPrint(color=False)),
        (ALL, Capabilities(two_sided=False), PointOfPrint(two_sided=False)),
        # the settings forbid, whatever the printer could do
        (PointOfPrint(color=False), Capabilities(color=True), PointOfPrint(color=False)),
        # paper that it lists, and sizes that nobody lists
        (
            ALL,
            Capabilities(media=("iso_a4",)),
            PointOfPrint(media=frozenset({"iso_a4", "custom"})),
        ),
        # the settings name the paper
        (
            PointOfPrint(media=frozenset({"iso_a3"})),
            Capabilities(media=("iso_a4",)),
            PointOfPrint(media=frozenset({"iso_a3"})),
        ),
        # a list that was cut short says nothing of what is not on it
        (ALL, Capabilities(media=tuple(f"size-{n}" for n in range(64))), ALL),
    ],
)
def test_what_a_printer_says_narrows_what_is_set_up(
    point: PointOfPrint, can: Capabilities, expected: PointOfPrint
) -> None:
    """It takes away, and never adds."""
    assert narrowed(point, can) == expected


async def test_a_printer_that_says_it_has_no_colour_refuses_colour(tmp_path: Path) -> None:
    """From the moment it says so, as if set so; and no more once it says otherwise."""
    site = Site(tmp_path)
    site.colour = frozenset({1})
    await site.ready()
    grant(site.books, euros("5"))
    job = UUID(str(await site.arrive()))
    site.releasing.printer_can("lib-1", Capabilities(color=False))
    refused = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(refused, Denied)
    assert "colour" in refused.detail
    site.releasing.printer_can("lib-1", Capabilities(color=True))
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)


async def test_a_printer_of_another_site_changes_nothing(tmp_path: Path) -> None:
    """What is said of a device that is not set up here makes no printer of it."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, euros("5"))
    job = UUID(str(await site.arrive()))
    site.releasing.printer_can("elsewhere", Capabilities(color=True))
    assert isinstance(await site.releasing.release(job, "elsewhere", "ana"), Denied)


def test_a_screen_shows_whichever_is_more_than_idle() -> None:
    """The print system knows what it does itself first; a printer its paper and its covers."""

    def shown(queue: PrinterSeen | None, itself: PrinterSeen | None) -> PrinterSeen | None:
        return put_together(queue, WatchedPrinter(itself, None))

    idle, busy = PrinterSeen("idle"), PrinterSeen("processing")
    jam = PrinterSeen("stopped", ("media-jam-error",))
    assert shown(idle, jam) == jam
    assert shown(busy, idle) == busy
    assert shown(PrinterSeen("stopped", ("paused",)), idle) == PrinterSeen("stopped", ("paused",))
    assert shown(idle, None) == idle
    assert shown(None, jam) == jam
    assert put_together(idle, None) == idle
