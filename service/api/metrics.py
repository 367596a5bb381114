"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from slotforge.lineage import census
from slotforge.lineage.store import SqlStore

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What this process counts, and what the store says when it is asked."""

    def __init__(self, store: SqlStore) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("slotforge_requests", "Requests answered.", labels, registry=self.registry)
        self.latency = Histogram(
            "slotforge_request_seconds",
            "Time until an answer began.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.remembered = Counter(
            "slotforge_remembered",
            "Requests answered from memory, by how that was known to hold.",
            ("how",),
            registry=self.registry,
        )
        self.streams = Gauge("slotforge_streams_open", "Event streams that are open.", registry=self.registry)
        self.registry.register(_Stored(store))

    def text(self) -> bytes:
        """Write all figures in Prometheus's text format."""
        return generate_latest(self.registry)


class _Stored(Collector):
    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Ask the store."""
        found = census.count(self._store)
        jobs = GaugeMetricFamily("slotforge_jobs", "Jobs by state.", labels=["state"])
        for state, number in found.jobs.items():
            jobs.add_metric([state], number)
        yield jobs
        waits = "Seconds since a job was put into the queue that has waited longest."
        yield GaugeMetricFamily("slotforge_job_waiting_seconds", waits, value=found.waiting_s)
        taken = "Times that a server took a job; again, where a server or a process was lost."
        yield GaugeMetricFamily("slotforge_jobs_taken", taken, value=found.taken)
        yield GaugeMetricFamily("slotforge_runs", "Runs in the store.", value=found.runs)
        yield GaugeMetricFamily("slotforge_usd", "What models have cost in all runs.", value=found.usd)
        yield GaugeMetricFamily("slotforge_cpu_seconds", "Of the trials of all runs.", value=found.cpu_s)
        yield GaugeMetricFamily("slotforge_trials", "Trials in the store.", value=found.trials)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Tell nothing beforehand, so that nothing is asked when it is registered."""
        return ()
