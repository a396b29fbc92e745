"""Eight threads at once, all with the same store."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import ARGUMENTS, check, repeated, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from benchmarks.table import Settings

THREADS = 8

EACH = 50
"""Misses of each thread in a round, at least: fewer, and to start the threads is most of it."""


def tables(settings: Settings) -> Iterator[Table]:
    """Hits, and saves in the background."""
    with ThreadPoolExecutor(THREADS) as executor:
        yield _hits(settings, executor)
        yield _saves(settings, executor)


def _together(executor: Executor, run: Callable[[int], object]) -> Callable[[int], None]:
    def all_of_them(count: int) -> None:
        for done in [executor.submit(run, count) for _ in range(THREADS)]:
            done.result()

    return all_of_them


def _hits(settings: Settings, executor: Executor) -> Table:
    reference = references.select_in_threads
    others = [peers.diskcache, peers.emboss] if settings.peers else []
    adapters = [reference, references.thin_in_threads, ours.plain, *others]
    with settings.place("threads") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, work)
        check(functions, *ARGUMENTS)
        candidates = {
            name: Candidate(_together(executor, repeated(one, *ARGUMENTS)), weight=THREADS)
            for name, one in functions.items()
        }
        pace = settings.pace.fewer(1)
        rows = compare(candidates, reference.name, pace, targets={ours.SYNC: 1 / 0.6})
    return Table(
        "threads",
        "Hits of eight threads at once",
        reference.name,
        _with_rate(rows),
        "The time is that of all threads together, divided by all calls: 1.67 is 0.6 of raw "
        "SQLite's hits a second.",
    )


def _saves(settings: Settings, executor: Executor) -> Table:
    numbers = itertools.count()  # `next` on it is one step for CPython
    with settings.place("saves") as place, ExitStack() as stack:
        functions = opened(stack, [references.insert, ours.plain], place, work)
        spot = stack.enter_context(ours.spot_in(place / "later", save="background"))
        marked = spot.mark(work)

        def save(count: int) -> None:
            for number in itertools.islice(numbers, count):
                marked(number, "some words", 0.5)

        def reference(count: int) -> None:
            for number in itertools.islice(numbers, count):
                functions[references.INSERT](number)

        all_of_them = _together(executor, save)
        candidates = {
            "sqlite3 INSERT, commit, one thread": Candidate(reference, most=500),
            ours.BACKGROUND: Candidate(
                all_of_them, weight=THREADS, after=spot.flush, most=1000, least=EACH
            ),
            f"{ours.BACKGROUND}, stored": Candidate(
                lambda count: (all_of_them(count), spot.flush()),
                weight=THREADS,
                most=1000,
                least=EACH,
            ),
        }
        rows = compare(candidates, "sqlite3 INSERT, commit, one thread", settings.pace.fewer(2))
    return Table(
        "threads-saves",
        "Misses of eight threads at once, saved in the background",
        "one thread's INSERT and commit",
        _with_rate(rows),
    )


def _with_rate(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row | {"note": f"{1 / float(str(row['seconds'])):,.0f} a second"} for row in rows]
