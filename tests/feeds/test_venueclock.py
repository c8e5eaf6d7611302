"""What is learned of a venue's clock from answers that took more or less long: a real loopback endpoint that dawdles."""

import asyncio

import pytest
from aiohttp import web

from frmon.feeds.access import Access
from frmon.feeds.pacer import Pacer
from frmon.feeds.rest import Http, Rest
from frmon.feeds.venueclock import VenueClock
from tests.feeds import toy
from tests.leaping import clock_here

AGAIN = float("inf")  # seconds ahead that mean: what it said before


class Teller:
    """Tells a time that is `ahead_s` ahead of ours, `slow_s` after it was asked."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.slow_s = 0.0
        self.answers = 0
        self.told = 0

    async def answer(self, _request: web.Request) -> web.Response:
        if self.ahead_s != AGAIN:
            self.told = clock_here().now_ms() + int(self.ahead_s * 1000)
        await asyncio.sleep(self.slow_s)
        self.answers += 1
        return web.json_response({"t": self.told})


@pytest.mark.parametrize(("slow_s", "expected_s"), [(0.0, 3.0), (1.5, 3.0)])
async def test_the_first_answer_is_believed_however_long_it_took(slow_s: float, expected_s: float) -> None:
    assert await learned([(3.0, slow_s)]) == pytest.approx(expected_s, abs=slow_s / 2 + 0.3)


async def test_a_slow_answer_that_agrees_changes_nothing() -> None:
    assert await learned([(0.0, 0.0), (0.0, 1.5)]) == pytest.approx(0.0, abs=0.1)


async def test_a_slow_answer_that_disagrees_changes_no_more_than_it_must() -> None:
    assert await learned([(0.0, 0.0), (300.0, 1.5)]) == pytest.approx(300.0 - 1.5, abs=0.3)


async def test_an_answer_that_comes_again_says_nothing() -> None:
    """Some cache of the venue's repeats it: no clock stands still."""
    assert await learned([(3.0, 0.0), (AGAIN, 0.0), (AGAIN, 0.0)]) == pytest.approx(3.0, abs=0.05)


async def learned(answers: list[tuple[float, float]]) -> float:
    """Seconds that the venue is believed to be ahead after these answers (ahead, slow)."""
    teller = Teller()
    app = web.Application()
    app.router.add_get("/time", teller.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    clock, http = clock_here(), Http()
    pacer = Pacer(clock, toy.VENUE.rules)
    access = Access(
        venue=toy.VENUE, endpoints={"rest": url}, pacer=pacer, spent=lambda: None, clock=clock, sink=None,  # type: ignore[arg-type]
        tell=lambda _: None, notice=lambda *_: None, time_scale=0.01,
    )  # fmt: skip
    one = VenueClock(access, Rest(http, toy.VENUE, access.endpoints, pacer, clock), lambda: None)
    job = asyncio.create_task(one.run(toy.VENUE.server_times[0]))
    try:
        for number, (teller.ahead_s, teller.slow_s) in enumerate(answers):
            access.clock_doubted.set()
            async with asyncio.timeout(20):
                while teller.answers <= number:
                    access.clock_doubted.set()
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await http.close()
        await runner.cleanup()
    return access.skew_ms / 1000
