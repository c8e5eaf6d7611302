"""Binance: real frames and recordings, read beside the checkout."""

import json

import pytest

from frmon.feeds.text import positive
from frmon.model import Market
from tests.feeds.venues.binance_given import FRAMES, MARKET, PUBLIC, SNAPSHOTS, SPOT, listed, page, payloads, recorded
from tests.feeds.venues.given import each, is_sane, real


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("um_ws_all_markPrice_arr_1s_tradfi_frame", ("mark", ["XAUUSDT", "XAGUSDT"])),
        ("um_ws_all_ticker_arr", ("ticker", ["XPTUSDT"])),
        ("um_ws_btcusdt_bookTicker", ("book", ["BTCUSDT"])),
        ("um_ws_btcusdt_markPrice_1s", ("mark", ["BTCUSDT"])),
        ("um_ws_btcusdt_ticker", ("ticker", ["BTCUSDT"])),
    ],
)
def test_real_frames_are_read(file: str, expected: tuple[str, list[str]]) -> None:
    kind, ticks = MARKET.parse(real(f"{FRAMES}/{file}.json"))
    assert (kind, [t.symbol for t in ticks]) == expected
    assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_real_values_are_read_exactly() -> None:
    _, (mark,) = MARKET.parse(real(f"{FRAMES}/um_ws_btcusdt_markPrice_1s.json"))
    assert (mark.mark, mark.index, mark.funding_rate) == (83084.3, 83123.65891304, 7.8e-7)
    assert (mark.next_funding_ms, mark.event_ms) == (1791388800000, 1791382993000)
    _, (book,) = PUBLIC.parse(real(f"{FRAMES}/um_ws_btcusdt_bookTicker.json"))
    assert (book.bid, book.ask, book.bid_size, book.ask_size) == (83091.6, 83091.7, 4.215, 3.763)
    heard = [SPOT.parse(raw) for raw in each(real(f"{FRAMES}/spot_ws_btcusdt_miniTicker_2026.json"))]
    assert [(kind, ticks[0].last) for kind, ticks in heard] == [("ticker", 86128.01), ("ticker", 84028.01)]
    kinds = [SPOT.parse(raw)[0] for raw in each(real(f"{FRAMES}/um_ws_misc_2026-09-27.json"))]
    assert kinds == ["", "mark", ""]


@pytest.mark.shared
def test_real_replies_are_read() -> None:
    marks = SNAPSHOTS[Market.PERP, "mark"].parse(real(f"{FRAMES}/um_rest_premiumIndex.json"))
    assert [(t.symbol, t.mark) for t in marks] == [("BTCUSDT", 83067.3), ("XAUUSDT", 4102.86), ("币安人生USDT", 0.4762)]
    days = SNAPSHOTS[Market.PERP, "ticker"].parse(real(f"{FRAMES}/um_rest_ticker_24hr.json"))
    assert [t.volume_usd for t in days] == [2241110732.05, 3427981.55024, 14378633588.65]
    hours = SNAPSHOTS[Market.PERP, "interval"].parse(real(f"{FRAMES}/um_rest_fundingInfo.json"))
    assert [t.funding_interval_h for t in hours] == [4.0, 4.0, 8.0]
    listings = listed(page(Market.PERP, real(f"{FRAMES}/um_rest_exchangeInfo.json")))
    assert {s: (one.base, one.asset_class, one.tick) for s, one in listings.items()} == {
        "BTCUSDT": ("BTC", "crypto", 0.1),
        "XAUUSDT": ("XAU", "commodity", 0.01),
        "币安人生USDT": ("币安人生", "crypto", 0.0001),
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    "path",
    [
        "recordings/binance/ws/cf_spot_20211012.raw",
        "recordings/binance/ws/hft_spot_btcusdt_20240808.log.gz",
        f"{FRAMES}/spot_ws_bookTicker_recorded_2021.txt",
        f"{FRAMES}/um_ws_bookTicker_recorded_2021.txt",
    ],
)
def test_no_recorded_book_is_lost(path: str) -> None:
    heard, expected = [], []
    for raw in payloads(recorded(path)):
        kind, ticks = PUBLIC.parse(raw)
        heard += [(kind, t.symbol, t.bid, t.ask, t.bid_size, t.ask_size, t.seq) for t in ticks]
        told = json.loads(raw)
        row = told.get("data", told)
        if "@bookTicker" in told.get("stream", "") and row["s"].endswith("USDT"):
            sizes = (positive(row["B"]), positive(row["A"]))
            expected.append(("book", row["s"], float(row["b"]), float(row["a"]), *sizes, row["u"]))
    assert len(expected) > 30
    assert heard == expected


@pytest.mark.shared
@pytest.mark.parametrize("name", ["tardis_binance", "tardis_binance-futures"])
def test_frames_of_all_years_are_read_or_left_alone(name: str) -> None:
    ours = {"bookTicker", "24hrTicker", "markPriceUpdate"}
    for line in recorded(f"recordings/binance/ws/{name}.jsonl").splitlines():
        told = json.loads(line)["frame"]
        kind, ticks = MARKET.parse(json.dumps(told).encode())
        stream, row = told["stream"], told["data"]
        wanted = (row.get("e") in ours or "@bookTicker" in stream) and row["s"].endswith("USDT")
        assert bool(kind and ticks) == wanted, stream
        assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_no_recorded_row_of_the_replies_is_lost() -> None:
    raw = recorded("recordings/binance/rest/bitvigil_premiumIndex_20241127.json.gz")
    rows = [row for row in json.loads(raw) if row["symbol"].endswith("USDT")]
    ticks = SNAPSHOTS[Market.PERP, "mark"].parse(raw)
    assert [(t.symbol, t.mark) for t in ticks] == [(r["symbol"], positive(r["markPrice"])) for r in rows]
    for market in Market:
        told = json.loads(recorded(f"recordings/binance/tickers_all/tat3_{market}_20221121T0636Z.json.gz"))
        infos = [row["info"] for row in told["tickers"].values()]
        expected = [(r["symbol"], positive(r["lastPrice"])) for r in infos if r["symbol"].endswith("USDT")]
        found = SNAPSHOTS[market, "ticker"].parse(json.dumps(infos).encode())
        assert [(t.symbol, t.last) for t in found] == expected
        assert len(expected) > 140


@pytest.mark.shared
def test_recorded_directories_keep_exactly_what_trades() -> None:
    raw = recorded("recordings/binance/rest/ctemkar_perp_exchangeInfo_20260518.slice.json.gz")
    rows = json.loads(raw)["symbols"]
    trading = {
        r["symbol"]
        for r in rows
        if r["status"] == "TRADING"
        and r["quoteAsset"] == r["marginAsset"] == "USDT"
        and r["contractType"] in {"PERPETUAL", "TRADIFI_PERPETUAL"}
    }
    found = page(Market.PERP, raw)
    assert {one.symbol for one in found.listings if one.status == "trading"} == trading
    assert {one.status for one in found.listings} <= {"trading", "prelaunch", "halted"}
    assert found.skipped == 0
    assert len(trading) > 10
    spot = page(Market.SPOT, real(f"{FRAMES}/spot_rest_exchangeInfo_recorded_2021_120usdt.json"))
    assert (len(spot.listings), spot.skipped) == (120, 0)
