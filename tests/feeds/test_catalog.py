"""One coin from many names, and lists that come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.config import CoinSettings
from frmon.feeds.catalog import Catalog, assign, split_base
from frmon.model import Leg, Listing, Market
from tests.feeds.trade import DEFAULT, EVERYTHING, NAMING, PERP, SPOT, listing
from tests.given import WALL


def coins(*listings: Listing, settings: CoinSettings = DEFAULT) -> dict[str, tuple[str, int]]:
    """ "venue BASE" -> (coin, multiplier)."""
    return {
        f"{leg.venue} {leg.symbol.removesuffix('USDT')}": (leg.coin, leg.multiplier)
        for leg in assign(listings, NAMING, settings)
    }


NAMES = {
    "BTC": ("BTC", 1),
    "1000PEPE": ("PEPE", 1_000),
    "1000SATS": ("SATS", 1_000),
    "10000SATS": ("SATS", 10_000),
    "1000CAT": ("CAT", 1_000),
    "1MBABYDOGE": ("BABYDOGE", 1_000_000),
    "1000000BABYDOGE": ("BABYDOGE", 1_000_000),
    "1000000MOG": ("MOG", 1_000_000),
    "10000QUBIC": ("QUBIC", 10_000),
    "10000000AIDOGE": ("AIDOGE", 10_000_000),
    "1000X": ("X", 1_000),
    "1000币安人生": ("币安人生", 1_000),
    "100000000Z": ("100000000Z", 1),  # no such multiplier is known
    "币安人生": ("币安人生", 1),
    "0G": ("0G", 1),
    "1INCH": ("1INCH", 1),
    "2Z": ("2Z", 1),
    "4": ("4", 1),
    "42": ("42", 1),
    "1000": ("1000", 1),
    "1CAT": ("1CAT", 1),
    "1SOL": ("1SOL", 1),
    "3P": ("3P", 1),
    "5IRE": ("5IRE", 1),
    "LUNA2": ("LUNA2", 1),
    "1M": ("1M", 1),
    "SHIB1000": ("SHIB1000", 1),
    "": ("", 1),
}


@pytest.mark.parametrize("base", NAMES)
def test_a_power_of_ten_before_a_letter_is_a_multiplier_and_nothing_else_is(base: str) -> None:
    assert split_base(base) == NAMES[base]


def test_a_multiplier_stands_behind_only_where_the_venue_writes_so() -> None:
    assert split_base("SHIB1000", suffix_multipliers=True) == ("SHIB", 1_000)
    assert split_base("1000", suffix_multipliers=True) == ("1000", 1)
    assert split_base("A10", suffix_multipliers=True) == ("A10", 1)


@given(st.text(max_size=20), st.booleans())
def test_splitting_any_name_loses_nothing(base: str, suffix: bool) -> None:
    coin, multiplier = split_base(base, suffix)
    assert coin in base
    assert (coin == base) == (multiplier == 1)


def test_names_of_all_venues_meet_in_one_coin() -> None:
    found = coins(
        listing("binance", "1000SATS"),
        listing("bybit", "10000SATS"),
        listing("bitget", "1000SATS"),
        listing("okx", "SATS"),
        listing("binance", "1000SHIB"),
        listing("bybit", "SHIB1000"),
        listing("bitget", "SHIB"),
    )
    assert found == {
        "binance 1000SATS": ("SATS", 1_000),
        "bybit 10000SATS": ("SATS", 10_000),
        "bitget 1000SATS": ("SATS", 1_000),
        "okx SATS": ("SATS", 1),
        "binance 1000SHIB": ("SHIB", 1_000),
        "bybit SHIB1000": ("SHIB", 1_000),
        "bitget SHIB": ("SHIB", 1),
    }


def test_a_venue_s_aliases_apply_to_the_raw_and_to_the_split_name_and_to_one_market_where_they_say_so() -> None:
    found = coins(
        listing("bybit", "NEIRO"),
        listing("bybit", "1000NEIROCTO"),
        listing("okx", "NEIRO"),
        listing("binance", "LUNA2"),
        listing("binance", "BTTC", SPOT),
        listing("bitget", "$ALT", SPOT),
    )
    assert found == {
        "bybit NEIRO": ("NEIROETH", 1),
        "bybit 1000NEIROCTO": ("NEIRO", 1_000),
        "okx NEIRO": ("NEIRO", 1),
        "binance LUNA2": ("LUNA", 1),
        "binance BTTC": ("BTT", 1),
        "bitget $ALT": ("ALT", 1),
    }
    assert coins(listing("binance", "OLD")) == {"binance OLD": ("YOUNG", 1)}
    assert coins(listing("binance", "OLD", SPOT)) == {"binance OLD": ("OLD", 1)}


def test_common_other_names_mean_the_same_at_every_venue() -> None:
    found = coins(listing("okx", "XBT"), listing("bybit", "LUNA2", SPOT), listing("okx", "TONCOIN"))
    assert found == {"okx XBT": ("BTC", 1), "bybit LUNA2": ("LUNA", 1), "okx TONCOIN": ("TON", 1)}
    found = coins(listing("bitget", "$ALT", SPOT), listing("bitget", "MEMECOIN", SPOT), listing("bitget", "BTTC", SPOT))
    assert found == {"bitget $ALT": ("ALT", 1), "bitget MEMECOIN": ("MEME", 1), "bitget BTTC": ("BTT", 1)}


def test_the_user_s_alias_comes_before_the_venue_s_and_the_multiplier_still_from_the_name() -> None:
    settings = CoinSettings(aliases={"bybit:perp:NEIROUSDT": "OTHER", "okx:perp:1000CATUSDT": "KITTY"})
    found = coins(listing("bybit", "NEIRO"), listing("okx", "1000CAT"), settings=settings)
    assert found == {"bybit NEIRO": ("OTHER", 1), "okx 1000CAT": ("KITTY", 1_000)}


def test_an_alias_of_a_name_to_itself_means_that_its_number_is_no_multiplier() -> None:
    settings = CoinSettings(aliases={"okx:spot:10SETUSDT": "10SET"})
    [leg] = assign([listing("okx", "10SET", SPOT)], NAMING, settings)
    assert (leg.coin, leg.multiplier, leg.ambiguous) == ("10SET", 1, False)


def test_only_what_trades_in_a_chosen_class_becomes_a_leg() -> None:
    listings = [
        listing("okx", "A"),
        listing("okx", "B", status="halted"),
        listing("okx", "C", status="prelaunch"),
        listing("okx", "D", status="delisted"),
        listing("okx", "E", asset_class="stock"),
        listing("okx", "F", status="unheard"),
    ]
    legs = assign(listings, NAMING, CoinSettings(exclude=["a"]))
    assert [(leg.coin, leg.halted) for leg in legs] == [("B", True)]
    assert [leg.coin for leg in assign(listings, NAMING, EVERYTHING)] == ["A", "B", "E.stock"]


def test_a_stock_never_meets_the_coin_of_the_same_ticker() -> None:
    found = coins(
        listing("okx", "NET", asset_class="stock"), listing("bitget", "NET"), listing("bybit", "NET", asset_class="stock"),
        settings=EVERYTHING,
    )  # fmt: skip
    assert found == {"okx NET": ("NET.stock", 1), "bitget NET": ("NET", 1), "bybit NET": ("NET.stock", 1)}


def test_what_the_listing_says_comes_with_the_leg() -> None:
    [leg] = assign([listing("okx", "1000A", off_ms=5, on_ms=3, funding_h=4.0, contract=100.0)], NAMING, DEFAULT)
    assert leg == Leg(
        venue="okx", market=PERP, symbol="1000AUSDT", coin="A", multiplier=1_000, off_ms=5, on_ms=3, funding_h=4.0,
        ambiguous=True, contract=100.0,
    )  # fmt: skip


def test_where_a_market_lists_both_names_they_are_two_coins_and_the_multiplied_one_is_doubtful_everywhere() -> None:
    listings = [
        listing("binance", "BOB"),
        listing("binance", "1000000BOB"),
        listing("bybit", "1000000BOB"),
        listing("okx", "BOB"),
    ]
    assert coins(*listings) == {
        "binance BOB": ("BOB", 1),
        "binance 1000000BOB": ("1000000BOB", 1_000_000),
        "bybit 1000000BOB": ("1000000BOB", 1_000_000),
        "okx BOB": ("BOB", 1),
    }
    assert [leg.ambiguous for leg in assign(listings, NAMING, DEFAULT)] == [True, False, True, False]
    spot = [listing("binance", "PEPE", SPOT), listing("binance", "1000PEPE")]
    assert set(coins(*spot).values()) == {("PEPE", 1), ("PEPE", 1_000)}


bases = st.sampled_from(["A", "1000A", "B", "1000B", "10000B", "B1000", "NEIRO", "1MA"])
listings_of_all = st.lists(
    st.builds(
        listing,
        st.sampled_from(sorted(NAMING)),
        bases,
        st.sampled_from(Market),
        status=st.sampled_from(["trading", "halted", "delisted"]),
        asset_class=st.sampled_from(["crypto", "crypto", "stock"]),
        funding_h=st.sampled_from([None, 4.0, 8.0]),
    ),
    max_size=20,
)


@given(st.data())
def test_the_order_of_listings_changes_nothing(data: st.DataObject) -> None:
    listings = data.draw(listings_of_all)
    shuffled = data.draw(st.permutations(listings))
    legs = assign(listings, NAMING, EVERYTHING)
    assert legs == assign(shuffled, NAMING, EVERYTHING)
    assert [leg.key for leg in legs] == sorted({leg.key for leg in legs})


@given(listings_of_all)
def test_one_market_never_has_a_coin_under_a_plain_and_a_split_name(listings: list[Listing]) -> None:
    seen: dict[tuple[str, Market, str], set[bool]] = {}
    for leg in assign(listings, NAMING, EVERYTHING):
        seen.setdefault((leg.venue, leg.market, leg.coin), set()).add(leg.multiplier > 1)
    assert all(len(kinds) == 1 for kinds in seen.values())


MANY = [listing("okx", f"C{i}") for i in range(100)]


def known(catalog: Catalog, page: list[Listing] | None, now_ms: int = WALL) -> int:
    return len(catalog.update("okx", PERP, page, now_ms))


def test_a_failed_or_empty_list_changes_nothing() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    assert known(catalog, MANY) == 100
    assert known(catalog, None) == 100
    assert known(catalog, []) == 100


def test_a_list_that_lost_a_tenth_is_believed_and_one_that_lost_more_only_the_third_time() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    known(catalog, MANY)
    assert known(catalog, MANY[:90]) == 90
    assert known(catalog, MANY[:50]) == 90
    assert known(catalog, MANY[:50]) == 90
    assert known(catalog, MANY[:50]) == 50


def test_a_list_that_recovers_in_between_starts_the_doubt_anew() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    known(catalog, MANY)
    for _ in range(3):
        assert known(catalog, MANY[:50]) == 100
        assert known(catalog, MANY) == 100
    assert known(catalog, MANY[:50]) == 100
    assert known(catalog, MANY[50:]) == 100  # others are missing now
    assert known(catalog, MANY[50:]) == 100
    assert known(catalog, MANY[50:]) == 50


def test_a_doubtful_list_still_brings_what_is_new() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    known(catalog, MANY)
    assert known(catalog, [*MANY[:50], listing("okx", "FRESH")]) == 101


def test_one_leg_may_always_leave_and_a_stated_end_is_no_loss() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    few = MANY[:4]
    known(catalog, few)
    assert known(catalog, few[:3]) == 3
    ended = [listing("okx", f"C{i}", status="delisted") for i in range(3)]
    assert known(catalog, [*ended, listing("okx", "FRESH")]) == 1


def test_another_market_s_list_is_not_touched() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    known(catalog, MANY)
    assert len(catalog.update("okx", SPOT, [listing("okx", "C1", SPOT), listing("bybit", "C1")], WALL)) == 101


def test_what_appears_later_is_new_and_stays_so_dated() -> None:
    catalog = Catalog(NAMING, DEFAULT)
    first = [listing("okx", "A"), listing("okx", "P", status="prelaunch")]
    assert [leg.on_ms for leg in catalog.update("okx", PERP, first, WALL)] == [None]
    later = [listing("okx", "A"), listing("okx", "B"), listing("okx", "D", on_ms=7), listing("okx", "P")]
    expected = {"A": None, "B": WALL + 5, "D": 7, "P": WALL + 5}
    for now_ms in (WALL + 5, WALL + 9):
        assert {leg.coin: leg.on_ms for leg in catalog.update("okx", PERP, later, now_ms)} == expected
