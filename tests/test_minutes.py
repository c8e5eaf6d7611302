"""Looks become minutes."""

from frmon.board import Board, Freshness
from frmon.minutes import Minutes
from frmon.model import Carrier, Leg, LegKey, Market, Spread, Tick
from frmon.storage.records import CoinGap, LegBar

FRESH = Freshness(5.0, 300.0)
MINUTE = 29_000_000
KEY = LegKey("a", Market.PERP, "XUSDT")


class Stage:
    """A board with one leg, whose time is told by hand."""

    def __init__(self) -> None:
        self.board = Board()
        self.board.seat(Leg(venue="a", market=Market.PERP, symbol="XUSDT", coin="X"))
        self.carrier = Carrier("a", Market.PERP, "book", pushes_changes=True)
        self.carrier.live = True
        self.minutes = Minutes(FRESH)
        self.ms = MINUTE * 60_000

    def say(self, bid: float, ask: float, **more: float) -> None:
        now = self.ms / 1000
        self.carrier.heard_at = now
        self.board.take(self.carrier, [Tick(symbol="XUSDT", bid=bid, ask=ask, event_ms=self.ms, **more)], now, self.ms)  # type: ignore[arg-type]

    def look(self, seconds: float = 1.0) -> list[LegBar | CoinGap]:
        self.ms += int(seconds * 1000)
        return self.minutes.look(list(self.board.rows.values()), self.ms / 1000, self.ms)


def test_a_minute_is_open_high_low_close_and_what_was_last() -> None:
    s = Stage()
    for bid, ask in ((10.0, 10.2), (10.4, 10.6), (9.0, 9.2), (9.9, 10.1)):
        s.say(bid, ask, mark=bid, funding_rate=0.0001)
        assert not s.look()
    over = s.look(60)
    assert len(over) == 1
    assert isinstance(over[0], LegBar)
    assert over[0].leg.symbol == "XUSDT"
    assert over[0].bar == (MINUTE, 10.1, 10.5, 9.1, 10.0, 9.9, 10.1, 9.9, None, 0.0001, 6)


def test_a_minute_without_one_fresh_look_has_no_bar() -> None:
    s = Stage()
    s.say(10.0, 10.2)
    s.look()
    s.carrier.live = False
    assert len(s.look(60)) == 1
    assert s.look(60) == []
    s.carrier.live = True
    s.say(10.0, 10.2)
    s.look()
    (over,) = s.look(60)
    assert isinstance(over, LegBar)
    assert over.bar.start == MINUTE + 2


def test_a_quiet_leg_goes_on_in_the_next_minute() -> None:
    s = Stage()
    s.say(10.0, 10.2)
    s.look()
    s.carrier.heard_at = s.ms / 1000 + 60
    s.look(60)
    s.carrier.heard_at = s.ms / 1000 + 60
    (over,) = s.look(60)
    assert isinstance(over, LegBar)
    assert (over.bar.open, over.bar.close, over.bar.updates) == (10.1, 10.1, 0)


def test_a_leg_that_means_another_coin_is_another_leg() -> None:
    s = Stage()
    s.say(10.0, 10.2)
    s.look()
    s.board.seat(Leg(venue="a", market=Market.PERP, symbol="XUSDT", coin="1000Y", multiplier=1000))
    s.say(10.0, 10.2)
    s.look()
    (over,) = s.look(60)
    assert isinstance(over, LegBar)
    assert (over.leg.coin, over.leg.multiplier, over.bar.close) == ("1000Y", 1000, 0.0101)


def test_a_spread_is_its_most_its_mean_and_its_last() -> None:
    s = Stage()
    other = LegKey("b", Market.PERP, "XUSDT")
    for percent in (0.1, 0.9, 0.2, None):
        s.board.rows["X"].spread = None if percent is None else spread(KEY, other, percent)
        s.look()
    (over,) = s.look(60)
    assert isinstance(over, CoinGap)
    assert (over.coin, over.pair.buy, over.pair.sell) == ("X", ("a", "perp"), ("b", "perp"))
    assert (over.gap.start, over.gap.most, over.gap.last, over.gap.seconds) == (MINUTE, 0.9, 0.2, 3)
    assert abs(over.gap.mean - 0.4) < 1e-12


def spread(buy: LegKey, sell: LegKey, percent: float) -> Spread:
    values = dict.fromkeys(Spread.__struct_fields__)
    return Spread(**{**values, "buy": buy, "sell": sell, "gross_pct": percent})  # type: ignore[arg-type]


def test_a_clock_that_is_set_back_begins_another_minute() -> None:
    s = Stage()
    s.say(10.0, 10.2)
    s.look()
    s.ms -= 3_600_000
    s.carrier.heard_at = s.ms / 1000 + 1
    s.board.cell(KEY).quote.at = s.ms / 1000  # type: ignore[union-attr]
    (over,) = s.look()
    assert isinstance(over, LegBar)
    assert over.bar.start == MINUTE
    (again,) = s.look(60)
    assert isinstance(again, LegBar)
    assert again.bar.start == MINUTE - 60
