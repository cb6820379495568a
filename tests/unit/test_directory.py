"""The directory's rows and digest: order is free, every difference shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broker import directory
from broker.directory import (
    CardRow,
    UserRow,
    card_digest,
    card_key,
    card_names,
    directory_digest,
    keyed_card,
    keyed_digest,
)
from broker.messages import DirectoryRow

if TYPE_CHECKING:
    from random import Random

#: Of user `ana` at 1 and tariff `7` at 2.
KNOWN = "a78450114ab9eba86d5831f4177a177e601beee64a76c12db6441c8a4b24074f"
kinds = st.sampled_from(sorted(directory.MODELS))
rows = st.dictionaries(
    st.tuples(kinds, st.text(min_size=1, max_size=8)), st.integers(1, 2**63 - 1), max_size=12
).map(lambda versions: [(kind, key, n) for (kind, key), n in versions.items()])


@given(rows, st.randoms(use_true_random=False))
def test_order_is_free(live: list[tuple[str, str, int]], random: Random) -> None:
    """Two replicas that applied the same rows in another order agree."""
    shuffled = list(live)
    random.shuffle(shuffled)
    assert directory_digest(live) == directory_digest(shuffled)


@given(rows.filter(bool), st.data())
def test_every_difference_shows(live: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """A row that is lost, stale, doubled, renamed or of another kind changes the digest."""
    at = data.draw(st.integers(0, len(live) - 1))
    kind, key, n = live[at]
    rest = live[:at] + live[at + 1 :]
    other = data.draw(kinds.filter(lambda each: each != kind))
    changed = [(kind, key, n + 1), (kind, key + "x", n), (other, key, n)]
    wrong = [rest, [*live, live[at]], *([*rest, row] for row in changed)]
    digest = directory_digest(live)
    assert digest not in {directory_digest(each) for each in wrong}


def test_parts_of_a_row_cannot_run_together() -> None:
    """A kind and key that read the same when joined are still two rows."""
    assert directory_digest([("user", "ana", 11)]) != directory_digest([("user", "ana1", 1)])
    assert directory_digest([("card", "x", 1)]) != directory_digest([("car", "dx", 1)])


def test_the_digest_is_the_same_for_ever() -> None:
    """Nodes a version apart compare digests: these two values never change."""
    assert directory_digest([]) == "0" * 64
    assert directory_digest([("user", "ana", 1), ("tariff", "7", 2)]) == KNOWN


def test_card_numbers_are_read_alike() -> None:
    """Case and outer blanks of a reader's answer do not matter, the number does."""
    assert card_digest(" 04a224ff\n") == card_digest("04A224FF")
    assert card_digest("04A224FE") != card_digest("04A224FF")
    assert "04A224FF" not in card_digest("04A224FF").upper()


def test_a_keyed_name_says_nothing_without_its_key() -> None:
    """It follows from the older digest, so no card is read anew; another key gives another name."""
    key, other = bytes(range(32)), bytes(32)
    names = card_names("04a224ff", key)
    assert names == (keyed_card("04A224FF ", key), card_digest("04A224FF"))
    assert names[0] == keyed_digest(card_digest("04A224FF"), key)
    assert names[0] not in {keyed_card("04A224FF", other), card_digest("04A224FF")}
    assert card_names("04a224ff", None) == (card_digest("04A224FF"),)


@pytest.mark.parametrize("value", ["", "x", "00" * 31, "00" * 33, "zz" * 32])
def test_what_is_no_key_is_none(value: str) -> None:
    """A setting that cannot be a card key leaves the plain digest in force."""
    assert card_key(value) is None
    assert card_key("0a" * 32) == b"\n" * 32


def test_a_card_says_why_it_identifies_nobody() -> None:
    """Blocked before expired; the moment it expires at is the first at which it is no good."""
    until = datetime(2027, 8, 1, tzinfo=UTC)
    before = until - timedelta(microseconds=1)
    card = CardRow(user="ana", expires_at=until)
    assert (card.trouble(before), card.trouble(until)) == (None, "expired")
    assert CardRow(user="ana", expires_at=until, blocked=True).trouble(until) == "blocked"
    assert CardRow(user="ana").trouble(until) is None


def test_every_kind_on_the_wire_has_a_model() -> None:
    """What a directory message may carry and what can be read are the same kinds."""
    kind = DirectoryRow.model_json_schema()["properties"]["kind"]
    assert set(kind["enum"]) == set(directory.MODELS)


def test_rows_ignore_what_a_later_version_adds() -> None:
    """A field nobody knows yet does not keep a person from printing."""
    assert UserRow.model_validate({"name": "ana", "shelf": 3}) == UserRow(name="ana")


def test_rows_are_frozen() -> None:
    """A row of the replica cannot be changed in passing."""
    with pytest.raises(ValidationError, match="frozen"):
        CardRow(user="ana").user = "ben"  # type: ignore[misc]
