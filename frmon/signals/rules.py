"""The rules that turn what the board holds into signals and episodes: pure. One `Rule` lives as long as the engine and
is handed a sample of the board at every step of the program's monotonic clock.

A key is (coin, short venue, long venue). The seed's rule has one for every ordered pair of different venues; its spread
at a sample is that of the best combination of legs which qualify: lowest price among the long venue's legs, highest among
the short venue's. Spot is never sold, since that needs a borrow, unless `Terms.allow_borrow` says so. A venue without a
qualifying leg resets all its keys. Every other kind of rule differs only in what it reads: see `frmon.signals.kinds`.
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from msgspec.structs import replace

from frmon.board import Row
from frmon.config import RuleSettings, SignalSettings
from frmon.gates import Standing
from frmon.model import Signal
from frmon.signals.episodes import Episodes, Moment
from frmon.signals.kinds import SPREAD, Kind, kinds, sound
from frmon.signals.trigger import Key, Reading, Trigger
from frmon.spread import Terms


class Rule:
    """All rules that are on, with their state. Remembers only keys that are wide now, cool down, or have an open episode."""

    def __init__(self, settings: SignalSettings, terms: Terms, rules: RuleSettings | None = None) -> None:
        self.settings = settings
        self.terms = terms
        self.episodes = Episodes(settings.max_gap_s)
        self._kinds = {kind.name: kind for kind in kinds(settings, terms, rules or RuleSettings())}
        self._triggers = {name: Trigger(kind.limits) for name, kind in self._kinds.items()}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return sum(len(trigger) for trigger in self._triggers.values())

    def retune(self, settings: SignalSettings, rules: RuleSettings) -> None:
        """From the next sample on follow these thresholds, counts and pauses. What else is set stays as it was, and so do the
        rules that are on."""
        for kind in kinds(settings, self.terms, rules):
            if (old := self._kinds.get(kind.name)) is not None:
                self._kinds[kind.name] = replace(old, limits=kind.limits, close_pct=kind.close_pct)
                self._triggers[kind.name].limits = kind.limits

    def sample(self, rows: Iterable[Row], now: float, now_ms: int) -> list[Signal]:
        """Take one sample of every coin at `now` (monotonic seconds); `now_ms` (wall clock) dates signals and decides what
        is delisted, nothing else. Returns the signals that fire: kind by kind, in the order of the rows."""
        board = {row.coin: row for row in rows}
        read = self._read(board, now, now_ms)
        moment = Moment(now, now_ms)
        fired = [_signal(name, r, moment) for name in self._kinds for r in self._judge(name, read[name], board, moment)]
        self.episodes.publish()
        return fired

    def standing(self, key: Key, row: Row | None, now: float, now_ms: int) -> Standing:
        """How near a key is to a signal of the seed's rule. `row`: the key's coin, None while it is not on the board. From
        any thread."""
        kind = self._kinds[SPREAD]
        samples, left = self._triggers[SPREAD].standing(key, now)
        cells = sound(row, self.terms, now, now_ms) if row is not None else []
        values = (r.value for r in kind.reader.read(key[0], cells, now) if r.key == key)
        return Standing(
            samples=samples,
            needed=kind.limits.samples,
            cooldown_left_s=left,
            episode_open=self.episodes.is_open(SPREAD, key),
            threshold_pct=kind.limits.threshold_pct,
            measured_pct=next(values, None),
            executable=self.settings.basis == "executable",
        )

    def _read(self, board: Mapping[str, Row], now: float, now_ms: int) -> dict[str, dict[Key, Reading]]:
        """By kind, what every key says that may be wide or has an open episode; keys whose legs don't qualify say nothing."""
        found: dict[str, dict[Key, Reading]] = {name: {} for name in self._kinds}
        followed = {name: {key[0] for key in self.episodes.keys(name)} for name in self._kinds}
        for coin, row in board.items():
            near = [k for k in self._kinds.values() if k.reader.may_reach(row, k.limits) or coin in followed[k.name]]
            cells = sound(row, self.terms, now, now_ms) if near else []
            for kind in near:
                readings = (r for r in kind.reader.read(coin, cells, now) if isfinite(r.value))
                found[kind.name].update((r.key, r) for r in readings)
        return found

    def _judge(self, name: str, read: Mapping[Key, Reading], board: Mapping[str, Row], now: Moment) -> list[Reading]:
        """The readings that fire, after open episodes were followed; each opens another one."""
        kind = self._kinds[name]
        if kind.close_pct is not None:
            self.episodes.follow(name, kind.close_pct, read, lambda key: _is_seated(kind, board, key), now)
        wide = {key: r for key, r in read.items() if kind.limits.reached(r.value)}
        fired = [wide[key] for key in self._triggers[name].take(wide, now.at, self.episodes.keys(name))]
        if kind.heed is not None:
            kind.heed(reading.key for reading in fired)
        if kind.close_pct is not None:
            for reading in fired:
                self.episodes.begin(name, reading, now)
        return fired


def _is_seated(kind: Kind, board: Mapping[str, Row], key: Key) -> bool:
    row = board.get(key[0])
    return row is not None and kind.reader.is_seated(row, key)


def _signal(kind: str, reading: Reading, now: Moment) -> Signal:
    coin, short, long = reading.key
    return Signal(
        symbol=coin,
        short_exchange=short,
        long_exchange=long,
        spread_percent=reading.value,
        price_short=reading.price_short,
        price_long=reading.price_long,
        observed_at=iso(now.ms),
        observed_ms=now.ms,
        kind=kind,
        note=reading.note,
        observed_mono=now.at,
    )


def iso(ms: int) -> str:
    """Unix milliseconds as ISO 8601 UTC with milliseconds: 2026-11-22T05:33:00.123Z. Proleptic Gregorian calendar."""
    days, rest = divmod(ms, 86_400_000)
    year, month, day = _civil(days)
    seconds, milli = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month, day of a number of days since 1970-01-01. Years are counted from March, so that the leap day is last;
    146,097 days are the 400 years after which the calendar repeats."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * day_of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    return era * 400 + year + (month <= 2), month, day_of_year - (153 * from_march + 2) // 5 + 1
