"""The shared words keep their promises to scripts and to each other."""

import msgspec
import pytest

from frmon.model import Carrier, Flag, Leg, LegKey, Listing, Market, Signal, Spread, Status, Tick


def test_markets_statuses_and_flags_read_in_json_as_the_contract_says() -> None:
    assert [*Market] == ["spot", "perp"]
    assert [*Flag] == ["QUARANTINE", "DELISTING", "HALTED", "NEW", "STALE", "OUTLIER", "CROSSED"]
    assert [*Status] == (
        "CONNECTING LIVE LAG PARTIAL STALE RECONNECT REST BANNED BLOCKED MAINT TLS DNS NO-DATA OFF".split()
    )


def test_legs_are_ordered_by_venue_then_market_then_symbol() -> None:
    told = [LegKey("okx", Market.PERP, "A"), LegKey("bybit", Market.SPOT, "A"), LegKey("bybit", Market.PERP, "B")]
    assert sorted(told) == [told[2], told[1], told[0]]


def test_a_listing_and_its_leg_have_the_same_key() -> None:
    listing = Listing(venue="okx", market=Market.SPOT, symbol="PEPE-USDT", base="PEPE")
    leg = Leg(venue="okx", market=Market.SPOT, symbol="PEPE-USDT", coin="PEPE")
    assert listing.key == leg.key == LegKey("okx", Market.SPOT, "PEPE-USDT")


def test_a_tick_mentions_nothing_unless_told() -> None:
    fields = msgspec.structs.asdict(Tick(symbol="X"))
    assert {f for f, value in fields.items() if value is not None} == {"symbol", "delta"}


@pytest.mark.parametrize(("per_hour", "apr"), [(None, None), (1e-5, 8.76), (0.0, 0.0), (-1e-5, -8.76)])
def test_carry_per_year_is_8760_hours_in_percent(per_hour: float | None, apr: float | None) -> None:
    key = LegKey("okx", Market.PERP, "X")
    spread = Spread(
        buy=key,
        sell=key,
        buy_price=1.0,
        sell_price=1.0,
        gross_pct=0.0,
        fees_pct=0.0,
        net_pct=0.0,
        carry_per_hour=per_hour,
        needs_borrow=False,
    )
    assert spread.carry_apr_pct == (None if apr is None else pytest.approx(apr))


def test_a_signal_has_the_seeds_field_names() -> None:
    names = [f.name for f in msgspec.structs.fields(Signal)]
    assert names[:7] == [
        "symbol", "short_exchange", "long_exchange", "spread_percent", "price_short", "price_long", "observed_at",
    ]  # fmt: skip


def test_a_carrier_starts_dead_and_unheard() -> None:
    carrier = Carrier("okx", Market.PERP, "ticker")
    assert (carrier.live, carrier.generation, carrier.heard_at, carrier.up_at) == (
        False,
        0,
        -float("inf"),
        float("inf"),
    )
