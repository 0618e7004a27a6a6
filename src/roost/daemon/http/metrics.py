"""Numbers about the daemon for a monitoring system: `GET /v1/metrics`, OpenMetrics text.

Owns their names. Everything is read when it is asked for; nothing is counted twice. Source: OpenMetrics 1.0.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from roost.daemon.http import asgi
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers
from roost.daemon.http.routes import Route, Scope
from roost.platform.memory import resident_bytes
from roost.version import __version__

if TYPE_CHECKING:
    from roost.daemon.http.world import World


def routes(world: World) -> list[Route]:
    """One."""
    registry = CollectorRegistry()
    registry.register(Daemon(world))

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("read")
        caller.require_everything()
        await asgi.send_bytes(send, _exposition(registry), CONTENT_TYPE_LATEST)

    described: dict[str, Any] = {
        "operationId": "get_metrics",
        "summary": "Numbers for a monitoring system (OpenMetrics)",
        "tags": ["daemon"],
        "x-roost-scope": "read",
    }
    components: dict[str, Any] = {}
    content = {"application/openmetrics-text": {"schema": {"type": "string"}}}
    described |= {"responses": answers({200: ("OpenMetrics text", content)}, components), "components": components}
    return [Route("GET", "/v1/metrics", serve, described=described)]


class Daemon(Collector):
    """Reads the daemon's state."""

    def __init__(self, world: World) -> None:
        self._world = world

    def collect(self) -> Iterator[Metric]:
        """Every number, now."""
        world = self._world
        yield InfoMetricFamily("roost", "The daemon", {"version": __version__, "scope": world.context.paths.scope})
        yield GaugeMetricFamily("roost_uptime_seconds", "How long it runs", world.context.control.uptime_s)
        yield GaugeMetricFamily("roost_resident_bytes", "Memory of the daemon", resident_bytes(os.getpid()) or 0)
        yield CounterMetricFamily("roost_cpu_seconds", "Processor time of the daemon", time.process_time())
        yield from self._sessions()
        yield CounterMetricFamily("roost_events", "Events since it started", world.context.bus.seq)
        yield from self._http()

    def _sessions(self) -> Iterator[Metric]:
        sessions = list(self._world.service.table)
        states = GaugeMetricFamily("roost_sessions", "Sessions by state and kind", labels=("state", "kind"))
        counted = Counter(("running" if s.live else "exited", s.record.kind) for s in sessions)
        for state in ("running", "exited"):
            for kind in ("pty", "pipe"):
                states.add_metric((state, kind), counted[state, kind])
        yield states
        clients = GaugeMetricFamily("roost_attached_clients", "Attached clients by mode", labels=("mode",))
        modes = Counter(a.traits.mode for s in sessions for a in s.clients.attachments)
        for mode in ("exclusive", "share", "view"):
            clients.add_metric((mode,), modes[mode])
        yield clients
        rings = [stream.ring for s in sessions for stream in s.streams.values()]
        held = sum(min(ring.end, ring.capacity) for ring in rings)
        yield GaugeMetricFamily("roost_retained_bytes", "Output retained", held)
        written = GaugeMetricFamily("roost_written_bytes", "Output written by the sessions that are held")
        written.add_metric((), sum(ring.end for ring in rings))
        yield written

    def _http(self) -> Iterator[Metric]:
        world, counters = self._world, self._world.counters
        requests = CounterMetricFamily("roost_http_requests", "Requests answered", labels=("route", "status"))
        for (route, status), count in sorted(counters.requests.items()):
            requests.add_metric((route, str(status)), count)
        yield requests
        yield CounterMetricFamily("roost_http_refused", "Failed attempts to be let in", counters.refused)
        stack = world.doors.stack
        yield GaugeMetricFamily("roost_http_connections", "Open connections", stack.connections if stack else 0)
        yield GaugeMetricFamily("roost_event_clients", "Clients of the stream of events", counters.event_clients)
        yield CounterMetricFamily("roost_events_sent", "Events sent to them", counters.events_sent)
        yield GaugeMetricFamily("roost_websockets", "Sessions attached over WebSockets", counters.attachments)
        yield CounterMetricFamily("roost_http_output_bytes", "Output sent over HTTP", counters.output_bytes)
        yield CounterMetricFamily("roost_audit_lost", "Pieces of the audit trail not written", world.audit.lost)


def _exposition(registry: CollectorRegistry) -> bytes:
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text
