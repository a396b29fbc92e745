"""The same call with ever more stored: hits at random, and opening the store."""

from __future__ import annotations

import hashlib
import random
from contextlib import ExitStack, closing
from importlib import import_module as load
from typing import TYPE_CHECKING

from benchmarks.adapters import ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.table import Settings

    Hit = Callable[[int], object]

LEAST = 1_000


def tables(settings: Settings) -> Iterator[Table]:
    """Hits, and opening."""
    most = 2_000 if settings.small else 1_000_000 if settings.full else 100_000
    makers = {"sqlite3 SELECT": _sqlite3, "beautyspot": _ours}
    if settings.peers and peers.diskcache.installed:
        makers["diskcache"] = _diskcache
    with settings.place("growth") as place, ExitStack() as stack:
        candidates = {
            f"{name}, {rows:,}": _random_hits(
                make(stack, _folder(place, f"{name} {rows}"), rows), rows
            )
            for name, make in makers.items()
            for rows in (LEAST, most)
        }
        rows = compare(candidates, _at_least, settings.pace)
        opening = _opening(settings, place, most)
    yield Table(
        "growth",
        f"A hit at random among {LEAST:,} and {most:,} results",
        f"the same library's with {LEAST:,}",
        rows,
        "With a list among the arguments, and keys that are made anew at each call.",
    )
    yield opening


def _folder(place: Path, name: str) -> Path:
    (place / name).mkdir()
    return place / name


def _at_least(name: str) -> str:
    return f"{name.partition(', ')[0]}, {LEAST:,}"


def _random_hits(hit: Hit, rows: int) -> Candidate:
    numbers = random.Random(0)  # noqa: S311 - a choice, no secret

    def run(count: int) -> None:
        for number in numbers.choices(range(rows), k=count):
            hit(number)

    return Candidate(run)


def _sqlite3(stack: ExitStack, place: Path, rows: int) -> Hit:
    connection = stack.enter_context(closing(references.connect(place)))
    keys = [hashlib.sha256(b"%d" % number).hexdigest()[:32] for number in range(rows)]
    connection.execute("BEGIN")
    connection.executemany(references.INSERT_ROW, ((key, references.DATA) for key in keys))
    connection.execute("COMMIT")
    execute = connection.execute
    return lambda number: execute(references.SELECT_ROW, (keys[number],)).fetchone()


def _ours(stack: ExitStack, place: Path, rows: int) -> Hit:
    # A key names the class that made it: another keygen here, and all that follows would be misses.
    with ours.spot_in(place, save="background", keygen=ours.Unremembered()) as filling:
        marked = filling.mark(work)
        for number in range(rows):
            marked([number], "some words", 0.5)
    spot = stack.enter_context(ours.spot_in(place, keygen=ours.Unremembered()))
    remembered = spot.mark(work)
    if not spot.explain(remembered, [rows - 1], "some words", 0.5).hit:
        message = "the results that were stored for this table are not found"
        raise AssertionError(message)
    return lambda number: remembered([number], "some words", 0.5)


def _diskcache(stack: ExitStack, place: Path, rows: int) -> Hit:
    cache = stack.enter_context(load("diskcache").Cache(str(place), size_limit=1 << 40))
    remembered = cache.memoize()(work)
    with cache.transact():
        for number in range(rows):
            remembered([number], "some words", 0.5)
    return lambda number: remembered([number], "some words", 0.5)


def _opening(settings: Settings, place: Path, most: int) -> Table:
    def opened(rows: int) -> Candidate:
        def run(count: int) -> None:
            for _ in range(count):
                with ours.spot_in(place / f"beautyspot {rows}", keygen=ours.Unremembered()) as spot:
                    spot.mark(work)([1], "some words", 0.5)

        return Candidate(run)

    candidates = {f"beautyspot, {rows:,}": opened(rows) for rows in (LEAST, most)}
    targets = {f"beautyspot, {most:,}": 1.2}
    rows = compare(candidates, _at_least, settings.pace.fewer(2), targets=targets)
    title = "Making a Spot on a store that is there, and one hit"
    return Table("growth-opening", title, f"the same with {LEAST:,} results", rows)
