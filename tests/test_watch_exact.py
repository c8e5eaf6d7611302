"""What `frmon watch --signals-only` prints: exactly the signals that the documented rule demands of what was sent."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from frmon.feeds.sim.faults import Fault
from tests.watchbox import Market, Watching, opened, watching
from tests.watchbox_oracle import Account, Law, Line, Outage, demanded, line

LAW = Law(
    threshold_pct=Decimal("0.6"),
    close_pct=Decimal("0.45"),
    samples=3,
    sample_every_s=0.4,
    cooldown_s=6.0,
    max_age_s=1.5,
)
AHEAD_MS = {"bitget": 300_000}
DARK = "bybit"
DARK_AT, LIGHT_AT = 2.6, 8.0
SETTLE_S = 1.2  # between the first spreads of all and the plan: long enough to be seen closed
UP_WITHIN_S = 30.0
LAST_WITHIN_S = 20.0
QUIET_S = 1.5  # waited for signals that nobody ordered

Step = tuple[float, str, str, str]
"""Seconds from the start of the plan, "short" or "long" leg, bid, ask; in units of the case."""

EVEN = ("99.98", "100.00")


def short(at: float, bid: str = EVEN[0], ask: str = EVEN[1]) -> Step:
    """The leg to be sold changes."""
    return at, "short", bid, ask


def long(at: float, bid: str = EVEN[0], ask: str = EVEN[1]) -> Step:
    """The leg to be bought changes."""
    return at, "long", bid, ask


WIDE = ("100.75", "100.80")  # 0.75 % over 100.00


class Case(NamedTuple):
    """One coin on two venues, the one to sell it on and the one to buy it on: what is sent before the plan, and the plan."""

    sold: str
    bought: str
    steps: tuple[Step, ...] = ()
    first: tuple[Step, ...] = (long(0, "101.50", "101.60"),)  # the other way round, to see that both legs are live
    unit: Decimal = Decimal(1)


CASES = {
    "BTC": Case("okx", "bybit", first=(short(0, *WIDE),)),  # wide from the start until its leg goes dark, and after
    "ETH": Case("okx", "binance", (short(0, *WIDE), short(2.4))),
    "SOL": Case("bitget", "okx", (short(0, "100.59", "100.65"),)),
    "XRP": Case("okx", "bitget", (short(0, "100.60", "100.65"), short(2.4))),
    "BNB": Case("binance", "okx", (short(0, *WIDE), short(0.3), short(1.6, *WIDE), short(1.9))),
    "DOGE": Case("okx", "binance", (short(0, *WIDE), short(2.4), long(2.4, *WIDE), long(7.8))),
    "ADA": Case("bitget", "binance", first=(short(0, *WIDE),)),  # wide from the start and for ever
    "TRX": Case("okx", "binance", (short(0, *WIDE), short(2.2), short(7.8, "100.80", "100.85"), short(10.8))),
    "LINK": Case("binance", "okx", (short(0, *WIDE), short(2.2), short(3.2, *WIDE), short(5.6))),
    "AVAX": Case("bitget", "okx", (short(0, *WIDE), short(2.2, "100.50", "100.55"), short(7.8, *WIDE), short(10.8))),
    "SUI": Case("okx", "bitget", (short(0, "101.00", "100.50"), short(4.0))),
    "LTC": Case("binance", "bybit", (short(5.0, "105.00", "105.10"), short(7.4))),
    "DOT": Case("binance", "bybit", (short(5.0, "105.00", "105.10"),)),  # still so when the dark leg comes back
    # Twenty times apart: not one coin. Crossed until that was noticed, which is promised once a second only.
    "AAVE": Case("bitget", "binance", (short(1.0, "2000", "2000.4"),), (short(0, "2001", "2000"),)),
    "PEPE": Case("binance", "okx", (short(0, *WIDE), short(2.4)), unit=Decimal("1e-6")),  # 1000PEPE there, PEPE here
}  # fmt: skip
STRANGERS = frozenset({"AAVE"})
# What the oracle must say of the plan: coin -> signals, the first one of all legs included.
COUNTS = {
    "BTC": 1, "ETH": 2, "SOL": 1, "XRP": 2, "BNB": 1, "DOGE": 3, "ADA": 1, "TRX": 3, "LINK": 2, "AVAX": 2, "SUI": 1,
    "LTC": 1, "DOT": 2, "PEPE": 2,
}  # fmt: skip


def settings(endpoints: Mapping[str, Mapping[str, str]]) -> str:
    """The configuration as TOML."""
    lines = [
        "[signals]",
        f"threshold_pct = {LAW.threshold_pct}",
        f"close_pct = {LAW.close_pct}",
        f"samples = {LAW.samples}",
        f"sample_every_s = {LAW.sample_every_s}",
        f"cooldown_s = {LAW.cooldown_s}",
        f"max_age_s = {LAW.max_age_s}",
        "max_gap_s = 2.0",
        "[feeds]",
        "time_scale = 0.2",
    ]
    for venue, urls in endpoints.items():
        lines.append(f"[venues.{venue}.endpoints]")
        lines += [f'{name} = "{url}"' for name, url in urls.items()]
    return "\n".join(lines)


def send(market: Market, coin: str, step: Step) -> None:
    """Order one step of a case."""
    case, (_, leg, bid, ask) = CASES[coin], step
    market.put(coin, case.sold if leg == "short" else case.bought, Decimal(bid) * case.unit, Decimal(ask) * case.unit)


def send_first(market: Market) -> None:
    """Everything even, but for what is wide at first."""
    for coin, case in CASES.items():
        for step in (short(0), long(0), *case.first):
            send(market, coin, step)


async def play(market: Market) -> Outage:
    """The plan. Returns what was held back."""
    started = market.clock.mono()
    steps = [(step, coin) for coin, case in CASES.items() for step in case.steps]
    dark: list[float] = []
    orders = sorted([(step[0], coin, step) for step, coin in steps] + [(DARK_AT, "", None), (LIGHT_AT, "", None)])
    for at, coin, step in orders:
        await asyncio.sleep(max(0.0, started + at - market.clock.mono()))
        if step is not None:
            send(market, coin, step)
            continue
        dark.append(market.clock.mono())
        if len(dark) == 1:
            market.fault(Fault(kind="mute", venue=DARK, for_s=600, deep=True))
            market.fault(Fault(kind="rest_status", venue=DARK, for_s=600, status=503))
        else:
            market.faults.clear()
    return Outage(DARK, *dark)


async def run(market: Market, program: Watching) -> Account:
    """Wait until every first spread was signalled, play the plan, wait for the last signals and for too many."""
    await program.count(len(CASES) - len(STRANGERS), UP_WITHIN_S)
    missing = CASES.keys() - STRANGERS - {row["symbol"] for row in program.lines}
    assert not missing, "no first signal"
    # However quickly the program was up: every first spread stood long enough that the rule leaves no doubt about it.
    stood_s = (LAW.samples + 3) * LAW.sample_every_s
    await asyncio.sleep(max(0.0, market.ordered[-1].at + stood_s - market.clock.mono()))
    up_at = market.clock.mono()
    for coin, case in CASES.items():
        if case.steps:
            send(market, coin, long(0))
    await asyncio.sleep(SETTLE_S)
    outage = await play(market)
    await program.count(sum(COUNTS.values()), LAST_WITHIN_S)
    await asyncio.sleep(QUIET_S)
    return Account(market.ordered, [outage], up_at, market.clock.mono(), STRANGERS)


def printed(program: Watching) -> Counter[Line]:
    """The program's lines as the oracle writes them."""
    return Counter(
        line(
            row["symbol"], row["short_exchange"], row["long_exchange"],
            row["spread_percent"], row["price_short"], row["price_long"],
        )
        for row in program.lines
    )  # fmt: skip


async def test_watch_prints_exactly_the_signals_that_the_rule_demands_of_what_was_sent(
    tmp_path: Path,
) -> None:
    market = Market({coin: (case.sold, case.bought) for coin, case in CASES.items()}, AHEAD_MS)
    send_first(market)
    config = tmp_path / "c.toml"
    async with opened(market):
        config.write_text(settings(market.endpoints))
        async with watching(config) as program:
            account = await run(market, program)
    wanted = demanded(account, LAW)
    counts = Counter(dict.fromkeys(COUNTS, 0))
    for signal, times in wanted.items():
        counts[signal[0]] += times
    found = printed(program)
    assert (found - wanted, wanted - found) == (Counter(), Counter()), program.words()
    assert counts == COUNTS
