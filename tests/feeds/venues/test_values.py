"""Every value of every frame and reply, spoilt in every way: only what may be raised is raised, what cannot be read is left
out, and nothing else of the frame is read differently because of it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.errors import DecodeError, Notice, Refused
from frmon.feeds.contract import Page, Settled, Venue, Wounded
from frmon.feeds.text import number
from frmon.feeds.venues import all_venues
from frmon.model import EMPTY, Book
from fuzz.checks import check, check_verdict
from fuzz.decoders import Fuzz, main
from fuzz.mutate import VALUES, doubled, leaves, replaced, spoilt, without
from fuzz.targets import Parse, of_replies, of_streams, samples
from tests.feeds.venues.given import MALFORMED, SHARED

VENUES = all_venues()
TARGETS = [(v, name, parse) for v in VENUES for name, parse in (of_streams(v) | of_replies(v)).items()]
each_target = pytest.mark.parametrize(("venue", "name", "parse"), TARGETS, ids=[name for _, name, _ in TARGETS])
TELLING = [one for one in TARGETS if "notices" not in one[1]]  # those that state values
each_telling = pytest.mark.parametrize(("venue", "name", "parse"), TELLING, ids=[name for _, name, _ in TELLING])
each_venue = pytest.mark.parametrize("venue", VENUES, ids=lambda v: v.name)

TIMES = {"event_ms", "next_funding_ms", "on_ms", "off_ms", "at_ms", "time"}
NOTHING = {"null", '""', "0", '"0"'}
"""What venues say where there is nothing: an empty side, no settlement."""
WORDS = {"quarantine", "symbol", "base", "venue", "market", "asset_class", "status"}


class Time(msgspec.Struct):
    time: int


def meant(parse: Parse, raw: bytes) -> object:
    with suppress(DecodeError, Refused, Notice):
        return parse(raw)
    return None


def frames(venue: Venue, parse: Parse) -> dict[str, bytes]:
    """The four samples from which this parser gets most."""
    telling = {name: count for name, raw in samples(venue.name).items() if (count := _weight(meant(parse, raw)))}
    best = sorted(telling, key=lambda name: (-telling[name], name))[:4]
    return {name: samples(venue.name)[name] for name in best}


def _weight(found: object) -> int:
    """How much was read; nothing where a symbol is told of more than once, for which word counts is not asked here."""
    ticks = found[1] if isinstance(found, tuple) else found
    if isinstance(ticks, (list, tuple)) and len(ticks) > len(items(found)):
        return 0
    return sum(value is not None for one in items(found).values() for value in fields(one).values())


def items(found: object) -> dict[str, Any]:
    """What was read, by symbol."""
    if isinstance(found, Page):
        return {listing.symbol: listing for listing in found.listings}
    if isinstance(found, Book):
        return {"": found}
    if isinstance(found, int):
        return {"": Time(found)}
    ticks = found[1] if isinstance(found, tuple) else found
    return {_name(one): one for one in ticks} if isinstance(ticks, (list, tuple)) else {}


def _name(one: Any) -> str:
    return f"{one.symbol} {one.at_ms}" if isinstance(one, Settled) else str(one.symbol)


def fields(one: Any) -> dict[str, Any]:
    return {f: getattr(one, f) for f in one.__struct_fields__}


def told(raw: bytes) -> set[float]:
    """Every number that a frame says."""
    found = set()
    for path in leaves(json.loads(raw)):
        value = json.loads(raw)
        for key in path:
            value = value[key]
        if not isinstance(value, (dict, list)) and (n := number(value)) is not None:
            found.add(n)
    return found


def is_wrong(field: str, was: object, now: object, value: str, numbers: set[float]) -> bool:
    """Whether a field is read as something that the frame does not say: neither what it was, nor unknown, nor (for a value
    that is a plain number, or nothing) what the value says."""
    if now == was or now is None:
        return False
    if field in {"bid", "ask", "next_funding_ms"} and now == EMPTY:
        return value not in {*NOTHING, "[]", "1.5e-400"}
    if value == '[["1","2"]]' and field in {"bid", "ask", "bid_size", "ask_size", "bids", "asks"}:
        return False  # a side of a book that says so
    if field in {"bids", "asks"} and value == "[]":
        return False
    if field in TIMES:
        return now not in numbers
    if field in WORDS or field in {"delta", "seq"}:
        return False
    try:
        return number(json.loads(value)) is None
    except (ValueError, RecursionError):
        return True


@each_telling
def test_a_spoilt_value_is_left_out_and_all_else_stays(venue: Venue, name: str, parse: Parse) -> None:
    found = frames(venue, parse)
    assert found, "no sample for this parser"
    for sample, raw in found.items():
        before, numbers = items(meant(parse, raw)), told(raw)
        for path in leaves(json.loads(raw)):
            for value in VALUES:
                after = items(check(parse, replaced(raw, path, value)))
                compare(before, after, value, numbers, (sample, path))
                if is_json(value) and any(isinstance(key, int) for key in path):
                    assert len(before.keys() - after.keys()) <= 1 or not after, (sample, path, value[:40])
            compare(before, items(check(parse, without(raw, path))), "[]", numbers, (sample, path))


def is_json(value: str) -> bool:
    """Whether a decoder can read past it: JSON that is not too deep."""
    return value not in {"NaN", "Infinity"} and not value.startswith("[[[")


def compare(
    before: dict[str, Any], after: dict[str, Any], value: str, numbers: set[float], where: tuple[str, tuple[Any, ...]]
) -> None:
    touched = 0
    for symbol in before.keys() & after.keys():
        was, now = fields(before[symbol]), fields(after[symbol])
        wrong = [f for f in was if is_wrong(f, was[f], now[f], value, numbers)]
        assert not wrong, (where, value[:40], symbol, wrong, after[symbol])
        touched += was != now
    if any(isinstance(key, int) for key in where[1]):
        assert touched <= 1, (where, value[:40], "other rows changed")


@each_target
@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: ascii(raw[:16]))
def test_what_is_no_json_is_unreadable(venue: Venue, name: str, parse: Parse, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        check_raises(parse, raw)


def check_raises(parse: Parse, raw: bytes) -> None:
    check(parse, raw)
    parse(raw)


@each_target
def test_a_truncated_frame_is_unreadable(venue: Venue, name: str, parse: Parse) -> None:
    for raw in frames(venue, parse).values():
        for cut in range(1, len(raw), max(1, len(raw) // 97)):
            with pytest.raises(DecodeError):
                check_raises(parse, raw[:cut])


@each_target
@settings(max_examples=60, deadline=None)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_any_change_at_all_does_no_harm(
    venue: Venue, name: str, parse: Parse, data: st.DataObject, random: Any
) -> None:
    known = sorted(samples(venue.name).items())
    _, raw = data.draw(st.sampled_from(known), "sample")
    for _ in range(data.draw(st.integers(1, 4), "changes")):
        raw = spoilt(raw, random)
    check(parse, raw)


@each_target
@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes_do_no_harm(venue: Venue, name: str, parse: Parse, raw: bytes) -> None:
    check(parse, raw)


@each_target
def test_a_name_that_is_said_twice_does_no_harm(venue: Venue, name: str, parse: Parse) -> None:
    for raw in frames(venue, parse).values():
        for path in leaves(json.loads(raw)):
            check(parse, doubled(raw, path, '"NaN"'))


@each_venue
@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), status=st.integers(100, 599))
def test_any_answer_has_a_clean_verdict(venue: Venue, body: bytes, status: int) -> None:
    check_verdict(venue, status, body)


def test_what_the_fuzzer_found_stays_mended() -> None:
    """A price step with an exponent escaped as ValueError and lost the list; an index of 40 letters became a longer swap."""
    bitget = next(v for v in VENUES if v.name == "bitget")
    perp = next(d for d in bitget.directories if d.market == "perp")
    raw = samples("bitget")["rest_contracts"]
    for step in ('"1e18"', '"1e-300"', '"123456789"'):
        page = check(perp.parse, replaced(raw, ("data", 0, "priceEndStep"), step))
        assert isinstance(page, Page)
        assert len(page.listings) == len(perp.parse(raw).listings)
    okx = next(v for v in VENUES if v.name == "okx")
    index = next(s for s in okx.snapshots if s.kind == "index")
    name = json.dumps("A" * 35 + "-USDT")
    assert check(index.parse, replaced(samples("okx")["replies indexes"], ("data", 0, "instId"), name)) is not None


def test_the_fuzzer_runs_without_its_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plain", "--seconds", "0.3", "--seed", "5", "--corpus", str(tmp_path)]) == 0
    assert "seed 5" in capsys.readouterr().out


def test_the_fuzzer_keeps_what_made_a_decoder_fail(tmp_path: Path) -> None:
    def broken(raw: bytes) -> object:
        raise KeyError(raw)

    fuzz = Fuzz("okx", tmp_path)
    fuzz.targets = [[("okx broken", broken)]]
    with pytest.raises(KeyError):
        fuzz.one(b"\x00{}")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"\x00{}"]


UNREAD = ['"NaN"', "true", "[]", '"1_000"', "1e999", "-1"]


@each_venue
@pytest.mark.parametrize("value", UNREAD)
def test_what_could_not_be_read_is_named(venue: Venue, value: str) -> None:
    """A spoilt price is told by its name on the wire, on streams and in replies."""
    named = set()
    for parse in [*of_streams(venue).values(), *(s.parse for s in venue.snapshots)]:
        for raw in frames(venue, parse).values():
            ask = {"askPx", "ask1Price", "askPr", "a", "askPrice", "markPx", "markPrice", "p", "idxPx", "fundingRate"}
            for path in leaves(json.loads(raw)):
                if path[-1] not in ask or not isinstance(_at(raw, path), str):
                    continue
                news = unread(check(parse, replaced(raw, path, value))) - unread(meant(parse, raw))
                assert set(news) <= {path[-1]}
                named |= set(news)
    assert len(named) >= 2


def unread(found: object) -> Counter[str]:
    ticks = found[1] if isinstance(found, tuple) else found
    return Counter(ticks.unread if isinstance(ticks, Wounded) else ())


def _at(raw: bytes, path: tuple[Any, ...]) -> object:
    value = json.loads(raw)
    for key in path:
        value = value[key]
    return value


@pytest.mark.shared
@each_venue
def test_nothing_of_what_venues_really_sent_is_unread(venue: Venue) -> None:
    count = 0
    for raw in _real(venue):
        for parse in [*of_streams(venue).values(), *of_replies(venue).values()]:
            with suppress(DecodeError, Refused, Notice):
                found = parse(raw)
                assert not items(found) or not unread(found), (unread(found), raw[:200])
                count += bool(items(found))
    assert count > 3


def _real(venue: Venue) -> Iterator[bytes]:
    folder = SHARED / "protocols" / venue.name / "frames"
    if not folder.exists():
        pytest.skip("no recordings beside the checkout")
    for file in sorted(folder.glob("*.json")):
        said = json.loads(file.read_bytes())
        yield file.read_bytes()
        inner = said if isinstance(said, list) else said.values() if isinstance(said, dict) else ()
        yield from (json.dumps(one).encode() for one in inner if isinstance(one, dict))
