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
#: Devices of which a node may have a state waiting; of each the newest only.
MOST_STATES: Final = 2000
MOST_STATE_BYTES: Final = 16 * 1024 * 1024
#: What is taken of one node while others wait, and in all, in one round: some 20 ms of work.
BYTES_A_NODE: Final = 160 * 1024
BYTES_A_ROUND: Final = 320 * 1024
OTHERS_A_ROUND: Final = 64

_KIND_LEVEL: Final = 4
_LOG: Final = "log"
_DEVICE: Final = "dev"


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
    def kind(self) -> str:
        """The level that says what it is: `log` of a batch, `dev` of a device's state."""
        levels = self.topic.split("/", _KIND_LEVEL + 1)
        return levels[_KIND_LEVEL] if len(levels) > _KIND_LEVEL else ""

    @property
    def is_batch(self) -> bool:
        """Whether it is part of a stream, which may wait a little; the rest goes first."""
        return self.kind == _LOG


@dataclass(slots=True)
class _Box:
    batches: deque[Mail] = field(default_factory=deque)
    batch_bytes: int = 0
    others: deque[Mail] = field(default_factory=deque)
    states: dict[str, Mail] = field(default_factory=dict)
    state_bytes: int = 0

    def put(self, mail: Mail) -> bool:
        kind = mail.kind
        if kind == _DEVICE:
            return self._put_state(mail)
        if kind != _LOG:
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

    def _put_state(self, mail: Mail) -> bool:
        """Keep the newest state of a device: those before are superfluous."""
        before = self.states.get(mail.topic)
        size = self.state_bytes + len(mail.payload) - (len(before.payload) if before else 0)
        if (before is None and len(self.states) >= MOST_STATES) or size > MOST_STATE_BYTES:
            return False
        self.states[mail.topic] = mail
        self.state_bytes = size
        return True

    def take_state(self) -> Mail:
        """Take the state that waits longest."""
        mail = self.states.pop(next(iter(self.states)))
        self.state_bytes -= len(mail.payload)
        return mail

    def __len__(self) -> int:
        return len(self.batches) + len(self.others) + len(self.states)

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
        states = self._states(OTHERS_A_ROUND - len(others))
        self._boxes = {n: box for n, box in self._boxes.items() if len(box)}
        return others + states + batches

    def clear(self) -> None:
        """Throw everything away: our link was cut, all of it will be sent again."""
        self._boxes.clear()

    def __len__(self) -> int:
        return sum(map(len, self._boxes.values()))

    def _states(self, most: int) -> list[Mail]:
        """Take states of devices as far as questions leave room, one of everybody in turn."""
        taken: list[Mail] = []
        waiting = [box for box in self._boxes.values() if box.states]
        while waiting and len(taken) < most:
            taken.extend([box.take_state() for box in waiting])
            waiting = [box for box in waiting if box.states]
        return taken

    def _others(self) -> list[Mail]:
        """Take one of everybody, then another, until there is enough."""
        taken: list[Mail] = []
        waiting = [box.others for box in self._boxes.values() if box.others]
        while waiting and len(taken) < OTHERS_A_ROUND:
            taken.extend([others.popleft() for others in waiting])
            waiting = [others for others in waiting if others]
        return taken
