"""The screen over an engine all of whose texts are hostile, as if nothing had been cleaned where it came in:
`python -m tests.tui.hostile_app STATE [benign]`."""

import asyncio
import sys
from pathlib import Path

from frmon.clock import SystemClock
from frmon.model import Leg, LineState, Market, Status
from frmon.tui import run_screen
from tests.scenarios.hostile import PAYLOADS
from tests.tui.fake import FakeEngine, Happened


class HostileEngine(FakeEngine):
    """Says one payload after the other wherever a text may stand."""

    def __init__(self, payloads: tuple[str, ...]) -> None:
        super().__init__(4, simulated="SIMULATED", clock=SystemClock())
        self.payloads = payloads
        for n, text in enumerate(payloads):
            coin = f"Z{n}{text}"
            self.mids[coin] = 1.0 + n
            for venue in ("alpha", "beta", "gamma"):
                self.board.seat(
                    Leg(
                        venue=venue, market=Market.PERP, symbol=f"{coin}USDT", coin=coin, funding_h=8.0,
                        quarantine=text if venue == "gamma" else "",
                    )
                )  # fmt: skip
            self.verdicts = {cell.key: text for cell in self.board.cells("gamma")}
        self.stir()

    async def run(self) -> None:
        turn = 0
        while not self.stopped:
            await asyncio.sleep(0.1)
            turn += 1
            text = self.payloads[turn % len(self.payloads)]
            self.stir(0.3, live=False)
            self.signal(f"Z{text}")
            self.episode(f"Z{text}", kind=text[:40] or "spread")
            self.events.appendleft(Happened(self.clock.now_ms(), text))
            for state, status in zip(self.venue_states, (Status.BANNED, Status.RECONNECT, Status.TLS), strict=False):
                state.status, state.detail = status, text
                state.lines = [LineState(name=f"line {text}", status=status, detail=text)]


def main() -> int:
    payloads = tuple(f"plain {n}" for n in range(len(PAYLOADS))) if "benign" in sys.argv else PAYLOADS
    return run_screen(HostileEngine(payloads), Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
