"""What the contract demands of any venue. Venues are found by being there: nothing here names one."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.errors import DecodeError, VenueError
from frmon.feeds.contract import Page, Past, Request, Stream, Venue
from frmon.feeds.text import is_symbol
from frmon.feeds.venues import all_venues
from frmon.model import Market, Status
from tests.feeds.venues.given import (
    HOSTILE_VALUES,
    MALFORMED,
    ODD,
    PARTS,
    SAMPLES,
    SHARED,
    each,
    is_sane,
    leaves,
    stated_parts,
    with_value,
)

VENUES = all_venues()
STREAMS = [(v, s) for v in VENUES for s in v.streams]
REPLIES: list[tuple[str, Callable[[bytes], object]]] = [
    *((f"{v.name} {d.market} list", d.parse) for v in VENUES for d in v.directories),
    *((f"{v.name} {s.market} {s.kind}", s.parse) for v in VENUES for s in v.snapshots),
    *((f"{v.name} {h.market} settlements", h.parse) for v in VENUES for h in v.funding_histories),
    *((f"{v.name} time", t.parse) for v in VENUES for t in v.server_times),
]
KINDS = {"book", "ticker", "mark", "index", "funding", "interval"}

each_venue = pytest.mark.parametrize("venue", VENUES, ids=lambda v: v.name)
each_stream = pytest.mark.parametrize(("venue", "stream"), STREAMS, ids=[f"{v.name} {s.name}" for v, s in STREAMS])
each_reply = pytest.mark.parametrize("parse", [p for _, p in REPLIES], ids=[name for name, _ in REPLIES])
SYMBOLS = st.lists(
    st.text(st.sampled_from("ABCXYZ0189龙虾人生"), min_size=1, max_size=20).map(lambda base: base + "USDT"),
    unique=True,
    max_size=150,
)


def requests(venue: Venue) -> list[Request]:
    return [
        *(d.request for d in venue.directories),
        *(s.request for s in venue.snapshots),
        *(t.request for t in venue.server_times),
        *(h.request(Past("币安人生&a=USDT", 1, 2)) for h in venue.funding_histories),
    ]


def frames(venue: Venue) -> Iterator[bytes]:
    """Sample frames of a venue: our own, and the real ones where they are."""
    places = [(SAMPLES / venue.name, "ws_*.json"), (SHARED / "protocols" / venue.name / "frames", "*ws_*.json")]
    for folder, pattern in places:
        for file in sorted(folder.glob(pattern)):
            yield from each(file.read_bytes())


def test_there_are_venues_with_names_of_their_own() -> None:
    assert len(VENUES) >= 4
    for names in ([v.name for v in VENUES], [v.code for v in VENUES], [v.title for v in VENUES]):
        assert max(Counter(names).values()) == 1


@each_venue
def test_it_has_a_name_a_tag_and_fees(venue: Venue) -> None:
    assert (venue.name, venue.code) == (venue.name.lower(), venue.code.upper())
    assert venue.name.isalnum()
    assert len(venue.code) == 2
    assert all(0 <= fee < 0.01 for fee in (venue.taker_fee_spot, venue.taker_fee_perp))


@each_venue
def test_its_endpoints_are_scheme_host_and_port(venue: Venue) -> None:
    for name, base in venue.endpoints.items():
        parts = urlsplit(base)
        assert parts.scheme == ("wss" if name.endswith("ws") else "https")
        assert parts.hostname
        assert base == f"{parts.scheme}://{parts.netloc}"
        assert "@" not in parts.netloc


@each_venue
def test_its_requests_go_to_its_endpoints_and_cost_by_its_rules(venue: Venue) -> None:
    limits = {rule.name: rule.limit for rule in venue.rules}
    for request in requests(venue):
        assert venue.endpoints[request.endpoint].startswith("https://")
        assert request.path.startswith("/")
        assert not set("?# \n") & set(request.path + request.query)
        assert request.costs
        assert all(0 < units <= limits[name] for name, units in request.costs)


@each_venue
def test_its_rules_have_names_of_their_own(venue: Venue) -> None:
    for rules in (venue.rules, *((*s.ask_rules, *s.subscribe_rules) for s in venue.streams)):
        assert all(rule.limit > 0 and rule.window_s > 0 for rule in rules)
        assert len({rule.name for rule in rules}) == len(rules)


@each_venue
def test_it_lists_and_quotes_both_markets(venue: Venue) -> None:
    assert {d.market for d in venue.directories} == {Market.SPOT, Market.PERP}
    for market in Market:
        swept = {part for s in venue.snapshots if s.market is market for part in s.parts}
        streamed = {part for s in venue.streams if s.market is market for c in s.channels for part in c.parts}
        assert {"quote", "last", "turnover"} <= swept
        assert {"quote", "last"} <= swept | streamed
        assert market is Market.SPOT or {"ref", "funding"} <= swept


@each_venue
def test_its_snapshots_say_kind_parts_and_cadence(venue: Venue) -> None:
    for snapshot in venue.snapshots:
        assert snapshot.kind in KINDS
        assert set() < snapshot.parts <= PARTS.keys()
        assert all(cadence is None or cadence >= 1.0 for cadence in (snapshot.every_s, snapshot.cover_s))


@each_venue
def test_its_streams_have_names_and_kinds_of_their_own(venue: Venue) -> None:
    names = [stream.name for stream in venue.streams]
    assert len(set(names)) == len(names)
    limits = {rule.name: rule.limit for rule in venue.rules}
    for stream in venue.streams:
        kinds = [channel.kind for channel in stream.channels]
        assert len(set(kinds)) == len(kinds)
        assert "" not in kinds
        assert all(channel.parts <= PARTS.keys() for channel in stream.channels)
        assert venue.endpoints[stream.endpoint].startswith("wss://")
        assert stream.path.startswith("/")
        assert stream.connect_costs
        assert all(0 < units <= limits[name] for name, units in stream.connect_costs)


@each_venue
def test_its_aliases_name_coins_once(venue: Venue) -> None:
    for told, coin in venue.aliases.items():
        name = told.split(":", 1)[1] if told.startswith(("perp:", "spot:")) else told
        assert is_symbol(name)
        assert is_symbol(coin)
        assert name != coin


@each_stream
@given(symbols=SYMBOLS, first=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_every_symbol_is_asked_exactly_once(venue: Venue, stream: Stream, symbols: list[str], first: int) -> None:
    if not stream.per_symbol:
        symbols = []
    for ask in (stream.ask, stream.unask or stream.ask):
        asks = ask(symbols, first)
        assert [symbol for one in asks for symbol in one.symbols] == symbols
        assert asks or stream.per_symbol
        assert len({one.request for one in asks}) == len(asks)
        assert asks == ask(symbols, first)
        for one in asks:
            told = json.dumps(json.loads(one.frame), ensure_ascii=False).lower()
            assert all(f"{symbol.lower()}" in told for symbol in one.symbols)


@each_stream
def test_request_ids_are_never_used_twice(venue: Venue, stream: Stream) -> None:
    symbols = [f"C{i}USDT" for i in range(stream.symbols_per_line)] if stream.per_symbol else []
    first = stream.ask(symbols, 1)
    second = stream.ask(symbols, 1 + len(first))
    assert not {one.request for one in first} & {one.request for one in second}


@each_stream
def test_a_full_line_keeps_every_limit(venue: Venue, stream: Stream) -> None:
    symbols = [f"1000COIN{i:03}USDT" for i in range(stream.symbols_per_line)] if stream.per_symbol else []
    asks = stream.ask(symbols, 1)
    assert all(len(asks) <= rule.limit for rule in stream.subscribe_rules)
    assert all(len(one.frame) <= 64 * 1024 for one in asks)
    assert stream.line_chars is None or sum(map(stream.topic_chars, symbols)) <= stream.line_chars
    assert stream.symbols_at_most >= stream.symbols_per_line


@each_stream
@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: ascii(raw[:16]))
def test_a_malformed_frame_is_one_short_error(venue: Venue, stream: Stream, raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        stream.parse(raw)
    assert 0 < len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@each_reply
@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: ascii(raw[:16]))
def test_a_malformed_reply_is_one_short_error(parse: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        parse(raw)
    assert 0 < len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@each_stream
@pytest.mark.parametrize("raw", ODD, ids=lambda raw: ascii(raw[:32]))
def test_json_that_says_nothing_brings_no_ticks(venue: Venue, stream: Stream, raw: bytes) -> None:
    try:
        assert list(stream.parse(raw)[1]) == []
    except DecodeError as error:
        assert str(error).isprintable()  # noqa: PT017  either is right


@each_reply
@pytest.mark.parametrize("raw", ODD, ids=lambda raw: ascii(raw[:32]))
def test_a_reply_that_says_nothing_brings_nothing(parse: Callable[[bytes], object], raw: bytes) -> None:
    try:
        found = parse(raw)
    except DecodeError:
        found = []
    assert list(found.listings if isinstance(found, Page) else found) == []  # type: ignore[call-overload]


@each_stream
@given(
    raw=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: json.dumps({"data": text, text: [text]}).encode())
)
@settings(max_examples=50, deadline=None)
def test_noise_does_no_harm(venue: Venue, stream: Stream, raw: bytes) -> None:
    try:
        assert list(stream.parse(raw)[1]) == []
    except DecodeError as error:
        assert str(error).isprintable()  # noqa: PT017  either is right


@each_stream
def test_pongs_are_no_data(venue: Venue, stream: Stream) -> None:
    assert stream.ping is None or stream.ping_every_s <= 25
    if stream.ping == b"ping":
        assert stream.parse(b"pong") == ("", ())


@each_stream
def test_frames_are_heard_on_the_channels_that_were_named(venue: Venue, stream: Stream) -> None:
    """Frames of the venue's other streams may be read as what they are there."""
    parts = {channel.kind: channel.parts for channel in stream.channels}
    known = {channel.kind for other in venue.streams for channel in other.channels}
    for raw in frames(venue):
        try:
            kind, ticks = stream.parse(raw)
        except VenueError:
            continue
        assert kind in known or (kind == "" and not ticks)
        assert all(is_sane(tick) for tick in ticks)
        assert not parts.get(kind) or all(stated_parts(tick) <= parts[kind] for tick in ticks)


@each_stream
@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=lambda value: ascii(value[:16]))
def test_no_value_anywhere_does_harm(venue: Venue, stream: Stream, value: str) -> None:
    for raw in [raw for raw in frames(venue) if len(raw) < 2_000][:12]:
        for path in leaves(json.loads(raw)):
            try:
                kind, ticks = stream.parse(with_value(raw, path, value))
            except VenueError as error:
                assert str(error).isprintable()  # noqa: PT017  both are right
                continue
            assert kind or not ticks
            assert all(is_sane(tick) for tick in ticks)


@each_venue
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 504, 520])
@pytest.mark.parametrize("body", [b"", b"<html>\x1b[2J", b'{"code":"x"}', b"\xff" * 5000, b"[" * 5000])
def test_a_refusing_answer_has_a_status_and_a_clean_reason(venue: Venue, status: int, body: bytes) -> None:
    verdict = venue.verdict(status, {}, body)
    assert verdict is not None
    assert Status(verdict.status) in {Status.RECONNECT, Status.BANNED, Status.BLOCKED, Status.MAINT}
    assert verdict.retry_s is None or verdict.retry_s > 0
    assert verdict.why.isprintable()
    assert 0 < len(verdict.why) < 200


@each_venue
def test_a_ban_lasts_as_long_as_the_venue_says(venue: Venue) -> None:
    waits = [venue.verdict(429, {"retry-after": told}, b"") for told in ("120", "soon", "-5", "nan")]
    assert [w.status for w in waits if w is not None] == ["BANNED"] * 4
    told, *unsaid = [w.retry_s for w in waits if w is not None]
    assert told == 120
    assert all(one is not None and 0 < one <= 600 for one in unsaid)
    assert len(set(unsaid)) == 1
    block = venue.verdict(451, {}, b"")
    assert block is not None
    assert (block.status, block.retry_s is not None and block.retry_s >= 600) == ("BLOCKED", True)


@each_venue
def test_an_answer_is_an_answer(venue: Venue) -> None:
    assert [venue.verdict(200, {}, body) for body in (b"", b"{}", b"[]")] == [None] * 3
