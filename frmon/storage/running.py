"""The running minute as it is kept beside the file, so that a program that is killed loses a second of it and not the whole:
pure. A frame is all that the file itself does not hold yet: minutes that wait to be written, and the one that runs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

import msgspec

from frmon.errors import FrmonError
from frmon.storage.bars import Bar, Gap, roll_bars, roll_gaps
from frmon.storage.records import CoinGap, LegBar, LegName, PairName, Place

MOST_BYTES = 16 << 20
"""Of a frame: 12,000 legs take less than two."""

_MAGIC, _VERSION = b"frmnmin", 1
_HEAD = Struct("<7sBQQ")  # magic, version, number of the frame, bytes that follow the checksum
_CHECK = Struct("<I")

Minute = list[LegBar | CoinGap]
"""What was seen in one minute."""


class LegLine(msgspec.Struct, array_like=True, gc=False):
    """One leg in the running minute."""

    name: tuple[str, str, str, str, int]
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    bid: float = 0.0
    ask: float = 0.0
    mark_price: float | None = None
    index_price: float | None = None
    rate: float | None = None
    updates: int = 0

    def over(self, minute: int) -> LegBar:
        """As it is written."""
        return LegBar(
            LegName(*self.name),
            Bar(
                minute, self.open, self.high, self.low, self.close, self.bid, self.ask,
                self.mark_price, self.index_price, self.rate, self.updates,
            ),
        )  # fmt: skip


class CoinLine(msgspec.Struct, array_like=True, gc=False):
    """One coin's best spread in the running minute."""

    coin: str
    most: float
    mean: float
    last: float
    seconds: int
    buy: Place
    sell: Place

    def over(self, minute: int) -> CoinGap:
        """As it is written."""
        gap = Gap(minute, self.most, self.mean, self.last, 0, self.seconds)
        return CoinGap(self.coin, PairName(self.buy, self.sell), gap)


class _Minute(msgspec.Struct, array_like=True):
    minute: int


class Running(_Minute, array_like=True):
    """A minute as far as it was seen."""

    legs: list[LegLine]
    coins: list[CoinLine]


class Part(NamedTuple):
    """A minute, and what was seen of it as it is kept."""

    minute: int
    raw: msgspec.Raw


class Frame(msgspec.Struct, array_like=True):
    """`market`: "real" or "simulated"; `run`: which run of the program wrote it; `parts`: each a `Running`, in order."""

    market: str
    run: str
    parts: list[msgspec.Raw]


class Unframed(FrmonError):
    """This is no frame; says why. `torn`: it may be one that was not written to its end."""

    def __init__(self, why: str, *, torn: bool = False) -> None:
        super().__init__(why)
        self.torn = torn


def part_of(running: Running) -> Part:
    """The minute as it is now."""
    return Part(running.minute, msgspec.Raw(_ENCODER.encode(running)))


def seal(number: int, frame: Frame) -> bytes:
    """The bytes of a frame."""
    body = _ENCODER.encode(frame)
    head = _HEAD.pack(_MAGIC, _VERSION, number, len(body))
    return b"".join((head, _CHECK.pack(crc32(body, crc32(head))), body))


def unseal(data: bytes) -> tuple[int, Frame]:
    """The frame and its number. What follows it is left over from a longer one. Raises `Unframed`."""
    start = _HEAD.size + _CHECK.size
    if len(data) < start:
        raise Unframed("too short", torn=True)
    magic, version, number, length = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise Unframed("not written by frmon")
    if version != _VERSION:
        raise Unframed(f"written by another frmon (version {version}, this one knows {_VERSION})")
    body = data[start : start + length]
    if len(body) < length or crc32(body, crc32(data[: _HEAD.size])) != _CHECK.unpack_from(data, _HEAD.size)[0]:
        raise Unframed("damaged", torn=True)
    try:
        return number, _FRAMES.decode(body)
    except msgspec.MsgspecError as error:
        raise Unframed(str(error)) from None


def parts_of(frame: Frame) -> list[Part]:
    """What a frame holds, in order. Raises `Unframed`."""
    try:
        return [Part(_MINUTES.decode(raw).minute, raw.copy()) for raw in frame.parts]
    except msgspec.MsgspecError as error:
        raise Unframed(str(error)) from None


def minutes_of(parts: Iterable[Part]) -> dict[int, Minute]:
    """What was seen in each minute. Raises `Unframed`."""
    found: dict[int, list[Minute]] = defaultdict(list)
    try:
        for part in parts:
            running = _PARTS.decode(part.raw)
            lines: Sequence[LegLine | CoinLine] = [*running.legs, *running.coins]
            found[part.minute].append([line.over(part.minute) for line in lines])
    except msgspec.MsgspecError as error:
        raise Unframed(str(error)) from None
    return {minute: joined(seen) for minute, seen in found.items()}


def joined(parts: Sequence[Minute]) -> Minute:
    """One minute that was seen by one run after the other: as if a minute were rolled up of parts of it."""
    parts = [part for part in parts if part]
    if len(parts) <= 1:
        return parts[0] if parts else []
    legs: dict[LegName, list[Bar]] = defaultdict(list)
    coins: dict[str, list[CoinGap]] = defaultdict(list)
    for part in parts:
        for record in part:
            if isinstance(record, LegBar):
                legs[record.leg].append(record.bar)
            else:
                coins[record.coin].append(record)
    return [*_bars(legs.items()), *map(_gap, coins.values())]


def _bars(legs: Iterable[tuple[LegName, list[Bar]]]) -> Iterable[LegBar]:
    return (LegBar(leg, bar) for leg, bars in legs for bar in roll_bars(bars, 1))


def _gap(parts: list[CoinGap]) -> CoinGap:
    [gap] = roll_gaps([part.gap for part in parts], 1)
    return CoinGap(parts[-1].coin, parts[-1].pair, gap)


_ENCODER = msgspec.msgpack.Encoder()
_FRAMES = msgspec.msgpack.Decoder(Frame)
_MINUTES = msgspec.msgpack.Decoder(_Minute)
_PARTS = msgspec.msgpack.Decoder(Running)
