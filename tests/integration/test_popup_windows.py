"""The pop-up's windows under a screen nobody sees: plain text, buttons, two threads, no tray."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6.QtWidgets")

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QWidget

from terminal_bridge.popup.states import Chosen, Later, Opened, Throw, Yes
from terminal_bridge.popup.views import BalanceLine, JobLine, NoteLine, QuestionView, View
from terminal_bridge.popup.windows import Windows, application
from terminal_bridge.popup.windows.tray import Tray
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from terminal_bridge.popup.states import Wanted

ONE, TWO = UUID(int=1), UUID(int=2)
HTML = "Thesis <b>bold</b> <img src='http://127.0.0.1/x.png'> & co.pdf"


def question(job: UUID = ONE, **more: object) -> QuestionView:
    """Return a question."""
    fields: dict[str, object] = {
        "job": job, "title": "A question before this is printed", "name": HTML, "text": "Really?",
        "facts": (("Pages", "6 pages"), ("Cost", "€0.60")), "reasons": (),
        "printers": (("lib-1", "Library <i>1</i>"), ("lib-2", "Library 2")), "printer": "lib-1",
        "accounts": (("", "My own money"), ("department:physics", "Department physics")),
        "account": "", "ready": True, "busy": "", "trouble": "",
        "until": time.monotonic() + 90, "more": "",
    }  # fmt: skip
    return QuestionView(**{**fields, **more})  # type: ignore[arg-type]


def view(language: str = "en", **more: object) -> View:
    """Return everything."""
    jobs = tuple(
        JobLine(job, HTML, "6 pages", "€0.60", "", "good", can_release=True) for job in (ONE, TWO)
    )
    note = NoteLine("10:45", f"{HTML} is printed", "", "good")
    fields: dict[str, object] = {
        "language": language, "person": "Ana <u>Ruiz</u>", "tone": "good",
        "status": "North is linked", "detail": "",
        "balances": (BalanceLine("My money", "€4.20", "€3.00 at the centre"),), "jobs": jobs,
        "more": "", "empty": "", "notes": (note,), "question": None, "tip": "€4.20",
        "online": True,
    }  # fmt: skip
    return View(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def wanted() -> list[Wanted]:
    """Give what people wanted."""
    return []


@pytest.fixture
def windows(wanted: list[Wanted]) -> Iterator[Windows]:
    """Give the windows, on a desktop without a tray."""
    app = application()
    made = Windows(wanted.append, notes=True, visible=False)
    yield made
    made.overview.hide()
    made.asking.hide()
    for widget in (made.overview, made.asking):
        widget.deleteLater()
    app.processEvents()


def settled(holds: Callable[[], bool]) -> None:
    """Let Qt work until something holds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never became so"
        QApplication.processEvents()


def shown(windows: Windows, seen: View) -> None:
    """Show a view, as the other thread would."""
    windows.show(seen)
    settled(lambda: windows.overview._status.text().endswith(seen.status))
    QApplication.processEvents()


def labels(widget: QWidget) -> list[QLabel]:
    """Return every label in a window."""
    return widget.findChildren(QLabel)


def test_all_text_is_plain(windows: Windows) -> None:
    """Not one label reads markup: names of documents, people and printers stand as they are."""
    shown(windows, view(question=question(trouble=HTML, busy=HTML, reasons=(HTML,))))
    every = [*labels(windows.overview), *labels(windows.asking)]
    assert {each.textFormat() for each in every} == {Qt.TextFormat.PlainText}
    assert sum(HTML in each.text() for each in every) >= 6
    assert not any(each.openExternalLinks() for each in every)
    assert windows.asking.printers.itemText(0) == "Library <i>1</i>"
    assert not any(each.toolTip() for each in (windows.overview, windows.asking))


def test_the_windows_can_be_looked_at(windows: Windows, tmp_path: Path) -> None:
    """Both are drawn, larger than their parts, and not empty."""
    shown(windows, view(question=question()))
    for widget in (windows.overview, windows.asking):
        picture = widget.grab()
        assert picture.save(str(tmp_path / "window.png"))
        image = picture.toImage()
        colours = {image.pixel(x, y) for x in range(0, 400, 3) for y in range(0, 300, 3)}
        assert len(colours) > 8
        least, size = widget.minimumSizeHint(), widget.size()
        assert size.width() >= least.width()
        assert size.height() >= least.height()


def test_buttons_say_what_the_person_wants(windows: Windows, wanted: list[Wanted]) -> None:
    """Yes, close, another printer; nothing is pressed twice before it is answered."""
    shown(windows, view(question=question()))
    asking = windows.asking
    asking.yes.click()
    asking.yes.click()
    assert wanted == [Yes(ONE)]
    shown(windows, view(status="again", question=question(trouble="no money")))
    asking.printers.setCurrentIndex(1)
    asking.printers.activated.emit(1)
    asking.accounts.setCurrentIndex(1)
    asking.accounts.activated.emit(1)
    assert wanted[1:] == [Chosen(ONE, "lib-2", None), Chosen(ONE, "lib-2", "department:physics")]
    asking.close()
    assert wanted[3:] == [Later(ONE)]
    assert asking.isVisible()  # until the desk says that it is over
    shown(windows, view(status="over"))
    assert not asking.isVisible()


def test_what_cannot_be_done_cannot_be_pressed(windows: Windows, wanted: list[Wanted]) -> None:
    """Without the site there is no yes; while it is being done there is nothing at all."""
    shown(windows, view(online=False, question=question(ready=False)))
    windows.asking.yes.click()
    for button in windows.overview.findChildren(QPushButton):
        button.click()
    shown(windows, view(status="busy", question=question(ready=False, busy="Being released …")))
    windows.asking.later.click()
    windows.asking.close()
    assert wanted == []
    assert not windows.asking.printers.isEnabled()


def test_throwing_away_is_confirmed_first(windows: Windows, wanted: list[Wanted]) -> None:
    """The box names the document as it is; keeping it is the default."""
    shown(windows, view())
    windows.overview._rows[TWO].throw.click()
    (box,) = windows.overview.findChildren(QMessageBox)
    assert box.textFormat() is Qt.TextFormat.PlainText
    assert HTML in box.text()
    keep, throw = (
        box.defaultButton(),
        next(b for b in box.buttons() if b is not box.defaultButton()),
    )
    assert keep is not None
    assert wanted == []
    throw.click()
    assert wanted == [Throw(TWO)]


def test_rows_stay_where_they_are(windows: Windows, wanted: list[Wanted]) -> None:
    """A job that goes takes its row along; the others are the same rows as before."""
    shown(windows, view())
    rows = dict(windows.overview._rows)
    rows[TWO].release.click()
    assert wanted == [Opened(TWO)]
    left = view().jobs[1:]
    shown(windows, view(status="one is gone", jobs=left))
    assert windows.overview._rows == {TWO: rows[TWO]}
    assert f"Release … {HTML}" == windows.overview._rows[TWO].release.accessibleName()


def test_no_tray_is_said(windows: Windows) -> None:
    """The window opens by itself, and says what closing it does."""
    assert windows.tray is None
    assert windows.overview.isVisible()
    shown(windows, view("fr"))
    assert "zone de notification" in windows.overview._alone.text()
    assert windows.asking.yes.text() == "Imprimer"


def test_notes_at_the_tray_hold_no_markup(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desktop's notes may read tags; how many more notes there are is said."""
    tray = Tray(windows.overview)
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(tray.icon, "showMessage", lambda *words: told.append(words))
    tray.speak(words_of("en"))
    tray.draw(view(tone="trouble"))
    tray.tell(NoteLine("10:45", HTML, "<a href='x'>pay</a>", "trouble"), 7, words_of("en"))
    title, text = told[0][:2]
    assert title == HTML.replace("<", "\u2039").replace(">", "\u203a")
    assert text == "\u2039a href='x'\u203apay\u2039/a\u203a\nand 7 more notes"
    tray.icon.hide()


def test_ten_thousand_views_from_another_thread(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come in Qt's own thread, in order; the last one is what is seen in the end."""
    seen: list[int] = []
    draw = windows.overview.draw

    def watched(each: View) -> None:
        seen.append(threading.get_ident())
        if len(seen) % 500 == 0 or each.status == "the last":
            draw(each)

    monkeypatch.setattr(windows.overview, "draw", watched)
    plain = view()

    def speak() -> None:
        for _ in range(9_999):
            windows.show(plain)
        windows.show(view(status="the last"))
        windows.tell(plain.notes[0], 7)

    other = threading.Thread(target=speak)
    other.start()
    settled(lambda: windows.overview._status.text().endswith("the last"))
    other.join()
    assert len(seen) == 10_000
    assert set(seen) == {threading.get_ident()}


def test_the_end_of_the_time_is_counted_down(windows: Windows) -> None:
    """It says when it closes, and that the job stays held then."""
    shown(windows, view(question=question(until=time.monotonic() + 90, more="1 more waits")))
    text = windows.asking._left.text()
    assert text in {
        f"Closes in {left}; it stays held then. 1 more waits" for left in ("1:30", "1:29")
    }


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal there")
def test_this_qt_counts_references_right(windows: Windows) -> None:
    """PySide6 6.12.0 lost one of None or True a call, and ended the process within minutes."""
    shown(windows, view(question=question()))
    before = sys.getrefcount(None), sys.getrefcount(True)  # noqa: FBT003  the object itself
    for number in range(300):
        shown(windows, view(status=f"number {number}", question=question(trouble=str(number))))
    after = sys.getrefcount(None), sys.getrefcount(True)  # noqa: FBT003
    assert [now > then - 200 for then, now in zip(before, after, strict=True)] == [True, True]
