"""A virtual printer's objects: meters add up, toner falls, orders show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from demo.metered import Machine, Orders, Pages, objects
from demo.snmp_wire import OCTETS

if TYPE_CHECKING:
    from demo.snmp_wire import Object, Oid

MACHINE = Machine("Lab 1", "LAB000001")
PRINTER = (1, 3, 6, 1, 2, 1, 43)
LIFE = (*PRINTER, 10, 2, 1, 4, 1, 1)
NAMED = (1, 3, 6, 1, 4, 1, 367, 3, 2, 1, 2, 19, 5, 1)
PAGES = st.builds(Pages, *[st.integers(0, 10_000)] * 3)


def number(found: dict[Oid, Object], oid: Oid) -> int:
    """Return a figure."""
    value = found[oid][1]
    assert isinstance(value, int)
    return value


def named(found: dict[Oid, Object]) -> dict[str, int]:
    """Join the maker's table."""
    return {
        words.decode(): number(found, (*NAMED, 9, oid[-1]))
        for oid, (_, words) in found.items()
        if oid[:-1] == (*NAMED, 5) and isinstance(words, bytes)
    }


@given(PAGES, PAGES)
def test_services_add_up_and_move_with_pages(before: Pages, more: Pages) -> None:
    """Copies and prints are the total; each page moves its own counters and the total by one."""
    old, new = (objects(MACHINE, pages, Orders()) for pages in (before, before + more))
    for found in (old, new):
        parts = named(found)
        assert parts["Counter:Copy:Total"] + parts["Counter:Print:Total"] == number(found, LIFE)
        assert (
            parts["Counter:Print:Black & White"] + parts["Counter:Print:Full Color"]
            == parts["Counter:Print:Total"]
        )
    assert number(new, LIFE) - number(old, LIFE) == more.mono + more.color + more.copies
    assert named(new)["Counter:Copy:Total"] - named(old)["Counter:Copy:Total"] == more.copies


def test_toner_falls_to_nothing_and_no_further() -> None:
    """A cartridge is at its beginning, half way and empty as pages say."""
    levels = [
        number(objects(MACHINE, Pages(mono=mono), Orders()), (*PRINTER, 11, 1, 1, 9, 1, 1))
        for mono in (0, 800, 1_600, 90_000)
    ]
    assert levels == [80, 40, 0, 0]


def test_orders_show() -> None:
    """Another serial, a level of -3, a round counter, words for numbers and short tables are so."""
    swapped = objects(MACHINE, Pages(), Orders(serial="OTHER1", level=-3, wrap=1_000))
    assert swapped[(*PRINTER, 5, 1, 1, 17, 1)] == (OCTETS, b"OTHER1")
    assert number(swapped, (*PRINTER, 11, 1, 1, 9, 1, 2)) == -3
    assert number(swapped, LIFE) == 12_345 % 1_000
    assert objects(MACHINE, Pages(), Orders(garbage="types"))[LIFE] == (OCTETS, b"many")
    short = objects(MACHINE, Pages(), Orders(truncated=2))
    assert (*PRINTER, 11, 1, 1, 9, 1, 2) in short
    assert (*PRINTER, 11, 1, 1, 9, 1, 3) not in short


@given(st.builds(Orders, jam=st.booleans(), cover_open=st.booleans(), drop=st.floats(0, 1)))
def test_orders_survive_a_file(orders: Orders) -> None:
    """What is written is what is read; a field of another version is left out."""
    assert Orders.of(orders.as_json() | {"later": 1}) == orders
