"""S35 and S38 to S40: lists that can't be believed, venues at rest, endpoints that say nothing, names of every script."""

import pytest

from frmon.feeds.sim.faults import Fault
from frmon.model import LegKey, Market, Status
from frmon.tui.lines import width_of
from tests.scenarios.stand import Stand, stand, statuses
from tests.scenarios.turning import enlist, seen_leg

LISTS = {
    "bybit": "instruments-info",
    "okx": "public/instruments",
    "binance": "exchangeInfo",
    "bitget": "mix/market/contracts",
}


def _legs(s: Stand, venue: str) -> set[LegKey]:
    return {cell.key for cell in s.engine.board.cells(venue)}


def _spoil(s: Stand, venue: str, kind: str, for_s: float) -> None:
    """Spoil the venue's lists."""
    path = LISTS[venue]
    if kind == "500":
        s.fault(Fault(kind="rest_status", venue=venue, match=path, status=500, for_s=for_s))
    else:
        s.fault(Fault(kind="rest_body", venue=venue, match=path, how=kind, for_s=for_s))


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
@pytest.mark.parametrize("kind", ["half", "none", "500", "html"])
async def test_s35_a_list_that_can_not_be_believed_changes_nothing_and_is_named(venue: str, kind: str) -> None:
    async with stand(venue, coins=60) as s:
        before = _legs(s, venue)
        _spoil(s, venue, kind, 70.0)
        await s.within(60, lambda: "LISTING-ERR" in s.state(venue).detail)
        rests = kind == "none" and venue in {"binance", "bybit"}  # which are asked for what trades, or list no more
        assert f"{venue} {'MAINT' if rests else 'PARTIAL'}" in s.words()
        assert "LISTING-ERR" in s.words()
        assert _legs(s, venue) == before
        await s.within(60 + 70, lambda: "LISTING-ERR" not in s.state(venue).detail)
        assert _legs(s, venue) == before
        assert not s.events("delisted")


async def test_s35_half_a_list_is_believed_when_it_is_said_three_times() -> None:
    async with stand("bybit", coins=60) as s:
        before = len(_legs(s, "bybit"))
        _spoil(s, "bybit", "half", 300.0)
        await s.lasts(60, lambda: len(_legs(s, "bybit")) == before)
        await s.within(120, lambda: len(_legs(s, "bybit")) < 0.7 * before)
        assert s.events("instruments delisted")


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s35_one_malformed_row_is_skipped_alone_and_told_once(venue: str) -> None:
    async with stand(venue, coins=60) as s:
        before = _legs(s, venue)
        _spoil(s, venue, "malformed", 100.0)
        await s.within(60, lambda: s.events("unreadable rows in the list skipped"))
        await s.lasts(60, lambda: _legs(s, venue) == before)
        told = s.events("unreadable rows in the list skipped")
        assert len(told) <= 2, told  # once per market
        assert not s.events("LISTING-ERR")


# S38


def _lines_live(s: Stand, venue: str) -> bool:
    """Whether there are lines, and all speak."""
    lines = s.state(venue).lines
    return bool(lines) and all(line.status is Status.LIVE for line in lines)


REST_S = 600.0


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s38_a_venue_at_rest_is_one_row_and_no_storm(venue: str) -> None:
    other = "okx" if venue == "bybit" else "bybit"
    async with stand(venue, other) as s:
        await s.within(30, lambda: all(_lines_live(s, v) for v in (venue, other)))
        before, mark = set(s.events()), s.engine.clock.mono()
        s.fault(Fault(kind="notice", venue=venue, how="maintenance", for_s=REST_S))
        took = await s.within(60, lambda: s.state(venue).status is Status.MAINT)
        assert "MAINT" in s.words()
        await s.lasts(REST_S - took - 1, lambda: s.state(venue).status is Status.MAINT)
        rows = [text for text in s.events(venue) if text not in before]
        assert [r for r in rows if r.startswith(f"{venue}: LIVE → MAINT")], rows
        assert len([r for r in rows if "→" in r]) == 1, rows
        assert len(rows) <= 4, rows  # what was announced, and what each market's list says
        assert Status.STALE not in statuses(s.seen, venue, mark)
        assert s.state(other).status in {Status.LIVE, Status.LAG}
        await s.within(60, lambda: s.state(venue).status in {Status.LIVE, Status.LAG}, "never back")
        await s.up(venue)


# S39


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s39_a_channel_that_was_retired_is_named_with_a_hint_and_covered_by_rest(venue: str) -> None:
    other = "okx" if venue == "bybit" else "bybit"
    async with stand(venue, other, up=False) as s:
        s.fault(Fault(kind="mute", venue=venue, for_s=60.0))
        named = await s.within(20, lambda: any("endpoint?" in line.detail for line in s.state(venue).lines))
        await s.within(20 - named, lambda: s.state(venue).fresh_legs)
        await s.within(1, lambda: any(st is Status.NO_DATA for _, name, st, _ in s.seen if name.startswith(venue)))
        assert s.events("endpoint?")
        assert {
            leg["source"] for c in s.picture()["coins"] for leg in c["legs"] if leg["venue"] == venue and leg["fresh"]
        } == {"rest"}
        assert s.state(other).status in {Status.LIVE, Status.LAG}


# S40

NAMES = ("币安人生", "1INCH", "1000000MOG", "QWERTYUIOPASDFGHJKLZXCVBNMQWERTYUIOP")


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
async def test_s40_names_of_every_script_and_length_are_subscribed_and_right(venue: str) -> None:
    async with stand(venue, coins=20, rate=2.0) as s:
        tail = "-USDT-SWAP" if venue == "okx" else "USDT"
        names = [name[: 40 - len(tail)] for name in NAMES]  # no symbol is longer than 40
        made = [enlist(s, venue, "perp", f"{name}{tail}", factor=0.5) for name in names]
        await s.within(120, lambda: all((s.leg(venue, "perp", i.symbol) or {}).get("fresh") for i in made))
        coins = [seen_leg(s, i)["coin"] for i in made]
        assert coins == ["币安人生", "1INCH", "MOG", names[3]]
        assert [seen_leg(s, i)["multiplier"] for i in made] == [1, 1, 10**6, 1]
        await s.still(venue)
        assert all(s.cell(venue, Market.PERP.value, i.symbol) is not None for i in made)


def test_s40_a_wide_name_counts_twice() -> None:
    assert width_of((("币安人生", ""),)) == 8
