"""The engine in its own thread with its own event loop: a terminal that stops reading blocks the screen, never the feeds."""

import asyncio
import threading

from frmon.feeds.loop import new_loop
from frmon.redact import redact
from frmon.tui.source import Source

JOIN_S = 2.0


class EngineThread:
    """Runs an engine until it is stopped; keeps what ended it, if that was a bug. The thread is a daemon: an engine that
    does not end cannot keep the program from ending."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._stopping = False
        self.trouble = ""  # why the engine does not run; "" = it runs, or was asked to stop

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the engine to end; returns at once."""
        self._stopping = True
        self._source.stop()

    def join(self, seconds: float = JOIN_S) -> bool:
        """Wait for the end, asking again now and then: an engine that only just began may have missed the first time.
        Returns whether it ended."""
        waited = 0.0
        while self._thread.is_alive() and waited < seconds:
            self.stop()
            self._thread.join(0.1)
            waited += 0.1
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._source.run())
        except Exception as bug:
            self.trouble = redact(f"ENGINE STOPPED: {type(bug).__name__}: {bug}")
        else:
            self.trouble = "" if self._stopping else "ENGINE STOPPED"
