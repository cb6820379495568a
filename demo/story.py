"""The one story of the demo: three roles print, lose their lines, go on as they may, and merge."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo import documents
from demo.audit import Report, at_rest, audit
from demo.lab import Lab, Person, Plan
from demo.lab_error import LabError
from demo.panel_visit import PanelVisit
from demo.site import PULL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from broker.messages import Reply
    from demo.site import Site

RULES = """\
[[rules]]
name = "students print in monochrome"
when = { groups = ["students"], color = true }
then = { monochrome = true }

[[rules]]
name = "no books here"
when = { groups = ["students"], pages = { min = 30 } }
then = { deny = "Books are for the copy shop: 30 pages are too many here." }
"""
PEOPLE = (
    Person("ana", "04A1B2C3", "20.00"),
    Person("ben", "0499F00D", "3.00"),
    Person("eva", "04C0FFEE", "10.00"),
    Person("sam", "04577D33", "5.00", groups=("students",)),
)
PLAN = Plan(
    sites=("north", "south", "west"),
    roles={"south": ("agent",), "west": ("tracker", "--uncovered", "EUR:5:2")},
    people=PEOPLE,
    rules=RULES,
    terminals=("north",),
    panels=("north",),
    snmp=True,
)
_CREDITED = re.compile(r"€[0-9.]+ more can be spent here now\.")
#: Seconds that somebody waits in front of a copier.
_A_WHILE = 30.0
_CARDS = {person.user: person.card for person in PEOPLE}


@dataclass(frozen=True, slots=True)
class Print:
    """One document somebody prints."""

    title: str
    make: Callable[[Path], Path]
    user: str
    options: Mapping[str, str | int] = field(default_factory=dict)


def _pdf(pages: int, *colour: int) -> Callable[[Path], Path]:
    return lambda path: documents.pdf(path, pages, colour=colour)


#: What is printed at north while everything is up: kinds of document, options.
FIRST = (
    Print("Letter.pdf", _pdf(2), "ana"),
    Print("Poster.pdf", _pdf(3, 1, 3), "ana"),
    Print("Handout.pdf", _pdf(4), "ana", {"copies": 3, "sides": "two-sided-long-edge"}),
    Print("Slides.pdf", _pdf(8, 2), "eva", {"number-up": 2}),
    Print("Chapter.pdf", _pdf(9), "eva", {"page-ranges": "2-4"}),
    Print("Plot.ps", lambda path: documents.postscript(path, 2, colour={2}), "eva"),
    Print("Photo.jpg", documents.picture, "ana"),
    Print("Notes.txt", lambda path: documents.text(path, 90), "eva"),
)
#: Changed at the panel before it is printed.
FLYER = Print("Flyer.pdf", _pdf(2, 1, 2), "ana")
#: In colour, by a student.
ESSAY = Print("Essay.pdf", _pdf(3, 1, 2), "sam")
NOVEL = Print("Novel.pdf", _pdf(40), "sam")
MEMO = Print("Memo.pdf", _pdf(2), "ana")
RECEIPT = Print("Receipt.pdf", _pdf(1), "eva")
#: At the agent, when its line is down.
REPORT = Print("Report.pdf", _pdf(5), "ana")
#: What Ben prints at the cut-off remote site until his money there is used up, 0.35 EUR each …
ALONE = tuple(Print(f"Alone {number}.pdf", _pdf(4, 2), "ben") for number in range(1, 6))
#: … and at the tracker, where it is used up as well.
COUNTED = tuple(Print(f"Counted {number}.pdf", _pdf(4, 2), "ben") for number in range(1, 4))


@dataclass(slots=True)
class Told:
    """What was told so far."""

    refused: list[str] = field(default_factory=list)
    """Titles of jobs whose release was refused."""
    paid: set[str] = field(default_factory=set)
    """Titles of jobs whose price was told."""


class Story:
    """Plays on a lab and tells what it does."""

    def __init__(self, lab: Lab, say: Callable[[str], None]) -> None:
        self._lab = lab
        self._say = say
        self._panel: PanelVisit | None = None
        self.told = Told()

    async def play(self) -> Report:
        """Play it all; return what came of it.

        Raises:
            LabError: something did not come as it must.
        """
        began = time.monotonic()
        await self._all_is_up()
        await self._without_lines()
        await self._lines_are_back()
        return await audit(self._lab, seconds=time.monotonic() - began)

    # ── while every line is up ──────────────────────────────────────────────────────────────

    async def _all_is_up(self) -> None:
        north, south, west = self._lab.sites.values()
        self._say("People print at north, a remote site; every document is held and counted")
        await self._print_all(north, (*FIRST, ESSAY, NOVEL))
        self._say("They release at a printer of their choice; each job is charged once")
        for number, each in enumerate((*FIRST, ESSAY)):
            await self._release(north, each, f"north-{1 + number % 2}")
        await self._refused(north, NOVEL, "north-1")
        self._say("South, an agent, holds jobs too and asks the centre for the money of each")
        await self._print_all(south, [MEMO])
        await self._release(south, MEMO, "south-1")
        self._say("West, a tracker, prints at once; it counts and bills")
        await self._print(west, RECEIPT, queue="direct-west-1")
        await self._at_the_panel(north)
        await self._copies(north, "sam", 3)
        await self._settled(north, (*FIRST, ESSAY, FLYER))
        await self._settled(south, [MEMO])
        await self._settled(west, [RECEIPT])
        self._on_paper(north, "north-1", ESSAY, "monochrome")

    async def _at_the_panel(self, site: Site) -> None:
        """Let Ana change and release a job at the screen beside the printer."""
        visit = await self._screen(site)
        self._say(
            "At north's panel Ana holds her card to the reader, and her jobs are on the screen"
        )
        await self._print_all(site, [FLYER])
        page = await visit.hold(_CARDS["ana"])
        job = page.job(FLYER.title)
        asked = await visit.get(f"jobs/{job}?copies=2&color=mono")
        if "€0.20" not in asked.text:
            raise LabError(f"the panel shows another price: {asked.text[:300]}")
        self._say(
            f"  change {FLYER.title:<14} 2 copies in black and white: the price is 0.20 EUR now"
        )
        page = await visit.send(f"jobs/{job}/release", asked, copies="2", color="mono")
        if "on its way" not in page.text:
            raise LabError(f"the panel did not release {FLYER.title}: {page.text[:300]}")
        self._say(f"  print  {FLYER.title:<14} at {next(iter(site.printers))}, by touch")
        await visit.leave()

    async def _screen(self, site: Site) -> PanelVisit:
        """Return the browser at the machine, paired with its panel the first time."""
        if site.panel is None:
            raise LabError(f"{site.name} has no panel")
        if self._panel is None:
            self._panel = PanelVisit(site.panel)
            await self._panel.pair()
        return self._panel

    async def _copies(self, site: Site, user: str, pages: int) -> None:
        """Let somebody copy with their card in the reader beside the copier."""
        terminal = site.terminal
        if terminal is None:
            raise LabError(f"{site.name} has no copier")
        before = len(await self._copied(site))
        self._say(f"At the copier beside it {user.title()} holds a card to the reader, and copies")
        terminal.reader.hold(_CARDS[user])
        if not await terminal.copier.until(enabled=True, seconds=_A_WHILE):
            raise LabError(f"the copier was never let copy for {user}: {terminal.state()}")
        made = await terminal.copier.copies(pages, seconds=_A_WHILE)
        terminal.reader.hold(_CARDS[user])

        async def settled() -> bool:
            rows = await self._copied(site)
            return len(rows) > before and all(row["phase"] == "settled" for row in rows)

        await self._lab.until_async(settled, f"the copies of {user} to be settled")
        row = (await self._copied(site))[-1]
        cost = sum(amount["micros"] for amount in row["charged"])
        if row["billed"] != made:
            raise LabError(f"{made} copies were made and {row['billed']} billed")
        self._say(f"  copied {'':<14} {_sides(made)}, {_euros(cost)}")

    async def _copied(self, site: Site) -> list[dict[str, Any]]:
        return [row for row in await site.jobs() if row["service"] == "copy"]

    def _on_paper(self, site: Site, printer: str, each: Print, mode: str) -> None:
        """Show that what a rule changed is what the printer was told."""
        kept = [job for job in site.printers[printer].kept() if job.name.startswith(each.title)]
        modes = [job.print_color_mode for job in kept]
        if modes != [mode]:
            raise LabError(f"{each.title} reached {printer} as {modes}, not once as {mode}")
        self._say(
            f"  paper  {each.title:<14} {printer} received print-color-mode={mode}, by a rule"
        )

    # ── without ─────────────────────────────────────────────────────────────────────────────

    async def _without_lines(self) -> None:
        north, south, west = self._lab.sites.values()
        self._say("The lines of north and south are cut")
        north.line.cut()
        south.line.cut()
        await north.until_alone()
        await south.until_alone()
        self._say("South, the agent, releases nothing; the job stays held")
        await self._print_all(south, [REPORT])
        await self._refused(south, REPORT, "south-1")
        self._say("North, the remote site, goes on with the money that is there, and not beyond")
        await self._print_all(north, ALONE)
        for each in ALONE[:-1]:
            await self._release(north, each, "north-1")
        await self._refused(north, ALONE[-1], "north-1")
        self._say("Ben's phone still reaches the centre: a courier code brings money to north")
        await self._carry(north, "ben", "1.00")
        await self._copies(north, "eva", 2)
        await self._release(north, ALONE[-1], "north-1")
        await self._settled(north, ALONE)
        self._say("West is cut too: the tracker prints on, past the money that is there")
        west.line.cut()
        await west.until_alone()
        for each in COUNTED:
            await self._print(west, each, queue="direct-west-1")
        await self._settled(west, COUNTED)
        owed = (await west.status())["owed"].get("EUR", 0)
        if not owed:
            raise LabError("the tracker never went past its allocation")
        worst = (await self._lab.central("exposure", "--json"))["units"]["EUR"]["exposure"]
        self._say(
            f"  owed   {_euros(owed)} past what was there; the centre, which cannot know, "
            f"reckons with {_euros(worst)} at most"
        )

    async def _carry(self, site: Site, user: str, amount: str) -> None:
        told = await self._lab.central("code", user, site.name, amount, "--json")
        self._say(f"  code   {told['code']}, good for {user} at {site.name} only, once")
        visit = await self._screen(site)
        page = await visit.hold(_CARDS[user])
        if "works alone" not in page.text:
            raise LabError(f"the panel does not say that it works alone: {page.text[:300]}")
        page = await visit.send("code", await visit.get("balance"), code=told["code"])
        said = _CREDITED.search(page.text)
        if said is None:
            raise LabError(f"the panel did not take the code: {page.text[:300]}")
        self._say(f"  typed  at the panel, without a line: “{said[0]}”")
        await visit.leave()

    # ── and back ────────────────────────────────────────────────────────────────────────────

    async def _lines_are_back(self) -> None:
        _, south, west = self._lab.sites.values()
        self._say("The lines are back; what happened at the sites is merged, once")
        for site in self._lab.sites.values():
            site.line.restore()
        for site in self._lab.sites.values():
            await site.until_merged()
        self._say("The agent releases the job that it held")
        await self._release(south, REPORT, "south-1")
        await self._settled(south, [REPORT])
        self._say("What west let through is collected from money that Ben has elsewhere")

        async def collected() -> bool:
            told = await self._lab.central("exposure", "--json")
            return not told["units"]["EUR"]["owed"] and not any(
                (await west.status())["owed"].values()
            )

        await self._lab.until_async(collected, "the debt to be collected")
        await at_rest(self._lab)

    # ── how it is done ──────────────────────────────────────────────────────────────────────

    async def _print_all(self, site: Site, prints: Iterable[Print]) -> None:
        prints = tuple(prints)
        for each in prints:
            await self._print(site, each)
        for each in prints:
            row = await site.job(each.title, "held")
            self._say(
                f"  held   {each.title:<14} {row['user']:<4} {_sides(row['impressions'])}, "
                f"{row['color_impressions']} in colour, on {_count(row['sheets'], 'sheet')}"
            )

    async def _print(self, site: Site, each: Print, queue: str = PULL) -> None:
        path = self._lab.root / each.title.replace(" ", "-")
        each.make(path)
        await site.print(path, user=each.user, title=each.title, options=each.options, queue=queue)

    async def _release(self, site: Site, each: Print, printer: str) -> None:
        reply = await self._ask_for(site, each, printer)
        if reply.status != "ok":
            raise LabError(f"{each.title} was not released at {printer}: {reply.problem}")
        self._say(f"  print  {each.title:<14} at {printer}")

    async def _refused(self, site: Site, each: Print, printer: str) -> None:
        reply = await self._ask_for(site, each, printer)
        row = await site.job(each.title)
        if reply.problem is None or row["phase"] != "held":
            raise LabError(f"{each.title} was to be refused and held at {site.name}: {row}")
        self._say(f"  refuse {each.title:<14} {reply.problem.detail}")
        self.told.refused.append(each.title)

    async def _ask_for(self, site: Site, each: Print, printer: str) -> Reply:
        row = await site.job(each.title)
        return await site.release(row["job"], printer, card=_CARDS[each.user])

    async def _settled(self, site: Site, prints: Iterable[Print]) -> None:
        for each in prints:
            row: dict[str, Any] = await site.job(each.title, "settled", "disputed")
            if row["phase"] == "settled" and each.title not in self.told.paid:
                self.told.paid.add(each.title)
                cost = sum(amount["micros"] for amount in row["charged"])
                self._say(f"  paid   {each.title:<14} {_sides(row['billed'])}, {_euros(cost)}")


def _euros(micros: int) -> str:
    return f"{micros / 1_000_000:.2f} EUR"


def _sides(number: int) -> str:
    """Say how many impressions, in a column."""
    return f"{_count(number, 'impression'):>14}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
