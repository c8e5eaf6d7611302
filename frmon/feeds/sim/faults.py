"""What goes wrong on purpose, where and for how long."""

from random import Random
from typing import Literal, NamedTuple, get_args

import msgspec

Kind = Literal[
    "mute", "zombie", "freeze", "lose", "lose_acks", "garble", "inject", "skew",
    "drop", "flap", "refuse", "hang", "hold", "refuse_symbol",
    "rest_status", "rest_body", "delay_rest", "late_rest",
    "notice",
]  # fmt: skip
Body = Literal["html", "empty", "truncated", "drip", "bomb", "huge", "none", "half", "malformed", "mime"]
Garble = Literal["truncate", "utf8", "junk", "numbers", "shuffle", "duplicate", "binary", "bom"]
Clockwork = Literal["", "us", "zero"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order of `POST /_sim/fault`. It holds for `for_s` seconds of the simulator's clock (drop, inject and notice: it
    happens at once) on the lines and paths that `venue`, `market`, `line` and `match` leave.

    Streams
    mute           data frames that contain `match` are not sent (empty: none is; `deep`: no acks, pongs and pings either)
    zombie         no data; acks and pongs go on, and `rate` protocol pings a second come (0: `payload`, if there is one, as
                   text once a second); pongs that answer those count for no limit
    freeze         REST replies and data frames that contain `match` repeat what was said last; `bump`: frames only, with
                   event times of now (a line that opens meanwhile has nothing to repeat)
    lose           frames that contain `match` are lost with probability `share`
    lose_acks      answers to client messages that contain `match` are lost with probability `share` (pongs are not)
    garble         data frames that contain `match` are spoilt as `how` says, with probability `share` ("numbers": `payload`
                   instead of one of the hostile values, if given)
    inject         lines send `payload` (`hex`: given as hexadecimal digits) as text, `count` times; `opcode` 2: as binary;
                   `size` > 0: blown up to so many bytes of valid JSON; `fragments` > 1: cut into so many frames
    skew           event times of frames and replies are `delay_s` ahead (negative: behind); the venue's clock too (`how`
                   "us": in microseconds; "zero": 0)
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

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        words = {"garble": get_args(Garble), "rest_body": get_args(Body), "skew": get_args(Clockwork)}.get(self.kind)
        if words is not None and self.how not in words:
            raise ValueError(f"how is none of {', '.join(filter(None, words))}")
        if self.hex:
            bytes.fromhex(self.payload)

    @property
    def content(self) -> bytes:
        """The payload's bytes."""
        return bytes.fromhex(self.payload) if self.hex else self.payload.encode()


class Place(NamedTuple):
    """Where a fault may be on: a line, a handshake (`line`: its path) or a REST request (no `line`)."""

    venue: str
    market: str = ""
    line: str = ""


class Faults:
    """The faults that are on. `random`: what shares are drawn from, seeded with the market's seed."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self._on: list[tuple[int, Fault]] = []

    def add(self, fault: Fault, now_ms: int) -> None:
        """From now until `for_s` are over."""
        self._forget(now_ms)
        self._on.append((now_ms + int(fault.for_s * 1000), fault))

    def clear(self) -> None:
        """All is well again."""
        self._on.clear()

    def any(self, now_ms: int) -> bool:
        """Something is on somewhere."""
        if self._on:
            self._forget(now_ms)
        return bool(self._on)

    def here(self, place: Place, now_ms: int) -> list[Fault]:
        """All that are on in one place, in the order in which they came."""
        return [fault for until, fault in self._on if until > now_ms and reaches(fault, place)]

    def find(self, kind: Kind, where: str | Place, now_ms: int, text: str | None = None) -> Fault | None:
        """The first fault of that kind which is on there (and whose `match` is in `text`, if given). A venue's name alone:
        on any of its markets and lines."""
        for until, fault in self._on:
            if fault.kind != kind or until <= now_ms or (text is not None and fault.match not in text):
                continue
            if fault.venue in {"", where} if isinstance(where, str) else reaches(fault, where):
                return fault
        return None

    def _forget(self, now_ms: int) -> None:
        self._on = [(until, fault) for until, fault in self._on if until > now_ms]


def reaches(fault: Fault, place: Place) -> bool:
    """The fault is meant for this place."""
    return fault.venue in {"", place.venue} and fault.market in {"", place.market} and fault.line in place.line
