"""Remove the rows that a filter lets through, and their blobs.

A row is removed before its blob, and read again just before: one that was replaced meanwhile stays.

What is said by function, version, tag or whole key alone is invalidated first, as
`Spot.invalidate_all` does: a call that is under way stores no result any more, and the row that it
would have replaced goes. With other filters a call that is under way may be of a result that
matches no more, and so the row stays whose lease it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.concurrency.together import together
from beautyspot.contracts import Invalidation
from beautyspot.errors import MetadataError
from beautyspot.results.pruning import KEPT, REMOVED, remove, size_of

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.filters import Filter
    from beautyspot.inspecting.listing import Listing
    from beautyspot.results.cache import Cache


class Removed(NamedTuple):
    """What `remove` removed."""

    entries: int  # results that were removed
    size: int  # their bytes
    kept: int = 0  # rows that matched, and are being made anew or were replaced meanwhile


_NOTED: Final = frozenset({"function", "version", "tag", "key"})


def remove_all(cache: Cache, listing: Listing, wanted: Filter) -> Removed:
    """Remove every row that is listed.

    Raises:
        MetadataError: the store failed; says how many were removed before.
    """
    notes = _Notes(cache, wanted)
    entries = size = kept = 0
    try:
        noted = ((record, notes.note(record)) for record in listing.all())

        def take(one: tuple[TaskRecord, bool]) -> str:
            record, is_noted = one
            return remove(cache, record.cache_key, record.made_at, leased_too=is_noted)

        for (record, _), outcome in together(take, noted, cache.metadata.at_once):
            if outcome == REMOVED:
                entries, size = entries + 1, size + size_of(record)
            kept += outcome == KEPT
    except MetadataError as error:
        if not entries:
            raise
        raise MetadataError(
            f"{error} Before that, {entries} results were removed; what else matches is still "
            "there: try again when it is mended"
        ) from error
    return Removed(entries, size, kept)


class _Notes:
    """Has no call that is under way store a result that is to go, where the filter says which."""

    def __init__(self, cache: Cache, wanted: Filter) -> None:
        self._cache = cache
        self._selection = wanted.selection
        self._is_able = cache.metadata.invalidations and _can_be_noted(wanted)
        self._noted: set[Invalidation] = set()

    def note(self, record: TaskRecord) -> bool:
        """Before a row is removed; whether its calls that are under way are refused."""
        selection = self._selection
        if not self._is_able or selection.key not in (None, record.cache_key):
            return False
        what = Invalidation(
            cache_key=selection.key,
            func_identifier=None if selection.function is None else record.func_identifier,
            version=selection.version,
            tag=selection.tag,
        )
        if what == Invalidation():  # a row of 2.x, that no call makes anew
            return False
        if what not in self._noted:
            self._cache.invalidations.note(what)
            self._noted.add(what)
        return True


def _can_be_noted(wanted: Filter) -> bool:
    selection = wanted.selection
    given = {field for field, value in selection._asdict().items() if value is not None}
    return not wanted.outdated and given <= _NOTED and selection.version != ""
