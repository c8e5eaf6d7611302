"""All that is known of the coin that is looked at."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from frmon.board import Cell, Row
from frmon.config import Settings
from frmon.fundingnews import Settled
from frmon.gates import Gate, Question, explain, nearest
from frmon.model import LegKey
from frmon.signals.history import Past
from frmon.study import CoinDepth
from frmon.tui.columns import cell_of
from frmon.tui.grid import Look
from frmon.tui.source import Source


class Glance(NamedTuple):
    """A coin's row, and what others say of it. `pair`: the (buy, sell) that the gates judge."""

    row: Row
    gates: Sequence[Gate] = ()
    pair: tuple[LegKey, LegKey] | None = None
    depth: CoinDepth | None = None
    past: Past | None = None
    settled: Mapping[LegKey, Settled] = MappingProxyType({})  # what settlements paid since the start

    def legs(self) -> tuple[Cell, Cell] | None:
        """The cells that the best pair buys and sells."""
        spread = self.row.spread
        if spread is None:
            return None
        buy, sell = cell_of(self.row, spread.buy), cell_of(self.row, spread.sell)
        return None if buy is None or sell is None else (buy, sell)


def glance(source: Source, row: Row, look: Look) -> Glance:
    """Ask the engine all about a coin."""
    question = question_of(source.settings, look)
    near = nearest(row, question)
    pair = None if near is None else (near[0].key, near[1].key)
    long, short = ("", "") if pair is None else (pair[0].venue, pair[1].venue)
    depth = source.depth
    return Glance(
        row=row,
        gates=explain(row, pair, source.standing(row.coin, short, long), question),
        pair=pair,
        depth=depth if depth is not None and depth.coin == row.coin else None,
        past=source.history.look(row.coin),
        settled=source.funding.settled,
    )


def question_of(settings: Settings, look: Look) -> Question:
    """What the seed's rule asks of a pair."""
    return Question(
        terms=look.terms,
        now=look.now,
        now_ms=look.now_ms,
        markets=tuple(settings.signals.markets),
        same_venue=False,
        classes=tuple(settings.coins.classes),
    )
