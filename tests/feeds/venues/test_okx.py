"""OKX: what its frames say, how it is asked, what its refusals mean."""

import json

import pytest

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.venues.okx import VENUE
from frmon.model import EMPTY, Tick
from tests.feeds.venues.given import HOSTILE_VALUES, MALFORMED, ODD, is_sane, leaves, with_value, without
from tests.feeds.venues.okx_given import DATA_FRAMES, NOTICES, PERP, SPOT, STREAMS, args, frame, harmless, hear, refused


def test_a_spot_ticker_tells_quote_last_and_turnover() -> None:
    tick = Tick(
        symbol="WIF-USDT",
        event_ms=1795325580077,
        bid=0.8082,
        ask=0.8084,
        bid_size=653.5,
        ask_size=250.25,
        last=0.8083,
        volume_usd=903124.05,
    )
    assert hear("spot ticker") == ("ticker", [tick])


def test_a_swap_ticker_counts_turnover_in_coins_and_sizes_in_contracts() -> None:
    tick = Tick(
        symbol="WIF-USDT-SWAP", event_ms=1795325580177, bid=0.8083, ask=0.8085, last=0.8, volume_usd=4_000_000.0
    )
    assert hear("swap ticker") == ("ticker", [tick])


def test_empty_text_is_an_empty_side_and_an_unreadable_one_is_not_mentioned() -> None:
    tick = Tick(symbol="THIN-USDT", event_ms=1795325580277, bid=0.4, ask=EMPTY, bid_size=3.0, last=0.5)
    assert hear("one-sided") == ("ticker", [tick])
    for bad in ("null", '"NaN"', '"-1"', "[]"):
        _, (read,) = SPOT.parse(with_value(frame("one-sided"), ("data", 0, "askPx"), bad))
        assert (read.bid, read.ask, read.last) == (0.4, None, 0.5)


def test_other_channels_of_an_instrument_are_read_too() -> None:
    funding = Tick(
        symbol="WIF-USDT-SWAP",
        event_ms=1795325580915,
        funding_rate=-0.0000263463215391,
        funding_interval_h=4.0,
        next_funding_ms=1795334400000,
        settled_rate=0.0000341625964238,
    )
    assert hear("funding") == ("funding", [funding])
    assert hear("mark") == ("mark", [Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580300, mark=0.8086)])
    assert hear("index") == ("index", [Tick(symbol="WIF-USDT-SWAP", event_ms=1795325580301, index=0.8087)])


def test_inverse_instruments_show_life_but_make_no_tick() -> None:
    assert hear("inverse") == ("ticker", [])


@pytest.mark.parametrize(
    "name",
    ["ack", "unack", "book", "other notice", "maintenance scheduled", "maintenance of bots", "maintenance of demo"],
)
def test_what_is_no_data_says_nothing(name: str) -> None:
    assert hear(name) == ("", [])


def test_a_pong_says_nothing() -> None:
    assert SPOT.parse(b"pong") == ("", ())
    assert {s.ping for s in VENUE.streams} == {b"ping"}
    assert all(s.ping_every_s < 30 for s in VENUE.streams)


def test_a_refusal_names_instrument_and_request() -> None:
    why = refused("no such instrument")
    assert (why.symbol, why.topic, why.request, why.closing) == ("NOPE-USDT", "tickers", "12", False)
    assert why.why.startswith("60018 Subscribe failed")
    assert SPOT.refusal_voids_ask


def test_a_refusal_for_haste_names_nothing() -> None:
    why = refused("too frequent")
    assert (why.why, why.symbol, why.request, why.closing) == ("60014 Requests too frequent", None, None, False)


def test_a_refusal_with_hostile_text_is_clean() -> None:
    told = STREAMS["no such instrument"] | {"msg": "channel:tickers,instId:\x1b[2J\u202e doesn't exist\n", "id": [1]}
    with pytest.raises(Refused) as caught:
        SPOT.parse(json.dumps(told).encode())
    assert (caught.value.symbol, caught.value.request) == (None, None)
    assert caught.value.why.isprintable()


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("upgrade", "shutdown", "The connection will soon be closed for a service upgrade. Please reconnect."),
        ("instruments", "listing", "instruments changed"),
        ("maintenance", "maintenance", "Spot trading upgrade"),
    ],
)
def test_announcements_are_notices(name: str, kind: str, text: str) -> None:
    with pytest.raises(Notice) as caught:
        NOTICES.parse(frame(name))
    assert (caught.value.kind, caught.value.text) == (kind, text)


@pytest.mark.parametrize("name", DATA_FRAMES)
def test_hostile_values_in_frames_harm_nothing(name: str) -> None:
    raw = frame(name)
    for path in leaves(STREAMS[name]):
        for bad in [with_value(raw, path, value) for value in HOSTILE_VALUES] + [without(raw, path)]:
            assert all(map(is_sane, harmless(bad)))


@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: repr(raw[:12]))
def test_what_is_no_json_is_one_clean_error(raw: bytes) -> None:
    reads = [SPOT.parse, VENUE.server_times[0].parse]
    reads += [d.parse for d in VENUE.directories] + [s.parse for s in VENUE.snapshots]
    for read in reads:
        with pytest.raises(DecodeError) as caught:
            read(raw)
        assert 0 < len(str(caught.value)) <= 80
        assert str(caught.value).isprintable()


def test_bytes_that_are_no_text_are_unreadable_wherever_they_stand() -> None:
    with pytest.raises(DecodeError):
        SPOT.parse(b'{"unknown":"\xff"}')


@pytest.mark.parametrize("raw", ODD, ids=lambda raw: repr(raw[:20]))
def test_json_that_says_nothing_makes_no_tick(raw: bytes) -> None:
    assert harmless(raw) == []


def test_every_symbol_is_asked_once_100_at_a_time() -> None:
    symbols = [f"C{i}-USDT-SWAP" for i in range(249)] + ["牛" * 30 + "-USDT"]
    asks = PERP.ask(symbols, 5)
    assert [a.request for a in asks] == ["5", "6", "7"]
    assert [len(args(a)) for a in asks] == [100, 100, 50]
    assert [s for a in asks for s in a.symbols] == symbols
    assert [one for a in asks for one in args(a)] == [{"channel": "tickers", "instId": s} for s in symbols]
    assert max(len(a.frame) for a in asks) < 65_536
    assert PERP.symbols_per_line == 250


def test_what_was_asked_can_be_unasked() -> None:
    assert PERP.unask is not None
    (unask,) = PERP.unask(["WIF-USDT-SWAP"], 9)
    assert json.loads(unask.frame) == {
        "id": "9",
        "op": "unsubscribe",
        "args": [{"channel": "tickers", "instId": "WIF-USDT-SWAP"}],
    }


def test_notices_are_asked_in_one_frame() -> None:
    (ask,) = NOTICES.ask((), 0)
    assert [one["channel"] for one in args(ask)] == ["instruments", "instruments", "status"]
    assert not NOTICES.per_symbol
