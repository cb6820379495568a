"""What the site's command line says of jobs: what they would cost, are asked, are changed into."""

from __future__ import annotations

from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from edge.listing import job_row
from edge.showing import explain, listed, remarks
from tests.unit.edge_lab import ANA, CENT, held_job

PRICE = [{"account": ANA, "unit": "EUR", "micros": 50 * CENT}]
NOTHING: dict[str, Any] = {"printer": "lib-1", "price": None, "question": None, "refusal": None}


@pytest.mark.parametrize(
    ("outlook", "told"),
    [
        # nothing in its way, nothing changed
        ({"price": PRICE}, []),
        # the person has to answer first
        ({"question": "ten pages?"}, ["asks first: ten pages? (release it with --yes)"]),
        # as things are now it would be refused
        ({"refusal": "not here"}, ["is refused: not here"]),
        # what rules would do to it
        (
            {"price": PRICE, "conversions": {"sides": "two-sided-long-edge"}},
            ["is changed by rules: sides two-sided-long-edge"],
        ),
        (
            {"price": PRICE, "printer": "copier", "redirected_from": "lib-1"},
            ["prints at copier instead of lib-1"],
        ),
    ],
)
def test_a_waiting_job_says_what_stands_before_it(outlook: dict[str, Any], told: list[str]) -> None:
    """Question, refusal, conversions and another printer are each a line."""
    assert list(remarks(job_row(held_job(), NOTHING | outlook))) == told


def test_a_rest_says_whose() -> None:
    """Who finds half a document in the list reads where the other half is."""
    rest = held_job().with_(rest_of=UUID(int=0xABCD << 112))
    told = list(remarks(job_row(rest, None)))
    assert told == ["is what had not come out of abcd0000 when its printer failed"]


def shown(thing: object) -> str:
    """Return what a console writes."""
    out = StringIO()
    Console(file=out, width=200).print(thing)
    return out.getvalue()


@pytest.mark.parametrize(
    ("outlook", "cost"), [(PRICE, "(0.50 EUR)"), ([], "(free)"), (None, "thesis")]
)
def test_a_price_to_come_stands_in_brackets(outlook: object, cost: str) -> None:
    """What a job would cost is told apart from what it did."""
    assert cost in shown(listed([job_row(held_job(), NOTHING | {"price": outlook})]))


def test_why_is_said_line_by_line_and_never_as_markup() -> None:
    """A rule's name is text, whatever it looks like."""
    out = StringIO()
    line = {"code": "conversion", "text": "1 copy instead of 9", "rule": "[red]no heaps"}
    explain([line, {"code": "price", "text": "0.50 EUR in all", "rule": None}], Console(file=out))
    assert out.getvalue().splitlines() == [
        '  conversion: 1 copy instead of 9 (rule "[red]no heaps")',
        "  price: 0.50 EUR in all",
    ]
