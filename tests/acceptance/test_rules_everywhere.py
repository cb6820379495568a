"""Promise: rules set at the centre reach the sites, happen on the paper, and are explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from demo import documents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from demo.lab import Lab

#: For one person only: the fleet is everybody's.
RULES = """
[[rules]]
name = "big to the other printer"
when = { users = ["rita"], pages = { min = 3 } }
then = { redirect = { tag = "rita" } }

[[rules]]
name = "rita saves colour"
when = { users = ["rita"], color = true }
then = { monochrome = true, two_sided = true }

[[rules]]
name = "rita thinks twice"
when = { users = ["rita"], copies = { min = 2 } }
then = { copies_max = 2, confirm = "Two copies?" }
"""
NONE = "rules = []\n"
CARD = "04B17A00"


@pytest_asyncio.fixture(loop_scope="session")
async def ruled(fleet: Lab, tmp_path: Path) -> AsyncIterator[Lab]:
    """Put the rules in force, wait until north knows them and Rita, and take them back."""
    await fleet.central("user", "add", "rita")
    await fleet.central("card", "add", "rita", CARD)
    await fleet.central("topup", "user:rita", "20.00")
    await fleet.central("printer", "add", "north-2", "--node", "north", "--tag", "rita")
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    await fleet.central("rule", "set", str(file))
    yield fleet
    file.write_text(NONE)
    await fleet.central("rule", "set", str(file))


async def test_rules_from_the_centre_to_the_paper_and_back(ruled: Lab, tmp_path: Path) -> None:
    """Redirected, converted, asked and paid as converted; the books say why, line by line."""
    fleet, north = ruled, ruled.sites["north"]
    document = documents.pdf(tmp_path / "rita.pdf", 3, colour=(1, 2))
    await north.print(document, user="rita", title="rita-000", options={"copies": 4})

    async def foreseen() -> bool:
        outlook = (await north.job("rita-000"))["outlook"]
        return bool(outlook and outlook["question"] == "Two copies?")

    await fleet.until_async(foreseen, "north to know the rules")
    job = (await north.job("rita-000"))["job"]
    asks = await north.release(job, "north-1", card=CARD)
    assert asks.problem is not None
    assert asks.problem.code == "answer-needed"
    before = len(north.printers["north-1"].kept())
    reply = await north.release(job, "north-1", card=CARD, confirmed=True)
    assert reply.status == "ok", reply
    row = await north.job("rita-000", "settled")
    assert (row["printer"], row["redirected_from"]) == ("north-2", "north-1")
    assert [each["micros"] for each in row["charged"]] == [6 * 50_000]
    (paper,) = [
        each for each in north.printers["north-2"].kept() if each.name.startswith("rita-000")
    ]
    assert (paper.impressions, paper.print_color_mode) == (6, "monochrome")
    assert paper.sides == "two-sided-long-edge"
    assert len(north.printers["north-1"].kept()) == before

    async def explained() -> bool:
        told = await fleet.central("rule", "explain", job, "--json")
        return bool(told["decision"] and told["paid"])

    await fleet.until_async(explained, "the books to know why")
    told = await fleet.central("rule", "explain", job, "--json")
    assert told["decision"]["redirected_from"] == "north-1"
    assert {each["rule"] for each in told["decision"]["because"] if each["rule"]} == {
        "big to the other printer",
        "rita saves colour",
        "rita thinks twice",
    }
