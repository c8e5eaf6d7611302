"""The self-check: asks every REST endpoint of every venue at once and tells what came."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import msgspec

from frmon.budgets import Budgets
from frmon.clock import Clock, SystemClock
from frmon.config import Settings
from frmon.errors import DecodeError, Unreachable
from frmon.feeds.contract import Depth, Directory, Page, Request, ServerTime, Snapshot, Venue
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.feeds.text import clean
from frmon.model import Listing, Market, Tick
from frmon.plain import grid, shortened
from frmon.redact import keep_secret, redact

PAGES_AT_MOST = 50
KNOWN = "BTC"  # whose order book is never empty


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint answered. `why`: what is wrong, null = nothing; `symbols`: rows that could be read; `took_s`:
    seconds from the first request to the last byte; `sample`: one row in words."""

    venue: str
    market: str | None
    what: str
    ok: bool
    symbols: int | None
    took_s: float
    sample: str | None
    why: str | None


class Yield(msgspec.Struct, frozen=True):
    """What a good answer held."""

    symbols: int | None
    sample: str


async def check(
    venues: Sequence[Venue], settings: Settings, clock: Clock | None = None, state_dir: Path | None = None
) -> list[Finding]:
    """Ask everything that `venues` document, each within its own limits, of which earlier runs may have spent some. In
    the order of venues, markets and kinds."""
    ticking = clock or SystemClock()
    budgets = Budgets(venues, settings, ticking, state_dir)
    http = Http(settings.feeds.proxy, settings.feeds.time_scale)
    for url in (settings.feeds.proxy, *getproxies().values()):
        keep_secret(url)
    try:
        found = await asyncio.gather(*(check_venue(v, settings, http, budgets.pacers[v.name], ticking) for v in venues))
    finally:
        await http.close()
        budgets.save()
    return [finding for findings in found for finding in findings]


async def check_venue(venue: Venue, settings: Settings, http: Http, pacer: Pacer, clock: Clock) -> list[Finding]:
    """All endpoints of one venue."""
    endpoints = {**venue.endpoints, **settings.venues[venue.name].endpoints}
    for url in endpoints.values():
        keep_secret(url)
    rest = Rest(http, venue, endpoints, pacer, clock)
    snapshots = [_probe(venue, s.market, s.kind, partial(_ticks, rest, s), clock) for s in venue.snapshots]
    times = [_probe(venue, None, "time", partial(_time, rest, t, clock), clock) for t in venue.server_times]
    listed, rest_of_it = await asyncio.gather(_check_lists(venue, rest, clock), asyncio.gather(*snapshots, *times))
    return [*listed, *rest_of_it]


async def _check_lists(venue: Venue, rest: Rest, clock: Clock) -> list[Finding]:
    """The directories, then the order book of one symbol of each."""
    symbols: dict[Market, str] = {}
    directories = (
        _probe(venue, d.market, "directory", partial(_listings, rest, d, symbols), clock) for d in venue.directories
    )
    found = await asyncio.gather(*directories)
    depths = (_probe(venue, d.market, "depth", partial(_book, rest, d, symbols), clock) for d in venue.depths)
    return [*found, *await asyncio.gather(*depths)]


def findings_text(findings: Sequence[Finding]) -> str:
    """A table, one line per endpoint, and a closing line that counts."""
    rows = [
        (
            f.venue,
            f.market or "-",
            f.what,
            "ok" if f.ok else "FAILED",
            "-" if f.symbols is None else str(f.symbols),
            f"{f.took_s:.2f}",
            shortened(f.sample or f.why or "", 100),
        )
        for f in findings
    ]
    table = grid(("venue", "market", "what", "", "symbols", "seconds", "sample or reason"), rows, "llllrrl")
    failed = sum(not f.ok for f in findings)
    closing = f"{failed} of {len(findings)} failed" if failed else f"all {len(findings)} ok"
    return f"{table}\n\n{closing}\n"


async def _probe(
    venue: Venue, market: str | None, what: str, ask: Callable[[], Awaitable[Yield]], clock: Clock
) -> Finding:
    asked_at = clock.mono()
    found, why = Yield(None, ""), ""
    try:
        found = await ask()
    except Unreachable as error:
        why = f"{error.status}: {clean(error.why, 120)}"
    except DecodeError as error:
        why = f"unreadable: {clean(error, 120)}"
    if not why and found.symbols == 0:
        why = "answered, but lists no symbol"
    return Finding(
        venue=venue.name,
        market=None if market is None else str(market),
        what=what,
        ok=not why,
        symbols=found.symbols,
        took_s=round(clock.mono() - asked_at, 3),
        sample=found.sample or None,
        why=redact(why) or None,
    )


async def _listings(rest: Rest, directory: Directory, symbols: dict[Market, str]) -> Yield:
    """Also notes one symbol that trades, a well-known one if there is any."""
    request: Request | None = directory.request
    found: list[Listing] = []
    for _ in range(PAGES_AT_MOST):
        if request is None:
            break
        page: Page = directory.parse((await rest.get(request))[0])
        found += page.listings
        request = page.next
    trading = [listing for listing in found if listing.status == "trading"] or found
    known = [listing for listing in trading if listing.base == KNOWN] or trading
    if known:
        symbols[directory.market] = known[0].symbol
    return Yield(len(found), _words(trading[0], ("symbol", "base", "asset_class", "status")) if trading else "")


async def _book(rest: Rest, depth: Depth, symbols: dict[Market, str]) -> Yield:
    symbol = symbols.get(depth.market)
    if symbol is None:
        raise Unreachable("NO-DATA", "no symbol to ask for, since its directory told none")
    book = depth.parse((await rest.get(depth.request(symbol)))[0])
    if not book.bids or not book.asks:
        raise Unreachable("NO-DATA", f"the book of {clean(symbol)} has an empty side")
    sizes = f"{len(book.bids)} bids from {book.bids[0][0]:g}, {len(book.asks)} asks from {book.asks[0][0]:g}"
    return Yield(1, f"symbol={clean(symbol)} {sizes}")


async def _ticks(rest: Rest, snapshot: Snapshot) -> Yield:
    ticks: Sequence[Tick] = snapshot.parse((await rest.get(snapshot.request))[0])
    names = [name for name in Tick.__struct_fields__ if name not in {"seq", "delta"}]
    return Yield(len(ticks), _words(ticks[0], names) if ticks else "")


async def _time(rest: Rest, server_time: ServerTime, clock: Clock) -> Yield:
    told = server_time.parse((await rest.get(server_time.request))[0])
    return Yield(None, f"our clock differs by {(clock.now_ms() - told) / 1000:+.3f} s")


def _words(row: Any, names: Sequence[str]) -> str:
    known = ((name, getattr(row, name)) for name in names)
    return " ".join(f"{name}={clean(value)}" for name, value in known if value is not None)
