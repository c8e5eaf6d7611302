"""What the last run left in the file comes back: rows as they were known last, the past of the widest spreads, and the
episodes that its end cut off. Read beside the engine's thread, which connects meanwhile."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from frmon.board import Row
from frmon.cell import Cell
from frmon.clock import Clock
from frmon.config import Settings
from frmon.identity import Identity
from frmon.jobs import apart
from frmon.keeping import Keeping, name_of
from frmon.model import Carrier, Leg, Market
from frmon.signals.history import MOST_COINS, History
from frmon.signals.series import SPANS_S, Held
from frmon.storage.bars import MINUTE_MS, Bar, Gap, minute_of
from frmon.storage.beside import Beside
from frmon.storage.packing import Unpackable
from frmon.storage.records import EpisodeRow, LegBar, LegName
from frmon.storage.running import Minute
from frmon.storage.series import COINS, LEGS, SPANS, Kind, Pack, minutes, packs, spans

T = TypeVar("T")

DAY = 1440
ROWS_AGE = DAY
"""Minutes after which nobody wants to see last known prices any more."""

LAST = 10
"""A leg that was not seen in the last minutes of a run had left before, or was unknown."""

PAST = round(max(SPANS_S) / 60)
"""Minutes of spreads that are read back."""

AT_ONCE = 250
"""Rows that are shown before others get their turn."""

LOOK_S = 0.1
BUSY_S = 0.5
MARKETS = frozenset(market.value for market in Market)
INTERRUPTED = "interrupted"


class Known(NamedTuple):
    """What a file holds of the last run: every leg's last minute, the last hours of the widest spreads by coin."""

    legs: list[tuple[LegName, Bar]]
    gaps: dict[str, list[Gap]]


class Unread(NamedTuple):
    """Why nothing could be read back; "" where there was nothing."""

    why: str = ""


class Into(NamedTuple):
    """Where what is read back goes. `market`: "real" or "simulated", of which the file's prices must be."""

    identity: Identity
    history: History
    settings: Settings
    market: str


class WarmStart:
    """One warm start of an engine that keeps its history."""

    def __init__(self, keeping: Keeping, into: Into, clock: Clock, tell: Callable[[str], None]) -> None:
        self._keeping = keeping
        self._into = into
        self._clock = clock
        self._tell = tell
        self._path = keeping.journal.file.path

    async def run(self) -> None:
        """Bring back what there is, then close the episodes that were cut off."""
        known = await apart(lambda: read(self._path, self._into.market, self._clock.now_ms()))
        if isinstance(known, Unread):
            if known.why:
                self._tell(f"storage: nothing of the last run is shown ({known.why})")
        else:
            await self._show(known)
        await self._close()

    async def _show(self, known: Known) -> None:
        now, now_ms = self._clock.mono(), self._clock.now_ms()
        cells = list(remembered(known.legs, self._into.settings, now, now_ms))
        for start in range(0, len(cells), AT_ONCE):
            self._into.identity.remember(cells[start : start + AT_ONCE])
            await self._clock.sleep(0)
        for coin, gaps in known.gaps.items():
            self._into.history.recall(coin, list(held(gaps, now, now_ms)), now)
            await self._clock.sleep(0)

    async def _close(self) -> None:
        """Once the file is ours, and no other program's that still follows them: episodes that are open in it, but not
        those of this run, ended when they were seen last."""
        while self._keeping.journal.state.status not in {"OK", "RESET"}:
            await self._clock.sleep(LOOK_S)
        found = await apart(lambda: open_episodes(self._path))
        mine = self._keeping.mine or set()
        cut = [] if isinstance(found, Unread) else [e for e in found if name_of(e) not in mine]
        for episode in cut:
            self._keeping.journal.put(interrupted(episode))
        self._keeping.mine = None
        if cut:
            self._tell(f"storage: {len(cut)} episodes were open when the last run ended")


def read(path: Path, market: str, now_ms: int) -> Known | Unread:
    """What the file holds of the last run, as far as it is recent enough. `market`: as in `Into`. Blocks."""

    def ask(file: sqlite3.Connection) -> Known:
        if file.execute("SELECT value FROM meta WHERE key = 'market'").fetchone() != (market,):
            return Known([], {})
        minute = minute_of(now_ms)
        return Known(_legs(file, minute), _gaps(file, minute))

    known = _asked(path, ask)
    return (
        known if isinstance(known, Unread) else with_last(known, Beside(path, market).read().minutes, minute_of(now_ms))
    )


def with_last(known: Known, minutes: Mapping[int, Minute], minute: int) -> Known:
    """With the minutes that the file may not hold yet."""
    legs = {(name.venue, name.market, name.symbol): (name, bar) for name, bar in known.legs}
    gaps = {coin: {gap.start: gap for gap in past} for coin, past in known.gaps.items()}
    for start in sorted(start for start in minutes if minute - LAST < start <= minute):
        for record in minutes[start]:
            if isinstance(record, LegBar):
                legs[record.leg.venue, record.leg.market, record.leg.symbol] = record.leg, record.bar
            elif record.coin in gaps or len(gaps) < MOST_COINS:
                gaps.setdefault(record.coin, {})[start] = record.gap
    return Known(list(legs.values()), {coin: [past[at] for at in sorted(past)] for coin, past in gaps.items()})


def open_episodes(path: Path) -> list[EpisodeRow] | Unread:
    """The episodes that did not close. Blocks."""
    columns = ", ".join(EpisodeRow.__struct_fields__)
    query = f"SELECT {columns} FROM episode WHERE reason IS NULL"  # noqa: S608  our own names
    return _asked(path, lambda file: [_episode(row) for row in file.execute(query)])


def interrupted(episode: EpisodeRow) -> EpisodeRow:
    """An episode that its program's end cut off: nobody knows more of it than when it was seen last."""
    return msgspec.structs.replace(episode, closed_ms=episode.seen_ms, reason=INTERRUPTED)


def remembered(legs: Iterable[tuple[LegName, Bar]], settings: Settings, now: float, now_ms: int) -> Iterable[Cell]:
    """Cells with what was known last: never fresh, as old as they are. A minute says when within it a leg was seen last only
    to the minute: its age counts from the beginning of that, so that nothing looks younger than it is."""
    hidden = {coin.casefold() for coin in settings.coins.exclude}
    for name, bar in legs:
        venue = settings.venues.get(name.venue)
        if venue is None or not venue.enabled or name.coin.casefold() in hidden or name.market not in MARKETS:
            continue
        leg = Leg(
            venue=name.venue, market=Market(name.market), symbol=name.symbol, coin=name.coin, multiplier=name.multiplier
        )
        cell = Cell(leg, Row(leg.coin))
        cell.bid, cell.ask, cell.mark, cell.index = bar.bid, bar.ask, bar.mark_price, bar.index_price
        cell.funding_rate = bar.rate
        carrier = Carrier(leg.venue, leg.market, "the last run")  # which does not live
        cell.funding.by = None if bar.rate is None else carrier
        cell.quote.state(carrier, now - (now_ms - bar.start * MINUTE_MS) / 1000)
        yield cell


def held(gaps: Iterable[Gap], now: float, now_ms: int) -> Iterable[Held]:
    """Minutes on the monotonic clock of this run. What is known of a minute's lowest value are its mean and its last."""
    for gap in gaps:
        begun = now - (now_ms - gap.start * MINUTE_MS) / 1000
        until = min(begun + 60, now)
        since = max(begun, until - min(60, gap.seconds))
        if begun < now:
            yield Held(since, until, gap.last, min(gap.mean, gap.last), gap.most)


def _asked(path: Path, ask: Callable[[sqlite3.Connection], T]) -> T | Unread:
    """The answer of a file that is only read."""
    try:
        if not path.exists():
            return Unread()
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as file:
            file.execute("BEGIN")
            return ask(file)
    except (sqlite3.Error, OSError) as error:
        is_new = "no such table" in str(error)
        return Unread("" if is_new else str(error))


def _legs(file: sqlite3.Connection, minute: int) -> list[tuple[LegName, Bar]]:
    """Every leg's last minute of the last minutes. Of several with one symbol, whose coin or multiplier changed, the last."""
    found: dict[tuple[str, str, str], tuple[LegName, Bar]] = {}
    last = _last(file, LEGS, range(minute - ROWS_AGE, minute + 1))
    names = file.execute("SELECT id, venue, market, symbol, coin, multiplier FROM leg")
    legs = {number: LegName(*name) for number, *name in names} if last else {}
    for number in sorted(last.keys() & legs.keys(), key=lambda number: (last[number].start, number)):
        leg = legs[number]
        found[leg.venue, leg.market, leg.symbol] = leg, last[number]
    return list(found.values())


def _last(file: sqlite3.Connection, kind: Kind, within: range) -> dict[int, Any]:
    """The last minute of each leg or coin that was seen in the last minutes of those `within`, row or packed. A pack is only
    unpacked where it may hold a later one than is known."""
    found = _last_rows(file, kind, within)
    newest = max((bar.start for bar in found.values()), default=within.start)
    for hour in _packed_hours(file, kind, within):
        if hour + SPANS[1] <= newest - LAST:
            break
        query = "SELECT subject, start, data FROM pack WHERE kind = ? AND step = 1 AND start = ?"
        for pack in map(Pack._make, file.execute(query, (kind.number, hour))):
            known = found[pack.subject].start if pack.subject in found else within.start - 1
            if known < hour + SPANS[1] - 1 and (bar := _last_of(kind, pack, within)) is not None and bar.start > known:
                found[pack.subject] = bar
                newest = max(newest, bar.start)
    return {subject: bar for subject, bar in found.items() if bar.start > newest - LAST}


def _last_rows(file: sqlite3.Connection, kind: Kind, within: range) -> dict[int, Any]:
    """Those that lie as rows."""
    query = f"SELECT max(start) FROM {kind.table} WHERE start >= ? AND start < ?"  # noqa: S608  our own names
    newest = file.execute(query, (within.start, within.stop)).fetchone()[0]
    if newest is None:
        return {}
    since = max(within.start, newest - LAST + 1)
    query = f"""SELECT {kind.subject}, {kind.columns} FROM {kind.table} WHERE start >= ? AND start <= ?
        ORDER BY start"""  # noqa: S608  our own names
    return {subject: kind.make(values) for subject, *values in file.execute(query, (since, newest))}


def _packed_hours(file: sqlite3.Connection, kind: Kind, within: range) -> Iterator[int]:
    """The hours of which there are packs, the newest first."""
    hour = within.stop
    query = "SELECT max(start) FROM pack WHERE kind = ? AND step = 1 AND start < ?"
    while (hour := file.execute(query, (kind.number, hour)).fetchone()[0]) is not None:
        if hour + SPANS[1] <= within.start:
            break
        yield hour


def _last_of(kind: Kind, pack: Pack, within: range) -> Any:
    """A pack's last minute, None if it has none within these."""
    return next((bar for bar in reversed(_bars(kind, pack)) if bar.start in within), None)


def _bars(kind: Kind, pack: Pack) -> list[Any]:
    try:
        return kind.unpack(pack.data)
    except Unpackable:  # the journal's upkeep tells of it
        return []


def _gaps(file: sqlite3.Connection, minute: int) -> dict[str, list[Gap]]:
    """The last hours of the coins that were the widest when they were seen last."""
    since = minute - PAST
    last = _last(file, COINS, range(since, minute + 1))
    widest = sorted(last, key=lambda number: last[number].last, reverse=True)[:MOST_COINS]
    names = dict(file.execute("SELECT id, name FROM coin"))
    coins = {number: names[number] for number in widest if number in names}
    found: dict[int, dict[int, Gap]] = {number: {} for number in coins}
    for pack in packs(file, COINS, 1, spans(since, minute, 1), list(coins)):
        found[pack.subject].update((gap.start, gap) for gap in _bars(COINS, pack))
    for number, gap in minutes(file, COINS, range(since, minute), list(coins)):
        found[number][gap.start] = gap
    return {coins[number]: [gaps[start] for start in sorted(gaps) if since <= start] for number, gaps in found.items()}


def _episode(row: Sequence[Any]) -> EpisodeRow:
    return EpisodeRow(**dict(zip(EpisodeRow.__struct_fields__, row, strict=True)))
