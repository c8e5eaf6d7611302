"""Why not: every gate, alone and for the pair that is nearest to a signal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frmon.board import Freshness, Row
from frmon.gates import Gate, Question, Standing, explain, nearest
from frmon.model import LegKey, Market
from frmon.spread import Terms, best, outliers, qualified
from tests.given import FEES, TERMS, WALL, Desk, leg
from tests.test_spread import LEGS, NOW, Given, row_of

NAMES = [
    "legs", "fresh", "identity", "class", "status", "quotes", "outlier", "kind", "spread", "samples", "cooldown",
    "liquidity", "volume",
]  # fmt: skip
GOOD = Standing(samples=3, needed=3, threshold_pct=0.6)
ASKED = Question(terms=TERMS, now=NOW, now_ms=WALL)
OKX, BYBIT, BITGET = (LegKey(v, Market.PERP, "PEPEUSDT") for v in ("okx", "bybit", "bitget"))


def desk(low: dict[str, Any] | None = None, high: dict[str, Any] | None = None, **said: Any) -> Desk:
    """okx at 100, bybit 1 % above it; what else their legs are and what else was said."""
    legs = [leg("okx", **(low or {})), leg("bybit", **(high or {}))]
    found = Desk(*legs)
    for one, price in zip(legs, (100.0, 101.0), strict=True):
        found.say(one, price, price, NOW, **said)
    return found


def asked(row: Row, standing: Standing = GOOD, question: Question = ASKED) -> dict[str, Gate]:
    """The gates for buying at okx and selling at bybit."""
    return {g.name: g for g in explain(row, (OKX, BYBIT), standing, question)}


def row(of: Desk) -> Row:
    return of.board.rows["PEPE"]


def failed(gates: dict[str, Gate]) -> list[str]:
    return [name for name, gate in gates.items() if not gate.passed]


def test_a_pair_that_signals_passes_every_gate() -> None:
    gates = asked(row(desk(bid_size=5.0, ask_size=3.0, volume_usd=1e6)))
    assert list(gates) == NAMES
    assert failed(gates) == []
    values = {name: gate.value for name, gate in gates.items()}
    assert values == {
        "legs": 2, "fresh": 0, "identity": None, "class": "crypto", "status": "trading", "quotes": "sane",
        "outlier": None, "kind": "perp-perp", "spread": 1.0, "samples": 3, "cooldown": 0, "liquidity": 300, "volume": 1e6,
    }  # fmt: skip


@given(st.lists(LEGS, min_size=1, max_size=6, unique_by=lambda g: g.key), st.booleans())
def test_all_gates_are_always_listed_in_order_with_words(legs: list[Given], borrow: bool) -> None:
    question = Question(terms=Terms(fees=FEES, allow_borrow=borrow), now=NOW, now_ms=WALL)
    gates = explain(row_of(legs), None, GOOD, question)
    assert [g.name for g in gates] == NAMES
    assert [g for g in gates if not g.words or "\n" in g.words] == []


@given(st.lists(LEGS, max_size=8, unique_by=lambda g: g.key), st.booleans())
def test_by_default_the_coins_best_pair_is_explained(legs: list[Given], borrow: bool) -> None:
    found, terms = row_of(legs), Terms(fees=FEES, allow_borrow=borrow)
    question = Question(terms=terms, now=NOW, now_ms=WALL)
    spread, pair = best(found, terms, NOW, WALL), nearest(found, question)
    assert (pair is None) == (len(found.cells) < 2)
    gates = {g.name: g for g in explain(found, None, GOOD, question)}
    leg_gates = [gates[n].passed for n in NAMES[:8]]
    if spread is None or pair is None:
        assert not all(leg_gates)
    elif not outliers(qualified(found.cells, terms, NOW, WALL)):  # else a narrower pair without one may be nearer
        assert all(leg_gates)
        assert (pair[0].key, pair[1].key, gates["spread"].value) == (spread.buy, spread.sell, spread.gross_pct)


LEG_FAULTS: list[tuple[dict[str, Any], str, str | float | None, str]] = [
    (
        {"quarantine": "price 3.0x others"},
        "identity",
        "price 3.0x others",
        "okx perp is quarantined: price 3.0x others",
    ),
    ({"asset_class": "stock"}, "class", "crypto/stock", "the legs are of different asset classes"),
    ({"halted": True}, "status", "halted", "okx perp is halted"),
    ({"off_ms": WALL}, "status", "delisted", "okx perp has stopped trading"),
]


@pytest.mark.parametrize(("low", "name", "value", "words"), LEG_FAULTS)
def test_what_is_wrong_with_a_leg_fails_its_gate_alone(
    low: dict[str, Any], name: str, value: str | float | None, words: str
) -> None:
    gates = asked(row(desk(low)))
    assert failed(gates) == [name]
    assert (gates[name].value, gates[name].words) == (value, words)


def test_the_worse_of_two_states_is_told() -> None:
    gates = asked(row(desk({"halted": True}, {"off_ms": WALL + 3_600_000})))
    assert gates["status"].value == "halted"


def test_an_announced_end_is_told_but_hinders_nothing_yet() -> None:
    gate = asked(row(desk({"off_ms": WALL + 5_400_000})))["status"]
    assert (gate.passed, gate.value, gate.words) == (True, "delisting", "okx perp trades for 1.5 h more")


def test_a_class_that_is_not_shown_fails() -> None:
    question = Question(terms=TERMS, now=NOW, now_ms=WALL, classes=("stock", "crypto"))
    assert asked(row(desk()), question=question)["class"].passed
    question = Question(terms=TERMS, now=NOW, now_ms=WALL, classes=("stock",))
    gate = asked(row(desk()), question=question)["class"]
    assert (gate.passed, gate.limit, gate.words) == (False, "stock", "crypto is not switched on")


def test_the_older_leg_is_measured_against_the_age_that_is_allowed() -> None:
    quoted = desk()
    quoted.say(leg("okx"), 100.0, 100.0, NOW + 4)
    late = Question(terms=TERMS, now=NOW + 7.25, now_ms=WALL)
    gate = asked(row(quoted), question=late)["fresh"]
    assert (gate.passed, gate.value, gate.limit) == (False, 7.25, 5.0)
    assert gate.words == "bybit perp, the older leg, was confirmed 7.2 s ago"
    patient = Question(terms=Terms(fees=FEES, freshness=Freshness(8.0)), now=NOW + 7.25, now_ms=WALL)
    assert asked(row(quoted), question=patient)["fresh"].passed


def test_a_leg_without_any_quote_is_neither_fresh_nor_sane() -> None:
    quoted = Desk(leg("okx"), leg("bybit"))
    quoted.say(leg("okx"), 1.0, 1.0, NOW)
    gates = asked(row(quoted))
    assert failed(gates) == ["fresh", "quotes", "spread"]
    assert (gates["fresh"].value, gates["fresh"].words) == (None, "bybit perp was never quoted")
    assert (gates["quotes"].value, gates["spread"].value) == ("empty", None)


@pytest.mark.parametrize(
    ("bid", "ask", "value"), [(2.0, 1.0, "crossed"), (1.0, 0.0, "one-sided"), (0.0, 1.0, "one-sided")]
)
def test_a_book_that_is_not_sane_is_named(bid: float, ask: float, value: str) -> None:
    quoted = desk()
    quoted.say(leg("bybit"), bid, ask, NOW)
    gate = asked(row(quoted))["quotes"]
    assert (gate.passed, gate.value, gate.words) == (False, value, f"the book of bybit perp is {value}")


def test_a_negative_price_is_not_sane() -> None:
    quoted = desk()
    quoted.say(leg("bybit"), -1.0, 1.0, NOW)
    assert asked(row(quoted))["quotes"].value == "not positive"


def test_a_lone_leg_is_an_outlier_and_the_nearest_pair_goes_without_it() -> None:
    legs = [(v, p) for v, p in (("okx", 100.0), ("bitget", 100.5), ("bybit", 150.0))]
    quoted = Desk(*(leg(v) for v, _ in legs))
    for venue, price in legs:
        quoted.say(leg(venue), price, price, NOW)
    gates = asked(row(quoted))
    assert failed(gates) == ["outlier"]
    assert gates["outlier"].value == pytest.approx(4975 / 100.25)
    assert gates["outlier"].limit == 20
    assert gates["outlier"].words == "bybit perp is 49.6 % off the other legs"
    pair = nearest(row(quoted), ASKED)
    assert pair is not None
    assert [c.key for c in pair] == [OKX, BITGET]


def kinds(buy: Market, sell: Market, **more: Any) -> Gate:
    quoted = row_of([Given("okx", buy, "A", 1, 1), Given(more.pop("seller", "bybit"), sell, "B", 1, 1)])
    pair = (
        next(c.key for c in quoted.cells if c.key.symbol == "A"),
        next(c.key for c in quoted.cells if c.key.symbol == "B"),
    )
    asks: dict[str, Any] = {"terms": TERMS, "now": NOW, "now_ms": WALL} | more
    question = Question(**asks)
    return {g.name: g for g in explain(quoted, pair, GOOD, question)}["kind"]


def test_a_kind_that_the_rule_does_not_look_at_fails_and_says_why() -> None:
    spot, perp = Market.SPOT, Market.PERP
    assert kinds(spot, perp).passed
    assert kinds(spot, perp).value == "spot-perp"
    assert kinds(spot, perp, markets=("perp",)).words == "the rule looks at perp only"
    assert not kinds(perp, spot).passed
    assert kinds(perp, spot).words == "selling spot needs a borrow, which is switched off"
    assert kinds(perp, spot, terms=Terms(fees=FEES, allow_borrow=True)).passed
    assert kinds(spot, perp, seller="okx").passed
    assert kinds(spot, perp, seller="okx", same_venue=False).words == "the rule pairs different venues only"


@pytest.mark.parametrize(
    ("limit", "passed"), [(0.99, True), (1.0, True), (1.0 + 1e-10, True), (1.0 + 1e-8, False), (1.5, False)]
)
def test_the_spread_is_compared_with_the_threshold(limit: float, passed: bool) -> None:
    gate = asked(row(desk()), Standing(samples=3, threshold_pct=limit))["spread"]
    assert (gate.passed, gate.value, gate.limit) == (passed, 1.0, limit)


def test_a_rule_that_measures_something_else_says_what_it_measures() -> None:
    standing = Standing(samples=3, threshold_pct=0.6, measured_pct=0.5)
    gate = asked(row(desk()), standing)["spread"]
    assert (gate.passed, gate.value, gate.words) == (False, 0.5, "0.500 % is below 0.6 %")


def test_a_rule_on_last_prices_that_sees_none_shows_no_executable_spread() -> None:
    gate = asked(row(desk()), Standing(samples=3, threshold_pct=0.6, executable=False))["spread"]
    assert (gate.passed, gate.value) == (False, None)
    assert gate.words == "no last prices that are fresh, of legs that qualify"
    gate = asked(row(desk()), Standing(samples=3, threshold_pct=0.6, measured_pct=0.7, executable=False))["spread"]
    assert (gate.passed, gate.value) == (True, 0.7)


def test_samples_and_cooldown_and_an_open_episode_hinder_a_signal() -> None:
    gates = asked(row(desk()), Standing(samples=2, needed=3, cooldown_left_s=12.4))
    assert failed(gates) == ["samples", "cooldown"]
    assert (gates["samples"].value, gates["samples"].limit) == (2, 3)
    assert (gates["cooldown"].value, gates["cooldown"].words) == (12.4, "12 s are left since its last signal")
    gates = asked(row(desk()), Standing(samples=9, episode_open=True))
    assert failed(gates) == ["cooldown"]
    assert "episode is open" in gates["cooldown"].words


def test_liquidity_informs_without_a_limit_and_decides_with_one() -> None:
    thin = row(desk(bid_size=2.0, ask_size=9.0, volume_usd=5000.0))
    gate = asked(thin)["liquidity"]
    assert (gate.passed, gate.value, gate.limit) == (True, 202.0, None)
    assert gate.words == "202 USD at the touch of bybit perp, the thinner leg"
    strict = Question(terms=TERMS, now=NOW, now_ms=WALL, least_usd=203.0, least_volume_usd=5001.0)
    assert failed(asked(thin, question=strict)) == ["liquidity", "volume"]
    enough = Question(terms=TERMS, now=NOW, now_ms=WALL, least_usd=202.0, least_volume_usd=5000.0)
    assert failed(asked(thin, question=enough)) == []


def test_unknown_liquidity_is_unknown_and_does_not_meet_a_limit() -> None:
    gates = asked(row(desk()))
    assert (gates["liquidity"].value, gates["volume"].value) == (None, None)
    assert gates["volume"].words == "the USD turned over in 24 h of okx perp are unknown"
    strict = Question(terms=TERMS, now=NOW, now_ms=WALL, least_usd=1.0, least_volume_usd=1.0)
    assert failed(asked(row(desk()), question=strict)) == ["liquidity", "volume"]


@pytest.mark.parametrize("pair", [(OKX, BITGET), (OKX, OKX), (BITGET, BITGET), None])
def test_a_pair_that_is_not_there_fails_and_still_lists_all_gates(pair: tuple[LegKey, LegKey] | None) -> None:
    quoted = Desk(leg("okx"))
    quoted.say(leg("okx"), 1.0, 1.0, NOW)
    gates = {g.name: g for g in explain(row(quoted), pair, GOOD, ASKED)}
    assert list(gates) == NAMES
    assert {"legs", "kind", "spread"} <= set(failed(gates))
    assert gates["legs"].value == (0 if pair == (BITGET, BITGET) else 1)


def test_among_pairs_with_hindrances_the_one_with_the_fewest_is_nearest_and_then_the_widest() -> None:
    legs = [leg("okx"), leg("bybit"), leg("bitget", halted=True)]
    quoted = Desk(*legs)
    for one, price in zip(legs, (100.0, 101.0, 103.0), strict=True):
        quoted.say(one, price, price, NOW)
    pair = nearest(row(quoted), ASKED)
    assert pair is not None
    assert [c.key for c in pair] == [OKX, BYBIT]
    quoted.board.unseat(BYBIT)
    pair = nearest(row(quoted), ASKED)
    assert pair is not None
    assert [c.key for c in pair] == [OKX, BITGET]
