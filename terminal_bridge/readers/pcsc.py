"""Smart card readers of PC/SC: the UID of a contactless card, and when it leaves; by pyscard.

Asked by FF CA 00 00 00, Get Data (PC/SC part 3, 3.2.2.1.3): the answer is the UID, then 90 00.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from terminal_bridge.drivers import driver
from terminal_bridge.readers.listening import SourceLostError

if TYPE_CHECKING:
    import threading

    from config.terminal_settings import ReaderSettings
    from terminal_bridge.readers.listening import Hearer

_GET_UID: Final = [0xFF, 0xCA, 0x00, 0x00, 0x00]
_FINE: Final = [0x90, 0x00]
#: Milliseconds that a question for news waits; the longest that an end of listening takes.
_WAIT: Final = 250


class PcscSource:
    """One reader, by a part of its name; looked for anew by each `listen`.

    A card that lies there when listening begins is not read: it may lie there since yesterday.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        self._wanted = settings.device
        self._lib: Any = None  # no types; what is used of it is in the fake of the tests as well

    def prepare(self) -> None:
        """Import pyscard; raises DriverMissingError."""
        self._lib = driver("smartcard.scard", extra="pcsc")

    def listen(self, hearer: Hearer, stop: threading.Event) -> None:
        """Watch the reader and tell of cards until `stop`; raises SourceLostError."""
        if self._lib is None:
            self.prepare()
        lib = self._lib
        context = self._asked("PC/SC", lib.SCardEstablishContext(lib.SCARD_SCOPE_USER))
        try:
            self._watch(context, self._reader(context), hearer, stop)
        finally:
            lib.SCardReleaseContext(context)

    def _reader(self, context: int) -> str:
        found = self._asked("readers", self._lib.SCardListReaders(context, []))
        names = [str(name) for name in found or [] if self._wanted.lower() in str(name).lower()]
        if not names:
            there = ", ".join(map(str, found or [])) or "none"
            raise SourceLostError(f"there is no reader {self._wanted!r}; there are: {there}")
        return names[0]

    def _watch(self, context: int, name: str, hearer: Hearer, stop: threading.Event) -> None:
        lib = self._lib
        state = lib.SCARD_STATE_UNAWARE
        known = False
        lay = False
        while not stop.is_set():
            status, news = lib.SCardGetStatusChange(context, _WAIT, [(name, state)])
            if status == lib.SCARD_E_TIMEOUT:
                continue
            _, state, _ = self._asked(name, (status, news))[0]
            if state & (lib.SCARD_STATE_UNKNOWN | lib.SCARD_STATE_UNAVAILABLE):
                raise SourceLostError(f"{name} is gone")
            state &= ~lib.SCARD_STATE_CHANGED
            lies = bool(state & lib.SCARD_STATE_PRESENT)
            if not known:
                known = True
                hearer.opened()
            elif lies and not lay:
                uid = self._uid(context, name)
                # nothing: a card that answers no UID is noise
                hearer.card(uid.hex().encode("ascii"))
            elif lay and not lies:
                hearer.gone()
            lay = lies

    def _uid(self, context: int, name: str) -> bytes:
        """Ask the card; empty: it left already, or it has none."""
        lib = self._lib
        either = lib.SCARD_PROTOCOL_T0 | lib.SCARD_PROTOCOL_T1
        status, card, protocol = lib.SCardConnect(context, name, lib.SCARD_SHARE_SHARED, either)
        if status != lib.SCARD_S_SUCCESS:
            return b""
        try:
            header = lib.SCARD_PCI_T0 if protocol == lib.SCARD_PROTOCOL_T0 else lib.SCARD_PCI_T1
            status, answer = lib.SCardTransmit(card, header, _GET_UID)
        finally:
            lib.SCardDisconnect(card, lib.SCARD_LEAVE_CARD)
        if status != lib.SCARD_S_SUCCESS or answer[-2:] != _FINE:
            return b""
        return bytes(octet & 0xFF for octet in answer[:-2])

    def _asked(self, what: str, answer: tuple[int, Any]) -> Any:  # noqa: ANN401  the library's
        status, value = answer
        if status != self._lib.SCARD_S_SUCCESS:
            said = self._lib.SCardGetErrorMessage(status)
            raise SourceLostError(f"{what}: {said}")
        return value
