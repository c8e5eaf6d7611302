"""The lines of one venue: which there are, what each carries, and who takes over from whom."""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from frmon.feeds.access import Access
from frmon.feeds.contract import Stream
from frmon.feeds.line import Line
from frmon.feeds.plan import line_name, lines, prefer, rebalance
from frmon.jobs import Jobs

ROTATE_WAIT_S = 30.0
CHANGE_S = 60.0  # between changes of what on-demand lines carry


class Lineup:
    """Launches, changes, replaces and dismisses lines; each is a job of the fleet's."""

    def __init__(self, access: Access, jobs: Jobs) -> None:
        self._access = access
        self._clock = access.clock
        self._scale = access.time_scale
        self._jobs = jobs
        self._lines: dict[str, list[Line]] = {s.name: [] for s in access.venue.streams}
        self._runs: dict[Line, asyncio.Task[None]] = {}
        self._started_at = access.clock.mono()
        self._changed_at: dict[str, float] = {}  # when an on-demand stream's symbols were chosen last
        self._leaving: set[Line] = set()  # lines whose replacement is on its way

    @property
    def all(self) -> list[Line]:
        """Every line, in the order of the venue's streams."""
        return [line for group in self._lines.values() for line in group]

    @property
    def running(self) -> list[Line]:
        """Those too that are about to take over."""
        return list(self._runs)

    def fit(self, stream: Stream, symbols: set[str]) -> None:
        """The lines of a stream carry these symbols from now on; they are changed only where they must be."""
        group = self._lines[stream.name]
        venue = self._access.venue.name
        if not stream.per_symbol:
            if group:
                group[0].change(symbols, group[0].symbols - symbols)
            elif symbols:
                self._launch(stream, line_name(venue, stream, 0), symbols)
            return
        if not group:
            for plan in lines(venue, stream, symbols):
                self._launch(stream, plan.name, plan.symbols)
            return
        for change in rebalance([line.symbols for line in group], stream, symbols):
            if change.line < len(group):
                group[change.line].change(change.join, change.leave)
            else:
                self._launch(stream, line_name(venue, stream, change.line), change.join)

    def choose(self, stream: Stream, ranked: Sequence[str], known: Collection[str]) -> None:
        """The lines of an on-demand stream carry the first of these, but seldom change: each change costs subscriptions, of
        which venues allow few an hour."""
        now = self._clock.mono()
        warming = now - self._started_at < CHANGE_S * self._scale
        if not warming and now - self._changed_at.get(stream.name, float("-inf")) < CHANGE_S * self._scale:
            return
        self._changed_at[stream.name] = now
        current = {s for line in self._lines[stream.name] for s in line.symbols}.intersection(known)
        self.fit(stream, prefer(ranked, current, stream.symbols_at_most))

    async def replace(self, line: Line) -> None:
        """Make before break: a new line takes over when it has everything, and has had it for one beat of the venue (a
        change of the beat in which it came may be told on the old one alone), or is live at least when the old one dies;
        then the old one goes, and what rode on it rides on. If none comes up, the old one stays for as long as it lives."""
        group = self._lines[line.stream.name]
        if line not in group or line in self._leaving:
            return
        self._leaving.add(line)
        fresh = self._launch(line.stream, f"{line.state.name} (next)", line.symbols)
        group.remove(fresh)
        try:
            await self._come_up(fresh, line)
        except BaseException:  # a bug, or the end: whoever tries again begins anew
            self._dismiss(fresh)
            raise
        finally:
            self._leaving.discard(line)
        if line not in group or (line.is_live() and not fresh.is_live()):
            self._dismiss(fresh)
            return
        fresh.change(line.symbols, fresh.symbols - line.symbols)
        fresh.state.reconnects = line.state.reconnects
        fresh.state.messages += line.state.messages
        fresh.state.name = line.state.name
        group[group.index(line)] = fresh
        for kind, carrier in line.carriers.items():
            self._access.sink.pass_on(carrier, fresh.carriers[kind], fresh.lacking())
        self._dismiss(line)
        self._access.tell(f"{fresh.state.name}: planned rotation, a new connection took over")

    async def _come_up(self, fresh: Line, line: Line) -> None:
        """Wait until the new line can take over from the old one, or will not."""
        waited, overlap_s = 0.0, max(c.cadence_s for c in line.stream.channels)
        while not (fresh.has_all() or (fresh.is_live() and not line.is_live())) and waited < ROTATE_WAIT_S:
            await self._clock.sleep(0.2 * self._scale)
            waited += 0.2
            fresh.change(line.symbols, fresh.symbols - line.symbols)  # what is wanted may change meanwhile
        if overlap_s and fresh.is_live() and line.is_live():
            await self._clock.sleep(overlap_s + 0.2 * self._scale)

    def _launch(self, stream: Stream, name: str, symbols: Iterable[str]) -> Line:
        line = Line(self._access, stream, name, symbols)
        self._lines[stream.name].append(line)
        self._runs[line] = self._jobs.start(name, line.run)
        if stream.lifetime_s is not None:
            self._jobs.start(f"{name} age", lambda: self._age(line, stream.lifetime_s or 0.0))
        return line

    async def _age(self, line: Line, lifetime_s: float) -> None:
        """Replace a line before the venue ends it; its successor ages by itself."""
        while line in self._runs:
            await self._clock.sleep(60.0 * self._scale)
            if self._clock.mono() - line.opened_at > lifetime_s * self._scale:
                await self.replace(line)

    def _dismiss(self, line: Line) -> None:
        task = self._runs.pop(line, None)
        line.drop()
        if task is not None:
            task.cancel()
