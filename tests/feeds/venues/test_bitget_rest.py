"""Bitget's lists, sweeps and answers, value by value."""

import json

import pytest

from frmon.errors import DecodeError
from frmon.feeds.venues.bitget import VENUE
from frmon.model import EMPTY, Market, Tick
from tests.feeds.venues.given import leaves, own, real, with_value

PERP_LIST, SPOT_LIST = VENUE.directories
PERP_SWEEP, SPOT_SWEEP, FUNDING = VENUE.snapshots
FRAMES = "protocols/bitget/frames"


def test_contracts_keep_what_trades_or_may_trade_again() -> None:
    page = PERP_LIST.parse(own("bitget", "rest_contracts"))
    assert {x.symbol: (x.base, x.asset_class, x.status) for x in page.listings} == {
        "SOLUSDT": ("SOL", "crypto", "trading"),
        "LEAVEUSDT": ("LEAVE", "crypto", "trading"),
        "AAPLUSDT": ("AAPL", "stock", "trading"),
        "FIXUSDT": ("FIX", "crypto", "halted"),
        "SHUTUSDT": ("SHUT", "crypto", "halted"),
        "SOONUSDT": ("SOON", "crypto", "prelaunch"),
    }
    assert (page.next, page.skipped) == (None, 2)
    found = {x.symbol: x for x in page.listings}
    sol, leave = found["SOLUSDT"], found["LEAVEUSDT"]
    assert (sol.tick, sol.funding_h, sol.on_ms, sol.off_ms, sol.contract) == (0.005, 4.0, None, None, 1.0)
    assert (leave.tick, leave.funding_h, leave.on_ms, leave.off_ms) == (0.0001, 8.0, 1700000000000, 1795900000000)
    assert found["SOONUSDT"].on_ms == 1795400000000


def test_spot_pairs_keep_what_is_online_or_halted() -> None:
    page = SPOT_LIST.parse(own("bitget", "rest_symbols"))
    assert {x.symbol: (x.base, x.asset_class, x.status) for x in page.listings} == {
        "SOLUSDT": ("SOL", "crypto", "trading"),
        "龙虾USDT": ("龙虾", "crypto", "trading"),
        "$ALTUSDT": ("$ALT", "crypto", "trading"),
        "RAAPLUSDT": ("rAAPL", "stock", "trading"),
        "STOPUSDT": ("STOP", "crypto", "halted"),
    }
    lobster = page.listings[1]
    assert (lobster.tick, lobster.on_ms, lobster.off_ms) == (0.0001, 1795000000000, 1796000000000)
    assert {x.market for x in page.listings} == {Market.SPOT}
    assert page.skipped == 0


def test_sweeps_read_every_row_at_its_own_time() -> None:
    sol, thin = PERP_SWEEP.parse(own("bitget", "rest_mix_tickers"))
    assert sol == Tick(
        symbol="SOLUSDT",
        event_ms=1795325580370,
        bid=150.11,
        ask=150.13,
        bid_size=12.5,
        ask_size=7.25,
        last=150.12,
        mark=150.115,
        index=150.0925,
        volume_usd=987654.321,
        funding_rate=-0.00012,
    )
    assert (thin.bid, thin.ask, thin.bid_size, thin.funding_rate, thin.volume_usd) == (EMPTY, EMPTY, None, None, None)
    (spot,) = SPOT_SWEEP.parse(own("bitget", "rest_spot_tickers"))
    assert (spot.bid, spot.ask, spot.last, spot.volume_usd, spot.event_ms, spot.mark) == (
        150.04,
        150.06,
        150.05,
        481735.525,
        1795325580361,
        None,
    )
    assert PERP_SWEEP.stamped
    assert SPOT_SWEEP.stamped


def test_funding_has_interval_and_next_settlement_at_the_time_of_the_reply() -> None:
    assert FUNDING.parse(own("bitget", "rest_fund_rates")) == [
        Tick(
            symbol="SOLUSDT",
            event_ms=1795325580400,
            funding_rate=-0.00012,
            funding_interval_h=4.0,
            next_funding_ms=1795334400000,
        ),
        Tick(symbol="NOTYETUSDT", event_ms=1795325580400, funding_rate=0.0, funding_interval_h=8.0, next_funding_ms=0),
    ]


def test_the_server_tells_its_time() -> None:
    assert VENUE.server_times[0].parse(own("bitget", "rest_time")) == 1795325580123


@pytest.mark.parametrize("code", ['"40019"', "40019", "null", '"0"'])
@pytest.mark.parametrize("data", ["null", "[]"])
def test_a_failed_reply_is_no_empty_one(code: str, data: str) -> None:
    for name, parse in [
        ("rest_mix_tickers", PERP_SWEEP.parse),
        ("rest_fund_rates", FUNDING.parse),
        ("rest_contracts", PERP_LIST.parse),
        ("rest_symbols", SPOT_LIST.parse),
        ("rest_time", VENUE.server_times[0].parse),
    ]:
        failed = with_value(with_value(own("bitget", name), ("code",), code), ("data",), data)
        with pytest.raises(DecodeError, match="code"):
            parse(failed)


def test_answers_tell_bans_windows_and_mistakes_apart() -> None:
    judged = [
        VENUE.verdict(429, {}, b'{"code":"429","msg":"Too Many Requests"}'),
        VENUE.verdict(429, {"x-mbx-used-remain-limit": "0"}, b""),
        VENUE.verdict(429, {"retry-after": "30"}, b""),
        VENUE.verdict(400, {}, b'{"code":"45001","msg":"Unknown error"}'),
        VENUE.verdict(200, {}, b'{"code":"40725","msg":"service return an error"}'),
        VENUE.verdict(400, {}, b'{"code":"40034","msg":"Parameter NOPEUSDT does not exist"}'),
        VENUE.verdict(503, {}, b""),
        VENUE.verdict(403, {}, b"<html>"),
    ]
    assert [(x.status, x.retry_s) for x in judged if x is not None] == [
        ("BANNED", 300.0),
        ("BANNED", 2.0),
        ("BANNED", 30.0),
        ("MAINT", 5.0),
        ("MAINT", 5.0),
        ("RECONNECT", None),
        ("RECONNECT", None),
        ("BLOCKED", 600.0),
    ]
    assert VENUE.verdict(200, {}, b'{"code":"00000","msg":"success"}') is None
    assert VENUE.verdict(101, {}, b"") is None


@pytest.mark.shared
def test_real_lists_are_read() -> None:
    contracts = PERP_LIST.parse(real(f"{FRAMES}/rest_v2_mix_contracts.json"))
    assert [(x.symbol, x.tick, x.funding_h, x.status, x.off_ms) for x in contracts.listings] == [
        ("BTCUSDT", 0.1, 8.0, "trading", None),
        ("ETHUSDT", 0.01, 8.0, "trading", None),
        ("XRPUSDT", 0.0001, 8.0, "trading", None),
    ]
    pairs = SPOT_LIST.parse(real(f"{FRAMES}/rest_v2_spot_symbols.json"))
    assert [(x.base, x.tick, x.on_ms) for x in pairs.listings] == [
        ("XRP", 0.0001, 1557133320000),
        ("BTC", 0.01, 1532454360000),
        ("ETH", 0.01, 1532450400000),
    ]
    assert contracts.skipped == pairs.skipped == 0


@pytest.mark.shared
def test_real_sweeps_are_read() -> None:
    (btc,) = PERP_SWEEP.parse(real(f"{FRAMES}/rest_v2_mix_tickers.json"))
    assert (btc.bid, btc.ask, btc.mark, btc.index) == (104823.5, 104823.8, 104824.2, 104881.953125)
    assert (btc.funding_rate, btc.volume_usd, btc.event_ms) == (-0.000014, 8274870921.80485, 1750332210370)
    (spot,) = SPOT_SWEEP.parse(real(f"{FRAMES}/rest_v2_spot_tickers.json"))
    assert (spot.bid, spot.ask, spot.event_ms) == (37583.68, 37583.69, 1700532903261)
    (funding,) = FUNDING.parse(real(f"{FRAMES}/rest_v2_mix_current_fund_rate.json"))
    assert (funding.funding_rate, funding.funding_interval_h, funding.next_funding_ms) == (
        -0.000024,
        8.0,
        1761667200000,
    )
    assert VENUE.server_times[0].parse(real(f"{FRAMES}/rest_v2_time.json")) == 1789455435724


@pytest.mark.shared
def test_captured_rows_of_2026_are_read() -> None:
    captured = json.loads(real("recordings/bitget/rest/captured_2026_rows.json"))
    reply = {"code": "00000", "msg": "success", "requestTime": 1789456277000}
    (row,) = PERP_SWEEP.parse(json.dumps({**reply, "data": [captured["ticker_row"]]}).encode())
    assert (row.bid, row.ask, row.last, row.event_ms) == (77202.0, 77202.1, 77202.1, 1789456276886)
    (rate,) = FUNDING.parse(json.dumps({**reply, "data": [captured["current_fund_rate_row"]]}).encode())
    assert (rate.funding_interval_h, rate.next_funding_ms) == (8.0, 1789459200000)
    assert [
        t.funding_rate for t in FUNDING.parse(json.dumps(captured["current_fund_rate_envelope_20260801"]).encode())
    ] == [0.000054]
    for error in captured["errors"]:
        with pytest.raises(DecodeError, match=error["code"]):
            PERP_SWEEP.parse(json.dumps(error).encode())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("sample", "frame"),
    [
        ("rest_contracts", "rest_v2_mix_contracts"),
        ("rest_symbols", "rest_v2_spot_symbols"),
        ("rest_mix_tickers", "rest_v2_mix_tickers"),
        ("rest_spot_tickers", "rest_v2_spot_tickers"),
        ("rest_fund_rates", "rest_v2_mix_current_fund_rate"),
    ],
)
def test_our_samples_have_the_shape_of_the_real_rows(sample: str, frame: str) -> None:
    ours, theirs = (json.loads(raw)["data"][0] for raw in (own("bitget", sample), real(f"{FRAMES}/{frame}.json")))
    assert list(leaves(ours)) == list(leaves(theirs))
