"""Rows of a machine's tables: every cell in its place, whatever stands between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edge.devices.rows import rows

if TYPE_CHECKING:
    from edge.devices.oids import Oid, Value

COLUMNS: tuple[Oid, ...] = ((1, 2, 3), (1, 2, 4), (1, 5))
OBJECTS = st.dictionaries(
    st.lists(st.integers(1, 5), min_size=1, max_size=6).map(tuple), st.integers(0, 9)
)


@given(
    values=OBJECTS,
    columns=st.lists(st.sampled_from(COLUMNS), unique=True),
    device=st.one_of(st.none(), st.integers(1, 3)),
)
def test_each_cell_is_in_its_row(
    values: dict[Oid, Value], columns: list[Oid], device: int | None
) -> None:
    """As if each object were looked at for each column; rows by index, columns as asked for."""
    expected: dict[Oid, dict[Oid, Value]] = {}
    for column in columns:
        head = column if device is None else (*column, device)
        for oid, value in values.items():
            if oid[: len(head)] == head and len(oid) > len(head):
                expected.setdefault(oid[len(head) :], {})[column] = value
    found = rows(values, *columns, device=device)
    assert found == expected
    assert list(found) == sorted(found)
    assert all(list(row) == [each for each in columns if each in row] for row in found.values())
