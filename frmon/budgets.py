"""What was spent of the venues' limits, remembered over restarts: a program that starts again has spent already."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from frmon.clock import Clock
from frmon.config import Settings
from frmon.feeds import pacer
from frmon.feeds.contract import Venue

LOG = logging.getLogger("frmon.budgets")
KEPT = 32  # sets of endpoints that are remembered beside our own
SAVE_EVERY_S = 5.0
SAVE_SOON_S = 0.25  # in the first seconds: a program that crashes as soon as it starts spends most then
YOUNG_S = 10.0
TELL_EVERY_S = 20.0  # while it cannot be written down
UNWRITTEN = "DISK what was spent of the venues' limits cannot be written down: another start would not know of it"
WRITTEN = "what was spent of the venues' limits is written down again"


class Budgets:
    """One pacer per venue, with what earlier runs spent. `state_dir` None: nothing is remembered."""

    def __init__(
        self,
        venues: Iterable[Venue],
        settings: Settings,
        clock: Clock,
        state_dir: Path | None,
        tell: Callable[[str], None] = LOG.warning,
    ) -> None:
        self._path = None if state_dir is None else state_dir / "budgets.json"
        self._clock = clock
        self._tell = tell
        self._told_at: float | None = None  # that it cannot be written down; None: it can
        self._keys = {v.name: _key(v, settings) for v in venues}
        saved = self._saved()
        self.pacers = {v.name: pacer.Pacer(clock, v.rules, saved=saved.get(self._keys[v.name])) for v in venues}

    async def keep(self) -> None:
        """Write it down every few seconds, at first more often, for ever. Connects are worth a `save` at once."""
        young_until = self._clock.mono() + YOUNG_S
        while True:
            await self._clock.sleep(SAVE_SOON_S if self._clock.mono() < young_until else SAVE_EVERY_S)
            self.save()

    def save(self) -> None:
        """Write down what was spent, beside what was spent at other endpoints; tell where that is impossible."""
        if self._path is None:
            return
        mine = {key: self.pacers[name].export() for name, key in self._keys.items()}
        others = [(key, value) for key, value in self._saved().items() if key not in mine]
        self._note(pacer.save(self._path, {**dict(others[-KEPT:]), **mine}))

    def _note(self, is_written: bool) -> None:
        now = self._clock.mono()
        if is_written and self._told_at is not None:
            self._told_at = None
            self._tell(WRITTEN)
        elif not is_written and (self._told_at is None or now - self._told_at >= TELL_EVERY_S):
            self._told_at = now
            self._tell(UNWRITTEN)

    def _saved(self) -> dict[str, object]:
        saved = None if self._path is None else pacer.load(self._path)
        return saved if isinstance(saved, dict) else {}


def _key(venue: Venue, settings: Settings) -> str:
    endpoints = {**venue.endpoints, **settings.venues[venue.name].endpoints}
    return f"{venue.name} {' '.join(sorted(endpoints.values()))}"
