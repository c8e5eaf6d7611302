"""What the last run left in the file comes back: rows as they were known last, the past of the widest spreads, and the
episodes that its end cut off. Read beside the engine's thread, which connects meanwhile."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
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
from frmon.storage.packing import Unpackable
from frmon.storage.records import EpisodeRow, LegName
from frmon.storage.series import COINS, minutes, packs, spans

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

    return _asked(path, ask)


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
        cell.quote.state(carrier, now - (now_ms - bar.start * MINUTE_MS) / 1000)
        yield cell


def held(gaps: Iterable[Gap], now: float, now_ms: int) -> Iterable[Held]:
    """Minutes on the monotonic clock of this run. What is known of a minute's lowest value are its mean and its last."""
    for gap in gaps:
        until = now - (now_ms - (gap.start + 1) * MINUTE_MS) / 1000
        since = until - min(60, gap.seconds)
        if until <= now:
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
    """Every leg's last minute of the last minutes."""
    newest = file.execute("SELECT max(start) FROM bar WHERE start <= ?", (minute,)).fetchone()[0]
    if newest is None or newest < minute - ROWS_AGE:
        return []
    rows = file.execute(
        """SELECT venue, market, symbol, coin, multiplier,
            max(start), open, high, low, close, bid, ask, mark_price, index_price, rate, updates
        FROM bar JOIN leg ON leg.id = bar.leg WHERE start > ? AND start <= ? GROUP BY bar.leg""",
        (newest - LAST, minute),
    )
    return [(LegName(*row[:5]), Bar._make(row[5:])) for row in rows]


def _gaps(file: sqlite3.Connection, minute: int) -> dict[str, list[Gap]]:
    """The last hours of the coins that were the widest when they were seen last."""
    newest = file.execute("SELECT max(start) FROM gap WHERE start <= ?", (minute,)).fetchone()[0]
    if newest is None or newest < minute - PAST:
        return {}
    coins = dict(
        file.execute(
            """SELECT id, name FROM gap JOIN coin ON coin.id = gap.coin WHERE start > ? AND start <= ?
            GROUP BY coin ORDER BY max(last) DESC LIMIT ?""",
            (newest - LAST, minute, MOST_COINS),
        )
    )
    found: dict[int, dict[int, Gap]] = {number: {} for number in coins}
    since = minute - PAST
    for pack in packs(file, COINS, 1, spans(since, minute, 1), list(coins)):
        with suppress(Unpackable):  # the journal's upkeep tells of it
            found[pack.subject].update((gap.start, gap) for gap in COINS.unpack(pack.data))
    for number, gap in minutes(file, COINS, range(since, minute), list(coins)):
        found[number][gap.start] = gap
    return {coins[number]: [gaps[start] for start in sorted(gaps) if since <= start] for number, gaps in found.items()}


def _episode(row: Sequence[Any]) -> EpisodeRow:
    return EpisodeRow(**dict(zip(EpisodeRow.__struct_fields__, row, strict=True)))
