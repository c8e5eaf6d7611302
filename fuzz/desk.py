"""Tell the board what venues could say, in random order and at the worst of times, and compare it with what was true.

`python -m fuzz.desk [--steps 1000000] [--seed 0]`: venues whose quotes change, streams that are dropped, dialled again, asked
symbol by symbol and rotated, REST replies from caches that come late, legs that are halted, quarantined and leave. No sockets:
connections behave as those of `frmon.feeds` do, and a million steps take a few minutes. After every sample each fresh leg must be
what its venue's quote is or lately was, and the rule must signal what its wording says (`soak.rule`), of no other leg.
"""

import argparse
import heapq
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from frmon.board import Board
from frmon.cell import Cell, Freshness
from frmon.config import SignalSettings
from frmon.model import Carrier, Leg, Market, Tick
from frmon.signals.rules import Rule
from frmon.spread import Terms
from soak.rule import Rule as Wording
from soak.rule import Wanted

WALL_MS = 1_790_000_000_000
COINS = ("AAA", "BBB", "CCC", "DDD")
CACHED_S = 1.4  # how old what REST says may be when it is asked
HEARS_S = 0.5  # until a venue has taken in what it is asked
LATE_S = 0.4  # until what it says arrives
STREAM_S = 1.1  # within which a stream has told a change: a beat, and its way
REST_S = 5.0 + CACHED_S + LATE_S  # how long a REST reply may be fresh after the moment it tells of

Quote = tuple[float, float]


class Told(NamedTuple):
    """What a venue says: on which connection, of which leg, the quote and since when it holds."""

    connection: int
    symbol: str
    quote: Quote
    since: float


class Truth:
    """What one leg's quote was: (since when, quote), the newest last."""

    def __init__(self, now: float, quote: Quote) -> None:
        self.past: deque[tuple[float, Quote]] = deque([(now, quote)], maxlen=400)

    def change(self, now: float, quote: Quote) -> None:
        self.past.append((now, quote))

    def at(self, when: float) -> tuple[float, Quote]:
        """What held then, and since when."""
        return next((p for p in reversed(self.past) if p[0] <= when), self.past[0])

    def lately(self, since: float) -> Iterator[Quote]:
        """All that held at any time since."""
        for at, quote in reversed(self.past):
            yield quote
            if at <= since:
                return


class Connection:
    """One stream connection of a venue, as a line holds it: what it carries from when on, as the venue sees it."""

    def __init__(self, number: int, carrier: Carrier) -> None:
        self.number = number
        self.carrier = carrier
        self.heeds: dict[str, float] = {}  # symbol -> from when on its changes are told
        self.said_at = 0.0  # the last that was said arrives then: order is kept


class Venue:
    """One venue: its truth, its stream and its REST. `beat_s`: that its stream may hold a change back. `stamps`: whether what its
    stream and its REST say has times."""

    def __init__(self, name: str, *, beat_s: float, stamps: tuple[bool, bool], pushes_first: bool) -> None:
        self.name = name
        self.beat_s = beat_s
        self.stamps, stamped = stamps
        self.pushes_first = pushes_first
        self.carrier = self.stream()
        self.rest = Carrier(name, Market.PERP, "tickers", source="rest", stamped=stamped)
        self.legs = {
            f"{coin}USDT": Leg(venue=name, market=Market.PERP, symbol=f"{coin}USDT", coin=coin) for coin in COINS
        }
        self.truth = {symbol: Truth(0.0, (99.9, 100.1)) for symbol in self.legs}
        self.line: Connection | None = None
        self.next_line: Connection | None = None

    def stream(self) -> Carrier:
        """What a new line of it states quotes on."""
        return Carrier(self.name, Market.PERP, "ticker", pushes_changes=True)


class Desk:
    """The board, the rule, and the venues that speak to them. `wrong`: what was found."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 1000.0
        self.board = Board()
        self.venues = [
            Venue("beats", beat_s=1.0, stamps=(True, False), pushes_first=False),
            Venue("pushes", beat_s=0.0, stamps=(True, True), pushes_first=True),
            Venue("waits", beat_s=0.0, stamps=(True, True), pushes_first=False),
            Venue("timeless", beat_s=1.0, stamps=(False, False), pushes_first=False),
        ]
        limits = SignalSettings()
        terms = Terms(fees={}, freshness=Freshness(limits.max_age_s, limits.max_quiet_s))
        self.rule = Rule(limits, terms)
        close = limits.close_pct or 0.75 * limits.threshold_pct
        wanted = Wanted(
            limits.threshold_pct, close, limits.samples, limits.max_gap_s, limits.cooldown_s, limits.max_age_s, limits.max_quiet_s
        )  # fmt: skip
        self.wording = Wording(wanted, [v.name for v in self.venues])
        self.every_s = limits.sample_every_s
        self.wrong: list[str] = []
        self.compared = self.signals = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count(1)
        self._sample_at = self.now
        for venue in self.venues:
            for leg in venue.legs.values():
                self.board.seat(leg)
        self._acts: list[tuple[Callable[[Venue], None], float]] = [
            (self._move, 60), (self._answer, 12), (self._drop, 1), (self._dial, 8), (self._rotate, 1), (self._turn, 1),
            (self._doubt, 0.5), (self._rest, 3),
        ]  # fmt: skip

    def run(self, steps: int) -> None:
        """So many things happen."""
        acts, weights = zip(*self._acts, strict=True)
        for _ in range(steps):
            self._pass(self.random.expovariate(20.0))
            self.random.choices(acts, weights)[0](self.random.choice(self.venues))

    def _pass(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            at, _, what = heapq.heappop(self._due)
            self._sample_before(at)
            self.now = at
            what()
        self._sample_before(until)
        self.now = until

    def _sample_before(self, at: float) -> None:
        while self._sample_at <= at:
            self.now = self._sample_at
            self._sample_at += self.every_s
            self._sample()

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), what))

    # what venues do

    def _move(self, venue: Venue) -> None:
        """A quote changes; who carries it says so."""
        symbol = self.random.choice(list(venue.legs))
        middle = 100.0 + self.random.gauss(0.0, 0.1) + (1.5 if self.random.random() < 0.1 else 0.0)
        quote = round(middle - 0.05, 4), round(middle + 0.05, 4)
        venue.truth[symbol].change(self.now, quote)
        for line in (venue.line, venue.next_line):
            if line is not None and line.heeds.get(symbol, float("inf")) <= self.now:
                self._say(venue, line, symbol)

    def _say(self, venue: Venue, line: Connection, symbol: str) -> None:
        """A stream states a leg as it is now, in the order in which it says things."""
        since, quote = venue.truth[symbol].at(self.now)
        told = Told(line.number, symbol, quote, since)
        way = self.random.uniform(0.0, venue.beat_s + STREAM_S - 1.0)
        line.said_at = max(line.said_at, self.now + way)
        self._after(line.said_at - self.now, lambda: self._hear(venue, told))

    def _hear(self, venue: Venue, told: Told) -> None:
        line = next((c for c in (venue.line, venue.next_line) if c is not None and c.number == told.connection), None)
        if line is None:
            return  # its connection was given up
        carrier = line.carrier
        carrier.heard_at = self.now
        if not carrier.live:
            carrier.live, carrier.up_at = True, self.now
        tick = self._tick(told.symbol, told.quote, told.since, stamped=venue.stamps)
        self.board.take(carrier, [tick], self.now, self._ms(self.now))

    def _tick(self, symbol: str, quote: Quote, since: float, *, stamped: bool) -> Tick:
        return Tick(symbol=symbol, bid=quote[0], ask=quote[1], event_ms=self._ms(since) if stamped else None)

    def _ms(self, at: float) -> int:
        return WALL_MS + round(at * 1000)

    def _answer(self, venue: Venue) -> None:
        """REST is asked, and says what held a little earlier."""
        asked_at, true_at = self.now, self.now - self.random.uniform(-LATE_S / 2, CACHED_S)
        legs = [s for s in venue.legs if self.random.random() < 0.9]

        def arrive() -> None:
            ticks = []
            for symbol in legs:
                since, quote = venue.truth[symbol].at(true_at)
                ticks.append(self._tick(symbol, quote, since, stamped=venue.rest.stamped))
            venue.rest.heard_at = self.now
            self.board.take(venue.rest, ticks, self.now, self._ms(self.now), asked_at)

        self._after(self.random.uniform(LATE_S / 2, LATE_S), arrive)

    # what connections do

    def _dial(self, venue: Venue) -> None:
        if venue.line is None:
            venue.carrier.generation += 1
            venue.line = self._ask(venue, venue.carrier)

    def _ask(self, venue: Venue, carrier: Carrier) -> Connection:
        """A connection asks for its symbols one by one, as limits allow."""
        line = Connection(next(self._numbers), carrier)
        wait = 0.0
        for symbol in self.random.sample(list(venue.legs), len(venue.legs)):
            wait += self.random.choice((0.0, 0.1, 0.6, 3.0))
            self._after(wait, lambda symbol=symbol: self._asked(venue, line, symbol))  # type: ignore[misc]
        return line

    def _asked(self, venue: Venue, line: Connection, symbol: str) -> None:
        if line not in (venue.line, venue.next_line):
            return
        self.board.carry(line.carrier, [symbol], self.now)
        line.heeds[symbol] = self.now + self.random.uniform(0.0, HEARS_S)
        if venue.pushes_first:
            self._after(line.heeds[symbol] - self.now, lambda: self._say(venue, line, symbol))

    def _drop(self, venue: Venue) -> None:
        for line in (venue.line, venue.next_line):
            if line is not None:
                line.carrier.live, line.carrier.up_at = False, float("inf")
        venue.line = venue.next_line = None

    def _rotate(self, venue: Venue) -> None:
        """Another connection takes over once it was asked for everything, and has been for a beat."""
        if venue.line is None or venue.next_line is not None:
            return
        carrier = venue.stream()
        carrier.generation = 1
        line = venue.next_line = self._ask(venue, carrier)

        def take_over() -> None:
            if venue.next_line is not line or venue.line is None:
                return
            if len(line.heeds) < len(venue.legs) or not carrier.live or max(line.heeds.values()) + STREAM_S > self.now:
                self._after(0.5, take_over)
                return
            self.board.pass_on(venue.line.carrier, carrier)
            venue.line.carrier.live, venue.line.carrier.up_at = False, float("inf")
            venue.line, venue.next_line, venue.carrier = line, None, carrier

        self._after(0.5, take_over)

    # what else happens

    def _turn(self, venue: Venue) -> None:
        """A leg is halted, goes on, falls into quarantine, comes out of it, leaves or comes."""
        symbol = self.random.choice(list(venue.legs))
        leg = venue.legs[symbol]
        kind = self.random.choice(("halted", "quarantine", "none", "none", "gone"))
        if kind == "gone":
            self.board.unseat(leg.key)
        quarantine = "price 4x others" if kind == "quarantine" else ""
        self.board.seat(replace(leg, halted=kind == "halted", quarantine=quarantine))

    def _doubt(self, venue: Venue) -> None:
        self.board.doubt(venue.rest, [self.random.choice(list(venue.legs))])

    def _rest(self, _venue: Venue) -> None:
        """Nothing happens for a while."""
        if self.random.random() < 0.1:
            self._pass(self.random.uniform(1.0, 20.0))

    # what is seen

    def _sample(self) -> None:
        rows, now_ms = list(self.board.rows.values()), self._ms(self.now)
        self.wording.see(rows, self.now, now_ms)
        for venue in self.venues:
            for cell in self.board.cells(venue.name):
                if cell.is_fresh(self.now, self.rule.terms.freshness):
                    self._compare(venue, cell)
        fired = self.rule.sample(rows, self.now, now_ms)
        self.signals += len(fired)
        keys = {(s.symbol, s.short_exchange, s.long_exchange) for s in fired}
        if keys != self.wording.due:
            self.wrong.append(f"{self.now:.2f}: signalled {sorted(keys)} and not {sorted(self.wording.due)}")

    def _compare(self, venue: Venue, cell: Cell) -> None:
        self.compared += 1
        since = self.now - (REST_S if cell.source == "rest" else 5.0 + STREAM_S)
        if (cell.bid, cell.ask) not in set(venue.truth[cell.key.symbol].lately(since)):
            self.wrong.append(f"{self.now:.2f}: {venue.name} {cell.key.symbol} is fresh with {cell.bid}/{cell.ask}")


def main(words: Sequence[str] | None = None) -> int:
    """Run; 1 where anything was wrong."""
    asked = argparse.ArgumentParser(prog="fuzz.desk", description=__doc__)
    asked.add_argument("--steps", type=int, default=1_000_000)
    asked.add_argument("--seed", type=int, default=0)
    told = asked.parse_args(words)
    desk = Desk(told.seed)
    desk.run(told.steps)
    print(f"seed {told.seed}: {told.steps} steps, {desk.compared} fresh legs compared, {desk.signals} signals")
    print("\n".join(desk.wrong[:10]) or "nothing wrong")
    return 1 if desk.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
