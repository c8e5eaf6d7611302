"""Hostile text on every way on which it may come in, and what a user then sees: snapshot, status bar, event log."""

import json
from collections.abc import Iterator
from typing import Any

from frmon.feeds.sim.faults import Fault
from frmon.feeds.text import clean
from frmon.model import Status
from tests.feeds.hostile import HOSTILE
from tests.scenarios.stand import Stand, stand, statuses

EVIL = "\x1b]52;c;cm0=\x07\x1b[2J\x9b31m\u202e\u200b\x00[/][@click=app.quit]EVIL"
ESCAPED = json.dumps(EVIL)


def words(s: Stand) -> Iterator[str]:
    """Every text that the program shows or hands out."""
    yield s.words()
    yield from s.events()
    yield from _strings(s.picture())


def _strings(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        for key, value in told.items():
            yield key
            yield from _strings(value)
    elif isinstance(told, list):
        for value in told:
            yield from _strings(value)
    elif isinstance(told, str):
        yield told


def is_told_cleanly(s: Stand, needle: str = "EVIL") -> bool:
    """Whether the needle is told somewhere; nothing that is told may hold a control."""
    found = False
    for text in words(s):
        assert clean(text, 10_000) == text.strip(), ascii(text)
        found = found or needle in text
    return found


async def test_s47_hostile_error_bodies_close_reasons_and_handshakes_are_told_cleanly() -> None:
    async with stand("okx", "bybit") as s:
        s.fault(Fault(kind="drop", venue="okx", code=4000, reason=EVIL[:100]))
        await s.within(5, lambda: is_told_cleanly(s, "closed 4000"))
        s.fault(Fault(kind="refuse", venue="bybit", status=403, payload=f"{EVIL} SHAKEN", for_s=1.5))
        s.fault(Fault(kind="rest_status", venue="bybit", status=503, payload=f"{EVIL} ASKED", for_s=1.5))
        s.fault(Fault(kind="drop", venue="bybit"))
        await s.within(15, lambda: is_told_cleanly(s, "EVIL SHAKEN"))
        await s.within(15, lambda: is_told_cleanly(s, "EVIL ASKED"))
        assert Status.BLOCKED in {s.line("bybit perp").status, *statuses(s.seen, "bybit perp 1")}


REFUSALS = {
    "okx": f'{{"event":"error","code":"60018","msg":{ESCAPED},"id":"1"}}',
    "bybit": f'{{"success":false,"ret_msg":{ESCAPED},"op":"subscribe","req_id":"9"}}',
    "binance": f'{{"error":{{"code":2,"msg":{ESCAPED}}},"id":{ESCAPED}}}',
    "bitget": f'{{"event":"error","arg":{{"instType":"SPOT","channel":"ticker","instId":{ESCAPED}}},"code":30001,"msg":{ESCAPED}}}',
}


async def test_s47_hostile_refusals_are_told_cleanly() -> None:
    async with stand() as s:
        for venue, frame in REFUSALS.items():
            s.fault(Fault(kind="inject", venue=venue, payload=frame))
        for venue in REFUSALS:
            await s.within(5, lambda v=venue: any("EVIL" in e for e in s.events(v)))  # type: ignore[misc]
        assert is_told_cleanly(s)
        await s.still()


async def test_s47_a_hostile_announcement_is_told_cleanly() -> None:
    row = f'{{"title":{ESCAPED},"state":"ongoing","serviceType":"0","env":"1"}}'
    async with stand("okx") as s:
        s.fault(Fault(kind="inject", venue="okx", payload=f'{{"arg":{{"channel":"status"}},"data":[{row}]}}'))
        await s.within(5, lambda: s.events("maintenance"))
        assert is_told_cleanly(s)


async def test_s47_a_hostile_symbol_in_a_frame_is_no_symbol() -> None:
    """Once as the symbol of a ticker, once as the topic and the type."""
    async with stand("bybit", coins=12) as s:
        before = s.engine.board.layout
        for text in HOSTILE:
            name = json.dumps(text)
            row = f'"data":{{"symbol":{name},"bid1Price":"1","ask1Price":"2"}}'
            s.fault(
                Fault(kind="inject", venue="bybit", payload=f'{{"topic":"tickers.X","type":"snapshot","ts":1,{row}}}')
            )
            s.fault(Fault(kind="inject", venue="bybit", payload=f'{{"topic":{name},"type":{name},"data":{name}}}'))
        await s.rest(2)
        assert not is_told_cleanly(s, "evil")
        assert s.engine.board.layout == before, "no leg is seated by what a stream says"
        assert s.state("bybit").reconnects == 0
