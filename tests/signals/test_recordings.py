"""What really was: every coin's spread of one minute of 2022, and six minutes of one coin's spot and perpetual of 2024."""

import gzip
import json
from collections.abc import Iterator
from heapq import merge
from typing import Any

import pytest

from frmon import spread
from frmon.board import Board, Freshness
from frmon.config import KindSettings, RuleSettings, SignalSettings
from frmon.feeds.venues.binance import VENUE
from frmon.model import Carrier, Leg, LegKey, Market, Signal, Tick
from frmon.signals.rules import Rule
from frmon.spread import Terms
from tests.feeds.venues.given import real
from tests.given import FEES, line

pytestmark = pytest.mark.shared

MINUTE = "20221121T0636Z"
PLACES = {
    "binance_spot": ("binance", Market.SPOT),
    "binance_perp": ("binance", Market.PERP),
    "okx_spot": ("okx", Market.SPOT),
    "bitget_spot": ("bitget", Market.SPOT),
    "bybit_perp": ("bybit", Market.PERP),
}
TEN_MINUTES = Terms(fees=FEES, freshness=Freshness(max_age_s=600.0), allow_borrow=True)


def unpacked(path: str) -> bytes:
    return gzip.decompress(real(f"recordings/{path}"))


def expected() -> Any:
    return json.loads(real(f"recordings/_expected_spreads_{MINUTE}.json"))


def rows_of(place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(asset, row) of every USDT market in a dump."""
    venue, market = place.split("_")
    dump = json.loads(unpacked(f"{venue}/tickers_all/tat3_{market}_{MINUTE}.json.gz"))
    for symbol, row in dump["tickers"].items():
        base, _, rest = symbol.partition("/")
        if rest in {"USDT", "USDT:USDT"}:
            yield base, row


def seat_all(board: Board, multipliers: dict[str, dict[str, int]]) -> int:
    """Every row of every venue as a leg that quotes its mid price (where a side is empty: both sides as told; where
    neither is told: the last price) when the venue said so. Returns Unix ms of the latest."""
    dumps = {place: list(rows_of(place)) for place in PLACES}
    latest = max(row.get("timestamp") or 0 for rows in dumps.values() for _, row in rows)
    for place, rows in dumps.items():
        venue, market = PLACES[place]
        carrier = Carrier(venue, market, "ticker", source="rest")
        for base, row in rows:
            if not row["last"]:
                continue  # never traded there
            multiplier = multipliers.get(place, {}).get(base, 1)
            coin = base.removeprefix(str(multiplier)).removesuffix(str(multiplier)) if multiplier > 1 else base
            board.seat(Leg(venue=venue, market=market, symbol=f"{base}USDT", coin=coin, multiplier=multiplier))
            at_ms = row.get("timestamp") or latest
            bid, ask = row.get("bid", row["last"]), row.get("ask", row["last"])
            mid = (bid + ask) / 2 if bid and ask else None
            tick = Tick(symbol=f"{base}USDT", bid=mid or bid or 0.0, ask=mid or ask or 0.0, event_ms=at_ms)
            board.take(carrier, [tick], at_ms / 1000, at_ms)
    return latest


@pytest.fixture(scope="module")
def minute() -> tuple[Board, int]:
    board = Board()
    return board, seat_all(board, expected()["multipliers"])


def test_as_many_legs_qualify_on_every_venue_as_were_counted(minute: tuple[Board, int]) -> None:
    board, now_ms = minute
    told = expected()["venues"]
    for place, (venue, market) in PLACES.items():
        usable = spread.qualified(board.cells_of(venue, market), TEN_MINUTES, now_ms / 1000, now_ms)
        assert len(list(rows_of(place))) == told[place]["usdt_rows"], place
        assert len(usable) == told[place]["usable"], place


def test_every_coin_s_spread_is_the_one_that_was_computed_elsewhere(minute: tuple[Board, int]) -> None:
    board, now_ms = minute
    told = expected()
    assert len(told["rows"]) == told["coins_2plus"] == 326
    for row in told["rows"]:
        found = spread.best(board.rows[row["coin"]], TEN_MINUTES, now_ms / 1000, now_ms)
        assert found is not None
        assert found.gross_pct == pytest.approx(row["spread_pct"], abs=6e-5), row["coin"]
        assert (found.sell_price, found.buy_price) == pytest.approx((row["p_high"], row["p_low"])), row["coin"]


def test_as_many_coins_are_wide_as_were_counted(minute: tuple[Board, int]) -> None:
    board, now_ms = minute
    told = expected()
    found = [spread.best(row, TEN_MINUTES, now_ms / 1000, now_ms) for row in board.rows.values()]
    known = [s.gross_pct for s in found if s is not None]
    legs = spread.qualified(board.cells(), TEN_MINUTES, now_ms / 1000, now_ms)
    assert (len({c.leg.coin for c in legs}), len(known)) == (told["coins_union"], told["coins_2plus"])
    assert sum(gross >= 0.1 for gross in known) == told["n_ge_0.1"]
    assert sum(gross >= 0.6 for gross in known) == told["n_ge_0.6"]


def test_the_rule_signals_exactly_the_wide_coins_of_two_venues(minute: tuple[Board, int]) -> None:
    board, now_ms = minute
    rule = Rule(SignalSettings(samples=1, markets=["spot", "perp"]), TEN_MINUTES)
    signals = rule.sample(board.rows.values(), now_ms / 1000, now_ms)
    wide = {row["coin"]: row for row in expected()["rows"] if row["spread_pct"] >= 0.6}
    across = {coin for coin, row in wide.items() if PLACES[row["high"]][0] != PLACES[row["low"]][0]}
    assert across <= {s.symbol for s in signals} <= set(wide)
    best = {coin: max(s.spread_percent for s in signals if s.symbol == coin) for coin in across}
    assert best == pytest.approx({coin: wide[coin]["spread_pct"] for coin in across}, abs=6e-5)


SPOT, PERP = (LegKey("binance", market, "BTCUSDT") for market in (Market.SPOT, Market.PERP))


def captured(market: Market) -> Iterator[tuple[int, Market, bytes]]:
    """(nanoseconds, market, frame), in the order they came."""
    for told in unpacked(f"binance/ws/hft_{market}_btcusdt_20240808.log.gz").splitlines():
        nanos, _, frame = told.partition(b" ")
        yield int(nanos), market, frame


class Replay:
    """Two captures side by side, through the venue's own parsers to a board."""

    def __init__(self) -> None:
        self.board = Board()
        for key in (SPOT, PERP):
            self.board.seat(Leg(venue=key.venue, market=key.market, symbol=key.symbol, coin="BTC"))
        self._lines = {market: line("binance", market) for market in Market}
        self._parse = {stream.market: stream.parse for stream in VENUE.streams}

    def hear(self, nanos: int, market: Market, frame: bytes) -> None:
        kind, ticks = self._parse[market](frame)
        if kind == "book":
            self.board.take(self._lines[market], ticks, nanos / 1e9, nanos // 1_000_000)


def test_the_basis_of_a_recorded_day_is_reproduced_and_gives_no_signal() -> None:
    """Real frames whose venue clock was 1.27 s ahead of the receiver's."""
    replay = Replay()
    rule = Rule(SignalSettings(markets=["spot", "perp"]), Terms(fees=FEES), RuleSettings(basis=KindSettings(on=True)))
    told: dict[Market, tuple[float, float]] = {}
    signals: list[Signal] = []
    compared, due = 0, 0
    for nanos, market, frame in merge(*(captured(m) for m in Market), key=lambda f: f[0]):
        replay.hear(nanos, market, frame)
        if b"@bookTicker" in frame:
            row = json.loads(frame)["data"]
            told[market] = float(row["b"]), float(row["a"])
        if len(told) == 2 and nanos >= due:
            due = nanos + 2_000_000_000
            compare(replay.board, told, nanos)
            signals += rule.sample(replay.board.rows.values(), nanos / 1e9, nanos // 1_000_000)
            compared += 1
    assert compared > 170
    assert signals == []
    assert rule.episodes.open == ()


def compare(board: Board, told: dict[Market, tuple[float, float]], nanos: int) -> None:
    """What the program says of the pair is what the frames say."""
    found = spread.pairs(board.rows["BTC"], Terms(fees=FEES), nanos / 1e9, nanos // 1_000_000)
    (basis,) = [s for s in found if (s.buy, s.sell) == (SPOT, PERP)]
    (_, spot_ask), (perp_bid, _) = told[Market.SPOT], told[Market.PERP]
    assert (basis.buy_price, basis.sell_price) == (spot_ask, perp_bid)
    assert basis.gross_pct == pytest.approx((perp_bid / spot_ask - 1) * 100, abs=1e-9)
    assert abs(basis.gross_pct) < 0.6
    middle = {market: (bid + ask) / 2 for market, (bid, ask) in told.items()}
    assert spread.basis_pct(board.rows["BTC"], "binance") == pytest.approx(
        (middle[Market.PERP] / middle[Market.SPOT] - 1) * 100, abs=1e-9
    )
