"""Spoils frames on purpose: pure functions of bytes."""

import re
from collections.abc import Callable
from random import Random

from frmon.feeds.sim.faults import Fault
from frmon.feeds.sim.frames import BINARY, Raw, framed

HOSTILE = (b'""', b"null", b'"NaN"', b"Infinity", b"1e999", b'"1_000"', b"true", b"[]")
_NUMBER = re.compile(rb'(?<=[:,\[])(?:"-?\d+(?:\.\d+)?"|-?\d[\d.eE+-]*)(?=[,\]}])')
_STANDALONE = re.compile(rb"(?<![\w.])-?\d[\d.]*(?![\w.])")
_TIME = re.compile(rb"(?<![\w.-])\d{10}(?:\d{3}|\d{6}|\d{9})?(?![\w.])")
_HOUR_MS = 3_600_000


def garbled(frame: bytes, fault: Fault, random: Random) -> list[bytes]:
    """What is sent instead of a frame; "shuffle" is a matter of whole turns and leaves it alone."""
    match fault.how:
        case "duplicate":
            return [frame, frame]
        case "binary":
            return [Raw(framed(frame, BINARY))]
        case "numbers":
            value = fault.payload.encode() or random.choice(HOSTILE)
            return [hostile(frame, value, random)]
    spoil = _SIMPLE.get(fault.how)
    return [spoil(frame) if spoil else frame]


_SIMPLE: dict[str, Callable[[bytes], bytes]] = {
    "truncate": lambda frame: frame[: len(frame) // 2],
    "utf8": lambda frame: frame[: len(frame) // 2] + b"\xff\xfe\xc3\x28" + frame[len(frame) // 2 :],
    "junk": lambda frame: frame + b'}]"\x00junk',
    "bom": lambda frame: b"\xef\xbb\xbf" + frame,
}


def hostile(frame: bytes, value: bytes, random: Random) -> bytes:
    """About half of the numeric fields, at least one, say `value`."""
    found = list(_NUMBER.finditer(frame))
    if not found:
        return frame
    chosen = [one for one in found if random.random() < 0.5] or [random.choice(found)]
    out, at = bytearray(), 0
    for one in chosen:
        out += frame[at : one.start()] + value
        at = one.end()
    return bytes(out + frame[at:])


def shape(frame: bytes) -> bytes:
    """The frame without its numbers: equal for frames that say the same things of the same symbol."""
    return _STANDALONE.sub(b"0", frame)


def shifted(frame: bytes, now_ms: int, ahead_ms: int, how: str = "") -> bytes:
    """Event times move by `ahead_ms`: numbers that are a moment (in s, ms, us or ns) of the last six hours. Whole hours are
    not: those are settlements. `how` "us": they are in microseconds then; "zero": 0."""

    def moved(one: re.Match[bytes]) -> bytes:
        text = one.group()
        unit = 10 ** (len(text) - 10)  # per second
        told_ms = int(text) * 1000 // unit
        if not now_ms - 6 * _HOUR_MS < told_ms <= now_ms + 2_000 or told_ms % _HOUR_MS == 0:
            return text
        if how == "zero":
            return b"0"
        moment = int(text) + ahead_ms * unit // 1000
        return b"%d" % (moment * 1_000_000 // unit if how == "us" else moment)

    return _TIME.sub(moved, frame)
