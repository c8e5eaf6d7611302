"""The sweep: one REST reply of all symbols beside the board finds within a minute what no watchdog of a line can."""

from frmon.feeds.sim.faults import Fault
from frmon.model import LegKey, Market, Status
from tests.scenarios.stand import stand

MINUTE_S = 60.0


async def test_a_symbol_that_died_on_a_living_line_is_named_within_a_minute_and_rest_speaks_for_it() -> None:
    async with stand("bybit", rate=2.0) as s:
        cell = s.engine.board.cell(LegKey("bybit", Market.PERP, "ETHUSDT"))
        assert cell is not None
        s.fault(Fault(kind="lose", venue="bybit", match="tickers.ETHUSDT", for_s=600))
        await s.within(MINUTE_S + 15, lambda: "ETHUSDT" in s.state("bybit").detail, "never named")
        assert s.state("bybit").status is Status.PARTIAL
        assert "perp sweep: 1 of " in s.state("bybit").detail
        assert "differ (ETHUSDT)" in s.words()
        assert s.events("differ (ETHUSDT)")
        await s.within(
            10, lambda: cell.source == "rest" and cell.is_fresh(s.engine.clock.mono(), s.engine.terms.freshness)
        )
        await s.still()
        s.sim.faults.clear()
        await s.within(10, lambda: cell.source == "ws", "the stream is not believed again")
        await s.within(MINUTE_S + 15, lambda: s.state("bybit").status is Status.LIVE)
        assert s.events("sweep: all agree again")


async def test_symbols_that_neither_rest_nor_a_stream_states_any_more_are_named_within_a_minute() -> None:
    async with stand("bitget") as s:
        s.fault(Fault(kind="rest_body", venue="bitget", match="mix/market/tickers", how="none", for_s=600))
        await s.within(MINUTE_S + 15, lambda: "missing (" in s.state("bitget").detail, "never named")
        assert s.events("perp sweep: ")
        s.sim.faults.clear()
        await s.within(MINUTE_S + 15, lambda: "missing" not in s.state("bitget").detail)


async def test_a_moving_market_is_never_called_wrong() -> None:
    async with stand("okx", "bybit", rate=3.0) as s:
        await s.rest(130)
        assert not s.events("sweep")
