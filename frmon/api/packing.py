"""How a stream goes over the wire: packed where the client takes that, and with little of it on the way."""

import asyncio
import socket
import zlib

PACKED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
LEVEL = 1
"""The quickest: field names repeat so much that others save little more."""

GZIP = zlib.MAX_WBITS + 16
ON_THE_WAY = 128 * 1024
"""Bytes that the system keeps for a client that is slow: what waits there is old by the time it is read."""


class Packer:
    """gzip whose every piece can be read at once."""

    def __init__(self) -> None:
        self._packing = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)

    def packed(self, data: bytes) -> bytes:
        """The next piece."""
        return self._packing.compress(data) + self._packing.flush(zlib.Z_SYNC_FLUSH)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip without refusing it."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return False


def keep_little(transport: asyncio.BaseTransport | None) -> None:
    """Have little wait for this client outside the program."""
    line = None if transport is None else transport.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ON_THE_WAY)
