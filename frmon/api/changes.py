"""What changed since a client last heard: every coin has the number of its last change, so whoever was away for a while, or
reads slowly, is told the latest of each and nothing twice. Coins are written once for all clients."""

from collections.abc import Collection, Container, Iterable
from typing import NamedTuple

import msgspec

from frmon.api.legs import CoinMark, marked
from frmon.board import Row
from frmon.model import Flag, Spread
from frmon.parts import LegNews
from frmon.snapshot import Source, coin_part, encode, picture
from frmon.spread import flags

SPREAD_OVER = 8
"""Rows that nothing was said of are looked through in so many turns: their flags fade by themselves."""

GONE = 5_000
"""Coins that have left and are remembered."""

BEAT_S = 0.2
PICTURE_S = 0.5


class Mark(msgspec.Struct):
    """A coin as it was written last. `number`: of its last change."""

    version: int
    fresh: tuple[bool, ...]
    spread: Spread | None
    flags: list[Flag]
    number: int
    text: bytes
    width: float
    legs: CoinMark


class Whole(NamedTuple):
    """A picture with the number of changes that are in it."""

    number: int
    at: float
    text: bytes


class News(NamedTuple):
    """What a client has not heard yet. `legs`: of coins that it knows, where it wants no more."""

    number: int
    coins: list[bytes]
    gone: list[str]
    legs: list[LegNews]


class Press:
    """Writes coins down when they changed. For one thread."""

    def __init__(self, engine: Source) -> None:
        self._engine = engine
        self.number = 0
        self.forgot = 0  # what left up to this number is not remembered
        self._marks: dict[str, Mark] = {}
        self._gone: dict[str, int] = {}
        self._beat_at = float("-inf")
        self._whole: Whole | None = None

    def beat(self) -> None:
        """Look for changes, unless that was done a moment ago."""
        now, now_ms = self._engine.clock.mono(), self._engine.clock.now_ms()
        if now - self._beat_at < BEAT_S:
            return
        self._beat_at = now
        self.number += 1
        rows = list(self._engine.board.rows.values())
        for place, row in enumerate(rows):
            self._look(row, now, now_ms, thoroughly=place % SPREAD_OVER == self.number % SPREAD_OVER)
        for coin in self._marks.keys() - {row.coin for row in rows}:
            del self._marks[coin]
            self._gone[coin] = self.number
        while len(self._gone) > GONE:
            self.forgot = self._gone.pop(next(iter(self._gone)))

    def whole(self) -> Whole:
        """The picture of a moment ago, for whoever comes, written."""
        now = self._engine.clock.mono()
        if self._whole is None or now - self._whole.at >= PICTURE_S:
            self.beat()
            self._whole = Whole(self.number, now, encode(picture(self._engine)))
        return self._whole

    def since(self, number: int, wanted: Container[str] | None = None, *, by_leg: bool = False) -> News:
        """What changed after `number`, of the coins that are wanted, None for all. `by_leg`: whole coins only where their
        legs are others."""
        changed = [m for c, m in self._marks.items() if m.number > number and (wanted is None or c in wanted)]
        gone = [c for c, at in self._gone.items() if at > number and (wanted is None or c in wanted)]
        whole = [m.text for m in changed if not by_leg or m.legs.whole > number]
        legs = [leg for m in changed if by_leg and m.legs.whole <= number for leg in m.legs.news(number)]
        return News(self.number, whole, gone, legs)

    def texts(self, coins: Iterable[str]) -> list[bytes]:
        """Some coins as they were written last."""
        return [self._marks[coin].text for coin in coins if coin in self._marks]

    def widest(self, top: int | None, among: Collection[str]) -> list[str]:
        """The coins with the widest gross spreads, of all or of some, the widest first."""
        marks = [(coin, mark) for coin, mark in self._marks.items() if not among or coin in among]
        ranked = sorted(marks, key=lambda item: (-item[1].width, item[0]))
        return [coin for coin, _ in ranked[:top]]

    def _look(self, row: Row, now: float, now_ms: int, *, thoroughly: bool) -> None:
        mark, terms = self._marks.get(row.coin), self._engine.terms
        version, spread = row.version, row.spread
        fresh = tuple(cell.is_fresh(now, terms.freshness) for cell in row.cells)
        same = mark is not None and (mark.version, mark.fresh, mark.spread) == (version, fresh, spread)
        if same and not thoroughly:
            return
        shown = flags(row, terms, now, now_ms)
        if mark is not None and same and mark.flags == shown:
            return
        part = coin_part(self._engine, row, now, now_ms)
        self._gone.pop(row.coin, None)
        self._marks[row.coin] = Mark(
            version=version,
            fresh=fresh,
            spread=spread,
            flags=shown,
            number=self.number,
            text=encode(part),
            width=part.spread.gross_pct if part.spread is not None else float("-inf"),
            legs=marked(part, None if mark is None else mark.legs, self.number),
        )
