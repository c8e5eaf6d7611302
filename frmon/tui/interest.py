"""What the engine is told of the user's looks: each only once."""

from collections.abc import Iterable

from frmon.tui.source import Source


class Interest:
    """Which coins are in sight, and which one is studied."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._coins: list[str] = []
        self._studied: str | None = None

    def look_at(self, coins: Iterable[str | None]) -> None:
        """These coins are visible, pinned or chosen."""
        wanted = [coin for coin in dict.fromkeys(coins) if coin is not None]
        if wanted != self._coins:
            self._coins = wanted
            self._source.interest(wanted)

    def study(self, coin: str | None) -> None:
        """The order books of this coin are looked at; None: of no coin."""
        if coin != self._studied:
            self._studied = coin
            self._source.study(coin)
