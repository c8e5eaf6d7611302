"""A whole engine on simulated venues over real sockets, in time that leaps, and what a scenario asks of it.

What a user would see is read where a user sees it: the snapshot, the status bar's words, the event log. Bounds are those of
a machine with time to spare: what the loop was late by, which `Stand` measures all the time, is added to them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from frmon.board import Cell
from frmon.clock import Clock
from frmon.config import Settings, defaults
from frmon.engine import Engine
from frmon.feeds.contract import Venue
from frmon.feeds.rest import Observe
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults
from frmon.model import LegKey, LineState, Market, Signal, Status, VenueState
from frmon.snapshot import encode, picture
from frmon.tui.status import words_line
from tests.leaping import clock_here, leaps

BEAT_S = 0.01
LEAP_S = 0.05  # the same where time leaps, and every look costs as much as there is to see
SLACK_S = 0.1  # the beat at which it is looked, and what waits for it
REAL_SCALE, REAL_SLACK_S = 0.1, 1.0  # where time does not leap, and the machine has other things to do
UP_S = 40.0


class Stand:
    """A running engine and the venues it runs on. Seconds of bounds are those of `time_scale` 1."""

    def __init__(self, sim: Sim, engine: Engine) -> None:
        self.sim = sim
        self.engine = engine
        self.scale = engine.settings.feeds.time_scale
        self.slack_s = SLACK_S if leaps() else REAL_SLACK_S
        self.beat_s = LEAP_S if leaps() else BEAT_S
        self.late_s = 0.0  # what the loop was late by so far
        self.seen: list[
            tuple[float, str, Status, str]
        ] = []  # (monotonic, venue or line, status, detail) at every change
        self.signals: list[Signal] = []
        self.lies: list[str] = []  # signals with a leg that may not be in one
        self.allowed: set[str] = set()  # rules of venues that this scenario breaks on purpose
        engine.listeners.append(self._hear)

    # what a user sees

    def picture(self, *coins: str) -> dict[str, Any]:
        """The snapshot as JSON says it."""
        found: dict[str, Any] = msgspec.json.decode(encode(picture(self.engine, list(coins) or None)))
        return found

    def leg(self, venue: str, market: str, symbol: str) -> dict[str, Any] | None:
        """One leg of the snapshot; None while it is not there."""
        cell = self.cell(venue, market, symbol)
        for coin in self.picture(*([] if cell is None else [cell.leg.coin]))["coins"]:
            for leg in coin["legs"]:
                if (leg["venue"], leg["market"], leg["symbol"]) == (venue, market, symbol):
                    return {**leg, "coin": coin["coin"], "flags": coin["flags"]}
        return None

    def state(self, venue: str) -> VenueState:
        """A venue's state, as screen and snapshot show it."""
        return next((s for s in self.engine.states() if s.name == venue), VenueState(name=venue))

    def line(self, name: str) -> LineState:
        """A line's state by a part of its name ("bybit perp"); the first that matches."""
        return next(line for s in self.engine.states() for line in s.lines if name in line.name)

    def words(self) -> str:
        """What the status bar says in words."""
        return words_line(self.engine.states(), {}, self.engine.notices)

    def events(self, text: str = "") -> list[str]:
        """The event log, oldest first; only lines with `text`."""
        return [e.text for e in reversed(self.engine.events) if text in e.text]

    # the board and the truth

    def cell(self, venue: str, market: str, symbol: str) -> Cell | None:
        """The board's cell."""
        return self.engine.board.cell(LegKey(venue, Market(market), symbol))

    def fresh(self, venue: str, market: str = "") -> tuple[int, int]:
        """How many legs of a venue are fresh, of how many."""
        now, terms = self.engine.clock.mono(), self.engine.terms.freshness
        cells = [c for c in self.engine.board.cells(venue) if not market or c.key.market == market]
        return sum(c.is_fresh(now, terms) for c in cells), len(cells)

    def traded(self, venue: str, market: str) -> list[Instrument]:
        """Ordinary instruments of the simulated venue that trade now."""
        rows = self.sim.world.instruments(venue, market).values()
        return [i for i in rows if i.kind == "normal" and i.state == "trading" and not i.flaw]

    def different(self, venue: str) -> list[str]:
        """Legs whose bid or ask on the board is not what the simulated venue has now (per coin)."""
        wrong = []
        for market in Market:
            for i in self.traded(venue, market.value):
                cell = self.cell(venue, market.value, i.symbol)
                if cell is None:
                    wrong.append(f"{i.symbol}: no cell")
                    continue
                held = cell.bid, cell.ask
                true = tuple(float(f"{p / cell.scale:.15g}") or None for p in (i.quote.bid, i.quote.ask))
                if held != true:
                    wrong.append(f"{venue} {market} {i.symbol}: {held}, truly {true}")
        return wrong

    # time

    async def within(self, seconds: float, true: Callable[[], object], what: str = "") -> float:
        """Wait until it is so; fails when it is not after `seconds` of the program's own (scaled) time. Returns how long it
        took, in the same seconds."""
        started, late = self.engine.clock.mono(), self.late_s
        while not true():
            spent = self.engine.clock.mono() - started - (self.late_s - late)
            assert spent < seconds * self.scale + self.slack_s, f"not within {seconds} s: {what or self.told()}"
            await asyncio.sleep(self.beat_s)
        return (self.engine.clock.mono() - started - (self.late_s - late)) / self.scale

    async def lasts(self, seconds: float, true: Callable[[], object], what: str = "") -> None:
        """It is so for `seconds` of the program's time without a break."""
        until = self.engine.clock.mono() + seconds * self.scale
        while self.engine.clock.mono() < until:
            assert true(), what or self.told()
            await asyncio.sleep(self.beat_s)

    async def rest(self, seconds: float) -> None:
        """Let the program's time pass."""
        await asyncio.sleep(seconds * self.scale)

    async def up(self, *venues: str) -> None:
        """Wait until these venues (all) are live and nine of ten of their legs are fresh."""
        names = venues or tuple(self.engine.fleets) or tuple(v.name for v in self.engine.venues)

        def stands() -> bool:
            return all(
                self.state(n).status in {Status.LIVE, Status.LAG}
                and self.state(n).legs > 0
                and self.state(n).fresh_legs >= 0.9 * self.state(n).legs
                for n in names
            )

        await self.within(UP_S / self.scale, stands)

    async def still(self, *venues: str, seconds: float = 20.0) -> None:
        """The market stands still; afterwards the board must hold the last value of every symbol (loss class L1). `seconds`:
        the program's, for what was under way, or the sweep, to arrive."""
        self.sim.quiet = True
        try:
            names = venues or tuple(self.engine.fleets)
            await self.within(seconds, lambda: not any(map(self.different, names)), "the last values never arrived")
        finally:
            self.sim.quiet = False

    def fault(self, fault: Fault) -> None:
        """Order a fault; `for_s` is real time."""
        self.sim.fault(fault)

    def told(self) -> str:
        """Everything that helps when a scenario fails."""
        states = [(s.name, s.status.value, s.detail, f"{s.fresh_legs}/{s.legs}") for s in self.engine.states()]
        lines = [
            (ln.name, ln.status.value, ln.detail) for s in self.engine.states() for ln in s.lines if ln.status != "LIVE"
        ]
        return f"{states}\n{lines}\n" + "\n".join(self.events()[-12:])

    def _hear(self, signal: Signal) -> None:
        self.signals.append(signal)
        now, row = self.engine.clock.mono(), self.engine.board.rows.get(signal.symbol)
        for venue in (signal.short_exchange, signal.long_exchange):
            legs = [c for c in (row.cells if row else ()) if c.key.venue == venue and not c.leg.quarantine]
            if not any(c.is_fresh(now, self.engine.terms.freshness) for c in legs):
                self.lies.append(f"{signal.symbol} {venue}: a signal without a fresh leg")

    async def beat(self) -> None:
        """Measure what the loop is late by, and note every change of a state, for ever."""
        shown: dict[str, tuple[Status, str]] = {}
        while True:
            asked = self.engine.clock.mono()
            await asyncio.sleep(self.beat_s)
            now = self.engine.clock.mono()
            self.late_s += max(0.0, now - asked - self.beat_s - 0.005)
            for state in self.engine.states():
                parts: list[VenueState | LineState] = [state, *state.lines]
                for one in parts:
                    if shown.get(one.name) != (one.status, one.detail):
                        shown[one.name] = one.status, one.detail
                        self.seen.append((now, one.name, one.status, one.detail))


def settings_of(sim: Sim, scale: float, endpoints: Mapping[str, Mapping[str, str]] | None = None) -> Settings:
    """Defaults, pointed at the simulated venues; venues that are not simulated are off."""
    settings = defaults(venue_defaults())
    for name, venue in settings.venues.items():
        venue.enabled = name in sim.endpoints
        venue.endpoints = {**sim.endpoints.get(name, {}), **(endpoints or {}).get(name, {})}
    settings.feeds.time_scale = scale
    settings.signals.max_age_s = 5.0 * scale
    settings.signals.max_quiet_s = 300.0 * scale
    settings.signals.sample_every_s = 2.0 * scale
    settings.signals.max_gap_s = 8.0 * scale
    settings.signals.cooldown_s = 30.0 * scale
    return settings


@asynccontextmanager
async def stand(
    *venues: str,
    scale: float = 0.0,
    coins: int = 40,
    rate: float = 0.3,
    seed: int = 7,
    scene: str = "calm",
    sim: Sim | None = None,
    clock: Clock | None = None,
    endpoints: Callable[[Sim], Mapping[str, Mapping[str, str]]] | None = None,
    change: Callable[[Settings], None] | None = None,
    state_dir: Path | None = None,
    store: Path | None = None,
    venues_of: tuple[Venue, ...] | None = None,
    observe: Observe | None = None,
    up: bool = True,
) -> AsyncIterator[Stand]:
    """`async with stand("okx", "bybit") as s:` an engine on these simulated venues (none named: all), up and live. `endpoints`:
    venue -> endpoint -> URL to dial instead (a proxy in between); `change`: what the configuration says differently;
    `scale`: 0 = 1 where time leaps, a tenth where it does not; `venues_of`: other venues than those of the program; `observe`: sees
    all that venues say.

    At the end no limit of a venue was broken (but those in `allowed`), and no signal was a lie.
    """
    options = SimOptions(seed=seed, coins=coins, rate=rate, scene=scene, venues=tuple(venues))
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(sim or Sim(options, clock_here()))
        settings = settings_of(
            served, scale or (1.0 if leaps() else REAL_SCALE), endpoints(served) if endpoints else None
        )
        if change is not None:
            change(settings)
        engine = Engine(
            venues_of or all_venues(), settings, clock=clock or clock_here(), state_dir=state_dir, store=store
        )
        engine.observe = observe
        one = Stand(served, engine)
        beat = asyncio.create_task(one.beat())
        run = asyncio.create_task(engine.run())
        try:
            await asyncio.sleep(0)  # it has begun
            if up:
                await one.up()
            yield one
        finally:
            beat.cancel()
            engine.stop()
            await asyncio.wait_for(run, 15)
        assert not one.lies, one.lies
        broken = {rule: n for rule, n in served.violations.items() if rule not in one.allowed}
        assert not broken, broken


def statuses(seen: Sequence[tuple[float, str, Status, str]], name: str, since: float = 0.0) -> list[Status]:
    """The statuses that a venue or line went through."""
    return [status for at, who, status, _ in seen if who == name and at >= since]
