"""What faults make of what one line says."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from random import Random

from frmon.feeds.sim.dialects import Close, Out, Ping
from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.spoil import garbled, shape, shifted

KEEP_MS = 3_000  # what a frozen line repeats: as many frames in this time as before
_ANSWERS = (b'"result":', b'"event":', b'"success":', b'"error":', b'"op":')  # in no frame of data


def is_answer(frame: bytes) -> bool:
    """An ack, a refusal or a pong in the words of any venue, not data."""
    start = frame[:200]
    return start in {b"pong", b"ping"} or any(word in start for word in _ANSWERS)


def is_pong(frame: bytes) -> bool:
    """The answer to a ping that is text."""
    return frame[:4] == b"pong" or b'"pong"' in frame or b'"op":"ping"' in frame


class Trouble:
    """One line's, that opens now. `keep` what is said on good days: a freeze repeats it. `random`: where shares come from."""

    def __init__(self, random: Random, now_ms: int) -> None:
        self.random = random
        self.opened_ms = now_ms
        self._kept: deque[tuple[int, Sequence[Out]]] = deque()
        self._frozen: _Frozen | None = None
        self._pinged = 0
        self._stirred_ms = now_ms

    def keep(self, now_ms: int, outs: Sequence[Out]) -> None:
        """Remember what was said, three seconds long."""
        kept = self._kept
        kept.append((now_ms, outs))
        while kept[0][0] < now_ms - KEEP_MS:
            kept.popleft()

    def provoked(self) -> bool:
        """Whether a pong answers a ping that only a fault sent: no limit is meant for those."""
        was = self._pinged > 0
        self._pinged = max(0, self._pinged - 1)
        return was

    def turn(self, outs: Sequence[Out], faults: Sequence[Fault], now_ms: int) -> list[Out]:
        """What is said instead of what is due."""
        if not any(fault.kind == "freeze" for fault in faults):
            self._frozen = None
            if outs:
                self.keep(now_ms, outs)
        said = self._through(outs, faults, now_ms)
        for fault in faults:
            if fault.kind == "freeze":
                said = [*self._repeat(fault, now_ms), *said]
            elif fault.kind == "zombie":
                said = [*self._stir(fault, now_ms), *said]
            elif fault.kind == "flap" and now_ms - self.opened_ms >= fault.delay_s * 1000:
                said.append(Close(fault.code, fault.reason))
        return said

    def answers(self, outs: Sequence[Out], faults: Sequence[Fault], now_ms: int) -> list[Out]:
        """What is said instead of the answers to a client's message, first data included."""
        answers = [o for o in outs if not isinstance(o, bytes) or is_answer(o)]
        data = [o for o in outs if isinstance(o, bytes) and not is_answer(o)]
        for fault in faults:
            if fault.kind == "lose_acks":
                needle = fault.match.encode()
                answers = [
                    o for o in answers
                    if not isinstance(o, bytes) or is_pong(o) or needle not in o or self.random.random() >= fault.share
                ]  # fmt: skip
            elif _is_deep(fault):
                answers = []
        return sorted([*answers, *self._through(data, faults, now_ms)], key=lambda out: isinstance(out, Close))

    def _through(self, outs: Sequence[Out], faults: Sequence[Fault], now_ms: int) -> list[Out]:
        """Data frames through every fault; pings and closes stay, unless all is mute."""
        data = [o for o in outs if isinstance(o, bytes)]
        others = [] if any(map(_is_deep, faults)) else [o for o in outs if not isinstance(o, bytes)]
        for fault in faults:
            step = _STEPS.get(fault.kind)
            if step is not None:
                data = step(data, fault, self.random, now_ms)
        return [*data, *others]  # a close last

    def _repeat(self, fault: Fault, now_ms: int) -> list[bytes]:
        """What is due of the last words on everything, as fast as the line spoke before."""
        if self._frozen is None:
            self._frozen = _Frozen(self._kept, fault.match.encode(), now_ms)
        due = self._frozen.due(now_ms)
        return [shifted(frame, at, now_ms - at) if fault.bump else frame for at, frame in due]

    def _stir(self, fault: Fault, now_ms: int) -> list[Out]:
        """Signs of life that mean nothing; a turn is not longer than a second."""
        last_ms = max(self._stirred_ms, now_ms - 1_000)
        self._stirred_ms = now_ms
        if fault.rate > 0:
            count = int(now_ms * fault.rate / 1000) - int(last_ms * fault.rate / 1000)
            self._pinged += count
            return [Ping()] * count
        return [fault.content] if fault.payload and now_ms // 1000 != last_ms // 1000 else []


class _Frozen:
    """The last frame of every kind and symbol that was kept and contains `needle`, again and again."""

    def __init__(self, kept: Iterable[tuple[int, Sequence[Out]]], needle: bytes, now_ms: int) -> None:
        frames = [(at, o) for at, outs in kept for o in outs if isinstance(o, bytes) and needle in o]
        self._last = list({shape(frame): (at, frame) for at, frame in frames}.values())
        self._count = len(frames)
        self._since_ms = now_ms
        self._span_ms = min(KEEP_MS, max(250, now_ms - frames[0][0])) if frames else KEEP_MS
        self._told = 0

    def due(self, now_ms: int) -> list[tuple[int, bytes]]:
        """When it was said, and the frame."""
        first, self._told = self._told, self._count * (now_ms - self._since_ms) // self._span_ms
        return [self._last[n % len(self._last)] for n in range(first, self._told)]


def _is_deep(fault: Fault) -> bool:
    return fault.kind == "mute" and fault.deep


# data frames of a turn -> data frames

_Step = Callable[[list[bytes], Fault, Random, int], list[bytes]]


def _mute(data: list[bytes], fault: Fault, _random: Random, _now_ms: int) -> list[bytes]:
    needle = fault.match.encode()
    return [] if fault.deep else [frame for frame in data if needle not in frame]


def _none(_data: list[bytes], _fault: Fault, _random: Random, _now_ms: int) -> list[bytes]:
    return []


def _lose(data: list[bytes], fault: Fault, random: Random, _now_ms: int) -> list[bytes]:
    needle = fault.match.encode()
    return [frame for frame in data if needle not in frame or random.random() >= fault.share]


def _skew(data: list[bytes], fault: Fault, _random: Random, now_ms: int) -> list[bytes]:
    needle, ahead_ms = fault.match.encode(), int(fault.delay_s * 1000)
    return [shifted(frame, now_ms, ahead_ms, fault.how) if needle in frame else frame for frame in data]


def _garble(data: list[bytes], fault: Fault, random: Random, _now_ms: int) -> list[bytes]:
    if fault.how == "shuffle":
        return random.sample(data, len(data)) if random.random() < fault.share else data
    needle = fault.match.encode()
    out: list[bytes] = []
    for frame in data:
        hit = needle in frame and random.random() < fault.share
        out += garbled(frame, fault, random) if hit else [frame]
    return out


_STEPS: dict[str, _Step] = {
    "mute": _mute,
    "zombie": _none,
    "freeze": _mute,
    "lose": _lose,
    "skew": _skew,
    "garble": _garble,
}
