"""What goes wrong on purpose, and for how long."""

from typing import Literal

import msgspec

Kind = Literal["mute", "drop", "refuse", "rest_status", "freeze", "delay_rest"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order of `POST /_sim/fault`.

    mute         data frames that contain `match` are not sent (empty: none is; `deep`: no acks, pongs and pings either)
    drop         all lines are closed now with `code` (1006: the socket is cut)
    refuse       handshakes are answered with `status`
    rest_status  REST requests whose path contains `match` are answered with `status`
    freeze       REST replies and data frames repeat what was said last
    delay_rest   REST requests whose path contains `match` wait for `delay_s`
    """

    kind: Kind
    venue: str = ""  # empty: all
    for_s: float = 10.0
    match: str = ""
    status: int = 503
    code: int = 1006
    delay_s: float = 5.0
    deep: bool = False


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
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
