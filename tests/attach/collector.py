"""A collector that says what a test wants, over a real socket."""

import asyncio
import json
from typing import Any

from aiohttp import web

SESSION = "0123456789ab"


def leg(venue: str, bid: float | None, ask: float, **more: Any) -> dict[str, Any]:
    """One leg as a picture has it."""
    usual = {
        "venue": venue, "market": "perp", "symbol": "BTCUSDT", "multiplier": 1, "bid": bid, "ask": ask, "last": bid,
        "mark": None, "index": None, "volume_24h_usd": 1e6, "funding_rate": 0.0001, "funding_interval_h": 8,
        "next_funding_ms": None, "event_ms": 1, "received_ms": 2, "age_s": 0.25, "fresh": True, "source": "ws",
        "quarantine": None,
    }  # fmt: skip
    return usual | more


def coin(name: str, *legs: dict[str, Any]) -> dict[str, Any]:
    """One coin as a picture has it."""
    return {"coin": name, "flags": [], "legs": list(legs), "spread": None}


def venue(legs: int = 1, age_s: float = 0.1) -> dict[str, Any]:
    """One venue as a picture has it."""
    line = {
        "name": "perp 1", "status": "LIVE", "detail": "", "symbols": legs, "messages": 5, "last_message_age_s": age_s,
        "lag_ms": 20.0, "reconnects": 0, "outdated": 0,
    }  # fmt: skip
    return {
        "status": "LIVE", "detail": "", "legs": legs, "fresh_legs": legs, "messages_per_s": 2.0, "reconnects": 0,
        "listings_age_s": {}, "lines": [line],
    }  # fmt: skip


def signal(name: str = "BTC", at: str = "2026-11-22T05:32:58.000Z") -> dict[str, Any]:
    """One signal as a picture has it."""
    return {
        "symbol": name, "short_exchange": "okx", "long_exchange": "binance", "spread_percent": 0.7, "price_short": 102.0,
        "price_long": 101.0, "observed_at": at, "kind": "spread",
    }  # fmt: skip


def past(name: str, step_s: float, values: list[float]) -> dict[str, Any]:
    """What is remembered of one coin."""
    return {"coin": name, "spans": [{"step_s": step_s, "ago_s": 0.5, "values": values}]}


class FakeCollector:
    """Serves one stream; `say` adds an event to all who listen. `asked`: the heads of requests."""

    def __init__(self) -> None:
        self.session, self.schema, self.status = SESSION, 1, 200
        self.kind = "text/event-stream"
        self.now_ms = 1_795_325_580_000
        self.coins = [coin("BTC", leg("binance", 100.0, 101.0), leg("okx", 102.0, 103.0))]
        self.signals: list[dict[str, Any]] = []
        self.beats = True
        self.asked: list[web.Request] = []
        self.port = 0
        self._lines: list[asyncio.Queue[bytes | None]] = []
        self._runner: web.AppRunner | None = None
        self._number = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Answer, at the same port as before."""
        app = web.Application()
        app.router.add_get("/api/stream", self._stream)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """End all streams and answer no more."""
        for line in self._lines:
            line.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()

    def say(self, kind: str, data: Any) -> None:
        """Tell all who listen."""
        for line in self._lines:
            line.put_nowait(self._event(kind, data))

    def change(self, *coins: dict[str, Any], gone: tuple[str, ...] = (), legs: tuple[dict[str, Any], ...] = ()) -> None:
        """Say that these coins are others now."""
        self.say("changes", {"at_ms": self.wall(), "coins": coins, "gone": gone, "legs": legs})

    def picture(self) -> dict[str, Any]:
        """The whole."""
        return {
            "session": self.session, "schema": self.schema, "simulated": False, "at": "", "at_ms": self.wall(),
            "venues": {"binance": venue(), "okx": venue()}, "coins": self.coins, "signals": self.signals, "notices": [],
        }  # fmt: skip

    def wall(self) -> int:
        """Its clock."""
        return self.now_ms + round(asyncio.get_running_loop().time() * 1000)

    def _event(self, kind: str, data: Any) -> bytes:
        self._number += 1
        return f"id: {self.session}-{self._number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()

    def _health(self) -> dict[str, Any]:
        return {"at_ms": self.wall(), "venues": {"binance": venue(), "okx": venue()}, "notices": [], "episodes": []}

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        answer = web.StreamResponse(status=self.status, headers={"Content-Type": self.kind})
        await answer.prepare(request)
        if self.status != 200:
            return answer
        line: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._lines.append(line)
        try:
            if request.headers.get("Last-Event-ID", "").partition("-")[0] != self.session:
                await answer.write(self._event("snapshot", self.picture()))
            await answer.write(self._event("status", self._health()))
            while True:
                try:
                    said = await asyncio.wait_for(line.get(), 0.2)
                except TimeoutError:
                    said = self._event("status", self._health()) if self.beats else b""
                if said is None:
                    return answer
                await answer.write(said)
        finally:
            self._lines.remove(line)
