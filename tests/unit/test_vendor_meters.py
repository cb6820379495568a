"""Meters of services: the PWG's table first, makers' own by name or number, never two for one."""

from __future__ import annotations

import pytest

from edge.devices import oids, vendors
from edge.devices.oids import Oid, Value, oid
from edge.devices.vendors import Vendor

NAMES = "1.3.6.1.4.1.367.3.2.1.2.19.5.1.5"
VALUES = "1.3.6.1.4.1.367.3.2.1.2.19.5.1.9"
RICOH = {
    "Counter: Machine Total": 1000,
    "Counter:Copy:Total": 300,
    "Counter:Copy:Black & White": 200,
    "Counter:Copy:Full Color": 90,
    "Counter:Copy:Single/Two-color": 10,
    "Counter:Print:Total": 650,
    "Counter:Print:Black & White": 600,
    "Counter:Print:Full Color": 50,
    "Something else": 7,
}


def maker(name: str) -> Vendor:
    """Return a data file."""
    return next(each for each in vendors.load() if each.maker == name)


def named(rows: dict[str, int], order: list[int]) -> dict[Oid, Value]:
    """Return Ricoh's table with its rows in this order."""
    found: dict[Oid, Value] = {}
    for row, (name, count) in zip(order, rows.items(), strict=True):
        found[(*oid(NAMES), row)] = name.encode()
        found[(*oid(VALUES), row)] = count
    return found


def figures(values: dict[Oid, Value], of: Vendor | None) -> dict[str, int]:
    """Return name → value."""
    meters, _ = vendors.service_meters(values, of)
    assert len({each.name for each in meters}) == len(meters)
    return {each.name: each.value for each in meters}


def test_every_file_says_where_it_is_from() -> None:
    """Each data file loads, and names its source and that a person should verify it."""
    makers = {each.maker for each in vendors.load()}
    assert {"Ricoh", "Canon", "Konica Minolta", "Kyocera", "Xerox", "HP"} <= makers


@pytest.mark.parametrize("lacking", ["source", "verify", "maker", "enterprises"])
def test_a_file_without_a_source_is_refused(lacking: str) -> None:
    """What nobody can check is not believed."""
    table = {
        "maker": "Maker",
        "enterprises": ["1.3.6.1.4.1.99999"],
        "source": "the maker's own MIB",
        "verify": "compare with the panel",
    }
    vendors.vendor(table)
    del table[lacking]
    with pytest.raises(ValueError, match=lacking):
        vendors.vendor(table)


def test_rows_are_joined_by_name_wherever_they_stand() -> None:
    """Ricoh's rows differ from model to model: the order changes nothing."""
    order = list(range(1, len(RICOH) + 1))
    expected = figures(named(RICOH, order), maker("Ricoh"))
    order.reverse()
    assert figures(named(RICOH, order), maker("Ricoh")) == expected
    assert expected == {
        "total": 1000,
        "copy": 300,
        "copy-mono": 200,
        "copy-color": 100,
        "print": 650,
        "print-mono": 600,
        "print-color": 50,
    }


def test_a_name_without_its_count_gives_no_figure() -> None:
    """Half of a table could make a counter go back: none of it is used."""
    values = named(RICOH, list(range(1, len(RICOH) + 1)))
    del values[(*oid(VALUES), 5)]
    meters, odd = vendors.service_meters(values, maker("Ricoh"))
    assert meters == ()
    assert len(odd) == 1


def test_a_name_that_is_there_twice_gives_no_figure() -> None:
    """Two rows of one name and different counts: nobody knows which is meant."""
    values = named(RICOH, list(range(1, len(RICOH) + 1)))
    values |= {(*oid(NAMES), 99): b"Counter:Copy:Total", (*oid(VALUES), 99): 1}
    assert figures(values, maker("Ricoh")) == {}


def test_a_sum_needs_all_its_parts() -> None:
    """Kyocera's colour copies are two counters; one alone would be too few."""
    base = "1.3.6.1.4.1.1347.42.3.1.2.1.1"
    values: dict[Oid, Value] = {oid(f"{base}.2.1"): 100, oid(f"{base}.2.3"): 40}
    assert figures(values, maker("Kyocera")) == {"copy-mono": 100}
    values[oid(f"{base}.2.2")] = 2
    assert figures(values, maker("Kyocera")) == {"copy-mono": 100, "copy-color": 42}


def imaging(rows: dict[int, dict[Oid, int]], types: dict[int, int]) -> dict[Oid, Value]:
    """Return the PWG's tables: key → column → count, for all work and the machine's life."""
    values: dict[Oid, Value] = {
        (*oids.IC_KEY_SERVICE_TYPE, key): service for key, service in types.items()
    }
    for key, columns in rows.items():
        for column, count in columns.items():
            values[(*column, key, 3, 3)] = count
    return values


def test_the_pwg_table_comes_first() -> None:
    """Where the standard tells services apart, the maker's table is not mixed in."""
    counts = {oids.IC_TOTAL: 30, oids.IC_MONO: 20, oids.IC_FULL_COLOR: 9, oids.IC_HIGHLIGHT: 1}
    values = imaging({5: counts}, {5: 4}) | named(RICOH, list(range(1, len(RICOH) + 1)))
    assert figures(values, maker("Ricoh")) == {"copy": 30, "copy-mono": 20, "copy-color": 10}


def test_only_all_work_of_a_whole_life_counts() -> None:
    """Counters since power-on, of waste, or of a part of the machine are other figures."""
    values = imaging({5: {oids.IC_TOTAL: 30}, 6: {oids.IC_TOTAL: 8}}, {5: 4, 6: 11})
    values[(*oids.IC_TOTAL, 5, 6, 3)] = 2  # waste
    values[(*oids.IC_TOTAL, 5, 3, 4)] = 3  # since power-on
    values[(*oids.IC_KEY_SUBUNIT_TYPE, 6)] = 10  # the marker of the print service
    assert figures(values, None) == {"copy": 30}


def test_an_unknown_maker_has_the_standard_ones() -> None:
    """No data file: totals of the standard, nothing made up."""
    assert vendors.of(vendors.load(), "1.3.6.1.4.1.99999.1") is None
    assert vendors.of(vendors.load(), b"no identifier") is None
    assert vendors.of(vendors.load(), "not.a.number") is None
    assert figures(imaging({1: {oids.IC_TOTAL: 5}}, {1: 3}), None) == {"total": 5}


def test_the_longest_prefix_wins() -> None:
    """A model's own file is preferred to its maker's."""
    wide = Vendor("Wide", (oid("1.3.6.1.4.1.367"),))
    narrow = Vendor("Narrow", (oid("1.3.6.1.4.1.367.1.1"),))
    assert vendors.of((narrow, wide), "1.3.6.1.4.1.367.1.1") is narrow
    assert vendors.of((narrow, wide), "1.3.6.1.4.1.367.2") is wide
    assert vendors.of((wide,), "1.3.6.1.4.1.3671.1") is None
