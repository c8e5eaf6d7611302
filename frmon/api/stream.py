"""`/api/stream`: server-sent events. First the whole picture, then what changes, how the venues are, signals, events.

An event's id is `SESSION-CHANGES.SIGNALS.EVENTS`: all of that was heard. Whoever comes back with it as `Last-Event-ID` in
the same run is sent only what came since. A client that reads slowly is sent fewer changes, the latest of each coin, since
nothing is made before the last was taken; one that takes less than 64 KiB in half a minute is cut."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from math import inf

import msgspec
from aiohttp import web

from frmon.api.changes import News
from frmon.api.collector import Collector
from frmon.api.door import HEADERS, allow
from frmon.api.packing import PACKED, Packer, keep_little
from frmon.attachment import past_part, terms_part
from frmon.snapshot import encode, picture

LOG = logging.getLogger("frmon.api")
CHUNK = 64 * 1024
CUT_S = 30.0
STATUS_S = 1.0
TICK_S = 0.25
EVENTS = 50
"""So many of the latest events a new client is told."""

PAST_COINS = 8
"""So many coins whose past is told at once, each quarter of a second: it may take a while, and holds nothing up."""

FORMS = {"coins": "whole coins", "legs": "what changed of their legs"}
PLAIN = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for. `every_s` between changes; `coins`: only these, empty for all; `top`: only so many; `by_leg`:
    of coins that it knows only what changed, and what was before it came; `packed`: gzip."""

    every_s: float = 1.0
    coins: frozenset[str] = frozenset()
    top: int | None = None
    last_id: str = ""
    by_leg: bool = False
    packed: bool = False


class Place(msgspec.Struct):
    """How far a client has heard: changes, signals, events (monotonic microseconds)."""

    changes: int = 0
    signals: int = 0
    events: int = 0

    def named(self, session: str) -> bytes:
        """As the id of an event."""
        return f"{session}-{self.changes}.{self.signals}.{self.events}".encode()


def place_of(last_id: str, session: str) -> Place | None:
    """Where a client of this run was; None for any other."""
    name, _, rest = last_id.partition("-")
    parts = rest.split(".")
    if name != session or len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts):
        return None
    return Place(*map(int, parts))


def written(kind: str, name: bytes, data: bytes) -> bytes:
    """One event. JSON has no line ends."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (name, kind.encode(), data)


class Stream:
    """What one client is sent."""

    def __init__(self, collector: Collector, wanted: Wanted) -> None:
        self._from = collector
        self._wanted = wanted
        self._top: set[str] = set()  # the coins of the top that the client has
        self._place = Place()
        self._untold: list[str] = []  # coins whose past is still to be told

    def begin(self) -> Iterator[bytes]:
        """The picture, or what came since the client was here."""
        press = self._from.press
        place = place_of(self._wanted.last_id, self._from.session) if self._wanted.top is None else None
        if place is not None and press.forgot <= place.changes <= press.number and self._is_known(place):
            self._place = place
            press.beat()
            yield from self.changes()
        else:
            yield self._snapshot()
        yield from self.status()

    def changes(self) -> Iterator[bytes]:
        """What changed since the last of these; nothing when nothing did."""
        press = self._from.press
        press.beat()
        if self._wanted.top is not None:
            news = self._top_changes(self._wanted.top)
        else:
            news = press.since(self._place.changes, self._wanted.coins or None, by_leg=self._wanted.by_leg)
        self._place.changes = news.number
        if news.coins or news.gone or news.legs:
            now_ms = self._from.engine.clock.now_ms()
            yield self._named("changes", _changes(now_ms, news, by_leg=self._wanted.by_leg))

    def news(self) -> Iterator[bytes]:
        """Signals and events since the last of these, oldest first."""
        for told in self._from.missed_signals(self._place.signals):
            self._place.signals = told.number
            yield self._named("signal", told.text)
        for row in reversed(list(self._from.engine.events)):
            at = round(row.at * 1e6)
            if at > self._place.events:
                self._place.events = at
                yield self._named("event", msgspec.json.encode({"at_ms": row.at_ms, "text": row.text}))

    def status(self) -> Iterator[bytes]:
        """How venues and storage are: the heartbeat too."""
        yield self._named("status", self._from.status_text())

    def _snapshot(self) -> bytes:
        """The picture, after which only what is new is told."""
        source, wanted = self._from, self._wanted
        newest = list(source.engine.events)[: EVENTS + 1]
        signals = source.signals[-1].number if source.signals else 0
        if wanted.top is None and not wanted.coins:
            number, _, text = source.press.whole()
        else:
            source.press.beat()
            number = source.press.number
            text = encode(picture(source.engine, sorted(wanted.coins) or None, wanted.top))
        self._place = Place(number, signals, round(newest[EVENTS].at * 1e6) if len(newest) > EVENTS else 0)
        if wanted.top is not None:
            self._top = {part["coin"] for part in msgspec.json.decode(text)["coins"]}
        if wanted.by_leg:
            has_past = dict(source.engine.history.counts())
            self._untold = [coin for coin in source.press.widest(wanted.top, wanted.coins) if coin in has_past]
        terms = encode(terms_part(source.engine))
        return self._named("snapshot", b'{"session":"%s","terms":%s,%s' % (source.session.encode(), terms, text[1:]))

    def past(self) -> Iterator[bytes]:
        """What is remembered of some more coins, the widest first; nothing once all was told."""
        if self._untold:
            some, self._untold = self._untold[:PAST_COINS], self._untold[PAST_COINS:]
            yield self._named("past", encode(past_part(self._from.engine, some)))

    def _top_changes(self, top: int) -> News:
        """The changed coins of those that are at the top now, all new ones, and who is there no longer."""
        press, wanted = self._from.press, self._wanted.coins
        now = set(press.widest(top, wanted))
        new = now - self._top
        known = press.since(self._place.changes, now - new, by_leg=self._wanted.by_leg)
        gone, self._top = sorted(self._top - now), now
        return News(press.number, [*known.coins, *press.texts(new)], gone, known.legs)

    def _is_known(self, place: Place) -> bool:
        """Whether the signals that a client missed are still there."""
        oldest = self._from.signals[0].number if self._from.signals else 0
        return place.signals >= oldest - 1

    def _named(self, kind: str, data: bytes) -> bytes:
        return written(kind, self._place.named(self._from.session), data)


async def serve(
    request: web.BaseRequest, collector: Collector, wanted: Wanted, stopped: asyncio.Event
) -> web.StreamResponse:
    """Send events until the client goes, is cut, or the program ends."""
    packer = Packer() if wanted.packed else None
    answer = web.StreamResponse(headers={**HEADERS, **(PACKED if packer else {}), **PLAIN})
    answer.force_close()
    allow(request, inf)
    keep_little(request.transport)
    await answer.prepare(request)
    collector.streams += 1
    try:
        async for event in _events(Stream(collector, wanted), wanted, stopped):
            sent = event if packer is None else packer.packed(event)
            for at in range(0, len(sent), CHUNK):
                async with asyncio.timeout(CUT_S):
                    await answer.write(sent[at : at + CHUNK])
            collector.sent += len(sent)
    except TimeoutError:
        allow(request, 0.0)
    except ConnectionError:
        LOG.debug("a client of the stream is gone")
    finally:
        collector.streams -= 1
    return answer


async def _events(stream: Stream, wanted: Wanted, stopped: asyncio.Event) -> AsyncIterator[bytes]:
    mono = asyncio.get_running_loop().time
    for event in stream.begin():
        yield event
    change_at, status_at = mono() + wanted.every_s, mono() + STATUS_S
    while not await _is_over(stopped, min(TICK_S, max(0.01, change_at - mono()))):
        now, parts = mono(), [stream.news, stream.past]
        if now >= change_at:
            change_at = max(change_at + wanted.every_s, now)
            parts.insert(0, stream.changes)
        if now >= status_at:
            status_at = max(status_at + STATUS_S, now)
            parts.append(stream.status)
        for event in chain.from_iterable(part() for part in parts):
            yield event


async def _is_over(stopped: asyncio.Event, seconds: float) -> bool:
    """Whether it is, after so long at most."""
    try:
        return await asyncio.wait_for(stopped.wait(), seconds)
    except TimeoutError:
        return False


def _changes(now_ms: int, news: News, *, by_leg: bool) -> bytes:
    legs = b',"legs":%s' % msgspec.json.encode(news.legs) if by_leg else b""
    gone = msgspec.json.encode(news.gone)
    return b'{"at_ms":%d,"coins":[%s],"gone":%s%s}' % (now_ms, b",".join(news.coins), gone, legs)
