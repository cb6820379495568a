"""The window that asks about one job; closing it leaves the job held."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal_bridge.popup.states import Chosen, Later, Throw, Yes
from terminal_bridge.popup.windows.parts import (
    SHAPES,
    STYLE,
    confirm_throw,
    fill,
    icon_of,
    label_of,
    put,
)
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminal_bridge.popup.states import Wanted
    from terminal_bridge.popup.views import QuestionView
    from terminal_bridge.words import Words

_MINUTE: Final = 60
_WIDTH: Final = 440


class Asking(QWidget):
    """The window that asks; closing it leaves the job held."""

    def __init__(self, wanted: Callable[[Wanted], None]) -> None:
        super().__init__(None, Qt.WindowType.WindowStaysOnTopHint)
        self._wanted = wanted
        self._say = words_of(None).gettext
        self._view: QuestionView | None = None
        self.setWindowIcon(icon_of("waiting"))
        self.setStyleSheet(STYLE)
        self._title, self._name, self._text = label_of("head"), label_of("name"), label_of("ask")
        self._trouble, self._busy, self._left = label_of(), label_of("quiet"), label_of("quiet")
        self._facts = QFormLayout()
        self._facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._shown_facts: tuple[tuple[str, str], ...] = ()
        self._reasons = label_of("quiet")
        self.printers, self.accounts = QComboBox(), QComboBox()
        self._where, self._what = label_of(), label_of()
        for box, label in ((self.printers, self._where), (self.accounts, self._what)):
            label.setBuddy(box)
            box.activated.connect(self._choose)
        self.yes, self.later, self.throw = QPushButton(), QPushButton(), QPushButton()
        self.yes.setObjectName("main")
        self.yes.clicked.connect(lambda: self._want(Yes))
        self.later.clicked.connect(lambda: self._want(Later))
        self.throw.clicked.connect(self._throw)
        escape = QAction(self)
        escape.setShortcut(QKeySequence(Qt.Key.Key_Escape))
        escape.triggered.connect(lambda: self._want(Later))
        self.addAction(escape)
        buttons = QHBoxLayout()
        buttons.addWidget(self.throw)
        buttons.addStretch(1)
        buttons.addWidget(self.later)
        buttons.addWidget(self.yes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for part in (self._title, self._name, self._text):
            layout.addWidget(part)
        layout.addLayout(self._facts)
        for each in (
            self._reasons, self._where, self.printers, self._what, self.accounts, self._trouble,
            self._busy,
        ):  # fmt: skip
            layout.addWidget(each)
        layout.addStretch(1)
        layout.addLayout(buttons)
        layout.addWidget(self._left)
        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._count_down)

    def speak(self, words: Words) -> None:
        """Use another language."""
        self._say = say = words.gettext
        self.setWindowTitle(say("Printmesh asks"))
        self._where.setText(say("Print at"))
        self._what.setText(say("Charge"))
        self.yes.setText(say("Print"))
        self.later.setText(say("Leave it held"))
        self.throw.setText(say("Throw away"))

    def draw(self, view: QuestionView | None) -> None:
        """Show the question in front; a new one comes to the top."""
        before, self._view = self._view, view
        if view is None:
            self._tick.stop()
            self.hide()
            return
        put(self._title, view.title)
        put(self._name, view.name)
        put(self._text, view.text)
        put(self._reasons, "\n".join(view.reasons))
        put(self._trouble, f"{SHAPES['trouble']} {view.trouble}" if view.trouble else "")
        put(self._busy, view.busy)
        self._draw_facts(view.facts)
        fill(self.printers, self._where, view.printers, view.printer)
        fill(self.accounts, self._what, view.accounts, view.account)
        free = not view.busy
        self.yes.setEnabled(view.ready)
        for each in (self.later, self.throw, self.printers, self.accounts):
            each.setEnabled(free)
        self._count_down()
        if before is None or before.job != view.job:
            self._tick.start()
            self.resize(0, 0)
            self._fit()
            self.show()
            self.raise_()
            self.activateWindow()
            # what costs money is not one careless key away
            self.later.setFocus()
        else:
            self._fit()

    def _fit(self) -> None:
        """Be as large as what is in it wants, and never smaller than before: nothing moves."""
        layout = self.layout()
        if layout is None:
            return
        layout.activate()
        width = max(_WIDTH, self.width(), layout.totalMinimumSize().width())
        self.resize(width, max(self.height(), layout.totalHeightForWidth(width)))

    def _draw_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        if facts == self._shown_facts:
            return
        self._shown_facts = facts
        while self._facts.rowCount():
            self._facts.removeRow(0)
        for label, value in facts:
            self._facts.addRow(label_of("quiet", label), label_of("name", value))

    def _count_down(self) -> None:
        view = self._view
        if view is None:
            return
        told = [view.more]
        if view.until is not None:
            rest = max(0, round(view.until - time.monotonic()))
            left = f"{rest // _MINUTE}:{rest % _MINUTE:02d}"
            told.insert(0, self._say("Closes in %(time)s; it stays held then.") % {"time": left})
        put(self._left, " ".join(filter(None, told)))

    def _choose(self) -> None:
        if self._view is None:
            return
        printer, account = self.printers.currentData(), self.accounts.currentData()
        self._wanted(Chosen(self._view.job, printer or None, account or None))

    def _throw(self) -> None:
        if self._view is not None:
            confirm_throw(self, self._say, self._view.name, lambda: self._want(Throw))

    def _want(self, what: type[Yes | Later | Throw]) -> None:
        if self._view is None or self._view.busy:
            return
        for each in (self.yes, self.later, self.throw):
            each.setEnabled(False)  # until the answer is seen, nothing is pressed twice
        self._wanted(what(self._view.job))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  Qt's name
        """Closing it is no answer: the job stays held."""
        event.ignore()
        self._want(Later)
