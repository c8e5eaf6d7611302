"""S10, S11, S12: venues that take no lines, or take them and throw them out again."""

import re

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from tests.scenarios.stand import SLACK_S, Stand, stand

LONG = 60.0


def details(s: Stand, name: str) -> list[tuple[float, str]]:
    """When a line showed what in words."""
    return [(at, detail) for at, who, _, detail in s.seen if who == name]


def sources(s: Stand, venue: str) -> set[str]:
    """Where the fresh legs of a venue have their quotes from."""
    legs = [leg for coin in s.picture()["coins"] for leg in coin["legs"]]
    return {leg["source"] for leg in legs if leg["venue"] == venue and leg["fresh"]}


async def test_s10_a_venue_that_refuses_for_long_is_asked_seldom_and_live_soon_after_it_returns() -> None:
    async with stand("bybit", "okx") as s:
        s.fault(Fault(kind="refuse", venue="bybit", status=503, for_s=600.0))
        s.fault(Fault(kind="drop", venue="bybit"))
        await s.within(8, lambda: sources(s, "bybit") == {"rest"})
        await s.within(5, lambda: s.picture()["venues"]["bybit"]["status"] == "REST")
        assert "RECONNECT: HTTP 503" in s.words()
        await s.rest(32)
        before, lines = s.sim.counters["connects bybit"], len(s.state("bybit").lines)
        await s.rest(520)
        tries = s.sim.counters["connects bybit"] - before
        assert lines <= tries <= lines * 520 / 15 * 1.3, "one in 15 s for each line, or a little later"
        assert re.search(r"HTTP 503.*\(try \d+\)", s.line("bybit perp").detail)
        s.sim.faults.clear()
        await s.within(20, lambda: s.state("bybit").status is Status.LIVE)
        await s.within(5, lambda: sources(s, "bybit") == {"ws"})
        assert s.state("okx").reconnects == 0
        await s.still()


async def test_s10_the_countdown_to_the_next_try_is_true_while_it_waits() -> None:
    """Bybit names no time, so the time of the header is what counts: it is not scaled."""
    async with stand("bybit", "okx") as s:
        s.fault(Fault(kind="refuse", venue="bybit", status=429, headers={"Retry-After": "4"}, for_s=2.0))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        await s.within(5, lambda: s.line("bybit perp").status is Status.BANNED)
        before = s.sim.counters["connects bybit"]
        await s.within(45, lambda: s.sim.counters["connects bybit"] > before)
        again_at = s.engine.clock.mono()
        told = [
            (at, int(found[1])) for at, d in details(s, "bybit perp 1") if (found := re.search(r"again in (\d+) s", d))
        ]
        assert {n for _, n in told} >= {4, 3, 2, 1}
        for at, seconds in told[-4:]:
            assert seconds - 1.6 < again_at - at < seconds + 0.6, (seconds, again_at - at)


async def test_s11_a_flapping_venue_is_called_so_and_does_not_eat_the_budget_of_connects() -> None:
    """For five minutes."""
    async with stand("bybit", "okx") as s:
        before, since = s.sim.counters["connects bybit"], s.engine.clock.mono()
        s.fault(Fault(kind="flap", venue="bybit", code=1001, reason="bye", delay_s=0.1, for_s=300.0))
        await s.within(30, lambda: "flapping, closed 3 times" in s.line("bybit perp").detail)
        await s.within(5, lambda: "flapping" in s.words())
        await s.rest(300 - (s.engine.clock.mono() - since) / s.scale)
        spent_s = (s.engine.clock.mono() - since) / s.scale
        connects = s.sim.counters["connects bybit"] - before
        assert connects <= 0.6 * 500 / 300 * spent_s
        lines = len(s.state("bybit").lines)
        assert connects <= lines * (6 + (spent_s - 15) / 15), "delays of 0.5, 1, 2, 4, 8 and then 15 s for each line"
        await s.within(20, lambda: "(try " in s.line("bybit perp").detail)
        assert int(re.findall(r"\(try (\d+)\)", s.line("bybit perp").detail)[0]) >= 6, "data for a moment is not health"
        s.sim.faults.clear()
        await s.within(20, lambda: s.state("bybit").status is Status.LIVE)
        await s.still()


SHOWN = {
    301: Status.RECONNECT,
    400: Status.RECONNECT,
    403: Status.BLOCKED,
    404: Status.RECONNECT,
    418: Status.BANNED,
    429: Status.BANNED,
    451: Status.BLOCKED,
    503: Status.RECONNECT,
    520: Status.RECONNECT,
}
"""What a refused handshake is called; 404 from Binance and OKX is an address that is gone for good, which is not asked
again soon."""


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
@pytest.mark.parametrize("status", SHOWN)
async def test_s12_a_refused_handshake_is_called_what_it_is_within_two_seconds_and_nobody_else_suffers(
    venue: str, status: int
) -> None:
    other = "okx" if venue == "bybit" else "bybit"
    shown = Status.BLOCKED if status == 404 and venue in {"binance", "okx"} else SHOWN[status]
    async with stand(venue, other, coins=20) as s:
        await s.within(30, lambda: s.state(venue).lines and s.line(f"{venue} spot 1").status is Status.LIVE)
        before, shard = s.fresh(other), f"{venue} spot 1"
        headers = {"Retry-After": "120"} if status in {418, 429} else {"Location": "/"} if status == 301 else {}
        s.fault(Fault(kind="refuse", venue=venue, status=status, headers=headers, for_s=LONG))
        s.fault(Fault(kind="drop", venue=venue, market="spot"))
        await s.within(2, lambda: s.line(shard).status is shown and f"HTTP {status}" in s.line(shard).detail)
        await s.within(0.5, lambda: f"HTTP {status}" in s.words())
        if shown is not Status.RECONNECT:
            assert re.search(r"until \d\d:\d\d:\d\d UTC", s.line(shard).detail)
            assert s.events(f"{shard}: RECONNECT → {shown}")
        assert s.events(f"{shard}: LIVE → RECONNECT")
        others = [line for line in s.state(venue).lines if " perp " in line.name]
        assert {line.status for line in others} <= {Status.LIVE, Status.LAG}, "what is open stays open"
        assert s.fresh(other) == before
        assert s.state(other).reconnects == 0
        assert not s.events("TASK")
        await s.still(other)


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
@pytest.mark.parametrize("status", [418, 429])
async def test_s12_a_ban_is_waited_out_by_all_lines_of_the_venue_and_hardly_longer(venue: str, status: int) -> None:
    async with stand(venue, "okx" if venue == "bybit" else "bybit", coins=20) as s:
        await s.within(30, lambda: all(line.status is Status.LIVE for line in s.state(venue).lines))
        before = s.sim.counters[f"connects {venue}"]
        s.fault(Fault(kind="refuse", venue=venue, status=status, headers={"Retry-After": "120"}, for_s=60.0))
        s.fault(Fault(kind="drop", venue=venue, market="spot"))
        await s.within(2, lambda: s.sim.counters[f"connects {venue}"] > before)
        banned_at = s.engine.clock.mono()
        await s.within(0.5, lambda: "BANNED" in s.words())
        asked = s.sim.counters[f"connects {venue}"]
        await s.lasts(120 - 0.6, lambda: s.sim.counters[f"connects {venue}"] == asked, "asked inside the ban")
        await s.within(12 + 0.6, lambda: s.sim.counters[f"connects {venue}"] > asked)
        assert 120 - SLACK_S <= s.engine.clock.mono() - banned_at <= 132 + SLACK_S
        await s.up()
        await s.still()
