"""Large results: bytes of 1 and 10 MB, an array of 8 MB."""

from __future__ import annotations

import itertools
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import MEBIBYTE, repeated, sized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function


def megabyte(number: int) -> bytes:
    """1 MB."""
    return sized(number, MEBIBYTE)


def ten_megabytes(number: int) -> bytes:
    """10 MB."""
    return sized(number, 10 * MEBIBYTE)


def array(number: int) -> Any:
    """8 MB of floats."""
    import numpy as np

    return np.full(MEBIBYTE, float(number))


def tables(settings: Settings) -> Iterator[Table]:
    """Hits of three sizes, misses of two."""
    bytes_kept = [references.plain_file, ours.plain]
    others = [peers.diskcache, peers.joblib, peers.emboss] if settings.peers else []
    arrays = [*others, peers.joblib_mapped] if settings.peers else []
    all_of_them = [*bytes_kept, *others]
    yield _hits(settings, "1 MB", megabyte, all_of_them)
    yield _hits(settings, "10 MB", ten_megabytes, all_of_them)
    yield _hits(settings, "an array of 8 MB", array, [*bytes_kept, *arrays])
    yield _misses(settings, "1 MB", megabyte, all_of_them)
    yield _misses(settings, "10 MB", ten_megabytes, all_of_them)


def _hits(settings: Settings, size: str, make: Function, adapters: list[Adapter]) -> Table:
    with settings.place("large") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, make)
        candidates = {name: Candidate(repeated(one, 1)) for name, one in functions.items()}
        rows = compare(candidates, references.FILE, settings.pace, targets={ours.SYNC: 1.5})
    return Table(f"hit {size}", f"A hit of {size}", "reading a plain file", rows)


def _misses(settings: Settings, size: str, make: Function, adapters: list[Adapter]) -> Table:
    values = [make(number) for number in range(2)]  # made beforehand: it is the saving that counts
    numbers = itertools.count()

    def made(number: int) -> Any:
        return values[number % 2]

    with settings.place("large") as place:
        candidates = {
            one.name: _saving(one, place / str(number), made, numbers)
            for number, one in enumerate(adapters)
            if one.installed
        }
        pace = settings.pace.fewer(2)
        rows = compare(candidates, references.FILE, pace, targets={ours.SYNC: 1.5})
    return Table(f"miss {size}", f"A miss of {size}", "writing a plain file", rows)


def _saving(adapter: Adapter, place: Path, function: Function, numbers: Iterator[int]) -> Candidate:
    """A fresh store each round, opened and warmed up untimed: the disk holds one round's files."""
    stack = ExitStack()
    current: list[Function] = []

    def before() -> None:
        place.mkdir()
        current[:] = [stack.enter_context(adapter.make(place, function))]
        current[0](next(numbers))

    def run(count: int) -> None:
        for number in itertools.islice(numbers, count):
            current[0](number)

    def after() -> None:
        stack.close()
        shutil.rmtree(place)

    return Candidate(run, before=before, after=after, most=8)
