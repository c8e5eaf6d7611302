"""A stage without a server: a small market, a clock that tests move, and the count of breaches."""

import json
from collections import Counter
from typing import Any

from frmon.clock import ManualClock
from frmon.feeds.sim.dialects import Close, Dialect, Out, Ping, Reply, Session
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.world import World


class Stage:
    """What sessions see of a server."""

    def __init__(self, dialect: Dialect, coins: int = 150, rate: float = 1.0, scene: str = "calm") -> None:
        self.dialect = dialect
        self.clock = ManualClock()
        self.world = World(11, coins, self.clock.now_ms(), rate=rate, scene=scene)
        self.violations: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()
        self.refused: set[str] = set()

    def violate(self, rule: str) -> None:
        self.violations[rule] += 1

    def refuses(self, market: str, symbol: str, now_ms: int) -> bool:
        return symbol in self.refused

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def get(self, path: str, **query: str) -> Any:
        """The decoded body of a REST answer."""
        return json.loads(self.reply(path, **query).body)

    def reply(self, path: str, **query: str) -> Reply:
        return self.dialect.routes[path].answer(self.world, query, self.now_ms)

    def connect(self, path: str) -> "Client":
        session = self.dialect.connect(self, path, {}, self.now_ms)
        assert not isinstance(session, Reply)
        return Client(self, session)

    def rows(self, market: str, kind: str = "normal", state: str = "trading") -> list[Instrument]:
        """Instruments of the dialect's venue with quotes on both sides."""
        listed = self.world.instruments(self.dialect.venue, market).values()
        return [i for i in listed if (i.kind, i.state) == (kind, state) and i.quote.bid and i.quote.ask]


class Client:
    """The other end of a session."""

    def __init__(self, stage: Stage, session: Session) -> None:
        self.stage = stage
        self.session = session

    def send(self, request: object) -> list[Any]:
        """Say something (text as it is, else as JSON) and read the answers."""
        text = request if isinstance(request, str) else json.dumps(request, separators=(",", ":"), ensure_ascii=False)
        return [_read(out) for out in self.session.hear(text, self.stage.now_ms)]

    def wait(self, seconds: float, step: float = 0.025) -> list[Any]:
        """Let time pass in small steps and read everything."""
        heard: list[Any] = []
        for _ in range(round(seconds / step)):
            self.stage.clock.advance(step)
            self.stage.world.advance(self.stage.now_ms)
            heard += self.hear()
        return heard

    def hear(self) -> list[Any]:
        """Read what is due now."""
        return [_read(out) for out in self.session.speak(self.stage.now_ms)]


def _read(out: Out) -> Any:
    """JSON where it is JSON, text where it is text, a ping or a close as itself."""
    if isinstance(out, Close | Ping):
        return out
    assert isinstance(out, bytes)
    return json.loads(out) if out[:1] in (b"{", b"[") else out.decode()
