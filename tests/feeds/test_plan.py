"""Which lines are needed, and what is asked again."""

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frmon.errors import Refused
from frmon.feeds.contract import Ask, Heard, Stream, Venue
from frmon.feeds.plan import Change, LinePlan, after_refusal, lines, prefer, rebalance
from frmon.feeds.venues import all_venues
from frmon.model import Market


def ask(symbols: Sequence[str], first: int) -> Sequence[Ask]:
    return [
        Ask(",".join(symbols[i : i + 10]).encode(), str(first + i), tuple(symbols[i : i + 10]))
        for i in range(0, len(symbols), 10)
    ]


def parse(raw: bytes) -> Heard:
    return "", []


SPOT = Stream(name="spot", market=Market.SPOT, endpoint="ws", path="/", channels=(), ask=ask, parse=parse)
WHOLE = msgspec.structs.replace(SPOT, name="perp market", per_symbol=False)
VOIDING = msgspec.structs.replace(SPOT, refusal_voids_ask=True)


def small(per_line: int, chars: int | None = None, at_most: int = 100_000) -> Stream:
    return msgspec.structs.replace(SPOT, symbols_per_line=per_line, line_chars=chars, symbols_at_most=at_most)


def names(count: int) -> list[str]:
    return [f"C{i:04}USDT" for i in range(count)]


def after(current: Sequence[Collection[str]], changes: Sequence[Change]) -> list[set[str]]:
    """The lines once the changes are made."""
    result = [set(line) for line in current]
    for change in changes:
        assert change.line <= len(result)
        if change.line == len(result):
            result.append(set())
        assert result[change.line] >= set(change.leave)
        assert not result[change.line] & set(change.join)
        result[change.line] = (result[change.line] - set(change.leave)) | set(change.join)
    return result


def test_260_symbols_at_250_a_line_are_two_lines_of_130() -> None:
    plans = lines("okx", SPOT, set(names(260)))
    assert [p.name for p in plans] == ["okx spot 1", "okx spot 2"]
    assert [len(p.symbols) for p in plans] == [130, 130]
    assert [s for p in plans for s in p.symbols] == names(260)


def test_no_symbols_need_no_line() -> None:
    assert lines("okx", SPOT, []) == []
    assert rebalance([], SPOT, []) == []


def test_a_stream_of_a_whole_market_is_one_line_without_symbols() -> None:
    assert lines("binance", WHOLE, names(700)) == [LinePlan("binance perp market 1", ())]
    assert rebalance([], WHOLE, names(700)) == [Change(0)]
    assert rebalance([set()], WHOLE, names(701)) == []


def test_the_length_of_topics_splits_lines_too() -> None:
    plans = lines("bybit", small(250, chars=1_000), names(260))  # nine characters each
    assert len(plans) == 3
    assert all(sum(map(len, p.symbols)) <= 1_000 for p in plans)


def test_topics_that_are_longer_than_names_count_with_their_length() -> None:
    stream = msgspec.structs.replace(small(250, chars=100), topic_chars=lambda s: 2 * len(s) + 20)
    assert [len(p.symbols) for p in lines("bybit", stream, names(4))] == [2, 2]


def test_beyond_the_stream_s_most_the_first_of_the_sequence_are_taken() -> None:
    plans = lines("bitget", small(2, at_most=3), ["D", "A", "D", "C", "B"])
    assert [p.symbols for p in plans] == [("A",), ("C", "D")]
    assert [p.symbols for p in lines("bitget", small(9, at_most=2), {"D", "A", "C"})] == [("A", "C")]


def test_a_new_symbol_joins_the_emptiest_line_and_no_other_is_touched() -> None:
    current = [{"A", "B", "C"}, {"D"}, {"E", "F"}]
    wanted = ["A", "B", "C", "D", "E", "F", "NEW"]
    assert rebalance(current, small(3), wanted) == [Change(1, (), ("NEW",))]


def test_a_new_line_is_opened_only_when_all_are_full() -> None:
    current = [{"A", "B"}, {"C"}]
    changes = rebalance(current, small(2), ["A", "B", "C", "D", "E", "F", "G"])
    assert changes == [Change(1, (), ("D",)), Change(2, (), ("E", "F")), Change(3, (), ("G",))]


def test_who_is_gone_leaves_only_its_own_line_and_makes_room() -> None:
    current = [{"A", "B"}, {"C", "D"}]
    assert rebalance(current, small(2), ["B", "C", "D"]) == [Change(0, ("A",))]
    assert rebalance(current, small(2), ["B", "C", "D", "E"]) == [Change(0, ("A",), ("E",))]


def test_a_symbol_on_two_lines_leaves_the_second() -> None:
    assert rebalance([{"A"}, {"A", "B"}], SPOT, ["A", "B"]) == [Change(1, ("A",))]


symbol_sets = st.sets(st.sampled_from(names(60)))


@given(symbol_sets, symbol_sets, st.integers(1, 20), st.integers(9, 120))
def test_after_any_change_every_symbol_is_on_one_line_within_limits(
    before: set[str], wanted: set[str], per_line: int, chars: int
) -> None:
    stream = small(per_line, chars)
    current = [set(p.symbols) for p in lines("okx", stream, before)]
    changes = rebalance(current, stream, wanted)
    result = after(current, changes)
    assert Counter(s for line in result for s in line) == Counter(wanted)
    assert all(len(line) <= per_line and sum(map(len, line)) <= chars for line in result)
    for change in changes:
        assert change.leave or change.join
    assert rebalance(result, stream, wanted) == []


@given(symbol_sets, symbol_sets, st.integers(1, 20))
def test_symbols_never_move_between_lines(before: set[str], wanted: set[str], per_line: int) -> None:
    current = [set(p.symbols) for p in lines("okx", small(per_line), before)]
    for change in rebalance(current, small(per_line), wanted):
        assert not set(change.leave) & wanted
        assert not set(change.join) & before


@given(symbol_sets, st.integers(1, 20))
def test_lines_do_not_depend_on_the_order_of_symbols(symbols: set[str], per_line: int) -> None:
    ordered = lines("okx", small(per_line), sorted(symbols))
    assert (
        ordered
        == lines("okx", small(per_line), sorted(symbols, reverse=True))
        == lines("okx", small(per_line), symbols)
    )
    sizes = [len(p.symbols) for p in ordered]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_a_named_culprit_is_dropped_and_the_rest_asked_again_where_the_frame_is_void() -> None:
    refused = Refused("handler not found", symbol="B", request="1")
    assert after_refusal(VOIDING, ("A", "B", "C"), refused) == ([("A", "C")], ["B"])
    assert after_refusal(SPOT, ("A", "B", "C"), refused) == ([], ["B"])
    assert after_refusal(VOIDING, ("B",), refused) == ([], ["B"])


def test_a_culprit_is_known_in_whatever_case_the_venue_writes_it() -> None:
    assert after_refusal(SPOT, ("abc", "def"), Refused("no", symbol="ABC")) == ([], ["abc"])


def test_a_duplicate_is_live_and_only_the_rest_is_asked_again() -> None:
    refused = Refused("already subscribed", symbol="B", duplicate=True)
    assert after_refusal(VOIDING, ("A", "B"), refused) == ([("A",)], [])
    assert after_refusal(VOIDING, ("B",), Refused("already subscribed", duplicate=True)) == ([], [])


def test_an_unknown_culprit_is_found_by_halves() -> None:
    assert after_refusal(VOIDING, tuple("ABCDE"), Refused("no")) == ([("A", "B"), ("C", "D", "E")], [])
    assert after_refusal(SPOT, ("A",), Refused("no")) == ([], ["A"])
    assert after_refusal(SPOT, (), Refused("no")) == ([], [])


def test_a_refusal_of_somebody_else_s_symbol_rejects_nobody() -> None:
    assert after_refusal(VOIDING, ("A", "B"), Refused("no", symbol="Z")) == ([], [])
    assert after_refusal(VOIDING, ("A", "B"), Refused("no", symbol="Z", request="7")) == ([("A",), ("B",)], [])


def test_on_a_closing_line_nothing_is_asked_again() -> None:
    assert after_refusal(VOIDING, ("A", "B"), Refused("no", symbol="A", closing=True)) == ([], ["A"])
    assert after_refusal(VOIDING, ("A", "B"), Refused("too many", closing=True)) == ([], [])
    assert after_refusal(VOIDING, ("A",), Refused("too many", closing=True)) == ([], [])


@given(st.sets(st.sampled_from(names(40)), min_size=1), st.data(), st.booleans(), st.booleans())
def test_asking_again_ends_with_exactly_the_culprits_rejected(
    symbols: set[str], data: st.DataObject, is_named: bool, voids: bool
) -> None:
    bad = data.draw(st.sets(st.sampled_from(sorted(symbols))))
    stream = VOIDING if voids else SPOT
    open_groups, live, rejected = [tuple(sorted(symbols))], set[str](), set[str]()
    frames = 0
    while open_groups:
        group = open_groups.pop()
        frames += 1
        culprits = sorted(bad & set(group))
        if not culprits:
            live |= set(group)
            continue
        if not voids:
            live |= set(group) - bad
        for culprit in culprits if is_named and not voids else culprits[:1]:
            refused = Refused("no", symbol=culprit if is_named else None)
            again, out = after_refusal(stream, group, refused)
            open_groups += again
            rejected |= set(out)
    assert rejected == bad
    assert live == symbols - bad
    assert frames <= 2 * len(symbols)


BASES = ["BTC", "1000PEPE", "1000000BABYDOGE", "0G", "币安人生", "A" * 24]
FRAME_BYTES = {"okx": 65_536, "bitget": 4_096, "bybit": 21_000}  # as the protocol pages say


def listed(venue: Venue, stream: Stream, count: int) -> list[str]:
    """Names as this venue writes them."""
    dash = "-" if venue.name == "okx" else ""
    tail = f"{dash}USDT{'-SWAP' if dash and stream.market is Market.PERP else ''}"
    return [f"{BASES[i % len(BASES)]}{i}{tail}" for i in range(count)]


@pytest.mark.parametrize("venue", all_venues(), ids=lambda v: v.name)
@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 900))
def test_every_venue_is_asked_for_every_symbol_once_within_its_limits(venue: Venue, count: int) -> None:
    for stream in venue.streams:
        symbols = listed(venue, stream, min(count, stream.symbols_at_most))
        plans = lines(venue.name, stream, symbols)
        assert len({p.name for p in plans}) == len(plans)
        asked: Counter[str] = Counter()
        for plan in plans:
            frames = stream.ask(plan.symbols, 1)
            asked.update(s for frame in frames for s in frame.symbols)
            assert len(plan.symbols) <= stream.symbols_per_line
            assert sum(map(stream.topic_chars, plan.symbols)) <= (stream.line_chars or 10**9)
            assert all(len(frame.frame) <= FRAME_BYTES.get(venue.name, 10**9) for frame in frames)
        if stream.per_symbol:
            assert asked == Counter(symbols)


def test_on_demand_symbols_stay_while_they_are_among_the_interesting_and_the_best_always_come_in() -> None:
    ranked = [f"S{i:02}" for i in range(20)]
    assert prefer(ranked, set(), 10) == set(ranked[:10])
    drifted = [*ranked[1:11], "S00", *ranked[11:]]
    assert prefer(drifted, set(ranked[:10]), 10) == set(ranked[:10]), "neighbours in rank do not swap"
    shaken = ["S19", *ranked[:19]]
    assert "S19" in prefer(shaken, set(ranked[:10]), 10)
    assert len(prefer(shaken, set(ranked[:10]), 10)) == 10
    assert prefer(ranked[:3], {"GONE"}, 10) == set(ranked[:3])
