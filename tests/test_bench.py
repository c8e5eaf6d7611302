"""The benches measure what they say: frames that are read without loss, a server that keeps its rate and its routes, and
sums that come out."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from websockets.asyncio.client import connect

from bench.frames import BITGET_COINS, COINS, FOUR, arrays, mixed, names, raw, symbols
from bench.ingest import Server, serving
from bench.memory import slope_of
from bench.paint import Heard, delays
from bench.peers.websockets import Fields, groups, read
from bench.report import Claim, table
from bench.spreads import Floor, every_pair
from frmon import spread
from frmon.feeds.venues import all_venues
from frmon.model import Market

PARSERS = {
    v.name: next(s.parse for s in v.streams if s.market is Market.PERP and any("quote" in c.parts for c in s.channels))
    for v in all_venues()
}


def test_every_frame_is_read_as_one_statement_about_its_symbol() -> None:
    frames = list(islice(mixed(FOUR), 3_000))
    for venue, symbol, text in frames:
        kind, [tick] = PARSERS[venue](text.encode())
        assert kind
        assert tick.symbol == symbol
        assert tick.event_ms is not None
        assert {tick.bid, tick.ask, tick.last, tick.mark} != {None}
    shares = Counter(frame.venue for frame in frames)
    assert {venue: pytest.approx(percent, abs=4) for venue, percent in FOUR.items()} == {
        venue: count / 30 for venue, count in shares.items()
    }


def test_the_first_frame_of_a_symbol_with_deltas_is_whole_and_times_rise() -> None:
    seen = set()
    last = 0
    for venue, symbol, text in islice(mixed(FOUR), 3_000):
        _, [tick] = PARSERS[venue](text.encode())
        assert tick.delta is (venue == "bybit" and symbol in seen)
        assert (tick.event_ms or 0) >= last
        last = tick.event_ms or 0
        seen.add(symbol if venue == "bybit" else "")


def test_the_same_seed_gives_the_same_frames() -> None:
    assert list(islice(mixed(FOUR), 100)) == list(islice(mixed(FOUR), 100))
    assert list(islice(mixed(FOUR), 100)) != list(islice(mixed(FOUR, seed=2), 100))


def test_names_are_unique_and_every_venue_has_its_symbols() -> None:
    assert len(set(names())) == COINS
    assert [len(set(symbols(v))) for v in FOUR] == [COINS, COINS, COINS, BITGET_COINS]


def test_all_market_frames_are_read_whole() -> None:
    parse = next(s.parse for v in all_venues() for s in v.streams if s.name == "perp market")
    assert [len(parse(frame)[1]) for frame in arrays(4)] == [COINS] * 4


def test_a_frame_without_its_envelope_is_the_payload() -> None:
    assert raw('{"stream":"x@y","data":{"e":"bookTicker"}}') == '{"e":"bookTicker"}'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.mark.real_time("the server is a process of its own")
@pytest.mark.parametrize("rate", [0, 2_000])
async def test_the_server_sends_every_frame_to_whoever_asked_for_its_symbol(server: Server, rate: int) -> None:
    halves = symbols("okx")[:250], symbols("okx")[250:]
    url = f"ws://127.0.0.1:{server.ports['okx']}"
    async with connect(url, proxy=None) as one, connect(url, proxy=None) as other:
        for line, asked in zip((one, other), halves, strict=True):
            await line.send(" ".join(f'"{symbol}"' for symbol in asked))
        while server.order(do="count")["asked"] < 2:
            pass
        sent = server.order(do="run", shares={"okx": 100}, count=400, rate=rate)
        expected = Counter(frame.symbol in halves[0] for frame in islice(mixed({"okx": 100}), 400))
        heard = {line: [str(await line.recv()) for _ in range(expected[line is one])] for line in (one, other)}
        assert sent["sent"] == 400
        for line, asked in zip((one, other), halves, strict=True):
            assert {PARSERS["okx"](text.encode())[1][0].symbol for text in heard[line]} <= set(asked)
        server.order(do="drop")


def painted(line: int) -> bytes:
    """What a program sends to show its cursor on a line of the table."""
    rows = [f"\x1b[{y + 1};1H\x1b[{44 if y == line else 40}m{'x' * 100}" for y in range(39)]
    return "".join(rows).encode()


def test_a_key_is_painted_when_the_cursor_stands_on_another_line() -> None:
    heard = [Heard(1.0, painted(5)), Heard(2.02, painted(6)), Heard(2.5, painted(6)), Heard(4.5, painted(5))]
    assert list(delays(heard, [2.0, 3.0, 4.25])) == [pytest.approx(0.02), 0.25]


def test_a_steady_leak_is_seen_and_a_flat_line_is_flat() -> None:
    leak = [{"at": float(t), "rss_mb": 100 + t / 60} for t in range(600)]
    flat = [{"at": float(t), "rss_mb": 100.0 + t % 2} for t in range(600)]
    assert slope_of(leak)[0] * 60 == pytest.approx(1.0)
    assert slope_of(flat)[0] == pytest.approx(0.0, abs=1e-9)


def test_the_table_says_what_was_met_and_what_was_missed() -> None:
    rows = table(
        [Claim("figure", "1 µs"), Claim.ratio("half", 1, 2, 0.5), Claim.most("too long", 3, "s", 2)]
    ).splitlines()
    assert [row.split()[-1] for row in rows] == ["µs", "met", "MISSED"]


def test_the_plain_peer_keeps_the_same_numbers_as_frmons_parsers() -> None:
    tables: dict[tuple[str, str], Fields] = {}
    held: dict[tuple[str, str], Fields] = {}
    for venue, symbol, text in islice(mixed(FOUR), 3_000):
        assert read(venue, text, tables) == 1
        [tick] = PARSERS[venue](text.encode())[1]
        known = {"bid": tick.bid, "ask": tick.ask, "last": tick.last, "mark": tick.mark, "volume": tick.volume_usd}
        held.setdefault((venue, symbol), {}).update({name: value for name, value in known.items() if value is not None})
    assert {key: {n: f[n] for n in held[key] if n in f} for key, f in tables.items()} == {
        key: {n: v for n, v in f.items() if n in tables[key]} for key, f in held.items()
    }
    assert all({"bid", "ask"} <= set(fields) for fields in held.values())
    assert sum(len(asked) for asked in groups("bybit")) == COINS


def test_the_dear_way_finds_the_same_best_pair() -> None:
    floor = Floor()
    for _ in range(300):
        row = floor.tick()
        found = spread.best(row, floor.terms, floor.clock.mono(), floor.clock.now_ms())
        best = max(p.gross_pct for p in spread.pairs(row, floor.terms, floor.clock.mono(), floor.clock.now_ms()))
        assert every_pair(floor, row) == best
        assert found is not None
        assert found.gross_pct <= best
