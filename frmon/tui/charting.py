"""The chart of the coin that is looked at: asks the painter for it and shows what it painted last. Never waits."""

from collections.abc import Callable, Sequence
from itertools import groupby

from textual.message import Message

from frmon.board import Cell, Row
from frmon.model import Market
from frmon.tui.chart import room_for
from frmon.tui.columns import leg_name
from frmon.tui.drawing import Drawing, Painted
from frmon.tui.grid import Look
from frmon.tui.legs import cells_in_order
from frmon.tui.lines import Line, pad
from frmon.tui.painter import Painter
from frmon.tui.sections.charts import SPANS, Kind, Leg, Request, Wish, head
from frmon.tui.sections.sightings import Sightings
from frmon.tui.source import Source
from frmon.tui.theme import HUES, wants_plain
from frmon.tui.tracks import Sample, remembered

NEW_MS = 5_000
"""So often a chart is painted anew at most: it moves by itself only that slowly."""

CLOSED = {
    "OFF": "memory only: storage is off",
    "ELSEWHERE": "memory only: the file is the collector's",
    "TAKEN": "memory only: another frmon keeps the file",
    "NEWER": "memory only: the file is of a newer frmon",
    "FOREIGN": "memory only: the file is of another program",
}
"""States of storage in which its file is not ours to read."""

TALL = 16
"""A chart as high as this leaves the rest of the room to what stands below it."""


class Drawn(Message):
    """A chart is ready."""


def height_for(room: int) -> int:
    """Lines of a chart with its head, of those that the detail has."""
    below = room - 1  # the line of the pair stays above
    return below if below <= TALL else max(TALL, below * 2 // 3)


class Charts:
    """Made of the board, of memory and of the file. `done` is called, in another thread, when a picture is ready."""

    def __init__(self, source: Source, done: Callable[[], object]) -> None:
        self.painter: Painter[Request, Painted] = Painter(Drawing().paint, done)
        self._source = source
        self._seen = Sightings()
        self._colourless = wants_plain()
        self._asked: Request | None = None

    def see(self, row: Row, look: Look) -> None:
        """Take note of prices and rates while they are looked at."""
        self._seen.see(row, look)

    def lines(self, row: Row, look: Look, wish: Wish, size: tuple[int, int]) -> Sequence[Line]:
        """So many lines (or one, that says there is no room) of so many cells."""
        width, height = size
        if wish.kind is None:
            return ()
        if not room_for(width, height - 1):
            return [
                (
                    ("no room for a chart here: ", "dim"),
                    ("e", "key"),
                    (" enlarges, ", "dim"),
                    ("c", "key"),
                    (" closes", "dim"),
                )
            ]
        request = self._request(row, look, wish, (width, height - 1))
        if self._is_new(request):
            self._asked = request
            self.painter.ask(request)
        return self._shown(request, width, height)

    def _is_new(self, request: Request) -> bool:
        """Whether it differs in more than what memory came to hold since."""
        asked = self._asked
        return (
            asked is None or not request.same_place(asked) or request[4:7] != asked[4:7] or request.store != asked.store
        )

    def _shown(self, request: Request, width: int, height: int) -> list[Line]:
        latest, notes = self.painter.latest, [self._closed(), self.painter.trouble]
        body: Sequence[Line] = ()
        if latest is not None and request.same_place(latest[0]):
            body = latest[1].lines
            notes += latest[1].notes
        told = [note for note in notes if note]
        title = pad(head(request.wish, told), width, left=True)
        return [title, *body, *[()] * (height - 1 - len(body))]

    def _closed(self) -> str:
        status = self._source.storage.status
        if self._source.store is None:
            return CLOSED.get(status, CLOSED["OFF"])
        return CLOSED.get(status, "")

    def _request(self, row: Row, look: Look, wish: Wish, size: tuple[int, int]) -> Request:
        kind, span = wish.kind, SPANS[wish.span]
        beat = min(span.every_ms, NEW_MS)
        series = self._source.history.series(row.coin) if kind is Kind.SPREAD else None
        return Request(
            coin=row.coin,
            wish=wish,
            width=size[0],
            height=size[1],
            until_ms=(look.now_ms // beat + 1) * beat,
            fine=not look.ascii and (kind is Kind.SPREAD or not self._colourless),
            ascii=look.ascii,
            live=() if series is None else _until(remembered(series, span.ms / 1000, *self._now()), look.now_ms),
            legs=() if kind is Kind.SPREAD else self._legs(row, look, kind is Kind.FUNDING),
            threshold=self._source.settings.signals.threshold_pct,
            store=None if self._closed() else self._source.store,
        )

    def _now(self) -> tuple[float, int]:
        clock = self._source.clock
        return clock.mono(), clock.now_ms()

    def _legs(self, row: Row, look: Look, funding: bool) -> list[Leg]:
        """One per venue: the perpetual, else the spot pair; for funding only perpetuals whose interval is known."""
        order = list(look.codes)
        found = []
        for venue, cells in groupby(sorted(cells_in_order(row), key=lambda c: c.key.venue), lambda c: c.key.venue):
            cell = next(cells)
            times = _per_8h(cell) if funding else 1.0
            if times is None:
                continue
            live = self._seen.rates(cell.key) if funding else self._seen.mids(cell.key)
            ink = HUES[order.index(venue) % len(HUES)] if venue in order else HUES[0]
            found.append(Leg(cell.key, leg_name(cell.key, look), ink, times, _until(live, look.now_ms)))
        return sorted(found, key=lambda leg: order.index(leg.key.venue) if leg.key.venue in order else len(order))


def _per_8h(cell: Cell) -> float | None:
    """What makes percent per 8 hours of a rate; None where there is no such thing."""
    hours = cell.funding_interval_h
    return None if cell.key.market is not Market.PERP or not hours else 800 / hours


def _until(samples: Sequence[Sample], until_ms: int) -> list[Sample]:
    """Those that began by then: a paused picture shows nothing later."""
    return [s._replace(until_ms=min(s.until_ms, until_ms)) for s in samples if s.since_ms < until_ms]
