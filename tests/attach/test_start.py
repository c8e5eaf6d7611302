"""The way to a collector, before there is a screen: addresses, tokens, and what is wrong in one line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from frmon.attach.line import Denied, Lost, address_of, is_near
from frmon.attach.start import attach
from frmon.errors import ConfigError
from frmon.screencommand import _address
from tests.attach.collector import FakeCollector
from tests.attach.test_remote import settings

REAL_TIME = "two loops in two threads"


@pytest.fixture
async def there() -> AsyncIterator[FakeCollector]:
    collector = FakeCollector()
    await collector.start()
    yield collector
    await collector.stop()


async def test_what_is_wrong_before_the_screen_is_one_clear_line(there: FakeCollector) -> None:
    async def refused(url: str) -> Lost:
        with pytest.raises(Lost) as error:
            await asyncio.to_thread(attach, address_of(url), settings())
        assert "\n" not in str(error.value)
        return error.value

    there.schema = 2
    assert (await refused(there.url)).exit_code == 2
    there.schema, there.kind = 1, "text/html"
    assert "is that frmon serve?" in str(await refused(there.url))
    there.kind, there.status = "text/event-stream", 401
    denied = await refused(there.url)
    assert isinstance(denied, Denied)
    assert "--token-file" in str(denied)
    lost = await refused("http://127.0.0.1:1")
    assert (lost.exit_code, "connection refused" in str(lost)) == (3, True)


async def test_a_token_is_sent(there: FakeCollector) -> None:
    await asyncio.to_thread(attach, address_of(there.url, "secret"), settings())
    assert there.asked[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:4002", "ftp://h", "http://", "http://h:x", "http://h/path", "http://u:p@h", "http://h?x=1"]
)
def test_bad_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="--connect"):
        address_of(url)


def test_a_token_is_never_sent_in_the_clear_to_another_machine() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        address_of("http://192.0.2.1:4002", "secret")
    assert address_of("https://192.0.2.1:4002", "secret").token == "secret"


def test_the_configured_token_goes_to_this_machine_only(tmp_path: Path) -> None:
    chosen, secret = settings(), tmp_path / "token"
    secret.write_text("x" * 40)
    secret.chmod(0o600)
    chosen.serve.token_file = str(secret)
    assert _address("http://127.0.0.1:4002", None, chosen).token == "x" * 40
    assert _address("https://192.0.2.1:4002", None, chosen).token == ""
    assert _address("https://192.0.2.1:4002", secret, chosen).token == "x" * 40
    assert [is_near(f"http://{host}:1") for host in ("localhost", "[::1]", "127.9.9.9", "192.0.2.1", "x.org")] == [
        True, True, True, False, False,
    ]  # fmt: skip
