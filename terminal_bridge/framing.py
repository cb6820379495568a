"""Finds the cards in what a reader sends, octet by octet; what is no card is dropped and counted.

Time is an argument: seconds on a clock that does not go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.terminal_settings import Checksum, FramingSettings


@dataclass(slots=True)
class Dropped:
    """What was thrown away since the start."""

    noise: int = 0
    """Octets outside any card."""
    halves: int = 0
    """Cards that began and did not end, or had another length."""
    oversized: int = 0
    """Cards longer than any."""
    checksums: int = 0
    """Cards whose checksum is wrong."""
    unreadable: int = 0
    """Whole frames that are no card number."""

    @property
    def total(self) -> int:
        """All of it, whatever its kind."""
        return self.noise + self.halves + self.oversized + self.checksums + self.unreadable


class Frames:
    """One reader's frames; keeps no more than one, and the same for any split of the octets."""

    def __init__(self, settings: FramingSettings, dropped: Dropped | None = None) -> None:
        self.dropped = Dropped() if dropped is None else dropped
        self._start = settings.start.encode("latin-1")
        self._ends = tuple(end.encode("latin-1") for end in settings.end)
        self._length = settings.length
        self._longest = max(settings.longest, settings.length or 0)
        self._gap = settings.gap.total_seconds()
        self._checksum: Checksum = settings.checksum
        self._held = bytearray()  # start included
        self._skipping = False  # the rest of one that was too long
        self._last = 0.0

    def feed(self, data: bytes, now: float) -> list[bytes]:
        """Take what arrived; return the payloads it completed, checked, checksum taken off."""
        found = self.silence(now)
        self._last = now
        for octet in data:
            self._held.append(octet)
            self._scan(found)
        return found

    def silence(self, now: float) -> list[bytes]:
        """Return what a silence up to `now` completed; half a card is dropped by it."""
        found: list[bytes] = []
        if now - self._last >= self._gap:
            if self._held and not self._ends and not self._length:
                self._take(bytes(self._held), found)
                self._held.clear()
            self.cut()
        return found

    def cut(self) -> None:
        """Drop half a card: what comes next is of another connection."""
        self.dropped.halves += bool(self._held) and not self._skipping
        self._held.clear()
        self._skipping = False

    def due(self) -> float | None:
        """Return when `silence` has something to say if nothing arrives; None: never."""
        return self._last + self._gap if self._held or self._skipping else None

    # ── one octet further ───────────────────────────────────────────────────────────────────

    def _scan(self, found: list[bytes]) -> None:
        """Look at what is held after one octet more."""
        while self._held and not self._started():
            self.dropped.noise += not self._skipping
            del self._held[0]
        if len(self._held) < len(self._start):
            return
        if self._start and self._length:
            self._fixed(found)
        elif self._ends:
            self._ended(found)
        elif self._length:
            if len(self._held) == self._length:
                self._take(bytes(self._held), found)
                self._held.clear()
        elif len(self._held) > self._longest:
            self._too_long()

    def _started(self) -> bool:
        """Tell whether what is held may be the beginning of a card."""
        return self._start[: len(self._held)] == self._held[: len(self._start)]

    def _fixed(self, found: list[bytes]) -> None:
        """A start and a length: the payload may hold any octet, so its end is looked for there."""
        begin, length = len(self._start), self._length or 0
        if len(self._held) < begin + length:
            return
        tail = bytes(self._held[begin + length :])
        if tail in self._ends or not self._ends:
            self._take(bytes(self._held[begin : begin + length]), found)
            self._held.clear()
        elif not any(end.startswith(tail) for end in self._ends):
            # half a card, and maybe the beginning of the next one within what is held
            self.dropped.halves += 1
            rest = bytes(self._held[1:])
            self._held.clear()
            for octet in rest:
                self._held.append(octet)
                self._scan(found)

    def _ended(self, found: list[bytes]) -> None:
        begin = len(self._start)
        if self._start and len(self._held) > begin and self._held.endswith(self._start):
            self.dropped.halves += not self._skipping
            self._skipping = False
            self._held = bytearray(self._start)
            return
        end = next((end for end in self._ends if self._held[begin:].endswith(end)), None)
        if end is not None:
            payload = bytes(self._held[begin : len(self._held) - len(end)])
            skipped, self._skipping = self._skipping, False
            self._held.clear()
            if skipped or not payload:
                return  # an empty line is nothing: \r\n where either ends a card
            if self._length and len(payload) != self._length:
                self.dropped.halves += 1
            else:
                self._take(payload, found)
        elif len(self._held) - begin > self._longest + max(map(len, self._ends)):
            self._too_long()

    def _too_long(self) -> None:
        """Drop it; its rest, up to its end, must not pass for a card."""
        self.dropped.oversized += not self._skipping
        self._skipping = True
        keep = max([len(self._start), *map(len, self._ends), 1]) - 1
        tail = self._held[len(self._held) - keep :]
        self._held = bytearray(self._start) + tail

    def _take(self, payload: bytes, found: list[bytes]) -> None:
        if self._skipping or len(payload) > self._longest:
            self.dropped.oversized += not self._skipping
            return
        checked = without_checksum(payload, self._checksum)
        if checked is None:
            self.dropped.checksums += 1
        else:
            found.append(checked)


def without_checksum(payload: bytes, kind: Checksum) -> bytes | None:
    """Take off a checksum that is right; None: it is wrong, or there is no room for one."""
    if kind == "none":
        return payload
    octets = payload
    if kind.startswith("hex-"):
        try:
            octets = bytes.fromhex(payload.decode("ascii"))
        except ValueError:
            return None
    if len(octets) <= 1:
        return None
    total = 0
    for octet in octets[:-1]:
        total = total ^ octet if kind.endswith("xor") else (total + octet) & 0xFF
    size = 2 if kind.startswith("hex-") else 1
    return payload[:-size] if total == octets[-1] else None
