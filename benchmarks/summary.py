"""The results that matter to most users, as one table: ours, and the best of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.adapters import limiters, ours, references
from benchmarks.report import duration, lines, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Shown(NamedTuple):
    """A line of the table: what it is called, and where its figures are."""

    title: str
    table: str
    row: str = ours.SYNC


SHOWN: Final = (
    Shown("a hit", "hit"),
    Shown("a hit with a dictionary among the arguments", "hit-nested"),
    Shown("a hit of a coroutine function", "hit-async", "async"),
    Shown("a hit of 1 MB", "hit 1 MB"),
    Shown("a hit of 10 MB", "hit 10 MB"),
    Shown("a hit of an array of 8 MB", "hit an array of 8 MB"),
    Shown("the same with `mmap=True`", "hit an array of 8 MB", "beautyspot, mmap=True"),
    Shown("a hit of an array of 80 MB", "hit an array of 80 MB"),
    Shown("the same with `mmap=True`", "hit an array of 80 MB", "beautyspot, mmap=True"),
    Shown("a miss, its result stored", "miss"),
    Shown("a miss of a coroutine function", "miss-ways", ours.ASYNC),
    Shown('a miss with `save="background"`: the caller\'s part', "miss", ours.BACKGROUND),
    Shown("a miss of 1 MB", "miss 1 MB"),
    Shown("a miss of 10 MB", "miss 10 MB"),
    Shown("a hit of one of eight threads", "threads"),
    Shown("a permit that is free at once", "limiter", limiters.OURS),
)

_BY_HAND: Final = (references.THIN, "functools.lru_cache (memory)", "aiocache, memory (async)")
"""What is no library that stores anything."""


def summary(results: Mapping[str, Any]) -> str:
    """The table, of those lines of which there are results."""
    tables = {table["key"]: table for table in results["tables"]}
    found = [_line(shown, tables[shown.table]) for shown in SHOWN if shown.table in tables]
    return lines([line for line in found if line is not None])


def _line(shown: Shown, table: Mapping[str, Any]) -> dict[str, str] | None:
    rows = {row["name"]: row for row in table["rows"]}
    own = rows.get(shown.row)
    if own is None:
        return None
    least = next(row for row in table["rows"] if row["x"] == row["x_low"] == row["x_high"] == 1)
    others = _others(rows, least["name"], mapped="mmap" in shown.row)
    best = min(others, key=lambda row: row["x"], default=None)
    return {
        "name": shown.title,
        "beautyspot": duration(own["seconds"]),
        "x": number(own["x"]),
        "the reference, x = 1": f"{table['reference']}: {duration(least['seconds'])}",
        "the best of the others": "" if best is None else f"{best['name']}: {number(best['x'])}",
    }


def _others(rows: Mapping[str, Any], reference: str, *, mapped: bool) -> Iterator[Any]:
    """Other libraries, which map into memory as ours does, or don't."""
    for name, row in rows.items():
        by_hand = name == reference or name.startswith(_BY_HAND)
        ours_too = name.startswith(("beautyspot", "sync", "async"))
        if not by_hand and not ours_too and ("mapped" in name) is mapped:
            yield row
