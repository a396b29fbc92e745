"""Many inputs in one line: `spot.map`, beside what people write themselves."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from contextlib import ExitStack, closing
from importlib import import_module as load
from typing import TYPE_CHECKING, Any, Final

from benchmarks.adapters import ours, version
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot import Spot

    from benchmarks.table import Settings

HITS, CALLS, OTHERS = 100_000, 10_000, 2_000
AT_ONCE: Final = 100
SECONDS: Final = 0.01
"""Of one call that waits, as for a server."""

BULK: Final = "sqlite3 SELECT, pages of keys"
SEMAPHORE: Final = "asyncio.gather under a semaphore"
THREADS: Final = 16
PLAIN: Final = "a loop that calls the marked function"
PAGE: Final = 500
COLUMNS: Final = "cache_key, result_data, digest, took, made_at, serializer, price, expires_at"
"""What a hit needs of a row."""


def tables(settings: Settings) -> Iterator[Table]:
    """Hits, calls of a coroutine function, and what others have for many inputs."""
    yield _hits(settings)
    yield _awaited(settings)
    yield _beside_others(settings)


def item(number: int) -> dict[str, Any]:
    """A result of three fields."""
    return {"number": number, "text": "some words", "factor": 0.5}


def slow(number: int) -> dict[str, Any]:
    """The same, after a while."""
    time.sleep(SECONDS)
    return item(number)


async def slow_async(number: int) -> dict[str, Any]:
    """The same, to be awaited."""
    await asyncio.sleep(SECONDS)
    return item(number)


def _once(run: Callable[[], object], number: int) -> Candidate:
    """A candidate whose every round is one run over all inputs."""
    return Candidate(lambda _: run(), weight=number, most=1)


def _consumed(results: Any) -> None:
    for _ in results:
        pass


# ------------------------------------------------------------------------------------------ hits


def _hits(settings: Settings) -> Table:
    number = 500 if settings.small else HITS
    with settings.place("map-hits") as place, ExitStack() as stack:
        spot = stack.enter_context(ours.spot_in(place))
        marked = spot.mark(item)
        _consumed(spot.map(marked, range(number)))
        spot.flush()
        connection = stack.enter_context(closing(sqlite3.connect(spot.db_path)))
        candidates = {
            BULK: _once(_in_pages(connection), number),
            "spot.map": _once(lambda: _consumed(spot.map(marked, range(number))), number),
            PLAIN: _once(lambda: _consumed(map(marked, range(number))), number),
        }
        rows = compare(candidates, BULK, settings.pace.fewer(20), targets={"spot.map": 1.5})
    return Table(
        "map-hits",
        f"{number:,} inputs whose results are stored",
        BULK,
        rows,
        f"The reference asks for {PAGE} rows at a time by their keys, which it knows already, and "
        "restores nothing. The time is that of one input.",
    )


def _in_pages(connection: sqlite3.Connection) -> Callable[[], None]:
    keys = [row[0] for row in connection.execute("SELECT cache_key FROM tasks ORDER BY random()")]

    def read() -> None:
        for start in range(0, len(keys), PAGE):
            page = keys[start : start + PAGE]
            wanted = f"cache_key IN ({', '.join('?' * len(page))})"
            connection.execute(f"SELECT {COLUMNS} FROM tasks WHERE {wanted}", page).fetchall()  # noqa: S608 - of this module's own texts

    return read


# ------------------------------------------------------------------------------- coroutine calls


def _awaited(settings: Settings) -> Table:
    number = 200 if settings.small else CALLS
    with settings.place("map-async") as place, ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        spot = stack.enter_context(ours.spot_in(place))
        inputs = _fresh(number)
        marked = spot.mark(slow_async)
        candidates = {
            SEMAPHORE: _once(lambda: runner.run(_gathered(slow_async, next(inputs))), number),
            "spot.map": _once(lambda: runner.run(_mapped(spot, marked, next(inputs))), number),
            f"{SEMAPHORE}, of the marked function": _once(
                lambda: runner.run(_gathered(marked, next(inputs))), number
            ),
        }
        rows = compare(candidates, SEMAPHORE, settings.pace.fewer(40), targets={"spot.map": 1.5})
    return Table(
        "map-async",
        f"{number:,} calls of a coroutine function that waits for 10 ms, {AT_ONCE} at a time",
        SEMAPHORE,
        rows,
        "All are misses; the reference stores nothing. The time is that of one input.",
    )


def _fresh(number: int) -> Iterator[range]:
    """Inputs that no round before has had."""
    return (range(start, start + number) for start in itertools.count(0, number))


async def _mapped(spot: Spot, marked: Callable[..., Any], inputs: range) -> None:
    async for _ in spot.map(marked, inputs, concurrency=AT_ONCE):
        pass


async def _gathered(function: Callable[..., Any], inputs: range) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def call(number: int) -> Any:
        async with free:
            return await function(number)

    await asyncio.gather(*map(call, inputs))


# ---------------------------------------------------------------------------------------- others


def _beside_others(settings: Settings) -> Table:
    number = 64 if settings.small else OTHERS
    with settings.place("map-others") as place, ExitStack() as stack:
        spot = stack.enter_context(ours.spot_in(place / "ours"))
        marked, inputs = spot.mark(slow), _fresh(number)

        def mapped(_: object = None) -> None:
            _consumed(spot.map(marked, next(inputs), concurrency=THREADS))

        stored = range(-number, 0)
        _consumed(spot.map(marked, stored))
        candidates = {
            "spot.map": _once(mapped, number),
            "spot.map, again": _once(lambda: _consumed(spot.map(marked, stored)), number),
        }
        if settings.peers:
            candidates |= _thread_map(number, inputs) | _joblib(place, number, inputs, stored)
        rows = compare(candidates, "spot.map", settings.pace.fewer(60))
    return Table(
        "map-others",
        f"{number:,} calls of a function that waits for 10 ms, in {THREADS} threads",
        "spot.map",
        rows,
        '"Again" is a second run over inputs whose results are stored. tqdm stores nothing. The '
        "time is that of one input.",
    )


def _thread_map(number: int, inputs: Iterator[range]) -> dict[str, Candidate]:
    if version("tqdm") is None:
        return {}
    thread_map = load("tqdm.contrib.concurrent").thread_map

    def run() -> None:
        thread_map(slow, next(inputs), max_workers=THREADS, disable=True)

    return {"tqdm, thread_map": _once(run, number)}


def _joblib(
    place: Path, number: int, inputs: Iterator[range], stored: range
) -> dict[str, Candidate]:
    if version("joblib") is None:
        return {}
    library = load("joblib")
    cached = library.Memory(str(place / "joblib"), verbose=0).cache(slow)

    def run(numbers: range) -> None:
        parallel = library.Parallel(n_jobs=THREADS, prefer="threads")
        parallel(library.delayed(cached)(one) for one in numbers)

    run(stored)
    return {
        "joblib.Parallel with Memory": _once(lambda: run(next(inputs)), number),
        "joblib.Parallel with Memory, again": _once(lambda: run(stored), number),
    }
