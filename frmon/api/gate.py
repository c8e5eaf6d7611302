"""Who may ask: decided from the head of a request alone, before anything of it is looked up. A web page that the user has open
is as much a stranger as another machine, so a name that is not ours, a foreign origin or a form is refused even on loopback."""

import hmac
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple

from frmon.clock import Clock

MOST_BODY = 64 * 1024
RATE = 20.0
"""Expensive answers per second and client, with a burst of as many."""

CLIENTS = 1_024
ONCE = frozenset({"host", "origin", "authorization", "content-type", "sec-fetch-site"})
"""Headers that decide something: two of them are one too many."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Refusal(NamedTuple):
    """An answer that says no."""

    status: int
    why: str


class Asked(NamedTuple):
    """The head of a request. `local`: the address at which it came in; `target`: host and port that the request line names,
    "" = none."""

    method: str
    headers: Mapping[str, str]
    client: str
    local: str
    target: str = ""


class Gate:
    """The rules for one address. `host`: as it was bound; `token`: "" = none is needed."""

    def __init__(self, host: str, port: int, token: str, clock: Clock) -> None:
        self.port = port
        self._own = host
        self._token = token.encode()
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # client -> what is left, when that was so

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why this request is not answered; None: it is."""
        names = Counter(name.lower() for name in asked.headers)
        if any(names[name] > 1 for name in ONCE):
            return Refusal(400, "a header is given twice")
        host = asked.headers.get("Host", "")
        if not self._is_ours(host, asked.local) or asked.target.lower() not in {"", host.lower()}:
            return Refusal(403, "this host name is not served here")
        if self._is_foreign(asked):
            return Refusal(403, "requests of other origins are not answered")
        if self._token and not self._has_token(asked.headers.get("Authorization", "")):
            return Refusal(401, "a bearer token is needed")
        length = asked.headers.get("Content-Length", "0")
        if length.isdigit() and int(length[:20]) > MOST_BODY:
            return Refusal(413, f"a body may have {MOST_BODY} bytes")
        return None

    def is_too_much(self, client: str, cost: float = 1.0) -> bool:
        """Count one more expensive answer; whether it is one too many."""
        now = self._clock.mono()
        left, at = self._buckets.pop(client, (RATE, now))
        left = min(RATE, left + (now - at) * RATE)
        enough = left >= cost
        self._buckets[client] = (left - cost if enough else left, now)
        while len(self._buckets) > CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        return not enough

    def _is_ours(self, host: str, local: str) -> bool:
        names = [*LOOPBACK]
        if self._token:
            names += [bracketed(self._own), bracketed(local)]
        said = host.lower()
        return any(said == f"{name}:{self.port}" or (self.port == 80 and said == name) for name in names if name)

    def _is_foreign(self, asked: Asked) -> bool:
        """Whether a browser says that a page of elsewhere wants this."""
        origin = asked.headers.get("Origin")
        if origin is not None and origin.lower() != f"http://{asked.headers.get('Host', '').lower()}":
            return True
        return asked.headers.get("Sec-Fetch-Site", "none").lower() not in {"none", "same-origin"}

    def _has_token(self, said: str) -> bool:
        kind, _, word = said.partition(" ")
        given = word.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._token) and kind.lower() == "bearer"

    @staticmethod
    def misfit(asked: Asked) -> Refusal | None:
        """Why the body does not fit the method, which is the route's own; None: it does."""
        length, chunked = asked.headers.get("Content-Length", "0"), "Transfer-Encoding" in asked.headers
        if asked.headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
            return Refusal(400, "a body may come in chunks, not packed")
        if asked.method != "POST":
            return Refusal(400, "this method takes no body") if chunked or length != "0" else None
        kind = asked.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or "Content-Encoding" in asked.headers:
            return Refusal(415, "a body must be application/json")
        return None


def bracketed(host: str) -> str:
    """A host as it stands in a URL; "" for an address that means all."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower()
    if address.is_unspecified:
        return ""
    return f"[{address}]" if address.version == 6 else str(address)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach the address."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
