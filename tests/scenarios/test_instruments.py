"""S30 to S34: instruments that end, begin, change their names, and are not what their names say."""

import pytest

from frmon.model import Status
from tests.scenarios.stand import Stand, stand
from tests.scenarios.turning import common, enlist, in_spread, seen_leg, signals_with, spread_of, turn

# S30: what ends


@pytest.mark.parametrize("venue", ["binance", "okx", "bitget"])
async def test_s30_a_halt_is_flagged_within_a_minute_and_out_of_spreads_at_once(venue: str) -> None:
    async with stand(venue, "bybit") as s:
        i, _ = common(s, venue, "bybit")
        turn(s, "halt", i)
        await s.within(60, lambda: "HALTED" in seen_leg(s, i)["flags"])
        assert not in_spread(s, i)
        assert s.events(f"{venue} perp {i.symbol} halted")
        turn(s, "resume", i)
        await s.within(60, lambda: "HALTED" not in seen_leg(s, i)["flags"])
        assert s.events(f"{i.symbol} trades again")


async def test_s30_what_leaves_the_list_leaves_the_board_with_a_row_in_the_log() -> None:
    async with stand("bybit", "okx") as s:
        i, _ = common(s, "bybit", "okx")
        turn(s, "delist", i)
        await s.within(60, lambda: s.leg("bybit", "perp", i.symbol) is None)
        assert s.events(f"{i.coin.name}: bybit perp {i.symbol} delisted")
        assert not in_spread(s, i)
        await s.lasts(20, lambda: not signals_with(s, i))


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s30_an_announced_end_is_flagged_and_when_it_comes_the_leg_is_out_at_once(venue: str) -> None:
    async with stand(venue, "okx" if venue != "okx" else "bybit") as s:
        i, _ = common(s, venue, "okx" if venue != "okx" else "bybit")
        turn(s, "settle", i, after_s=90.0)
        off_ms = i.off_ms
        await s.within(60, lambda: "DELISTING" in seen_leg(s, i)["flags"])
        assert s.events(f"{i.symbol} will be delisted at")
        await s.within(91, lambda: s.engine.clock.now_ms() >= off_ms)
        assert not in_spread(s, i)
        await s.within(60, lambda: s.leg(venue, "perp", i.symbol) is None)
        assert s.events(f"{i.symbol} delisted")


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s30_a_price_of_nothing_and_an_empty_book_are_out_at_once(venue: str) -> None:
    async with stand(venue, "okx" if venue != "okx" else "bybit") as s:
        other = "okx" if venue != "okx" else "bybit"
        gone, _ = common(s, venue, other, skip=1)
        empty, _ = common(s, venue, other, skip=2)
        turn(s, "price", gone, factor=0.0)
        turn(s, "empty", empty, side="bid")
        for i in (gone, empty):
            await s.within(5, lambda i=i: not _two_sided(s, i))  # type: ignore[misc]
            assert not in_spread(s, i)
        leg = seen_leg(s, gone)
        assert (leg["bid"], leg["ask"]) == (None, None)
        assert leg["last"] is None or leg["last"] > 0
        await s.lasts(20, lambda: not (in_spread(s, gone) or signals_with(s, gone)))


def _two_sided(s: Stand, i: object) -> bool:
    leg = seen_leg(s, i)  # type: ignore[arg-type]
    return leg["bid"] is not None and leg["ask"] is not None


async def test_s30_what_freezes_in_silence_signals_nothing_and_leaves_when_the_list_says_so() -> None:
    """A quiet symbol looks the same until then: its quote may ride on its line as long as REST contradicts nothing."""
    async with stand("bybit", "okx") as s:
        i, _ = common(s, "bybit", "okx")
        turn(s, "delist", i, silent=True)
        turn(s, "delist", i, after_s=1.0)
        await s.within(20 + 60, lambda: s.leg("bybit", "perp", i.symbol) is None)
        assert not signals_with(s, i)


# S31: what begins


@pytest.mark.parametrize("venue", ["bybit", "okx", "binance", "bitget"])
async def test_s31_a_new_listing_is_live_within_two_minutes_on_the_lines_that_stand(venue: str) -> None:
    async with stand(venue) as s:
        await s.within(20, lambda: all(line.status is Status.LIVE for line in s.state(venue).lines))
        lines = {line.name: line.reconnects for line in s.state(venue).lines}
        connects = s.sim.counters[f"connects {venue}"]
        symbol = "NOVA-USDT-SWAP" if venue == "okx" else "NOVAUSDT"
        i = enlist(s, venue, "perp", symbol, factor=2.5)
        took = await s.within(120, lambda: (s.leg(venue, "perp", symbol) or {}).get("fresh"))
        assert seen_leg(s, i)["flags"] == ["NEW"]
        assert s.events(f"NOVA: {venue} perp {symbol} listed (NEW)")
        assert {line.name: line.reconnects for line in s.state(venue).lines} == lines
        assert s.sim.counters[f"connects {venue}"] == connects
        if venue in ("okx", "binance"):  # pushed
            assert took <= 10
        await s.still(venue)


async def test_s31_on_a_second_venue_it_joins_the_row_of_the_first() -> None:
    async with stand("bybit", "okx") as s:
        enlist(s, "bybit", "perp", "NOVAUSDT", factor=2.5)
        await s.within(120, lambda: s.leg("bybit", "perp", "NOVAUSDT"))
        enlist(s, "okx", "perp", "NOVA-USDT-SWAP")
        await s.within(120, lambda: spread_of(s, "NOVA"))
        coin = s.picture("NOVA")["coins"][0]
        assert [(leg["venue"], leg["quarantine"]) for leg in coin["legs"]] == [("bybit", None), ("okx", None)]
        assert coin["flags"] == ["NEW"]
        await s.still()


# S32: a new name


async def test_s32_a_rename_is_two_rows_and_never_a_spread_across() -> None:
    async with stand("bybit", "okx") as s:
        old, other = common(s, "bybit", "okx")
        turn(s, "rename", old, name="POLX")
        await s.within(60, lambda: s.leg("bybit", "perp", "POLXUSDT"))
        assert s.leg("bybit", "perp", old.symbol) is None
        rows = {c["coin"]: [(leg["venue"], leg["symbol"]) for leg in c["legs"]] for c in s.picture()["coins"]}
        assert rows["POLX"] == [("bybit", "POLXUSDT")]
        assert ("okx", other.symbol) in rows[old.coin.name]
        assert ("bybit", "POLXUSDT") not in rows[old.coin.name]
        assert s.events(f"{old.symbol} delisted")
        assert s.events("POLXUSDT listed (NEW)")
        await s.lasts(20, lambda: spread_of(s, "POLX") is None)


# S33: one ticker, two coins


async def test_s33_a_price_111_times_the_other_is_quarantined_at_once_and_says_both_prices() -> None:
    async with stand("bybit", "okx") as s:
        enlist(s, "bybit", "perp", "NOVAUSDT", factor=2.5)
        enlist(s, "bybit", "spot", "NOVAUSDT")
        await s.within(120, lambda: s.leg("bybit", "perp", "NOVAUSDT") and s.leg("bybit", "spot", "NOVAUSDT"))
        i = enlist(s, "okx", "perp", "NOVA-USDT-SWAP", name="NOVA@other", factor=277.5)
        await s.within(120, lambda: (s.leg("okx", "perp", i.symbol) or {}).get("quarantine"))
        leg = seen_leg(s, i)
        assert leg["quarantine"].startswith("price 11")
        assert "277" in leg["quarantine"] or "27" in leg["quarantine"]
        assert "vs 2." in leg["quarantine"]
        assert "QUARANTINE" in leg["flags"]
        assert s.events("NOVA: okx perp NOVA-USDT-SWAP quarantined: price 11")
        await s.lasts(20, lambda: not in_spread(s, i))
        assert not [x for x in s.signals if x.symbol == "NOVA"]


async def test_s33_a_leg_that_goes_far_away_while_it_runs_is_quarantined_before_it_signals() -> None:
    async with stand("bybit", "okx", "bitget") as s:
        i, *_ = common(s, "bybit", "okx", "bitget")
        before = len(s.signals)
        turn(s, "price", i, factor=111.0)
        await s.within(3, lambda: seen_leg(s, i)["quarantine"])
        await s.lasts(40, lambda: not in_spread(s, i))
        assert not [x for x in s.signals[before:] if x.symbol == i.coin.name]
        turn(s, "price", i, factor=1.0)
        await s.within(30, lambda: not seen_leg(s, i)["quarantine"])
        assert s.events(f"{i.symbol} confirmed by price")


async def test_s33_a_slow_drift_within_a_fifth_is_believed_as_a_market_that_really_differs() -> None:
    """What happens to another coin whose price comes slowly to 1.15 times ours: it is not told apart from a venue that is
    dear, so it is no quarantine but a spread, which is real to whoever trades there. Beyond 1.2 times it is quarantined."""
    async with stand("bybit", "okx", "bitget") as s:
        i, *_ = common(s, "bybit", "okx", "bitget")
        for step in range(1, 16):
            turn(s, "price", i, factor=1.0 + step / 100)
            await s.rest(4)
        await s.within(10, lambda: in_spread(s, i) and (spread_of(s, i.coin.name) or {})["gross_pct"] > 12)
        await s.lasts(30, lambda: not seen_leg(s, i)["quarantine"])
        assert s.signals, "it is signalled"
        assert {x.short_exchange for x in signals_with(s, i)} == {"bybit"}
        turn(s, "price", i, factor=1.3)
        await s.within(10, lambda: seen_leg(s, i)["quarantine"])
        assert not in_spread(s, i)
        assert "vs" in seen_leg(s, i)["quarantine"]


# S34: what one unit of a symbol is


async def test_s34_a_thousand_coins_a_unit_and_one_coin_a_unit_are_compared_per_coin() -> None:
    async with stand("bybit", "okx") as s:
        enlist(s, "okx", "perp", "NOVA-USDT-SWAP", factor=0.0025)
        thousand = enlist(s, "bybit", "perp", "1000NOVAUSDT")
        await s.within(120, lambda: spread_of(s, "NOVA"))
        assert seen_leg(s, thousand)["multiplier"] == 1000
        assert seen_leg(s, thousand)["quarantine"] is None
        spread = spread_of(s, "NOVA")
        assert spread is not None
        assert abs(spread["gross_pct"]) < 2


@pytest.mark.parametrize("told", [True, False])
async def test_s34_a_unit_that_becomes_a_thousand_coins_never_signals(told: bool) -> None:
    async with stand("bybit", "okx", "bitget") as s:
        i, *_ = common(s, "bybit", "okx", "bitget")
        before = len(s.signals)
        turn(s, "redenominate", i, factor=1000.0, told=told)
        if told:
            await s.within(60, lambda: seen_leg(s, i)["multiplier"] == 1000 and not seen_leg(s, i)["quarantine"])
            assert s.events(f"means 1000 {i.coin.name} now, before 1 {i.coin.name}")
            await s.still("bybit")
        else:
            await s.within(60, lambda: seen_leg(s, i)["quarantine"])
            assert "1000x apart: wrong multiplier?" in seen_leg(s, i)["quarantine"]
        assert not [x for x in s.signals[before:] if x.symbol == i.coin.name]
