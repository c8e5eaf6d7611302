"""`/metrics`: what Prometheus scrapes, in OpenMetrics."""

from collections.abc import Iterable, Iterator
from math import isfinite

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector as Source
from prometheus_client.registry import CollectorRegistry

from frmon.api.collector import Collector
from frmon.api.health import SPEAKING, Health
from frmon.engine import Engine
from frmon.model import VenueState

CONTENT_TYPE = CONTENT_TYPE_LATEST
Spent = dict[str, dict[str, tuple[int, int]]]


class Figures(Source):
    """All figures of one moment. `spent`: as the engine's thread said."""

    def __init__(self, collector: Collector, health: Health, spent: Spent) -> None:
        self._from = collector
        self._health = health
        self._spent = spent

    def collect(self) -> Iterator[Metric]:
        """Every family once."""
        engine = self._from.engine
        yield from _venues(engine.states())
        yield from _rest(engine, self._spent)
        yield from _storage(engine)
        yield from self._own()

    def _own(self) -> Iterator[Metric]:
        system, numbers = self._health.system(), self._from.signals
        lags = list(self._from.lags)
        yield _counter("frmon_signals", "signals that fired", numbers[-1].number if numbers else 0)
        yield _gauge("frmon_loop_lag_seconds", "lag of the feeds' loop", lags[-1] if lags else None)
        yield _gauge("frmon_loop_lag_worst_seconds", "the worst of the last minute", max(lags) if lags else None)
        yield _gauge("frmon_memory_bytes", "resident memory", system["memory_usage_mb"] * 1e6)
        yield _gauge("frmon_cpu_ratio", "CPU, of one core", system["cpu_percent"] / 100)
        yield _gauge("frmon_threads", "threads", system["threads_count"])
        yield _gauge("frmon_uptime_seconds", "time since the start", system["uptime_s"])
        yield _gauge("frmon_coins", "coins on the board", len(self._from.engine.board.rows))
        yield _gauge("frmon_streams", "clients of the stream", self._from.streams)
        yield _counter("frmon_stream_bytes", "bytes sent to them", self._from.sent)
        yield _counter("frmon_requests", "requests answered", self._from.answers)


def text(collector: Collector, health: Health, spent: Spent) -> bytes:
    """The page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(collector, health, spent))
    page: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return page


def _venues(states: Iterable[VenueState]) -> Iterator[Metric]:
    states = list(states)
    by_line = ("venue", "line")
    yield _family(GaugeMetricFamily, "frmon_venue_up", "1: live", ("venue",), (((s.name,), float(s.status in SPEAKING)) for s in states))  # fmt: skip
    yield _family(GaugeMetricFamily, "frmon_legs", "legs that trade", ("venue",), (((s.name,), s.legs) for s in states))
    yield _family(GaugeMetricFamily, "frmon_fresh_legs", "legs confirmed lately", ("venue",), (((s.name,), s.fresh_legs) for s in states))  # fmt: skip
    yield _family(GaugeMetricFamily, "frmon_messages_per_second", "frames received", ("venue",), (((s.name,), s.messages_per_s) for s in states))  # fmt: skip
    lines = [((s.name, line.name), line) for s in states for line in s.lines]
    yield _family(
        CounterMetricFamily, "frmon_messages", "frames received", by_line, ((k, x.messages) for k, x in lines)
    )
    yield _family(CounterMetricFamily, "frmon_reconnects", "connections lost", by_line, ((k, x.reconnects) for k, x in lines))  # fmt: skip
    yield _family(GaugeMetricFamily, "frmon_lag_seconds", "venue time to receive time, median", by_line, ((k, None if x.lag_ms is None else x.lag_ms / 1000) for k, x in lines))  # fmt: skip
    yield _family(GaugeMetricFamily, "frmon_last_message_age_seconds", "age of the last frame", by_line, ((k, x.last_message_age_s) for k, x in lines))  # fmt: skip


def _rest(engine: Engine, spent: Spent) -> Iterator[Metric]:
    now = engine.clock.mono()
    ages = [((n, m), now - at) for n, f in dict(engine.fleets).items() for m, at in f.rest_at.items() if isfinite(at)]
    rules = [((n, rule), used) for n, found in spent.items() for rule, used in found.items()]
    yield _family(GaugeMetricFamily, "frmon_rest_age_seconds", "since REST answered last", ("venue", "market"), ages)
    yield _family(GaugeMetricFamily, "frmon_limit_used", "units spent of a limit of the venue, REST weight among them", ("venue", "rule"), ((k, u[0]) for k, u in rules))  # fmt: skip
    yield _family(GaugeMetricFamily, "frmon_limit", "the limit", ("venue", "rule"), ((k, u[1]) for k, u in rules))


def _storage(engine: Engine) -> Iterator[Metric]:
    state, size = engine.storage, 0
    for ending in ("", "-wal"):
        file = None if engine.store is None else engine.store.with_name(engine.store.name + ending)
        size += file.stat().st_size if file is not None and file.exists() else 0
    yield _gauge("frmon_database_bytes", "size of the storage file with its log", size)
    yield _gauge("frmon_database_waiting", "records that wait to be written", state.waiting)
    yield _counter("frmon_database_written", "records written", state.written)
    yield _counter("frmon_database_dropped", "records dropped", state.dropped)


def _family(
    kind: type[Metric],
    name: str,
    words: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float | None]],
) -> Metric:
    """A family with its samples; unknown values are left out."""
    family = kind(name, words, labels=labels)  # type: ignore[call-arg]
    for names, value in values:
        if value is not None:
            family.add_metric(names, value)  # type: ignore[attr-defined]
    return family


def _gauge(name: str, words: str, value: float | None) -> Metric:
    return _family(GaugeMetricFamily, name, words, (), [((), value)])


def _counter(name: str, words: str, value: float) -> Metric:
    return _family(CounterMetricFamily, name, words, (), [((), value)])
