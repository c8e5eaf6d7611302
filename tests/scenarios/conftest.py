"""Scenarios live in time that leaps, but those of modules whose `REAL_TIME` says why not."""

import asyncio

import pytest

from tests.leaping import LeapingPolicy


@pytest.fixture(scope="module")
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return asyncio.DefaultEventLoopPolicy() if getattr(request.module, "REAL_TIME", "") else LeapingPolicy()
