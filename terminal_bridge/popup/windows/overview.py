"""The window with the balance, the state of the line, the jobs that wait and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from terminal_bridge.popup.states import Opened, Throw
from terminal_bridge.popup.windows.parts import SHAPES, STYLE, confirm_throw, icon_of, label_of, put
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from PySide6.QtGui import QCloseEvent

    from terminal_bridge.popup.states import Wanted
    from terminal_bridge.popup.views import JobLine, View
    from terminal_bridge.words import Words

_GAP: Final = 12
_NOTES_SHOWN: Final = 6


class Overview(QWidget):
    """Balance, state of the line, jobs that wait, what happened."""

    def __init__(self, wanted: Callable[[Wanted], None], *, tray: bool) -> None:
        super().__init__()
        self._wanted = wanted
        self._tray = tray
        self._say = words_of(None).gettext
        self._rows: dict[UUID, JobRow] = {}
        self.setWindowIcon(icon_of("good"))
        self.setStyleSheet(STYLE)
        line = self.fontMetrics().height()
        self.resize(30 * line, 40 * line)
        self._person, self._balances = label_of("head"), label_of()
        self._status, self._detail = label_of(), label_of("quiet")
        self._alone = label_of("quiet")
        self._jobs_head, self._notes_head = label_of("name"), label_of("name")
        self._empty, self._more, self._happened = label_of("quiet"), label_of("quiet"), label_of()
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(8)
        self._list.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(6)
        for each in (self._person, self._balances, self._status, self._detail, self._jobs_head):
            layout.addWidget(each)
        layout.addWidget(self._empty)
        layout.addWidget(scroll, 1)
        for each in (self._more, self._notes_head, self._happened, self._alone):
            layout.addWidget(each)

    def speak(self, words: Words) -> None:
        """Use another language."""
        self._say = say = words.gettext
        self.setWindowTitle("Printmesh")
        self._jobs_head.setText(say("Jobs that wait for you"))
        self._notes_head.setText(say("What happened"))
        without = say("This desktop has no tray. Closing this window ends Printmesh; minimise it.")
        self._alone.setText("" if self._tray else without)
        self._alone.setVisible(not self._tray)
        for row in self._rows.values():
            row.speak(words)

    def draw(self, view: View) -> None:
        """Show; what stays the same stays where it is."""
        put(self._person, view.person or "Printmesh")
        lines = [
            f"{each.label}: {each.amount}{f' ({each.elsewhere})' if each.elsewhere else ''}"
            for each in view.balances
        ]
        put(self._balances, "\n".join(lines))
        put(self._status, f"{SHAPES[view.tone]} {view.status}")
        put(self._detail, view.detail)
        put(self._empty, view.empty)
        put(self._more, view.more)
        told = [
            f"{each.time}  {SHAPES[each.tone]} {each.title}{': ' if each.text else ''}{each.text}"
            for each in view.notes[:_NOTES_SHOWN]
        ]
        put(self._happened, "\n".join(told))
        self._notes_head.setVisible(bool(told))
        self._draw_jobs(view)

    def _draw_jobs(self, view: View) -> None:
        there = {each.job for each in view.jobs}
        for gone in [job for job in self._rows if job not in there]:
            row = self._rows.pop(gone)
            self._list.removeWidget(row)
            row.deleteLater()
        for place, line in enumerate(view.jobs):
            shown = self._rows.get(line.job)
            if shown is None:
                shown = self._rows[line.job] = JobRow(line.job, self._wanted, self._throw)
                shown.speak(words_of(view.language))
            if self._list.indexOf(shown) != place:
                self._list.insertWidget(place, shown)
            shown.draw(line, online=view.online)

    def _throw(self, job: UUID, name: str) -> None:
        """Have thrown away what the person confirms."""
        confirm_throw(self, self._say, name, lambda: self._wanted(Throw(job)))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  Qt's name
        """Hide where there is a tray to come back from; else it is the end."""
        event.accept()
        if not self._tray:
            # not `quit`: an open question would not let it; that job stays held
            QApplication.exit()


class JobRow(QFrame):
    """One job that waits."""

    def __init__(
        self, job: UUID, wanted: Callable[[Wanted], None], throw: Callable[[UUID, str], None]
    ) -> None:
        super().__init__()
        self.setObjectName("row")
        self._name, self._price = label_of("name"), label_of("name")
        self._detail, self._remark = label_of("quiet"), label_of()
        self._price.setWordWrap(False)
        self.release, self.throw = QPushButton(), QPushButton()
        self.release.clicked.connect(lambda: wanted(Opened(job)))
        self.throw.clicked.connect(lambda: throw(job, self._name.text()))
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._price)
        foot.addStretch(1)
        foot.addWidget(self.throw)
        foot.addWidget(self.release)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_GAP, 8, _GAP, 8)
        layout.addLayout(head)
        layout.addWidget(self._detail)
        layout.addWidget(self._remark)
        layout.addLayout(foot)

    def speak(self, words: Words) -> None:
        """Use another language."""
        self.release.setText(words.gettext("Release …"))
        self.throw.setText(words.gettext("Throw away …"))
        self._names(self._name.text())

    def draw(self, line: JobLine, *, online: bool) -> None:
        """Show one job."""
        if line.name != self._name.text():
            self._name.setText(line.name)
            self._names(line.name)
        put(self._price, line.price)
        put(self._detail, line.detail)
        put(self._remark, f"{SHAPES[line.tone]} {line.remark}" if line.remark else "")
        self.release.setEnabled(online and line.can_release)
        self.throw.setEnabled(online)

    def _names(self, name: str) -> None:
        """Let a screen reader say which job a button is for."""
        for button in (self.release, self.throw):
            button.setAccessibleName(f"{button.text()} {name}")
