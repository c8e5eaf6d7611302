"""The lines of the table as text, at the three usual sizes. Prices, signs, dashes and columns stand where they stand."""

from math import sin
from pathlib import Path

import pytest

from frmon.model import Market, Status, Tick
from tests.tui.fake import FakeEngine
from tests.tui.screen import lines, settle, shown

PERP, SPOT = Market.PERP, Market.SPOT
GOLDEN = Path(__file__).parent / "golden"


def desk() -> FakeEngine:
    """Six coins with chosen prices, a remembered minute, an open episode and a suspended one, and the books of a coin."""
    engine = FakeEngine(0, simulated="SIMULATED")
    for n in range(40):
        quote_all(engine, 1 + 1e-4 * sin(n))
        engine.settle()
        engine.remember()
        engine.clock.advance(2)  # type: ignore[attr-defined]
    quote_all(engine)
    engine.clock.advance(2)  # type: ignore[attr-defined]
    engine.settle()
    engine.remember()
    engine.signal("PEPE", 0.71)
    engine.episode("SATS", 0.64, kind="basis")
    engine.episode("BTC", 0.71)
    engine.clock.advance(1)  # type: ignore[attr-defined]
    engine.follow({"BTC": 0.68})
    engine.follow({}, kind="basis")
    engine.read_books("BROCCOLI714LONG")
    for state in engine.venue_states:
        state.status, state.detail, state.legs, state.fresh_legs = Status.LIVE, "", 4, 4
        state.messages_per_s, state.lag_ms = 512.3, 38.0
    return engine


def quote_all(engine: FakeEngine, times: float = 1.0) -> None:
    """The first leg of every coin moves."""
    quote(engine, "BTC", ("alpha", PERP, 104_200.1, 104_200.2), ("beta", PERP, 104_950.0, 104_950.5), times=times)
    quote(engine, "PEPE", ("alpha", PERP, 1.0412e-5, 1.0413e-5), ("gamma", PERP, 1.0401e-5, 1.0402e-5), times=times)
    quote(engine, "币安人生", ("beta", PERP, 0.18234, 0.1824), ("delta", SPOT, 0.1811, 0.1812), times=times)
    quote(engine, "SATS", ("alpha", PERP, 4.512e-8, 4.513e-8), ("delta", PERP, 4.5e-8, 4.501e-8), times=times)
    quote(engine, "ALONE", ("alpha", PERP, 1.5, 1.51), times=times)
    quote(engine, "BROCCOLI714LONG", ("beta", PERP, 3.0, 3.1), ("gamma", PERP, 2.0, 2.1), times=times)


def quote(engine: FakeEngine, coin: str, *legs: tuple[str, Market, float, float], times: float = 1.0) -> None:
    now_ms = engine.clock.now_ms()
    due = now_ms // 3_600_000 * 3_600_000 + 7_200_000
    for n, (venue, market, bid, ask) in enumerate(legs):
        engine.seat(venue, market, coin)
        perp, moved = market is PERP, times if n == 0 else 1.0
        tick = Tick(
            symbol=f"{coin}USDT" if perp else f"{coin}-USDT", event_ms=now_ms, bid=bid * moved, ask=ask * moved, last=bid,
            volume_usd=12_345_678.0 * (n + 1), funding_rate=0.0001 * (n + 1) if perp else None,
            funding_interval_h=8.0 / (n + 1) if perp else None, next_funding_ms=due if perp else None,
            settled_rate=0.00008 if perp else None,
        )  # fmt: skip
        engine.board.take(engine.carriers[venue, market], [tick], engine.clock.mono(), now_ms)


PICTURES = {"detail": ("j", "enter"), "funding": ("2",), "enlarged": ("j", "e")}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_screen_reads_as_it_did(tmp_path: Path, size: tuple[int, int], picture: str) -> None:
    async with shown(desk(), tmp_path, size) as (app, pilot):
        await pilot.press(*PICTURES[picture])
        await settle(pilot)
        app.desk.paint(whole=True)
        await settle(pilot)
        seen = [line.rstrip() for line in lines(app)]
    wanted = (GOLDEN / f"{picture}-{size[0]}x{size[1]}.txt").read_text(encoding="utf-8").splitlines()
    assert seen == wanted
