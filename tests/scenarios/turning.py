"""What scenarios about instruments share: turns in few words, and rows of the snapshot."""

from typing import Any

from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.turns import Fate, Turn
from tests.scenarios.stand import Stand


def turn(s: Stand, kind: Fate, i: Instrument, **more: Any) -> None:
    """Order a turn of an instrument; seconds are the simulator's."""
    s.sim.turn(Turn(kind=kind, venue=i.venue, market=i.market, symbol=i.symbol, **more))


def enlist(s: Stand, venue: str, market: str, symbol: str, **more: Any) -> Instrument:
    """List something new."""
    s.sim.turn(Turn(kind="list", venue=venue, market=market, symbol=symbol, **more))
    return s.sim.world.instruments(venue, market)[symbol]


def common(s: Stand, *venues: str, market: str = "perp", skip: int = 2) -> list[Instrument]:
    """One coin's instruments on these venues, one each; `skip`: how many better known coins are passed over."""
    rows = [{i.coin.name: i for i in s.traded(venue, market)} for venue in venues]
    names = [n for n in rows[0] if all(n in r and not r[n].coin.name.startswith("BOB") for r in rows)]
    return [r[names[skip]] for r in rows]


def spread_of(s: Stand, coin: str) -> dict[str, Any] | None:
    """The coin's best pair in the snapshot."""
    found = s.picture(coin)["coins"]
    return found[0]["spread"] if found else None


def in_spread(s: Stand, i: Instrument) -> bool:
    """Whether the coin's best pair has this leg."""
    spread = spread_of(s, i.coin.name)
    return spread is not None and any(
        (spread[side]["venue"], spread[side]["market"], spread[side]["symbol"]) == (i.venue, i.market, i.symbol)
        for side in ("buy", "sell")
    )


def seen_leg(s: Stand, i: Instrument) -> dict[str, Any]:
    """The leg as the snapshot has it; it must be there."""
    found = s.leg(i.venue, i.market, i.symbol)
    assert found is not None, f"no leg {i.venue} {i.symbol}"
    return found


def signals_with(s: Stand, i: Instrument) -> list[Any]:
    """Signals that name this venue for this coin."""
    return [x for x in s.signals if x.symbol == i.coin.name and i.venue in (x.short_exchange, x.long_exchange)]
