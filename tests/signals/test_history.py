"""What is remembered of which pairs."""

from random import Random

import pytest

from frmon import spread
from frmon.model import Leg, Market
from frmon.signals.history import MOST_COINS, MOST_PAIRS, TOP_COINS, History
from tests.given import TERMS, WALL, Desk, leg


class Kept:
    """Coins on two venues, sampled every two seconds, and their history."""

    def __init__(self, *coins: str, markets: tuple[Market, ...] = (Market.PERP,)) -> None:
        self.legs = {(c, v, m): leg(v, c, m) for c in coins for v in ("binance", "okx") for m in markets}
        self.desk = Desk(*self.legs.values())
        self.history = History(TERMS, 2.0)
        self.now = 1000.0

    def say(self, one: Leg, price: float) -> None:
        self.desk.say(one, price, price, self.now)

    def sample(self, *looked_at: str, **prices: float) -> None:
        """The price of each coin on one venue; on the other it is 100."""
        self.sample_all(prices, looked_at)

    def sample_all(self, prices: dict[str, float], looked_at: tuple[str, ...] = ()) -> None:
        self.now += 2.0
        for (coin, venue, _), one in self.legs.items():
            if coin in prices:
                self.say(one, prices[coin] if venue == "binance" else 100.0)
        rows = list(self.desk.board.rows.values())
        for row in rows:
            row.spread = spread.best(row, TERMS, self.now, WALL)
        self.history.sample(rows, looked_at, self.now, WALL)


def test_the_best_pair_of_a_coin_is_remembered_with_its_live_value() -> None:
    kept = Kept("A")
    kept.sample(A=101.0)
    past = kept.history.look("A")
    assert past is not None
    assert (past.coin, past.buy, past.sell) == ("A", ("okx", Market.PERP), ("binance", Market.PERP))
    assert past.live_pct == pytest.approx(1.0)
    assert (past.z, [w.span_s for w in past.windows]) == (None, [900.0, 3600.0, 14400.0])
    assert kept.history.look("B") is None


def test_rank_by_z_puts_a_dislocation_above_a_premium_that_never_closes() -> None:
    kept = Kept("STRUCTURAL", "DISLOCATED", "CALM")
    for n in range(200):
        kept.sample(STRUCTURAL=104.0 + n % 2 * 0.02, DISLOCATED=100.1 + n % 2 * 0.02, CALM=100.05 + n % 2 * 0.02)
    kept.sample(STRUCTURAL=104.01, DISLOCATED=100.9, CALM=100.06)
    z = kept.history.z
    assert max(z, key=z.__getitem__) == "DISLOCATED"
    assert abs(z["STRUCTURAL"]) < 1.5
    past = kept.history.look("DISLOCATED")
    assert past is not None
    assert past.z == z["DISLOCATED"] == past.windows[1].z


def test_a_look_is_computed_once_a_sample_and_never_changes() -> None:
    kept = Kept("A")
    kept.sample(A=101.0)
    one = kept.history.look("A")
    assert kept.history.look("A") is one
    z = kept.history.z
    for _ in range(50):
        kept.sample(A=102.0)
    assert one is not None
    assert one.live_pct == pytest.approx(1.0)
    assert kept.history.look("A") is not one
    assert z == {}, "the mapping that was handed out stays as it was"
    assert set(kept.history.z) == {"A"}


def test_a_pair_that_is_not_the_best_now_goes_on_being_sampled() -> None:
    kept = Kept("A")
    for n in range(80):
        kept.sample("A", A=101.0 if n % 10 else 99.0)
    assert len(kept.history) == 3, "the coin and both pairs"
    for sides in ((("okx", Market.PERP), ("binance", Market.PERP)), (("binance", Market.PERP), ("okx", Market.PERP))):
        past = kept.history.look("A", *sides)
        assert past is not None
        assert past.windows[0].points >= 70


def test_a_leg_that_does_not_qualify_leaves_a_gap() -> None:
    kept = Kept("A")
    for _ in range(40):
        kept.sample("A", A=101.0)
    for _ in range(40):
        kept.sample("A")
    past = kept.history.look("A", ("okx", Market.PERP), ("binance", Market.PERP))
    assert past is not None
    assert past.live_pct is None
    assert past.windows[0].points == 42, "two more until they were stale"
    assert kept.history.look("A") is None
    assert kept.history.z == {}


def test_a_coin_that_leaves_the_board_is_forgotten() -> None:
    kept = Kept("A", "B")
    kept.sample(A=101.0, B=101.0)
    for one in list(kept.legs.values())[:2]:
        kept.desk.board.unseat(one.key)
    kept.sample(B=101.0)
    assert (len(kept.history), kept.history.look("A")) == (1, None)


def test_the_widest_coins_are_remembered_and_those_looked_at() -> None:
    coins = [f"C{n:03}" for n in range(TOP_COINS + 50)]
    kept = Kept(*coins)
    kept.sample_all({coin: 101.0 + n / 100 for n, coin in enumerate(coins)}, ("C000", "NONE"))
    known = {coin for coin in coins if kept.history.look(coin) is not None}
    assert known == {"C000", *coins[50:]}


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    coins = [f"C{n:03}" for n in range(MOST_COINS + 200)]
    kept = Kept(*coins)
    kept.sample_all(dict.fromkeys(coins, 100.0))
    for start in range(0, len(coins), TOP_COINS):
        top = coins[start : start + TOP_COINS]
        kept.sample_all(dict.fromkeys(coins, 100.0) | dict.fromkeys(top, 105.0 + start), tuple(top))
        assert len(kept.history) <= MOST_COINS + MOST_PAIRS
    assert len(kept.history) == MOST_COINS + MOST_PAIRS
    sides = ("okx", Market.PERP), ("binance", Market.PERP)
    assert kept.history.look(coins[-1], *sides) is not None
    assert kept.history.look(coins[-MOST_PAIRS - 1], *sides) is None
    assert kept.history.look(coins[TOP_COINS]) is not None
    assert kept.history.look(coins[0]) is None


def quoted(desk: Desk, coin: str, now: float, **prices: float) -> None:
    for venue, price in prices.items():
        desk.say(leg(venue, coin), price, price + 0.01, now)


def test_a_pair_that_was_never_the_best_before_is_a_dislocation_at_once() -> None:
    coins, random = ("DISLOCATED", "STRUCTURAL"), Random(2)
    desk = Desk(*(leg(v, coin) for coin in coins for v in ("binance", "okx", "bybit")))
    history, now = History(TERMS, 2.0), 1000.0
    for n in range(1802):
        now += 2.0
        for coin in coins:
            usual = {"binance": 100.0, "okx": 100.06, "bybit": 99.97}
            prices = {venue: price + random.gauss(0, 0.005) for venue, price in usual.items()}
            if coin == "STRUCTURAL":
                prices["okx"] += 4.0
            elif n >= 1800:
                prices["bybit"] += 2.0
            quoted(desk, coin, now, **prices)
        rows = list(desk.board.rows.values())
        for row in rows:
            row.spread = spread.best(row, TERMS, now, WALL)
        history.sample(rows, (), now, WALL)
        if n == 1799:
            assert all(abs(z) < 4 for z in history.z.values())
        if n >= 1800:
            assert history.z["DISLOCATED"] > 20
            assert abs(history.z["STRUCTURAL"]) < 4
    past = history.look("DISLOCATED")
    assert past is not None
    assert (past.sell, past.z) == (("bybit", Market.PERP), history.z["DISLOCATED"])
    assert past.live_pct == pytest.approx(2.0, abs=0.1)


def test_a_lone_outlier_is_no_part_of_a_coins_past() -> None:
    desk = Desk(*(leg(v, "A") for v in ("binance", "okx", "bybit")))
    history = History(TERMS, 2.0)
    quoted(desk, "A", 1000.0, binance=100.0, okx=101.0, bybit=150.0)
    row = desk.board.rows["A"]
    row.spread = spread.best(row, TERMS, 1000.0, WALL)
    history.sample([row], (), 1000.0, WALL)
    past = history.look("A")
    assert past is not None
    assert past.sell == ("okx", Market.PERP)
    assert past.live_pct == pytest.approx(0.99, abs=0.001)
