"""S01, S02, S09: lines that end by a reset, by a close of every kind, and after their lifetime."""

import pytest

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
FAULTS_OF_OURS = {("okx", "spot"): 1003, ("okx", "perp"): 1007, ("bybit", "spot"): 1009, ("bybit", "perp"): 1010}
"""What a venue says where it can't read what we sent, or finds it too large."""


def said(s: Stand, venue: str, words: str) -> list[str]:
    """The lines of a venue that showed these words in their detail at any time."""
    return sorted({who for _, who, _, detail in s.seen if who.startswith(f"{venue} ") and words in detail})


def all_up(s: Stand, *venues: str) -> bool:
    """Whether every line is up, that of notices too."""
    return all(line.status in {Status.LIVE, Status.LAG} for v in venues for line in s.state(v).lines)


async def test_s01_a_reset_line_is_named_its_cells_dim_at_once_and_it_comes_back() -> None:
    """At half speed, so that half a second is much less than the age at which a quote is stale by itself. REST is slow
    here: it would confirm the quotes again within a moment."""
    async with stand("bybit", "okx", scale=0.5) as s:
        s.fault(Fault(kind="delay_rest", venue="bybit", delay_s=2.0, for_s=2.5))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        assert await s.within(0.5, lambda: s.fresh("bybit", "perp")[0] == 0) < 1.5
        assert s.line("bybit perp").status is Status.RECONNECT
        leg = next(
            leg for c in s.picture()["coins"] for leg in c["legs"] if (leg["venue"], leg["market"]) == ("bybit", "perp")
        )
        assert (leg["fresh"], leg["age_s"]) == (False, None)
        assert s.fresh("bybit", "spot")[0] > 0, "only the shard that was reset"
        await s.within(3 + 0.65, lambda: s.line("bybit perp").status is Status.LIVE)
        await s.within(1, lambda: s.fresh("bybit", "perp")[0] > 0)
        assert s.events("bybit perp 1: LIVE → RECONNECT (closed 1006")
        assert s.events("bybit perp 1: RECONNECT → LIVE")
        assert Status.RECONNECT not in statuses(s.seen, "okx perp 1")
        await s.still()


@pytest.mark.parametrize("closes", [CLOSES, FAULTS_OF_OURS], ids=["theirs", "ours"])
async def test_s02_every_close_code_is_shown_with_its_reason_and_overcome(closes: dict[tuple[str, str], int]) -> None:
    """Each line once; a line that is closed for what it said says the same again, at the pace of all retries."""
    async with stand(*dict.fromkeys(venue for venue, _ in closes)) as s:
        for (venue, market), code in closes.items():
            s.fault(Fault(kind="drop", venue=venue, market=market, code=code, reason=f"reason {code}"))
        for (venue, _), code in closes.items():
            words = f"closed {code} reason {code}" if code != 1006 else "closed 1006"
            await s.within(1, lambda v=venue, w=words: said(s, v, w), f"{code} is not shown")  # type: ignore[misc]
            assert s.events(words)
        await s.within(3 + 3, lambda: all(s.state(v).status in {Status.LIVE, Status.LAG} for v in s.engine.fleets))
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


async def test_s09_lines_that_are_announced_to_end_are_replaced_before_without_one_dim_cell() -> None:
    async with stand("okx", "bybit") as s:
        await s.within(30, lambda: all_up(s, "okx"))
        legs = s.fresh("okx")
        before = s.sim.counters["connects okx"]
        s.fault(Fault(kind="notice", venue="okx", how="shutdown", delay_s=2.5))
        await s.lasts(40, lambda: s.fresh("okx")[0] >= legs[0], "a cell dimmed")
        took_over = s.events("planned rotation, a new connection took over")
        assert len(took_over) == 3, "both lines of data and the one of notices"
        assert s.sim.counters["connects okx"] == before + 3
        assert Status.RECONNECT not in statuses(s.seen, "okx perp 1")
        assert sum(line.reconnects for line in s.state("okx").lines) == 0
        await s.still()


async def test_s09_lines_that_end_without_a_word_are_all_back_within_their_pace() -> None:
    async with stand("okx", "bybit") as s:
        s.fault(Fault(kind="drop", code=1001, reason="24 h"))
        await s.within(1, lambda: said(s, "okx", "24 h") and said(s, "bybit", "24 h"))
        pace = 3 * 0.65 / s.scale  # budgets are not scaled
        await s.within(3 + pace, lambda: all(s.state(v).status is Status.LIVE for v in ("okx", "bybit")))
        await s.still()


async def test_s02_a_venue_that_finds_our_messages_too_large_is_asked_at_the_pace_of_retries_and_by_rest() -> None:
    """1009 from a venue, as often as we say anything: no storm of dials, its words on screen, quotes by REST."""
    async with stand("bybit") as s:
        before = s.sim.counters["connects bybit"]
        s.fault(Fault(kind="flap", venue="bybit", code=1009, delay_s=0.05, reason="message too big", for_s=3))
        s.fault(Fault(kind="drop", venue="bybit", code=1009, reason="message too big"))
        await s.within(
            20, lambda: any("closed 1009 message too big (try" in ln.detail for ln in s.state("bybit").lines)
        )
        await s.within(8, lambda: s.fresh("bybit")[0] >= 0.9 * s.fresh("bybit")[1])
        lines = len(s.state("bybit").lines)
        assert s.sim.counters["connects bybit"] - before <= 6 * lines
        await s.up()
