"""News without words: a screen may draw them, a small display and the buzzer leave people alone."""

from __future__ import annotations

import pytest

from broker.messages import PersonNews
from terminal_bridge.events import Beep, News, Show
from terminal_bridge.phases import Copying
from terminal_bridge.screens import lines_of
from tests.unit.session_lab import session_of
from tests.unit.test_terminal_session import copying


@pytest.mark.parametrize(
    ("text", "lines", "beeps"),
    [
        # money set aside for the copy itself: the count stays on the display
        ("", (), 0),
        ("thesis: printed", ("thesis: printed",), 1),
    ],
)
def test_news_without_words_take_no_display(text: str, lines: tuple[str, ...], beeps: int) -> None:
    """A balance that changed while somebody copies is no reason to wipe their count, or to beep."""
    bench = copying()
    told = PersonNews(session=session_of("ana"), what="money", text=text)
    actions = bench.happens(News(told))
    (show,) = [each for each in actions if isinstance(each, Show)]
    assert (lines_of(show), show.news) == (lines, told)
    assert sum(isinstance(each, Beep) for each in actions) == beeps
    assert bench.is_in(Copying)
