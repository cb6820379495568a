"""Outside the failure model, and counted apart: an edge's disk that is put back to a copy of it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from broker.messages import JobsRequest
from broker.messages import Person as Card
from config.errors import PrintmeshError
from demo.audit import Rows
from demo.chaos.doing import kill
from demo.chaos.oracle import paper, verified
from demo.lab_error import LabError
from demo.site import PULL

if TYPE_CHECKING:
    from demo.lab import Lab, Person
    from demo.site import Site

_BRANCH = 4
#: What those cost: two sides each, one of them in colour.
_NEEDED = _BRANCH * 250_000
_AFTER = 2
_SECONDS = 60.0


@dataclass(slots=True)
class RolledBack:
    """One rollback, and what became of it."""

    site: str
    told: bool
    """Whether the centre had heard of what was rolled back; only then can it know."""
    detected: bool = False
    resolved: bool = False
    bound_micros: int = 0
    """What was allocated to the site when it was rolled back: the most that may be lost."""
    lost_micros: int = 0
    """Printed since the copy and charged to nobody."""
    doubled: int = 0
    """Jobs charged more than once."""
    problems: list[str] = field(default_factory=list)


async def roll_back(lab: Lab, site: Site, person: Person, *, told: bool) -> RolledBack:
    """Copy an edge's disk, let people print, put the copy back, and see to what is wrong then.

    Args:
        lab: the fleet, calm.
        site: whose disk.
        person: who prints; rich enough.
        told: let the centre hear of what is rolled back; else the line is cut meanwhile.
    """
    done = RolledBack(site.name, told=told)
    mark = f"back-{'told' if told else 'untold'}"
    copy = site.root / f"copy-{mark}"
    await site.until_merged()
    await _submit(site, person, f"{mark}-branch", _BRANCH)
    if not told:
        await _bring_money(lab, site, person)
        await site.until_merged()
        site.line.cut()
        await site.until_alone()
    await kill(site.edge)
    shutil.copytree(site.data, copy, symlinks=True, ignore=_sockets)
    site.start_edge()
    await site.until_ready()
    if told:
        await site.until_linked()
    done.bound_micros = (await site.status())["money"].get("EUR", 0)
    await _release(site, person, f"{mark}-branch", _BRANCH)
    if told:
        await site.until_merged()
    await kill(site.edge)
    shutil.rmtree(site.data)
    copy.rename(site.data)
    site.line.restore()
    site.start_edge()
    try:
        await site.until_ready()
        await _resolve(lab, site, done)
        await site.until_merged()
        await _submit(site, person, f"{mark}-after", _AFTER)
        await _release(site, person, f"{mark}-after", _AFTER)
        await site.until_merged()
    except (PrintmeshError, TimeoutError) as error:
        done.problems.append(str(error).partition("\n")[0])
    _judge(lab, mark, done)
    done.problems += await verified(lab)
    return done


async def _resolve(lab: Lab, site: Site, done: RolledBack) -> None:
    """Wait until the site is linked again, or its fork is seen and resolved by an administrator."""
    states: list[str] = []

    async def seen() -> bool:
        states.append(await _state(lab, site.name))
        return states[-1] == "frozen" or (not done.told and (await site.status())["linked"])

    await lab.until_async(seen, f"the centre to see that {site.name} was rolled back", _SECONDS)
    done.detected = states[-1] == "frozen"
    if not done.detected:
        return
    await lab.central("fork", "resolve", site.name, "--yes")

    async def active() -> bool:
        return await _state(lab, site.name) == "active"

    await lab.until_async(active, f"the fork of {site.name} to be resolved", _SECONDS)
    await site.until_linked()
    done.resolved = True


async def _state(lab: Lab, name: str) -> str:
    rows = await lab.central("node", "list", "--json")
    return next(str(row["state"]) for row in rows if row["node"] == name)


async def _submit(site: Site, person: Person, title: str, count: int) -> None:
    """Print, and wait until each job is held."""
    paper = site.lab.root / "paper-2-1.pdf"
    for number in range(count):
        await site.print(paper, user=person.user, title=f"{title}-{number}", queue=PULL)
    for number in range(count):
        await site.job(f"{title}-{number}", "held")


async def _bring_money(lab: Lab, site: Site, person: Person) -> None:
    """Look at the jobs as their owner does: the centre brings what they need."""
    await site.ask("jobs", JobsRequest, person=Card(card=person.card))

    async def here() -> bool:
        (row,) = await lab.central("balance", f"user:{person.user}", "--json")
        return any(
            each["place"] == site.name and each["micros"] >= _NEEDED for each in row["places"]
        )

    await lab.until_async(here, f"the money of {person.user} to come to {site.name}", _SECONDS)


async def _release(site: Site, person: Person, title: str, count: int) -> None:
    """Release, and wait until each is settled."""
    for number in range(count):
        row = await site.job(f"{title}-{number}", "held")
        reply = await site.release(row["job"], next(iter(site.printers)), card=person.card)
        if reply.status != "ok":
            raise LabError(f"{title}-{number} was refused: {reply.problem}")
    for number in range(count):
        await site.job(f"{title}-{number}", "settled", "disputed")


def _judge(lab: Lab, mark: str, done: RolledBack) -> None:
    """Compare paper and bills of the jobs of this rollback."""
    books = Rows(lab.root / "books" / "books.db")
    names = {
        row["job"]: row["name"]
        for row in books.all("SELECT job, name FROM job WHERE name LIKE ?", f"{mark}-%")
    }
    charges: Counter[str] = Counter()
    price = 0
    for row in books.all("SELECT job, paid FROM charge"):
        if row["job"] in names:
            charges[row["job"]] += 1
            price = max(price, sum(part["micros"] for part in json.loads(row["paid"])))
    printed = {kept.tag for kept in paper(lab) if kept.name.startswith(mark) and kept.tag}
    billed = {job.replace("-", "")[:12] for job in charges}
    done.lost_micros = price * sum(1 for tag in printed if tag not in billed)
    done.doubled = sum(count - 1 for count in charges.values())
    if done.doubled:
        done.problems.append(f"{done.doubled} charges too many")
    if done.lost_micros > done.bound_micros:
        done.problems.append(f"{done.lost_micros} micros were lost, the bound is broken")


def _sockets(directory: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(directory) / name).is_socket()]
