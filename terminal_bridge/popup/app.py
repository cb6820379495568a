"""The pop-up put together: its windows in Qt's thread, its line and desk in one beside."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from config.logs import logger
from terminal_bridge.edge_line import EdgeLine
from terminal_bridge.popup.shell import Popup
from terminal_bridge.popup.windows import Windows, application, desktop_language, serve
from terminal_bridge.status_file import running

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings_popup import PopupSettings
    from terminal_bridge.popup.states import Wanted

_log = logger("terminal.popup")

#: Seconds in which the line says goodbye.
_GOODBYE: Final = 4.0


class Beside(threading.Thread):
    """A pop-up's event loop, in a thread of its own."""

    def __init__(self, popup: Popup) -> None:
        super().__init__(name="popup", daemon=True)
        self._popup = popup
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Run the pop-up until `end`."""
        asyncio.set_event_loop(self._loop)
        try:
            self._task = self._loop.create_task(self._popup.run(), name="popup")
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except Exception:  # noqa: BLE001  once a thread
            _log.exception("the pop-up failed", action="popup-failed")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def end(self) -> None:
        """Have it say goodbye, and wait for that a little."""
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:
            return  # it has ended
        self.join(_GOODBYE)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def run(settings: PopupSettings, state: Path, *, visible: bool) -> int:
    """Show a person's pop-up until it is ended; return the exit status.

    Args:
        settings: which site, as which node.
        state: a directory that is locked meanwhile: a second one of the same node would end the
            first one's connection, and it the second's, for ever.
        visible: begin with the window open.

    Raises:
        RunsAlreadyError: another one runs.
    """
    with running(state):
        app = application()
        link = settings.link()

        def wanted(event: Wanted) -> None:
            popup.happens_soon(event)

        windows = Windows(wanted, notes=settings.notes, visible=visible)
        popup = Popup(
            lambda: EdgeLine(link, settings.node),
            patience=settings.answer_within.total_seconds(),
            language=settings.language,
            desktop=desktop_language(),
            show=windows.show,
            tell=windows.tell,
            clock=lambda: datetime.now(UTC).astimezone(),
        )
        beside = Beside(popup)
        beside.start()
        try:
            return serve(app)
        finally:
            beside.end()
