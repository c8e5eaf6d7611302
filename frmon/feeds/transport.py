"""The seam to the WebSocket libraries: `wire_picows` (C, the default) and `wire_websockets` (pure Python). Both call `hear`
with every data frame, undecoded, from the event loop; nothing is queued, nothing awaits."""

from frmon.feeds import wire_picows, wire_websockets
from frmon.feeds.wire import Dial, Hear, Library, Socket


async def dial(how: Dial, hear: Hear, library: Library = "picows") -> Socket:
    """Open a WebSocket; `hear` gets its frames. Raises `Unreachable` with the state that the screen shows."""
    if library == "picows":
        return await wire_picows.dial(how, hear)
    return await wire_websockets.dial(how, hear)


async def last(socket: Socket) -> None:
    """Wait for the end of a line and raise it."""
    raise await socket.closed()
