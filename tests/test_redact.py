"""Secrets are hidden, ordinary words are not."""

from base64 import b64encode

import pytest

from frmon.redact import keep_secret, redact


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("proxy http://me:pass@proxy:8080 refused", "proxy http://***@proxy:8080 refused"),
        ("socks5://user:p%40ss@1.2.3.4:1080", "socks5://***@1.2.3.4:1080"),
        ("wss://token@host/ws", "wss://***@host/ws"),
        ("GET /x?apiKey=abc123&symbol=BTC", "GET /x?apiKey=***&symbol=BTC"),
        ('{"secret": "abc", "a": 1}', '{"secret": "***", "a": 1}'),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/***"),
        ("https://discord.com/api/webhooks/123/tok-en", "https://discord.com/api/webhooks/***"),
        ("https://api.telegram.org/bot123:ABC-def_1234/send", "https://api.telegram.org/bot***/send"),
    ],
)
def test_secrets_are_hidden(text: str, hidden: str) -> None:
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "KEY: okx perp KEY-USDT-SWAP quarantined: 12 % off",
        "TOKEN: bybit perp TOKENUSDT confirmed by price",
        "okx perp 1: closed 1006",
        "wss://stream.host:443/stream?streams=btcusdt@bookTicker",
        "mail @ all: https://host/path@2x",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_what_was_declared_a_secret_is_hidden_in_every_form() -> None:
    keep_secret("http://canary-user:canary%2Fpass@proxy:8080")
    for form in (
        "canary%2Fpass",
        "canary/pass",
        "canary-user:canary/pass",
        b64encode(b"canary-user:canary/pass").decode(),
    ):
        assert redact(f"it said {form}!") == "it said ***!"


def test_urls_without_credentials_declare_nothing() -> None:
    for url in ("", "http://proxy:8080", "http://[broken"):
        keep_secret(url)
    assert redact("proxy:8080") == "proxy:8080"


def test_it_takes_linear_time() -> None:
    for text in ("a." * 50_000, "x://" * 25_000, "://a/" * 20_000, "key" * 30_000):
        assert redact(text) == text
