"""`printmesh terminal learn`: shows what a reader sends, guesses its settings and writes them.

It shows card numbers: it is for who sets a reader up, with cards of their own.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from rich.table import Table

from config.errors import PrintmeshError
from config.terminal_settings import FramingSettings, ReaderSettings
from terminal_bridge.guessing import Guess, framing_of, making_of, numbers_of
from terminal_bridge.reader_text import reader_text, with_reader
from terminal_bridge.readers import source_of
from terminal_bridge.readers.listening import SourceLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from config.terminal_settings import NumberSettings
    from terminal_bridge.readers.listening import Source

#: Seconds of silence that end a swipe.
_SILENCE: Final = 0.3
_SHOWN: Final = 12


class Tape:
    """A `Hearer` that keeps what it hears for another thread."""

    def __init__(self) -> None:
        self.heard: queue.Queue[bytes | Exception] = queue.Queue(maxsize=4096)

    def opened(self) -> None:
        """The reader is heard."""

    def octets(self, data: bytes) -> None:
        """It sent something."""
        if data:
            self._put(data)

    def silence(self) -> None:
        """It sent nothing."""

    def card(self, payload: bytes) -> None:
        """It told of a whole card: a swipe of its own."""
        self._put(payload)

    def gone(self) -> None:
        """The card left it."""

    def _put(self, what: bytes) -> None:
        try:
            self.heard.put_nowait(what)
        except queue.Full:  # a flood is no card; what was heard first is enough to see that
            return

    def run(self, source: Source, stop: threading.Event) -> None:
        """Listen until `stop`; what goes wrong is heard too."""
        try:
            source.listen(self, stop)
        except (SourceLostError, PrintmeshError) as error:
            self.heard.put(error)


def learn(
    console: Console,
    *,
    kind: str,
    device: str,
    speed: int = 9600,
    cards: int = 3,
    seconds: float = 60.0,
    number: str | None = None,
    place: tuple[Path, str] | None = None,
    write: bool = False,
) -> ReaderSettings:
    """Show what a card reader sends, and find the settings that read it.

    Args:
        console: where it is shown.
        kind: `serial`, `keyboard` or `pcsc`.
        device: as in the reader's settings.
        speed: bits a second.
        cards: swipes to wait for.
        seconds: how long, at most.
        number: what the first card is known by; None: the simplest way to make one.
        place: file of the settings and id of the terminal in it.
        write: put what was found there; False: show it only.

    Raises:
        PrintmeshError: nothing was heard, or nothing explains it, or it cannot be put there.
    """
    settings = _settings(kind=kind, device=device, speed=speed)
    console.print(f"Listening. Hold {cards} cards against the reader, or one {cards} times.")
    bursts = []
    for swipe in _heard(settings, cards, seconds):
        bursts.append(swipe)
        console.print(f"  {swipe.hex(' ')}   {_visible(swipe)}", markup=False, soft_wrap=True)
    if not bursts:
        raise PrintmeshError(f"nothing was heard in {seconds:g} s")
    guess = _guess(kind, tuple(bursts))
    if guess is None:
        raise PrintmeshError("no framing explains all swipes; see the octets above, and speed")
    making = making_of(guess.payloads[0], number) if number else None
    found = _with_number(settings, guess, making)
    _tell(console, guess, choose=making is None)
    text = reader_text(found)
    console.print("\n" + text, markup=False, soft_wrap=True)
    if number is not None and making is None:
        raise PrintmeshError(f"nothing makes {number} of what was sent; the framing is as above")
    if place is not None:
        path, terminal = place
        try:
            new = with_reader(path.read_text(encoding="utf-8"), terminal, found)
            if write:
                _replace(path, new)
        except (OSError, UnicodeDecodeError) as error:
            raise PrintmeshError(f"{path}: {error}") from error
        said = f"written to {path}" if write else f"not written; --write puts it into {path}"
        console.print(said, markup=False, soft_wrap=True)
    return found


def _settings(**given: Any) -> ReaderSettings:  # noqa: ANN401  what was typed
    # until it is known how a frame ends, a silence ends it
    framing = {"end": [], "gap": f"{int(_SILENCE * 1000)}ms"}
    try:
        return ReaderSettings.model_validate({**given, "framing": framing})
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise PrintmeshError(f"expected {said}") from error


def _heard(settings: ReaderSettings, cards: int, seconds: float) -> Iterator[bytes]:
    """Yield swipes, each ended by a silence, until there are so many or the time is up."""
    source = source_of(settings)
    source.prepare()
    tape, stop = Tape(), threading.Event()
    thread = threading.Thread(target=tape.run, args=(source, stop), name="reader", daemon=True)
    thread.start()
    ends = time.monotonic() + seconds
    swipe = bytearray()
    try:
        while cards and (left := ends - time.monotonic()) > 0:
            try:
                heard = tape.heard.get(timeout=min(left, _SILENCE) if swipe else left)
            except queue.Empty:
                if swipe:
                    cards -= 1
                    yield bytes(swipe)
                    swipe.clear()
                continue
            if isinstance(heard, Exception):
                raise PrintmeshError(str(heard)) from heard
            swipe += heard
        if swipe:
            yield bytes(swipe)
    finally:
        stop.set()
        thread.join()


def _guess(kind: str, bursts: tuple[bytes, ...]) -> Guess | None:
    return Guess(FramingSettings(), bursts) if kind == "pcsc" else framing_of(bursts)


def _with_number(
    settings: ReaderSettings, guess: Guess, making: NumberSettings | None
) -> ReaderSettings:
    """Return what was found; without a number to look for, the simplest way to make one."""
    simplest = next((way for way, _ in numbers_of(guess.payloads[0])), settings.number)
    return settings.model_copy(update={"framing": guess.framing, "number": making or simplest})


def _tell(console: Console, guess: Guess, *, choose: bool) -> None:
    """Say what was found, and what else the first card could be."""
    framing = guess.framing
    parts = [
        f"start {framing.start.encode('latin-1').hex(' ')}" if framing.start else "no start",
        f"end {' or '.join(end.encode('latin-1').hex(' ') for end in framing.end)}"
        if framing.end
        else "no end",
        f"{framing.length} octets" if framing.length else "any length",
        f"checksum {framing.checksum}",
    ]
    console.print(f"\n{len(guess.payloads)} swipes. Framing: {', '.join(parts)}.", markup=False)
    if not choose:
        return
    table = Table("The first card could be", "by", box=None, pad_edge=False)
    for (way, number), _ in zip(numbers_of(guess.payloads[0]), range(_SHOWN), strict=False):
        given = way.model_dump(exclude_defaults=True) or {"read": "text"}
        table.add_row(number, ", ".join(f"{key} = {value}" for key, value in given.items()))
    console.print(table)
    console.print("Give the number that is known of the first card by --number to choose.")


def _visible(data: bytes) -> str:
    return "".join(chr(octet) if chr(octet).isascii() and chr(octet).isprintable() else "·"
                   for octet in data)  # fmt: skip


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of the old one at once, with its rights."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            Path(file.name).chmod(path.stat().st_mode & 0o777)
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
