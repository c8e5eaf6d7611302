"""What Bybit announces of itself: topic `system.status` of `/v5/public/misc/status`, since July 2025."""

from collections.abc import Sequence

import msgspec

from frmon.errors import Notice, Refused
from frmon.feeds.contract import Ask, Heard
from frmon.feeds.text import clean
from frmon.feeds.venues._reading import members, mended, word

PATH = "/v5/public/misc/status"
TOPIC = "system.status"


class _Maintenance(msgspec.Struct):
    title: str = ""
    state: str = ""
    env: int = 1


def ask(_symbols: Sequence[str], first: int) -> list[Ask]:
    """The frame for maintenance."""
    return [Ask(msgspec.json.encode({"req_id": str(first), "op": "subscribe", "args": [TOPIC]}), str(first), ())]


def hear(raw: bytes) -> Heard:
    """A frame of the line; raises Notice while a maintenance is going on."""
    told = members(raw)
    if word(told.get("topic"), 40) == TOPIC and "data" in told:
        for one in mended(told["data"], _Maintenance)[0]:
            if one.state == "ongoing" and one.env == 1:
                raise Notice("maintenance", clean(one.title, 80))
    if told.get("success") is not None and bytes(told["success"]) == b"false":
        raise Refused(word(told.get("ret_msg"), 120) or "refused")
    return "", ()
