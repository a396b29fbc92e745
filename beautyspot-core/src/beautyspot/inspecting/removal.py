"""`Removal`: rows that were chosen to be removed, to be shown and then removed, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.concurrency.together import together
from beautyspot.contracts import Totals
from beautyspot.inspecting.listing import name_of
from beautyspot.inspecting.removing import Removed
from beautyspot.results.pruning import KEPT, REMOVED, remove, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache

FIRST: Final = 10
"""So many rows are kept whole, to be shown."""


class Removal:
    """Results that were chosen to be removed. Nothing is removed before `carry_out`.

    It keeps some 200 bytes of each row in memory.

    Attributes:
        entries: how many results were chosen.
        size: their bytes.
        functions: the same by function, as `Totals`.
        first: the first ten of their rows.
    """

    def __init__(self, rows: Iterable[TaskRecord], changing: Callable[[], Cache]) -> None:
        self._changing = changing
        self._chosen: list[tuple[str, float | None, int]] = []
        self.functions: dict[str, Totals] = {}
        self.first: list[TaskRecord] = []
        for record in rows:
            self._choose(record, name_of(record), size_of(record))
        self.entries: Final = len(self._chosen)
        self.size: Final = sum(size for _, _, size in self._chosen)

    @property
    def keys(self) -> list[str]:
        """The keys of all that were chosen."""
        return [key for key, _, _ in self._chosen]

    def _choose(self, record: TaskRecord, name: str, size: int) -> None:
        self._chosen.append((record.cache_key, record.made_at, size))
        entries, sizes = self.functions.get(name, (0, 0))
        self.functions[name] = Totals(entries + 1, sizes + size)
        if len(self.first) < FIRST:
            self.first.append(record._replace(result_data=None))

    def carry_out(self, progress: Callable[[Removed], object] | None = None) -> Removed:
        """Remove the chosen results, their rows first.

        A row that was replaced since, or is just being made anew, stays, and counts as kept. It is
        safe while others read and write, and to be interrupted: what was not reached stays.

        Args:
            progress: called after each row with what was removed so far.

        Raises:
            MetadataError: the store failed; what was not reached is still there.
        """
        removed = Removed(0, 0)
        if not self._chosen:
            return removed
        cache = self._changing().for_the_user()
        taken = together(
            lambda one: remove(cache, one[0], one[1]), self._chosen, cache.metadata.at_once
        )
        for (_, _, size), outcome in taken:
            removed = _counted(removed, outcome, size)
            if progress is not None:
                progress(removed)
        return removed


def _counted(removed: Removed, outcome: str, size: int) -> Removed:
    entries, sizes, kept = removed
    if outcome == REMOVED:
        return Removed(entries + 1, sizes + size, kept)
    return Removed(entries, sizes, kept + (outcome == KEPT))
