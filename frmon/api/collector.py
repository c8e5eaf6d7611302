"""The running engine as clients see it: read from the thread that answers them, asked on its own where it must be, and what is
dear is worked out once for all."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

import msgspec

from frmon.api.changes import Press
from frmon.attachment import episode_parts
from frmon.engine import Engine
from frmon.host import Host
from frmon.model import Signal
from frmon.snapshot import iso, signal_part, venue_parts

T = TypeVar("T")

ASK_S = 2.0
"""How long the engine may take to answer before it counts as stuck."""

PING_S = 0.5
PINGS = 120
SIGNALS = 1_000
FIRST = ("BTC", "ETH")


class Told(NamedTuple):
    """A signal with its number."""

    number: int
    text: bytes


class Collector:
    """`session`: names this run; `current`: the coin that is meant when none is named."""

    def __init__(self, engine: Engine, host: Host) -> None:
        self.engine = engine
        self.press = Press(engine)
        self.session = secrets.token_hex(6)
        self.started_at = engine.clock.mono()
        self.signals: deque[Told] = deque(maxlen=SIGNALS)  # newest last
        self.lags: deque[float] = deque(maxlen=PINGS)  # s until the engine's loop did what it was asked to
        self.stuck_since: float | None = None
        self.answers = 0
        self.streams = 0
        self.sent = 0  # bytes, by streams
        self._chosen = ""
        self._host = host
        self._numbers = count(1)
        self._kept: dict[str, tuple[float, Any]] = {}

    def hear(self, signal: Signal) -> None:
        """A signal fired. On the engine's thread."""
        self.signals.append(Told(next(self._numbers), msgspec.json.encode(signal_part(signal))))

    @property
    def venues(self) -> list[str]:
        """The names of the venues that are asked."""
        return [venue.name for venue in self.engine.venues]

    @property
    def current(self) -> str:
        """The coin that was switched to, else a well-known one, else any; "" while there is none."""
        rows = self.engine.board.rows
        return next((coin for coin in (self._chosen, *FIRST) if coin in rows), next(iter(list(rows)), ""))

    def choose(self, coin: str) -> None:
        """Switch to a coin."""
        self._chosen = coin
        self.engine.interest([coin])

    def coin(self, name: str) -> str | None:
        """A coin as the board writes it, whatever the case it is asked for in."""
        rows = self.engine.board.rows
        if name in rows:
            return name
        return next((coin for coin in list(rows) if coin.upper() == name.upper()), None)

    def timestamp(self) -> str:
        """Now."""
        return iso(self.engine.clock.now_ms())

    def kept(self, name: str, seconds: float, make: Callable[[], T]) -> T:
        """What was made under this name in the last `seconds`, else made now."""
        now = self.engine.clock.mono()
        at, value = self._kept.get(name, (float("-inf"), None))
        if now - at >= seconds:
            value = make()
            self._kept[name] = (now, value)
        found: T = value
        return found

    async def ask(self, question: Callable[[], T]) -> T:
        """The answer of a plain function that is called on the engine's loop. Raises `TimeoutError` when that is stuck."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, bug: Exception | None) -> None:
            if answer.done():
                return
            if bug is not None:
                answer.set_exception(bug)
            else:
                answer.set_result(value)  # type: ignore[arg-type]  # it is a T where there is no bug

        def reply() -> None:
            try:
                value, bug = question(), None
            except Exception as error:
                value, bug = None, error
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, value, bug)

        self._host.post(reply)
        async with asyncio.timeout(ASK_S):
            return await answer

    async def measure(self) -> None:
        """Twice a second see how long the engine's loop takes to hear, for ever."""
        mono = self.engine.clock.mono
        while True:
            asked = mono()
            try:
                heard = await self.ask(mono)
            except TimeoutError:
                self.stuck_since = self.stuck_since or asked
                self.lags.append(mono() - asked)
            else:
                self.stuck_since = None
                self.lags.append(max(0.0, heard - asked))
            await asyncio.sleep(PING_S)

    def status_text(self) -> bytes:
        """Venues, notices and storage, written."""
        return self.kept("status", 0.5, lambda: msgspec.json.encode(self._status()))

    def storage(self) -> dict[str, Any]:
        """How storage is doing."""
        state = self.engine.storage
        return {
            "status": state.status,
            "detail": state.detail,
            "waiting": state.waiting,
            "dropped": state.dropped,
            "written": state.written,
            "saved": state.saved,
        }

    def missed_signals(self, number: int) -> Sequence[Told]:
        """Signals after this number, oldest first."""
        return [told for told in list(self.signals) if told.number > number]

    def _status(self) -> dict[str, Any]:
        engine = self.engine
        return {
            "at_ms": engine.clock.now_ms(),
            "simulated": bool(engine.simulated),
            "venues": venue_parts(engine, engine.clock.mono()),
            "notices": list(engine.notices),
            "storage": self.storage(),
            "episodes": episode_parts(engine),
        }
