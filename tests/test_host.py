"""The engine's thread: questions are answered on its loop, and its end is never silent."""

import asyncio
import threading

import pytest

from frmon.host import Host


class Idle:
    """Runs until it is stopped, or ends by itself."""

    def __init__(self, bug: Exception | None = None) -> None:
        self.bug = bug
        self.thread: threading.Thread | None = None
        self.ended = False
        self._over = asyncio.Event()

    async def run(self) -> None:
        self.thread = threading.current_thread()
        if self.bug is not None:
            raise self.bug
        await self._over.wait()
        self.ended = True

    def stop(self) -> None:
        self._over.set()


def test_questions_are_answered_on_the_engines_own_thread() -> None:
    engine = Idle()
    with Host(engine) as host:
        asked_in = host.ask(threading.current_thread)
        assert asked_in is engine.thread
        assert asked_in is not threading.current_thread()
    assert engine.ended


def test_what_a_question_raises_comes_back_and_ends_nothing() -> None:
    with Host(Idle()) as host:
        with pytest.raises(ZeroDivisionError):
            host.ask(lambda: 1 // 0)
        assert host.ask(lambda: 2) == 2


def test_a_bug_that_ends_the_engine_reaches_whoever_waits() -> None:
    with Host(Idle(ValueError("broken"))) as host:
        with pytest.raises(ValueError, match="broken"):
            host.rest(30)
        with pytest.raises(ValueError, match="broken"):
            host.ask(lambda: 1)


def test_an_engine_that_just_stops_is_told_too() -> None:
    engine = Idle()
    engine.stop()
    with Host(engine) as host, pytest.raises(RuntimeError, match="the engine stopped"):
        host.rest(30)
