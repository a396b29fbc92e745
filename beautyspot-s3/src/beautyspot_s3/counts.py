"""What was counted: an object for each process and hour in which it writes, named by the last day.

A process writes often where each result has a price: it writes its object anew each time. Objects
that were merged name those that they take the place of: so nothing counts twice, also where the one
that merges them is ended between two of its steps.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Counts

from beautyspot_s3.several import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Listed, Objects

_NUMBERS: Final = Counts._fields[2:]
_ZEROS: Final = tuple(Counts._field_defaults[name] for name in _NUMBERS)

_LAST: Final = 24 * 2_900_000  # the hours of some 8,000 years, for which there is a date


class Counted(NamedTuple):
    """What one object holds.

    Attributes:
        counts: the counts.
        merged: the names of the objects whose place it takes, below `Names.counts`.
    """

    counts: list[Counts]
    merged: list[str]


class Adding:
    """Adds to what was counted.

    Args:
        objects: the objects of the bucket.
        names: their names.
    """

    def __init__(self, objects: Objects, names: Names) -> None:
        self._objects, self._names = objects, names
        self._lock, self._whose = threading.Lock(), (0, -1)
        self._name, self._counts = "", list[Counts]()

    def add(self, counts: list[Counts]) -> None:
        """Write some, with what this process has written in the hour; a child has its own."""
        whose = os.getpid(), max(count.hour for count in counts)
        if whose[0] != self._whose[0]:
            self._lock = threading.Lock()  # the parent's may have been held at the fork
        with self._lock:
            if whose != self._whose:
                self._name, self._counts, self._whose = _fresh(self._names, counts), [], whose
            together = list(summed([*self._counts, *counts]))
            self._objects.put(self._name, _body(together))
            self._counts = together  # last: what failed is added again


def write(objects: Objects, names: Names, counts: list[Counts], merged: Iterable[str]) -> None:
    """Write some, in the place of some objects."""
    objects.put(_fresh(names, counts), _body(counts, merged))


def _fresh(names: Names, counts: list[Counts]) -> str:
    return f"{names.counts}{_day(max(count.hour for count in counts))}-{secrets.token_hex(8)}"


def _body(counts: list[Counts], merged: Iterable[str] = ()) -> bytes:
    said = {"counts": [list(count) for count in counts], "merged": list(merged)}
    return json.dumps(said, separators=(",", ":")).encode("ascii")


def listed(objects: Objects, names: Names, since: int | None = None) -> list[Listed]:
    """The objects that may have counts of the hour `since` or later."""
    after = "" if since is None else f"{names.counts}{_day(since)}"
    return [one for page in objects.list(names.counts, after=after) for one in page]


def load(objects: Objects, names: Names, found: Iterable[Listed]) -> dict[str, Counted]:
    """What these objects hold, by their names below `Names.counts`.

    Without those that were merged, and those that strangers wrote.
    """
    short = [one.name.removeprefix(names.counts) for one in found]

    def read(name: str) -> Counted | None:
        one = objects.get(names.counts + name)
        return None if one is None else _read(one.body)

    answers = zip(short, side_by_side(read, short), strict=True)
    table = {name: counted for name, counted in answers if counted is not None}
    gone = {name for counted in table.values() for name in counted.merged}
    return {name: counted for name, counted in table.items() if name not in gone}


def summed(counts: Iterable[Counts]) -> Iterator[Counts]:
    """By function and hour, in that order."""
    sums: dict[tuple[str, int], list[Any]] = {}
    for count in counts:
        row = sums.setdefault((count.func_identifier, count.hour), [*_ZEROS])
        for place, number in enumerate(count[2:]):
            row[place] += number
    for name, hour in sorted(sums):
        yield Counts(name, hour, *sums[name, hour])


def _day(hour: int) -> str:
    """The date of an hour, as a part of a name."""
    return datetime.fromtimestamp(min(max(hour, 0), _LAST) * 3600, UTC).strftime("%Y-%m-%d")


def _read(body: bytes) -> Counted | None:
    """What an object says; None where a stranger wrote it."""
    try:
        said = json.loads(body)
        counts = [_counts(given) for given in said["counts"]]
        return Counted(counts, [str(name) for name in said["merged"]])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return None


def _counts(given: list[Any]) -> Counts:
    name, hour, *numbers = given
    if not isinstance(name, str) or not all(math.isfinite(number) for number in numbers):
        raise ValueError(name)
    pairs = zip(numbers, _ZEROS, strict=False)  # a later release may count more
    return Counts(name, int(hour), *(type(zero)(number) for number, zero in pairs))
