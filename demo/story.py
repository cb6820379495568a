"""The one story of the demo: print, release, cut the line, go on, run short, merge, compare."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo import documents
from demo.audit import Report, audit
from demo.lab import Lab, Person, Plan
from demo.lab_error import LabError
from demo.site import PULL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from broker.messages import Reply
    from demo.site import Site

PEOPLE = (
    Person("ana", "04A1B2C3", "20.00"),
    Person("ben", "0499F00D", "3.00"),
    Person("eva", "04C0FFEE", "10.00"),
)
PLAN = Plan(people=PEOPLE)
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


#: What is printed while everything is up: several kinds of document, several options.
FIRST = (
    Print("Letter.pdf", _pdf(2), "ana"),
    Print("Poster.pdf", _pdf(3, 1, 3), "ana"),
    Print("Handout.pdf", _pdf(4), "ana", {"copies": 3, "sides": "two-sided-long-edge"}),
    Print("Slides.pdf", _pdf(8, 2), "eva", {"number-up": 2}),
    Print("Chapter.pdf", _pdf(9), "eva", {"page-ranges": "2-4"}),
    Print("Plot.ps", lambda path: documents.postscript(path, 2, colour={2}), "eva"),
    Print("Photo.jpg", documents.picture, "ana"),
    Print("Notes.txt", lambda path: documents.text(path, 90), "ben"),
)
#: What Ben prints at the cut-off site until his money there is used up.
ALONE = tuple(Print(f"Alone {number}.pdf", _pdf(4, 2), "ben") for number in range(1, 7))


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
        self.told = Told()

    async def play(self) -> Report:
        """Play it all; return what came of it."""
        began = time.monotonic()
        north, south = self._lab.sites["north"], self._lab.sites["south"]
        self._say("People print at north; every document is held and counted")
        await self._print_all(north, FIRST)
        self._say("They release at a printer of their choice; each job is charged once")
        for number, each in enumerate(FIRST):
            await self._release(north, each, f"north-{1 + number % 2}")
        await self._settled(north, FIRST)
        self._say("The line of south is cut; Ben goes on printing there")
        south.line.cut()
        await south.until_alone()
        await self._print_all(south, ALONE)
        for each in ALONE:
            await self._release(south, each, "south-1")
        if not self.told.refused:
            raise LabError("Ben never ran short at the cut-off site")
        self._say("North does not notice: a direct queue there prints at once")
        direct = Print("Receipt.pdf", _pdf(1), "ana")
        await self._print(north, direct, queue="direct-north-1")
        await self._settled(north, [direct])
        await self._settled(south, ALONE)
        self._say("The line is back; what happened at south is merged, once")
        south.line.restore()
        for site in (north, south):
            await site.until_merged()
        self._say("Ben releases what was refused: his money at the other site is fetched")
        for title in list(self.told.refused):
            refused = next(each for each in ALONE if each.title == title)
            await self._release(south, refused, "south-2")
        await self._settled(south, ALONE)
        for site in (north, south):
            await site.until_merged()
        return await audit(
            self._lab,
            seconds=time.monotonic() - began,
        )

    async def _print_all(self, site: Site, prints: tuple[Print, ...]) -> None:
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

    async def _release(self, site: Site, each: Print, printer: str) -> Reply:
        row = await site.job(each.title)
        reply = await site.release(row["job"], printer, card=_CARDS[each.user])
        if reply.status == "ok":
            self._say(f"  print  {each.title:<14} at {printer}")
        else:
            detail = reply.problem.detail if reply.problem else "no reason given"
            self._say(f"  refuse {each.title:<14} {detail}")
            self.told.refused.append(each.title)
        return reply

    async def _settled(self, site: Site, prints: Any) -> None:  # noqa: ANN401
        for each in prints:
            row = await site.job(each.title, "settled", "disputed", "held")
            if row["phase"] == "settled" and each.title not in self.told.paid:
                self.told.paid.add(each.title)
                cost = sum(amount["micros"] for amount in row["charged"]) / 1_000_000
                self._say(f"  paid   {each.title:<14} {_sides(row['billed'])}, {cost:.2f} EUR")


def _sides(number: int) -> str:
    """Say how many impressions, in a column."""
    return f"{_count(number, 'impression'):>14}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
