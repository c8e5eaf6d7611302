"""S05, S07, S08: one channel of a living line falls silent, peers that froze, and content that froze."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.turns import Turn
from frmon.funding import funding_is_fresh
from frmon.model import Status
from tests.scenarios.lies import Lies
from tests.scenarios.stand import Stand, stand


def of_streams(s: Stand, venue: str, market: str) -> int:
    """How many legs of a market are fresh by what a stream said."""
    legs = [leg for coin in s.picture()["coins"] for leg in coin["legs"]]
    return sum(
        leg["fresh"] and leg["source"] == "ws" for leg in legs if (leg["venue"], leg["market"]) == (venue, market)
    )


def fresh_rates(s: Stand, venue: str) -> int:
    """How many funding rates of a venue are fresh, as the funding columns show them."""
    now = s.engine.clock.mono()
    cells = [c for c in s.engine.board.cells(venue) if c.key.market == "perp"]
    return sum(funding_is_fresh(c, now) for c in cells)


async def test_s05_a_channel_that_falls_silent_is_named_while_prices_live_on() -> None:
    """REST does not help, so that the rates dim."""
    async with stand("binance", "okx") as s:
        s.fault(Fault(kind="rest_status", venue="binance", match="premiumIndex", status=500, for_s=60.0))
        s.fault(Fault(kind="mute", venue="binance", match="markPrice", for_s=60.0))
        legs, rates = s.fresh("binance", "perp"), fresh_rates(s, "binance")
        await s.within(15, lambda: s.line("binance perp market").status is Status.NO_DATA)
        await s.within(1, lambda: fresh_rates(s, "binance") == 0)
        assert "no data on mark" in s.line("binance perp market").detail
        await s.within(1, lambda: "NO-DATA: no data on mark" in s.words())
        assert s.events("binance perp market 1: LIVE → NO-DATA (no data on mark)")
        assert s.line("binance perp public").status is Status.LIVE
        await s.lasts(3, lambda: s.fresh("binance", "perp") == legs)
        s.sim.faults.clear()
        await s.within(3, lambda: s.line("binance perp market").status is Status.LIVE)
        await s.within(5, lambda: fresh_rates(s, "binance") == rates)


async def test_s07_a_frozen_peer_is_given_up_on_open_lines_and_in_the_handshake() -> None:
    async with stand("okx", "bybit") as s:
        s.fault(Fault(kind="hold", venue="okx", for_s=60.0))
        dim_s = await s.within(10, lambda: s.fresh("okx")[0] == 0)
        last_s = 1.0  # before the freeze, a line of few symbols that may be quiet had its last answer
        await s.within(10 + last_s - dim_s, lambda: s.events("okx perp 1: ") and s.events("→ RECONNECT (no "))
        await s.within(
            1 + 9 + 3, lambda: "no answer in time" in s.line("okx perp").detail, "the handshake is awaited too"
        )
        await s.within(5, lambda: s.picture()["venues"]["okx"]["status"] in {"RECONNECT", "STALE"})
        assert s.state("bybit").status is Status.LIVE
        s.sim.faults.clear()
        await s.within(30, lambda: s.state("okx").status is Status.LIVE)
        await s.still()


async def test_s07_a_frozen_peer_keeps_nobody_from_leaving() -> None:
    async with stand("okx") as s:
        s.fault(Fault(kind="hold", venue="okx", for_s=60.0))
        await s.rest(0.3)
        asked_at = s.engine.clock.mono()
        await s.engine.fleets["okx"].end()
        assert s.engine.clock.mono() - asked_at < 1.0 + 0.05


def first_prices(s: Stand) -> dict[str, float | None]:
    """What bids of okx's perpetuals the board holds now."""
    return {c.key.symbol: c.bid for c in s.engine.board.cells("okx") if c.key.market == "perp"}


def spreading(s: Stand) -> Instrument:
    """A perpetual of okx whose coin bybit trades too, as one coin each."""
    other = {i.coin.name for i in s.traded("bybit", "perp") if i.multiplier == 1}
    return next(i for i in s.traded("okx", "perp") if i.multiplier == 1 and i.coin.name in other)


def run_away(s: Stand, i: Instrument) -> None:
    """The market goes elsewhere: bybit and okx alike now pay 5 % more for the coin, and from then on stand still."""
    for venue in ("okx", "bybit"):
        symbol = next(o.symbol for o in s.traded(venue, "perp") if o.coin.name == i.coin.name and o.multiplier == 1)
        s.sim.turn(Turn(kind="price", venue=venue, market="perp", symbol=symbol, factor=1.05, for_s=300.0))


async def test_s08_a_stream_that_repeats_itself_with_old_times_is_called_frozen_and_believed_no_more() -> None:
    """The truth moves away by 5 % where the frozen stream can not tell: compared with it, that would be a signal."""
    async with stand("okx", "bybit", rate=2.0) as s:
        held = first_prices(s)
        s.fault(Fault(kind="freeze", venue="okx", line="/ws", market="perp", for_s=60.0))
        coin = spreading(s)
        await s.rest(1)
        run_away(s, coin)
        await s.within(9, lambda: "content frozen: ticker" in s.line("okx perp").detail)
        assert s.line("okx perp").status is Status.STALE
        await s.within(0.5, lambda: of_streams(s, "okx", "perp") == 0)
        await s.within(0.5, lambda: "STALE: content frozen" in s.words())
        await s.lasts(40, lambda: of_streams(s, "okx", "perp") == 0, "new connections repeat it too")
        assert s.events("okx perp 1: LIVE → STALE (content frozen")
        assert s.line("okx spot").status is Status.LIVE
        moved = [i.symbol for i in s.traded("okx", "perp") if i.quote.bid != held[i.symbol]]
        assert {coin.symbol} < set(moved), "the market moved in truth"
        assert [g for g in s.signals if g.symbol == coin.coin.name] == [], "a signal of frozen prices"
        s.sim.faults.clear()
        await s.within(20, lambda: s.line("okx perp").status is Status.LIVE)
        await s.still()


async def test_s08_a_stream_that_repeats_itself_with_new_times_is_found_out_by_the_sweep() -> None:
    async with stand("okx", "bybit", rate=2.0) as s:
        s.fault(Fault(kind="freeze", venue="okx", line="/ws", market="perp", bump=True, for_s=120.0))
        since = s.engine.clock.mono()
        await s.rest(10)
        s.sim.quiet = True  # now the truth stands still, and the stream's story is another one

        def believed() -> list[str]:
            wrong = {told.split(":")[0].split()[-1] for told in s.different("okx")}
            now, terms = s.engine.clock.mono(), s.engine.terms.freshness
            return [
                c.key.symbol for c in s.engine.board.cells("okx") if c.key.symbol in wrong and c.is_fresh(now, terms)
            ]

        assert believed(), "nothing shows yet that it is wrong"
        await s.within(60 - (s.engine.clock.mono() - since), lambda: s.events("okx perp sweep:"))
        await s.within(60 - (s.engine.clock.mono() - since), lambda: not believed())
        await s.within(0.5, lambda: "differ" in s.words())
        assert s.picture()["venues"]["okx"]["status"] == "PARTIAL"
        await s.lasts(40, lambda: not believed(), "believed again")
        assert s.signals == [], "a signal of frozen prices"


@pytest.mark.parametrize(("venue", "cadence_s"), [("okx", 0.0), ("binance", 5.0)])
async def test_s08_a_moving_market_hides_no_stream_that_repeats_itself_with_new_times(
    venue: str, cadence_s: float
) -> None:
    """REST states other prices again and again, and each time the stream goes back to its own."""
    async with stand(venue, rate=2.0) as s:
        lies = Lies(s, cadence_s)
        await s.rest(10)
        since = s.engine.clock.mono()
        s.fault(Fault(kind="freeze", venue=venue, line="/", market="perp", bump=True, for_s=120.0))
        await s.within(30, lambda: lies.told(venue, "perp"), "nothing shows yet that it is wrong")
        left_s = 60 - (s.engine.clock.mono() - since)
        await s.within(left_s - 1, lambda: s.events("repeats what is no longer true, dialling again"))
        await s.within(1, lambda: not lies.told(venue))
        await s.lasts(50, lambda: not lies.told(venue), "believed again")


async def test_s08_replies_that_come_again_and_again_confirm_nothing() -> None:
    """A venue most of whose legs live by REST alone answers with what it said before."""
    async with stand("bitget", "okx", rate=2.0) as s:
        lies = Lies(s)
        await s.rest(10)
        since = s.engine.clock.mono()
        s.fault(Fault(kind="freeze", venue="bitget", for_s=60.0))
        await s.within(10, lambda: "REST perp ticker: content frozen: the same answer for" in s.words())
        await s.within(10 - (s.engine.clock.mono() - since), lambda: s.fresh("bitget")[0] == 0)
        await s.within(1, lambda: s.state("bitget").status is Status.STALE)
        await s.lasts(40, lambda: not s.fresh("bitget")[0] and not lies.told("bitget"))
        s.sim.faults.clear()
        await s.within(20, lambda: s.state("bitget").status is Status.LIVE)
        await s.still()
