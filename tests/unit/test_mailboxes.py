"""Promises of central.mailboxes: bounded, fair, questions first, order kept within a node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.stream_outbound import Pace
from central.mailboxes import (
    BYTES_A_NODE,
    BYTES_A_ROUND,
    MOST_BATCH_BYTES,
    MOST_BATCHES,
    MOST_OTHERS,
    Mail,
    Mailboxes,
)


def batch(node: str, size: int = 100) -> Mail:
    """Return a piece of a stream."""
    return Mail(node, f"pm/v1/up/{node}/log/ledger", bytes(size))


def question(node: str) -> Mail:
    """Return a question."""
    return Mail(node, f"pm/v1/up/{node}/req/funds", b"?")


def test_a_question_overtakes_a_backlog() -> None:
    """The first round after a question has it first, whatever waits, of whomever."""
    boxes = Mailboxes()
    for _ in range(MOST_BATCHES):
        boxes.put(batch("north", 10_000))
    boxes.put(question("south"))
    boxes.put(question("north"))
    assert [mail.node for mail in boxes.take()[:2]] == ["north", "south"]


def test_one_nodes_backlog_leaves_room_for_the_others() -> None:
    """Everybody with a batch is served within two rounds of a full backlog elsewhere."""
    boxes = Mailboxes()
    for _ in range(100):
        boxes.put(batch("north", 60_000))
    boxes.put(batch("south"))
    boxes.put(batch("west"))
    served = [mail.node for mail in boxes.take() + boxes.take()]
    assert {"south", "west"} <= set(served)


def test_a_node_takes_the_room_that_nobody_else_needs() -> None:
    """A round is filled by one backlog if nothing else waits, and never past its bound."""
    size = 45_000
    boxes = Mailboxes()
    for _ in range(20):
        boxes.put(batch("north", size))
    assert len(boxes.take()) == BYTES_A_ROUND // size
    boxes.put(batch("south"))
    taken = boxes.take()
    assert sum(mail.node == "north" for mail in taken) == (BYTES_A_ROUND - 100) // size
    assert sum(mail.node == "south" for mail in taken) == 1


def test_two_backlogs_share_a_round() -> None:
    """Nobody takes of another's part: only what all have left over is handed out."""
    size = BYTES_A_NODE // 4
    boxes = Mailboxes()
    for _ in range(20):
        boxes.put(batch("north", size))
        boxes.put(batch("south", size))
    taken = [mail.node for mail in boxes.take()]
    assert taken.count("north") == taken.count("south") == 4


def test_a_box_holds_a_whole_window() -> None:
    """What a sender may have under way is kept, even with an event a message."""
    boxes = Mailboxes()
    assert all(boxes.put(batch("north")) for _ in range(Pace().window))


def test_a_box_is_bounded() -> None:
    """Beyond its bounds mail is dropped and the sender told nothing; others are not touched."""
    boxes = Mailboxes()
    assert all(boxes.put(batch("north")) for _ in range(MOST_BATCHES))
    assert not boxes.put(batch("north"))
    assert all(boxes.put(question("north")) for _ in range(MOST_OTHERS))
    assert not boxes.put(question("north"))
    assert boxes.put(batch("south"))
    assert boxes.put(batch("south", MOST_BATCH_BYTES - 100))
    assert not boxes.put(batch("south", 1))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 2 * BYTES_A_ROUND)),
        max_size=60,
    )
)
def test_everything_kept_is_taken_once_and_in_order(sent: list[tuple[str, bool, int]]) -> None:
    """Rounds end, and each node's batches and questions come out as they went in."""
    boxes = Mailboxes()
    kept: list[Mail] = []
    for node, is_batch, size in sent:
        mail = batch(node, size) if is_batch else question(node)
        if boxes.put(mail):
            kept.append(mail)
    taken: list[Mail] = []
    while boxes:
        taken += boxes.take()
    assert boxes.take() == []
    for node in "abc":
        for is_batch in (True, False):
            mine = [m for m in kept if m.node == node and m.is_batch is is_batch]
            assert mine == [m for m in taken if m.node == node and m.is_batch is is_batch]
