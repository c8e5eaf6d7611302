"""What the catalog makes of the board's prices, and of a real universe."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.config import CoinSettings
from frmon.feeds.catalog import SETTLED_LOOKS, assign, worth
from frmon.feeds.judge import BAD_LOOKS, GOOD_LOOKS
from frmon.feeds.venues import all_venues
from frmon.model import LegKey, Listing, Market
from frmon.spread import best, flags
from tests.feeds.trade import DEFAULT, EVERYTHING, NAMING, PERP, Trade, listing
from tests.given import TERMS, WALL


def test_prices_that_agree_per_coin_confirm_the_names() -> None:
    trade = Trade(listing("binance", "1000SATS"), listing("bybit", "10000SATS"), listing("okx", "SATS"))
    assert trade.look({"binance 1000SATS": 0.000171, "bybit 10000SATS": 0.00172, "okx SATS": 1.7e-7}, 5) == []
    assert trade.verdicts == {}


def test_the_same_ticker_on_another_coin_is_quarantined_at_once_with_both_prices() -> None:
    trade = Trade(listing("binance", "NEIRO"), listing("okx", "NEIRO"), listing("bitget", "NEIRO"))
    changed = trade.look({"binance NEIRO": 0.000389, "okx NEIRO": 0.000389, "bitget NEIRO": 0.04326})
    assert [leg.key for leg in changed] == [LegKey("bitget", PERP, "NEIROUSDT")]
    assert trade.verdicts == {"bitget NEIRO": "price 111.2x others (0.04326 vs 0.000389)"}
    row = trade.desk.board.rows["NEIRO"]
    spread = best(row, TERMS, trade.at, WALL)
    assert spread is not None
    assert {spread.buy.venue, spread.sell.venue} == {"binance", "okx"}
    assert flags(row, TERMS, trade.at, WALL) == ["QUARANTINE"]


def test_a_price_ten_times_apart_asks_whether_the_multiplier_is_wrong() -> None:
    openai = [listing("okx", "OPENAI", asset_class="premarket"), listing("bitget", "OPENAI", asset_class="premarket")]
    trade = Trade(*openai, settings=EVERYTHING)
    trade.look({"okx OPENAI": 148.81, "bitget OPENAI": 1458.86})
    assert trade.verdicts == {
        "okx OPENAI": "price 1/9.8 of others (148.8 vs 1459), 10x apart: wrong multiplier?",
        "bitget OPENAI": "price 9.8x others (1459 vs 148.8), 10x apart: wrong multiplier?",
    }


def test_between_two_the_busier_leg_stays() -> None:
    trade = Trade(listing("binance", "ON"), listing("okx", "ON"))
    for venue, base, volume in (("binance", "ON", 1e5), ("okx", "ON", 9e6)):
        cell = trade.desk.board.cell(LegKey(venue, PERP, f"{base}USDT"))
        assert cell is not None
        cell.volume_usd = volume
    trade.look({"binance ON": 0.1, "okx ON": 4.0})
    assert list(trade.verdicts) == ["binance ON"]


def test_a_verdict_stands_while_prices_move_and_is_lifted_after_several_good_looks() -> None:
    trade = Trade(listing("binance", "BB"), listing("bybit", "BB"), listing("okx", "BB"))
    others = {"binance BB": 1.0, "bybit BB": 1.0}
    assert len(trade.look(others | {"okx BB": 7.0})) == 1
    why = trade.verdicts
    assert trade.look(others | {"okx BB": 9.0}, 3) == []
    assert trade.look(others | {"okx BB": 1.01}, GOOD_LOOKS - 1) == []
    assert trade.verdicts == why
    assert [leg.quarantine for leg in trade.look(others | {"okx BB": 1.01})] == [""]
    assert trade.verdicts == {}


def test_a_bad_print_of_a_confirmed_leg_is_no_verdict_but_a_lasting_one_is() -> None:
    trade = Trade(listing("binance", "A"), listing("bybit", "A"), listing("okx", "A"))
    others = {"binance A": 1.0, "bybit A": 1.0}
    trade.look(others | {"okx A": 1.0})
    assert trade.look(others | {"okx A": 100.0}, BAD_LOOKS - 1) == []
    assert trade.look(others | {"okx A": 1.0}) == []
    assert trade.look(others | {"okx A": 100.0}, BAD_LOOKS - 1) == []
    assert len(trade.look(others | {"okx A": 100.0})) == 1


def test_the_user_s_word_is_never_judged() -> None:
    settings = CoinSettings(aliases={"bybit:perp:NEIROUSDT": "NEIRO"})
    trade = Trade(listing("bybit", "NEIRO"), listing("okx", "NEIRO"), listing("binance", "NEIRO"), settings=settings)
    assert trade.look({"bybit NEIRO": 0.0432, "okx NEIRO": 0.0004, "binance NEIRO": 0.0004}, 6) == []
    assert trade.coin("bybit", "NEIRO") == ("NEIRO", 1)


def test_halted_legs_and_legs_without_a_price_neither_judge_nor_are_judged() -> None:
    trade = Trade(listing("binance", "A"), listing("okx", "A"), listing("bybit", "A"))
    trade.listed(listing("okx", "A", status="halted"))
    assert trade.coin("okx", "A") == ("A", 1)
    assert trade.look({"binance A": 1.0, "okx A": 50.0}, 6) == []


def test_public_index_prices_speak_for_a_market_that_is_out_of_line() -> None:
    trade = Trade(listing("binance", "A"), listing("bybit", "A"))
    assert trade.look({"binance A": 1.0, "bybit A": 1.8}, 6, index=1.0) == []


def test_an_old_index_price_does_not_speak_against_markets_that_agree() -> None:
    trade = Trade(listing("binance", "A"), listing("bybit", "A"))
    for venue, index in (("binance", 1.0), ("bybit", 1.7)):
        cell = trade.desk.board.cell(LegKey(venue, PERP, "AUSDT"))
        assert cell is not None
        cell.index = index
    assert trade.look({"binance A": 1.7, "bybit A": 1.7}, 6) == []


def test_a_doubtful_name_becomes_the_plain_coin_once_its_price_says_so() -> None:
    trade = Trade(
        listing("binance", "CAT"), listing("binance", "1000CAT"), listing("okx", "CAT"), listing("bybit", "1000CAT")
    )
    prices = {"binance CAT": 0.01, "okx CAT": 0.01, "binance 1000CAT": 10.1, "bybit 1000CAT": 9.9}
    assert trade.look(prices, SETTLED_LOOKS - 1) == []
    assert {leg.key.venue for leg in trade.look(prices)} == {"binance", "bybit"}
    assert trade.coin("bybit", "1000CAT") == trade.coin("binance", "1000CAT") == ("CAT", 1_000)
    assert trade.look(prices, 5) == []
    assert set(trade.desk.board.rows) == {"CAT"}


def test_a_doubtful_name_stays_a_coin_of_its_own_while_its_price_differs() -> None:
    listings = [
        listing("binance", "BOB"),
        listing("binance", "1000000BOB"),
        listing("bybit", "1000000BOB"),
        listing("okx", "BOB"),
    ]
    trade = Trade(*listings)
    assert (
        trade.look({"binance BOB": 0.02, "okx BOB": 0.02, "binance 1000000BOB": 0.05, "bybit 1000000BOB": 0.05}, 9)
        == []
    )
    assert trade.coin("bybit", "1000000BOB") == ("1000000BOB", 1_000_000)
    assert trade.verdicts == {}


def test_a_settled_name_keeps_its_coin_when_lists_come_again() -> None:
    listings = [listing("binance", "CAT"), listing("binance", "1000CAT")]
    trade = Trade(*listings)
    trade.look({"binance CAT": 0.01, "binance 1000CAT": 10.1}, SETTLED_LOOKS)
    trade.listed(*listings)
    assert trade.coin("binance", "1000CAT") == ("CAT", 1_000)


def test_a_changed_coin_starts_without_a_verdict() -> None:
    trade = Trade(listing("binance", "A"), listing("okx", "A"), listing("bybit", "A"))
    trade.look({"binance A": 1.0, "okx A": 1.0, "bybit A": 9.0})
    assert list(trade.verdicts) == ["bybit A"]
    legs = trade.listed(listing("bybit", "B", symbol="AUSDT"))
    assert [leg.quarantine for leg in legs if leg.venue == "bybit"] == [""]


def test_a_verdict_outlives_a_new_list_and_a_leg_that_leaves_takes_it_along() -> None:
    page = [listing("okx", b) for b in ("A", "B", "C")]
    trade = Trade(listing("binance", "A"), listing("bybit", "A"), *page)
    trade.look({"binance A": 1.0, "bybit A": 1.0, "okx A": 9.0})
    legs = trade.listed(*page)
    assert [leg.symbol for leg in legs if leg.quarantine] == ["AUSDT"]
    trade.catalog.update("okx", PERP, page[1:], WALL)
    assert trade.catalog.verdicts == {}


def test_what_an_illiquid_book_is_worth_is_told_by_mark_or_last() -> None:
    trade = Trade(listing("okx", "A"))
    [cell] = trade.desk.board.cells()
    assert worth(cell) is None
    cell.bid, cell.ask = 1.0, 9.0
    assert worth(cell) == 5.0
    cell.last = 1.1
    assert worth(cell) == 1.1
    cell.mark = 1.2
    assert worth(cell) == 1.2
    cell.ask = 1.1
    assert worth(cell) == 1.05


prices_of_all = st.lists(
    st.sampled_from([0.5, 0.9, 1.0, 1.1, 1.19, 1.4, 1.6, 3.0, 10.0, 111.0]), min_size=2, max_size=8
)
PLACES = [(v, m) for v in sorted(NAMING) for m in Market]


@given(prices_of_all)
def test_new_legs_of_one_coin_that_are_far_apart_are_never_both_let_in(prices: list[float]) -> None:
    trade = Trade(*(listing(venue, "A", market) for (venue, market), _ in zip(PLACES, prices, strict=False)))
    cells = sorted(trade.desk.board.cells(), key=lambda c: c.key)
    for cell, price in zip(cells, prices, strict=True):
        trade.desk.say(cell.leg, price, price, 11.0)
    for changed in trade.catalog.confirm(trade.desk.board):
        trade.desk.board.seat(changed)
    let_in = [price for cell, price in zip(cells, prices, strict=True) if not cell.leg.quarantine]
    assert not let_in or max(let_in) <= 1.5 * min(let_in)


SHARED = Path(__file__).parents[3] / "shared" / "recordings"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="no recordings beside the checkout")
def test_known_collisions_end_in_quarantine() -> None:
    collisions = json.loads((SHARED / "_collisions" / "known_collisions_2026.json").read_text())
    for case in collisions["different_token_same_ticker"]:
        base = case["ticker"]
        trade = Trade(*(listing(v, base) for v in case["same"] + case["other"]))
        trade.look({f"{v} {base}": 1.0 for v in case["same"]} | {f"{v} {base}": 3.7 for v in case["other"]})
        assert list(trade.verdicts) == [f"{v} {base}" for v in case["other"]]
    for case in collisions["unprefixed_price_scale"]:
        base = case["instId"].split("-")[0]
        trade = Trade(listing("okx", base), listing("bitget", base))
        trade.look({f"{v} {base}": case["seen"][v] for v in ("okx", "bitget")})
        assert all("10x apart" in why for why in trade.verdicts.values())
        assert len(trade.verdicts) == 2


def pairs(market: str) -> list[Listing]:
    """The three venues' USDT pairs of one day, as listings."""
    with gzip.open(SHARED / "_universe" / "gct_pairs_3ex_20260304.json.gz") as file:
        universe = json.load(file)
    asset = {"spot": ("spot",), "perp": ("usdtmarginedfutures", "perpetualswap")}[market]
    found = []
    for venue, assets in universe.items():
        for name in sorted({n for a in asset for n in assets.get(a, [])}):
            base, quote = name.replace("_", "-").split("-")[:2]
            if quote == "USDT":
                found.append(listing(venue, base, Market(market), symbol=name))
    return found


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="no recordings beside the checkout")
def test_the_universe_of_three_venues_is_named_as_known() -> None:
    naming = {v.name: (v.aliases, v.suffix_multipliers) for v in all_venues()}
    legs = assign([*pairs("spot"), *pairs("perp")], naming, DEFAULT)
    by_coin: dict[str, set[tuple[str, str, int]]] = {}
    for leg in legs:
        by_coin.setdefault(leg.coin, set()).add((leg.venue, leg.market.value, leg.multiplier))
    assert by_coin["SATS"] == {
        ("binance", "spot", 1_000), ("binance", "perp", 1_000), ("bybit", "spot", 1), ("bybit", "perp", 10_000),
        ("okx", "spot", 1), ("okx", "perp", 1),
    }  # fmt: skip
    assert {m for _, _, m in by_coin["BABYDOGE"]} >= {1_000_000}
    assert ("bybit", "perp", 1_000) in by_coin["SHIB"]
    assert by_coin["BOB"] == {("binance", "perp", 1)}
    assert by_coin["1000000BOB"] == {("binance", "perp", 1_000_000)}
    assert {"0G", "1INCH", "2Z"} <= by_coin.keys()
    assert len(by_coin) > 800
    assert not [coin for coin in by_coin if coin.startswith("1000") and coin != "1000000BOB"]
