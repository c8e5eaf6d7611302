"""When a line's silence means that something is wrong: judged per channel, by data alone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set

import msgspec

from frmon.errors import Unreachable
from frmon.feeds.contract import Channel, Stream
from frmon.model import Carrier

AGAIN_S = 600.0  # at most between asking again for those that never speak
FIRST_DATA_S = 10.0  # within which every asked symbol must have spoken, where the venue sends a snapshot
SMALL = 50  # symbols: below, a silent market is a possible explanation of a silent channel
WATCH_S = 0.5  # at most between two looks
AMBER_S = 3.0  # of silence: worth a warning before the line is given up
MISSED = 2  # pushes in a row that must be missing before silence, or repetition, means anything
PROBE_S = 4.0  # of no frame of any kind, pongs included, after which a ping is due
PONGS = 2.5  # pings that may stay without answer on a line that brings only notices
SINCE_S = 0.001  # by which a limit is passed when it is looked at
AHEAD_S = 0.5  # that REST may know of a change before the stream tells it, beside the cadence of its pushes
PATIENCE = 6  # times the quiet time that a small line gets while REST contradicts nothing it said


def _always() -> bool:
    return True


class Finding(msgspec.Struct, frozen=True):
    """What is wrong: the silent channels, whether nothing speaks at all, the symbols to ask for again, and how many
    symbols stay silent although they were asked for twice."""

    silent: Sequence[Channel] = ()
    dead: bool = False
    ask_again: frozenset[str] = frozenset()
    mute: int = 0


class Watchdog:
    """Watches one line's channels. Times are monotonic seconds; quiet times are multiplied by `scale`. `is_vouched`: whether
    REST answers for this market, so that it would contradict if anything had happened."""

    def __init__(
        self,
        stream: Stream,
        carriers: Mapping[str, Carrier],
        scale: float,
        is_vouched: Callable[[], bool] = _always,
    ) -> None:
        self.channels = {c.kind: c for c in stream.channels if c.parts}
        self.quote_kind = next((c.kind for c in stream.channels if "quote" in c.parts), "")
        self._pong_s = PONGS * stream.ping_every_s * min(1.0, scale) if stream.ping else float("inf")
        self._has_pongs = stream.ping is not None
        self._carriers = carriers
        self._scale = scale
        quotes = self.channels.get(self.quote_kind)
        self.expects_snapshots = stream.per_symbol and quotes is not None and quotes.snapshot_on_ask
        self.unheard: set[str] = set()  # asked symbols that should have spoken at once and did not yet
        self._reasks = 0  # how often the unheard were asked for again
        self._is_vouched = is_vouched
        self.is_patient = False  # whether a channel was silent for longer than is usual when it was last checked

    def opened(self, symbols: Iterable[str]) -> None:
        """A new connection will ask for these symbols."""
        self.unheard = set(symbols) if self.expects_snapshots else set()
        self._reasks = 0

    def asked(self, symbols: Iterable[str]) -> None:
        """More symbols are asked for."""
        if self.expects_snapshots:
            self.unheard.update(symbols)

    def heard(self, kind: str, symbols: Iterable[str]) -> set[str]:
        """These symbols spoke. Returns those whose first picture it was."""
        if kind != self.quote_kind:
            return set()
        first = self.unheard.intersection(symbols)
        self.unheard -= first
        self._reasks = self._reasks if self.unheard else 0
        return first

    def forget(self, symbols: Iterable[str]) -> None:
        """These symbols are not expected any more."""
        self.unheard.difference_update(symbols)

    def waits(self, now: float, asked_at: float) -> bool:
        """Whether first pictures are missing that may still come."""
        return bool(self.unheard) and now - asked_at <= FIRST_DATA_S * self._scale

    def is_amber(self, now: float, silence_s: float, symbols: int) -> bool:
        """Whether so long a silence is worth a warning: on many symbols, or on some where REST says that something happened."""
        suspicious = symbols >= SMALL or any(self._is_contradicted(c, now) for c in self.channels.values())
        return bool(self.channels) and bool(symbols) and suspicious and silence_s > self._amber_s

    def rest_s(self, now: float, asked_at: float) -> float:
        """How long one may look away, lest a silence that becomes too long meanwhile is seen late."""
        rest = WATCH_S * self._scale
        for channel in self.channels.values():
            silent_s = now - max(self._carriers[channel.kind].heard_at, asked_at)
            for limit in (self._amber_s, self._limit_s(channel)):
                rest = min(rest, limit - silent_s) if silent_s <= limit else rest
        return rest + SINCE_S

    def check_pongs(self, silent_s: float) -> bool:
        """Whether nothing at all was heard for so long that it is time to ask whether anybody is there. Raises
        `Unreachable` where nothing but pongs may be expected and even these stay away."""
        if not self.channels and silent_s > self._pong_s:
            raise Unreachable("RECONNECT", f"no pong for {silent_s:.0f} s")
        return bool(self.channels) and self._has_pongs and silent_s > PROBE_S * self._scale

    def check(
        self,
        now: float,
        asked_at: float,
        symbols: int,
        answered_at: float = float("inf"),
        unasked: Set[str] = frozenset(),
    ) -> Finding:
        """What is wrong now. `asked_at`: when the last ask was sent; `symbols`: how many the line carries: none, nothing
        is expected; `answered_at`: when any frame came last, pongs included; `unasked`: symbols that are asked for only when
        the venue's limits allow it."""
        self.is_patient = False
        if not symbols:
            return Finding()
        silent = [c for c in self.channels.values() if self._is_silent(c, now, asked_at, symbols, answered_at)]
        if silent and self._is_dead(silent, now, asked_at):
            return Finding(silent, dead=True)
        again: frozenset[str] = frozenset()
        mute = 0
        if unheard := self.unheard - unasked:
            patience = FIRST_DATA_S * self._scale
            if now - asked_at > min(AGAIN_S * self._scale, patience * 3**self._reasks):
                self._reasks += 1
                again = frozenset(unheard)
            if self._reasks > 1 or (self._reasks and now - asked_at > patience):
                mute = len(unheard)
        return Finding(silent, ask_again=again, mute=mute)

    def _is_silent(self, channel: Channel, now: float, asked_at: float, symbols: int, answered_at: float) -> bool:
        """Patience is for few symbols on a channel that pushes changes, while REST contradicts nothing and somebody
        answers: pings, or at least REST."""
        carrier = self._carriers[channel.kind]
        limit = self._limit_s(channel)
        silent_s = now - max(carrier.heard_at, asked_at)
        if silent_s <= limit:
            return False
        is_calm = channel.pushes_changes and not self._is_contradicted(channel, now)
        if not (carrier.live and symbols < SMALL and is_calm):
            return True
        self.is_patient = True
        is_there = now - answered_at <= limit if self._has_pongs else self._is_vouched()
        return not is_there or silent_s > limit * PATIENCE

    def _is_dead(self, silent: Sequence[Channel], now: float, asked_at: float) -> bool:
        """Whether nothing came on any channel for as long as one that speaks more often may be silent."""
        heard_at = max(asked_at, *(self._carriers[kind].heard_at for kind in self.channels))
        return len(silent) == len(self.channels) or now - heard_at > min(self._limit_s(c) for c in silent)

    @property
    def _amber_s(self) -> float:
        usual_s = MISSED * min((c.cadence_s for c in self.channels.values()), default=0.0)
        return max(AMBER_S * self._scale, usual_s)

    def _limit_s(self, channel: Channel) -> float:
        return max(channel.quiet_after_s * self._scale, MISSED * channel.cadence_s)

    def _is_contradicted(self, channel: Channel, now: float) -> bool:
        """Whether REST saw a change that the channel should have told by now and did not: it said nothing since."""
        carrier = self._carriers[channel.kind]
        since_s = now - carrier.contradicted_at
        return carrier.contradicted_at > carrier.heard_at and since_s > channel.cadence_s + AHEAD_S * self._scale


def death(silent_s: float, frozen: Collection[str], *, has_spoken: bool) -> Unreachable:
    """What to call the end of a connection that says nothing at all, or nothing new."""
    if frozen:
        return Unreachable("STALE", f"content frozen: {', '.join(sorted(frozen))}")
    if has_spoken:
        return Unreachable("RECONNECT", f"no data for {silent_s:.0f} s")
    return Unreachable("NO-DATA", f"asked, and no data for {silent_s:.0f} s (retired endpoint?)")
