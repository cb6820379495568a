"""The lab's SNMP agents, asked by the edge's reading: pages move counters, orders are obeyed."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from config.settings_devices import DeviceSettings, SnmpProfile
from demo.metered import Machine
from demo.snmp_agents import SnmpAgents, Speaking, free_udp_port
from edge.devices.sources import Sources
from edge.devices.words import NoAnswer, Reading, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(60)
THREE = ("edge", "prove it with this phrase", "hide it with this phrase")


class Asked:
    """Two printers, one of each version, and who asks them."""

    def __init__(self, root: Path) -> None:
        """Name them."""
        self.roots = [root / name for name in ("two", "three")]
        for each in self.roots:
            (each / "kept").mkdir(parents=True)
        self.agents = [
            Speaking(Machine("Two", "TWO001"), free_udp_port(), self.roots[0]),
            Speaking(Machine("Three", "THREE1"), free_udp_port(), self.roots[1], three=THREE),
        ]
        user, prove, hide = THREE
        self.profiles = {
            "two": SnmpProfile.model_validate(
                {"port": self.agents[0].port, "community": "lab", "timeout": "500ms"}
            ),
            "three": SnmpProfile.model_validate(
                {
                    "port": self.agents[1].port,
                    "version": "3",
                    "user": user,
                    "authentication_key": prove,
                    "privacy_key": hide,
                    "timeout": "500ms",
                }
            ),
        }
        self._number = 0

    def receive(self, which: int, sides: int, **attributes: str) -> None:
        """Let a printer receive a job, as keep_job.sh leaves it."""
        self._number += 1
        making = self.roots[which] / f"making-{self._number}"
        making.mkdir()
        (making / "attributes").write_text("\0".join(f"{k}={v}" for k, v in attributes.items()))
        (making / "impressions").write_text(str(sides))
        (making / "pdfinfo").write_text("Pages: 1\nPage size:      841.89 x 1190.55 pts (A3)\n")
        making.rename(self.roots[which] / "kept" / str(self._number))

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Sources]:
        """Ask afresh: what was read before is not remembered."""
        sources = Sources(self.profiles, DeviceSettings())
        try:
            yield sources
        finally:
            await sources.close()

    async def look(self, which: str) -> Reading:
        """Read a printer whole."""
        async with self.asking() as sources:
            found = await sources.look_at(Target("127.0.0.1", self.profiles[which].port, which))
        assert isinstance(found, Reading), found
        return found

    async def silent(self, which: str) -> NoAnswer:
        """Be told nothing of use."""
        async with self.asking() as sources:
            found = await sources.look_at(Target("127.0.0.1", self.profiles[which].port, which))
        assert isinstance(found, NoAnswer), found
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    """Run both."""
    root = tmp_path_factory.mktemp("agents")
    found = Asked(root)
    with SnmpAgents(root, found.agents):
        yield found


@pytest.fixture(autouse=True)
def _well(asked: Asked) -> None:
    """Begin each test with nothing ordered."""
    for each in asked.agents:
        each.order()


def meters(reading: Reading) -> dict[str, int]:
    """Return what its counters show."""
    return {each.name: each.value for each in reading.meters}


@pytest.mark.parametrize("which", ["two", "three"])
async def test_counters_move_with_pages_and_copies(asked: Asked, which: str) -> None:
    """Each side printed and each copy made moves its counters; prints and copies stay apart."""
    number = list(asked.profiles).index(which)
    before = meters(await asked.look(which))
    asked.receive(number, 7, IPP_PRINT_COLOR_MODE="monochrome")
    asked.receive(number, 2, IPP_PRINT_COLOR_MODE="color")
    (asked.roots[number] / "copies").write_text("3")
    after = meters(await asked.look(which))
    assert {name: after[name] - before[name] for name in before} == {
        "total": 12,
        "print": 9,
        "print-mono": 7,
        "print-color": 2,
        "copy": 3,
        "copy-mono": 3,
        "copy-color": 0,
    }


async def test_large_sheets_count_as_four(asked: Asked) -> None:
    """A3 on both sides moves the counter by four where that is ordered, by two where not."""
    before = meters(await asked.look("two"))["total"]
    asked.receive(0, 2, IPP_SIDES="two-sided-long-edge")
    assert meters(await asked.look("two"))["total"] - before == 2
    asked.agents[0].order(large_as_four=True)
    asked.receive(0, 2, IPP_SIDES="two-sided-long-edge")
    assert meters(await asked.look("two"))["total"] - before == 6


async def test_reset_and_wrap(asked: Asked) -> None:
    """After a reset counters and clock begin anew; a counter that wraps goes on from nothing."""
    asked.agents[0].reset()
    fresh = await asked.look("two")
    assert meters(fresh)["total"] == 0
    assert fresh.up_for is not None
    assert fresh.up_for < 30
    asked.receive(0, 4)
    assert meters(await asked.look("two"))["total"] == 4
    asked.agents[0].order(wrap=1_000_000, total=999_998)
    assert meters(await asked.look("two"))["total"] == 999_998
    asked.receive(0, 5)
    assert meters(await asked.look("two"))["total"] == 3


@pytest.mark.parametrize(
    ("ordered", "code"),
    [
        ({"jam": True}, "media-jam"),
        ({"cover_open": True}, "cover-open"),
        ({"tray_empty": True}, "media-empty"),
    ],
)
@pytest.mark.parametrize("which", ["two", "three"])
async def test_troubles_are_told(
    asked: Asked, which: str, ordered: dict[str, Any], code: str
) -> None:
    """A jam, an open cover and an empty tray stop it and are complained of; then all is well."""
    agent = asked.agents[list(asked.profiles).index(which)]
    agent.order(**ordered)
    found = await asked.look(which)
    assert found.state == "stopped"
    assert code in {each.code for each in found.alerts}
    agent.order()
    found = await asked.look(which)
    assert (found.state, found.alerts) == ("idle", ())


async def test_levels_serials_and_sleep(asked: Asked) -> None:
    """Levels of -2 and -3 are no percents; another serial is another machine; sleep is seen."""
    for level, state in ((-2, "unknown"), (-3, "some")):
        asked.agents[0].order(level=level)
        supplies = (await asked.look("two")).supplies
        assert {(each.level, each.state) for each in supplies[:4]} == {(None, state)}
    asked.agents[0].order(serial="SWAPPED1", asleep=True)
    found = await asked.look("two")
    assert (found.serial, found.asleep, found.state) == ("SWAPPED1", True, "idle")


@pytest.mark.parametrize(
    "ordered",
    [
        {"silent": True},
        {"community": "another"},
        {"garbage": "noise"},
        {"garbage": "other-number"},
        {"drop": 1.0},
    ],
)
async def test_no_use_is_no_answer(asked: Asked, ordered: dict[str, Any]) -> None:
    """Silence, another community, noise and answers to other questions are told as no answer."""
    asked.agents[0].order(**ordered)
    said = await asked.silent("two")
    assert "lab" not in said.reason  # the community


async def test_walks_without_end_and_half_tables(asked: Asked) -> None:
    """Tables in circles, cut short, or with words for numbers end, and are said to be odd."""
    asked.agents[0].order(garbage="circles")
    assert (await asked.look("two")).odd
    asked.agents[0].order(garbage="types")
    found = await asked.look("two")
    assert found.odd
    assert found.meters == ()
    asked.agents[0].order(truncated=1)
    assert len((await asked.look("two")).supplies) == 1


async def test_late_and_lost_answers_are_waited_for(asked: Asked) -> None:
    """An answer that takes 0.2 s, and every tenth that is lost, are a reading still."""
    asked.agents[0].order(slow=0.2)
    assert (await asked.look("two")).serial == "TWO001"
    asked.agents[0].order(drop=0.1)
    assert (await asked.look("two")).serial == "TWO001"


def test_orders_are_a_file(asked: Asked) -> None:
    """Nobody has to know this module to give an order."""
    asked.agents[0].order(jam=True)
    assert json.loads((asked.roots[0] / "snmp-orders.json").read_text())["jam"] is True
