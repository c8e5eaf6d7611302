"""S01, S02, S09: lines that end by a reset, by a close of every kind, and after their lifetime."""

from collections import Counter

import pytest

from frmon.feeds.fleet import Fleet
from frmon.feeds.line import Line
from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from tests.scenarios.stand import Stand, stand, statuses

CLOSES = {
    ("okx", "spot"): 1000,
    ("okx", "perp"): 1001,
    ("bybit", "spot"): 1006,
    ("bybit", "perp"): 1011,
    ("binance", "spot"): 1012,
    ("binance", "perp"): 1013,
}
PACE = {"binance": 1.0, "okx": 0.4, "bybit": 0.65, "bitget": 1.05}  # seconds between two connects
FAULTS_OF_OURS = {("okx", "spot"): 1003, ("okx", "perp"): 1007, ("bybit", "spot"): 1009, ("bybit", "perp"): 1010}
"""What a venue says where it can't read what we sent, or finds it too large."""


def named(s: Stand, line: str, words: str) -> list[str]:
    """Lines of a market that the event log says to have ended with these words."""
    return [told for told in s.events(f"→ RECONNECT ({words}") if told.startswith(f"{line} ")]


def carrying(fleet: Fleet) -> list[Line]:
    """The lines of a venue that are there for data."""
    return [line for line in fleet.all_lines if line.carries_data]


def reconnects(s: Stand) -> dict[str, int]:
    """Venue and market -> how often its lines were dialled again."""
    found = Counter[str]()
    for state in s.engine.states():
        for line in state.lines:
            found[" ".join(line.name.split()[:2])] += line.reconnects
    return found


def all_up(s: Stand, *venues: str) -> bool:
    """Whether every line is up, that of notices too."""
    return all(line.status in {Status.LIVE, Status.LAG} for v in venues for line in s.state(v).lines)


async def test_s01_a_reset_line_is_named_its_cells_dim_at_once_and_it_comes_back() -> None:
    """REST is slow here: it would confirm the quotes again within a moment."""
    async with stand("bybit", "okx") as s:
        s.fault(Fault(kind="delay_rest", venue="bybit", delay_s=4.0, for_s=5.0))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        await s.within(0.5, lambda: s.fresh("bybit", "perp")[0] == 0)
        leg = next(
            leg for c in s.picture()["coins"] for leg in c["legs"] if (leg["venue"], leg["market"]) == ("bybit", "perp")
        )
        assert (leg["fresh"], leg["age_s"]) == (False, None)
        assert s.events("bybit perp 1: LIVE → RECONNECT (closed 1006")
        assert s.fresh("bybit", "spot")[0] > 0, "only the shard that was reset"
        await s.within(3 + PACE["bybit"], lambda: s.fresh("bybit", "perp")[0] > 0)
        await s.within(0.5, lambda: s.line("bybit perp").status is Status.LIVE)
        assert s.events("bybit perp 1: RECONNECT → LIVE")
        assert Status.RECONNECT not in statuses(s.seen, "okx perp 1")
        await s.still()


@pytest.mark.parametrize("closes", [CLOSES, FAULTS_OF_OURS], ids=["theirs", "ours"])
async def test_s02_every_close_code_is_told_with_its_reason_and_overcome(closes: dict[tuple[str, str], int]) -> None:
    """Each line once; a line that is closed for what it said says the same again, at the pace of all retries."""
    async with stand(*dict.fromkeys(venue for venue, _ in closes)) as s:
        for (venue, market), code in closes.items():
            s.fault(Fault(kind="drop", venue=venue, market=market, code=code, reason=f"reason {code}"))
        for (venue, market), code in closes.items():
            told = f"closed {code} reason {code}" if code != 1006 else "closed 1006"
            await s.within(0.5, lambda n=f"{venue} {market}", w=told: named(s, n, w), f"{code} is not told")  # type: ignore[misc]
        pace = max(PACE[v] * len(s.state(v).lines) for v in s.engine.fleets)
        await s.within(3 + pace, lambda: all(line.is_live() for f in s.engine.fleets.values() for line in carrying(f)))
        await s.rest(0.6)
        assert {name for name, n in reconnects(s).items() if n} == {f"{v} {m}" for v, m in closes}
        assert all_up(s, *s.engine.fleets)
        await s.still()


async def test_s02_a_policy_violation_is_waited_out_for_ten_seconds() -> None:
    async with stand("okx") as s:
        await s.within(30, lambda: all_up(s, "okx"))
        before = s.sim.counters["connects okx"]
        s.fault(Fault(kind="drop", venue="okx", code=1008, reason="too many messages"))
        await s.within(0.5, lambda: "again in" in s.line("okx perp").detail)
        waited = await s.within(10 + 3, lambda: s.sim.counters["connects okx"] > before)
        assert waited > 9, "the first of three lines was back sooner"
        assert "okx spot 1 RECONNECT: closed 1008 too many messages" in s.words()
        await s.up()


@pytest.mark.parametrize(("venue", "lead_s"), [("okx", 30.0), ("okx", 3.0), ("binance", 10.0)])
async def test_s09_lines_that_are_announced_to_end_are_replaced_before_without_one_dim_cell(
    venue: str, lead_s: float
) -> None:
    """OKX tells it half a minute ahead, or a little; Binance some time ahead, and for spot alone."""
    async with stand(venue, "bybit") as s:
        await s.within(30, lambda: all_up(s, venue))
        market, markets = ("spot", ["spot"]) if venue == "binance" else ("", ["spot", "perp"])
        legs = {m: s.fresh(venue, m)[0] for m in markets}
        before = s.sim.counters[f"connects {venue}"]
        s.fault(Fault(kind="notice", venue=venue, market=market, how="shutdown", delay_s=lead_s))
        await s.lasts(lead_s + 10, lambda: all(s.fresh(venue, m)[0] >= legs[m] for m in markets), "a cell dimmed")
        took_over = s.events("planned rotation, a new connection took over")
        told = [line for line in s.state(venue).lines if line.name.split()[1] in {*markets, "notices"}]
        assert len(took_over) == len(told), "every line that was told, the one of notices too"
        assert s.sim.counters[f"connects {venue}"] == before + len(told)
        assert Status.RECONNECT not in statuses(s.seen, f"{venue} spot 1")
        assert sum(line.reconnects for line in told) == 0
        await s.still()


async def test_s09_lines_that_end_without_a_word_are_all_back_within_their_pace() -> None:
    async with stand("okx", "bybit") as s:
        await s.within(30, lambda: all_up(s, "okx", "bybit"))
        ended = s.engine.clock.mono()
        s.fault(Fault(kind="drop", code=1001, reason="24 h"))
        for venue in ("okx", "bybit"):
            await s.within(0.5, lambda v=venue: s.fresh(v)[0] == 0 or s.events(f"{v} spot 1: LIVE → RECONNECT"))  # type: ignore[misc]
        for venue in ("okx", "bybit"):
            pace = PACE[venue] * len(s.state(venue).lines)
            left = 3 + pace - (s.engine.clock.mono() - ended)
            await s.within(left, lambda v=venue: all(line.is_live() for line in carrying(s.engine.fleets[v])))  # type: ignore[misc]
        assert len(s.events(" 1: LIVE → RECONNECT (closed 1001 24 h")) == len(s.state("okx").lines) + len(
            s.state("bybit").lines
        )
        await s.still()


async def test_s02_a_venue_that_finds_our_messages_too_large_is_asked_at_the_pace_of_retries_and_by_rest() -> None:
    """1009 from a venue, as often as we say anything: no storm of dials, its words on screen, quotes by REST."""
    async with stand("bybit") as s:
        await s.within(30, lambda: all_up(s, "bybit"))
        before = s.sim.counters["connects bybit"]
        s.fault(Fault(kind="flap", venue="bybit", code=1009, delay_s=0.05, reason="message too big", for_s=30))
        s.fault(Fault(kind="drop", venue="bybit", code=1009, reason="message too big"))
        await s.within(8, lambda: any("closed 1009 message too big (try" in ln.detail for ln in s.state("bybit").lines))
        await s.within(8, lambda: s.fresh("bybit")[0] >= 0.9 * s.fresh("bybit")[1])
        lines = len(s.state("bybit").lines)
        await s.rest(14)
        assert s.sim.counters["connects bybit"] - before <= 6 * lines
        await s.up()
