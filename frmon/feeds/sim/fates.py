"""Lets `Turn`s happen: what an instrument of the simulated market comes to when somebody says so."""

import re
from collections.abc import Callable
from math import log10

from frmon.errors import ConfigError
from frmon.feeds.sim.instrument import Coin, Instrument
from frmon.feeds.sim.turns import Fate, Turn
from frmon.feeds.sim.universe import COVERAGE, HOUR_MS, next_multiple, symbol_of
from frmon.feeds.sim.world import World

EMPTIES_MS = 2_000  # a halted book loses its orders after so long
NEW_RANK = 30  # how lively new coins are
_TAILS = re.compile(r"-?USDT(-SWAP)?$")
_MULTIPLE = re.compile(r"(10+|1M)(?=\D)")


class Fates:
    """What is going to happen to the instruments of `world`. `live` lets happen what is due."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: list[tuple[int, Callable[[], None]]] = []
        self._gone: dict[tuple[str, str, str], Instrument] = {}
        self._acts: dict[Fate, Callable[[Turn, Instrument], None]] = {
            "halt": lambda turn, i: self.halt(i),
            "resume": lambda turn, i: self.resume(i),
            "delist": self._delist,
            "rename": self._rename,
            "interval": self._interval,
            "price": self._price,
            "empty": lambda turn, i: self._flaw(i, f"no_{turn.side}"),
            "freeze": lambda turn, i: setattr(i, "stuck", "repeats"),
            "redenominate": self._redenominate,
        }

    def add(self, turn: Turn, now_ms: int) -> None:
        """Order a turn. Raises ConfigError, which says why, if it can't be had."""
        refusal = turn.refusal() or self._unknown(turn)
        if refusal:
            raise ConfigError(refusal)
        at_ms = now_ms + round(turn.after_s * 1000)
        if turn.kind == "settle":
            self._settle(self._instrument(turn), at_ms)
        else:
            self._later(at_ms, lambda: self._happen(turn))
        self.live(now_ms)

    def rest(self, venue: str, for_s: float, now_ms: int) -> None:
        """A venue goes into maintenance: everything on it rests."""
        until_ms = now_ms + round(for_s * 1000)
        self._world.resting[venue] = until_ms
        for market in ("spot", "perp"):
            for i in list(self._world.instruments(venue, market).values()):
                if i.state == "trading":
                    i.resting = True
                    self.halt(i)
                    self._later(until_ms, lambda i=i: self.resume(i))  # type: ignore[misc]  # each its own
        self._later(until_ms, lambda: self._wake(venue))

    def _wake(self, venue: str) -> None:
        self._world.resting.pop(venue, None)

    def live(self, now_ms: int) -> None:
        """Let happen what is due."""
        while ready := [act for at, act in self._due if at <= now_ms]:
            self._due = [(at, act) for at, act in self._due if at > now_ms]
            for act in ready:
                act()

    def halt(self, i: Instrument) -> None:
        """It does not trade from now on."""
        i.state = "halted"
        self._world.tell(i)
        self._later(self._world.now_ms + EMPTIES_MS, lambda: self._empty(i))

    def resume(self, i: Instrument) -> None:
        """It trades again."""
        if i.state == "halted":
            i.state, i.stuck, i.resting = "trading", "", False
            self._world.requote(i)
            self._world.tell(i)

    # the orders

    def _unknown(self, turn: Turn) -> str:
        """Why the instrument that a turn means can't be had, "" if it is there."""
        if (turn.venue, turn.market) not in COVERAGE:
            return f"no market {turn.venue!r} {turn.market!r}"
        listed = turn.symbol in self._world.instruments(turn.venue, turn.market)
        if turn.kind == "list":
            return f"{turn.symbol} is listed already" if listed or not turn.symbol else ""
        if not listed:
            return f"{turn.symbol} is not listed"
        whole = turn.kind != "redenominate" or (self._instrument(turn).multiplier * turn.factor) % 1 == 0
        return "" if whole else f"{turn.symbol} would be less than one coin"

    def _instrument(self, turn: Turn) -> Instrument:
        return self._world.instruments(turn.venue, turn.market)[turn.symbol]

    def _later(self, at_ms: int, act: Callable[[], None]) -> None:
        self._due.append((at_ms, act))

    def _happen(self, turn: Turn) -> None:
        """An order whose time has come; whatever left the list meanwhile has no fate any more."""
        if self._unknown(turn):
            return
        if turn.kind == "list":
            self._world.enlist(self._newcomer(turn))
        else:
            self._acts[turn.kind](turn, self._instrument(turn))

    def _settle(self, i: Instrument, at_ms: int) -> None:
        i.off_ms = i.limit_ms = at_ms
        self._world.tell(i)
        self._later(at_ms, lambda: self._end(i))

    def _end(self, i: Instrument) -> None:
        i.state, i.funding_h = "settling", 0
        i.quote.next_funding_ms = 0
        self._world.tell(i)

    def _empty(self, i: Instrument) -> None:
        if i.state == "halted":
            quote = i.quote
            quote.bid = quote.ask = quote.bid_size = quote.ask_size = 0.0
            self._world.changed(i)

    def _flaw(self, i: Instrument, flaw: str) -> None:
        i.flaw = flaw
        self._world.requote(i)

    def _delist(self, turn: Turn, i: Instrument) -> None:
        if turn.silent:
            i.stuck = "silent"
            return
        self._gone[i.venue, i.market, i.symbol] = i
        self._world.unlist(i)

    def _rename(self, turn: Turn, i: Instrument) -> None:
        world = self._world
        self._gone[i.venue, i.market, i.symbol] = i
        world.unlist(i)
        symbol = symbol_of(i.venue, i.market, turn.name)
        world.enlist(
            self._made(i.coin, turn, symbol, name=turn.name, multiplier=i.multiplier, asset=i.asset, kind=i.kind)
        )

    def _interval(self, turn: Turn, i: Instrument) -> None:
        i.tells_interval = bool(turn.hours)
        if turn.hours:
            i.funding_h = int(turn.hours)
            i.quote.next_funding_ms = next_multiple(self._world.now_ms, i.funding_h)
            i.quote.prev_funding_ms = i.quote.next_funding_ms - i.funding_h * HOUR_MS
        self._world.tell(i)

    def _price(self, turn: Turn, i: Instrument) -> None:
        self._times(i, turn.factor)
        if turn.for_s:
            self._later(self._world.now_ms + round(turn.for_s * 1000), lambda: self._times(i, 1.0))

    def _times(self, i: Instrument, factor: float) -> None:
        i.factor = factor
        self._world.requote(i)
        if not factor:
            i.quote.last = i.quote.mark = 0.0

    def _redenominate(self, turn: Turn, i: Instrument) -> None:
        """A power of ten is told in the base's name, as venues do: 1000PEPE."""
        i.multiplier = round(i.multiplier * turn.factor)
        i.decimals = max(0, min(14, i.decimals - round(log10(turn.factor))))
        i.tick = float(f"1e-{i.decimals}")
        i.quote.open *= turn.factor
        i.quote.high *= turn.factor
        i.quote.low *= turn.factor
        if turn.told:
            plain = _MULTIPLE.sub("", i.base)
            i.base = f"{i.multiplier}{plain}" if i.multiplier > 1 else plain
        self._world.requote(i)
        self._world.tell(i)

    # what is new

    def _newcomer(self, turn: Turn) -> Instrument:
        """What was delisted before, or an instrument that this venue never had."""
        known = self._gone.pop((turn.venue, turn.market, turn.symbol), None)
        if known is not None:
            return known
        base = _TAILS.sub("", turn.symbol)
        found = _MULTIPLE.match(base)
        plain = base[found.end() :] if found and base not in self._world.coins else base
        times = (10**6 if found[1] == "1M" else int(found[1])) if found and plain != base else 1
        coin = self._coin(turn.name or plain, turn.factor)
        return self._made(coin, turn, turn.symbol, name=base, multiplier=times)

    def _coin(self, name: str, price: float) -> Coin:
        return self._world.universe.coins.get(name) or self._world.universe.coin(name, price, NEW_RANK)

    def _made(self, coin: Coin, turn: Turn, symbol: str, **more: object) -> Instrument:
        made = self._world.universe.add(coin, turn.venue, turn.market, symbol=symbol, **more)
        if made is None:
            raise ConfigError(f"{symbol} was listed before")
        return made
