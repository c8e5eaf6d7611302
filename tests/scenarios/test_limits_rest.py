"""REST that bans, breaks, lags or stands in: S25 to S29."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from frmon.errors import Unreachable
from frmon.feeds.rest import Http
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.model import Status
from tests.leaping import clock_here
from tests.scenarios.lies import Lies
from tests.scenarios.stand import SLACK_S, Stand, stand
from tests.scenarios.tunnels import tunnels

QUOTES = {"okx": "/market/tickers", "bybit": "/market/tickers", "bitget": "market/tickers", "binance": "bookTicker"}


def asked(s: Stand, venue: str, path: str = "") -> int:
    """REST requests that a venue saw, those that it refused included."""
    return sum(n for what, n in s.sim.counters.items() if what.startswith(f"rest {venue} ") and path in what)


def sources(s: Stand, venue: str, market: str) -> set[str | None]:
    """Where the fresh quotes of a market come from."""
    now, terms = s.engine.clock.mono(), s.engine.terms.freshness
    cells = s.engine.board.cells(venue)
    return {c.source for c in cells if c.key.market == market and c.is_fresh(now, terms)}


def left_s(detail: str) -> int | None:
    """The seconds of a "banned, 87 s left"."""
    _, found, rest = detail.partition("banned, ")
    return int(rest.split()[0]) if found else None


def banned(**how: Any) -> Fault:
    """One path alone answers with a ban: all others of its budget, which are asked for again and again here, would not."""
    return Fault(kind="rest_status", venue="binance", market="perp", match="bookTicker", **how)


async def test_s25_after_429_nothing_is_asked_until_the_venue_allows_it_and_streams_go_on() -> None:
    async with stand("binance") as s:
        before = s.line("binance spot 1").reconnects
        s.fault(
            Fault(kind="mute", venue="binance", market="perp", for_s=2.5)
        )  # so that everything is asked for by REST
        await s.rest(10)
        count = asked(s, "binance", "/fapi")
        s.fault(banned(status=429, headers={"Retry-After": "3"}, for_s=3))
        await s.within(5, lambda: s.state("binance").status is Status.BANNED)
        seen = asked(s, "binance", "/fapi")
        assert seen - count <= 3, "more than what was under way when the ban came"
        first = left_s(s.state("binance").detail)
        assert first in {2, 3}
        assert "binance BANNED" in s.words()
        assert s.picture()["venues"]["binance"]["status"] == "BANNED"
        await asyncio.sleep(1.2)
        second = left_s(s.state("binance").detail)
        assert second is not None
        assert second < (first or 0), "it counts down"
        assert asked(s, "binance", "/fapi") == seen, "asked inside a ban"
        assert sources(s, "binance", "spot") == {"ws"}
        await s.within(30 + 5, lambda: s.state("binance").status in {Status.LIVE, Status.LAG})
        assert asked(s, "binance", "/fapi") > seen
        assert s.line("binance spot 1").reconnects == before
        assert any("BANNED" in text for text in s.events("binance: "))
        await s.still()


async def test_s25_after_418_the_time_in_words_counts_where_no_header_does() -> None:
    """Twenty seconds instead of two minutes, and the date says what the venue's clock is."""
    async with stand("binance") as s:
        now_ms = s.sim.now_ms()
        until = (now_ms // 1000 + 20) * 1000
        body = f'{{"code":-1003,"msg":"Way too many requests; IP banned until {until}. Please use WebSocket."}}'
        s.fault(Fault(kind="mute", venue="binance", market="perp", for_s=60))
        s.fault(banned(status=418, payload=body, for_s=60))
        await s.within(15, lambda: s.state("binance").status is Status.BANNED)
        seen = asked(s, "binance", "/fapi")
        assert "418" in s.state("binance").detail
        while s.sim.now_ms() < until - 1_100:
            assert asked(s, "binance", "/fapi") == seen, "asked inside a ban"
            await asyncio.sleep(0.02)
        s.sim.faults.clear()
        await s.within(1.1 + 5, lambda: asked(s, "binance", "/fapi") > seen)
        await s.up()


async def test_s25_a_restart_inside_a_ban_waits_it_out_and_says_so(tmp_path: Path) -> None:
    async with Sim(SimOptions(coins=30, venues=("bybit",)), clock_here()) as sim:
        async with stand("bybit", state_dir=tmp_path, endpoints=lambda _: sim.endpoints) as s:
            sim.fault(
                Fault(kind="rest_status", venue="bybit", status=403, payload="403, access too frequent", for_s=60)
            )
            await s.within(60, lambda: s.state("bybit").status is Status.BANNED)
        count = sum(n for what, n in sim.counters.items() if "rest" in what)
        async with stand("bybit", state_dir=tmp_path, up=False, endpoints=lambda _: sim.endpoints) as s:
            await s.within(10, lambda: s.state("bybit").status is Status.BANNED)
            assert "ban" in s.state("bybit").detail
            await s.lasts(10, lambda: sum(n for what, n in sim.counters.items() if "rest" in what) <= count)
        assert not [what for what in sim.violations if "REST" in what]


WAYS = ["html", "truncated", "empty", "bomb", "huge", "mime", "none"]


@pytest.mark.parametrize("how", WAYS)
async def test_s26_a_spoilt_answer_is_named_and_what_is_known_is_kept(how: str) -> None:
    async with stand("bybit", coins=20) as s:
        legs = s.state("bybit").legs
        s.fault(Fault(kind="rest_body", venue="bybit", how=how, for_s=600))
        s.fault(Fault(kind="mute", venue="bybit", market="perp", for_s=600))
        seen = asked(s, "bybit", "/market/tickers")
        await s.within(60, lambda: asked(s, "bybit", "/market/tickers") >= seen + 2)
        if how == "mime":
            await s.lasts(5, lambda: "REST " not in s.state("bybit").detail)
            await s.within(30, lambda: sources(s, "bybit", "perp") == {"rest"}, "what it is called matters to nobody")
        elif how == "none":  # readable, no trouble by itself, but for a list
            await s.within(60, lambda: "LISTING-ERR an empty list" in s.state("bybit").detail)
        else:
            await s.within(20, lambda: "REST " in s.state("bybit").detail)
            assert s.events("bybit: LIVE → ")
        if how == "html":
            await s.within(20, lambda: "a web page instead of data: Just a moment..." in s.state("bybit").detail)
        assert s.state("bybit").legs == legs
        assert s.fresh("bybit", "spot")[0] > 0, "streams go on"
        s.sim.faults.clear()
        await s.within(50, lambda: "LISTING-ERR" not in s.state("bybit").detail)
        await s.up()
        await s.still()


async def test_s26_a_drip_ends_in_time() -> None:
    async with stand("bybit", coins=20) as s:
        s.fault(Fault(kind="rest_body", venue="bybit", how="drip", for_s=600))
        s.fault(Fault(kind="mute", venue="bybit", market="perp", for_s=600))
        await s.within(10 + 10, lambda: "no answer in time" in s.state("bybit").detail)
        http = Http()
        asked_at = s.engine.clock.mono()
        with pytest.raises(Unreachable, match="no answer in time"):
            await http.fetch(s.sim.endpoints["bybit"]["rest"] + "/v5/market/tickers?category=linear")
        took = s.engine.clock.mono() - asked_at
        assert 9 < took <= 10 + SLACK_S, "each call has its end, however regularly something comes"
        await http.close()
        s.sim.faults.clear()
        await s.up()


async def test_s27_without_any_stream_rest_keeps_every_venue_alive_and_says_so() -> None:
    async with stand(coins=25) as s:
        await s.rest(10)
        for venue in s.engine.fleets:
            s.fault(Fault(kind="refuse", venue=venue, for_s=600, status=503))
            s.fault(Fault(kind="drop", venue=venue))

        def by_rest() -> bool:
            return all(
                sources(s, v, m) == {"rest"} and s.fresh(v, m)[0] >= 0.95 * s.fresh(v, m)[1]
                for v in s.engine.fleets
                for m in ("spot", "perp")
            )

        await s.within(8, by_rest, "not all by REST")
        await s.within(8, lambda: {s.state(v).status for v in s.engine.fleets} == {Status.REST})
        assert "REST" in s.words()
        ages = [leg["age_s"] for coin in s.picture()["coins"] for leg in coin["legs"] if leg["fresh"]]
        assert ages
        assert max(ages) <= 5 * s.scale + 0.5
        await s.still()


async def test_s28_what_rest_says_late_never_replaces_what_is_newer() -> None:
    async with stand("okx", "bybit", coins=25, rate=2.0) as s:
        s.fault(Fault(kind="late_rest", delay_s=1.2, for_s=600))
        backwards: list[str] = []
        newest: dict[str, int] = {}

        def watch() -> bool:
            for cell in s.engine.board.cells("okx"):
                ms = cell.bid_ms
                if cell.quote.by is not None and ms and ms < newest.get(cell.key.symbol, 0):
                    backwards.append(cell.key.symbol)
                newest[cell.key.symbol] = max(ms, newest.get(cell.key.symbol, 0))
            return sources(s, "bybit", "perp") == {"ws"}

        seen = asked(s, "okx", "tickers") + asked(s, "bybit", "tickers")
        await s.lasts(60, watch)
        assert asked(s, "okx", "tickers") + asked(s, "bybit", "tickers") > seen, "nothing late was ever said"
        assert backwards == []
        assert sources(s, "okx", "perp") == sources(s, "bybit", "perp") == {"ws"}
        await s.still()


async def test_s29_when_streams_are_back_rest_falls_silent() -> None:
    async with stand("okx", "bybit", coins=25) as s:
        for venue in s.engine.fleets:
            s.fault(Fault(kind="refuse", venue=venue, for_s=3, status=503))
            s.fault(Fault(kind="drop", venue=venue))
        await s.within(8, lambda: all(sources(s, v, "perp") == {"rest"} for v in s.engine.fleets))
        await s.within(40, lambda: all(sources(s, v, "perp") == {"ws"} for v in s.engine.fleets), "streams not back")
        await s.rest(5)
        seen = {v: asked(s, v, QUOTES[v]) for v in s.engine.fleets}
        await s.rest(20)
        for venue, before in seen.items():
            assert asked(s, venue, QUOTES[venue]) - before <= 4, "more than a sweep of two markets"
        assert all(s.state(v).status is Status.LIVE for v in s.engine.fleets)


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_s27_what_was_long_on_its_way_is_as_old_as_its_question() -> None:
    """REST alone speaks, over a link on which every answer takes four seconds."""
    async with tunnels() as t, stand("bybit", coins=25, rate=2.0, endpoints=t.endpoints) as s:
        lies = Lies(s)
        await s.rest(10)
        s.fault(Fault(kind="refuse", venue="bybit", for_s=600, status=503))
        s.fault(Fault(kind="drop", venue="bybit"))
        t["bybit", "rest"].down.latency_s = 4.0
        await s.rest(6)
        ages = set[float]()

        def see() -> bool:
            legs = [leg for coin in s.picture()["coins"] for leg in coin["legs"]]
            ages.update(leg["age_s"] for leg in legs if leg["fresh"])
            return not lies.told("bybit")

        await s.lasts(30, see, "older than a fresh quote may be")
        assert ages
        assert min(ages) >= 4.0
