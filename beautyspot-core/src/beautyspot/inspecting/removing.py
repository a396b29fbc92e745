"""Remove results: those that a filter lets through, or rows that were chosen.

A row is removed before its blob, and only if it is still the one that was listed: what has taken
its place meanwhile stays.

What is said by function, version, tag or whole key alone is invalidated first, as
`Spot.invalidate_all` does: a call that is under way stores no result any more. With other filters
it may be of a result that matches no more.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import Invalidation, Totals
from beautyspot.contracts.listing import PAGE
from beautyspot.contracts.selection import size_of
from beautyspot.inspecting.listing import Listing, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.filters import Filter
    from beautyspot.results.cache import Cache

FIRST: Final = 10
"""So many rows of a `Removal` are kept whole, to be shown."""

_NOTED: Final = frozenset({"function", "version", "tag", "key"})


class Removed(NamedTuple):
    """What `remove` removed."""

    entries: int  # results that were removed
    size: int  # their bytes
    kept: int = 0  # rows that matched, and were replaced meanwhile


def remove_all(cache: Cache, wanted: Filter) -> Removed:
    """Remove every row that the filter lets through.

    Raises:
        MetadataError: the store failed; what was not reached is still there.
    """
    cache.insist()
    removed, whats = Removed(0, 0), _invalidations(cache, wanted)
    for what in whats or ():
        entries, size = cache.invalidate(what)
        removed = Removed(removed.entries + entries, removed.size + size)
    for page in _pages(Listing(cache.store.real, wanted).rows()) if whats is None else ():
        removed = _remove(cache, page, removed)
    return removed


def _invalidations(cache: Cache, wanted: Filter) -> list[Invalidation] | None:
    """What is to be invalidated, where a filter says no more than that; else None."""
    selection = wanted.selection
    given = {field for field, value in selection._asdict().items() if value is not None}
    whole_key = selection.key is None or re.fullmatch(r"[0-9a-f]{32}", selection.key)
    if wanted.outdated or not given <= _NOTED or selection.version == "" or not whole_key:
        return None
    if selection.key is not None:
        return [Invalidation(selection.key)] if given == {"key"} else None
    pattern, version, tag = selection.function, selection.version, selection.tag
    if pattern is None:
        return [Invalidation(None, None, version, tag)]
    names = [each.func_identifier for each in cache.store.real.function_totals()]
    return [Invalidation(None, each, version, tag) for each in names if fnmatchcase(each, pattern)]


def _remove(cache: Cache, page: list[TaskRecord], before: Removed) -> Removed:
    gone = cache.saver.remove({record.cache_key: record for record in page})
    sizes = [size_of(record) for record in page if record.cache_key in gone]
    others = [record.cache_key for record in page if record.cache_key not in gone]
    replaced = cache.store.find_many(others) if others else {}  # the rest somebody else removed
    entries, size, kept = before
    return Removed(entries + len(sizes), size + sum(sizes), kept + len(replaced))


class Removal:
    """Results that were chosen to be removed. Nothing is removed before `carry_out`.

    It holds the chosen rows in memory, each some kilobyte, less the texts of their arguments.

    Attributes:
        entries: how many results were chosen.
        size: their bytes.
        functions: the same by function, as `Totals`.
        first: the first ten of their rows.
    """

    def __init__(self, rows: Iterable[TaskRecord], changing: Callable[[], Cache]) -> None:
        self._changing = changing
        self._chosen: list[TaskRecord] = []
        self.functions: dict[str, Totals] = {}
        self.first: list[TaskRecord] = []
        for record in rows:
            if len(self.first) < FIRST:
                self.first.append(record._replace(result_data=None))
            self._chosen.append(record._replace(result_data=None, arguments=None, arg_digests=None))
            entries, sizes = self.functions.get(name_of(record), (0, 0))
            self.functions[name_of(record)] = Totals(entries + 1, sizes + size_of(record))
        self.entries: Final = len(self._chosen)
        self.size: Final = sum(map(size_of, self._chosen))

    @property
    def keys(self) -> list[str]:
        """The keys of all that were chosen."""
        return [record.cache_key for record in self._chosen]

    def carry_out(self, progress: Callable[[Removed], object] | None = None) -> Removed:
        """Remove the chosen results, their rows first.

        A row that was replaced since stays, and counts as kept. It is safe while others read and
        write, and to be interrupted: what was not reached stays.

        Args:
            progress: called after some rows with what was removed so far.

        Raises:
            MetadataError: the store failed; what was not reached is still there.
        """
        removed = Removed(0, 0)
        if not self._chosen:
            return removed
        cache = self._changing()
        cache.insist()
        for page in _pages(iter(self._chosen)):
            removed = _remove(cache, page, removed)
            if progress is not None:
                progress(removed)
        return removed


def _pages(rows: Iterator[TaskRecord]) -> Iterator[list[TaskRecord]]:
    while page := list(islice(rows, PAGE)):
        yield page
