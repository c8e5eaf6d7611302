"""What the engine sees goes to the journal: minutes of legs and spreads, signals, episodes, settlements, events, and what the
program itself used. Nothing here waits for the file."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from frmon.board import Board
from frmon.cell import Cell, Freshness
from frmon.events import REPEATED_S, Event
from frmon.funding import FundingEvent
from frmon.jobs import Jobs
from frmon.lastminute import LastMinute
from frmon.minutes import Minutes
from frmon.model import Signal, VenueState
from frmon.ownuse import Own
from frmon.signals.episodes import Episode, Episodes, State
from frmon.signals.watch import Grid
from frmon.storage.journal import Journal
from frmon.storage.records import EpisodeRow, EventRow, LegName, Record, Settlement, SignalRow
from frmon.storage.state import JournalState
from frmon.vigil import Vigil

LOOK_S = 1.0
FOLLOW_S = 5.0
"""At most so often an open episode is written: what is lost of it with the program is not older."""

RESET_S = 600.0
"""So long it is said that a new file had to be begun."""

KEPT = 20_000
"""Signals and episodes that are known to be saved."""

MOST_REPEATED = 500
"""Repeated events whose final count is waited for."""

END_S = 2.6
"""A little more than the journal takes at most."""

GOOD = frozenset({"OK", "OPENING", "OFF"})

Name = tuple[str, int, str, str, str, str]
"""What a signal or an episode is known by in the file."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at."""

    board: Board
    episodes: Episodes
    states: Callable[[], Sequence[VenueState]]
    freshness: Freshness


class Saved:
    """`signal in saved`, `episode in saved`: whether it lies in the file for good. From any thread."""

    def __init__(self) -> None:
        self._names: dict[Name, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, what: object) -> bool:
        if isinstance(what, Signal):
            return name_of(signal_row(what)) in self._names
        return isinstance(what, Episode) and name_of(episode_row(what)) in self._names

    def hear(self, records: Sequence[Record]) -> None:
        """These were saved."""
        for record in records:
            if isinstance(record, SignalRow | EpisodeRow):
                self._names[name_of(record)] = None
        while len(self._names) > KEPT:
            del self._names[next(iter(self._names))]


class Keeping:
    """Puts what happens into a journal, on the engine's thread. `mine`: the episodes of this run, as long as somebody wants
    to know; whoever does not sets it to None."""

    def __init__(self, journal: Journal, seen: Seen, clock: Vigil, tell: Callable[[str], None]) -> None:
        self.journal = journal
        self.saved = Saved()
        self.mine: set[Name] | None = set()
        self._seen = seen
        self._clock = clock
        self._minutes = Minutes(seen.freshness)
        self._last = LastMinute(journal, self._minutes, clock, tell)
        self._grid = Grid(clock, LOOK_S)
        self._written: dict[
            Name, tuple[float, int]
        ] = {}  # open episodes: when they were written, after how many samples
        self._repeated: dict[str, Event] = {}
        self._own = Own(seen.states, clock)
        self._shown = ("", 0.0)  # the journal's status and since when
        self._jobs = Jobs(clock, tell)
        self._writing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        journal.on_saved(self.saved.hear)
        seen.episodes.hear = self.hear_episode

    def start(self) -> None:
        """Write what is put, and look once a second, until `end`. What was put before is written too."""
        self._writing = self._jobs.start("storage", self.journal.run)
        self._looking = self._jobs.start("keeping", self._run)
        self._jobs.start("last minute", self._last.run)

    async def end(self) -> None:
        """Put what is known so far of the running minute, open episodes and repeated events; return when all is written, or
        after `END_S`."""
        if self._looking is not None:
            self._looking.cancel()  # what is seen after the last look would pass for the whole minute
        self.finish()
        last = asyncio.create_task(self._last.end(), name="last minute's end")
        self.journal.stop()
        writing = self._writing
        if writing is not None and not self.journal.is_at_work:
            writing.cancel()  # it waits after a bug, perhaps for longer than the end may take
            writing = self._jobs.start("storage's end", self.journal.run)
        await asyncio.wait({last} if writing is None else {last, writing}, timeout=END_S)
        await self._jobs.end()

    async def _run(self) -> None:
        while True:
            await self._grid.next()
            self.look()

    def look(self) -> None:
        """One look at everything."""
        now, now_ms = self._clock.mono(), self._clock.now_ms()
        self._look_at_board(now, now_ms)
        for episode in self._seen.episodes.open:
            at, samples = self._written.get(name_of(episode_row(episode)), (float("-inf"), 0))
            if now - at >= FOLLOW_S and samples != episode.samples:
                self.hear_episode(episode)
        for event in [e for e in self._repeated.values() if now - e.at >= REPEATED_S]:
            self._settle(event)
        if (sample := self._own.sample(now, now_ms)) is not None:
            self.journal.put(sample)
        status = self.journal.state.status
        if status != self._shown[0]:
            self._shown = status, now

    def _look_at_board(self, now: float, now_ms: int) -> None:
        minute = self._minutes.minute
        if turns := self._minutes.turns(now_ms):
            self._last.hand()
        over = self._minutes.look(list(self._seen.board.rows.values()), now, now_ms)
        for bar in self._last.whole(minute, over) if turns else over:
            self.journal.put(bar)
        self._last.looked()

    def finish(self) -> None:
        """Put what waits for more."""
        self.look()
        self._last.close()
        for bar in self._last.whole(self._minutes.minute, self._minutes.end()):
            self.journal.put(bar)
        for episode in self._seen.episodes.open:
            self.hear_episode(episode)
        for event in list(self._repeated.values()):
            self._settle(event)

    @property
    def state(self) -> JournalState:
        """How storage is doing: the file, and where that is well, its writer and the running minute beside it. From any thread."""
        state, trouble = self.journal.state, self._last.trouble
        if self._writing is not None and not self.journal.is_at_work:
            trouble = "WAIT", "its writer met a bug and starts again soon"
        if trouble is None or state.status not in {"OK", "RESET"}:
            return state
        return msgspec.structs.replace(state, status=trouble[0], detail=trouble[1])

    def notices(self) -> tuple[str, ...]:
        """How storage is doing, in words, where it is not well. From any thread."""
        state = self.state
        status, since = self._shown
        if state.status in GOOD or (state.status == status == "RESET" and self._clock.mono() - since > RESET_S):
            return ()
        return (words(state),)

    def hear_signal(self, signal: Signal) -> None:
        """A signal fired."""
        self.journal.put(signal_row(signal))

    def hear_episode(self, episode: Episode) -> None:
        """An episode opened, went on or closed."""
        row = episode_row(episode)
        self.journal.put(row)
        if episode.state is State.CLOSED:
            self._written.pop(name_of(row), None)
        else:
            self._written[name_of(row)] = self._clock.mono(), episode.samples
        if self.mine is not None:
            self.mine.add(name_of(row))

    def hear_event(self, event: Event) -> None:
        """A row of the event log: written when it happens first, and once more, with how often it did, when it is over."""
        before = self._repeated.get(event.said)
        if event.count > 1:
            self._repeated[event.said] = event
            if len(self._repeated) > MOST_REPEATED:
                self._settle(next(iter(self._repeated.values())))
            return
        if before is not None:
            self._settle(before)
        self.journal.put(EventRow(at_ms=event.at_ms, text=event.text))

    def hear_settlement(self, event: FundingEvent) -> None:
        """A leg settled. What it paid may be unknown: then there is nothing to keep."""
        cell = self._seen.board.cell(event.key)
        if cell is None or event.before is None:
            return
        source = "stream" if event.stated else "estimate"
        paid = Settlement(
            leg=_leg_of(cell), at_ms=event.at_ms, rate=event.before, interval_h=event.interval_h, source=source
        )
        self.journal.put(paid)

    def _settle(self, event: Event) -> None:
        del self._repeated[event.said]
        self.journal.put(EventRow(at_ms=event.at_ms, text=event.text))


def words(state: JournalState) -> str:
    """The state of storage in a line."""
    return f"storage: {state.status}" + (f" ({state.detail})" if state.detail else "")


def signal_row(signal: Signal) -> SignalRow:
    """A signal as it is written."""
    return SignalRow(
        at_ms=signal.observed_ms,
        kind=signal.kind,
        coin=signal.symbol,
        short=signal.short_exchange,
        long=signal.long_exchange,
        percent=signal.spread_percent,
        price_short=signal.price_short,
        price_long=signal.price_long,
        note=signal.note,
    )


def episode_row(episode: Episode) -> EpisodeRow:
    """An episode as it is written. `seen_ms` counts from its opening: a clock that was set changes no duration."""
    return EpisodeRow(
        opened_ms=episode.opened_ms,
        kind=episode.kind,
        coin=episode.coin,
        short=episode.short,
        long=episode.long,
        opened_pct=episode.opened_pct,
        peak_pct=episode.peak_pct,
        peak_ms=episode.peak_ms,
        last_pct=episode.live_pct,
        seen_ms=episode.opened_ms + round(episode.duration_s * 1000),
        duration_s=episode.duration_s,
        area=episode.area,
        samples=episode.samples,
        closed_ms=episode.closed_ms,
        reason=None if episode.reason is None else episode.reason.value,
    )


def name_of(row: SignalRow | EpisodeRow) -> Name:
    """What a signal or an episode is known by in the file."""
    at_ms = row.at_ms if isinstance(row, SignalRow) else row.opened_ms
    return type(row).__name__, at_ms, row.kind, row.coin, row.short, row.long


def _leg_of(cell: Cell) -> LegName:
    leg = cell.leg
    return LegName(leg.venue, leg.market.value, leg.symbol, leg.coin, leg.multiplier)
