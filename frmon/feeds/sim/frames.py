"""Server frames as they are on the wire (RFC 6455: servers do not mask)."""

from frmon.feeds.sim.dialects import Ping

TEXT, BINARY, PING, PONG = 0x81, 0x82, 0x89, 0x8A
_FINAL = 0x80


class Raw(bytes):
    """Frames that are sent as they are."""

    __slots__ = ()


Said = bytes | Raw | Ping
"""What a line sends: a text frame's payload, whole frames, a ping."""


def framed(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole frame."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


def fragmented(payload: bytes, opcode: int, count: int) -> bytes:
    """A message in so many frames, the last ones empty where there is too little to share."""
    size = -(-len(payload) // count)
    parts = [payload[n * size : (n + 1) * size] for n in range(count)]
    return b"".join(
        framed(part, (_FINAL if n == count - 1 else 0) | (opcode if n == 0 else 0)) for n, part in enumerate(parts)
    )


def wire(said: Said) -> bytes:
    """The bytes to send."""
    if isinstance(said, Raw):
        return said
    return framed(said.payload, PING) if isinstance(said, Ping) else framed(said)


def blown_up(payload: bytes, size: int) -> bytes:
    """At least `size` bytes of valid JSON: an object or array gets one more entry; anything else becomes a part of one."""
    if payload[:1] + payload[-1:] in {b"{}", b"[]"}:
        comma = b"," if payload[1:-1].strip() else b""
        name = b'"pad":' if payload[:1] == b"{" else b""
        start, end = payload[:-1] + comma + name + b'"', b'"' + payload[-1:]
    else:
        start, end = b'{"pad":"', b'"}'
    return start + b"x" * max(0, size - len(start) - len(end)) + end
