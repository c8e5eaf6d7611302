"""What `frmon signals` and `frmon db stats` print."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from frmon.config import StorageSettings
from frmon.plain import grid, percent
from frmon.recall import price, when
from frmon.storage.export import moment
from frmon.storage.jsonrows import json_rows, times
from frmon.storage.records import EpisodeRow, SignalRow
from frmon.storage.rows import REAL, SHEETS, TEXT, plain_row
from frmon.storage.stats import Part, Stats

Key = tuple[str, str, str, str]
"""Kind, coin, short, long."""

DAY_MS = 86_400_000
_OF_SIGNAL = ("kind", "coin", "short", "long")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Signals, oldest first, and the episodes they may belong to, in the order of their opening."""

    simulated: bool
    signals: list[SignalRow]
    episodes: list[EpisodeRow]

    def newest_first(self) -> list[tuple[SignalRow, EpisodeRow | None]]:
        """Each signal with the episode that it opened or fired in."""
        by_key: dict[Key, list[EpisodeRow]] = defaultdict(list)
        for episode in self.episodes:
            by_key[episode.kind, episode.coin, episode.short, episode.long].append(episode)
        return [(s, _episode_of(s, by_key[s.kind, s.coin, s.short, s.long])) for s in reversed(self.signals)]


def signal_values(told: Told) -> list[dict[str, Any]]:
    """Values for JSON, newest first, as lines of `frmon watch` and with their episodes, null where none opened."""
    return [
        {
            "schema": 1,
            "type": "signal",
            "simulated": told.simulated,
            "symbol": signal.coin,
            "short_exchange": signal.short,
            "long_exchange": signal.long,
            "spread_percent": signal.percent,
            "price_short": signal.price_short,
            "price_long": signal.price_long,
            **times({"observed": signal.at_ms}),
            "kind": signal.kind,
            **({"note": signal.note} if signal.note else {}),
            "episode": None if episode is None else json_rows("episodes", [plain_row(episode)], without=_OF_SIGNAL)[0],
        }
        for signal, episode in told.newest_first()
    ]


CSV_COLUMNS = SHEETS["signals"].columns | {"episode_s": REAL, "peak_pct": REAL, "ended": TEXT}


def signal_rows(told: Told) -> list[Sequence[Any]]:
    """Rows under `CSV_COLUMNS`, newest first; of an episode that is still open nothing has ended."""
    return [
        (
            *plain_row(signal),
            *((None,) * 3 if episode is None else (episode.duration_s, episode.peak_pct, episode.reason)),
        )
        for signal, episode in told.newest_first()
    ]


def signals_text(told: Told) -> str:
    """A table, newest first."""
    rows = [_signal_line(signal, episode) for signal, episode in told.newest_first()]
    head = ("time (UTC)", "kind", "coin", "long", "short", "spread %", "price long", "price short", "episode s", "peak %",
            "ended", "note")  # fmt: skip
    title = "SIMULATED MARKET\n\n" if told.simulated else ""
    return f"{title}{grid(head, rows, 'lllllrrrrrll')}\n"


def stats_json(stats: Stats, kept: StorageSettings) -> bytes:
    """As one line of JSON."""
    facts = msgspec.to_builtins(stats)
    file_schema = facts.pop("schema")
    facts["parts"] = [
        {"kind": p.kind, "rows": p.rows, "is_about": p.is_about, **times({"first": p.first_ms, "last": p.last_ms})}
        for p in stats.parts
    ]
    return msgspec.json.encode({"schema": 1, "file_schema": file_schema, **facts, "keeps_days": _keeps(kept)}) + b"\n"


def stats_text(stats: Stats, kept: StorageSettings) -> str:
    """How large the file is, who writes to it, what lies in it."""
    head = (
        ("file", stats.path),
        ("market", "simulated" if stats.simulated else "real"),
        ("status", "a program writes to it" if stats.collecting else "nobody writes to it now"),
        ("size", f"{_mb(stats.size_bytes)}, of which {_mb(stats.free_bytes)} free; log {_mb(stats.log_bytes)}"),
        ("holds", f"{stats.coins} coins, {stats.legs} legs (schema {stats.schema})"),
        ("keeps", ", ".join(f"{name} {days:g} days" for name, days in _keeps(kept).items())),
    )
    rows = [
        (p.kind, ("~" if p.is_about else "") + str(p.rows), when(p.first_ms), when(p.last_ms), _days(p))
        for p in stats.parts
    ]
    table = grid(("kind", "rows", "from (UTC)", "to (UTC)", "days"), rows, "lrllr")
    return "\n".join(f"{name:<7} {words}" for name, words in head) + f"\n\n{table}\n"


def _episode_of(signal: SignalRow, mine: Sequence[EpisodeRow]) -> EpisodeRow | None:
    return next((e for e in reversed(mine) if e.opened_ms <= signal.at_ms <= max(e.seen_ms, e.closed_ms or 0)), None)


def _signal_line(signal: SignalRow, episode: EpisodeRow | None) -> Sequence[str]:
    lasted = ("-", "-", "-")
    if episode is not None:
        lasted = (f"{episode.duration_s:.1f}", percent(episode.peak_pct), episode.reason or "still open")
    at = moment(signal.at_ms).removesuffix("Z").replace("T", " ")
    prices = (price(signal.price_long), price(signal.price_short))
    return (
        at, signal.kind, signal.coin, signal.long, signal.short, percent(signal.percent), *prices, *lasted, signal.note,
    )  # fmt: skip


def _keeps(kept: StorageSettings) -> dict[str, float]:
    return {
        "minutes": kept.minutes_days,
        "quarters": kept.quarters_days,
        "hours": kept.hours_days,
        "events": kept.events_days,
        "samples": kept.samples_days,
    }


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _days(part: Part) -> str:
    if part.first_ms is None or part.last_ms is None:
        return "-"
    return f"{(part.last_ms - part.first_ms) / DAY_MS:.1f}"
