"""OKX: real frames and recordings, read beside the checkout."""

import json

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.text import positive
from frmon.model import Market
from tests.feeds.venues.given import is_sane, real
from tests.feeds.venues.okx_given import FRAMES, SNAPSHOTS, SPOT, page, recorded


@pytest.mark.shared
def test_real_frames_are_read() -> None:
    told = json.loads(real(f"{FRAMES}/ws_frames_2026-09-25.json"))
    heard = {}
    for name, one in told.items():
        if one.get("event") != "error":
            heard[name] = SPOT.parse(json.dumps(one).encode())
    assert {name: kind for name, (kind, _) in heard.items() if kind} == {
        "tickers_spot": "ticker",
        "tickers_swap_shape": "ticker",
        "funding_rate": "funding",
        "mark_price": "mark",
        "index_tickers": "index",
    }
    (spot,) = heard["tickers_spot"][1]
    assert (spot.bid, spot.ask, spot.last, spot.ask_size) == (83774.1, 83774.2, 83766.8, 0.25697131)
    (funding,) = heard["funding_rate"][1]
    assert (funding.funding_rate, funding.funding_interval_h) == (0.0000263463215391, 8.0)
    assert (funding.next_funding_ms, funding.settled_rate) == (1790380800000, 0.0000341625964238)


@pytest.mark.shared
def test_real_control_frames_are_read() -> None:
    told = json.loads(real(f"{FRAMES}/ws_control_frames.json"))
    assert SPOT.parse(json.dumps(told["ack_one_per_arg"]).encode()) == ("", ())
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told["error_with_id"]).encode())
    assert (caught.value.symbol, caught.value.request) == ("NOPE-USDT", "ob1")
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told["error_60012_doc"]).encode())
    assert (caught.value.symbol, caught.value.request) == (None, "1512")
    with pytest.raises(Notice, match="service upgrade"):
        SPOT.parse(json.dumps(told["notice_64008_doc"]).encode())


@pytest.mark.shared
def test_real_replies_are_read() -> None:
    swaps = SNAPSHOTS[Market.PERP, "ticker"].parse(real(f"{FRAMES}/rest_tickers_SWAP_trimmed.json"))
    assert [(t.symbol, t.bid, t.ask) for t in swaps] == [
        ("BTC-USDT-SWAP", 80352.5, 80352.6),
        ("DOGE-USDT-SWAP", 0.08539, 0.0854),
    ]
    assert swaps[1].volume_usd == pytest.approx(4500729030 * 0.0854)
    funding = SNAPSHOTS[Market.PERP, "funding"].parse(real(f"{FRAMES}/rest_funding_rate_ANY.json"))
    assert [(t.symbol, t.funding_interval_h, t.next_funding_ms) for t in funding] == [
        ("BTC-USDT-SWAP", 8.0, 1789833600000),
        ("OKB-USDT-SWAP", 4.0, 1789833600000),
        ("ONE-USDT-SWAP", 1.0, 1789826400000),
    ]
    (mark,) = SNAPSHOTS[Market.PERP, "mark"].parse(real(f"{FRAMES}/rest_mark_price_SWAP.json"))
    (index,) = SNAPSHOTS[Market.PERP, "index"].parse(real(f"{FRAMES}/rest_index_tickers_USDT.json"))
    assert (mark.symbol, mark.mark, index.symbol, index.index) == (
        "SOPH-USDT-SWAP",
        0.004128,
        "SOPH-USDT-SWAP",
        0.004147,
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["200_missing_instId", "200_bad_instId", "200_unknown_instrument", "429_public", "busy"]
)
def test_real_errors_are_errors(name: str) -> None:
    told = json.loads(real(f"{FRAMES}/rest_errors.json"))[name]
    with pytest.raises(DecodeError, match=told["code"]):
        SNAPSHOTS[Market.SPOT, "ticker"].parse(json.dumps(told).encode())


@pytest.mark.shared
@pytest.mark.parametrize("path", ["recordings/okx/ws/cf_20220513.raw.gz", f"{FRAMES}/ws_tickers_recorded_2022.txt"])
def test_no_recorded_ticker_is_lost(path: str) -> None:
    heard, expected = [], []
    for line in recorded(path).splitlines():
        _, found, rest = line.partition(b": {")
        if line.startswith(b"wss") or not found:
            continue
        kind, ticks = SPOT.parse(b"{" + rest)
        heard += [(kind, t.symbol, t.bid, t.ask, t.last, t.event_ms) for t in ticks]
        told = json.loads(b"{" + rest)
        for row in told.get("data", []) if told["arg"]["channel"] == "tickers" else []:
            if row["instId"].endswith(("-USDT", "-USDT-SWAP")):
                prices = (float(row["bidPx"]), float(row["askPx"]), float(row["last"]))
                expected.append(("ticker", row["instId"], *prices, int(row["ts"])))
    assert len(expected) > 5
    assert heard == expected


@pytest.mark.shared
@pytest.mark.parametrize("name", ["tardis_okx", "tardis_okx-swap", "tardis_okx-futures"])
def test_frames_of_all_years_are_read_or_left_alone(name: str) -> None:
    ours = {"tickers", "mark-price", "index-tickers", "funding-rate"}
    for line in recorded(f"recordings/okx/ws/{name}.jsonl").splitlines():
        told = json.loads(line)["frame"]
        kind, ticks = SPOT.parse(json.dumps(told).encode())
        arg = told.get("arg", {})
        wanted = "data" in told and arg.get("channel") in ours
        assert bool(kind) == wanted, arg
        swap_only = {"-USDT-SWAP"} if arg.get("channel") == "funding-rate" else {"-USDT", "-USDT-SWAP"}
        assert bool(ticks) == (wanted and arg["instId"].endswith(tuple(swap_only))), arg
        assert all(map(is_sane, ticks))


@pytest.mark.shared
def test_no_recorded_row_of_the_tickers_is_lost() -> None:
    told = json.loads(recorded("recordings/okx/tickers_all/tat3_spot_20221121T0636Z.json.gz"))
    infos = [row["info"] for row in told["tickers"].values()]
    expected = [
        (r["instId"], positive(r["bidPx"]), positive(r["askPx"]), positive(r["last"]), positive(r["volCcy24h"]))
        for r in infos
        if r["instId"].endswith("-USDT")
    ]
    raw = json.dumps({"code": "0", "msg": "", "data": infos}).encode()
    ticks = SNAPSHOTS[Market.SPOT, "ticker"].parse(raw)
    assert [(t.symbol, t.bid or None, t.ask or None, t.last, t.volume_usd) for t in ticks] == expected
    assert len(expected) > 250


@pytest.mark.shared
def test_recorded_directories_keep_exactly_what_trades() -> None:
    spot = page(Market.SPOT, real(f"{FRAMES}/rest_instruments_SPOT_USDT_recorded_2022.json"))
    assert (len(spot.listings), spot.skipped) == (350, 0)
    raw = real(f"{FRAMES}/rest_instruments_SWAP_recorded_2022_all.json")
    linear = {
        row["instId"]: float(row["ctVal"]) * float(row["ctMult"])
        for row in json.loads(raw)["data"]
        if row["settleCcy"] == "USDT" and row["ctType"] == "linear"
    }
    swaps = page(Market.PERP, raw)
    assert {one.symbol: one.contract for one in swaps.listings} == linear
    assert (len(linear), swaps.skipped) == (126, 0)
