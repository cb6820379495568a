"""What the pop-up's windows are made of: plain labels, choices, the drawn icon, one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QLabel, QMessageBox, QSizePolicy, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Look: TypeAlias = Literal["head", "ask", "name", "plain", "quiet"]
#: A state is a shape and a word, never a colour alone.
SHAPES: Final = {"good": "●", "waiting": "◐", "trouble": "▲", "unknown": "○"}
_ACCENT: Final = "#0b5f6b"
STYLE: Final = f"""
QFrame#row {{ border: 1px solid palette(mid); border-radius: 8px; }}
QPushButton {{ min-height: 28px; padding: 4px 14px; border-radius: 8px;
  border: 1px solid palette(mid); background: palette(button); }}
QPushButton:focus {{ border: 2px solid palette(text); }}
QPushButton#main {{ background: {_ACCENT}; color: white; border-color: {_ACCENT}; }}
QPushButton#main:disabled {{ background: palette(mid); color: palette(text); }}
QPushButton#main:focus {{ border: 2px solid palette(text); }}
QComboBox {{ min-height: 28px; padding: 2px 8px; }}
"""


#: Letters by look: how much larger than the desktop's, and whether bold.
_LETTERS: Final[dict[Look, tuple[float, bool]]] = {
    "head": (1.5, True),
    "ask": (1.2, False),
    "name": (1.0, True),
    "plain": (1.0, False),
    "quiet": (0.9, False),
}


def label_of(look: Look = "plain", text: str = "") -> QLabel:
    """Make a label that shows what it is given as it is: no markup, no links."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    larger, bold = _LETTERS[look]
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * larger)
    font.setBold(bold)
    label.setFont(font)
    label.setIndent(0)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    label.setText(text)
    return label


def put(label: QLabel, text: str) -> None:
    """Change a label; without a text it takes no room."""
    if label.text() != text:
        label.setText(text)
    label.setVisible(bool(text))


def fill(box: QComboBox, label: QLabel, choices: Sequence[tuple[str, str]], chosen: str) -> None:
    """Show choices; with one or none there is nothing to choose."""
    shown = [(box.itemData(place), box.itemText(place)) for place in range(box.count())]
    if shown != list(choices):
        box.clear()
        for key, name in choices:
            box.addItem(name, key)
    box.setCurrentIndex(next((n for n, (key, _) in enumerate(choices) if key == chosen), -1))
    for each in (box, label):
        each.setVisible(len(choices) > 1)


def icon_of(tone: str) -> QIcon:
    """Draw a sheet of paper with the state's shape on it."""
    side = 64
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(_ACCENT))
    painter.setBrush(QColor("white"))
    painter.drawRoundedRect(10, 4, 44, 56, 6, 6)
    painter.setBrush(QColor(_ACCENT))
    painter.drawRect(18, 14, 28, 4)
    painter.drawRect(18, 24, 28, 4)
    middle = pixmap.rect().adjusted(20, 32, -20, -8)
    match tone:
        case "good":
            painter.drawEllipse(middle)
        case "waiting":
            painter.drawPie(middle, 90 * 16, 180 * 16)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle)
        case "trouble":
            painter.drawRect(middle)
        case _:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle)
    painter.end()
    return QIcon(pixmap)


def confirm_throw(
    parent: QWidget, say: Callable[[str], str], name: str, then: Callable[[], None]
) -> None:
    """Ask whether a job is to be thrown away, before it is done."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle("Printmesh")
    box.setText(say("Throw %(name)s away?") % {"name": name})
    box.setInformativeText(
        say("It is not printed and nothing is charged. It cannot be brought back.")
    )
    yes = box.addButton(say("Throw away"), QMessageBox.ButtonRole.DestructiveRole)
    no = box.addButton(say("Keep"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda pressed: then() if pressed is yes else None)
    box.open()
