"""Which faults come when: a schedule that a seed decides."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.instrument import Instrument
from frmon.feeds.sim.turns import Turn
from frmon.feeds.sim.world import World

MARKETS = ("spot", "perp")
BODIES = ("html", "empty", "truncated", "drip", "none", "half", "malformed", "mime")
GARBLES = ("truncate", "utf8", "junk", "numbers", "shuffle", "duplicate", "binary", "bom")
STATUSES = (301, 400, 404, 500, 502, 503, 520)
"""Not 403, 418, 429 and 451: venues mean them for up to half an hour, which no run could wait for afterwards. What they do is
tested by scenarios."""
HOSTILE = (b"\x1b]52;c;ZnJtb24=\x07", b"[/][@click=app.quit]", b"{" * 5_000, b"\xff\xfe\x00", b"null", b"[]", b"")
DECEIVING = {"mute", "zombie", "freeze", "lose", "garble", "skew", "late_rest", "refuse_symbol"}
"""Kinds that lose or spoil statements: what a line then says may be untrue for as long as it takes the sweep to notice."""


SILENT = {"mute", "zombie"}
"""Those of them that say nothing while they last."""


class Due(NamedTuple):
    """One fault or turn and when it comes, in seconds of real time since the start."""

    at_s: float
    what: Fault | Turn


def schedule(seed: int, seconds: float, every_s: float, world: World) -> Iterator[Due]:
    """Faults at random times, `every_s` apart in the mean, the last one early enough to be over before the end."""
    random = Random(seed)
    at = 0.0
    venues = sorted({i.venue for i in world.universe.instruments})
    while (at := at + random.expovariate(1 / every_s)) < seconds:
        yield Due(at, _draw(random, venues, world))


def _draw(random: Random, venues: Sequence[str], world: World) -> Fault | Turn:
    venue = random.choice(venues)
    if random.random() < 0.2:
        return _turn(random, venue, world)
    market = random.choice(("", *MARKETS))
    for_s = random.uniform(0.5, 8.0)
    kinds = (
        lambda: Fault(kind="mute", venue=venue, market=market, for_s=for_s, deep=random.random() < 0.3),
        lambda: Fault(kind="mute", venue=venue, match=random.choice(("mark", "funding", "ook", "icker")), for_s=for_s),
        lambda: Fault(kind="zombie", venue=venue, market=market, for_s=for_s, rate=random.choice((0.0, 50.0, 1000.0))),
        lambda: Fault(kind="freeze", venue=venue, for_s=for_s, bump=random.random() < 0.5),
        lambda: Fault(kind="lose", venue=venue, for_s=for_s, share=random.uniform(0.05, 0.5)),
        lambda: Fault(kind="lose_acks", venue=venue, for_s=for_s, share=0.3),
        lambda: Fault(
            kind="garble", venue=venue, for_s=for_s, how=random.choice(GARBLES), share=random.uniform(0.01, 0.5)
        ),
        lambda: Fault(
            kind="inject", venue=venue, payload=random.choice(HOSTILE).hex(), hex=True, count=random.randint(1, 50)
        ),
        lambda: Fault(kind="skew", venue=venue, for_s=for_s, delay_s=random.choice((-300.0, -3.0, 3.0, 300.0))),
        lambda: Fault(
            kind="drop", code=random.choice((1000, 1001, 1006, 1008, 1011, 1012, 1013)), venue=venue, market=market
        ),
        lambda: Fault(kind="drop", venue=venue, count=1),
        lambda: Fault(kind="drop", venue=""),
        lambda: Fault(kind="flap", venue=venue, for_s=for_s, delay_s=random.uniform(0.0, 0.5)),
        lambda: Fault(kind="refuse", venue=venue, for_s=for_s, status=random.choice(STATUSES)),
        lambda: Fault(kind="hang", venue=venue, for_s=for_s),
        lambda: Fault(kind="hold", venue=venue, for_s=for_s),
        lambda: Fault(kind="notice", venue=venue, how="shutdown", delay_s=random.uniform(1.0, 6.0)),
        lambda: Fault(kind="rest_status", venue=venue, for_s=for_s, status=random.choice(STATUSES)),
        lambda: Fault(kind="rest_body", venue=venue, for_s=for_s, how=random.choice(BODIES)),
        lambda: Fault(kind="delay_rest", venue=venue, for_s=for_s, delay_s=random.uniform(0.2, 6.0)),
        lambda: Fault(kind="late_rest", venue=venue, for_s=for_s, delay_s=random.uniform(0.5, 5.0)),
    )
    return random.choice(kinds)()


def _turn(random: Random, venue: str, world: World) -> Turn:
    market = random.choice(MARKETS)
    one: Instrument = random.choice([i for i in world.instruments(venue, market).values() if i.kind == "normal"])
    turns = (
        lambda: Turn(kind="halt", venue=venue, market=market, symbol=one.symbol),
        lambda: Turn(kind="resume", venue=venue, market=market, symbol=one.symbol),
        lambda: Turn(kind="delist", venue=venue, market=market, symbol=one.symbol),
        lambda: Turn(
            kind="interval",
            venue=venue,
            market="perp",
            symbol=_perp(random, venue, world),
            hours=random.choice((1.0, 4.0, 8.0)),
        ),
        lambda: Turn(
            kind="price",
            venue=venue,
            market=market,
            symbol=one.symbol,
            factor=random.choice((0.98, 1.02, 3.0, 100.0)),
            for_s=6.0,
        ),
        lambda: Turn(
            kind="empty",
            venue=venue,
            market=market,
            symbol=one.symbol,
            side=random.choice(("bid", "ask", "both")),
            for_s=5.0,
        ),
    )
    return random.choice(turns)()


def _perp(random: Random, venue: str, world: World) -> str:
    return random.choice([i.symbol for i in world.instruments(venue, "perp").values() if i.kind == "normal"])
