"""What one connection says to its venue: subscribe frames and keep-alives, each within the venue's limits."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence, Set

from frmon.clock import Clock
from frmon.errors import Refused
from frmon.feeds.contract import Stream
from frmon.feeds.pacer import Pacer
from frmon.feeds.plan import after_refusal
from frmon.feeds.wire import Socket
from frmon.jobs import first

REMEMBERED = 256  # frames that a refusal may still name


class Asking:
    """What is to be asked and what was. The venue counts per connection, and so do we: `begin` starts anew."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self.at = 0.0  # monotonic time of the last ask, or of the beginning
        self.unasked: set[str] = set()  # symbols that wait for their turn
        self._stream = stream
        self._clock = clock
        self._messages = [(r.name, 1) for r in stream.ask_rules]
        self._subscriptions = [(r.name, 1) for r in stream.subscribe_rules]
        self._wake = asyncio.Event()
        self._wanted: deque[tuple[bool, list[str]]] = deque()  # (ask or unask, symbols)
        self._asked: dict[str, tuple[str, ...]] = {}
        self._void: set[str] = set()  # frames that were refused, and whose rest was asked for anew
        self._sending = False
        self._probe = asyncio.Event()
        self._probed_for = float("inf")  # the silence that was probed last
        self._request = 0
        self.begin()

    def begin(self) -> None:
        """A new connection, on which nothing was said yet."""
        self.at = self._clock.mono()
        self._budget = Pacer(self._clock, [*self._stream.ask_rules, *self._stream.subscribe_rules])
        self._wanted.clear()
        self._asked.clear()
        self._void.clear()
        self.unasked.clear()
        self._renewed: set[str] = set()

    @property
    def is_idle(self) -> bool:
        """Whether everything wanted was asked."""
        return not self._wanted and not self._sending

    def want(self, symbols: Iterable[str], *, ask: bool = True) -> None:
        """Ask for symbols (all of the market, where the stream covers it), or no longer for them."""
        one = sorted(symbols)
        self._wanted.append((ask, one))
        if ask:
            self.unasked.update(one)
        self._wake.set()

    def again(self, symbols: Set[str]) -> None:
        """Ask once more for symbols that did not speak, and renew them if that turns out to be needed."""
        self._renewed -= symbols
        self.want(symbols)

    def asked_by(self, request: str | None) -> tuple[str, ...]:
        """The symbols that the frame with this id asked for; none where it is not known."""
        return self._asked.get(request or "", ())

    def refused(self, refusal: Refused, unheard: Set[str] = frozenset()) -> tuple[tuple[str, ...], list[str]]:
        """The symbols that the refused frame asked for, and of these the rejected ones; the rest is asked for again, once,
        however many refusals of one frame come. `unheard`: symbols whose first picture never came."""
        asked = self.asked_by(refusal.request) or ((refusal.symbol,) if refusal.symbol else ())
        again, rejected = after_refusal(self._stream, asked, refusal)
        if refusal.request not in self._void:
            for group in again:
                self.want(group)
        if again and refusal.request is not None:
            self._void.add(refusal.request)
        self._waive(rejected)
        if refusal.duplicate:
            self._renew({s for s in asked if s == (refusal.symbol or s)} & unheard)
        return asked, rejected

    def _waive(self, rejected: Collection[str]) -> None:
        """These need not be asked for any more."""
        if rejected:
            self._wanted = deque(
                (ask, [s for s in one if s not in rejected] if ask else one) for ask, one in self._wanted
            )
            self.unasked.difference_update(rejected)

    def _renew(self, symbols: Set[str]) -> None:
        """Subscribed already, yet without a first picture: leaving and joining again brings one. Once for each time they are asked for."""
        fresh = symbols - self._renewed
        if fresh and self._stream.unask is not None:
            self._renewed |= fresh
            self.want(fresh, ask=False)
            self.want(fresh)

    async def run(self, socket: Socket, asked: Callable[[Sequence[str]], None]) -> None:
        """Send what is wanted, for ever; `asked` is told the symbols that were asked for."""
        stream = self._stream
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                self._sending = True
                ask, symbols = self._wanted.popleft()
                form = stream.ask if ask or stream.unask is None else stream.unask
                for frame in form(symbols if stream.per_symbol else (), self._request):
                    await self._budget.grant(self._subscriptions)  # the slow one first: pings must not queue behind it
                    await self._budget.grant(self._messages)
                    self._request += 1
                    self._remember(frame.request, frame.symbols)
                    await socket.send(frame.frame)
                    self.at = self._clock.mono()
                    if ask:
                        self.unasked.difference_update(frame.symbols or symbols)
                asked(symbols if ask else ())
            self._sending = False

    def probe(self, silent_since: float) -> None:
        """Ping now, once for each silence."""
        if silent_since != self._probed_for:
            self._probed_for = silent_since
            self._probe.set()

    async def _probed(self) -> None:
        await self._probe.wait()

    async def ping(self, socket: Socket, every_s: float) -> None:
        """Keep alive with the venue's own text, for ever."""
        ping = self._stream.ping
        if ping is None:
            await asyncio.Event().wait()
            return
        while True:
            await first(self._clock.sleep(every_s), self._probed())
            self._probe.clear()
            await self._budget.grant(self._messages)
            await socket.send(ping)

    def _remember(self, request: str, symbols: tuple[str, ...]) -> None:
        self._asked[request] = symbols
        if len(self._asked) > REMEMBERED:
            oldest = next(iter(self._asked))
            del self._asked[oldest]
            self._void.discard(oldest)
