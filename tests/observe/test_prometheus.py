"""Prometheus: the counters and histograms of all events, as they are exposed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_observe import PrometheusObserver
from observe.telemetry import EVENTS
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

MakeSpot = Callable[..., bs.Spot]
Labels = tuple[str, ...]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def exposed(text: str) -> dict[str, dict[Labels, float]]:
    """The samples of an exposition, but for buckets and times, by the values of their labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith(("_bucket", "_created")):
                labels = dict(sample.labels)
                values = (labels.pop("spot"), labels.pop("function"), *labels.values())
                found.setdefault(sample.name.removeprefix("beautyspot_"), {})[values] = sample.value
    return found


def samples(registry: CollectorRegistry) -> dict[str, dict[Labels, float]]:
    return exposed(generate_latest(registry).decode())


def test_the_metrics_of_each_event(registry: CollectorRegistry) -> None:
    observer = PrometheusObserver(registry)
    for event in EVENTS:
        observer.observe(event)
    assert samples(registry) == {
        "hits_total": {("app", "m:f", "store"): 2, ("app", "m:f", "run"): 1},
        "misses_total": {("app", "m:f", "expired"): 1},
        "time_saved_seconds_total": {("app", "m:f"): 4.0},
        "price_saved_total": {("app", "m:f"): 0.75},
        "price_spent_total": {("app", "m:f"): 0.5},
        "refusals_total": {("app", "m:f", "rate"): 1},
        "failures_total": {("app", "m:f", "run"): 1, ("app", "", "save the result"): 1},
        "execution_duration_seconds_count": {
            ("app", "m:f", "returned"): 1, ("app", "m:f", "raised"): 1,
            ("app", "m:f", "interrupted"): 1,
        },
        "execution_duration_seconds_sum": {
            ("app", "m:f", "returned"): 2.0, ("app", "m:f", "raised"): 4.0,
            ("app", "m:f", "interrupted"): 5.0,
        },
        "save_duration_seconds_count": {("app", "m:f", "blob"): 1, ("app", "m:f", "row"): 1},
        "save_duration_seconds_sum": {("app", "m:f", "blob"): 0.002, ("app", "m:f", "row"): 0.001},
        "save_size_bytes_count": {("app", "m:f", "blob"): 1, ("app", "m:f", "row"): 1},
        "save_size_bytes_sum": {("app", "m:f", "blob"): 1500, ("app", "m:f", "row"): 20},
        "wait_duration_seconds_count": {("app", "m:f", "limit"): 1},
        "wait_duration_seconds_sum": {("app", "m:f", "limit"): 3.0},
    }  # fmt: skip


def test_a_refused_call_is_no_execution_and_no_failure(
    make_spot: MakeSpot, registry: CollectorRegistry
) -> None:
    spot = make_spot(limiter="1/h", observers=[PrometheusObserver(registry)])

    @spot.mark(name="m:f")
    @spot.limiter(timeout=0)
    def f(number: int) -> int:
        return number

    f(0)
    for number in range(1, 4):
        with pytest.raises(bs.RateLimitError):
            f(number)
    found = samples(registry)
    assert found["refusals_total"] == {("app", "m:f", "rate"): 3}
    assert found["execution_duration_seconds_count"] == {("app", "m:f", "returned"): 1}
    assert "failures_total" not in found


def test_functions_beyond_the_bound_are_other(registry: CollectorRegistry) -> None:
    observer = PrometheusObserver(registry, most_functions=2)
    PrometheusObserver(registry, most_functions=1)  # the highest number counts
    for number in range(50):
        observer.observe(bs.Miss("app", f"f{number}", "", "no key"))
    observer.observe(bs.Miss("app", "f1", "", "no key"))
    observer.observe(bs.Miss("late", "f1", "", "no key"))
    assert samples(registry)["misses_total"] == {
        ("app", "f0", "no key"): 1, ("app", "f1", "no key"): 2, ("app", "other", "no key"): 48,
        ("other", "other", "no key"): 1,
    }  # fmt: skip


PROCESSES = """
import multiprocessing, sys
import beautyspot as bs
from beautyspot_observe import PrometheusObserver
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

def work(number):
    marked = bs.Spot(
        "app", metadata="memory", config=False, observers=[PrometheusObserver()]
    ).mark(len)
    assert marked("abc") == marked("abc") == 3

if __name__ == "__main__":
    work(0)
    children = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in (1, 2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    sys.stdout.write(generate_latest(registry).decode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_processes_are_added_up_in_the_multiprocess_mode(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROCESSES)
    (tmp_path / "shared").mkdir()
    settings: dict[str, Any] = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path,
        env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = exposed(done.stdout)
    assert found["hits_total"] == {("app", "builtins:len", "store"): 3}
    assert found["execution_duration_seconds_count"] == {("app", "builtins:len", "returned"): 3}
