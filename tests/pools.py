"""A program whose own functions, marked, are sent to the workers of joblib and Dask.

Run as ``python pools.py PLACE SAVE POOL``: its functions are those of ``__main__``, which no worker
can import. Some start by importing the program under another name, though, as multiprocessing does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs

Calls = list[tuple[Callable[..., Any], int]]

RUN = __name__ in ("__main__", "__mp_main__")
PLACE = Path(sys.argv[1] if RUN else os.devnull)
SAVE: Any = sys.argv[2] if RUN else "sync"
NUMBERS = (*range(6),) * 3  # each call is made three times, by whichever workers
offset = 100  # what a function of `__main__` finds beside itself

spot = bs.Spot("app", directory=PLACE / "cache", config=False, save=SAVE)


def note(name: str, number: int) -> None:
    """Say that a function ran, and where."""
    with (PLACE / "ran.txt").open("a") as file:
        file.write(f"{name} {number} {os.getpid()}\n")


@spot.mark
def double(number: int) -> list[int]:
    note("double", number)
    return [number * 2]


@spot.mark(save_blob=True)
def blob(number: int) -> str:
    note("blob", number)
    return "text" * number


@spot.mark(version="auto")
def auto(number: int) -> int:
    note("auto", number)
    return number + offset


@spot.mark
async def _later(number: int) -> int:
    note("later", number)
    await asyncio.sleep(0)
    return -number


def later(number: int) -> int:
    return asyncio.run(_later(number))


def adding(more: int) -> Callable[[int], int]:
    @spot.mark
    def add(number: int) -> int:
        note(f"add{more}", number)
        return number + more + offset

    return add


unnamed = spot.mark(lambda number: (note("unnamed", number), number**2)[1])

FUNCTIONS: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "double": (double, lambda number: [number * 2]),
    "blob": (blob, lambda number: "text" * number),
    "auto": (auto, lambda number: number + 100),
    "later": (later, lambda number: -number),
    "add1": (adding(1), lambda number: number + 101),
    "add2": (adding(2), lambda number: number + 102),
    "unnamed": (unnamed, lambda number: number**2),
}
"""Each function, and what it should give."""

CALLS: Calls = [(function, number) for function, _ in FUNCTIONS.values() for number in NUMBERS]
RESULTS = [result(number) for _, result in FUNCTIONS.values() for number in NUMBERS]


def by_joblib(calls: Calls) -> list[Any]:
    import joblib

    jobs = (joblib.delayed(function)(number) for function, number in calls)
    return list(joblib.Parallel(n_jobs=3, backend="loky")(jobs))


def _delayed(calls: Calls) -> list[Any]:
    import dask

    return [  # a name of its own for each, or Dask makes equal calls once
        dask.delayed(function)(number, dask_key_name=f"call-{place}")  # type: ignore[attr-defined]
        for place, (function, number) in enumerate(calls)
    ]


def by_dask(calls: Calls) -> list[Any]:
    import dask

    return list(dask.compute(*_delayed(calls), scheduler="processes", num_workers=3))  # type: ignore[attr-defined]


@contextlib.contextmanager
def cluster() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    options: dict[str, Any] = {
        "n_workers": 2,
        "threads_per_worker": 2,
        "dashboard_address": "127.0.0.1:0",
    }
    local = PLACE / "distributed"
    with (
        LocalCluster(processes=True, local_directory=str(local), **options) as workers,
        Client(workers) as client,
    ):
        yield client


def by_distributed(calls: Calls) -> list[Any]:
    with cluster() as client:
        return list(client.gather(client.compute(_delayed(calls))))


POOLS: dict[str, Callable[[Calls], list[Any]]] = {
    "joblib": by_joblib,
    "dask": by_dask,
    "distributed": by_distributed,
}


def failing(number: int) -> list[int]:
    """One call of several fails: joblib kills its workers then."""
    from beautyspot.results import writer

    if number == 40:
        raise ValueError("as it happens")
    vars(writer)["LINGER"] = 3600.0  # what waits to be saved is lost with the worker
    given = double(number)
    note("returned", number)
    return given


def tokens() -> list[str]:
    """What Dask takes each function for."""
    import dask
    from dask.base import tokenize

    with dask.config.set({"tokenize.ensure-deterministic": True}):
        return [tokenize(function) for function, _ in FUNCTIONS.values()] + [tokenize(spot)]  # type: ignore[no-untyped-call]


def main(order: str) -> None:
    """Do as ordered."""
    if order == "tokens":
        print(*tokens())
    elif order == "failing":
        with contextlib.suppress(ValueError):
            by_joblib([(failing, number) for number in range(80)])
    else:
        assert POOLS[order](CALLS) == RESULTS
        note("over", 0)
        for (function, number), result in zip(CALLS, RESULTS, strict=True):
            assert function(number) == result  # here too: each is a hit


if __name__ == "__main__":
    main(sys.argv[3])
