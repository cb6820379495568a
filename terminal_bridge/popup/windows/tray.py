"""The pop-up's icon in the tray: a menu, the balance as its tip, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from terminal_bridge.popup.views import harmless
from terminal_bridge.popup.windows.parts import icon_of

if TYPE_CHECKING:
    from terminal_bridge.popup.views import NoteLine, View
    from terminal_bridge.popup.windows.overview import Overview
    from terminal_bridge.words import Words

_NOTE_MILLISECONDS: Final = 8000


class Tray(QObject):
    """The icon in the tray: a menu, the balance as its tip, notes."""

    def __init__(self, overview: Overview) -> None:
        super().__init__()
        self._overview = overview
        self._tone = ""
        self._menu = QMenu()
        self._open, self._end = QAction(self._menu), QAction(self._menu)
        self._menu.addAction(self._open)
        self._menu.addAction(self._end)
        self._open.triggered.connect(self._show)
        self._end.triggered.connect(QApplication.quit)
        self.icon = QSystemTrayIcon(icon_of("unknown"))
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._pressed)
        self.icon.messageClicked.connect(self._show)
        self.icon.show()

    def speak(self, words: Words) -> None:
        """Use another language."""
        self._open.setText(words.gettext("Jobs and balance"))
        self._end.setText(words.gettext("End Printmesh"))

    def draw(self, view: View) -> None:
        """Show how things are."""
        if view.tone != self._tone:
            self._tone = view.tone
            self.icon.setIcon(icon_of(view.tone))
        self.icon.setToolTip(view.tip)

    def tell(self, note: NoteLine, more: int, words: Words) -> None:
        """Show a note; those that came in the same moments are counted."""
        rest = words.ngettext("and %(num)s more note", "and %(num)s more notes", more)
        text = "\n".join(filter(None, (note.text, rest % {"num": more} if more else "")))
        kind = QSystemTrayIcon.MessageIcon
        icon = kind.Warning if note.tone == "trouble" else kind.Information
        self.icon.showMessage(harmless(note.title), harmless(text), icon, _NOTE_MILLISECONDS)

    def _pressed(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {
            QSystemTrayIcon.ActivationReason.Trigger,
            QSystemTrayIcon.ActivationReason.DoubleClick,
        }:
            self._show()

    def _show(self) -> None:
        self._overview.showNormal()
        self._overview.raise_()
        self._overview.activateWindow()
