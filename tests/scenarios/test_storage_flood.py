"""S67: a venue that says ever new nonsense fills neither the event log nor the file, and hides nothing that happens beside it."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from frmon.events import MOST, Event
from frmon.feeds.sim.faults import Fault
from frmon.model import Status
from tests.scenarios.stand import stand
from tests.scenarios.stored import rows

FLOOD = 5_000


def counted(events: Iterable[Event]) -> int:
    """How much was only counted."""
    return sum(event.count for event in events if event.said.endswith("only counted"))


async def test_s67_a_flood_of_errors_is_counted_and_what_happens_meanwhile_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "frmon.db"
    async with stand("okx", "bybit", store=path) as s:
        await s.within(20, lambda: s.engine.storage.status == "OK")
        await s.within(20, lambda: all(line.status is Status.LIVE for line in s.state("okx").lines))
        connected = [line.reconnects for line in s.state("okx").lines]
        lines = len(connected)
        for n in range(FLOOD):
            frame = msgspec.json.encode({"event": "error", "code": "60018", "msg": f"nonsense {n} of many"}).decode()
            s.fault(Fault(kind="inject", venue="okx", payload=frame))
        await s.within(10, lambda: counted(s.engine.events) == lines * (FLOOD - MOST))
        s.fault(Fault(kind="drop", venue="bybit", count=1))
        await s.within(1, lambda: s.events("bybit") and any("LIVE → " in text for text in s.events("bybit")[-3:]))
        assert [line.reconnects for line in s.state("okx").lines] == connected
        assert len(s.engine.events) < (MOST + 10) * lines + 50
        await s.up()
        await s.still()
    texts = [text for (text,) in rows(path, "SELECT text FROM event")]
    assert sum("nonsense" in text for text in texts) == MOST * lines
    assert any(text.startswith("bybit") and "LIVE → RECONNECT" in text for text in texts)
