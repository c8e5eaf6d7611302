"""When a server of simulated venues has to end."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def stopping(until_eof: TextIO | None = None) -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set, and the end of `until_eof`: whoever started us is gone when its end of the pipe
    is."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_eof is not None:
        loop.add_reader(until_eof.fileno(), _stop_at_end, until_eof, stop)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        if until_eof is not None:
            loop.remove_reader(until_eof.fileno())


def _stop_at_end(source: TextIO, stop: asyncio.Event) -> None:
    if not os.read(source.fileno(), 4_096):
        stop.set()
