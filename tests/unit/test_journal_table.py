"""TinyDB's promises over the journal: the same queries and answers, transactions, indexes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import Query, TinyDB, where
from tinydb.operations import increment
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from broker.messages import Envelope
from broker.stream import MAX_BATCH_BYTES, StreamKey, seal, start
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk

if TYPE_CHECKING:
    from tinydb.queries import QueryLike

KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")
INDEXES = {"jobs": ("state", "owner", "sheets")}


def opened(disk: MemoryDisk | None = None) -> EdgeDatabase:
    """Open a store in memory."""
    return EdgeDatabase(Journal(disk or MemoryDisk()), indexes=INDEXES)


values = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["a", "b"]))
documents = st.fixed_dictionaries(
    {}, optional={"state": values, "owner": values, "sheets": st.lists(values, max_size=2)}
)


def conditions() -> st.SearchStrategy[Any]:
    """Return queries that an index can narrow, and others."""
    leaf = st.one_of(
        st.builds(
            lambda field, value: where(field) == value, st.sampled_from(["state", "owner"]), values
        ),
        st.builds(lambda value: where("sheets") == value, st.lists(values, max_size=2)),
        st.builds(lambda some: where("state").one_of(some), st.lists(values, max_size=3)),
        st.builds(lambda value: where("owner") != value, values),
        st.just(where("state").exists()),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda one, other: one & other, inner, inner),
            st.builds(lambda one, other: one | other, inner, inner),
            st.builds(lambda one: ~one, inner),
        ),
        max_leaves=4,
    )


operations = st.one_of(
    st.tuples(st.just("insert"), documents, conditions()),
    st.tuples(st.just("update"), documents, conditions()),
    st.tuples(st.just("upsert"), documents, conditions()),
    st.tuples(st.just("remove"), documents, conditions()),
    st.tuples(st.just("clear"), documents, conditions()),
    st.tuples(st.just("reopen"), documents, conditions()),
)


def do(table: Any, kind: str, document: dict[str, Any], condition: QueryLike) -> object:  # noqa: ANN401
    """Do one thing to a table of either kind; what comes out is compared."""
    count = 0
    match kind:
        case "insert":
            table.insert(document)
        case "update":
            count = len(table.update(document, condition))
        case "upsert":
            count = len(table.upsert(document, condition))
        case "remove":
            count = len(table.remove(condition))
        case "clear" if not document:
            table.truncate()
        case _:
            pass
    return count, len(table)


def found(table: Any, condition: QueryLike) -> list[str]:  # noqa: ANN401 - either kind of table
    """Return what a query finds, in one order."""
    return sorted(repr(sorted(row.items(), key=repr)) for row in table.search(condition))


@settings(max_examples=150, deadline=None)
@given(st.lists(operations, max_size=20), st.lists(conditions(), max_size=4), st.booleans())
def test_every_query_answers_as_tinydb_itself_with_and_without_index(
    steps: list[tuple[str, dict[str, Any], Any]],
    asked: list[Any],
    inside: bool,  # noqa: FBT001
) -> None:
    """Writes and searches give what TinyDB's own storage gives, inside a transaction too."""
    disk = MemoryDisk()
    database, model = opened(disk), TinyDB(storage=MemoryStorage).table("jobs")
    for kind, document, condition in steps:
        table = database.table("jobs")
        if kind == "reopen":
            database.close()
            database = opened(disk)
            continue
        expected = do(model, kind, document, condition)
        if not inside:
            got = do(table, kind, document, condition)
        else:
            with database.transaction():
                got = do(table, kind, document, condition)
                assert found(table, condition) == found(model, condition)
        assert got == expected
        for value in (None, True, 0, 2, 3, "a", "b"):
            for field in ("state", "owner"):
                equal = where(field) == value
                assert found(table, equal) == found(model, equal)
    table = database.table("jobs")
    for condition in asked:
        assert found(table, condition) == found(model, condition)
        assert table.count(condition) == model.count(condition)
        assert table.contains(condition) == model.contains(condition)
        assert (table.get(condition) is None) == (model.get(condition) is None)
    assert len(table) == len(model)
    assert len(table.all()) == len(model.all())


class OddError(Exception):
    """What nobody planned."""


def test_an_exception_rolls_back_rows_events_and_streams_of_the_whole_block() -> None:
    """Neither memory nor disk knows that the transaction was ever begun."""
    disk = MemoryDisk()
    database = opened(disk)
    jobs, accounts = database.table("jobs"), database.table("accounts")
    database.open_stream("ledger", KEY)
    jobs.insert({"state": "held"})
    contents = {name: disk.content(name) for name in disk.names()}

    def spoil() -> None:
        with database.transaction() as transaction:
            jobs.update({"state": "processing"}, where("state") == "held")
            jobs.insert({"state": "held", "owner": "b"})
            accounts.insert({"key": "user:ana"})
            transaction.append("ledger", "charged")
            transaction.open_stream("jobs", KEY)
            assert jobs.count(where("state") == "held") == 1
            raise OddError

    with pytest.raises(OddError):
        spoil()
    assert [dict(row) for row in jobs.search(where("state") == "held")] == [{"state": "held"}]
    assert jobs.search(where("owner") == "b") == []
    assert database.tables() == {"jobs"}
    assert database.head("ledger") == start(KEY)
    assert list(database.streams()) == ["ledger"]
    assert {name: disk.content(name) for name in disk.names()} == contents


def test_a_write_of_its_own_that_raises_changes_nothing() -> None:
    """An update function that fails half way leaves every document as it was."""
    table = opened().table("jobs")
    table.insert_multiple({"sheets": count} for count in range(3))

    def fail_late(document: Any) -> None:  # noqa: ANN401 - TinyDB's callback
        document["sheets"] += 10
        if document["sheets"] == 12:
            raise OddError

    with pytest.raises(OddError):
        table.update(fail_late)
    assert [row["sheets"] for row in table] == [0, 1, 2]


def test_a_transaction_is_one_record_and_one_sync() -> None:
    """Rows of several tables and events cost one fdatasync together."""
    disk = MemoryDisk()
    database = opened(disk)
    database.open_stream("ledger", KEY)
    before = disk.synced_writes
    with database.transaction() as transaction:
        database.table("jobs").insert({"state": "held"})
        database.table("accounts").insert({"key": "user:ana"})
        transaction.append("ledger", "one")
        transaction.append("ledger", "two")
    assert disk.synced_writes == before + 1


def test_an_update_that_changes_nothing_writes_nothing() -> None:
    """Setting what is set already costs no record."""
    disk = MemoryDisk()
    table = opened(disk).table("jobs")
    table.insert({"state": "held"})
    before = disk.synced_writes
    assert table.update({"state": "held"}) == [1]
    assert disk.synced_writes == before


def test_documents_handed_out_are_the_callers_own() -> None:
    """Changing what a search returned, however deep, changes nothing stored."""
    table = opened().table("jobs")
    table.insert({"state": "held", "pages": {"mono": 1}})
    for document in (
        table.search(where("state") == "held")[0],
        table.all()[0],
        table.get(doc_id=1),
    ):
        assert document is not None
        document["pages"]["mono"] = 99
    assert table.get(where("state") == "held") == {"state": "held", "pages": {"mono": 1}}


def test_tinydbs_own_operations_and_paths_work() -> None:
    """Operations, nested paths, tests and document ids are TinyDB's."""
    table = opened().table("jobs")
    table.insert(Document({"sheets": 1, "media": {"size": "a4"}}, doc_id=7))
    table.update(increment("sheets"), where("sheets") == 1)
    assert table.get(Query().media.size == "a4") == {"sheets": 2, "media": {"size": "a4"}}
    assert table.insert({"sheets": 5}) == 8
    assert table.get(doc_ids=[8, 7, 99]) == [{"sheets": 5}, {"sheets": 2, "media": {"size": "a4"}}]
    table.update(increment("sheets"), doc_ids=[7, 7])
    table.update({"sheets": 2}, where("sheets") == 4)
    assert table.update_multiple([({"sheets": 6}, where("sheets") == 5)]) == [8]
    assert table.count(Query().sheets.test(lambda sheets: sheets > 1)) == 2
    with pytest.raises(ValueError, match="already exists"):
        table.insert(Document({}, doc_id=7))


def test_a_value_that_would_read_back_as_another_is_refused() -> None:
    """A time or a set is the caller's to write as text; nothing is changed."""
    table = opened().table("jobs")
    for value in (UUID, {1, 2}, object()):
        with pytest.raises(TypeError):
            table.insert({"state": value})
    assert len(table) == 0


def test_tables_are_dropped_and_begun_anew_in_one_record() -> None:
    """A table can be replaced whole: drop and fill inside one transaction, or roll both back."""
    disk = MemoryDisk()
    database = opened(disk)
    database.table("jobs").insert_multiple([{"state": "old"}, {"state": "held"}])

    def replace(*, fail: bool) -> None:
        with database.transaction():
            database.drop_table("jobs")
            assert database.table("jobs").search(where("state") == "old") == []
            database.table("jobs").insert({"state": "new"})
            if fail:
                raise OddError

    with pytest.raises(OddError):
        replace(fail=True)
    assert database.table("jobs").count(where("state") == "old") == 1
    replace(fail=False)
    database.close()
    database = opened(disk)
    assert [dict(row) for row in database.table("jobs")] == [{"state": "new"}]
    assert database.table("jobs").search(where("state") == "held") == []
    database.drop_tables()
    assert database.tables() == set()


def test_events_are_sealed_onto_their_stream_and_read_back_to_the_byte() -> None:
    """The text comes back exactly, with the hash that the chain's rule gives."""
    database = opened()
    database.open_stream("ledger", KEY)
    texts = ['{"a": "ü\\n"}', "", " \n\u2028", "𝄞"]
    expected = []
    for text in texts:
        with database.transaction() as transaction:
            transaction.append("ledger", text)
            expected.append(transaction.head("ledger").hash)
    events = list(database.events("ledger", 1, 4))
    assert [event.data for event in events] == texts
    assert [event.hash for event in events] == expected
    assert seal(KEY, start(KEY), texts[0]) == events[0]
    assert database.hash_at("ledger", 2) == expected[1]
    assert database.hash_at("ledger", 9) is None


def test_a_peers_event_is_kept_as_it_came_and_only_in_its_place() -> None:
    """Received events keep the sender's hash, erased ones their digest; gaps are refused."""
    database = opened()
    head = database.open_stream("down", KEY)
    first = seal(KEY, head, "granted")
    erased = Envelope(seq=2, hash="a" * 64, data=None, digest="b" * 64)
    with database.transaction() as transaction:
        transaction.keep("down", first)
        transaction.keep("down", erased)
        with pytest.raises(ValueError, match="does not follow"):
            transaction.keep("down", first)
    assert list(database.events("down", 1, 2)) == [first, erased]


def test_an_event_that_no_message_could_carry_is_refused_when_it_is_made() -> None:
    """What is too large for the wire never gets a place in the stream."""
    database = opened()
    database.open_stream("ledger", KEY)
    with (
        pytest.raises(ValueError, match="does not fit"),
        database.transaction() as transaction,
    ):
        transaction.append("ledger", "x" * MAX_BATCH_BYTES)
    assert database.head("ledger").seq == 0


def test_a_stream_name_stays_with_its_key() -> None:
    """Opening again finds the stream; another key under the same name is refused."""
    disk = MemoryDisk()
    database = opened(disk)
    head = database.open_stream("ledger", KEY)
    assert database.open_stream("ledger", KEY) == head
    other = StreamKey("edge-a", UUID(int=1), "central", UUID(int=3), "ledger")
    with pytest.raises(ValueError, match="stream 'ledger' is"):
        database.open_stream("ledger", other)
    database.close()
    assert opened(disk).streams() == {"ledger": KEY}


async def test_awaiting_inside_a_transaction_is_caught() -> None:
    """Another task's write cannot slip into a transaction that waits."""
    database = opened()
    jobs = database.table("jobs")

    async def stranger() -> None:
        jobs.insert({"state": "held"})

    with database.transaction():
        with pytest.raises(RuntimeError, match="never await"):
            await asyncio.create_task(stranger())
        with pytest.raises(RuntimeError, match="do not nest"), database.transaction():
            pass
    assert len(jobs) == 0


def test_a_transaction_that_is_over_takes_nothing_more() -> None:
    """Keeping the object around does not keep the transaction open."""
    database = opened()
    database.open_stream("ledger", KEY)
    with database.transaction() as transaction:
        pass
    with pytest.raises(RuntimeError, match="over"):
        transaction.append("ledger", "late")


@given(st.lists(documents, max_size=4), st.lists(documents, max_size=3), values)
def test_find_is_an_equality_without_a_query(
    before: list[dict[str, Any]], inside: list[dict[str, Any]], value: object
) -> None:
    """`find` gives what the query gives, indexed or not, inside a transaction and after it."""
    database = opened()
    table = database.table("jobs")
    table.insert_multiple(before)
    for field in ("state", "absent"):
        assert table.find(field, value) == table.one(where(field) == value)
    with database.transaction():
        table.insert_multiple(inside)
        table.update({"state": value}, doc_ids=[1])
        for field in ("state", "owner"):
            assert table.find(field, value) == table.one(where(field) == value)
    assert table.find("owner", value) == table.one(where("owner") == value)


def test_put_replaces_a_document_whole_and_moves_it_in_the_index() -> None:
    """Nothing of the old document is left, neither in the row nor in what finds it."""
    disk = MemoryDisk()
    database = opened(disk)
    table = database.table("jobs")
    held = {"state": "held", "owner": "ana", "sheets": 3}
    table.insert(held)
    with database.transaction():
        table.put(
            b'{"state":"gone","owner":"ana"}', {"state": "gone", "owner": "ana"}, table.all()[0]
        )
        table.put(b'{"state":"held"}', {"state": "held"})
    assert table.all() == [{"state": "gone", "owner": "ana"}, {"state": "held"}]
    assert table.search(where("state") == "held") == [{"state": "held"}]
    assert table.search(where("sheets") == 3) == []
    assert table.search(where("owner") == "ana") == [{"state": "gone", "owner": "ana"}]
    database.close()
    assert opened(disk).table("jobs").all() == [
        {"state": "gone", "owner": "ana"},
        {"state": "held"},
    ]


def test_an_event_that_ends_in_zeros_is_no_room() -> None:
    """The zeros at the end of a file are room; those that a peer sent are not lost with it."""
    disk = MemoryDisk()
    database = opened(disk)
    head = database.open_stream("down", KEY)
    said = seal(KEY, head, "granted\0\0")
    with database.transaction() as transaction:
        transaction.keep("down", said)
    found = opened(disk.crash(lambda most: most))
    assert list(found.events("down", 1, 1)) == [said]


def test_a_tally_counts_what_a_query_would() -> None:
    """Each value's documents are counted, those that moved or went away no more."""
    database = opened()
    table = database.table("jobs")
    table.insert_multiple([{"state": "held"}, {"state": "held"}, {"state": "gone"}, {}])
    table.update({"state": "gone"}, doc_ids=[1])
    table.remove(where("state") == "held")
    assert table.tally("state") == {"gone": 2}
    with pytest.raises(KeyError):
        table.tally("unindexed")


def test_amending_a_document_is_updating_it() -> None:
    """What is amended reads, and is found by index, as if it had been updated; others stay."""
    database = opened()
    table = database.table("jobs")
    table.insert_multiple([{"state": "held", "sheets": 1}, {"state": "held", "sheets": 2}])
    with database.transaction():
        first = table.find("state", "held")
        assert first is not None
        table.amend(first, {"sheets": 5})
        table.amend(first, {"state": "gone", "printer": "north"})
        assert table.find("state", "gone") == {"state": "gone", "sheets": 5, "printer": "north"}
        assert table.find("state", "held") == {"state": "held", "sheets": 2}
    assert table.search(where("state") == "gone") == [first]
    assert table.tally("state") == {"held": 1, "gone": 1}
    assert table.get(doc_id=1) == {"state": "gone", "sheets": 5, "printer": "north"}
