"""A call whose result is stored: the same call again and again."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import ARGUMENTS, NESTED, check, repeated, stream, work, work_async

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function

FLOOR = [references.select, references.thin, ours.plain, ours.without_memory]


def tables(settings: Settings) -> Iterator[Table]:
    """Five tables: flat arguments, nested ones, a busy database, async, generators."""
    memory = [references.lru_cache, references.shelved]
    others = [*peers.ON_DISK, peers.aiocache] if settings.peers else []
    yield Table(
        "hit",
        "A hit: three small arguments of plain types, a result of three fields",
        references.SELECT,
        _rows(
            settings,
            [*FLOOR, *memory, *others],
            ARGUMENTS,
            {ours.SYNC: 1.0, ours.WITHOUT_MEMORY: 1.5},
        ),
        "beautyspot remembers the keys of the last calls whose arguments are short and plain, and, "
        "unless `memory=0`, the rows of a database to which nobody commits, as here.",
    )
    others = [peers.diskcache, peers.emboss, peers.joblib] if settings.peers else []
    yield Table(
        "hit-nested",
        "A hit with a dictionary among the arguments",
        references.SELECT,
        _rows(settings, [*FLOOR, ours.anew, *others], NESTED, {ours.SYNC: 2.0}),
        "The keys of small lists, tuples and dicts are remembered by their content.",
    )
    yield _busy(settings)
    yield _asynchronous(settings)
    yield _streams(settings)


def _rows(
    settings: Settings,
    adapters: list[Adapter],
    arguments: tuple[Any, ...],
    targets: dict[str, float],
) -> list[dict[str, Any]]:
    with settings.place("hits") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, work)
        check(functions, *arguments)
        candidates = _same_call(functions, arguments)
        return compare(candidates, references.SELECT, settings.pace, targets=targets)


def _same_call(
    functions: dict[str, Function], arguments: tuple[Any, ...] = ARGUMENTS
) -> dict[str, Candidate]:
    return {name: Candidate(repeated(one, *arguments)) for name, one in functions.items()}


def _busy(settings: Settings) -> Table:
    with settings.place("busy") as place, ExitStack() as stack:
        functions = opened(stack, [ours.plain, ours.without_memory], place, work)
        check(functions, *ARGUMENTS)
        stack.enter_context(_committing(sorted(place.glob("*/*.db"))))
        rows = compare(
            _same_call(functions), ours.WITHOUT_MEMORY, settings.pace, targets={ours.SYNC: 1.0}
        )
    return Table(
        "hit-busy",
        "A hit while another process commits to the same database all the time",
        "the same without memory for rows",
        rows,
        "About a thousand commits a second: no row stays in memory.",
    )


@contextmanager
def _committing(paths: list[Path]) -> Iterator[None]:
    """Another process changes these databases again and again."""
    context = multiprocessing.get_context("spawn")
    begun, done = context.Event(), context.Event()
    process = context.Process(target=_commit, args=(paths, begun, done))
    process.start()
    try:
        if not begun.wait(60):
            raise RuntimeError("the process that commits did not begin: see what it says above")
        yield
    finally:
        done.set()
        process.join()


def _commit(paths: list[Path], begun: Event, done: Event) -> None:
    with ExitStack() as stack:
        databases = [
            stack.enter_context(closing(sqlite3.connect(path, isolation_level=None, timeout=60)))
            for path in paths
        ]
        for database in databases:
            database.execute("PRAGMA synchronous = NORMAL")
        while not done.wait(0.001):
            for database in databases:
                database.execute("UPDATE tasks SET used_at = julianday('now')")
            begun.set()


def _asynchronous(settings: Settings) -> Table:
    with settings.place("async") as place, ExitStack() as stack:
        spot = stack.enter_context(ours.spot_in(place / "ours"))
        functions = {"sync": spot.mark(work), "async": spot.mark(work_async)}
        if settings.peers:
            others = [peers.cashews, peers.aiocache]
            functions |= opened(stack, others, place, work_async)
        check(functions, *ARGUMENTS)
        rows = compare(_same_call(functions), "sync", settings.pace, targets={"async": 1.5})
    return Table(
        "hit-async",
        "A hit of a coroutine function",
        "beautyspot's synchronous hit",
        rows,
        "Awaited one after the other in a running event loop.",
    )


def whole(number: int, text: str, factor: float) -> list[dict[str, Any]]:
    """What the stream yields, at once."""
    return list(stream(number, text, factor))


def _streams(settings: Settings) -> Table:
    with settings.place("streams") as place, ours.spot_in(place) as spot:
        streamed = spot.mark(stream)
        functions = {
            "a list of ten": spot.mark(whole),
            "a generator of ten": lambda *arguments: list(streamed(*arguments)),
        }
        check(functions, *ARGUMENTS)
        rows = compare(_same_call(functions), "a list of ten", settings.pace)
    return Table(
        "hit-generator",
        "A hit of a generator, read to its end",
        "beautyspot's hit of a function that returns the list of the same items",
        rows,
        "No other library measured here stores what a generator yields.",
    )
