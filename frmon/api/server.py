"""`frmon serve`: an engine in a thread of its own, so that whatever clients do never holds up the feeds, and its HTTP API on
this one, until a signal says stop."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from frmon.api.collector import Collector
from frmon.api.door import Door
from frmon.api.gate import Gate, bracketed, is_loopback
from frmon.api.past import Past
from frmon.api.routes import Routes
from frmon.api.share import switch_often
from frmon.api.spoken import Spoken
from frmon.api.token import token_in
from frmon.config import Settings
from frmon.engine import Engine
from frmon.errors import ConfigError
from frmon.host import Host
from frmon.jobs import Jobs
from frmon.logfile import open_log
from frmon.paths import state_dir
from frmon.retune import changes, retune
from frmon.storage.lock import Lock
from frmon.storage.unusable import Unusable

LOG = logging.getLogger("frmon.api")
LOOK_S = 0.25
END_S = 0.4
"""In which clients may hear the end of what they are told."""

BACKLOG = 64


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, and the token that clients need; "" for none."""

    host: str
    port: int
    token: str = ""

    def url(self, port: int) -> str:
        """What a program of this machine connects to."""
        return f"http://{bracketed(self.host) or '127.0.0.1'}:{port}"


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What `serve` needs. `read`: reads the configuration again; `say`: words for the user."""

    listening: Listening
    read: Callable[[], Settings]
    say: Callable[[str], None]


def listening_at(host: str, port: int, token_file: str) -> Listening:
    """Where to listen. Raises `ConfigError`: nobody but this machine is let in without a token."""
    if not is_loopback(host) and not token_file:
        raise ConfigError(
            f"serve.host: {host} can be reached by other machines, which needs a token: --token-file FILE (serve.token_file)"
        )
    return Listening(host=host, port=port, token=token_in(token_file))


def open_words(log: Path | None, level: str, *, demo: bool) -> Spoken:
    """From now on say on stderr what happens; without a log of the user's, log in the state directory. Raises `ConfigError`."""
    if log is None:
        folder = state_dir(os.environ)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--log: {folder}: {error.strerror}") from None
        open_log(folder / ("serve-demo.log" if demo else "serve.log"), level)
    words = Spoken()
    logging.getLogger().addHandler(words)
    return words


def bound(listening: Listening) -> socket.socket:
    """A socket that listens. Raises `ConfigError`."""
    try:
        found = socket.getaddrinfo(listening.host, listening.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"serve.host: {listening.host}: {error.strerror}") from None
    if is_loopback(listening.host) and not is_loopback(str(address[0])):
        listener.close()
        raise ConfigError(f"serve.host: {listening.host} is {address[0]} here, which is not loopback")
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(f"serve.port: cannot listen on {listening.host}:{listening.port}: {error.strerror}") from None
    return listener


def free(store: Path | None) -> None:
    """Raises `ConfigError` when another program writes to the file."""
    if store is None:
        return
    lock = Lock(store)
    try:
        lock.take()
    except Unusable as taken:
        raise ConfigError(f"--db: {taken}") from None
    except OSError:
        LOG.warning("%s cannot be locked; storage tells why", store)
    finally:
        lock.drop()


def serve(engine: Engine, serving: Serving) -> None:
    """Run until SIGTERM or SIGINT. Raises `ConfigError` when the address or the file is taken, `FrmonError` when the engine
    ended by itself."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload, and after
    switch_often()
    free(engine.store)
    host = Host(engine)
    collector = Collector(engine, host)
    engine.listeners.append(collector.hear)
    with bound(serving.listening) as listener, host:
        asyncio.run(_run(collector, host, serving, listener))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    serving.say("stopped")


async def _run(collector: Collector, host: Host, serving: Serving, listener: socket.socket) -> None:
    engine, listening = collector.engine, serving.listening
    loop, over, again = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    port, past = int(listener.getsockname()[1]), Past(engine.store)
    routes = Routes(collector, Gate(listening.host, port, listening.token, engine.clock), past)
    door = Door(routes)
    server = await loop.create_server(door, sock=listener)
    serving.say(f"serving {listening.url(port)}" + (" (simulated market)" if engine.simulated else ""))
    jobs = Jobs(engine.clock, lambda text: host.post(lambda: engine.tell(text)))
    jobs.start("connections", door.watch)
    jobs.start("loop lag", collector.measure)
    jobs.start("reload", _Reload(collector, serving, again).run)
    try:
        await _until(over, engine, host)
    finally:
        server.close()
        routes.stopped.set()
        door.pre_shutdown()
        await jobs.end()
        await door.shutdown(END_S)
        await past.close()


async def _until(over: asyncio.Event, engine: Engine, host: Host) -> None:
    """Until it is over. Raises what ended the engine, and `ConfigError` when the file came into other hands."""
    while not over.is_set():
        host.rest(0)
        if engine.storage.status == "TAKEN":
            raise ConfigError(f"--db: {engine.storage.detail}")
        try:
            await asyncio.wait_for(over.wait(), LOOK_S)
        except TimeoutError:
            continue


class _Reload:
    """Reads the configuration again whenever that is asked for, and follows what can be followed. What holds now is remembered
    over a bug in here: a change that met it is followed when it is asked for again."""

    def __init__(self, collector: Collector, serving: Serving, again: asyncio.Event) -> None:
        self._from = collector
        self._read = serving.read
        self._again = again
        self._holds: Settings | None = None

    async def run(self) -> None:
        """For ever."""
        holds = self._holds = self._holds or self._read()
        while True:
            await self._again.wait()
            self._again.clear()
            holds = self._holds = await self._follow(holds)

    async def _follow(self, before: Settings) -> Settings:
        """What holds from now on."""
        engine = self._from.engine
        try:
            after = await asyncio.to_thread(self._read)
        except ConfigError as error:
            words = f"CONFIG not read again, all stays as it was: {error}"
            await self._from.ask(lambda: engine.tell(words))
            return before
        found = changes(before, after)
        await self._from.ask(lambda: retune(engine, found))
        return after
