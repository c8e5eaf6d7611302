"""The engine's regular beats: spreads of what changed, states of the venues, what is interesting now, and whether time
itself behaves."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

from frmon import spread
from frmon.board import Board
from frmon.events import EventLog
from frmon.feeds.fleet import UP, Fleet
from frmon.feeds.line import Line
from frmon.feeds.standing import are_lost, at_rest
from frmon.model import LegKey, LineState, Market, Status, VenueState
from frmon.redact import redact
from frmon.spread import Terms
from frmon.vigil import Vigil

SPREADS_S = 0.25
ALL_SPREADS_S = 1.0
STATES_S = 0.5
INTEREST_S = 10.0
LATE_SHOWN_S = 5.0  # for which a venue is shown as lagging after the program was late
BETTER_MS = 1_000.0  # by which another wall clock must be nearer to the venues' to be believed
SETTLED_S = 2.5  # without one more fresh leg: the first picture is as full as it gets
NONE_FRESH = "none of its legs is fresh"
TOP_COINS = 600  # ranked; venues take what they can carry


_SAYS_WHY = {Status.BANNED, Status.BLOCKED, Status.MAINT, Status.TLS, Status.DNS, Status.NO_DATA, Status.RECONNECT}
"""States that explain why no leg is fresh better than STALE does."""


def mostly_stale(state: VenueState) -> None:
    """A venue most of whose legs are not fresh is not simply live, whatever its lines say."""
    if state.status in {Status.LIVE, Status.LAG} and 2 * state.fresh_legs < state.legs:
        state.status = Status.PARTIAL
        words = f"{state.fresh_legs} of {state.legs} legs fresh"
        state.detail = "; ".join(part for part in (words, state.detail) if part)


class Pulse:
    """The beats over a board and the fleets that fill it."""

    def __init__(  # noqa: PLR0913, PLR0917  what it reads, and whom it tells
        self,
        board: Board,
        fleets: Mapping[str, Fleet],
        terms: Terms,
        clock: Vigil,
        log: EventLog,
        time_scale: float,
    ) -> None:
        self._board = board
        self._fleets = fleets
        self._terms = terms
        self._clock = clock
        self._log = log
        self._tell = log.tell
        self._scale = time_scale
        self.states: list[VenueState] = []
        self.notices: tuple[str, ...] = ()
        self.looked_at: tuple[str, ...] = ()
        self._seen: dict[str, int] = {}
        self._counts: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, float] = {}
        self._most_fresh = 0
        self._told: dict[str, Status] = {}  # venue -> the status that the event log knows
        self._dim: set[str] = set()  # lines that are up without a fresh quote
        self._spoke: set[str] = set()  # venues that had a fresh leg once
        self._late = (float("-inf"), 0.0)  # until when it is shown, and by how much
        self._is_lost = False  # whether no venue at all can be reached
        self.gained_at = clock.mono()  # when the picture last became fuller
        clock.stalled, clock.stepped, clock.late = self._stood_still, self._stepped, self._was_late

    def jobs(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The beats by name."""
        return {
            "spreads": self._spreads,
            "states": self._states,
            "interest": self._interest,
        }

    def is_complete(self) -> bool:
        """See `Engine.is_complete`."""
        if not all(f.is_settled() or f.is_unreachable() for f in self._fleets.values()):
            return False
        if not self.states or any(s.status is Status.CONNECTING for s in self.states):
            return False
        legs = sum(s.legs for s in self.states)
        fresh = sum(s.fresh_legs for s in self.states)
        if self._clock.mono() - self.gained_at > SETTLED_S:
            return True
        return bool(legs) and fresh == legs and self._has_funding()

    def _has_funding(self) -> bool:
        perps = [c for c in self._board.cells() if c.key.market is Market.PERP and not c.leg.halted]
        return sum(c.funding_rate is None for c in perps) <= 0.1 * len(perps)

    async def _spreads(self) -> None:
        """Recompute the rows that changed four times a second, and all once a second, since freshness fades by itself."""
        all_at = float("-inf")
        while True:
            now, now_ms = self._clock.mono(), self._clock.now_ms()
            everything = now - all_at >= ALL_SPREADS_S
            for row in list(self._board.rows.values()):
                if everything or self._seen.get(row.coin) != row.version:
                    self._seen[row.coin] = row.version
                    row.spread = spread.best(row, self._terms, now, now_ms)
            if everything:
                all_at = now
                self._seen = {coin: v for coin, v in self._seen.items() if coin in self._board.rows}
            await self._clock.sleep(SPREADS_S)

    async def _states(self) -> None:
        while True:
            now = self._clock.mono()
            self._choose_clock()
            self.states = [self._state(name, now) for name in self._fleets]
            self._tell_changes()
            self._look_for_network()
            fresh = sum(s.fresh_legs for s in self.states)
            if fresh > self._most_fresh:
                self._most_fresh, self.gained_at = fresh, now
            await self._clock.sleep(STATES_S)

    def _look_for_network(self) -> None:
        """Whether any venue can be reached. When one can again, nobody waits any longer for the next try."""
        is_lost = are_lost(self.states)
        self.notices = (*(("NETWORK: no venue is reachable",) if is_lost else ()), *self._log.notices())
        if is_lost is self._is_lost:
            return
        self._is_lost = is_lost
        self._tell("NETWORK lost: no venue is reachable" if is_lost else "NETWORK is back: who waits to dial dials now")
        for fleet in self._fleets.values():
            fleet.hurry()

    def _stood_still(self, seconds: float) -> None:
        """The process was stopped or the machine slept. What waits in the sockets was said before, nobody knows when: it
        counts for nothing, every line is dialled again."""
        self._board.since = self._clock.mono()
        for fleet in self._fleets.values():
            fleet.redial()
        self._tell(f"RESUMED after {seconds:.0f} s: every line is dialled again")

    def _was_late(self, seconds: float) -> None:
        """The loop was held up, but not for so long that what waits in the sockets is too old."""
        self._late = self._clock.mono() + max(1.0, LATE_SHOWN_S * self._scale), seconds
        self._tell("LAG this program is held up, frames are read late")

    def _stepped(self, seconds: float) -> None:
        self._tell(f"CLOCK of this machine was set {'forward' if seconds > 0 else 'back'} by {abs(seconds):.1f} s")
        self._choose_clock()

    def _choose_clock(self) -> None:
        """Follow a wall clock that was set if that is nearer to the venues' clocks."""
        held_ms = self._clock.held_ms
        if not held_ms:
            return
        known = [fleet.skew_ms for fleet in self._fleets.values() if fleet.skew_ms is not None]
        skew_ms = median(known) if known else None
        if skew_ms is None or abs(skew_ms + held_ms) + BETTER_MS < abs(skew_ms):
            moved_ms = self._clock.follow()
            for fleet in self._fleets.values():
                fleet.shift_clock(moved_ms)

    def _tell_changes(self) -> None:
        """Every change of a venue's status is one row of the event log; lines tell theirs themselves."""
        for one in self.states:
            before = self._told.get(one.name, Status.CONNECTING)
            self._told[one.name] = one.status
            if one.status is not before:
                self._tell(f"{one.name}: {before} → {one.status}" + (f" ({one.detail})" if one.detail else ""))

    def _state(self, name: str, now: float) -> VenueState:
        fleet = self._fleets[name]
        state = fleet.look()
        trading, halted = Counter[str](), Counter[str]()
        for cell in self._board.cells(name):
            (halted if cell.leg.halted else trading)[cell.key.market] += 1
            state.fresh_legs += not cell.leg.halted and cell.is_fresh(now, self._terms.freshness)
        state.legs = trading.total()
        dim = [
            one.name
            for line, one in zip(fleet.all_lines, state.lines, strict=True)
            if self._unmask(name, line, one, now)
        ]
        at_rest(state, trading, halted)
        state.messages_per_s = self._rate(name, fleet.messages, now)
        if state.fresh_legs:
            self._spoke.add(name)
            mostly_stale(state)
        elif state.legs and name in self._spoke and state.status not in _SAYS_WHY:
            state.status = Status.MAINT if fleet.maintenance else Status.STALE
            state.detail = "; ".join(part for part in (fleet.maintenance, state.detail) if part) or NONE_FRESH
        if dim and state.status in UP:
            state.status = Status.PARTIAL
            state.detail = "; ".join(filter(None, (f"{dim[0]} {Status.STALE}: {NONE_FRESH}", state.detail)))
        until, late_s = self._late
        if now < until and state.status is Status.LIVE:
            state.status = Status.LAG
            state.detail = f"this program was held up for {late_s:.1f} s"
        state.detail = redact(state.detail)
        for line in state.lines:
            line.detail = redact(line.detail)
        return state

    def _unmask(self, venue: str, line: Line, shown: LineState, now: float) -> bool:
        """A line of whose quotes none is fresh, by whatever means, is not live, whatever still comes on it. Whether that is so."""
        is_dim = shown.status in UP and not self._fleets[venue].maintenance and self._is_dim(venue, line, now)
        if is_dim is not (shown.name in self._dim):
            (self._dim.add if is_dim else self._dim.discard)(shown.name)
            ways = (shown.status, Status.STALE) if is_dim else (Status.STALE, shown.status)
            self._tell(f"{shown.name}: {' → '.join(ways)}" + (f" ({NONE_FRESH})" if is_dim else ""))
        if is_dim:
            shown.status, shown.detail = Status.STALE, "; ".join(filter(None, (NONE_FRESH, shown.detail)))
        return is_dim

    def _is_dim(self, venue: str, line: Line, now: float) -> bool:
        stream = line.stream
        if not any("quote" in channel.parts for channel in stream.channels):
            return False
        cells = (self._board.cell(LegKey(venue, stream.market, symbol)) for symbol in line.expected)
        due = [cell.is_fresh(now, self._terms.freshness) for cell in cells if cell is not None and not cell.leg.halted]
        return bool(due) and not any(due)

    def _rate(self, name: str, count: int, now: float) -> float:
        """Messages per second, smoothed over about three seconds."""
        then, before = self._counts.get(name, (now, count))
        self._counts[name] = (now, count)
        if now <= then:
            return self._rates.get(name, 0.0)
        rate = (count - before) / (now - then)
        self._rates[name] = rate if name not in self._rates else 0.85 * self._rates[name] + 0.15 * rate
        return round(self._rates[name], 1)

    async def _interest(self) -> None:
        """Give streams that are only for some symbols to the coins looked at and to those with the widest spreads."""
        while True:
            rows = [r for r in list(self._board.rows.values()) if r.spread is not None]
            rows.sort(key=lambda r: -r.spread.gross_pct if r.spread else 0.0)
            coins = dict.fromkeys([*self.looked_at, *(r.coin for r in rows[:TOP_COINS])])
            for name, fleet in self._fleets.items():
                for market in Market:
                    fleet.demand(market, _symbols(self._board, coins, name, market))
            await self._clock.sleep((INTEREST_S if rows else 1.0) * self._scale)


def _symbols(board: Board, coins: dict[str, None], venue: str, market: Market) -> list[str]:
    """This market's symbols of coins that another venue trades too, in the order of `coins`."""
    found = []
    for coin in coins:
        row = board.rows.get(coin)
        if row is not None and len({c.key.venue for c in row.cells}) > 1:
            found += [c.key.symbol for c in row.cells if c.key.venue == venue and c.key.market is market]
    return found
