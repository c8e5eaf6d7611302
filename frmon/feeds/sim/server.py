"""The simulated venues as loopback servers: one port per dialect, one market behind them all."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self, TextIO

import msgspec
from aiohttp import web

from frmon.clock import Clock, SystemClock
from frmon.errors import ConfigError
from frmon.feeds.sim.dialects import Close, Dialect, all_dialects
from frmon.feeds.sim.fates import Fates
from frmon.feeds.sim.faults import Fault, Faults
from frmon.feeds.sim.ledger import Ledger, Sent
from frmon.feeds.sim.options import SimOptions
from frmon.feeds.sim.port import Port
from frmon.feeds.sim.schedule import read_schedule
from frmon.feeds.sim.stopping import stopping
from frmon.feeds.sim.turns import Turn
from frmon.feeds.sim.world import World

PUMP_S = 0.025


class Sim:
    """`async with Sim(SimOptions()) as sim:` serves until the block ends.

    `endpoints`: venue -> endpoint name -> base URL, as a configuration wants them. `violations`: "<venue>: <rule>" ->
    how often a documented limit was broken. `counters`: connects, messages, REST calls by path.
    """

    def __init__(self, options: SimOptions | None = None, clock: Clock | None = None) -> None:
        self.options = options or SimOptions()
        self.clock: Clock = clock or SystemClock()
        self._wall_ms = self.options.start_ms or self.clock.now_ms()
        self._mono = self.clock.mono()
        self.world = World(
            self.options.seed, self.options.coins, self._wall_ms, scene=self.options.scene, rate=self.options.rate
        )
        self.fates = Fates(self.world)
        self.ledger = Ledger()
        self.violations = self.ledger.violations
        self.counters = self.ledger.counters
        self.faults = Faults(self.options.seed)
        self.plan = [] if self.options.faults is None else read_schedule(self.options.faults)
        self.quiet = False  # the market stands still; time and frames under way go on
        self.endpoints: dict[str, dict[str, str]] = {}
        self.status_urls: list[str] = []
        self.ports: list[Port] = []
        self._runners: list[web.ServerRunner] = []
        self._pump: asyncio.Task[None] | None = None

    @property
    def log(self) -> deque[Sent] | None:
        """Every data frame since a queue was put here; None: nothing is logged."""
        return self.ledger.log

    @log.setter
    def log(self, queue: deque[Sent] | None) -> None:
        self.ledger.log = queue

    def now_ms(self) -> int:
        """The simulator's clock: Unix milliseconds that never go back."""
        return self._wall_ms + int((self.clock.mono() - self._mono) * 1000)

    async def __aenter__(self) -> Self:
        wanted = self.options.venues
        dialects = [d for d in all_dialects() if not wanted or d.venue in wanted]
        try:
            for place, dialect in enumerate(dialects):
                await self._open(dialect, self.options.port + place if self.options.port else 0)
        except BaseException:
            await self.close()
            raise
        self._pump = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End everything. A fault of a dialect that ended the pump is raised here."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
        for port in self.ports:
            port.drop(1006)
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if pump is not None:
            await asyncio.wait([pump])
            if not pump.cancelled():
                pump.result()

    async def broken(self) -> None:
        """Wait until the pump ends by an error, and raise that."""
        if self._pump is not None:
            await asyncio.shield(self._pump)

    def fault(self, fault: Fault) -> None:
        """Order a fault from now on."""
        if fault.kind == "notice":
            self._notice(fault)
        elif fault.kind in {"drop", "inject"}:
            self._strike(fault)
        else:
            self.faults.add(fault, self.now_ms())

    def _strike(self, fault: Fault) -> None:
        """Lines are closed, or get what is sent to them, all at once."""
        lines = [line for port in self.ports for line in port.hit(fault)]
        if fault.kind == "inject":
            for line in lines:
                line.inject(fault, self.now_ms())
            return
        for line in lines[: fault.count or None]:
            line.close(Close(fault.code, fault.reason))

    def _follow_plan(self, now_ms: int) -> None:
        """Order what is due of the plan."""
        while self.plan and self.plan[0].at_s * 1000 <= now_ms - self._wall_ms:
            entry = self.plan.pop(0)
            if entry.fault is not None:
                self.fault(entry.fault)
            if entry.turn is not None:
                self.turn(entry.turn)

    def turn(self, turn: Turn) -> None:
        """Order a turn of an instrument. Raises ConfigError, which says why, if it can't be had."""
        self.fates.add(turn, self.now_ms())

    def _notice(self, fault: Fault) -> None:
        """Venues that it is meant for announce it; in a maintenance of `for_s` everything rests."""
        now_ms = self.now_ms()
        ports = [p for p in self.ports if fault.venue in ("", p.dialect.venue)]
        if fault.how == "maintenance":
            for venue in {p.dialect.venue for p in ports}:
                self.fates.rest(venue, fault.for_s, now_ms)
        for port in ports:
            port.notice(fault, now_ms)

    def pump_once(self) -> None:
        """Bring the market to the present and let every line speak."""
        now_ms = self.now_ms()
        if not self.quiet:
            self.world.advance(now_ms)
        if self.plan:
            self._follow_plan(now_ms)
        self.fates.live(now_ms)
        for port in self.ports:
            port.speak(now_ms)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(PUMP_S)
            self.pump_once()

    async def _open(self, dialect: Dialect, number: int) -> None:
        port = Port(
            dialect,
            self.world,
            self.now_ms,
            faults=self.faults,
            ledger=self.ledger,
            order=self.fault,
            turn=self.turn,
        )
        port.lifetime_s = self.options.lifetime_s
        server = web.Server(port.answer, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        host = self.options.host_of(dialect.venue)
        try:
            await web.TCPSite(runner, host, number).start()
        except OSError as error:
            raise ConfigError(
                f"port {number} on {host} cannot be opened ({error.strerror}): choose another one"
            ) from error
        self.ports.append(port)
        address = f"{host}:{runner.addresses[0][1]}"
        urls = self.endpoints.setdefault(dialect.venue, {})
        urls |= {name: f"{scheme}://{address}" for name, scheme in dialect.endpoints.items()}
        self.status_urls.append(f"http://{address}/_sim/status")


async def serve_forever(options: SimOptions, out: TextIO, until_eof: TextIO | None = None) -> None:
    """Serve until SIGTERM or SIGINT (or until `until_eof` ends), after one JSON line on `out` that says where.

    The line: simulated, seed, scene, endpoints, status (URLs). Raises ConfigError if a port is taken.
    """
    with stopping(until_eof) as stop:
        async with Sim(options) as sim:
            hello = {
                "simulated": True,
                "seed": options.seed,
                "scene": options.scene,
                "endpoints": sim.endpoints,
                "status": sim.status_urls,
            }
            out.write(msgspec.json.encode(hello).decode() + "\n")
            out.flush()
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(sim.broken())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
