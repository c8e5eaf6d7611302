"""What the screen needs of an engine."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from frmon.board import Board
from frmon.clock import Clock
from frmon.config import Settings
from frmon.fundingnews import Settled
from frmon.gates import Standing
from frmon.model import LegKey, Signal, VenueState
from frmon.signals.episodes import Episode
from frmon.signals.history import Past
from frmon.signals.series import Series
from frmon.spread import Terms
from frmon.study import CoinDepth
from frmon.tui.columns import Named


class Happening(Protocol):
    """One line of what happened."""

    @property
    def at_ms(self) -> int: ...
    @property
    def text(self) -> str: ...


class Pasts(Protocol):
    """`frmon.signals.history.History`, as far as it is read here."""

    @property
    def z(self) -> Mapping[str, float]: ...
    def look(self, coin: str) -> Past | None: ...
    def series(self, coin: str) -> Series | None: ...


class Unfolding(Protocol):
    """`frmon.signals.episodes.Episodes`, as far as it is read here."""

    @property
    def open(self) -> Sequence[Episode]: ...


class Settlements(Protocol):
    """`frmon.fundingnews.FundingNews`, as far as it is read here."""

    @property
    def settled(self) -> Mapping[LegKey, Settled]: ...


class Storing(Protocol):
    """`frmon.storage.state.JournalState`, as far as it is read here."""

    @property
    def status(self) -> str: ...


class Source(Protocol):
    """`frmon.engine.Engine`, as far as the screen reads and calls it."""

    @property
    def venues(self) -> Sequence[Named]: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def simulated(self) -> str: ...
    @property
    def board(self) -> Board: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def signals(self) -> Sequence[Signal]: ...
    @property
    def events(self) -> Sequence[Happening]: ...
    @property
    def notices(self) -> Sequence[str]: ...
    @property
    def episodes(self) -> Unfolding: ...
    @property
    def history(self) -> Pasts: ...
    @property
    def funding(self) -> Settlements: ...
    @property
    def depth(self) -> CoinDepth | None: ...
    @property
    def standing(self) -> Callable[[str, str, str], Standing]: ...
    @property
    def store(self) -> Path | None: ...
    @property
    def storage(self) -> Storing: ...
    @property
    def trouble(self) -> str:
        """Why nothing comes from where the data is, for the banner; "" = it comes, or is here."""
        ...

    @property
    def way(self) -> str:
        """Where the data comes from, in a few words; "" = it is here."""
        ...

    @property
    def verdicts(self) -> Mapping[LegKey, str]: ...

    async def run(self) -> None: ...
    def states(self) -> list[VenueState]: ...
    def interest(self, coins: list[str]) -> None: ...
    def study(self, coin: str | None) -> None: ...
    def redial(self, venue: str) -> None: ...
    def stop(self) -> None: ...
