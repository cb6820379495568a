"""The edge as a process of its own: signals, garbage, and the next journal after a retired one."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING

from edge.app import Edge

if TYPE_CHECKING:
    from config.settings import EdgeSettings


async def run(settings: EdgeSettings) -> None:
    """Run the edge until SIGTERM or SIGINT; the process is its own."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    edge = Edge(settings)
    # modules and rows stay: looking for garbage in them holds the loop for up to 50 ms
    gc.freeze()
    gc.enable()
    while await edge.run(stop):
        edge = Edge(settings)
