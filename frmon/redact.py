"""Keeps secrets out of logs, events and statuses: credentials in URLs, tokens, and whatever was declared a secret."""

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
SHORTEST = 4  # characters: a shorter secret would blot out ordinary words

_RULES = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#'\"]{1,500}@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"\b((?:api[-_]?|access[-_]?)?(?:key|token|secret|sign(?:ature)?|passw(?:or)?d|passphrase))(=|\"\s*:\s*\")[^\s&\"',;]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^\s/]{1,200}/(?:[\w-]{1,40}/){0,4}(?:services|webhooks?|hooks?)/)[\w/.-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(/bot)\d+:[\w-]{8,}"), rf"\1{HIDDEN}"),
)
_SECRETS: set[str] = set()


def keep_secret(url: str) -> None:
    """From now on the user's name and password of this URL are hidden wherever they appear, in whatever form they are
    sent."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password is None and parts.username is None:
        return
    user, password = parts.username or "", parts.password or ""
    pair = f"{unquote(user)}:{unquote(password)}"
    forms = {pair, f"{user}:{password}", password or user, unquote(password or user)}
    forms.add(b64encode(pair.encode()).decode())
    _SECRETS.update(form for form in forms if len(form) >= SHORTEST)


def redact(text: str) -> str:
    """The text with every secret in it hidden."""
    for secret in sorted(_SECRETS, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for rule, instead in _RULES:
        text = rule.sub(instead, text)
    return text
