"""Turns of instruments, as each venue's own words tell them over REST and its streams."""

from typing import Any

import pytest

from frmon.errors import ConfigError
from frmon.feeds.sim.dialects import all_dialects
from frmon.feeds.sim.fates import Fates
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.turns import Turn
from tests.feeds.sim.stage import Stage

LISTS: dict[tuple[str, str], tuple[str, str, dict[str, str]]] = {  # dialect, path, query
    ("binance", "spot"): ("binance spot", "/api/v3/exchangeInfo", {}),
    ("binance", "perp"): ("binance perp", "/fapi/v1/exchangeInfo", {}),
    ("okx", "spot"): ("okx", "/api/v5/public/instruments", {"instType": "SPOT"}),
    ("okx", "perp"): ("okx", "/api/v5/public/instruments", {"instType": "SWAP"}),
    ("bybit", "spot"): ("bybit", "/v5/market/instruments-info", {"category": "spot"}),
    ("bybit", "perp"): ("bybit", "/v5/market/instruments-info", {"category": "linear", "limit": "1000"}),
    ("bitget", "spot"): ("bitget", "/api/v2/spot/public/symbols", {}),
    ("bitget", "perp"): ("bitget", "/api/v2/mix/market/contracts", {"productType": "USDT-FUTURES"}),
}
PLACES = list(LISTS)


class Scene:
    """A market of one venue, and one of its instruments."""

    def __init__(self, venue: str, market: str) -> None:
        name, self.path, self.query = LISTS[venue, market]
        self.stage = Stage(next(d for d in all_dialects() if d.name == name))
        self.fates = Fates(self.stage.world)
        self.venue, self.market = venue, market
        self.i: Instrument = self.stage.rows(market)[3]

    def turn(self, kind: str, **more: Any) -> None:
        order = Turn(kind=kind, venue=self.venue, market=self.market, **{"symbol": self.i.symbol} | more)  # type: ignore[arg-type]
        self.fates.add(order, self.stage.now_ms)

    def wait(self, seconds: float) -> None:
        self.stage.clock.advance(seconds)
        self.stage.world.advance(self.stage.now_ms)
        self.fates.live(self.stage.now_ms)

    def row(self, symbol: str = "") -> dict[str, Any] | None:
        """The instrument's row in its venue's list."""
        told = self.stage.get(self.path, **self.query)
        rows = told.get("symbols") or told.get("data") or told["result"]["list"]
        wanted = symbol or self.i.symbol
        found: list[dict[str, Any]] = [r for r in rows if wanted in (r.get("symbol"), r.get("instId"))]
        return found[0] if found else None


def _status(row: dict[str, Any] | None) -> str:
    keys = ("status", "state", "symbolStatus")
    return "" if row is None else next(str(row[k]) for k in keys if k in row)


HALTED = {
    ("binance", "spot"): "HALT", ("binance", "perp"): "TRADING_HALT", ("okx", "spot"): "suspend", ("okx", "perp"): "suspend",
    ("bybit", "spot"): "", ("bybit", "perp"): "", ("bitget", "spot"): "halt", ("bitget", "perp"): "maintain",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_halt_is_told_in_the_venues_words_and_ends(place: tuple[str, str]) -> None:
    s = Scene(*place)
    live = _status(s.row())
    s.turn("halt", after_s=1.0)
    assert _status(s.row()) == live
    s.wait(1.0)
    assert _status(s.row()) == HALTED[place]
    assert s.i.quote.bid
    s.wait(3.0)
    assert not s.i.quote.bid
    s.turn("resume")
    assert _status(s.row()) == live
    assert s.i.quote.bid


OFF = {
    ("binance", "spot"): "", ("binance", "perp"): "deliveryDate", ("okx", "spot"): "expTime", ("okx", "perp"): "expTime",
    ("bybit", "spot"): "", ("bybit", "perp"): "deliveryTime", ("bitget", "spot"): "offTime", ("bitget", "perp"): "offTime",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_delisting_is_announced_with_its_time_where_the_venue_has_a_field_for_it(place: tuple[str, str]) -> None:
    s = Scene(*place)
    live = _status(s.row())
    s.turn("settle", after_s=5.0)
    row = s.row()
    assert row is not None
    assert _status(row) == live
    if OFF[place]:
        assert int(row[OFF[place]]) == s.stage.now_ms + 5_000
    s.wait(5.0)
    assert _status(s.row()) != live


@pytest.mark.parametrize("place", PLACES)
def test_what_is_delisted_leaves_the_list_and_may_come_back(place: tuple[str, str]) -> None:
    s = Scene(*place)
    s.turn("delist")
    assert s.row() is None
    s.wait(1.0)
    seq = s.i.quote.seq
    s.wait(5.0)
    assert s.i.quote.seq == seq
    s.turn("list")
    assert s.row() is not None
    s.wait(10.0)
    assert s.i.quote.seq > seq


@pytest.mark.parametrize("place", PLACES)
def test_a_rename_keeps_the_price_under_another_name(place: tuple[str, str]) -> None:
    s = Scene(*place)
    s.turn("rename", name="RENAMED")
    symbol = {"okx": "RENAMED-USDT"}.get(s.venue, "RENAMEDUSDT") + ("-SWAP" if place == ("okx", "perp") else "")
    assert s.row() is None
    assert s.row(symbol) is not None
    made = s.stage.world.instruments(*place)[symbol]
    assert made.quote.bid == pytest.approx(s.i.quote.bid, rel=0.02)


@pytest.mark.parametrize("place", PLACES)
def test_a_new_coin_appears_and_lives(place: tuple[str, str]) -> None:
    s = Scene(*place)
    symbol = {"okx": "1000NOVA-USDT"}.get(s.venue, "1000NOVAUSDT") + ("-SWAP" if place == ("okx", "perp") else "")
    s.turn("list", symbol=symbol, factor=0.02)
    assert s.row(symbol) is not None
    made = s.stage.world.instruments(*place)[symbol]
    assert (made.base, made.coin.name, made.multiplier) == ("1000NOVA", "NOVA", 1000)
    assert made.quote.bid == pytest.approx(20.0, rel=0.05)
    seq = made.quote.seq
    s.wait(20.0)
    assert made.quote.seq > seq


INTERVAL = {"okx": "nextFundingTime", "bybit": "fundingInterval", "bitget": "fundInterval"}


@pytest.mark.parametrize("venue", ["okx", "bybit", "bitget", "binance"])
def test_an_interval_changes_and_may_be_left_out(venue: str) -> None:
    s = Scene(venue, "perp")
    paths = {"okx": ("/api/v5/public/funding-rate", {"instId": "ANY"}), "binance": ("/fapi/v1/fundingInfo", {})}
    s.path, s.query = paths.get(venue, (s.path, s.query))
    key = INTERVAL.get(venue, "fundingIntervalHours")

    def told() -> Any:
        body = s.stage.get(s.path, **s.query)
        rows = body if isinstance(body, list) else body.get("data") or body["result"]["list"]
        row = next(r for r in rows if s.i.symbol in (r.get("symbol"), r.get("instId")))
        if venue == "okx" and row[key]:
            return (int(row[key]) - int(row["fundingTime"])) / 3_600_000
        return row.get(key) or None

    s.turn("interval", hours=2)
    assert float(told()) in (2.0, 120.0)
    assert s.i.quote.next_funding_ms % 7_200_000 == 0
    s.turn("interval", hours=0)
    assert told() is None


def test_prices_go_far_for_a_while_and_to_nothing() -> None:
    s = Scene("bybit", "perp")
    fair = s.i.quote.bid
    s.turn("price", factor=111.0, for_s=2.0)
    assert s.i.quote.bid == pytest.approx(111 * fair, rel=0.05)
    s.wait(2.0)
    assert s.i.quote.bid == pytest.approx(fair, rel=0.05)
    s.turn("price", factor=0.0)
    assert (s.i.quote.bid, s.i.quote.ask, s.i.quote.last) == (0.0, 0.0, 0.0)


def test_sides_empty_and_content_freezes() -> None:
    s = Scene("bitget", "perp")
    s.turn("empty", side="bid")
    assert not s.i.quote.bid
    assert s.i.quote.ask
    s.turn("empty", side="both")
    assert not s.i.quote.ask
    s = Scene("bitget", "perp")
    held, seq = s.i.quote.bid, s.i.quote.seq
    s.turn("freeze")
    s.wait(20.0)
    assert s.i.quote.bid == held
    assert s.i.quote.seq > seq


def test_silence_keeps_the_row_and_says_nothing_more() -> None:
    s = Scene("bybit", "perp")
    s.turn("delist", silent=True)
    seq = s.i.quote.seq
    s.wait(20.0)
    assert s.row() is not None
    assert s.i.quote.seq == seq


@pytest.mark.parametrize("told", [True, False])
def test_a_unit_becomes_a_thousand_coins(told: bool) -> None:
    s = Scene("bybit", "perp")
    before, base = s.i.quote.bid, s.i.base
    s.turn("redenominate", factor=1000.0, told=told)
    assert s.i.quote.bid == pytest.approx(before * 1000, rel=0.05)
    row = s.row()
    assert row is not None
    assert row["baseCoin"] == (f"1000{base}" if told else base)


BAD: list[dict[str, Any]] = [
    {"kind": "halt", "symbol": "NOPE"},
    {"kind": "halt", "venue": "nyse"},
    {"kind": "rename"},
    {"kind": "list"},
    {"kind": "interval", "hours": 2.5},
    {"kind": "price", "factor": -1.0},
    {"kind": "empty", "side": "left"},
    {"kind": "redenominate", "factor": 0.5},
]


@pytest.mark.parametrize("bad", BAD)
def test_orders_that_make_no_sense_are_refused_with_a_reason(bad: dict[str, Any]) -> None:
    s = Scene("bybit", "perp")
    order = Turn(**{"venue": "bybit", "market": "perp", "symbol": s.i.symbol} | bad)
    with pytest.raises(ConfigError, match=r"\w+ \w+"):
        s.fates.add(order, s.stage.now_ms)
