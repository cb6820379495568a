"""The pop-up's windows and its icon in the tray: the one room that knows Qt.

Whatever comes from outside is shown as plain text. `show` and `tell` may be called from any thread;
everything else runs in Qt's.
"""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QObject, QSocketNotifier, Qt, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from terminal_bridge.popup.windows.asking import Asking
from terminal_bridge.popup.windows.overview import Overview
from terminal_bridge.popup.windows.tray import Tray
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminal_bridge.popup.states import Wanted
    from terminal_bridge.popup.views import NoteLine, View


class Windows(QObject):
    """The window with jobs and balance, the window that asks, the icon in the tray."""

    _shown = Signal(object)
    _told = Signal(object, int)

    def __init__(self, wanted: Callable[[Wanted], None], *, notes: bool, visible: bool) -> None:
        """Make them; a `QApplication` is there already.

        Args:
            wanted: told what the person wants.
            notes: tell what happens at the tray.
            visible: begin with the window open, also where there is a tray.
        """
        super().__init__()
        self._notes = notes
        tray = QSystemTrayIcon.isSystemTrayAvailable()
        self.overview = Overview(wanted, tray=tray)
        self.asking = Asking(wanted)
        self.tray = Tray(self.overview) if tray else None
        self._language = ""
        # from another thread both wait in Qt's queue until Qt's own thread takes them
        self._shown.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._told.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        if visible or self.tray is None:
            self.overview.show()

    def show(self, view: View) -> None:
        """Show how things are; from any thread."""
        self._shown.emit(view)

    def tell(self, note: NoteLine, more: int) -> None:
        """Tell a note at the tray; from any thread."""
        self._told.emit(note, more)

    def _show(self, view: View) -> None:
        if view.language != self._language:
            self._language = view.language
            words = words_of(view.language)
            self.overview.speak(words)
            self.asking.speak(words)
            if self.tray is not None:
                self.tray.speak(words)
        self.overview.draw(view)
        self.asking.draw(view.question)
        if self.tray is not None:
            self.tray.draw(view)

    def _tell(self, note: NoteLine, more: int) -> None:
        if self.tray is not None and self._notes:
            self.tray.tell(note, more, words_of(self._language))


def application() -> QApplication:
    """Make Qt's application, or return the one there is; windows that are closed do not end it."""
    there = QApplication.instance()
    app = there if isinstance(there, QApplication) else QApplication(["printmesh"])
    app.setApplicationName("Printmesh")
    app.setQuitOnLastWindowClosed(False)
    return app


def serve(app: QApplication) -> int:
    """Run Qt until it ends, also by SIGTERM or SIGINT; return its exit status."""
    # Python's handlers run between its instructions only; a byte on a socket wakes Qt for it
    near, far = socket.socketpair()
    near.setblocking(False)  # noqa: FBT003  as in socket
    far.setblocking(False)  # noqa: FBT003  as in socket
    before = signal.set_wakeup_fd(far.fileno())
    notifier = QSocketNotifier(near.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: near.recv(64))
    # `quit` asks each window first, and one with an open question never says yes
    handlers = {
        number: signal.signal(number, lambda *_: app.exit())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        return app.exec()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        notifier.setEnabled(False)
        near.close()
        far.close()


def desktop_language() -> str:
    """Return the desktop's language, ISO 639-1."""
    return QLocale.system().name()[:2]
