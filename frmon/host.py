"""Runs an engine on its own event loop in its own thread, so that nothing that blocks the caller (a pipe that nobody
reads, a stopped terminal) ever holds up the feeds."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self, TypeVar

from frmon.errors import FrmonError
from frmon.feeds.loop import new_loop

T = TypeVar("T")

STOP_S = 5.0
"""How long an engine may take to close its connections before it is left behind."""


class Runs(Protocol):
    """An engine, as far as it is hosted."""

    async def run(self) -> None:
        """Run until `stop`."""
        ...

    def stop(self) -> None:
        """End `run`; called on its loop."""
        ...


class Host:
    """`with Host(engine) as host:` the engine runs inside the block and is stopped at its end."""

    def __init__(self, engine: Runs) -> None:
        self._engine = engine
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._ended = threading.Event()
        self._bug: BaseException | None = None

    def __enter__(self) -> Self:
        try:
            self._thread.start()
        except RuntimeError as error:
            self._loop.close()
            raise FrmonError(f"the feeds need a thread of their own: {error}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(RuntimeError):  # it has ended by itself, and its loop is closed
            self._loop.call_soon_threadsafe(self._engine.stop)
        self._thread.join(STOP_S)

    def post(self, call: Callable[[], object]) -> None:
        """Have a plain function called on the engine's loop, soon; not at all when that has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def ask(self, question: Callable[[], T]) -> T:
        """The answer of a plain function that is called on the engine's loop, between two frames. Raises what `rest`
        raises when the engine ended."""
        self.rest(0)
        answer: Future[T] = Future()

        def reply() -> None:
            try:
                answer.set_result(question())
            except Exception as error:
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(reply)
        while not wait([answer], timeout=1.0).done:
            self.rest(0)
        return answer.result()

    def rest(self, seconds: float) -> None:
        """Let time pass. Raises what ended the engine, if it ended."""
        if self._ended.wait(seconds):
            raise self._bug or RuntimeError("the engine stopped")

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._engine.run())
        except BaseException as bug:
            self._bug = bug
        finally:
            self._ended.set()
