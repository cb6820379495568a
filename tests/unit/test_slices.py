"""Promises of central.slices: every row arrives, in order, in messages that fit."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from broker.codec import PAYLOAD_LIMIT
from broker.directory import CARD_KEY, keyed_digest
from broker.messages import DirectoryRow
from central.slices import ROW_LIMIT, delta, snapshot, takes_away

ROWS = st.lists(
    st.tuples(st.booleans(), st.integers(0, ROW_LIMIT - 2000)), min_size=1, max_size=12
).map(
    lambda sizes: [
        DirectoryRow(
            kind="user",
            key=f"u{n}",
            n=n,
            row=None if gone else {"name": f"u{n}", "display": "x" * size},
        )
        for n, (gone, size) in enumerate(sizes, 5)
    ]
)


@given(ROWS)
def test_a_delta_leads_on_without_a_gap(rows: list[DirectoryRow]) -> None:
    """Each part begins where the one before ended, the last one ends at the newest version."""
    parts = [m for m in delta(rows, epoch=1, since=4, upto=99, digest=None) if m.kind == "delta"]
    assert [row for part in parts for row in part.rows] == rows
    assert [part.since for part in parts] == [4, *(part.upto for part in parts[:-1])]
    assert parts[-1].upto == 99
    assert all(len(part.model_dump_json()) < PAYLOAD_LIMIT - 1000 for part in parts)


@given(ROWS)
def test_what_takes_away_goes_first(rows: list[DirectoryRow]) -> None:
    """Revocations come before every delta and do not move the cursor."""
    parts = list(delta(rows, epoch=1, since=4, upto=99, digest=None))
    kinds = [part.kind for part in parts]
    assert kinds == sorted(kinds, key=lambda kind: kind != "revocations")
    early = [row for part in parts if part.kind == "revocations" for row in part.rows]
    revoked = [row for row in rows if takes_away(row)]
    assert early == (revoked if len(revoked) < len(rows) else [])
    assert all(part.upto == 4 for part in parts if part.kind == "revocations")


@given(st.one_of(st.just([]), ROWS))
def test_a_snapshot_is_whole(rows: list[DirectoryRow]) -> None:
    """Parts are numbered, only the last says so and carries the digest; an empty one has one."""
    parts = list(snapshot(rows, epoch=1, upto=9, name=UUID(int=1), digest="0" * 64))
    assert [part.part for part in parts] == list(range(len(parts)))
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [part.digest is not None for part in parts] == [part.last for part in parts]
    assert [row for part in parts for row in part.rows] == rows


def test_a_closed_account_takes_away() -> None:
    """Disabling is a revocation, and so is blocking a card; a good card is none."""
    closed = DirectoryRow(kind="account", key="user:a", n=1, row={"enabled": False})
    card = DirectoryRow(kind="card", key="c", n=1, row={"user": "a"})
    assert takes_away(closed)
    assert not takes_away(card)
    lost = DirectoryRow(kind="card", key="c", n=1, row={"user": "a", "blocked": True})
    assert takes_away(lost)


def test_a_card_under_a_new_key_is_not_taken_away_first() -> None:
    """Renamed, it is no revocation; blocked or removed meanwhile, it is one under both names.

    The key goes with them: a site that has some of the new rows already knows those cards by it.
    """
    key = bytes(range(32))

    def row(n: int, name: str, value: dict[str, object] | None) -> DirectoryRow:
        return DirectoryRow(kind="card", key=name, n=n, row=value)

    rows = [
        row(1, "gone before", None),
        row(2, keyed_digest("good", key), {"user": "a"}),
        DirectoryRow(kind="setting", key=CARD_KEY, n=3, row={"value": key.hex()}),
        row(4, "good", None),
        # its row under the key is at the site already
        row(5, "there", None),
        row(6, "lost", None),
        row(7, "gone", None),
        row(8, keyed_digest("lost", key), {"user": "a", "blocked": True}),
        row(9, keyed_digest("gone", key), None),
    ]
    first, last = delta(rows, epoch=1, since=0, upto=9, digest=None)
    assert (first.kind, [each.n for each in first.rows]) == ("revocations", [1, 3, 5, 6, 7, 8, 9])
    assert (last.kind, [each.n for each in last.rows]) == ("delta", list(range(1, 10)))
