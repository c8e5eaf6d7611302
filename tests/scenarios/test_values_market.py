"""What venues say may be odd and yet be read rightly: decimals, crossed books, frames out of order, single bad prints."""

import asyncio
import json
from decimal import Decimal

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.turns import Turn
from frmon.tui import figures
from tests.scenarios.stand import Stand, stand

DECIMALS = ["0.000000001", "0.00001485", "0.1040", "0.123456789012", "10000000", "1e-9", "1.485e-05", "12345678.9"]


def said(i: Instrument, bid: str, ask: str, now_ms: int, **more: object) -> str:
    """A whole ticker frame of bybit's linear stream with these decimals, as text."""
    data = {"symbol": i.symbol, "bid1Price": bid, "bid1Size": "1", "ask1Price": ask, "ask1Size": "1", **more}
    frame = {"topic": f"tickers.{i.symbol}", "type": "snapshot", "data": data, "cs": 10**15, "ts": now_ms}
    return json.dumps(frame)


def inject(s: Stand, frame: str) -> None:
    """The venue's perpetual lines say this now."""
    s.fault(Fault(kind="inject", venue="bybit", market="perp", payload=frame))


def ordinary(s: Stand) -> Instrument:
    """A perpetual of bybit whose symbol is one coin, and that others trade, too."""
    rows = s.engine.board.rows
    return next(
        i
        for i in s.traded("bybit", "perp")
        if i.multiplier == 1 and i.coin.name in rows and len({c.key.venue for c in rows[i.coin.name].cells}) > 1
    )


async def test_s42_decimals_come_out_as_they_went_in() -> None:
    async with stand("bybit", "okx") as s:
        i = ordinary(s)
        s.sim.quiet = True
        await s.rest(2)
        for n, text in enumerate(DECIMALS):
            inject(s, said(i, text, text, s.sim.now_ms() + n, lastPrice=text, markPrice=text, fundingRate="0.00001250"))
            await s.within(3, lambda t=text: (s.cell("bybit", "perp", i.symbol) or i).bid == float(t))  # type: ignore[misc, union-attr]
            leg = s.leg("bybit", "perp", i.symbol)
            assert leg is not None
            shown = {field: Decimal(json.dumps(leg[field])) for field in ("bid", "ask", "last", "mark")}
            assert set(shown.values()) == {Decimal(text)}, "no digit more, none less"
            exact = format(Decimal(text).normalize(), "f")
            assert figures.exact(float(text)) == exact, "as the panel of a coin writes it"
            assert leg["funding_rate"] == 1.25e-05


ODD = [("2", "1", True), ("1", "1", False), ("1", "0", False), ("", "1", False)]


@pytest.mark.parametrize(("bid", "ask", "flagged"), ODD)
@pytest.mark.parametrize("lasts_s", [0.001, 0.3, 10.0])
async def test_s43_a_crossed_or_one_sided_book_is_flagged_and_left_out_at_once(
    bid: str, ask: str, flagged: bool, lasts_s: float
) -> None:
    """Locked is no fault: one may buy and sell at that price. Crossed is left out from its first millisecond."""
    async with stand("bybit", "okx") as s:
        i = ordinary(s)
        s.sim.quiet = True
        await s.rest(2)
        true, odd = (str(i.quote.bid), str(i.quote.ask)), (times(bid, i.quote.bid), times(ask, i.quote.bid))
        await says(s, i, odd)
        leg = s.leg("bybit", "perp", i.symbol)
        assert leg is not None
        assert ("CROSSED" in leg["flags"]) is flagged
        assert bid == ask or ("bybit", "perp") not in ends(s, i.coin.name)
        await asyncio.sleep(lasts_s)
        cell = s.cell("bybit", "perp", i.symbol)
        assert cell is not None
        if bid != ask and (cell.bid, cell.ask) != (
            i.quote.bid,
            i.quote.ask,
        ):  # REST has told what is true by then, or not
            assert ("bybit", "perp") not in ends(s, i.coin.name)
        await says(s, i, true)
        assert "CROSSED" not in (s.leg("bybit", "perp", i.symbol) or {"flags": ["CROSSED"]})["flags"]
        assert not s.signals


def times(factor: str, price: float) -> str:
    return str(float(factor) * price) if factor not in {"", "0"} else factor


async def says(s: Stand, i: Instrument, sides: tuple[str, str]) -> None:
    """Bybit says this bid and ask of a perpetual, and the board has them."""
    inject(s, said(i, *sides, s.sim.now_ms()))
    cell = s.cell("bybit", "perp", i.symbol)
    assert cell is not None
    told = tuple(float(p or 0) for p in sides)
    await s.within(
        3, lambda: (cell.bid or 0.0, cell.ask or 0.0) == told, f"{sides}, {cell.bid} {cell.ask} {cell.source}"
    )


def ends(s: Stand, coin: str) -> set[tuple[str, str]]:
    """Where the coin's best pair is bought and sold."""
    spread = s.picture(coin)["coins"][0]["spread"]
    return set() if spread is None else {(spread[end]["venue"], spread[end]["market"]) for end in ("buy", "sell")}


@pytest.mark.parametrize("venues", [("bybit", "okx"), ("binance", "bitget")])
@pytest.mark.parametrize("how", ["shuffle", "duplicate"])
async def test_s44_the_newest_wins_in_whatever_order_and_how_often_it_comes(how: str, venues: tuple[str, str]) -> None:
    async with stand(*venues, rate=3.0) as s:
        s.fault(Fault(kind="garble", how=how, share=0.3 if how == "shuffle" else 0.05, for_s=10.0))
        await asyncio.sleep(10.1)
        s.sim.quiet = True
        await s.within(6, lambda: not any(map(s.different, venues)), "not the newest")
        assert s.events("PARSE") == []
        assert [s.state(venue).reconnects for venue in venues] == [0, 0]


async def test_s45_deltas_before_a_snapshot_change_nothing() -> None:
    async with stand("bybit", "okx") as s:
        s.fault(Fault(kind="lose", venue="bybit", market="perp", match='"snapshot"', for_s=1.0))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        await s.within(5, lambda: s.state("bybit").reconnects > 0)
        held = {i.symbol: _values(s, i.symbol) for i in s.traded("bybit", "perp")}
        await s.within(40, lambda: s.engine.board.dropped_deltas > 5)
        for symbol, values in held.items():
            now = _values(s, symbol)
            assert all(value for value in now), (symbol, now)
            cell = s.cell("bybit", "perp", symbol)
            assert cell is not None
            if cell.source == "ws":
                assert now == values, "an old snapshot is not mixed with new deltas"
        await s.within(200, lambda: s.state("bybit").status == "LIVE" and not s.line("bybit perp").detail)
        await s.still(seconds=100)


async def test_s45_a_delta_that_leaves_fields_out_leaves_them_as_they_are() -> None:
    async with stand("bybit", "okx") as s:
        i = ordinary(s)
        s.sim.quiet = True
        await s.rest(3)
        before = s.leg("bybit", "perp", i.symbol)
        data = {"symbol": i.symbol, "ask1Price": str(i.quote.ask * 2)}
        frame = {"topic": f"tickers.{i.symbol}", "type": "delta", "data": data, "cs": 10**15, "ts": s.sim.now_ms()}
        inject(s, json.dumps(frame))
        await s.within(3, lambda: (s.leg("bybit", "perp", i.symbol) or {})["ask"] == i.quote.ask * 2)
        after = s.leg("bybit", "perp", i.symbol)
        assert before is not None
        assert after is not None
        same = (
            "bid",
            "last",
            "mark",
            "index",
            "volume_24h_usd",
            "funding_rate",
            "funding_interval_h",
            "next_funding_ms",
        )
        assert [after[f] for f in same] == [before[f] for f in same]
        assert None not in [after[f] for f in same]


def _values(s: Stand, symbol: str) -> tuple[float | None, ...]:
    cell = s.cell("bybit", "perp", symbol)
    assert cell is not None
    return cell.bid, cell.ask, cell.last, cell.mark


PRINTS = {"one": 1.0, "three": 6.5}
"""For how many seconds a price is wrong: samples are taken every two."""


@pytest.mark.parametrize("count", PRINTS)
async def test_s46_bad_prints_are_flagged_and_believed_by_nobody(count: str) -> None:
    """A price 100 times as high as all others is an outlier while it is news, and that of another coin when it stays. Legs
    that are not of one coin make no signal, however many samples they last: the contract leaves out what is quarantined."""
    async with stand("bybit", "okx", "bitget", "binance") as s:
        i = ordinary(s)
        s.sim.turn(Turn(kind="price", venue="bybit", market="perp", symbol=i.symbol, factor=100.0, for_s=PRINTS[count]))
        await s.within(2, lambda: (s.cell("bybit", "perp", i.symbol) or i).bid > 20 * i.coin.price)  # type: ignore[operator, union-attr]
        seen: set[str] = set()

        def flagged() -> bool:
            leg = s.leg("bybit", "perp", i.symbol)
            seen.update(leg["flags"] if leg else ())
            return bool(seen & {"OUTLIER", "QUARANTINE"})

        await s.within(0.5, flagged)
        await s.lasts(12, lambda: not [g for g in s.signals if g.symbol == i.coin.name])
        await s.within(20, lambda: not (s.leg("bybit", "perp", i.symbol) or {"flags": [""]})["flags"], "never forgiven")
        await s.still()
