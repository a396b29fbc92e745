"""beautyspot, as it comes and with the options that change how fast it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import beautyspot as bs

from benchmarks.adapters import adapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workload import Function

SYNC = "beautyspot"
WITHOUT_MEMORY = "beautyspot, memory=0"
ASYNC = "beautyspot, async"
BACKGROUND = 'beautyspot, save="background"'
BLOB = "beautyspot, save_blob=True"


@contextmanager
def spot_in(directory: Path, **options: Any) -> Iterator[bs.Spot]:
    """A Spot that reads no configuration, until the end."""
    spot = bs.Spot("benchmark", directory=directory, config=False, **options)
    try:
        yield spot
    finally:
        spot.shutdown()


@adapter(SYNC)
def plain(directory: Path, function: Function) -> Iterator[Function]:
    """As it comes."""
    with spot_in(directory) as spot:
        yield spot.mark(function)


@adapter(WITHOUT_MEMORY)
def without_memory(directory: Path, function: Function) -> Iterator[Function]:
    """Each hit reads the database, quiet or not."""
    with spot_in(directory, metadata={"use": "sqlite", "memory": 0}) as spot:
        yield spot.mark(function)


@adapter(BLOB)
def blob(directory: Path, function: Function) -> Iterator[Function]:
    """Every result in a file of its own, however small."""
    with spot_in(directory) as spot:
        yield spot.mark(save_blob=True)(function)


@adapter(BACKGROUND)
def background(directory: Path, function: Function) -> Iterator[Function]:
    """The caller does not wait for the disk."""
    with spot_in(directory, save="background") as spot:
        yield spot.mark(function)
