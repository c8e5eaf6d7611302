"""The picture: names, order, nulls, numbers, and its three forms."""

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from frmon.board import Board
from frmon.clock import ManualClock
from frmon.config import VenueDefaults, defaults
from frmon.gates import Standing
from frmon.model import Carrier, Leg, LineState, Market, Signal, Status, Tick, VenueState
from frmon.plain import csv_text, price_decimal, table_text, width
from frmon.snapshot import encode, has_data, picture, signal_line, unknown_coins
from frmon.spread import Terms

NAMES = ("alpha", "beta")


class Still:
    """Stands for an engine; its board is filled by hand."""

    def __init__(self) -> None:
        venues = [VenueDefaults(name=n, endpoints={}, taker_fee_spot=0.001, taker_fee_perp=0.0005) for n in NAMES]
        self.settings = defaults(venues)
        self.simulated = ""
        self.clock = ManualClock()
        self.board = Board()
        self.terms = Terms(fees={(n, market): 0.0005 for n in NAMES for market in Market})
        self.signals: list[Signal] = []
        self.notices = ["TASK signals restarted"]

    def standing(self, _coin: str, _short: str, _long: str) -> Standing:
        return Standing(samples=2)

    def states(self) -> list[VenueState]:
        line = LineState(name="alpha perp 1", status=Status.LIVE, symbols=2, messages=7, lag_ms=38.04)
        return [VenueState(name="alpha", status=Status.LIVE, legs=2, fresh_legs=1, messages_per_s=5.26, lines=[line])]


@pytest.fixture
def engine() -> Still:
    return Still()


def quote(engine: Still, name: str, leg: Leg, **values: Any) -> None:
    engine.board.seat(leg)
    carrier = Carrier(name, leg.market, "book")
    carrier.live = True
    clock = engine.clock
    engine.board.take(carrier, [Tick(symbol=leg.symbol, **values)], clock.mono(), clock.now_ms())


def fill(engine: Still) -> None:
    perp = Market.PERP
    whole = {
        "event_ms": 1_795_325_579_900, "bid": 0.010412, "ask": 0.010413, "last": 0.010412, "mark": 0.010412,
        "index": 0.010411, "volume_usd": 1.2e8, "funding_rate": 0.0001, "funding_interval_h": 8.0,
        "next_funding_ms": 1_795_334_400_000,
    }  # fmt: skip
    quote(
        engine, "alpha", Leg(venue="alpha", market=perp, symbol="1000PEPEUSDT", coin="PEPE", multiplier=1000), **whole
    )
    quote(
        engine,
        "beta",
        Leg(venue="beta", market=perp, symbol="PEPE-USDT-SWAP", coin="PEPE"),
        bid=1.04e-05,
        ask=1.0402e-05,
    )
    engine.board.seat(Leg(venue="alpha", market=Market.SPOT, symbol="ZZUSDT", coin="ZZ", quarantine="other price"))
    quote(engine, "alpha", Leg(venue="alpha", market=perp, symbol="币安USDT", coin="币安"), bid=2.0, ask=2.5)
    quote(engine, "beta", Leg(venue="beta", market=perp, symbol="币安-USDT", coin="币安"), bid=1.0, ask=1.0)
    engine.signals.append(
        Signal(
            symbol="PEPE", short_exchange="alpha", long_exchange="beta", spread_percent=0.71, price_short=1.05e-05,
            price_long=1.0426e-05, observed_at="2026-11-22T05:32:58.000Z", observed_ms=1_795_325_578_000,
        )
    )  # fmt: skip


def as_json(engine: Still, *args: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(encode(picture(engine, *args)))
    return decoded


def test_fields_have_the_names_and_the_order_of_the_contract(engine: Still) -> None:
    fill(engine)
    found = as_json(engine)
    assert list(found) == ["schema", "simulated", "at", "at_ms", "venues", "coins", "signals", "notices"]
    assert found["notices"] == ["TASK signals restarted"]
    assert (found["schema"], found["simulated"], found["at"]) == (1, False, "2026-11-22T05:33:00.000Z")
    assert found["at_ms"] == engine.clock.now_ms()
    assert found["venues"] == {
        "alpha": {
            "status": "LIVE", "detail": "", "legs": 3, "fresh_legs": 2, "messages_per_s": 5.3, "reconnects": 0,
            "listings_age_s": {}, "lines": [
                {"name": "alpha perp 1", "status": "LIVE", "detail": "", "symbols": 2, "messages": 7,
                 "last_message_age_s": None, "lag_ms": 38.0, "reconnects": 0, "outdated": 0}
            ],
        }
    }  # fmt: skip
    pepe = next(c for c in found["coins"] if c["coin"] == "PEPE")
    assert list(pepe) == ["coin", "flags", "legs", "spread"]
    assert list(pepe["spread"]) == [
        "buy", "sell", "gross_pct", "fees_pct", "net_pct", "carry_per_hour", "carry_apr_pct", "needs_borrow",
    ]  # fmt: skip
    assert found["signals"] == [
        {"symbol": "PEPE", "short_exchange": "alpha", "long_exchange": "beta", "spread_percent": 0.71,
         "price_short": 1.05e-05, "price_long": 1.0426e-05, "observed_at": "2026-11-22T05:32:58.000Z",
         "kind": "spread"}
    ]  # fmt: skip


def test_a_leg_tells_everything_per_one_coin(engine: Still) -> None:
    fill(engine)
    pepe = next(c for c in as_json(engine)["coins"] if c["coin"] == "PEPE")
    now_ms = engine.clock.now_ms()
    assert pepe["legs"][0] == {
        "venue": "alpha", "market": "perp", "symbol": "1000PEPEUSDT", "multiplier": 1000, "bid": 1.0412e-05,
        "ask": 1.0413e-05, "last": 1.0412e-05, "mark": 1.0412e-05, "index": 1.0411e-05, "volume_24h_usd": 1.2e8,
        "funding_rate": 0.0001, "funding_interval_h": 8, "next_funding_ms": 1_795_334_400_000,
        "event_ms": 1_795_325_579_900, "received_ms": now_ms, "age_s": 0.0, "fresh": True, "source": "ws",
        "quarantine": None,
    }  # fmt: skip
    assert list(pepe["legs"][0])[:18] == [
        "venue", "market", "symbol", "multiplier", "bid", "ask", "last", "mark", "index", "volume_24h_usd", "funding_rate",
        "funding_interval_h", "next_funding_ms", "event_ms", "received_ms", "age_s", "fresh", "source",
    ]  # fmt: skip


def test_the_spread_agrees_with_the_legs_and_unknown_funding_is_unknown_carry(engine: Still) -> None:
    fill(engine)
    spread = next(c for c in as_json(engine)["coins"] if c["coin"] == "PEPE")["spread"]
    assert spread["buy"] == {"venue": "beta", "market": "perp", "price": 1.0402e-05, "symbol": "PEPE-USDT-SWAP"}
    assert spread["sell"] == {"venue": "alpha", "market": "perp", "price": 1.0412e-05, "symbol": "1000PEPEUSDT"}
    assert spread["gross_pct"] == pytest.approx(0.0961, abs=1e-4)
    assert spread["fees_pct"] == pytest.approx(0.2)
    assert spread["net_pct"] == pytest.approx(spread["gross_pct"] - 0.2)
    assert (spread["carry_per_hour"], spread["carry_apr_pct"], spread["needs_borrow"]) == (None, None, False)


def test_unknown_is_null_everywhere(engine: Still) -> None:
    fill(engine)
    coin = next(c for c in as_json(engine)["coins"] if c["coin"] == "ZZ")
    leg = coin["legs"][0]
    known = {"venue", "market", "symbol", "multiplier", "fresh", "quarantine"}
    assert {key for key, value in leg.items() if value is not None} == known
    assert (leg["fresh"], leg["quarantine"], coin["spread"]) == (False, "other price", None)
    assert coin["flags"] == ["QUARANTINE", "STALE"]


def test_age_grows_and_a_stale_leg_makes_no_spread(engine: Still) -> None:
    fill(engine)
    engine.clock.advance(5.25)
    coins = as_json(engine)["coins"]
    assert {leg["age_s"] for c in coins for leg in c["legs"]} == {5.25, None}
    assert all(c["spread"] is None and not leg["fresh"] for c in coins for leg in c["legs"])


def test_coins_come_by_gross_spread_and_can_be_chosen(engine: Still) -> None:
    fill(engine)
    assert [c["coin"] for c in as_json(engine)["coins"]] == ["币安", "PEPE", "ZZ"]
    assert [c["coin"] for c in as_json(engine, ["pepe", "zz"])["coins"]] == ["PEPE", "ZZ"]
    assert [c["coin"] for c in as_json(engine, None, 1)["coins"]] == ["币安"]
    assert unknown_coins(engine, ["pepe", "PEPEE", "QQQ"]) == {"PEPEE": "PEPE", "QQQ": ""}


def test_a_venue_that_is_not_enabled_is_off(engine: Still) -> None:
    engine.settings.venues["beta"].enabled = False
    beta = as_json(engine)["venues"]["beta"]
    assert (beta["status"], beta["legs"], beta["lines"]) == ("OFF", 0, [])


def test_a_simulated_market_says_so_in_every_form(engine: Still) -> None:
    fill(engine)
    engine.simulated = "SIMULATED"
    assert as_json(engine)["simulated"] is True
    assert table_text(picture(engine)).startswith("SIMULATED MARKET")
    assert {row["simulated"] for row in csv.DictReader(io.StringIO(csv_text(picture(engine))))} == {"true"}
    line = json.loads(encode(signal_line(engine.signals[0], simulated=True)))
    assert list(line)[:3] == ["schema", "type", "simulated"]
    assert (line["type"], line["simulated"], line["symbol"]) == ("signal", True, "PEPE")


def test_a_signal_with_a_note_says_it(engine: Still) -> None:
    fill(engine)
    changed = msgspec.structs.replace(engine.signals[0], kind="interval", note="8 h -> 4 h")
    line = json.loads(encode(signal_line(changed, simulated=False)))
    assert (line["kind"], line["note"]) == ("interval", "8 h -> 4 h")


def test_there_is_data_as_soon_as_one_leg_has_a_price(engine: Still) -> None:
    engine.board.seat(Leg(venue="alpha", market=Market.SPOT, symbol="ZZUSDT", coin="ZZ"))
    assert not has_data(engine)
    fill(engine)
    assert has_data(engine)


def test_not_finite_numbers_never_leave(engine: Still) -> None:
    leg = Leg(venue="alpha", market=Market.PERP, symbol="AUSDT", coin="A")
    quote(engine, "alpha", leg, bid=1.0, ask=float("inf"), mark=float("nan"))
    found = as_json(engine)["coins"][0]["legs"][0]
    assert (found["bid"], found["ask"], found["mark"]) == (1.0, None, None)
    row = next(csv.DictReader(io.StringIO(csv_text(picture(engine)))))
    assert (row["bid"], row["ask"], row["mark"]) == ("1.0", "", "")


def test_csv_has_one_row_per_leg_and_no_formulas(engine: Still) -> None:
    fill(engine)
    engine.board.seat(Leg(venue="alpha", market=Market.SPOT, symbol="-XUSDT", coin="=1+1"))
    rows = list(csv.DictReader(io.StringIO(csv_text(picture(engine)))))
    assert len(rows) == 6
    assert [(r["coin"], r["symbol"]) for r in rows if "1+1" in r["coin"]] == [("'=1+1", "'-XUSDT")]
    pepe = next(r for r in rows if r["symbol"] == "1000PEPEUSDT")
    assert (float(pepe["bid"]), pepe["fresh"], pepe["quarantine"]) == (1.0412e-05, "true", "")


def test_the_table_aligns_wide_letters_and_obeys_no_escape(engine: Still) -> None:
    fill(engine)
    engine.board.seat(Leg(venue="alpha", market=Market.SPOT, symbol="E", coin="\x1b[31mE"))
    text = table_text(picture(engine))
    assert "\x1b" not in text
    lines = text.split("\n\n")[2].splitlines()
    ends = {width(line.partition("beta perp")[0]) for line in lines if "beta perp" in line}
    assert len(lines) == 5
    assert len(ends) == 1
    assert "0.000010402" in text


@pytest.mark.parametrize(
    ("price", "text"),
    [(None, "-"), (1.0412e-05, "0.000010412"), (64000.0, "64000"), (1e16, "10000000000000000"), (0.5, "0.5")],
)
def test_prices_are_written_in_full(price: float | None, text: str) -> None:
    assert price_decimal(price) == text


def test_reasons_are_there_only_if_asked_for_and_judge_the_best_pair(engine: Still) -> None:
    fill(engine)
    assert all("why" not in coin and "why_pair" not in coin for coin in as_json(engine)["coins"])
    found = json.loads(encode(picture(engine, ["pepe"], why=True)))["coins"][0]
    sides = ("buy", "sell")
    assert {s: found["why_pair"][s] for s in sides} == {s: found["spread"][s] for s in sides}
    gates = {gate["name"]: gate for gate in found["why"]}
    assert list(gates) == [
        "legs", "fresh", "identity", "class", "status", "quotes", "outlier", "kind", "spread", "samples", "cooldown",
        "liquidity", "volume",
    ]  # fmt: skip
    assert list(gates["spread"]) == ["name", "value", "limit", "passed", "words"]
    assert gates["spread"]["value"] == pytest.approx(found["spread"]["gross_pct"])
    assert {name for name, gate in gates.items() if not gate["passed"]} == {"spread", "samples"}
    assert (gates["samples"]["value"], gates["samples"]["limit"]) == (2.0, 3.0)


def test_reasons_can_be_asked_for_any_pair(engine: Still) -> None:
    fill(engine)
    found = json.loads(encode(picture(engine, ["pepe"], why=True)))["coins"][0]
    best = found["why_pair"]
    places = ((best["sell"]["venue"], best["sell"]["market"]), (best["buy"]["venue"], best["buy"]["market"]))
    other = json.loads(encode(picture(engine, ["pepe"], why=True, pair=places)))["coins"][0]
    assert other["why_pair"]["buy"]["venue"] == best["sell"]["venue"]
    assert other["why_pair"]["sell"]["venue"] == best["buy"]["venue"]
    gates = {gate["name"]: gate for gate in other["why"]}
    assert gates["spread"]["value"] < found["spread"]["gross_pct"]
    nowhere = json.loads(encode(picture(engine, ["pepe"], why=True, pair=(("nowhere", "perp"), places[1]))))["coins"][0]
    assert nowhere["why_pair"] is None
    assert "not listed on both nowhere perp" in nowhere["why"][0]["words"]


def test_a_coin_with_one_leg_has_reasons_but_no_pair(engine: Still) -> None:
    fill(engine)
    found = json.loads(encode(picture(engine, ["ZZ"], why=True)))["coins"][0]
    assert found["why_pair"] is None
    assert [g["name"] for g in found["why"] if not g["passed"]][:1] == ["legs"]
    assert "ZZ: buy -, sell -: fails legs" in table_text(picture(engine, ["ZZ"], why=True))


def test_reasons_read_as_lines_in_the_table_and_as_rows_after_the_legs_in_csv(engine: Still) -> None:
    fill(engine)
    asked = picture(engine, ["PEPE"], why=True)
    head, columns, *lines = table_text(asked).split("\n\n")[-1].splitlines()
    assert head == "PEPE: buy beta perp, sell alpha perp: fails spread, samples"
    assert columns.split() == ["gate", "value", "limit", "in", "words"]
    assert [line.split()[:2] for line in lines if "FAIL" in line] == [["spread", "FAIL"], ["samples", "FAIL"]]
    legs, gates = csv_text(asked).split("\n\n")
    assert len(list(csv.DictReader(io.StringIO(legs)))) == 2
    rows = list(csv.DictReader(io.StringIO(gates)))
    assert {(r["coin"], r["buy"], r["sell"]) for r in rows} == {("PEPE", "beta perp", "alpha perp")}
    assert [r["name"] for r in rows if r["passed"] == "false"] == ["spread", "samples"]
