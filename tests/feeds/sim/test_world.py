from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from frmon.errors import ConfigError
from frmon.feeds.sim.instrument import SCENES, Instrument
from frmon.feeds.sim.universe import HOUR_MS, next_multiple
from frmon.feeds.sim.world import World

START = 1_795_325_580_000
VENUES = ("binance", "okx", "bybit", "bitget")


def picture(world: World) -> bytes:
    """All that the world holds, as bytes."""
    return msgspec.json.encode([(i.venue, i.symbol, i.quote) for i in world.universe.instruments])


def play(world: World, seconds: float, step_ms: int = 25) -> None:
    end = world.now_ms + int(seconds * 1000)
    while world.now_ms < end:
        world.advance(world.now_ms + step_ms)


def everything(world: World) -> list[Instrument]:
    return [i for v in VENUES for m in ("spot", "perp") for i in world.instruments(v, m).values()]


def test_the_same_seed_and_clock_give_the_same_market_byte_for_byte() -> None:
    one, other = World(3, 200, START), World(3, 200, START)
    play(one, 10.0)
    play(other, 10.0)
    assert picture(one) == picture(other)


def test_how_often_it_is_asked_does_not_matter() -> None:
    often, seldom = World(3, 200, START), World(3, 200, START)
    play(often, 10.0, 25)
    play(seldom, 10.0, 1_000)
    assert picture(often) == picture(seldom)


def test_another_seed_gives_another_market() -> None:
    assert picture(World(3, 200, START)) != picture(World(4, 200, START))


def test_without_time_nothing_moves() -> None:
    world = World(3, 200, START)
    before = picture(world)
    world.advance(START)
    world.advance(START - 5_000)
    assert picture(world) == before


def test_more_than_a_thousand_coins_trade_with_coverage_like_the_real_venues() -> None:
    world = World(7, 1_200, START)
    live = [i for i in everything(world) if (i.kind, i.state) == ("normal", "trading")]
    assert len({i.coin.name for i in live}) >= 1_000
    count = Counter((i.venue, i.market) for i in live)
    assert all(count[v, m] >= 250 for v in VENUES for m in ("spot", "perp"))
    shared = Counter(coin for coin, _ in {(i.coin.name, i.venue) for i in live})
    assert sum(n > 1 for n in shared.values()) > 500


def test_every_price_is_a_whole_number_of_ticks_and_books_are_not_crossed() -> None:
    world = World(7, 400, START)
    play(world, 20.0)
    for i in everything(world):
        assert i.tick == float(Decimal(1).scaleb(-i.decimals))
        for price in (i.quote.bid, i.quote.ask, i.quote.last):
            assert float(i.price(price)) == price, i.symbol
        if i.quote.bid and i.quote.ask:
            assert i.quote.bid < i.quote.ask


def test_legs_of_one_coin_agree_in_price_per_coin() -> None:
    world = World(7, 1_200, START)
    play(world, 5.0)
    for coin in world.coins.values():
        for i in coin.instruments:
            if i.kind == "normal" and i.state == "trading" and i.quote.bid:
                assert i.quote.bid / i.multiplier == pytest.approx(coin.price, rel=0.06), i.symbol


def test_the_names_of_2026_carry_their_multipliers() -> None:
    world = World(7, 1_200, START)
    for venue, market, symbol, coin, multiplier in (
        ("binance", "perp", "1000PEPEUSDT", "PEPE", 1_000),
        ("binance", "spot", "1MBABYDOGEUSDT", "BABYDOGE", 10**6),
        ("binance", "perp", "1000000BOBUSDT", "BOB@million", 10**6),
        ("binance", "perp", "BOBUSDT", "BOB", 1),
        ("bybit", "perp", "SHIB1000USDT", "SHIB", 1_000),
        ("bybit", "perp", "10000SATSUSDT", "SATS", 10_000),
        ("bybit", "perp", "NEIROUSDT", "NEIROETH", 1),
        ("bitget", "perp", "PEPEUSDT", "PEPE", 1),
        ("okx", "perp", "BB-USDT-SWAP", "BB@okx", 1),
    ):
        found = world.instruments(venue, market)[symbol]
        assert (found.coin.name, found.multiplier) == (coin, multiplier), symbol
    assert any(not i.symbol.isascii() for i in everything(world))


def test_strangers_of_the_same_name_are_far_apart_in_price() -> None:
    coins = World(7, 1_200, START).coins
    for name in ("BB@okx", "QNT@okx", "ON@binance", "APP@bybit"):
        ratio = coins[name].price / coins[name.split("@")[0]].price
        assert ratio > 2 or ratio < 0.5


def test_every_awkward_row_is_there() -> None:
    rows = everything(World(7, 1_200, START))
    kinds = {i.kind for i in rows}
    assert kinds == {"normal", "tradfi", "premarket", "coinm", "inverse", "dated", "usdc", "xperp"}
    assert {i.state for i in rows} == {"trading", "halted", "prelaunch", "settling"}
    assert any(i.off_ms > START for i in rows)
    assert any(i.state == "trading" and not i.quote.bid for i in rows)
    assert any(i.market == "perp" and i.kind == "normal" and not i.quote.next_funding_ms for i in rows)
    assert {i.funding_h for i in rows} == {0, 1, 2, 4, 8}
    coins, shares = ({i.base for i in rows if i.kind == kind} for kind in ("normal", "tradfi"))
    assert coins & shares


def test_funding_settles_at_exact_multiples_and_rolls_on() -> None:
    start = START - START % (8 * HOUR_MS) + 8 * HOUR_MS - 2_000  # two seconds before all intervals meet
    world = World(7, 150, start)
    perps = [i for i in everything(world) if i.funding_h]
    assert all(i.quote.next_funding_ms == start + 2_000 for i in perps)
    play(world, 1.9)
    rates = {i.id: i.quote.funding_rate for i in perps}
    assert world.settlements == 0
    play(world, 0.2)
    assert world.settlements == len(perps)
    for i in perps:
        assert i.quote.prev_funding_ms == start + 2_000
        assert i.quote.next_funding_ms % (i.funding_h * HOUR_MS) == 0
        assert i.quote.next_funding_ms == next_multiple(world.now_ms, i.funding_h)
        assert i.quote.settled_rate == pytest.approx(rates[i.id], abs=2e-5)


def test_spreads_open_hold_and_close() -> None:
    world = World(7, 150, START, scene="busy", rate=0.1)
    wide_ms: Counter[int] = Counter()
    for _ in range(150):  # two and a half minutes
        play(world, 1.0)
        for i in everything(world):
            if abs(i.episode) > 0.007:
                wide_ms[i.id] += 1_000
    assert sum(ms > 10_000 for ms in wide_ms.values()) >= 3
    by_id = {i.id: i for i in everything(world)}
    assert any(by_id[n].episode == 0 for n in wide_ms)


def test_the_known_coins_move_often_and_the_others_seldom() -> None:
    world = World(7, 1_200, START)
    reader = world.changes("binance")
    play(world, 30.0, 1_000)
    reader.take()
    count: Counter[str] = Counter()
    for _ in range(100):
        play(world, 0.1)
        count.update(i.coin.name for i in reader.take())
    assert count["BTC"] > 50
    assert count["BTC"] > 20 * count["APRO"]


def test_changes_are_told_once_and_about_the_rate_that_was_asked() -> None:
    world = World(7, 1_200, START, rate=2.0)
    readers = [world.changes(v) for v in VENUES]
    told = 0
    for _ in range(200):
        play(world, 0.1)
        fresh = [i for r in readers for i in r.take()]
        assert len({i.id for i in fresh}) == len(fresh)
        told += len(fresh)
    assert 0.6 < told / 20 / (2.0 * world.scene.changes_per_s) < 1.2
    assert [r.take() for r in readers] == [[], [], [], []]


def test_in_the_listing_scene_one_coin_comes_and_another_goes() -> None:
    world = World(7, 400, START, scene="listing")
    newcomer, leaver = list(world.coins)[60:62]

    def listed(name: str) -> bool:
        return any(i.coin.name == name for i in everything(world))

    assert (listed(newcomer), listed(leaver), world.version) == (False, True, 1)
    play(world, 21.0, 1_000)
    assert (listed(newcomer), listed(leaver), world.version) == (True, False, 2)


def test_after_a_long_sleep_the_market_is_where_it_would_be() -> None:
    world = World(7, 150, START)
    world.advance(START + 9 * HOUR_MS)
    assert START + 9 * HOUR_MS - world.now_ms < 25
    assert all(i.quote.next_funding_ms > world.now_ms for i in everything(world) if i.funding_h)


def test_an_unknown_scene_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'nope': choose one of " + ", ".join(SCENES)):
        World(7, 10, START, scene="nope")


def test_the_listing_scene_says_when_there_are_too_few_coins() -> None:
    with pytest.raises(ConfigError, match="needs at least 62 coins"):
        World(7, 61, START, scene="listing")
    World(7, 62, START, scene="listing").advance(START + 21_000)
