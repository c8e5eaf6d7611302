"""What HTTP answers mean at any venue."""

from collections.abc import Mapping

from frmon.errors import Unreachable
from frmon.feeds.text import clean
from frmon.feeds.venues._reading import retry_after

BLOCKED_S = 600.0  # a country's block does not go away by asking
BANNED_S = 10.0  # where the venue names no time


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable | None:
    """The verdict on whatever is no peculiarity of a venue; None: it is an answer."""
    if status == 101 or 200 <= status < 300:
        return None
    why = f"HTTP {status} {told(body)}".strip()
    if status in {403, 451}:
        return Unreachable("BLOCKED", why, BLOCKED_S)
    if status in {418, 429}:
        return Unreachable("BANNED", why, retry_after(headers, BANNED_S))
    wait = retry_after(headers, 0.0)
    return Unreachable("RECONNECT", why, wait or None)


def told(body: bytes, limit: int = 80) -> str:
    """The start of a body as clean text."""
    return clean(body[:400].decode("utf-8", "replace"), limit)
