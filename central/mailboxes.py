"""Mail that waits to be worked on: bounded, and fair between nodes; no node delays another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: Messages a node may have waiting; batches beyond it are sent again by their sender.
MOST_BATCHES: Final = 16
MOST_OTHERS: Final = 256
#: Batches taken of one node, and in all, in one round.
BATCHES_A_NODE: Final = 4
BATCHES_A_ROUND: Final = 8
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
    others: deque[Mail] = field(default_factory=deque)


class Mailboxes:
    """One box a node. A round takes a little of everybody's, questions before batches."""

    def __init__(self) -> None:
        self._boxes: dict[str, _Box] = {}

    def put(self, mail: Mail) -> bool:
        """Keep a message; return False when the box is full and it was dropped."""
        box = self._boxes.setdefault(mail.node, _Box())
        waiting, most = (box.batches, MOST_BATCHES) if mail.is_batch else (box.others, MOST_OTHERS)
        if len(waiting) >= most:
            return False
        waiting.append(mail)
        return True

    def take(self) -> list[Mail]:
        """Return the next round, oldest first within a node; nothing when all is empty."""
        others = self._turns("others", OTHERS_A_ROUND, OTHERS_A_ROUND)
        batches = self._turns("batches", BATCHES_A_NODE, BATCHES_A_ROUND)
        # who was served goes to the end of the row; empty boxes go
        for node in dict.fromkeys(mail.node for mail in batches or others):
            self._boxes[node] = self._boxes.pop(node)
        self._boxes = {n: box for n, box in self._boxes.items() if box.batches or box.others}
        return others + batches

    def clear(self) -> None:
        """Throw everything away: our link was cut, all of it will be sent again."""
        self._boxes.clear()

    def __len__(self) -> int:
        return sum(len(box.batches) + len(box.others) for box in self._boxes.values())

    def _turns(self, which: str, most_each: int, most: int) -> list[Mail]:
        taken: list[Mail] = []
        for _ in range(most_each):
            before = len(taken)
            for box in self._boxes.values():
                waiting: deque[Mail] = getattr(box, which)
                if waiting and len(taken) < most:
                    taken.append(waiting.popleft())
            if len(taken) == before:
                break
        return taken
