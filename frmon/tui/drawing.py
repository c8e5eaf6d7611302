"""Pictures of charts, painted in the painter's thread: what memory holds, and below it what the file holds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from frmon.storage.history import GapSeries, History, LegSeries, Unknown, Unreadable
from frmon.tui import figures
from frmon.tui.chart import FAINT, Plan, chart_lines, is_within
from frmon.tui.lines import Line
from frmon.tui.scale import MINUTE_MS
from frmon.tui.sections.charts import EMPTY, SPANS, Kind, Leg, Request
from frmon.tui.tracks import Sample, Track, Window, fold, over

LEAST = {Kind.SPREAD: 0.02, Kind.FUNDING: 0.002, Kind.PRICE: 0.0}
"""A chart's range is never smaller: noise must not look like a mountain."""

LABELS = 26
"""Cells beside the canvas, about: the dots of the canvas are what columns of time are made for."""

Place = tuple[str, str, str]
Stored = Mapping[Place, Sequence[Sample]]
"""Venue, market and symbol -> samples; the spread under `SPREAD`."""

SPREAD: Place = ("", "", "")


class Painted(NamedTuple):
    """A chart, and what is to be said of it."""

    lines: Sequence[Line]
    notes: Sequence[str] = ()


class Drawing:
    """Reads the file at most as often as the span of the chart asks for, and draws. Used by one thread."""

    def __init__(self, open_file: Callable[[Path], History] = History) -> None:
        self._open = open_file
        self._file: History | None = None
        self._read: tuple[object, int, Stored, str] | None = None  # of what, when, what came out, what went wrong
        self.reads = 0

    def paint(self, request: Request) -> Painted:
        """The chart as it is now; takes as long as the file takes."""
        stored, trouble = self._stored(request)
        plan = _plan(request, stored)
        notes = [trouble] if trouble else []
        if plan.mark is not None and not is_within(plan, plan.mark):
            notes.append(f"threshold {plan.tell(plan.mark)} is out of sight")
        lines = chart_lines(plan, request.width, request.height, fine=request.fine, plain=request.ascii)
        return Painted(lines, notes)

    def _stored(self, request: Request) -> tuple[Stored, str]:
        span = SPANS[request.wish.span]
        if request.store is None:
            return {}, ""
        about = (request.store, request.coin, request.wish)
        last = self._read
        if last is None or last[0] != about or not 0 <= request.until_ms - last[1] < span.every_ms:
            found, trouble = self._asked(request)
            last = self._read = (about, request.until_ms, found, trouble)
        return last[2], last[3]

    def _asked(self, request: Request) -> tuple[Stored, str]:
        """What the file says, or why it says nothing."""
        self.reads += 1
        assert request.store is not None
        span = SPANS[request.wish.span]
        since_ms, until_ms = request.until_ms - span.ms - MINUTE_MS * span.step, request.until_ms
        try:
            if self._file is None or self._file.path != request.store:
                self._file = self._open(request.store)
            if request.wish.kind is Kind.SPREAD:
                return {SPREAD: _spreads(self._file.gaps(request.coin, since_ms, until_ms, span.step))}, ""
            series = self._file.bars(request.coin, since_ms, until_ms, span.step)
        except Unknown:
            return {}, ""
        except Unreadable as error:
            return {}, f"memory only: {str(error).removeprefix(f'{request.store}: ')}"
        read = _rates if request.wish.kind is Kind.FUNDING else _mids
        return {(one.leg.venue, one.leg.market, one.leg.symbol): read(one) for one in series}, ""


def _spreads(series: GapSeries) -> list[Sample]:
    return [
        Sample(gap.start * MINUTE_MS, (gap.start + step) * MINUTE_MS, gap.mean, gap.most)
        for gap, step in zip(series.gaps, series.steps, strict=True)
    ]


def _mids(series: LegSeries) -> list[Sample]:
    return [
        Sample(bar.start * MINUTE_MS, (bar.start + step) * MINUTE_MS, bar.close, bar.high)
        for bar, step in zip(series.bars, series.steps, strict=True)
    ]


def _rates(series: LegSeries) -> list[Sample]:
    return [
        Sample(bar.start * MINUTE_MS, (bar.start + step) * MINUTE_MS, bar.rate, bar.rate)
        for bar, step in zip(series.bars, series.steps, strict=True)
        if bar.rate is not None
    ]


def window_of(request: Request) -> Window:
    """Columns of whole milliseconds that begin at multiples of their length: what moved once out of the live end stays as it
    was drawn. Twice as many as cells, where each has two dots."""
    cells = max(1, request.width - LABELS)
    columns = cells * 2 if request.fine else cells
    each = -(-SPANS[request.wish.span].ms // columns)
    until_ms = -(-request.until_ms // each) * each
    return Window(until_ms - each * columns, until_ms, columns)


def _plan(request: Request, stored: Stored) -> Plan:
    window, kind = window_of(request), request.wish.kind
    assert kind is not None
    if kind is Kind.SPREAD:
        tracks = _spread_tracks(request.live, stored.get(SPREAD, ()), window)
    else:
        tracks = [track for leg in request.legs if (track := _leg_track(leg, stored, window)) is not None]
    spread = kind is Kind.SPREAD
    return Plan(
        tracks=tracks,
        window=window,
        tell=_told(kind, request.ascii),
        mark=request.threshold if spread else None,
        mark_label="threshold" if spread else "",
        empty=EMPTY[kind],
        least=LEAST[kind],
    )


def _spread_tracks(live: Sequence[Sample], stored: Sequence[Sample], window: Window) -> list[Track]:
    values, most = fold(live, window)
    older, older_most = fold(stored, window)
    values, most = over(values, older), over(most, older_most)
    known = [v for v in most if v is not None]
    last = _last(live, window) or _last(stored, window)
    if not known or last is None:
        return []
    return [Track("max", FAINT, most, max(known)), Track("last", "accent", values, last.value)]


def _leg_track(leg: Leg, stored: Stored, window: Window) -> Track | None:
    key = leg.key
    older = stored.get((key.venue, key.market.value, key.symbol), ())
    values = over(fold(leg.live, window)[0], fold(older, window)[0])
    last = _last(leg.live, window) or _last(older, window)
    if last is None:
        return None
    shown = [None if v is None else v * leg.times for v in values]
    return Track(leg.label, leg.ink, shown, last.value * leg.times)


def _last(samples: Sequence[Sample], window: Window) -> Sample | None:
    return next((s for s in reversed(samples) if window.reach(s)), None)


def _told(kind: Kind, plain: bool) -> Callable[[float], str]:
    if kind is Kind.SPREAD:
        return lambda value: f"{value:+.3f}"
    if kind is Kind.FUNDING:
        return lambda value: f"{value:+.4f}"
    return lambda value: figures.price(value, 12, plain, most=6)
