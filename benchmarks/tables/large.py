"""Large results: bytes of 1 and 10 MB, arrays of 8 and 80 MB."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import MEBIBYTE, made, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function


SETTLING = 0.2
"""Seconds after which the files that were just stored are old enough for their state to be told."""

HITS: dict[str, dict[str, float]] = {
    "1 MB": {ours.SYNC: 1.3},
    "10 MB": {ours.SYNC: 1.15},
    "an array of 8 MB": {ours.SYNC: 1.2, ours.MAPPED: 0.7},
    "an array of 80 MB": {},  # less than joblib takes
}
MISSES = {"1 MB": 2.2, "10 MB": 1.3}


def megabyte(number: int) -> bytes:
    """1 MB."""
    return made(number % 2, MEBIBYTE)


def ten_megabytes(number: int) -> bytes:
    """10 MB."""
    return made(number % 2, 10 * MEBIBYTE)


def array(number: int) -> Any:
    """8 MB of floats."""
    import numpy as np

    return np.full(MEBIBYTE, float(number))


def large_array(number: int) -> Any:
    """80 MB of floats."""
    import numpy as np

    return np.full(10 * MEBIBYTE, float(number))


def tables(settings: Settings) -> Iterator[Table]:
    """Hits of four sizes, misses of two."""
    kept = [references.plain_file, ours.plain]
    others = [peers.diskcache, peers.joblib, peers.emboss] if settings.peers else []
    all_of_them = [*kept, *others]
    arrays = [*kept, ours.mapped, *others, *([peers.joblib_mapped] if settings.peers else [])]
    yield _hits(settings, "1 MB", megabyte, all_of_them)
    yield _hits(settings, "10 MB", ten_megabytes, all_of_them)
    yield _hits(settings, "an array of 8 MB", array, arrays)
    yield _hits(settings, "an array of 80 MB", large_array, arrays, fewer=10)
    yield _misses(settings, "1 MB", megabyte, all_of_them)
    yield _misses(settings, "10 MB", ten_megabytes, all_of_them)


def _hits(
    settings: Settings, size: str, make: Function, adapters: list[Adapter], *, fewer: int = 1
) -> Table:
    targets = HITS[size]
    with settings.place("large") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, make)
        candidates = {name: Candidate(repeated(one, 1)) for name, one in functions.items()}
        for one in functions.values():
            one(1)
        time.sleep(SETTLING)
        rows = compare(candidates, references.FILE, settings.pace.fewer(fewer), targets=targets)
    return Table(f"hit {size}", f"A hit of {size}", "reading a plain file", rows)


def _misses(settings: Settings, size: str, make: Function, adapters: list[Adapter]) -> Table:
    numbers = itertools.count()
    with settings.place("large") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, make)
        candidates = {name: _saving(one, numbers, place) for name, one in functions.items()}
        pace = settings.pace.fewer(2)
        rows = compare(candidates, references.FILE, pace, targets={ours.SYNC: MISSES[size]})
    return Table(f"miss {size}", f"A miss of {size}", "writing a plain file", rows)


def _saving(function: Function, numbers: Iterator[int], place: Path) -> Candidate:
    """No number comes twice; large files go after each round, so that the disk holds one's."""

    def run(count: int) -> None:
        for number in itertools.islice(numbers, count):
            function(number)

    def after() -> None:
        for path in place.rglob("*"):
            if path.is_file() and path.stat().st_size > MEBIBYTE // 2 and ".db" not in path.name:
                path.unlink()

    return Candidate(run, after=after, most=8)
