"""Four processes that open a fresh store at the same moment, and read and write it together."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import ours, peers, references
from benchmarks.measure import quartiles
from benchmarks.table import Table
from benchmarks.workload import work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings

PROCESSES = 4
_shared: list[Any] = []


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    chosen = [references.thin, ours.plain, *([peers.diskcache] if settings.peers else [])]
    calls, repeats = (20, 1) if settings.small else (2000, 5)
    rows = [_row(settings, one, calls, repeats) for one in chosen if one.installed]
    yield Table(
        "processes",
        f"{PROCESSES} processes, one fresh store, {calls} calls each, every second one a miss",
        "",
        rows,
        f"Of {repeats} runs. Opening at the same moment is part of it; an error is an exception "
        "that reached the caller. The longest call includes waiting for the others' writes.",
    )


def _row(settings: Settings, adapter: Adapter, calls: int, repeats: int) -> dict[str, Any]:
    runs = [_run(settings, adapter, calls) for _ in range(repeats)]
    everyone = list(itertools.chain.from_iterable(runs))
    rate = quartiles([PROCESSES * calls / max(one["took"] for one in run) for run in runs])[1]
    return {
        "name": adapter.name,
        "calls a second": rate,
        "longest call, ms": max(one["longest"] for one in everyone) * 1000,
        "errors": sum(one["errors"] for one in everyone),
        "the first error": next((one["first"] for one in everyone if one["first"]), ""),
    }


def _run(settings: Settings, adapter: Adapter, calls: int) -> list[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    with (
        settings.place("processes") as place,
        ProcessPoolExecutor(PROCESSES, context, _meet_at, (barrier,)) as executor,
    ):
        jobs = [executor.submit(_work, adapter, place, n, calls) for n in range(PROCESSES)]
        return [job.result() for job in jobs]


def _meet_at(barrier: Barrier) -> None:
    _shared.append(barrier)


def _work(adapter: Adapter, place: Path, process: int, calls: int) -> dict[str, Any]:
    """What one process does: misses of its own, each followed by a hit of what all share."""
    barrier: Barrier = _shared[0]
    barrier.wait()
    longest, errors, first = 0.0, 0, ""
    began = time.perf_counter()
    try:
        with adapter.make(place, work) as remembered:
            for call in range(calls):
                number = -1 if call % 2 else process * calls + call
                start = time.perf_counter()
                try:
                    remembered(number, "some words", 0.5)
                except Exception as error:
                    errors, first = errors + 1, first or repr(error)
                longest = max(longest, time.perf_counter() - start)
    except Exception as error:
        errors, first = errors + 1, first or repr(error)
    return {
        "took": time.perf_counter() - began, "longest": longest, "errors": errors, "first": first,
    }  # fmt: skip
