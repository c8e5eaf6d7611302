"""Values and frames that are spoilt on their way: what cannot be read is skipped, counted and shown; all else goes on."""

import asyncio
from typing import Any

import msgspec
import pytest

from frmon.feeds.contract import Heard, Venue
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.server import Sim
from frmon.feeds.venues import all_venues
from frmon.model import Status
from frmon.tui import figures
from tests.feeds.toy import changed
from tests.leaping import clock_here
from tests.scenarios.stand import Stand, stand, statuses

QUOTE = {"bid", "ask"}  # an old side never stands beside a new one: where only one is readable, the other is unknown
FIELDS = ("bid", "ask", "last", "mark", "index", "volume_24h_usd", "funding_rate", "funding_interval_h")


def unread(s: Stand, venue: str) -> int:
    """Everything on the venue's streams that could not be read so far."""
    return sum(line.reader.unread.total for line in s.engine.fleets[venue].all_lines)


def numbers(s: Stand) -> list[tuple[str, str, Any]]:
    """(symbol, field, value) of every leg in the snapshot."""
    return [(leg["symbol"], f, leg[f]) for coin in s.picture()["coins"] for leg in coin["legs"] for f in FIELDS]


NOTHING = {'""', "null", "0", '"0"'}  # by which venues say "nothing there"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        '""',
        "null",
        "0",
        '"0"',
        "-1",
        '"NaN"',
        "Infinity",
        "1e999",
        '"1_000"',
        '"١٢"',
        "true",
        "[]",
        "1" + "0" * 5000,
    ],
)
async def test_s41_a_spoilt_number_is_counted_by_its_field_and_never_shown(payload: str) -> None:
    async with stand("bybit") as s:
        s.fault(Fault(kind="garble", how="numbers", share=0.3, for_s=0.8, payload=payload))
        known = {(symbol, f) for symbol, f, value in numbers(s) if value is not None and f not in QUOTE}
        if payload not in NOTHING:
            await s.within(5, lambda: unread(s, "bybit") > 3)
            await s.within(5, lambda: "PARSE" in s.picture()["venues"]["bybit"]["detail"])
            assert "PARSE" in s.words()
        for _ in range(20):
            await asyncio.sleep(0.04)
            shown = [(symbol, f, value) for symbol, f, value in numbers(s) if value is not None]
            assert not [one for one in shown if one[2] == 0 and one[1] not in {"funding_rate"}]
            assert all(isinstance(value, (int, float)) and abs(value) < 1e14 for _, _, value in shown)
            if payload not in {"", '""', "null"}:
                assert known <= {(symbol, f) for symbol, f, _ in shown}, "what was known is not forgotten"
        assert s.state("bybit").reconnects == 0, s.told()
        await s.still()


@pytest.mark.parametrize("payload", ['"NaN"', "1e999", '"1_000"', "[]", "-1"])
@pytest.mark.parametrize("venue", ["binance", "okx", "bitget"])
async def test_s41_no_spoilt_number_of_any_venue_is_shown_or_stops_a_line(venue: str, payload: str) -> None:
    async with stand(venue, "bybit") as s:
        await s.within(60, lambda: sum(line.messages for line in s.state(venue).lines) > 50)
        s.fault(Fault(kind="garble", how="numbers", share=0.5, for_s=5.0, payload=payload))
        for _ in range(20):
            await s.rest(0.25)
            shown = [(f, value) for _, f, value in numbers(s) if value is not None]
            assert all(isinstance(value, (int, float)) and abs(value) < 1e14 for _, value in shown)
            assert not [one for one in shown if one[1] <= 0 and one[0] != "funding_rate"]
        assert unread(s, venue) > 3
        assert "PARSE" in s.picture()["venues"][venue]["detail"]
        assert s.state(venue).reconnects == 0, s.told()
        await s.still(seconds=90)


async def test_s41_what_no_readable_number_ever_said_is_null_and_a_dash() -> None:
    """From the beginning every number of every frame and answer is spoilt."""
    sim = Sim(SimOptions(seed=7, coins=20, venues=("okx",)), clock_here())
    sim.fault(Fault(kind="garble", how="numbers", share=1.0, for_s=60.0, payload='"NaN"'))
    sim.fault(Fault(kind="rest_status", venue="okx", match="tickers", status=500, for_s=60.0))
    async with stand("okx", sim=sim, up=False) as s:
        await s.within(20, lambda: len(s.engine.board.rows) > 2)
        await s.within(10, lambda: unread(s, "okx") > 20)
        spoilt = [leg for coin in s.picture()["coins"] for leg in coin["legs"] if leg["bid"] is None]
        assert spoilt, "about half of the numbers of a frame are left as they were"
        assert all(figures.price(leg["bid"], 8).strip() == "-" for leg in spoilt)
        assert not [leg for leg in spoilt if leg["fresh"] and leg["ask"] is None]


@pytest.mark.parametrize("how", ["truncate", "utf8", "junk", "bom"])
async def test_s48_an_unreadable_frame_costs_itself_and_no_connection(how: str) -> None:
    async with stand("okx", "bybit") as s:
        s.fault(Fault(kind="garble", how=how, share=0.3, for_s=1.0))
        for venue in ("okx", "bybit"):
            await s.within(10, lambda v=venue: unread(s, v) > 0)  # type: ignore[misc]
            await s.within(5, lambda v=venue: "PARSE" in s.picture()["venues"][v]["detail"])  # type: ignore[misc]
        assert "PARSE" in s.words()
        assert s.events("PARSE 1:")
        await s.rest(8)
        assert [s.state(v).reconnects for v in ("okx", "bybit")] == [0, 0], s.told()
        assert Status.RECONNECT not in {status for _, _, status, _ in s.seen}
        await s.still()


DEEP = "[" * 100_000
ODD = {
    "depth": Fault(kind="inject", payload=DEEP),
    "deep data": Fault(kind="inject", payload='{"topic":"tickers.BTCUSDT","data":' + DEEP[:5000] + "]" * 5000 + "}"),
    "duplicate keys": Fault(kind="inject", payload='{"topic":"x","topic":"tickers.BTCUSDT","data":1,"data":2}'),
    "empty": Fault(kind="inject", payload=""),
    "binary": Fault(kind="inject", payload="00ff1f8b08", hex=True, opcode=2),
    "invalid": Fault(kind="inject", payload="7b22746f706963223a22ff22", hex=True),
    "surrogate": Fault(kind="inject", payload='{"topic":"tickers.\\ud800","data":{"symbol":"\\udfff"}}'),
}


@pytest.mark.parametrize("what", ODD)
async def test_s48_an_odd_frame_is_skipped_and_counted_wherever_it_comes(what: str) -> None:
    async with stand("bybit") as s:
        before = unread(s, "bybit")
        s.fault(ODD[what])
        await s.within(3, lambda: unread(s, "bybit") > before)
        assert s.state("bybit").reconnects == 0
        await s.still()


async def test_s48_a_binary_frame_is_read_like_text() -> None:
    async with stand("okx") as s:
        s.fault(Fault(kind="garble", how="binary", for_s=0.6))
        await s.rest(4)
        assert (unread(s, "okx"), s.state("okx").reconnects) == (0, 0)
        await s.still()


def with_bug(symbol: str) -> tuple[Venue, ...]:
    """The venues, but for a parser of bybit's that fails for one symbol: a venue is data, so this is another one."""

    def planted(venue: Venue) -> Venue:
        if venue.name != "bybit":
            return venue
        streams = tuple(changed(stream, parse=_failing(stream.parse, symbol)) for stream in venue.streams)
        return msgspec.structs.replace(venue, streams=streams)

    return tuple(planted(venue) for venue in all_venues())


def _failing(parse: Any, symbol: str) -> Any:
    def fail(raw: bytes) -> Heard:
        if f'"{symbol}"'.encode() in raw:
            raise ZeroDivisionError("planted")
        heard: Heard = parse(raw)
        return heard

    return fail


async def test_s50_a_bug_in_a_parser_costs_one_symbol(caplog: pytest.LogCaptureFixture) -> None:
    async with stand("bybit", "okx", venues_of=with_bug("ETHUSDT"), up=False) as s:
        await s.within(400, lambda: "PARSE" in s.words())
        await s.within(100, lambda: s.state("bybit").fresh_legs >= s.state("bybit").legs - 2 > 10)
        told = s.picture()["venues"]["bybit"]
        assert "ETHUSDT" in told["detail"].partition("PARSE")[2]
        await s.within(60, lambda: unread(s, "bybit") > 5)
        await s.rest(30)
        s.sim.quiet = True
        await s.within(60, lambda: not [w for v in ("okx", "bybit") for w in s.different(v) if " ETHUSDT" not in w])
        assert Status.RECONNECT not in statuses(s.seen, "bybit perp 1") + statuses(s.seen, "bybit spot 1")
        assert s.state("bybit").reconnects == 0
        logged = [r for r in caplog.records if r.exc_info and "met a bug" in r.getMessage()]
        assert 1 <= len(logged) <= 2 * (2 + s.engine.clock.mono() // (60 * s.scale)), "no flood of tracebacks"
        assert len(logged) < unread(s, "bybit")
