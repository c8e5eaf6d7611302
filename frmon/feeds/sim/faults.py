"""What goes wrong on purpose, where and for how long."""

from random import Random
from typing import Literal

import msgspec

Kind = Literal[
    "mute", "zombie", "freeze", "lose", "lose_acks", "garble", "inject", "skew",
    "drop", "flap", "refuse", "hang", "hold", "refuse_symbol",
    "rest_status", "rest_body", "delay_rest", "late_rest",
    "notice",
]  # fmt: skip
Body = Literal["html", "empty", "truncated", "drip", "bomb", "huge", "none", "half", "malformed", "mime"]
Garble = Literal["truncate", "utf8", "junk", "numbers", "shuffle", "duplicate", "binary", "bom"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order of `POST /_sim/fault`. It holds for `for_s` seconds of the simulator's clock (drop, inject and notice: it
    happens at once) on the lines and paths that `venue`, `market`, `line` and `match` leave.

    Streams
    mute           data frames that contain `match` are not sent (empty: none is; `deep`: no acks, pongs and pings either)
    zombie         no data; acks and pongs go on, and `rate` protocol pings a second come (0: `payload` as text once a second)
    freeze         REST replies and data frames repeat what was said last; `bump`: frames only, with event times of now
    lose           frames that contain `match` are lost with probability `share`
    lose_acks      answers to client messages are lost with probability `share`
    garble         data frames are spoilt as `how` says, with probability `share`
    inject         lines send `payload` (`hex`: given as hexadecimal digits) as text, `count` times; `opcode` 2: as binary;
                   `size` > 0: blown up to so many bytes of valid JSON; `fragments` > 1: cut into so many frames
    skew           event times of frames and replies are `delay_s` ahead (negative: behind); the venue's clock too
    refuse_symbol  subscriptions to the symbol `match` are refused as the venue refuses unknown ones (Binance: acknowledged,
                   no data); REST goes on listing it

    Connections
    drop           lines are closed now with `code` and `reason` (1006: the socket is reset), at most `count` of them (0: all)
    flap           lines are closed with `code` after `delay_s`
    refuse         handshakes are answered with `status`, `headers` and `payload`
    hang           handshakes are accepted and never answered
    hold           nothing is read or written on open lines, handshakes and REST: a frozen peer
    notice         open lines are told what `how` says ("shutdown": closes follow after `delay_s`; "maintenance";
                   "listing"), in the venue's words, where it has words for it

    REST
    rest_status    requests whose path contains `match` are answered with `status`, `headers` and `payload`
    rest_body      answers of paths that contain `match` are spoilt as `how` says
    delay_rest     answers wait for `delay_s`
    late_rest      answers state what was true `delay_s` ago
    """

    kind: Kind
    venue: str = ""  # empty: all
    market: str = ""  # "spot", "perp": lines and paths of this market only; empty: both
    line: str = ""  # part of a line's path, as a client dialled it; empty: all lines
    for_s: float = 10.0
    match: str = ""
    how: str = ""  # see Body, Garble and notice
    share: float = 1.0
    status: int = 503
    headers: dict[str, str] = {}
    payload: str = ""
    hex: bool = False
    opcode: int = 1
    size: int = 0
    fragments: int = 1
    count: int = 0
    code: int = 1006
    reason: str = "dropped"
    rate: float = 0.0
    delay_s: float = 5.0
    bump: bool = False
    deep: bool = False


class Faults:
    """The faults that are on. `random`: what shares are drawn from, seeded with the market's seed."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self._on: list[tuple[int, Fault]] = []

    def add(self, fault: Fault, now_ms: int) -> None:
        """From now until `for_s` are over."""
        self._on = [(until, f) for until, f in self._on if until > now_ms]
        self._on.append((now_ms + int(fault.for_s * 1000), fault))

    def clear(self) -> None:
        """All is well again."""
        self._on.clear()

    def find(self, kind: Kind, venue: str, now_ms: int, text: str | None = None) -> Fault | None:
        """The fault of that kind which is on for this venue (and whose `match` is in `text`, if given)."""
        for until, fault in self._on:
            if (
                fault.kind == kind
                and until > now_ms
                and fault.venue in ("", venue)
                and (text is None or fault.match in text)
            ):
                return fault
        return None
