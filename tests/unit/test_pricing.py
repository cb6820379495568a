"""Prices against an oracle that puts one printed side and one sheet after the other on the bill."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.policy.jobs import ColorMode, Figures, JobAttributes, Sides, Source, came_out, figures
from config.policy.money import MICROS_BOUND, Money
from config.policy.pricing import NoPrice, Priced, price
from config.policy.tariffs import Tariff, TariffLine

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def tariff(*lines: TariffLine) -> Tariff:
    """Make a tariff in euros."""
    return Tariff(version=4, unit="EUR", effective_from=NEW_YEAR, lines=lines)


amounts = st.integers(0, 500_000)
lines = st.builds(
    TariffLine,
    service=st.sampled_from(["print", "*"]),
    color=st.sampled_from(["monochrome", "color", "*"]),
    media=st.sampled_from(["iso_a4", "*"]),
    sides=st.sampled_from(["one-sided", "two-sided", "*"]),
    printer=st.sampled_from(["p1", "*"]),
    per_impression=amounts,
    per_sheet=amounts,
)
tariffs = st.lists(lines, unique_by=lambda line: line.fields, max_size=6).map(
    lambda listed: tariff(*listed)
)
attributes = st.builds(
    JobAttributes,
    copies=st.integers(1, 4),
    sides=st.sampled_from(Sides),
    number_up=st.sampled_from([1, 2, 4]),
    media=st.sampled_from(["iso_a4", "iso_a3"]),
    print_color_mode=st.sampled_from(ColorMode),
)
documents = st.tuples(st.integers(0, 12), st.sets(st.integers(1, 12)))


def billed(asked: Tariff, pages: int, colour: set[int], job: JobAttributes) -> int | None:
    """Return the price in millionths, made side by side and sheet by sheet; None for no price."""

    def winner(color: str) -> TariffLine | None:
        best = None
        for line in asked.lines:
            fits = (
                line.service in ("print", "*")
                and line.color in (color, "*")
                and line.media in (job.media, "*")
                and line.sides
                in (job.sides.removesuffix("-long-edge").removesuffix("-short-edge"), "*")
                and line.printer in ("p1", "*")
            )
            if fits and (best is None or line.named > best.named):
                best = line
        return best

    total = 0
    sheet_prices = []
    sheets = 0
    for _ in range(job.copies):
        room = 0
        for first in range(1, pages + 1, job.number_up):
            group = set(range(first, min(first + job.number_up, pages + 1)))
            mono = job.print_color_mode is ColorMode.MONOCHROME or not group & colour
            line = winner("monochrome" if mono else "color")
            if line is None:
                return None
            total += line.per_impression
            sheet_prices.append(line.per_sheet)
            if room == 0:
                sheets += 1
                room = 2 if job.sides is not Sides.ONE_SIDED else 1
            room -= 1
    for _ in range(sheets):
        total += max(sheet_prices)
    return total


@given(tariffs, documents, attributes)
def test_a_price_equals_the_bill_made_page_by_page(
    asked: Tariff, document: tuple[int, set[int]], job: JobAttributes
) -> None:
    """The formula and the oracle agree, in the price and in there being none."""
    pages, colour = document
    answer = price(asked, "print", figures(pages, colour, job), "p1")
    expected = billed(asked, pages, colour, job)
    assert expected == (answer.total.micros if isinstance(answer, Priced) else None)


@given(tariffs, documents, attributes)
def test_the_items_sum_to_the_total(
    asked: Tariff, document: tuple[int, set[int]], job: JobAttributes
) -> None:
    """A person can add the bill up; nothing on it is negative."""
    answer = price(asked, "print", figures(*document, job), "p1")
    assume(isinstance(answer, Priced))
    assert isinstance(answer, Priced)
    assert answer.total == sum((item.total for item in answer.items), Money(0, "EUR"))
    assert all(item.count >= 1 and item.total.micros >= 0 for item in answer.items)


@given(tariffs, documents, attributes, st.integers(0, 60))
def test_a_part_never_costs_more_than_the_whole(
    asked: Tariff, document: tuple[int, set[int]], job: JobAttributes, count: int
) -> None:
    """What came out of a stopped job is covered by what was held for all of it."""
    planned = figures(*document, job)
    whole = price(asked, "print", planned, "p1")
    part = price(asked, "print", came_out(planned, count, Source.DEVICE_JOB), "p1")
    assume(isinstance(whole, Priced))
    assert isinstance(whole, Priced)
    assert isinstance(part, Priced)
    assert part.total <= whole.total


def test_a_bill_for_people() -> None:
    """Each item says how many of what at how much, sheets last and once."""
    asked = tariff(
        TariffLine(color="monochrome", per_impression=50_000, per_sheet=10_000),
        TariffLine(color="color", per_impression=250_000, per_sheet=20_000),
    )
    job = JobAttributes(sides=Sides.TWO_SIDED_LONG_EDGE, copies=2)
    answer = price(asked, "print", figures(3, {2}, job), "p1")
    assert isinstance(answer, Priced)
    assert [str(item) for item in answer.items] == [
        "4 monochrome impressions at 0.05 EUR",
        "2 color impressions at 0.25 EUR",
        "4 sheets at 0.02 EUR",
    ]
    assert (Money(780_000, "EUR"), 4) == (answer.total, answer.tariff_version)
    assert (
        str(
            price(asked, "print", figures(1, (), JobAttributes()), "p1").items[0]  # type: ignore[union-attr]
        )
        == "1 monochrome impression at 0.05 EUR"
    )


def test_a_free_job_has_a_price_of_nothing() -> None:
    """Zero is a price; it is listed, and free sheets are not."""
    answer = price(tariff(TariffLine()), "copy", figures(2, (), JobAttributes()), "p1")
    assert isinstance(answer, Priced)
    assert (Money(0, "EUR"), 1) == (answer.total, len(answer.items))


def test_no_line_no_price() -> None:
    """The answer names the tariff and what it is silent about."""
    asked = tariff(TariffLine(color="monochrome"))
    answer = price(asked, "print", figures(2, {1}, JobAttributes(media="iso_a3")), "p1")
    assert NoPrice("tariff 4 has no price for print, color, iso_a3, one-sided at p1") == answer


def test_a_line_is_needed_only_for_what_is_there() -> None:
    """A tariff without colour prices a job without colour."""
    asked = tariff(TariffLine(color="monochrome", per_impression=1))
    assert isinstance(price(asked, "print", figures(2, (), JobAttributes()), "p1"), Priced)


@pytest.mark.parametrize(("count", "priced"), [(10, True), (11, False)])
def test_what_cannot_be_booked_has_no_price(count: int, priced: bool) -> None:  # noqa: FBT001
    """A price beyond the ledger's bound is none."""
    many = Figures(
        impressions=count,
        color_impressions=0,
        monochrome_impressions=count,
        sheets=count,
        media=None,
        sides=Sides.ONE_SIDED,
        source=Source.OPERATOR,
    )
    asked = tariff(TariffLine(per_impression=MICROS_BOUND // 10))
    assert priced == isinstance(price(asked, "copy", many, "p1"), Priced)
