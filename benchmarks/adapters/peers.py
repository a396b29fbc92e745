"""Other libraries, each as its own manual says, storing on disk where it can.

They are loaded by name: none of them is needed to read or check this file.
"""

from __future__ import annotations

from importlib import import_module as load
from typing import TYPE_CHECKING

from benchmarks.adapters import adapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workload import Function


@adapter("diskcache", needs="diskcache")
def diskcache(directory: Path, function: Function) -> Iterator[Function]:
    """SQLite, and files for what is large."""
    with load("diskcache").Cache(str(directory)) as cache:
        yield cache.memoize()(function)


@adapter("joblib.Memory", needs="joblib")
def joblib(directory: Path, function: Function) -> Iterator[Function]:
    """A folder a call."""
    yield load("joblib").Memory(str(directory), verbose=0).cache(function)


@adapter("joblib.Memory, mapped", needs="joblib")
def joblib_mapped(directory: Path, function: Function) -> Iterator[Function]:
    """Arrays are mapped into memory, not read."""
    yield load("joblib").Memory(str(directory), verbose=0, mmap_mode="r").cache(function)


@adapter("emboss", needs="emboss")
def emboss(directory: Path, function: Function) -> Iterator[Function]:
    """SQLite and pickle."""
    library = load("emboss")
    cache = library.SqliteCache(directory)
    yield library.cached(cache)(function)
    cache.close()


@adapter("cachier, pickle", needs="cachier")
def cachier(directory: Path, function: Function) -> Iterator[Function]:
    """One pickled file a function, or a file a call."""
    yield load("cachier").cachier(cache_dir=str(directory), separate_files=True)(function)


@adapter("dogpile.cache, dbm", needs="dogpile.cache")
def dogpile(directory: Path, function: Function) -> Iterator[Function]:
    """A DBM file under a lock file."""
    region = load("dogpile.cache").make_region()
    region.configure("dogpile.cache.dbm", arguments={"filename": str(directory / "region.dbm")})
    yield region.cache_on_arguments()(function)


@adapter("cashews, disk (async)", needs="cashews")
def cashews(directory: Path, function: Function) -> Iterator[Function]:
    """diskcache behind threads."""
    cache = load("cashews").Cache()
    cache.setup(f"disk://?directory={directory}&shards=0")
    yield cache(ttl="1h")(_asynchronous(function))


@adapter("aiocache, memory (async)", needs="aiocache")
def aiocache(directory: Path, function: Function) -> Iterator[Function]:
    """Memory only, unless there is a server."""
    del directory
    yield load("aiocache").cached()(_asynchronous(function))


def _asynchronous(function: Function) -> Function:
    """What is written for asynchronous functions gets one."""
    from benchmarks.workload import work, work_async

    return work_async if function is work else function


ON_DISK = [diskcache, emboss, joblib, dogpile, cachier, cashews]
"""For small results."""
