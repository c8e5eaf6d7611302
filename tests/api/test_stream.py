"""`/api/stream`: the picture, what changes, and going on after a break."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.api.served import Served, serving

REAL_TIME = "the program runs in a process of its own"
Event = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve"), threshold_pct=0.05, samples=2) as found:
        yield found


@contextmanager
def stream(served: Served, query: str = "", last_id: str = "") -> Iterator[Iterator[Event]]:
    """(id, kind, data) of every event."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        connection.request("GET", f"/api/stream{query}", headers={"Last-Event-ID": last_id} if last_id else {})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("Content-Type") == "text/event-stream"
        yield _events(answer)
    finally:
        connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for raw in answer:
        line = raw.decode().rstrip("\n")
        if not line:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}
        else:
            name, _, value = line.partition(": ")
            fields[name] = value


def taken(events: Iterator[Event], until: Any, most: int = 200) -> list[Event]:
    found = []
    for event in events:
        found.append(event)
        if until(event):
            return found
        assert len(found) < most
    raise AssertionError(found[-1:])


def test_it_begins_with_the_whole_picture_and_goes_on_with_what_changes(served: Served) -> None:
    with stream(served) as events:
        found = taken(events, lambda e: e[1] == "changes")
        _, kind, first = found[0]
        assert kind == "snapshot"
        assert first["session"] == found[0][0].partition("-")[0]
        assert len(first["coins"]) > 20
        changes = found[-1][2]
        assert 0 < len(changes["coins"]) <= len(first["coins"])
        assert set(changes["coins"][0]) == set(first["coins"][0])
        statuses = taken(events, lambda e: e[1] == "status")[-1][2]
        assert set(statuses["venues"]) >= {"okx", "bybit"}
        assert statuses["storage"]["status"] == "OK"


def test_applied_changes_make_the_picture_of_the_snapshot_route(served: Served) -> None:
    with stream(served, "?every=0.25&coins=BTC,ETH") as events:
        _, _, first = next(events)
        assert {c["coin"] for c in first["coins"]} == {"BTC", "ETH"}
        kept = {c["coin"]: c for c in first["coins"]}
        for _, _, data in [
            e
            for e in taken(events, lambda e: e[1] == "status" and e[2]["at_ms"] > first["at_ms"] + 3000)
            if e[1] == "changes"
        ]:
            kept.update({c["coin"]: c for c in data["coins"]})
        assert set(kept) == {"BTC", "ETH"}
        assert max(leg["received_ms"] for c in kept.values() for leg in c["legs"]) > first["at_ms"] + 1000


def test_who_comes_back_is_told_only_what_was_missed(served: Served) -> None:
    with stream(served) as events:
        last = taken(events, lambda e: e[1] == "status")[-1]
    time.sleep(1.5)
    with stream(served, last_id=last[0]) as events:
        found = taken(events, lambda e: e[1] == "changes")
        assert "snapshot" not in {kind for _, kind, _ in found}
    for stranger in ("nosuch-1.1.1", last[0].partition("-")[0] + "-99999999.0.0", "x" * 500, last[0] + ".5"):
        with stream(served, last_id=stranger) as events:
            assert next(events)[1] == "snapshot"


def test_a_signal_is_told_once_and_again_to_who_missed_it(served: Served) -> None:
    served.until(lambda: served.json("/api/arbitrage/signals")["signals"], 30)
    with stream(served) as events:
        identity, _, _ = next(events)
    session, _, rest = identity.partition("-")
    changes, _, _ = rest.split(".")
    with stream(served, last_id=f"{session}-{changes}.0.0") as events:
        signal = taken(events, lambda e: e[1] == "signal")[-1][2]
        assert {"symbol", "short_exchange", "long_exchange", "spread_percent"} <= set(signal)


def test_only_the_top_is_told_and_who_leaves_it_is_gone(served: Served) -> None:
    with stream(served, "?top=5&every=0.25") as events:
        _, _, first = next(events)
        kept = {c["coin"] for c in first["coins"]}
        assert len(kept) == 5
        for _, kind, data in taken(events, lambda e: e[1] == "status" and e[2]["at_ms"] > first["at_ms"] + 4000):
            if kind == "changes":
                kept = (kept | {c["coin"] for c in data["coins"]}) - set(data["gone"])
                assert len(kept) == 5


def test_a_client_that_does_not_read_costs_no_memory(served: Served) -> None:
    before = served.json("/api/system/status")["system"]["memory_usage_mb"]
    lines = []
    for _ in range(8):
        line = socket.create_connection(("127.0.0.1", served.port))
        line.sendall(b"GET /api/stream?every=0.25 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % served.port)
        lines.append(line)
        time.sleep(0.3)
    time.sleep(4)
    system = served.json("/api/system/status")["system"]
    for line in lines:
        line.close()
    assert system["memory_usage_mb"] < before + 25
    served.until(lambda: served.json("/api/system/status")["system"]["streams"] == 0, 10)
