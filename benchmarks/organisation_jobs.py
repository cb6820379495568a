"""The jobs of a large organisation as rows, in the order in which they came in; pure arithmetic.

One in a hundred is of one person, who prints for
everybody: what is slow where somebody has very much shows there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY: Final = 86_400_000_000
HOUR: Final = 3_600_000_000
MINUTE: Final = 60_000_000
#: Jobs that came in later may still wait.
_WAITING: Final = 3 * DAY
#: Of a thousand jobs, in their order: what becomes of them.
_CANCELED: Final = range(955, 975)
_ABORTED: Final = range(975, 985)
_FLAGGED: Final = 990
_FREE: Final = 500
_REFUNDED: Final = range(501, 506)
_CORRECTED: Final = 507
#: One in so many has its decision with reasons: it is read one by one only.
_REASONED: Final = 10
_SIDE: Final = 30_000
_COLOR: Final = 90_000
_WORDS: Final = ("Minutes", "Thesis", "Lecture", "Invoice", "Poster", "Form", "Exam", "Plan")
_REASONS: Final = ("quota", "funds", "rules", "printer")
BECAUSE: Final = (
    '[{"code": "applied", "text": "Two-sided, by the rule of long documents", "rule": '
    '"long documents"}, {"code": "price", "text": "priced by tariff 1", "rule": null}]'
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person's money is."""

    node: str
    location: int


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody who prints."""

    name: str
    account: str
    centre: int
    """Where money that comes back goes."""
    places: Sequence[Place]
    """The site they are mostly at first."""


@dataclass(slots=True)
class Rows:
    """Rows of some jobs, in the order of each table's columns as `organisation` names them."""

    jobs: list[tuple[Any, ...]] = field(default_factory=list)
    charges: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    postings: list[tuple[int, int, int]] = field(default_factory=list)
    free: list[tuple[Any, ...]] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)
    told: list[tuple[str, str, int]] = field(default_factory=list)
    """Charges that an edge told of: (node, charge, at)."""


@dataclass(slots=True)
class Writer:
    """Writes jobs down as rows."""

    payers: Sequence[Payer]
    printers: dict[str, tuple[str, ...]]
    """Device ids, by site."""
    income: dict[str, int]
    """Where what is paid goes, by service."""
    corrections: int
    """Where corrections come from."""
    first: int
    """When the first job came in."""
    last: int
    """And the last."""
    entry: int
    """The next entry."""
    free: int = 1
    """The next charge without an entry."""

    def of(self, jobs: int, begin: int, end: int) -> Rows:
        """Return the rows of some of so many jobs."""
        rows = Rows()
        for n in range(begin, end):
            self._job(rows, n, self.first + (self.last - self.first) * n // jobs)
        return rows

    def _job(self, rows: Rows, n: int, at: int) -> None:
        part = n % 1000
        payer = self.payers[0 if n % 100 == 7 else (n * 7919) % len(self.payers)]
        place = payer.places[n % 20 >= 17]
        devices = self.printers[place.node]
        printer: str | None = devices[(n * 31 + len(payer.name)) % len(devices)]
        service = "copy" if n % 10 == 3 else "print"
        pages = 1 + n * 7 % 24
        color = pages // 4 if n % 3 == 0 else 0
        sheets = (pages + 1) // 2
        job, charge = _uuid(at, 0x10, n), _uuid(at + MINUTE, 0x20, n)
        state, refused, flag = "completed", None, None
        paid, billed = True, pages
        waits = service == "print" and at > self.last - _WAITING and n % 8 == 0
        if waits:
            state, printer, paid = "pending-held", None, False
            refused = _REASONS[n // 16 % 4] if n % 16 == 0 else None
        elif part in _CANCELED and service == "print":
            state, printer, paid = "canceled", None, False
        elif part in _ABORTED:
            state, billed = "aborted", (pages + 1) // 2
        elif part == _FLAGGED:
            flag = "unknown-outcome"
        elif at > self.last - HOUR and n % 50 == 1:
            state, paid = "processing", False
        price = 0 if part == _FREE else billed * _SIDE + min(color, billed) * _COLOR
        settled = at + 2 * MINUTE
        if paid:
            counted = (billed, min(color, billed), (billed + 1) // 2)
            ids, where = (job, charge, settled), (printer, service)
            self._paid(rows, ids, payer, place, where, counted, price)
            if part in _REFUNDED:
                self._post(
                    rows,
                    _uuid(settled, 0x30, n),
                    "refund",
                    settled + HOUR,
                    charge,
                    "web:ada",
                    [(self.income[service], -price), (payer.centre, price)],
                )
            elif part == _CORRECTED:
                self._post(
                    rows,
                    _uuid(settled, 0x31, n),
                    "correction",
                    settled + HOUR,
                    payer.account,
                    "web:ada",
                    [(self.corrections, -1_000_000), (payer.centre, 1_000_000)],
                )
        if n % _REASONED == 0 or refused is not None:
            self._decided(rows, job, printer, refused, settled, payer.account, price)
        copies = service == "copy"
        rows.jobs.append(
            (
                n + 1, job, place.node, payer.name, "" if copies else "pull",
                "Copies" if copies else f"{_WORDS[n % 8]} {n % 9973}.pdf",
                state, printer, 0 if printer is None else 1,
                _counts(pages, color, sheets),
                billed if paid else None, charge if paid else None, "", flag, at,
                settled if paid else at + MINUTE, refused,
                _life(payer.name, printer, at, settled, billed, charge if paid else None),
            )
        )  # fmt: skip

    def _paid(
        self,
        rows: Rows,
        ids: tuple[str, str, int],
        payer: Payer,
        place: Place,
        where: tuple[str | None, str],
        counted: tuple[int, int, int],
        price: int,
    ) -> None:
        job, charge, at = ids
        printer, service = where
        number = None
        if price:
            number = self.entry
            lines = [(place.location, -price), (self.income[service], price)]
            self._post(rows, charge, "charge", at, job, place.node, lines)
        else:
            rows.free.append((self.free, "charge", charge, at))
            self.free += 1
        mark = charge.replace("-", "")
        rows.charges.append(
            (
                charge, number, place.node, mark + mark, job, 1, payer.name, printer, service, 1,
                "analysis", *counted,
                f'[{{"account":"{payer.account}","unit":"EUR","micros":{price}}}]', 0, False, at,
            )
        )  # fmt: skip
        rows.told.append((place.node, charge, at))

    def _post(
        self,
        rows: Rows,
        id_: str,
        kind: str,
        at: int,
        reference: str,
        author: str,
        lines: Sequence[tuple[int, int]],
    ) -> None:
        rows.entries.append((self.entry, id_, kind, at, reference, "", author))
        rows.postings += [(self.entry, location, micros) for location, micros in lines]
        self.entry += 1

    @staticmethod
    def _decided(
        rows: Rows,
        job: str,
        printer: str | None,
        refused: str | None,
        at: int,
        account: str,
        price: int,
    ) -> None:
        held = f'[{{"account": "{account}", "unit": "EUR", "micros": {price}}}]'
        free = refused is None
        rows.decisions.append(
            (
                job, free, refused or "", printer, None, 1 if free else 0, 1, 1, "{}", BECAUSE,
                held if free else "[]", at,
            )
        )  # fmt: skip


def days_of(jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, int, int]]:
    """Yield the runs of numbers of each day: (day, first, last)."""
    run: tuple[int, int, int] | None = None
    for row in jobs:
        n, day = row[0], row[14] // DAY
        if run is not None and run[0] == day:
            run = day, run[1], n
            continue
        if run is not None:
            yield run
        run = day, n, n
    if run is not None:
        yield run


def _uuid(at: int, kind: int, n: int) -> str:
    """Return a UUIDv7 of a moment."""
    ms = at // 1000
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{kind:03x}-8000-{n:012x}"


def _counts(pages: int, color: int, sheets: int) -> str:
    return (
        f'[{{"source": "analysis", "impressions": {pages}, "color_impressions": {color}, '
        f'"sheets": {sheets}}}]'
    )


def _life(
    user: str, printer: str | None, at: int, settled: int, billed: int, charge: str | None
) -> str:
    lines = f'["held",{at},{{}}]\n'
    if printer is not None:
        lines += f'["released",{at + MINUTE},{{"by":"{user}","printer":"{printer}","attempt":1}}]\n'
    if charge is not None:
        lines += (
            f'["settled",{settled},{{"disposition":"completed","printer":"{printer}","attempt":1,'
            f'"source":"analysis","impressions":{billed},"charge":"{charge}"}}]\n'
        )
    return lines
