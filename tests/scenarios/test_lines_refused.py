"""S10, S11, S12: venues that take no lines, or take them and throw them out again."""

import re

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from tests.scenarios.stand import Stand, stand

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
        s.fault(Fault(kind="refuse", venue="bybit", status=503, for_s=LONG))
        s.fault(Fault(kind="drop", venue="bybit"))
        await s.within(8, lambda: sources(s, "bybit") == {"rest"})
        await s.within(5, lambda: s.picture()["venues"]["bybit"]["status"] == "REST")
        assert "RECONNECT: HTTP 503" in s.words()
        await s.rest(32)
        before, lines = s.sim.counters["connects bybit"], len(s.state("bybit").lines)
        await s.rest(30)
        tries = s.sim.counters["connects bybit"] - before
        assert 1 <= tries <= lines * 2, "one in 15 s for each line"
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
    """Ten times as fast as in life, so ten times what would be 60 % of the budget in the same time."""
    async with stand("bybit", "okx") as s:
        before, since = s.sim.counters["connects bybit"], s.engine.clock.mono()
        s.fault(Fault(kind="flap", venue="bybit", code=1001, reason="bye", delay_s=0.1, for_s=LONG))
        await s.within(30, lambda: "flapping, closed 3 times" in s.line("bybit perp").detail)
        await s.within(5, lambda: "flapping" in s.words())
        await s.rest(60 - (s.engine.clock.mono() - since) / s.scale)
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


REFUSALS = {
    "binance": (403, Status.BLOCKED),
    "okx": (418, Status.BANNED),
    "bybit": (451, Status.BLOCKED),
}
MORE = {
    "binance": (404, Status.BLOCKED),
    "okx": (301, Status.RECONNECT),
    "bybit": (400, Status.RECONNECT),
}
MOST = {
    "binance": (520, Status.RECONNECT),
    "okx": (503, Status.RECONNECT),
    "bybit": (429, Status.BANNED),
}


@pytest.mark.parametrize("refusals", [REFUSALS, MORE, MOST], ids=["403 418 451", "404 301 400", "520 503 429"])
async def test_s12_a_refused_handshake_is_classified_within_two_seconds_and_nobody_else_suffers(
    refusals: dict[str, tuple[int, Status]],
) -> None:
    async with stand("binance", "okx", "bybit", "bitget") as s:
        bitget = s.fresh("bitget")
        for venue, (status, _) in refusals.items():
            headers = {"Retry-After": "120"} if status in {418, 429} else {"Location": "/"}
            s.fault(Fault(kind="refuse", venue=venue, status=status, headers=headers, for_s=LONG))
            s.fault(Fault(kind="drop", venue=venue, market="spot"))
        for venue, (status, shown) in refusals.items():
            line = f"{venue} spot 1"

            def is_told(name: str = line, word: Status = shown, answer: str = f"HTTP {status}") -> bool:
                return s.line(name).status is word and answer in s.line(name).detail

            await s.within(2 + 3, is_told)  # and the first delay
            if shown is not Status.RECONNECT:
                assert re.search(r"until \d\d:\d\d:\d\d UTC", s.line(line).detail)
            assert s.events(
                f"{line}: RECONNECT → {shown}" if shown is not Status.RECONNECT else f"{line}: LIVE → RECONNECT"
            )
            assert s.line(f"{venue} perp").status in {Status.LIVE, Status.LAG}, "what is open stays open"
        await s.within(5, lambda: all("HTTP" in s.state(v).detail for v in refusals))
        assert s.fresh("bitget") == bitget
        assert not s.events("TASK")
        await s.still("bitget")


@pytest.mark.parametrize("status", [418, 429])
async def test_s12_a_ban_is_waited_out_exactly_by_all_lines_of_the_venue(status: int) -> None:
    async with stand("okx", "bybit") as s:
        await s.within(30, lambda: all(line.status is Status.LIVE for line in s.state("okx").lines))
        before = s.sim.counters["connects okx"]
        s.fault(Fault(kind="refuse", venue="okx", status=status, headers={"Retry-After": "3"}, for_s=2.0))
        s.fault(Fault(kind="drop", venue="okx"))
        await s.within(10, lambda: s.sim.counters["connects okx"] > before)
        banned_at = s.engine.clock.mono()
        await s.within(10, lambda: "BANNED" in s.words())
        await s.within(40, lambda: s.sim.counters["connects okx"] > before + 1)
        waited = s.engine.clock.mono() - banned_at
        assert 2.95 <= waited <= 3.3 + s.late_s + 0.1
        await s.up()
        await s.still()
