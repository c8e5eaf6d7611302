"""Subscriptions that venues refuse, answer twice, lose or mix up: S20 to S22."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import LegKey, Market
from tests.leaping import clock_here
from tests.scenarios.lies import Lies
from tests.scenarios.stand import Stand, stand

LONG_S = 600.0


def market(*venues: str, coins: int = 40) -> Sim:
    """Venues that can be told of faults before anybody dials."""
    return Sim(SimOptions(seed=7, coins=coins, rate=2.0, venues=venues), clock_here())


def some(sim: Sim, venue: str, kind: str, count: int = 1) -> list[str]:
    """Ordinary symbols, neither the first nor the last."""
    rows = sim.world.instruments(venue, kind).values()
    names = sorted(i.symbol for i in rows if i.kind == "normal" and i.state == "trading" and not i.flaw)
    return names[2 : 2 + count]


def streamed(s: Stand, venue: str, kind: str) -> tuple[set[str], set[str]]:
    """Symbols of a market whose fresh quote came on a stream, and all others."""
    now, terms = s.engine.clock.mono(), s.engine.terms.freshness
    cells = [c for c in s.engine.board.cells(venue) if c.key.market == kind and not c.leg.halted]
    on = {c.key.symbol for c in cells if c.source == "ws" and c.is_fresh(now, terms)}
    return on, {c.key.symbol for c in cells} - on


@pytest.mark.parametrize(("venue", "kind"), [("bybit", "perp"), ("bybit", "spot"), ("okx", "perp"), ("okx", "spot")])
async def test_s20_one_refused_symbol_takes_no_other_with_it_and_is_named(venue: str, kind: str) -> None:
    sim = market(venue)
    [bad] = some(sim, venue, kind)
    sim.fault(Fault(kind="refuse_symbol", venue=venue, market=kind, match=bad, for_s=LONG_S))
    async with stand(venue, sim=sim, up=False) as s:
        await s.within(5, lambda: s.state(venue).legs)
        await s.within(10, lambda: streamed(s, venue, kind)[1] == {bad}, "not all but the refused one")
        await s.within(10, lambda: f"1 refused ({bad})" in s.state(venue).detail)
        assert s.events(f"{bad} refused")
        leg = s.leg(venue, kind, bad)
        assert leg is not None
        assert (leg["source"], leg["fresh"]) == ("rest", True), "REST goes on stating it"


async def test_s20_where_refusals_come_one_by_one_the_rest_is_streamed_too() -> None:
    sim = market("bitget", "okx")
    bad = "BTCUSDT"
    sim.fault(Fault(kind="refuse_symbol", venue="bitget", market="perp", match=bad, for_s=LONG_S))
    async with stand("bitget", "okx", sim=sim, up=False) as s:
        await s.within(60, lambda: s.events(f"{bad} refused"), "the refusal was not told")
        await s.within(10, lambda: f"refused ({bad})" in s.state("bitget").detail)
        line = next(ln for ln in s.engine.fleets["bitget"].all_lines if bad in ln.symbols)
        await s.within(10, lambda: streamed(s, "bitget", "perp")[0] >= line.symbols - {bad})


async def test_s20_a_symbol_that_is_acknowledged_and_never_streamed_is_named_by_the_sweep() -> None:
    """All others live within ten seconds, the mute one named within a minute: Binance acknowledges it and sends no first
    picture, so that a quiet symbol looks the same as one that was never subscribed until REST has seen something happen to
    it twice (after 45 s, and 8 s later). A deadline for first data would redial lines for markets that are only asleep."""
    sim = market("binance")
    [bad] = some(sim, "binance", "spot")
    sim.fault(Fault(kind="refuse_symbol", venue="binance", match=bad, for_s=LONG_S))
    async with stand("binance", sim=sim, up=False) as s:
        await s.within(10, lambda: streamed(s, "binance", "spot")[1] <= {bad}, "not all but the mute one")
        await s.within(60, lambda: [e for e in s.events("spot sweep: ") if bad in e], "never named")
        cell = s.engine.board.cell(LegKey("binance", Market.SPOT, bad))
        assert cell is not None
        await s.within(
            10, lambda: cell.source == "rest" and cell.is_fresh(s.engine.clock.mono(), s.engine.terms.freshness)
        )


async def test_s21_symbols_that_are_subscribed_already_do_not_poison_the_rest() -> None:
    """What was asked for is lost on the way back, so it is asked for again, and the venue says that it is there already."""
    sim = market("bybit")
    lost = some(sim, "bybit", "perp", 3)
    for symbol in lost:
        sim.fault(Fault(kind="lose", venue="bybit", match=f"tickers.{symbol}", for_s=1.5))
    async with stand("bybit", sim=sim, up=False) as s:
        await s.within(10, lambda: streamed(s, "bybit", "perp")[1] == set(lost))
        await s.within(10 + 2, lambda: s.sim.counters["messages in"] > 8, "nothing was asked again")
        await s.within(10, lambda: s.fresh("bybit", "perp")[0] == s.fresh("bybit", "perp")[1])
        await s.within(10, lambda: not streamed(s, "bybit", "perp")[1], "never all live again")
        assert not s.events("refused"), "a symbol that is live was called refused"
        await s.still()


async def test_s22_lost_answers_stray_errors_and_acks_out_of_order_end_in_every_symbol_live() -> None:
    venues = ("binance", "okx", "bybit", "bitget")
    sim = market(*venues)
    sim.fault(Fault(kind="lose_acks", share=0.3, for_s=6))
    async with stand(*venues, sim=sim, up=False) as s:
        await s.within(5, lambda: all(s.state(v).legs for v in venues))
        for payload in ('{"event":"error","code":30006,"msg":"request too many"}', '{"id":9999,"result":null}'):
            s.fault(Fault(kind="inject", venue="bitget" if "30006" in payload else "binance", payload=payload, count=3))
        stray = '{"success":true,"ret_msg":"","op":"subscribe","conn_id":"x","req_id":"77"}'
        s.fault(Fault(kind="inject", venue="bybit", payload=stray))

        def all_streamed() -> bool:
            pairs = [(v, m) for v in ("okx", "bybit") for m in ("spot", "perp")] + [("binance", "spot")]
            return not any(streamed(s, v, m)[1] for v, m in pairs)

        await s.within(30, all_streamed, "not all symbols are streamed")
        await s.still()


async def test_s22_symbols_without_their_first_word_are_counted_until_they_have_it() -> None:
    sim = market("okx")
    lost = some(sim, "okx", "perp", 4)
    for symbol in lost:
        sim.fault(Fault(kind="lose", venue="okx", match=f'"{symbol}"', for_s=25))
    async with stand("okx", sim=sim, up=False) as s:
        await s.within(5, lambda: any(s.state("okx").lines))
        await s.within(22, lambda: s.line("okx perp").status == "PARTIAL", "never counted")
        counted = f" of {s.line('okx perp').symbols} silent"
        assert counted in s.line("okx perp").detail
        await s.within(0.5, lambda: counted in s.state("okx").detail)
        assert s.picture()["venues"]["okx"]["status"] == "PARTIAL"
        await s.within(30, lambda: not streamed(s, "okx", "perp")[1], "never all live")
        await s.within(1, lambda: s.line("okx perp").status == "LIVE")
        await s.still()


@pytest.mark.parametrize(("venue", "kind"), [("bybit", "perp"), ("okx", "perp"), ("okx", "spot")])
async def test_s20_many_refused_symbols_of_one_batch_cost_a_message_each_and_nobody_is_shown_wrong(
    venue: str, kind: str
) -> None:
    """OKX names each of them in an answer of its own, Bybit the first one only."""
    sim = market(venue, coins=100)
    bad = set(some(sim, venue, kind, 6))
    assert len(bad) == 6
    for symbol in bad:
        sim.fault(Fault(kind="refuse_symbol", venue=venue, market=kind, match=symbol, for_s=LONG_S))
    async with stand(venue, sim=sim, up=False) as s:
        lies = Lies(s)
        await s.within(5, lambda: s.state(venue).legs)
        await s.within(10, lambda: streamed(s, venue, kind)[1] == bad, "not all but the refused ones")
        await s.within(10, lambda: f"{len(bad)} refused (" in s.state(venue).detail)
        assert s.sim.counters["messages in"] <= 5 * len(s.state(venue).lines) + 2 * len(bad)
        await s.lasts(50, lambda: not lies.told(venue), "wrong, and shown as fresh")


@pytest.mark.parametrize(
    ("venue", "kind", "topic"),
    [("okx", "perp", '"{}"'), ("bybit", "perp", "tickers.{}"), ("bybit", "spot", "orderbook.1.{}")],
)
async def test_s22_what_rest_says_of_symbols_that_no_stream_tells_of_does_not_ride_on_one(
    venue: str, kind: str, topic: str
) -> None:
    """Nothing of some symbols ever comes: their prices are those of REST, and no older than that."""
    sim = market(venue)
    for symbol in some(sim, venue, kind, 6):
        sim.fault(Fault(kind="lose", venue=venue, match=topic.format(symbol), for_s=LONG_S))
    async with stand(venue, sim=sim, up=False) as s:
        lies = Lies(s)
        await s.within(5, lambda: s.state(venue).legs)
        await s.lasts(50, lambda: not lies.told(venue), "wrong, and shown as fresh")
        assert s.fresh(venue, kind)[0] == s.fresh(venue, kind)[1]
