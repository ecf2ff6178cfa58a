"""What the server counts about itself, for Prometheus. One object per process, handed down by the composition root."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class Metrics:
    """Counters, gauges and histograms in a registry of their own, so that several can live in one test process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.executions_planned = Counter(
            "cronplug_executions_planned_total",
            "Rows made from fire times, by status.",
            ["status"],
            registry=self.registry,
        )
        self.executions_ended = Counter(
            "cronplug_executions_ended_total", "Executions that ended, by status.", ["status"], registry=self.registry
        )
        self._ended: dict[str, Counter] = {}
        self.attempts_started = Counter("cronplug_attempts_started_total", "Attempts started.", registry=self.registry)
        self.start_delay = Histogram(
            "cronplug_start_delay_seconds",
            "From the fire time of a scheduled execution to the start of its first attempt.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.duration = Histogram(
            "cronplug_attempt_duration_seconds", "Duration of attempts.", buckets=_SECONDS, registry=self.registry
        )
        self.active = Gauge("cronplug_executions_active", "Executions running on this node.", registry=self.registry)
        self.queued = Gauge(
            "cronplug_executions_queued",
            "Executions waiting, at the last look, at most 10,000.",
            registry=self.registry,
        )
        self.slots = Gauge("cronplug_slots", "Executions this node may run at once.", registry=self.registry)
        self.planner_lag = Gauge(
            "cronplug_planner_lag_seconds",
            "How far the planner is behind the earliest due task.",
            registry=self.registry,
        )
        self.step_failures = Counter(
            "cronplug_step_failures_total",
            "Engine steps that failed and will be tried again.",
            ["step"],
            registry=self.registry,
        )
        self.api_requests = Counter(
            "cronplug_api_requests_total",
            "Answers given, by method and status.",
            ["method", "status"],
            registry=self.registry,
        )

    def ended(self, status: str) -> None:
        """Count the end of an execution. The counter of a status is looked up once: this is said for every run."""
        counter = self._ended.get(status)
        if counter is None:
            counter = self._ended[status] = self.executions_ended.labels(status)
        counter.inc()

    def render(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)
