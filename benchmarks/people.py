"""Finding people among 100,000 as one types, their lists, and an import of all of them.

On SQLite, and on PostgreSQL where it is installed. Names are made of syllables, so that beginnings
are shared as in an organisation: one letter begins thousands.
"""

from __future__ import annotations

import random
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from benchmarks.result import Result, absolute
from benchmarks.servers import passing_server
from broker.directory import UserRow
from central.importing.applying import planned
from central.importing.plan import Habits, Wanted
from central.store import directory, person, person_search
from central.store.books import Books, sqlite_url
from central.store.person import Particulars
from central.store.person_search import Which
from demo.postgres import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.store.books import Transaction

PEOPLE: Final = 100_000
SLICE: Final = 2000
#: People whose names are typed letter by letter.
TYPISTS: Final = 40
SOURCE: Final = "ldap:bench"
_GIVEN: Final = "anbencldaelfagrhainjokalamaniolparasatiulvewiyozo"
_FAMILY: Final = "bacordenfergarholjankelintmornorpetrossiltorvanwerzan"
_ENDS: Final = "aoeiunrs"


def measure() -> list[Result]:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as home:
        results = _database("SQLite", sqlite_url(Path(home) / "books.db"))
    if programs() is not None:
        with passing_server() as url:
            results += _database("PostgreSQL", url)
    return results


def _database(name: str, url: str) -> list[Result]:
    books = Books.open(url)
    try:
        _fill(books)
        with books.read() as tx:
            some = list(person_search.page(tx, limit=TYPISTS, after=("m", "")))
            results = _typing(name, tx, [each.display for each in some])
            results += _lists(name, tx)
        began = time.perf_counter()
        plan = planned(books, _wanted(), Habits(SOURCE))
        took = time.perf_counter() - began
        if plan.steps:
            raise RuntimeError(f"nothing has changed: {plan.counts()}")
        results.append(absolute(f"people on {name}: plan an import of all", took, "s", samples=1))
    finally:
        books.close()
    return results


def _typing(name: str, tx: Transaction, displays: list[str]) -> list[Result]:
    """Type names letter by letter, both words, and what nobody is called."""
    asked = [display[:length] for display in displays for length in range(1, len(display) + 1)]
    asked += ["xq", "a b", "s s s", "an zz", "e"]
    took = [_timed(partial(person_search.suggest, tx, text, limit=10)) for text in asked]
    p95 = quantiles(took, n=20)[-1]
    what = f"people on {name}: found as one types, of {PEOPLE:,}"
    return [
        absolute(f"{what}, p50", median(took) * 1e3, "ms", samples=len(took)),
        absolute(f"{what}, p95", p95 * 1e3, "ms", samples=len(took), at_most=50),
        absolute(f"{what}, longest", max(took) * 1e3, "ms", samples=len(took), at_most=50),
    ]


def _lists(name: str, tx: Transaction) -> list[Result]:
    asks: dict[str, Callable[[], object]] = {
        "first page": lambda: person_search.page(tx),
        "a page in the middle": lambda: person_search.page(tx, after=("m", "")),
        "page of a letter": lambda: person_search.page(tx, Which("a")),
        "page of two words": lambda: person_search.page(tx, Which("an mo")),
        "page of a group and a word": lambda: person_search.page(tx, Which("jo", group="group 7")),
        "disabled people of a department": lambda: person_search.page(
            tx, Which(department="department 3", enabled=False)
        ),
        "how many": lambda: person_search.count(tx),
        "how many of a letter": lambda: person_search.count(tx, Which("a")),
        "whether more than 1,000": lambda: person_search.count(tx, Which("a"), at_most=1001),
        "how many of two words": lambda: person_search.count(tx, Which("an mo")),
        "how many of a group": lambda: person_search.count(tx, Which(group="group 7")),
        "all groups": lambda: person_search.groups(tx),
        "all departments": lambda: person_search.departments(tx),
    }
    return [
        absolute(
            f"people on {name}: {what}",
            median(_timed(ask) for _ in range(5)) * 1e3,
            "ms",
            samples=5,
            at_most=200,
        )
        for what, ask in asks.items()
    ]


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _fill(books: Books) -> None:
    everybody = _wanted()
    for at in range(0, PEOPLE, SLICE):
        some = everybody[at : at + SLICE]
        with books.write() as tx:
            rows = {
                each.name: UserRow(
                    name=each.name, display=each.display or "", groups=each.groups or ()
                )
                for each in some
            }
            directory.put_all(tx, "user", rows)
            person.set_all(
                tx,
                {
                    each.name: Particulars(
                        each.email or "",
                        each.department or "",
                        SOURCE,
                        each.source_id,
                        each.groups or (),
                    )
                    for each in some
                },
            )


def _wanted() -> list[Wanted]:
    dice = random.Random(7)  # noqa: S311  the same people in every run
    return [somebody(dice, n) for n in range(PEOPLE)]


def somebody(dice: random.Random, n: int) -> Wanted:
    """Return the so-and-so-many-th person."""
    given = _syllables(dice, _GIVEN, 2) + dice.choice(_ENDS)
    family = _syllables(dice, _FAMILY, 3) + dice.choice(_ENDS)
    name = f"{given}.{family}{n}"
    return Wanted(
        name,
        f"entry {n}",
        f"id-{n}",
        f"{given.title()} {family.title()}",
        f"{name}@example.org",
        f"department {n % 40}",
        (f"group {n % 300}", "everybody"),
    )


def _syllables(dice: random.Random, of: str, length: int) -> str:
    starts = [dice.randrange(0, len(of) - length, length) for _ in range(2)]
    return "".join(of[at : at + length] for at in starts)
