"""Server-sent events out of bytes: pure."""

from typing import NamedTuple

from frmon.errors import DecodeError

MOST = 64 * 1024 * 1024
"""Bytes of one event; a whole picture of 4,000 legs has 2 MB."""

END = b"\n\n"


class Event(NamedTuple):
    """One event. `name`: its id, "" for none."""

    kind: str
    name: str
    data: bytes


class Parser:
    """Cuts what comes into events."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._looked = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that are complete now. Raises `DecodeError` for one that never ends."""
        rest = self._rest
        rest += data
        found, start = [], 0
        while (end := rest.find(END, max(start, self._looked - 1))) >= 0:
            found.append(_event(bytes(rest[start:end])))
            start = self._looked = end + len(END)
        del rest[:start]
        self._looked = len(rest)
        if len(rest) > MOST:
            raise DecodeError("an event that does not end")
        return found


def _event(block: bytes) -> Event:
    kind, name, data = "message", "", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            kind = value.decode("utf-8", "replace")
        elif field == b"id":
            name = value.decode("utf-8", "replace")
    return Event(kind, name, b"\n".join(data))
