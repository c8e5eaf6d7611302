"""A market that stands still but for what a test orders, served on loopback by the simulated venues, and the program that
watches it, in the same loop: so that time may leap."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from frmon.configfile import load
from frmon.engine import Engine
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.world import World
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults
from frmon.model import Signal
from frmon.snapshot import encode, signal_line
from tests.leaping import clock_here
from tests.watchbox_oracle import Sent

RESTATE_S = 0.2
DECIMALS = 9
SPOT = "TON"  # listed by all venues, without a perpetual here

Cast = Mapping[str, tuple[str, ...]]
"""Coin -> the venues that list its perpetual."""


class StillWorld(World):
    """Lists the perpetuals of the cast and one spot pair per venue; nothing moves by itself. `skew_ms`: venue -> how far its
    clock is ahead."""

    def __init__(self, cast: Cast, start_ms: int, skew_ms: Mapping[str, int]) -> None:
        super().__init__(7, 60, start_ms, rate=0.0)
        self.skew_ms = skew_ms
        self.legs: dict[tuple[str, str], Instrument] = {}
        for (venue, market), rows in self._rows.items():
            for symbol, i in list(rows.items()):
                if i.kind != "normal" or not self._is_cast(i, cast):
                    del rows[symbol]
                    continue
                i.state, i.flaw, i.on_ms, i.off_ms = "trading", "", start_ms - 10**10, 0
                if market == "perp":
                    i.decimals, i.tick = DECIMALS, 10.0**-DECIMALS
                    self.legs[i.coin.name, venue] = i

    @staticmethod
    def _is_cast(i: Instrument, cast: Cast) -> bool:
        return i.coin.name == SPOT if i.market == "spot" else i.venue in cast.get(i.coin.name, ())

    def advance(self, now_ms: int) -> None:
        """Only the time goes on."""
        self.now_ms = now_ms

    def put(self, coin: str, venue: str, bid: Decimal, ask: Decimal) -> None:
        """A leg's quote from now on, per one coin."""
        i = self.legs[coin, venue]
        quote, units = i.quote, i.multiplier
        quote.bid, quote.ask = float(bid * units), float(ask * units)
        quote.last = quote.mark = quote.index = quote.open = quote.high = quote.low = quote.bid
        quote.bid_size = quote.ask_size = quote.last_size = 1_000.0
        self.state(i)

    def state(self, i: Instrument) -> None:
        """Say the quote of an instrument again."""
        self.changed(i)
        i.quote.changed_ms += self.skew_ms.get(i.venue, 0)

    def state_all(self) -> None:
        """Say every quote again: quiet venues go stale."""
        for rows in self._rows.values():
            for i in rows.values():
                self.state(i)


class Market(Sim):
    """The venues over a still world. `ordered`: every change of a quote, as it was ordered."""

    def __init__(self, cast: Cast, skew_ms: Mapping[str, int]) -> None:
        super().__init__(SimOptions(rate=0.0, coins=60), clock_here())
        self.world = self.still = StillWorld(cast, self.now_ms(), skew_ms)
        self.ordered: list[Sent] = []

    def put(self, coin: str, venue: str, bid: Decimal, ask: Decimal) -> None:
        """Order a quote and log it."""
        self.still.put(coin, venue, bid, ask)
        self.ordered.append(Sent(self.clock.mono(), coin, venue, bid, ask))

    def pump_once(self) -> None:
        """Every venue speaks by its own clock."""
        now_ms = self.now_ms()
        self.world.advance(now_ms)
        for port in self.ports:
            port.speak(now_ms + self.still.skew_ms.get(port.dialect.venue, 0))

    def set_clocks(self) -> None:
        """Let every venue's replies tell its own time too."""
        for port in self.ports:
            skew_ms = self.still.skew_ms.get(port.dialect.venue, 0)
            port.now_ms = lambda ahead=skew_ms: self.now_ms() + ahead  # type: ignore[misc]


@asynccontextmanager
async def opened(market: Market) -> AsyncIterator[None]:
    """Serve, and say every quote again and again."""

    async def restate() -> None:
        while True:
            market.still.state_all()
            await asyncio.sleep(RESTATE_S)

    async with market:
        market.set_clocks()
        task = asyncio.create_task(restate())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class Watching:
    """What `frmon watch --signals-only` prints. `lines`: with decimal numbers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lines: list[dict[str, Any]] = []
        self._more = asyncio.Event()
        engine.listeners.append(self._hear)

    def _hear(self, signal: Signal) -> None:
        said = encode(signal_line(signal, simulated=False))
        self.lines.append(json.loads(said, parse_float=Decimal, parse_int=Decimal))
        self._more.set()

    async def count(self, wanted: int, within_s: float) -> None:
        """Wait for so many lines; fewer when the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while len(self.lines) < wanted:
                    self._more.clear()
                    await self._more.wait()

    def words(self) -> str:
        """What its log says, oldest first."""
        return "\n".join(event.text for event in reversed(self.engine.events))


@asynccontextmanager
async def watching(config: Path) -> AsyncIterator[Watching]:
    """The program with this configuration, until the block ends."""
    settings = load(venue_defaults(), file=config, env={}, options={})
    program = Watching(Engine(all_venues(), settings, clock=clock_here()))
    task = asyncio.create_task(program.engine.run())
    try:
        yield program
    finally:
        program.engine.stop()
        await task
