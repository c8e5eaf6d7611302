"""`frmon status`: how a running `frmon serve` is, asked of it and put into words."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from frmon.errors import ConfigError, FrmonError
from frmon.feeds.text import clean
from frmon.plain import grid

WAIT_S = 5.0
MOST = 4_000_000
Json = Mapping[str, Any]


class Unserved(FrmonError):
    """Nobody serves there: exit 3."""

    exit_code = 3


def asked(url: str, token: str, path: str = "/api/system/status") -> bytes:
    """The answer of a server. Raises `Unserved`, `ConfigError` for what is no URL, `FrmonError` when it refuses."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "http" or not host or parts.path not in {"", "/"}:
        raise ConfigError(f"--url: must look like http://127.0.0.1:4002, not {clean(url, 100)}")
    connection = http.client.HTTPConnection(host, port or 80, timeout=WAIT_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        body = answer.read(MOST)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unserved(f"no frmon serve answers at {url}: {clean(str(why), 200)}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise FrmonError(f"{url} refuses ({answer.status}): {clean(body.decode('utf-8', 'replace'), 200)}")
    return body


def report(body: bytes) -> str:
    """The status in words. Raises `FrmonError` for an answer that is none."""
    try:
        found = json.loads(body)
        return _report(found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FrmonError(f"that is no status of frmon ({type(error).__name__})") from None


def _report(found: Json) -> str:
    system, data, storage = found["system"], found["data"], found["storage"]
    mark = "SIMULATED MARKET  " if found["simulated"] else ""
    lag = "-" if system["loop_lag_ms"] is None else f"{system['loop_lag_ms']:.1f} ms"
    worst = "-" if system["loop_lag_worst_ms"] is None else f"{system['loop_lag_worst_ms']:.1f} ms"
    head = (
        ("frmon", f"{mark}{found['version']}, up {_duration(system['uptime_s'])}, at {found['timestamp']}"),
        ("process", f"{system['cpu_percent']:.0f} % of a core, {system['memory_usage_mb']:.0f} MB, "
                    f"{system['threads_count']} threads, {system['connections_count']} connections"),
        ("loop", f"lag of the feeds {lag}, worst {worst} in the last minute"),
        ("data", f"{data['total_symbols']} coins, {data['fresh_legs']} of {data['legs']} legs fresh, "
                 f"{data['quarantined_legs']} quarantined; completeness {data['completeness_score']:g} %"),
        ("clients", f"{system['streams']} streams, {system['requests']} requests so far"),
        ("storage", storage["status"] + (f" ({storage['detail']})" if storage["detail"] else "")
                    + f", {storage['written']} records written, {storage['dropped']} dropped"),
        *(("notice", text) for text in found["notices"]),
    )  # fmt: skip
    rows = [_venue(name, venue, found) for name, venue in found["connections"]["venues"].items()]
    columns = ("venue", "status", "legs", "fresh", "msg/s", "lag ms", "reconnects", "REST age s", "detail")
    lines = [f"{name:<8} {clean(str(words), 300)}" for name, words in head]
    return "\n".join(lines) + "\n\n" + grid(columns, rows, "llrrrrrrl") + "\n"


def _venue(name: str, venue: Json, found: Json) -> tuple[str, ...]:
    ages = found["rest"]["age_s"].get(name, {})
    return (
        clean(name, 40),
        clean(str(venue["status"]), 40),
        str(venue["legs"]),
        str(venue["fresh_legs"]),
        f"{found['updates'].get(name, 0):.0f}",
        "-" if venue["lag_ms"] is None else f"{venue['lag_ms']:.0f}",
        str(found["connections"]["reconnect_attempts"].get(name, 0)),
        " ".join(f"{market} {age:.0f}" for market, age in ages.items()) or "-",
        clean(str(venue["detail"]), 200) or "-",
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
