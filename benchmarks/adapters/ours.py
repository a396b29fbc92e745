"""beautyspot, as it comes and with the options that change how fast it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import beautyspot as bs
from beautyspot import KeyGen

from benchmarks.adapters import adapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workload import Function

SYNC = "beautyspot"
WITHOUT_MEMORY = "beautyspot, memory=0"
ASYNC = "beautyspot, async"
BACKGROUND = 'beautyspot, save="background"'
ANEW = "beautyspot, its key made anew"
MAPPED = "beautyspot, mmap=True"


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


class Unremembered(KeyGen):
    """Makes keys of the same texts, of which none is remembered."""

    name = "unremembered"

    def canonical(self, value: object) -> str:
        """As the class above; that it stands here is enough."""
        return super().canonical(value)


@adapter(ANEW)
def anew(directory: Path, function: Function) -> Iterator[Function]:
    """As for the first call of a process with such arguments."""
    with spot_in(directory, keygen=Unremembered()) as spot:
        yield spot.mark(function)


@adapter(MAPPED)
def mapped(directory: Path, function: Function) -> Iterator[Function]:
    """Arrays are mapped into memory, not read; their digest is checked once."""
    with spot_in(directory) as spot:
        yield spot.mark(mmap=True)(function)


@adapter(BACKGROUND)
def background(directory: Path, function: Function) -> Iterator[Function]:
    """The caller does not wait for the disk."""
    with spot_in(directory, save="background") as spot:
        yield spot.mark(function)
