"""What is kept as rows of a table, page by page: what exports and printed sheets are made of."""

from collections.abc import Callable, Iterator, Sequence
from math import lcm
from typing import Any, NamedTuple

import msgspec

from frmon.storage.bars import MINUTE_MS, STEPS
from frmon.storage.history import FOREVER_MS, GapSeries, History, LegSeries
from frmon.storage.records import EpisodeRow, EventRow, LegName, PairName, SampleRow, Settlement, SignalRow
from frmon.storage.series import SPANS

AT, TEXT, REAL, WHOLE, FLAG = "at", "text", "real", "whole", "flag"
"""What a column holds: Unix milliseconds UTC, words, a float, a whole number, true or false."""

BARS_A_PAGE = 50_000
ROWS_SPAN_MS = 6 * 3600 * 1000
"""Signals, episodes, events and samples are read six hours at a time."""

LEG_COLUMNS = {"coin": TEXT, "venue": TEXT, "market": TEXT, "symbol": TEXT, "multiplier": WHOLE}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows. `coins`, `venues`: empty means all; a spread, signal or episode is of a venue when one of its two legs is.
    `step`: minutes of one bar; coarser ones stand where only those are kept."""

    coins: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    since_ms: int = 0
    until_ms: int = FOREVER_MS
    step: int = 1


class Page(NamedTuple):
    """Some rows, and how far this is: so much of so much."""

    rows: list[Sequence[Any]]
    done: int
    of: int


class Sheet(NamedTuple):
    """One kind of table. `columns`: name -> what it holds. Names say units: `_pct` percent, `_ms` Unix milliseconds, `_at`
    times, `_s` seconds, `_min` minutes, `_h` hours, `rate` fractions per interval, prices USDT per one coin."""

    columns: dict[str, str]
    pages: Callable[[History, Choice], Iterator[Page]]


def bar_rows(series: LegSeries) -> list[Sequence[Any]]:
    """The bars of a leg under the columns of `bars`."""
    leg = _leg(series.leg)
    return [(bar.start * MINUTE_MS, step, *leg, *bar[1:]) for bar, step in zip(series.bars, series.steps, strict=True)]


def gap_rows(series: GapSeries) -> list[Sequence[Any]]:
    """The spreads of a coin under the columns of `gaps`."""
    return [
        (gap.start * MINUTE_MS, step, series.coin, gap.most, gap.mean, gap.last, *_places(series.pairs.get(gap.pair)),
         gap.seconds)
        for gap, step in zip(series.gaps, series.steps, strict=True)
    ]  # fmt: skip


def settlement_row(settlement: Settlement) -> Sequence[Any]:
    """Under the columns of `settlements`."""
    return (settlement.at_ms, *_leg(settlement.leg), settlement.rate, settlement.interval_h, settlement.source)


def plain_row(record: SignalRow | EpisodeRow | EventRow | SampleRow) -> Sequence[Any]:
    """Under the columns of its kind."""
    return msgspec.structs.astuple(record)


def _bars(history: History, choice: Choice) -> Iterator[Page]:
    legs = _legs(history, choice)
    for n, leg in enumerate(legs):
        for since, until in _windows(history.span("bars"), choice):
            for series in history.bars(leg, since, until, choice.step):
                yield Page(bar_rows(series), n, len(legs))
        yield Page([], n + 1, len(legs))


def _gaps(history: History, choice: Choice) -> Iterator[Page]:
    coins = choice.coins or history.coins()
    for n, coin in enumerate(coins):
        for since, until in _windows(history.span("gaps"), choice):
            rows = gap_rows(history.gaps(coin, since, until, choice.step))
            wanted = [row for row in rows if _has_venue((row[6], row[8]), choice)]
            yield Page(wanted, n, len(coins))
        yield Page([], n + 1, len(coins))


def _settlements(history: History, choice: Choice) -> Iterator[Page]:
    legs = _legs(history, choice)
    for n, leg in enumerate(legs):
        found = history.settlements(leg, choice.since_ms, choice.until_ms)
        yield Page([settlement_row(settlement) for settlement in found], n + 1, len(legs))


def _signals(history: History, choice: Choice) -> Iterator[Page]:
    for since, until, done, of in _spans(history, choice, "signals"):
        yield Page([plain_row(row) for row in history.signals(since, until) if _is_wanted(row, choice)], done, of)


def _episodes(history: History, choice: Choice) -> Iterator[Page]:
    for since, until, done, of in _spans(history, choice, "episodes"):
        yield Page([plain_row(row) for row in history.episodes(since, until) if _is_wanted(row, choice)], done, of)


def _events(history: History, choice: Choice) -> Iterator[Page]:
    for since, until, done, of in _spans(history, choice, "events"):
        yield Page([plain_row(row) for row in history.events(since, until)], done, of)


def _samples(history: History, choice: Choice) -> Iterator[Page]:
    for since, until, done, of in _spans(history, choice, "samples"):
        yield Page([plain_row(row) for row in history.samples(since, until)], done, of)


SHEETS: dict[str, Sheet] = {
    "bars": Sheet(
        {"at": AT, "step_min": WHOLE} | LEG_COLUMNS
        | dict.fromkeys(("open", "high", "low", "close", "bid", "ask", "mark_price", "index_price", "funding_rate"), REAL)
        | {"updates": WHOLE}, _bars,
    ),
    "gaps": Sheet(
        {"at": AT, "step_min": WHOLE, "coin": TEXT, "most_pct": REAL, "mean_pct": REAL, "last_pct": REAL,
         "buy_venue": TEXT, "buy_market": TEXT, "sell_venue": TEXT, "sell_market": TEXT, "seen_s": WHOLE}, _gaps,
    ),
    "settlements": Sheet({"at": AT} | LEG_COLUMNS | {"rate": REAL, "interval_h": REAL, "source": TEXT}, _settlements),
    "signals": Sheet(
        {"at": AT, "kind": TEXT, "coin": TEXT, "short": TEXT, "long": TEXT, "spread_pct": REAL, "price_short": REAL,
         "price_long": REAL, "note": TEXT}, _signals,
    ),
    "episodes": Sheet(
        {"opened_at": AT, "kind": TEXT, "coin": TEXT, "short": TEXT, "long": TEXT, "opened_pct": REAL, "peak_pct": REAL,
         "peak_at": AT, "last_pct": REAL, "seen_at": AT, "duration_s": REAL, "area_pct_s": REAL, "samples": WHOLE,
         "closed_at": AT, "reason": TEXT}, _episodes,
    ),
    "events": Sheet({"at": AT, "text": TEXT}, _events),
    "samples": Sheet(
        {"at": AT, "cpu_pct": REAL, "rss_mb": REAL, "loop_lag_ms": REAL, "messages_per_s": REAL, "legs": WHOLE,
         "fresh_legs": WHOLE, "reconnects": WHOLE}, _samples,
    ),
}  # fmt: skip
"""Every kind that can be exported."""

OF_ALL = ("events", "samples")
"""Kinds that are of no coin and no venue."""


def _leg(leg: LegName) -> Sequence[Any]:
    return leg.coin, leg.venue, leg.market, leg.symbol, leg.multiplier


def _places(pair: PairName | None) -> Sequence[str | None]:
    return (None,) * 4 if pair is None else (*pair.buy, *pair.sell)


def _legs(history: History, choice: Choice) -> list[LegName]:
    named = [leg for coin in choice.coins for leg in history.legs(coin)] if choice.coins else history.legs()
    return [leg for leg in named if not choice.venues or leg.venue in choice.venues]


def _has_venue(venues: Sequence[str | None], choice: Choice) -> bool:
    return not choice.venues or any(venue in choice.venues for venue in venues)


def _is_wanted(row: SignalRow | EpisodeRow, choice: Choice) -> bool:
    venues = [place.partition(" ")[0] for place in (row.short, row.long)]
    return (not choice.coins or row.coin in choice.coins) and _has_venue(venues, choice)


def _windows(span: tuple[int, int] | None, choice: Choice) -> Iterator[tuple[int, int]]:
    """Spans in milliseconds of about a page each; bars lie in one of them whole."""
    if span is None:
        return
    unit = lcm(choice.step, SPANS[STEPS[-1]]) * MINUTE_MS
    width = max(1, BARS_A_PAGE * choice.step * MINUTE_MS // unit) * unit
    bar = choice.step * MINUTE_MS
    since, until = (
        max(choice.since_ms // bar * bar, span[0] // bar * bar),
        min(-(-choice.until_ms // bar) * bar, span[1]),
    )
    while since < until:
        end = min((since // width + 1) * width, until)
        yield since, end
        since = end


def _spans(history: History, choice: Choice, of: str) -> Iterator[tuple[int, int, int, int]]:
    """Since, until, and how many milliseconds of how many are done then."""
    span = history.span(of)
    if span is None:
        return
    first, until = max(choice.since_ms, span[0]), min(choice.until_ms, span[1])
    for since in range(first, until, ROWS_SPAN_MS):
        end = min(since + ROWS_SPAN_MS, until)
        yield since, end, end - first, until - first
