"""The composition root: builds feeds, board and signals, and offers named calls. No logic of its own.

It runs on its own asyncio loop: in the main thread for headless commands, in a worker thread under the screen. Other
threads may read everything public here at any time, and call `redial`, `interest` and `stop`; nothing else.
"""

from collections import deque

import msgspec

from frmon.board import Board, Freshness
from frmon.clock import Clock, SystemClock
from frmon.config import Settings
from frmon.feeds.contract import Venue
from frmon.model import LegKey, Market, Signal, VenueState
from frmon.spread import Terms


class Event(msgspec.Struct, frozen=True):
    """Something that happened and is worth a line: a change of status, a restarted job, a verdict on a coin."""

    at_ms: int
    text: str


class Engine:
    """Feeds, board, spreads and signals as one thing that runs and stops."""

    def __init__(
        self, venues: tuple[Venue, ...], settings: Settings, *, simulated: str = "", clock: Clock | None = None
    ):
        self.venues = tuple(v for v in venues if settings.venues[v.name].enabled)
        self.settings = settings
        self.simulated = simulated  # "" = the market that the configuration names; else "SIMULATED" or "REPLAY"
        self.clock: Clock = clock or SystemClock()
        self.board = Board()
        self.terms = Terms(
            fees={
                (v.name, market): (s.taker_fee_spot if market is Market.SPOT else s.taker_fee_perp)
                for v in venues
                for market in Market
                for s in [settings.venues[v.name]]
            },
            freshness=Freshness(settings.signals.max_age_s, settings.signals.max_quiet_s),
            allow_borrow=settings.screen.sell_spot,
        )
        self.signals: deque[Signal] = deque(maxlen=50)  # newest first
        self.events: deque[Event] = deque(maxlen=500)  # newest first
        self.verdicts: dict[LegKey, str] = {}  # quarantined legs and why

    async def run(self) -> None:
        """Run until `stop`; restarts whatever fails."""
        raise NotImplementedError

    def states(self) -> list[VenueState]:
        """How every venue and line is doing now. Cheap; made anew at each call."""
        raise NotImplementedError

    def is_complete(self) -> bool:
        """Whether the first full picture stands: every venue listed, every leg quoted, every line settled."""
        raise NotImplementedError

    def interest(self, coins: list[str]) -> None:
        """From any thread: these coins are looked at now (visible, pinned, selected)."""
        raise NotImplementedError

    def redial(self, venue: str) -> None:
        """From any thread: drop and dial again every line of this venue."""
        raise NotImplementedError

    def stop(self) -> None:
        """From any thread: end `run`."""
        raise NotImplementedError
