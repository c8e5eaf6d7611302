"""What `frmon history` prints: a coin's past, line by line for people, all of it for JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from frmon.plain import grid, percent, price_decimal
from frmon.storage.bars import MINUTE_MS, Bar, Gap, roll_bars, roll_gaps
from frmon.storage.export import moment
from frmon.storage.history import GapSeries, LegSeries
from frmon.storage.jsonrows import json_rows, times
from frmon.storage.records import EpisodeRow, PairName, Settlement, SignalRow
from frmon.storage.rows import LEG_COLUMNS, bar_rows, gap_rows, plain_row, settlement_row

LEVELS = "▁▂▃▄▅▆▇█"
MOST_LINES = 60
MOST_LEVELS = 16
"""Characters of the small picture that a line of a table shows."""

LINE_STEPS = (1, 5, 15, 30, 60, 240, 1440)
FINE_STEPS = (1, 3, 5, 15, 30, 60, 120, 240, 480, 720, 1440)

T = TypeVar("T", Bar, Gap)


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a coin in a span. `step`: minutes of a line; spreads and bars may be finer, for the small pictures."""

    simulated: bool
    since_ms: int
    until_ms: int
    step: int
    spread: GapSeries
    legs: list[LegSeries]
    settlements: list[Settlement]
    signals: list[SignalRow]
    episodes: list[EpisodeRow]


def line_step(minutes_long: float) -> int:
    """Minutes of a line, so that a span gives no more lines than one reads."""
    return next((step for step in LINE_STEPS if minutes_long <= step * MOST_LINES), LINE_STEPS[-1])


def fine_step(step: int) -> int:
    """Minutes of a character in the picture of a line."""
    return next((fine for fine in FINE_STEPS if step % fine == 0 and step // fine <= MOST_LEVELS), step)


def history_json(found: Recalled) -> bytes:
    """All of it as one line of JSON."""
    legs = [
        {
            **{name: getattr(series.leg, name) for name in LEG_COLUMNS if name != "coin"},
            "bars": json_rows("bars", bar_rows(series), without=LEG_COLUMNS),
        }
        for series in found.legs
    ]
    whole = {
        "schema": 1,
        "simulated": found.simulated,
        "coin": found.spread.coin,
        **times({"since": found.since_ms, "until": found.until_ms}),
        "step_min": found.step,
        "gaps": json_rows("gaps", gap_rows(found.spread), without=("coin",)),
        "legs": legs,
        "settlements": json_rows("settlements", map(settlement_row, found.settlements), without=("coin",)),
        "signals": json_rows("signals", map(plain_row, found.signals), without=("coin",)),
        "episodes": json_rows("episodes", map(plain_row, found.episodes), without=("coin",)),
    }
    return msgspec.json.encode(whole) + b"\n"


def history_text(found: Recalled) -> str:
    """The spread line by line, then each leg with its funding. Times are UTC."""
    mark = "SIMULATED MARKET  " if found.simulated else ""
    span = f"{when(found.since_ms)} to {when(found.until_ms)} UTC"
    parts = [f"{mark}{found.spread.coin}  {span}, a line per {minutes_in_words(found.step)}"]
    parts.append(_spread_text(found))
    for series in found.legs:
        parts.append(_leg_text(series, found.step))
        parts += _paid_text([s for s in found.settlements if s.leg == series.leg])
    return "\n\n".join(parts) + "\n"


def when(at_ms: int | None) -> str:
    """A time to the minute, UTC; "-" for unknown."""
    return "-" if at_ms is None else moment(at_ms)[:-8].replace("T", " ")


def price(value: float | None) -> str:
    """A price with as many digits as it has, but not those that halving added."""
    return price_decimal(None if value is None else float(f"{value:.10g}"))


def minutes_in_words(step: int) -> str:
    """ "15 min", "4 h", "1 day"."""
    for size, unit in ((1440, "d"), (60, "h")):
        if step % size == 0:
            return f"{step // size} {unit}"
    return f"{step} min"


def sparkline(values: Iterable[float | None], low: float, high: float) -> str:
    """A character for each value between `low` and `high`; a blank for None."""
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if v is None else LEVELS[round((min(max(v, low), high) - low) * scale)] for v in values)


def _spread_text(found: Recalled) -> str:
    series = found.spread
    if not series.gaps:
        return "best spread: nothing kept in this span"
    values = {gap.start: gap.most for gap in series.gaps}
    low, high = min(0.0, *values.values()), max(values.values())
    rows = []
    for line in _lines(series.gaps, series.steps, found.step, roll_gaps):
        drawn = sparkline(_within(values, line.start, found.step, series.step), low, high)
        figures = (percent(line.most), percent(line.mean), percent(line.last))
        rows.append((_at(line), *figures, *_pair(series.pairs.get(line.pair)), str(line.seconds), drawn))
    (whole,) = roll_gaps((gap._replace(start=0) for gap in series.gaps), 1)
    most = f"best spread: most {percent(whole.most)} %, mean {percent(whole.mean)} %, last {percent(whole.last)} %"
    head = ("time (UTC)", "most %", "mean %", "last %", "buy", "sell", "seen s", "most, drawn")
    return f"{most}\n{grid(head, rows, 'lrrrllrl')}"


def _leg_text(series: LegSeries, step: int) -> str:
    leg, values = series.leg, {bar.start: bar.close for bar in series.bars}
    low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
    rows = []
    for line in _lines(series.bars, series.steps, step, roll_bars):
        drawn = sparkline(_within(values, line.start, step, series.step), low, high)
        rows.append((_at(line), *map(price, line[1:9]), _rate(line.rate), str(line.updates), drawn))
    head = ("time (UTC)", "open", "high", "low", "close", "bid", "ask", "mark", "index", "funding %", "updates",
            "close, drawn")  # fmt: skip
    title = f"{leg.venue} {leg.market} {leg.symbol}: USDT per coin, funding per interval"
    return f"{title}\n{grid(head, rows, 'lrrrrrrrrrrl')}"


def _paid_text(settlements: Sequence[Settlement]) -> list[str]:
    if not settlements:
        return []
    leg = settlements[0].leg
    rows = [
        (when(s.at_ms), _rate(s.rate), "-" if s.interval_h is None else f"{s.interval_h:g}", s.source)
        for s in settlements
    ]
    head = ("time (UTC)", "rate %", "interval h", "from")
    return [f"{leg.venue} {leg.market} {leg.symbol}: funding settled\n{grid(head, rows, 'lrrl')}"]


def _lines(bars: Sequence[T], steps: Sequence[int], step: int, roll: Callable[[Iterable[T], int], list[T]]) -> list[T]:
    """Bars as lines; coarser ones stay as they are."""
    lines = roll((bar for bar, own in zip(bars, steps, strict=True) if step % own == 0), step)
    lines += [bar for bar, own in zip(bars, steps, strict=True) if step % own]
    return sorted(lines, key=lambda line: line.start)


def _within(values: Mapping[int, float], start: int, step: int, fine: int) -> list[float | None]:
    return [values.get(at) for at in range(start, start + step, fine)]


def _at(line: Any) -> str:
    return when(line.start * MINUTE_MS)


def _pair(pair: PairName | None) -> tuple[str, str]:
    return ("-", "-") if pair is None else (" ".join(pair.buy), " ".join(pair.sell))


def _rate(rate: float | None) -> str:
    return "-" if rate is None else percent(rate * 100, 4)
