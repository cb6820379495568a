"""Mail that waits to be worked on: bounded, and fair between nodes; no node delays another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: Messages a node may have waiting: more than its window of events, one a message. Beyond it
#: they are dropped, and batches are sent again by their sender.
MOST_BATCHES: Final = 1024
MOST_BATCH_BYTES: Final = 8 * 1024 * 1024
MOST_OTHERS: Final = 256
#: What is taken of one node while others wait, and in all, in one round: some 20 ms of work.
BYTES_A_NODE: Final = 160 * 1024
BYTES_A_ROUND: Final = 320 * 1024
OTHERS_A_ROUND: Final = 64

_LOG_LEVEL: Final = 4
_LOG: Final = "log"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it came."""

    node: str
    """Who sent it: the topic's level, which the broker has checked."""
    topic: str
    """The whole topic."""
    payload: bytes
    """Not read yet."""

    @property
    def is_batch(self) -> bool:
        """Whether it is part of a stream, which may wait a little; the rest goes first."""
        levels = self.topic.split("/", _LOG_LEVEL + 1)
        return len(levels) > _LOG_LEVEL and levels[_LOG_LEVEL] == _LOG


@dataclass(slots=True)
class _Box:
    batches: deque[Mail] = field(default_factory=deque)
    batch_bytes: int = 0
    others: deque[Mail] = field(default_factory=deque)

    def put(self, mail: Mail) -> bool:
        if not mail.is_batch:
            if len(self.others) >= MOST_OTHERS:
                return False
            self.others.append(mail)
            return True
        size = len(mail.payload)
        if len(self.batches) >= MOST_BATCHES or self.batch_bytes + size > MOST_BATCH_BYTES:
            return False
        self.batches.append(mail)
        self.batch_bytes += size
        return True

    def take_batches(self, most: int, *, least: int = 0) -> list[Mail]:
        """Take batches of so many bytes, but at least so many batches, if there are any."""
        taken: list[Mail] = []
        room = most
        while self.batches and (len(taken) < least or len(self.batches[0].payload) <= room):
            mail = self.batches.popleft()
            taken.append(mail)
            room -= len(mail.payload)
            self.batch_bytes -= len(mail.payload)
        return taken


class Mailboxes:
    """One box a node. A round takes a little of everybody's, questions before batches."""

    def __init__(self) -> None:
        self._boxes: dict[str, _Box] = {}

    def put(self, mail: Mail) -> bool:
        """Keep a message; return False when the box is full and it was dropped."""
        return self._boxes.setdefault(mail.node, _Box()).put(mail)

    def take(self) -> list[Mail]:
        """Return the next round, oldest first within a node; nothing when all is empty."""
        others = self._others()
        batches: list[Mail] = []
        room = BYTES_A_ROUND
        served: list[_Box] = []
        for node, box in list(self._boxes.items()):
            if room <= 0:
                break
            taken = box.take_batches(min(BYTES_A_NODE, room), least=1)
            room -= sum(len(mail.payload) for mail in taken)
            batches += taken
            served.append(box)
            # who was served goes to the end of the row
            self._boxes[node] = self._boxes.pop(node)
        # a round costs some ms however little it takes in: what nobody else needs is used
        for box in served:
            more = box.take_batches(room)
            room -= sum(len(mail.payload) for mail in more)
            batches += more
        self._boxes = {n: box for n, box in self._boxes.items() if box.batches or box.others}
        return others + batches

    def clear(self) -> None:
        """Throw everything away: our link was cut, all of it will be sent again."""
        self._boxes.clear()

    def __len__(self) -> int:
        return sum(len(box.batches) + len(box.others) for box in self._boxes.values())

    def _others(self) -> list[Mail]:
        """Take one of everybody, then another, until there is enough."""
        taken: list[Mail] = []
        waiting = [box.others for box in self._boxes.values() if box.others]
        while waiting and len(taken) < OTHERS_A_ROUND:
            taken.extend([others.popleft() for others in waiting])
            waiting = [others for others in waiting if others]
        return taken
