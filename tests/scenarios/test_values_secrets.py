"""Secrets of the configuration that a venue, or whoever answers for it, says back: nobody gets to read them."""

import json
import logging
from base64 import b64encode

import pytest

from frmon.config import Settings
from frmon.feeds.sim.faults import Fault
from frmon.logfile import Lines
from tests.scenarios.stand import stand
from tests.scenarios.test_values_text import words

PASSWORD = "hunter22-of-the-proxy"
PAIR = f"desk:{PASSWORD}"
ECHOES = [
    PASSWORD,
    f"http://{PAIR}@proxy.example:8080 refused",
    f"Proxy-Authorization: Basic {b64encode(PAIR.encode()).decode()}",
    "see https://api.example/x?token=sesame-open-1&a=b",
]
SECRETS = (PASSWORD, b64encode(PAIR.encode()).decode(), "sesame-open-1")


def by_proxy(settings: Settings) -> None:
    """A proxy with credentials, which loopback does not go through."""
    settings.feeds.proxy = f"http://{PAIR}@proxy.example:8080"


@pytest.mark.parametrize("echo", ECHOES, ids=["password", "address", "header", "token"])
async def test_a_secret_that_a_venue_says_back_is_on_no_screen_in_no_event_and_in_no_log(
    echo: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stand("okx", "bybit", change=by_proxy, coins=12) as s:
        told: list[str] = []
        s.fault(Fault(kind="rest_status", status=403, payload=echo, for_s=20))
        s.fault(Fault(kind="refuse", status=403, payload=echo, for_s=20))
        s.fault(Fault(kind="drop", venue="okx", code=4000, reason=echo[:100]))
        refusal = json.dumps({"success": False, "ret_msg": echo, "op": "subscribe"})
        s.fault(Fault(kind="inject", venue="bybit", payload=refusal))
        s.fault(Fault(kind="drop", venue="bybit", market="perp"))
        for _ in range(20):
            await s.rest(0.5)
            told += words(s)
        assert any("403" in text and "***" in text for text in told), "it was never said back"
        assert any("closed 4000" in text for text in told)
        told += [Lines().format(record) for record in caplog.records if record.name.startswith("frmon")]
        assert not [text for text in told for secret in SECRETS if secret in text]
