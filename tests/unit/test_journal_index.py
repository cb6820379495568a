"""Hash indexes narrow a query to what matches, and forget what no longer does (edge.store)."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tinydb import where

from edge.store.index import TableIndexes

values = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.lists(st.integers(0, 1)))


@given(
    st.lists(st.tuples(st.integers(1, 4), st.none() | st.dictionaries(st.just("state"), values)))
)
def test_an_index_names_exactly_the_documents_with_a_value(
    changes: list[tuple[int, dict[str, object] | None]],
) -> None:
    """After any changes an equality is narrowed to its matches, and to nothing else."""
    indexes = TableIndexes(("state",))
    rows: dict[int, bytes | None] = {}
    for doc_id, document in changes:
        row = None if document is None else orjson.dumps(document)
        indexes.change(doc_id, indexes.values(rows.get(doc_id)), indexes.values(row))
        rows[doc_id] = row
    for value in (None, True, 0, 1, 2, [], [0], [0, 1]):
        matching = {
            doc_id
            for doc_id, row in rows.items()
            if row is not None and orjson.loads(row).get("state", "none") == value
        }
        found = indexes.candidates(where("state") == value)
        assert found is not None
        assert set(found) == matching


def test_what_an_index_cannot_narrow_is_looked_at_whole() -> None:
    """Other fields, other comparisons and half-indexed alternatives need every row."""
    indexes = TableIndexes(("state",))
    held = where("state") == "held"
    for condition in (
        where("owner") == "ana",
        where("state") != "held",
        where("state").matches("held"),
        where("state").size == "held",
        ~held,
        held | (where("owner") == "ana"),
    ):
        assert indexes.candidates(condition) is None
    assert indexes.candidates(held & (where("owner") == "ana")) == ()


texts = st.text(st.sampled_from('ab"\\\n é'), max_size=3)
stored = st.one_of(
    st.dictionaries(st.sampled_from(["id", "ID", "state"]), texts | values),
    st.builds(lambda key, n: {"id": key, "row": {"id": n}}, texts, st.integers(0, 9)),
)


@given(st.lists(stored), st.sampled_from([("id",), ("id", "state")]))
def test_an_index_made_at_the_start_is_the_one_that_grew(
    documents: list[dict[str, object]], fields: tuple[str, ...]
) -> None:
    """A filled index finds what one finds that took the documents in one by one."""
    rows = [(doc_id, orjson.dumps(each)) for doc_id, each in enumerate(documents, start=1)]
    filled, grown = TableIndexes(fields), TableIndexes(fields)
    filled.fill(rows)
    for doc_id, row in rows:
        grown.change(doc_id, grown.values(None), grown.values(row))
    for field in fields:
        assert filled.tally(field) == grown.tally(field)
        for document in documents:
            condition = where(field) == document.get(field)
            found, expected = filled.candidates(condition), grown.candidates(condition)
            assert found is not None
            assert expected is not None
            assert set(found) == set(expected)
