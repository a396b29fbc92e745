"""Removes what nobody needs any more: tombstones and leases of long ago, and many small objects.

Each object is removed on the condition that it is still the one that was listed. Last uses and
counts of long ago are merged into few objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_s3 import counts as counted
from beautyspot_s3 import rows
from beautyspot_s3.objects import ConditionError
from beautyspot_s3.several import side_by_side
from beautyspot_s3.uses import merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Lease

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Listed, Objects
    from beautyspot_s3.uses import Batch, Uses

AGE: Final = 86_400.0
"""Seconds for which everything stays at least: tombstones and leases keep out what is late."""

MOST: Final = 10_000
"""Last uses that are merged into one object."""

MERGING: Final = "\0merge"
"""The key whose lease the process has that merges counts: two would count them twice."""


class Sweeper:
    """Removes what is older than a moment.

    Args:
        objects: the objects of the bucket.
        names: their names.
        uses: the last uses.
        before: Unix time, by the server's clock.
        dry_run: True counts only, and changes nothing.
    """

    def __init__(
        self, objects: Objects, names: Names, uses: Uses, before: float, *, dry_run: bool
    ) -> None:
        self._objects, self._names, self._uses = objects, names, uses
        self._before, self._dry_run = before, dry_run

    def sweep(self, try_lease: Callable[[str], Lease | None]) -> int:
        """Remove it, and return how many objects that were.

        Args:
            try_lease: the lease of a key, or None where another process has it.
        """
        old = [one for one in self._uses.listed() if self._is_old(one)]
        batches = self._uses.batches(old)
        old = [one for one in old if one.name in batches]
        used = merged(batches.values()) if len(batches) > 1 else {}
        names = {self._names.row(key): key for key in used}
        count, kept = 0, list[str]()
        for prefix in (self._names.rows, self._names.long_rows):
            for page in self._objects.list(prefix):
                count += self._remove(one for one in page if one.size == rows.TOMBSTONE)
                there = (one.name for one in page if one.size > rows.TOMBSTONE)
                kept += [names[name] for name in there if name in names]
        for page in self._objects.list(self._names.leases):
            count += self._remove(page)
        if used:
            self._merge_uses({key: used[key] for key in kept})
            count += self._remove(old)
        return count + self._merge_counts(try_lease)

    def _merge_uses(self, used: Batch) -> None:
        """Write them into few objects, before those are removed that have them."""
        if self._dry_run:
            return
        uses = list(used.items())
        for start in range(0, len(uses), MOST):
            self._uses.write(dict(uses[start : start + MOST]))

    def _is_old(self, listed: Listed) -> bool:
        return listed.modified < self._before

    def _remove(self, listed: Iterable[Listed]) -> int:
        """Remove those that are old; how many that were."""
        old = [one for one in listed if self._is_old(one)]
        if self._dry_run or not old:
            return len(old)
        return sum(side_by_side(self._is_removed, old))

    def _is_removed(self, listed: Listed) -> bool:
        is_row = listed.name.startswith((self._names.rows, self._names.long_rows))
        if is_row and not self._is_there(listed):
            return False
        try:
            self._objects.delete(listed.name, listed.etag)
        except ConditionError:
            return False  # it is another one by now
        return True

    def _is_there(self, tombstone: Listed) -> bool:
        """Whether a tombstone is still there, and is one.

        Some servers take no notice of the condition of a removal, and a result may have taken its
        place since the listing.
        """
        found = self._objects.get(tombstone.name)
        return found is not None and found.etag == tombstone.etag and rows.is_tombstone(found.body)

    # ----------------------------------------------------------------------------------- counts

    def _merge_counts(self, try_lease: Callable[[str], Lease | None]) -> int:
        """Merge those of each month, where there are several."""
        groups = self._months(counted.listed(self._objects, self._names))
        if self._dry_run or not groups:
            return sum(map(len, groups))
        lease = try_lease(MERGING)
        if lease is None:
            return 0
        try:
            listed = counted.listed(self._objects, self._names)  # as it is under the lease
            loaded = counted.load(self._objects, self._names, listed)
            return sum(self._merge(group, loaded) for group in self._months(listed))
        finally:
            lease.release()

    def _months(self, listed: list[Listed]) -> list[list[Listed]]:
        """The old objects of each month of which there are several."""
        groups: dict[str, list[Listed]] = {}
        for one in listed:
            if self._is_old(one):
                month = one.name.removeprefix(self._names.counts)[: len("2026-11")]
                groups.setdefault(month, []).append(one)
        return [group for group in groups.values() if len(group) > 1]

    def _merge(self, group: list[Listed], loaded: dict[str, counted.Counted]) -> int:
        gone = {name for one in loaded.values() for name in one.merged}
        ours = {
            name: one
            for one in group
            if (name := one.name.removeprefix(self._names.counts)) in loaded or name in gone
        }
        counts = [count for name in ours if name in loaded for count in loaded[name].counts]
        if counts:
            counted.write(self._objects, self._names, list(counted.summed(counts)), ours)
        return self._remove(ours.values())
