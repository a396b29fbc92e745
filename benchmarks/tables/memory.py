"""How much memory a large result takes on its way, above the result itself."""

from __future__ import annotations

import tracemalloc
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.table import Table
from benchmarks.workload import MEBIBYTE, sized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.table import Settings
    from benchmarks.workload import Function


def data(number: int, size: int) -> bytes:
    """So many bytes."""
    return sized(number, size)


def array(number: int, size: int) -> Any:
    """An array of so many bytes."""
    import numpy as np

    return np.full(size // 8, float(number))


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    size = MEBIBYTE if settings.small else 64 * MEBIBYTE
    others = [peers.diskcache, peers.joblib, peers.emboss] if settings.peers else []
    rows: dict[str, dict[str, Any]] = {}
    for make in (data, array):
        with settings.place("memory") as place, ExitStack() as stack:
            adapters = [references.plain_file, ours.plain, *others]
            for name, function in opened(stack, adapters, place, make).items():
                function(0, 8)  # what is imported and opened at first does not count
                row = rows.setdefault(name, {"name": name})
                title = "bytes" if make is data else "an array"
                row[f"{title}, miss"] = _peak(function, size)
                row[f"{title}, hit"] = _peak(function, size)
    yield Table(
        "memory",
        f"Memory at its highest, in sizes of the result ({size // MEBIBYTE} MB)",
        "",
        list(rows.values()),
        "The result itself is 1. What Python and NumPy allocate, counted by `tracemalloc`; wanted "
        "is at most 2.",
    )


def _peak(function: Function, size: int) -> str:
    tracemalloc.start()
    try:
        function(1, size)
        return f"{tracemalloc.get_traced_memory()[1] / size:.2f}"
    finally:
        tracemalloc.stop()
