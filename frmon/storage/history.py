"""The typed reader of what was kept, for the screen, the command line, the API and notebooks:

    from frmon.storage.history import History

    with History("~/.local/share/frmon/frmon.db") as history:
        for series in history.bars("PEPE", since_ms, until_ms, step=15):
            print(series.leg.venue, series.leg.symbol, [bar.close for bar in series.bars])
        spreads = history.gaps("PEPE", since_ms, until_ms)
        print(max(gap.most for gap in spreads.gaps), "percent")

It only reads. Every question is one short transaction of its own, so that a reader who stays for hours neither holds up the
writer nor keeps the file's log from being emptied, and it follows a file that is replaced. Times are Unix milliseconds UTC,
spans are [since_ms, until_ms), prices USDT per one coin, spreads percent, rates fractions per interval. The minute that runs
is in the file once it is over, or its writer has ended in good order.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from frmon.errors import FrmonError
from frmon.storage.bars import MINUTE_MS, Bar, Gap
from frmon.storage.readonly import Unreadable, open_to_read, readable
from frmon.storage.records import EpisodeRow, EventRow, LegName, PairName, SampleRow, Settlement, SignalRow
from frmon.storage.series import COINS, LEGS
from frmon.storage.stats import Stats, stats_of
from frmon.storage.stitch import Piece, check_step, kept, step_for, stitched, unbroken, whole_window

__all__ = ["GapSeries", "History", "LegSeries", "Stats", "Unknown", "Unreadable"]

FOREVER_MS = 1 << 53
_LEG = "leg.venue, leg.market, leg.symbol, leg.coin, leg.multiplier"


class Unknown(FrmonError):
    """Nothing is kept of a coin; the text names the nearest one that something is kept of."""


class LegSeries(msgspec.Struct, frozen=True):
    """Bars of one leg in the order of time. `step`: minutes of one bar, as asked for; `steps`: of each bar, larger where
    only coarser ones are kept."""

    leg: LegName
    step: int
    bars: list[Bar]
    steps: list[int]

    def unbroken(self) -> list[list[Bar]]:
        """Runs of bars between which no time is missing: what one line of a chart shows."""
        return [[piece.bar for piece in run] for run in unbroken(map(Piece, self.bars, self.steps))]


class GapSeries(msgspec.Struct, frozen=True):
    """The best spread of one coin in the order of time, `step` and `steps` as those of a leg. `pairs`: `Gap.pair` -> where
    to buy and to sell."""

    coin: str
    step: int
    gaps: list[Gap]
    steps: list[int]
    pairs: dict[int, PairName]

    def unbroken(self) -> list[list[Gap]]:
        """Runs between which no time is missing."""
        return [[piece.bar for piece in run] for run in unbroken(map(Piece, self.gaps, self.steps))]


R = TypeVar("R", SignalRow, EpisodeRow, EventRow, SampleRow)


class _Table(NamedTuple):
    """Where rows lie, when they were, and what orders those of one time."""

    name: str
    at: str
    order: str = ""


_TABLES: dict[type, _Table] = {
    SignalRow: _Table("signal", "at_ms", ", id DESC"),
    EpisodeRow: _Table("episode", "opened_ms", ", kind DESC, coin DESC, short DESC, long DESC"),
    EventRow: _Table("event", "at_ms", ", id DESC"),
    SampleRow: _Table("sample", "at_ms"),
}
_ROWS: dict[str, type] = {"signals": SignalRow, "episodes": EpisodeRow, "events": EventRow, "samples": SampleRow}
_SERIES = {"bars": LEGS, "gaps": COINS}


class History:
    """Reads one file. Used by one thread at a time, any thread. Every method raises `Unreadable` when the file is missing,
    of another program, of a newer frmon, damaged or locked."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser()
        self.unread = 0  # packs that could not be read and were left out, since the beginning
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)

    def __enter__(self) -> Self:
        """Open the file now, not at the first question."""
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. The next question opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def simulated(self) -> bool:
        """Whether what is kept was seen on a simulated market."""
        return self._all("SELECT value FROM meta WHERE key = 'market'") == [("simulated",)]

    def coins(self) -> list[str]:
        """The names of all coins of which anything is kept."""
        return [name for (name,) in self._all("SELECT coin FROM leg UNION SELECT name FROM coin ORDER BY 1")]

    def coin(self, name: str) -> str:
        """A coin as the file writes it, whatever the case it is asked for in. Raises `Unknown`."""
        if self._all("SELECT 1 FROM leg WHERE coin = ?1 UNION SELECT 1 FROM coin WHERE name = ?1", (name,)):
            return name
        known = self.coins()
        found = next((coin for coin in known if coin.upper() == name.upper()), None)
        if found is None:
            near = get_close_matches(name.upper(), {coin.upper() for coin in known}, n=1)
            real = next((coin for coin in known if near and coin.upper() == near[0]), "")
            raise Unknown(f"nothing is kept of {name}" + (f" (did you mean {real}?)" if real else ""))
        return found

    def legs(self, coin: str | None = None) -> list[LegName]:
        """The legs of a coin, or all, by coin, venue, market, symbol. Raises `Unknown`."""
        where = ("WHERE coin = ?", (self.coin(coin),)) if coin is not None else ("", ())
        query = f"SELECT {_LEG} FROM leg {where[0]} ORDER BY coin, venue, market, symbol, multiplier"  # noqa: S608  our own names
        return [LegName(*row) for row in self._all(query, where[1])]

    def bars(self, of: str | LegName, since_ms: int, until_ms: int, step: int | None = None) -> list[LegSeries]:
        """The bars of every leg of a coin, or of one leg; legs without any are left out. `step`: minutes of one bar (1, 3, 5,
        15, 30, 60 or a multiple of 60), None for what suits the span. Bars are whole: the first and the last may reach
        beyond the span. Raises `Unknown`."""
        step = _step(step, since_ms, until_ms)
        with self._reading() as connection:
            legs = self._numbers(connection, of)
            found, unread = stitched(connection, LEGS, list(legs), whole_window(since_ms, until_ms, step))
        self.unread += unread
        return [LegSeries(leg, step, *_split(found[number])) for number, leg in legs.items() if number in found]

    def gaps(self, coin: str, since_ms: int, until_ms: int, step: int | None = None) -> GapSeries:
        """The best executable gross spread of a coin, as `bars`. Raises `Unknown`."""
        step, name = _step(step, since_ms, until_ms), self.coin(coin)
        with self._reading() as connection:
            numbers = [number for (number,) in connection.execute("SELECT id FROM coin WHERE name = ?", (name,))]
            found, unread = stitched(connection, COINS, numbers, whole_window(since_ms, until_ms, step))
            pairs = {
                number: PairName((a, b), (c, d)) for number, a, b, c, d in connection.execute("SELECT * FROM pair")
            }
        self.unread += unread
        gaps, steps = _split(found[numbers[0]]) if found else ([], [])
        return GapSeries(name, step, gaps, steps, {n: pairs[n] for n in {g.pair for g in gaps} if n in pairs})

    def settlements(self, of: str | LegName, since_ms: int = 0, until_ms: int = FOREVER_MS) -> list[Settlement]:
        """What funding was settled for the legs of a coin, or for one leg, by leg and time. Raises `Unknown`."""
        with self._reading() as connection:
            legs = self._numbers(connection, of)
            query = "SELECT at_ms, rate, interval_h, source FROM settlement WHERE leg = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms"
            return [
                Settlement(leg=leg, at_ms=at_ms, rate=rate, interval_h=interval_h, source=source)
                for number, leg in legs.items()
                for at_ms, rate, interval_h, source in connection.execute(query, (number, since_ms, until_ms))
            ]

    def signals(
        self, since_ms: int = 0, until_ms: int = FOREVER_MS, *, coin: str | None = None, newest: int | None = None
    ) -> list[SignalRow]:
        """Signals in the order of time: of one coin, the `newest` so many. Raises `Unknown`."""
        return self._of(SignalRow, (since_ms, until_ms), coin, newest)

    def episodes(
        self, since_ms: int = 0, until_ms: int = FOREVER_MS, *, coin: str | None = None, newest: int | None = None
    ) -> list[EpisodeRow]:
        """Episodes that opened in the span, in that order. Raises `Unknown`."""
        return self._of(EpisodeRow, (since_ms, until_ms), coin, newest)

    def events(self, since_ms: int = 0, until_ms: int = FOREVER_MS, *, newest: int | None = None) -> list[EventRow]:
        """What happened to venues, lines, legs and jobs, in the order of time."""
        return self._of(EventRow, (since_ms, until_ms), None, newest)

    def samples(self, since_ms: int = 0, until_ms: int = FOREVER_MS, *, newest: int | None = None) -> list[SampleRow]:
        """What the program itself used, in the order of time."""
        return self._of(SampleRow, (since_ms, until_ms), None, newest)

    def span(self, of: str) -> tuple[int, int] | None:
        """From when until when anything is kept, None when nothing is. `of`: bars, gaps, signals, episodes, events or
        samples."""
        with self._reading() as connection:
            if of in _SERIES:
                minutes = kept(connection, _SERIES[of])
                return None if minutes is None else (minutes[0] * MINUTE_MS, minutes[1] * MINUTE_MS)
            table = _TABLES[_ROWS[of]]
            query = f"SELECT min({table.at}), max({table.at}) FROM {table.name}"  # noqa: S608  our own names
            first, last = connection.execute(query).fetchone()
        return None if first is None else (first, last + 1)

    def minutes(self) -> list[tuple[str, str, int]]:
        """Coin, venue, and how many minutes of its legs lie there that are not packed yet: of the last hour or so."""
        query = "SELECT coin, venue, count(*) FROM bar JOIN leg ON leg.id = bar.leg GROUP BY coin, venue ORDER BY 1, 2"
        return self._all(query)

    def stats(self) -> Stats:
        """How large the file is and what lies in it."""
        with self._reading() as connection:
            return stats_of(connection, self.path)

    def _of(self, kind: type[R], span: tuple[int, int], coin: str | None, newest: int | None) -> list[R]:
        table, names = _TABLES[kind], kind.__struct_fields__
        values: list[object] = [*span]
        where = f"{table.at} >= ? AND {table.at} < ?"
        if coin is not None:
            where += " AND coin = ?"
            values.append(self.coin(coin))
        query = f"""SELECT {", ".join(names)} FROM {table.name} WHERE {where}
            ORDER BY {table.at} DESC{table.order} LIMIT ?"""  # noqa: S608  our own names
        rows = self._all(query, [*values, -1 if newest is None else newest])
        return [kind(**dict(zip(names, row, strict=True))) for row in reversed(rows)]

    def _numbers(self, connection: sqlite3.Connection, of: str | LegName) -> dict[int, LegName]:
        """The numbers of the legs that are meant."""
        coin = of.coin if isinstance(of, LegName) else self.coin(of)
        query = f"SELECT id, {_LEG} FROM leg WHERE coin = ? ORDER BY venue, market, symbol, multiplier"  # noqa: S608  our own names
        legs = {number: LegName(*row) for number, *row in connection.execute(query, (coin,))}
        return {number: leg for number, leg in legs.items() if isinstance(of, str) or leg == of}

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file for as long as the block lasts. Within another such block: that one's."""
        connection = self._open()
        with readable(self.path):
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                with suppress(sqlite3.Error):  # a failed statement may have ended it
                    connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        """The connection, to the file that now bears the name."""
        with readable(self.path):
            found = self.path.stat()
        identity = (found.st_dev, found.st_ino)
        if self._connection is None or identity != self._identity:
            self.close()
            self._connection, self._identity = open_to_read(self.path), identity
        return self._connection


def _step(step: int | None, since_ms: int, until_ms: int) -> int:
    found = step_for((until_ms - since_ms) // MINUTE_MS) if step is None else step
    check_step(found)
    return found


def _split(pieces: Sequence[Piece]) -> tuple[list[Any], list[int]]:
    return [piece.bar for piece in pieces], [piece.step for piece in pieces]
