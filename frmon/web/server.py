"""The server of the page. Only browsers of this machine are answered, and only pages of its own may open a screen."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.app_service import AppService
from textual_serve.server import Server

from frmon.errors import ConfigError

HOST = "127.0.0.1"
TABS = 8
"""Screens at once: each is a program of its own."""

END_S = 3.0
MOST_CELLS = 1_000
MOST_INPUT = 64 * 1024
FONT_SIZES = range(8, 33)
PAGE = Path(__file__).with_name("page.html")
FOCUS = Path(__file__).with_name("focus.js")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


class Page(Server):
    """textual-serve with a page, a door and limits of our own. `command`: runs one screen."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        super().__init__(shlex.join(command), host=HOST, port=port, title="frmon")
        self._tabs = 0

    async def _make_app(self) -> web.Application:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._admit(request, handler)

        app = web.Application(middlewares=[admit], client_max_size=1024)
        app.router.add_get("/", self.handle_index)
        app.router.add_get("/focus.js", _focus)
        app.router.add_get("/ws", self.handle_tab)
        app.router.add_static("/static", self.statics_path)
        return app

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, for the address at which it was asked for."""
        size = request.query.get("fontsize", "")
        chosen = int(size) if size.isascii() and size.isdigit() and int(size[:4]) in FONT_SIZES else 16
        text = PAGE.read_text().replace("@HOST@", request.host).replace("@SIZE@", str(chosen))
        return web.Response(text=text, content_type="text/html")

    async def handle_tab(self, request: web.Request) -> web.StreamResponse:
        """One tab: one screen, which ends with it."""
        if self._tabs >= TABS:
            return web.Response(status=503, text=f"{TABS} screens are open already\n")
        self._tabs += 1
        try:
            tab = web.WebSocketResponse(heartbeat=15, max_msg_size=MOST_INPUT)
            await tab.prepare(request)
            await self._show(tab, _cells(request, "width", 80), _cells(request, "height", 24))
        finally:
            self._tabs -= 1
        return tab

    async def _show(self, tab: web.WebSocketResponse, width: int, height: int) -> None:
        """Run a screen until it ends or the tab is closed."""
        shown = AppService(
            f"exec {self.command}",
            write_bytes=tab.send_bytes,
            write_str=tab.send_str,
            close=partial(_close, tab),
            download_manager=self.download_manager,
        )
        await shown.start(width, height)
        assert shown._task is not None
        closing = asyncio.create_task(_close_after(shown._task, tab))
        try:
            await self._process_messages(tab, shown)
        finally:
            closing.cancel()
            await _end(shown)

    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names than ours, and pages of other origins: a web page is as much a stranger as another machine."""
        if why := self._refusal(request):
            return web.Response(status=403, text=f"{why}\n", headers=HEADERS)
        found = await handler(request)
        if not found.prepared:
            found.headers.update(HEADERS)
            found.headers["Content-Security-Policy"] = POLICY.format(host=request.host)
        return found

    def _refusal(self, request: web.Request) -> str:
        if request.host.lower() not in {f"{name}:{self.port}" for name in (HOST, "localhost")}:
            return "this host name is not served here"
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != f"http://{request.host.lower()}":
            return "pages of other origins are not answered"
        if request.path == "/ws" and origin is None:
            return "only a page opens a screen"
        return ""


async def _focus(_: web.Request) -> web.Response:
    return web.Response(text=FOCUS.read_text(), content_type="text/javascript")


async def _close(tab: web.WebSocketResponse) -> None:
    await tab.close()


async def _close_after(screen: "asyncio.Task[None]", tab: web.WebSocketResponse) -> None:
    """A screen that did not even begin closes its tab too."""
    await asyncio.wait([screen])
    await tab.close()


async def _end(shown: AppService) -> None:
    """Ask the screen to end, and end it."""
    try:
        async with asyncio.timeout(END_S):
            await shown.stop()
    except TimeoutError:
        if shown._process is not None and shown._process.returncode is None:
            shown._process.kill()


def _cells(request: web.Request, name: str, usual: int) -> int:
    said = request.query.get(name, "")
    return min(MOST_CELLS, max(1, int(said[:6]))) if said.isascii() and said.isdigit() else usual


def serve(command: Sequence[str], port: int) -> None:
    """Serve the page until a signal says stop. Raises `ConfigError` for a port that is taken."""
    listening = _listening(port)
    page = Page(command, listening.getsockname()[1])
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
    sys.stderr.write(f"frmon: the screen is at http://{HOST}:{page.port}\n")
    asyncio.run(_run(page, listening))


def _listening(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"--port: {HOST}:{port}: {error.strerror}") from None
    return listening


async def _run(page: Page, listening: socket.socket) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(await page._make_app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    await stopped.wait()
    await runner.cleanup()
