"""The run: an engine on simulated venues, faults by a seeded plan, and an observer that believes nothing."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from time import process_time

import msgspec
from msgspec.structs import replace

from frmon.board import Cell, Row
from frmon.clock import Clock
from frmon.config import Settings, defaults
from frmon.engine import Engine
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.sim.turns import Turn
from frmon.feeds.venues import all_venues
from frmon.launch import venue_defaults
from frmon.model import Market, Signal
from soak.figures import Use, leaks, look, rss_mb
from soak.plan import DECEIVING, SILENT, schedule
from soak.rule import Key, Rule, Wanted
from soak.truth import Truth
from soak.words import Words

BEAT_S = 0.05
WORDS_S = 3.0  # by which words may be behind numbers, in the program's seconds
LOOK_S = 1.0
SWEEP_S = 75.0  # in which the sweep tells truth from what a deceiving line said, in the program's seconds
NETWORK_S = 0.5  # what sockets, quanta and a busy machine cost
HALT_S = 60.0  # in which the lists tell of a halt, in the program's seconds: streams just fall silent
WARM_S = 600.0  # in which histories fill
MEMORY_MB = 20.0  # more than this after that is a leak; a shorter run is all warm-up
QUIET_S = 60.0  # of the program's time after the last fault, until everything must be well


class Report(msgspec.Struct):
    """What was found. Everything in `wrong` is a failure."""

    seed: int
    seconds: float
    faults: dict[str, int]
    looks: int = 0
    legs_looked_at: int = 0
    signals: int = 0
    samples: int = 0
    reconnects: int = 0
    messages: int = 0
    worst_lag_s: float = 0.0
    cpu_pct: float = 0.0
    warm_mb: float = 0.0  # memory when histories are full
    before: Use | None = None
    after: Use | None = None
    wrong: list[str] = []


class Followed(Sim):
    """The simulated venues; `after` is called after every step of the market."""

    after: Callable[[], None] | None = None

    def pump_once(self) -> None:
        super().pump_once()
        if self.after is not None:
            self.after()


class Soak:
    """One run. Seconds are those of the loop's clock; `scale` makes the engine's timers faster."""

    def __init__(  # noqa: PLR0913  what a run is
        self, seed: int, seconds: float, every_s: float, coins: int, scale: float, *, clock: Callable[[], Clock]
    ) -> None:
        self.seed, self.seconds, self.every_s, self.coins, self.scale = seed, seconds, every_s, coins, scale
        self._clock = clock  # of the running loop
        self.report = Report(seed=seed, seconds=seconds, faults={})
        self.wrong = self.report.wrong
        self._deceived: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self.watching = False
        self._due: set[Key] = set()
        self._cadences = {
            (venue.name, stream.market, channel.kind): channel.cadence_s  # the venue's own, which nothing scales
            for venue in all_venues()
            for stream in venue.streams
            for channel in stream.channels
        }
        self._said: deque[str] = deque(maxlen=4)  # the last faults

    async def run(self) -> Report:
        """All of it. Raises what the engine raised."""
        clock = self._clock()
        async with Followed(SimOptions(seed=self.seed, coins=self.coins), clock) as sim:
            self.sim = sim
            settings = settings_of(sim, self.scale)
            self.engine = engine = Engine(all_venues(), settings, clock=clock)
            rule = settings.signals
            wanted = Wanted(
                rule.threshold_pct, rule.close_pct or 0.75 * rule.threshold_pct, rule.samples, rule.max_gap_s, rule.cooldown_s,
                rule.max_age_s, rule.max_quiet_s,
            )  # fmt: skip
            self.rule = Rule(wanted, sim.endpoints)
            engine.watch.observe = self._sampled
            engine.listeners.append(self._heard)
            task = asyncio.create_task(engine.run())
            watchers = [asyncio.create_task(w) for w in (self._beat(), self._look())]
            try:
                await self._play()
            finally:
                for watcher in watchers:
                    watcher.cancel()
                engine.stop()
                await asyncio.wait_for(task, 30)
            self.wrong += [f"limit broken: {rule} x{n}" for rule, n in sim.violations.items()]
        return self.report

    async def _play(self) -> None:
        await self._well(300.0)
        self.truth = Truth(self.sim, (SWEEP_S + 10) * self.scale + NETWORK_S + 10.0)
        self.sim.after = self.truth.note
        await asyncio.sleep(12.0)  # the past begins to be known
        self.watching = True
        started, cpu = self.engine.clock.mono(), process_time()
        self.report.before = look()
        counts: Counter[str] = Counter()
        for due in schedule(self.seed, self.seconds, self.every_s, self.sim.world):
            await asyncio.sleep(max(0.0, started + due.at_s - self.engine.clock.mono()))
            counts[due.what.kind] += 1
            self._said.append(f"{due.at_s:.0f} s {_short(due.what)}")
            if isinstance(due.what, Fault):
                self._deceive(due.what)
                self.sim.fault(due.what)
            else:
                self.sim.turn(due.what)
            if self.engine.clock.mono() - started < WARM_S:
                self.report.warm_mb = rss_mb()
        await asyncio.sleep(max(0.0, started + self.seconds - self.engine.clock.mono()))
        self.report.faults = dict(counts)
        self.report.cpu_pct = 100 * (process_time() - cpu) / (self.engine.clock.mono() - started)
        await self._recover()

    async def _recover(self) -> None:
        """Everything is well again: all lines live, and the board holds the last value of every symbol."""
        self.sim.faults.clear()
        await self._well(QUIET_S)
        believed_again = max((until for spans in self._deceived.values() for _, until in spans), default=0.0)
        await asyncio.sleep(max(0.0, believed_again - self.engine.clock.mono()))
        self.sim.quiet = True
        until = self.engine.clock.mono() + QUIET_S * self.scale + 5.0
        while (found := self._different()) and self.engine.clock.mono() < until:  # noqa: ASYNC110  it polls the truth
            await asyncio.sleep(BEAT_S)
        if found:
            self.wrong.append(f"after all faults {len(found)} legs are not what the venues say: {found[:5]}")
        states = self.engine.states()
        self.report.reconnects = sum(s.reconnects for s in states)
        self.report.messages = sum(f.messages for f in self.engine.fleets.values())
        self.report.samples = self.rule.samples
        self.report.after = look()
        assert self.report.before is not None
        before = replace(self.report.before, rss_mb=self.report.warm_mb or self.report.before.rss_mb)
        self.wrong += leaks(before, self.report.after, MEMORY_MB)

    async def _well(self, seconds: float) -> None:
        """Wait until every venue gives nearly all its legs, for so long of the program's time at most."""
        until = self.engine.clock.mono() + seconds * self.scale + 20.0
        while self.engine.clock.mono() < until:
            states = self.engine.states()
            if len(states) == len(self.sim.endpoints) and all(s.legs and s.fresh_legs >= 0.9 * s.legs for s in states):
                return
            await asyncio.sleep(BEAT_S)
        told = [(s.name, s.status.value, s.detail, f"{s.fresh_legs}/{s.legs}") for s in self.engine.states()]
        self.wrong.append(f"not well again after {seconds:.0f} s: {told}")

    def _deceive(self, fault: Fault) -> None:
        """Note from when to when this fault makes lines say what is not true. Silence is no excuse while it lasts, but what
        was lost in it is not said again when a line goes on."""
        if fault.kind in DECEIVING:
            now, slowest_s = self.engine.clock.mono(), max(self._cadences.values())
            is_silent = fault.kind in SILENT and not fault.match  # what mutes some frames of a stream loses changes
            since = now + fault.for_s if is_silent else now
            until = now + fault.for_s + SWEEP_S * self.scale + slowest_s + NETWORK_S
            for venue in [fault.venue] if fault.venue else self.sim.endpoints:
                self._deceived[venue].append((since, until))

    def _is_deceived(self, venue: str, now: float) -> bool:
        return any(since <= now < until for since, until in self._deceived[venue])

    # what the observer does

    async def _beat(self) -> None:
        """Measure what the loop is late by."""
        while True:
            asked = self.engine.clock.mono()
            await asyncio.sleep(BEAT_S)
            if self.watching:
                self.report.worst_lag_s = max(self.report.worst_lag_s, self.engine.clock.mono() - asked - BEAT_S)

    async def _look(self) -> None:
        """Once a second: what is shown as fresh is true, and what is said of it."""
        words = Words(round(WORDS_S * self.scale + 1))
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.watching:
                continue
            self.report.looks += 1
            self.wrong += [f"{text}; before: {'; '.join(self._said)}" for text in words.doubt(self.engine.states())]
            now = self.engine.clock.mono()
            for cell in self.engine.board.cells():
                if cell.is_fresh(now, self.engine.terms.freshness):
                    self.report.legs_looked_at += 1
                    self._doubt(cell, "is shown as fresh")

    def _doubt(self, cell: Cell, what: str) -> None:
        """A lie, unless the price was true within the time that the contract leaves."""
        now = self.engine.clock.mono()
        if self._is_deceived(cell.key.venue, now):
            return
        age_s = self.engine.terms.freshness.max_age_s
        by = cell.quote.by
        cadence_s = 0.0 if by is None else self._cadences.get((by.venue, by.market, by.kind), 0.0)
        within_s = age_s + self.scale + cadence_s
        within_s += NETWORK_S + self.report.worst_lag_s
        one = self.sim.world.instruments(cell.key.venue, cell.key.market.value).get(cell.key.symbol)
        if one is not None and one.state == "halted":
            within_s += HALT_S * self.scale
        if not self.truth.is_true(cell, within_s):
            key = cell.key
            line = f"{key.venue} {key.market} {key.symbol} {what} with {cell.bid}/{cell.ask}"
            self.wrong.append(f"a lie: {line}; before: {'; '.join(self._said)}")

    def _sampled(self, rows: Sequence[Row], now: float, now_ms: int) -> None:
        if self._due:
            self.wrong.append(f"not signalled: {sorted(self._due)}")
        self.rule.see(rows, now, now_ms)
        self._due = set(self.rule.due)

    def _heard(self, signal: Signal) -> None:
        if signal.kind != "spread":
            return
        self.report.signals += 1
        key = signal.symbol, signal.short_exchange, signal.long_exchange
        if key not in self._due:
            self.wrong.append(f"signalled without reason: {key} {signal.spread_percent:.2f} %")
        self._due.discard(key)
        row = self.engine.board.rows.get(signal.symbol)
        prices = {signal.short_exchange: signal.price_short, signal.long_exchange: signal.price_long}
        for cell in row.cells if row is not None and self.watching else ():
            if cell.key.market is Market.PERP and prices.get(cell.key.venue) in (cell.bid, cell.ask):
                self._doubt(cell, "is in a signal")

    def _different(self) -> list[str]:
        found = []
        for cell in self.engine.board.cells():
            if cell.leg.halted or cell.leg.off_ms is not None:
                continue
            if not self.truth.is_true(cell, 0.0):
                by = cell.quote.by
                told = f"{cell.bid}/{cell.ask} by {by.source if by else None} {by.kind if by else None}"
                age_s = cell.age_s(self.engine.clock.mono(), self.engine.terms.freshness)
                found.append(f"{cell.key.venue} {cell.key.market} {cell.key.symbol} {told}, age {age_s} s")
        return found


def _short(what: Fault | Turn) -> str:
    """What was ordered, without what is as always."""
    names = (
        "kind",
        "venue",
        "market",
        "symbol",
        "match",
        "how",
        "share",
        "status",
        "code",
        "count",
        "delay_s",
        "for_s",
        "bump",
        "deep",
    )
    told = ((name, getattr(what, name, None)) for name in names)
    return " ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for _, value in told if value)


def settings_of(sim: Sim, scale: float) -> Settings:
    """Defaults on these venues, with everything that counts seconds scaled."""
    settings = defaults(venue_defaults())
    for name, urls in sim.endpoints.items():
        settings.venues[name].endpoints |= urls
    settings.feeds.time_scale = scale
    rule = settings.signals
    for name in ("max_age_s", "max_quiet_s", "sample_every_s", "max_gap_s", "cooldown_s"):
        setattr(rule, name, getattr(rule, name) * scale)
    return settings
