"""Adopt strays: make the rows anew of blobs whose database was lost; or remove them.

Blobs are not copied: the row names the blob where it is, under the ID of the store that made it. So
it is not `collect`'s, nor removed with its row, since that other store may be a living one: what
is no longer needed is a stray again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import begun_at, in_full, is_newer
from beautyspot.errors import ConfigError, StorageError
from beautyspot.inspecting.strays import StrayBlob, asked, in_batches
from beautyspot.inspecting.verifying import Fault
from beautyspot.results.about import row_of
from beautyspot.results.blob_names import blob_name
from beautyspot.results.collecting import LONGEST_SAVE, Collected, sweep
from beautyspot.results.pruning import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.strays import Strays
    from beautyspot.inspecting.verifying import FaultKind
    from beautyspot.results.cache import Cache

    Progress = Callable[[int], object]

ADOPTED_FROM: Final = 3600.0
"""Seconds: strays that are not named are left alone while the newest of their ID is younger."""

REMOVED_FROM: Final = 7 * 86400.0
"""The same for their removal, which nothing brings back."""


class Adopted(NamedTuple):
    """What `adopt` made of strays."""

    entries: int  # results that have rows now
    size: int  # their bytes
    present: int  # blobs of which the store has a newer result of the same call
    untold: int  # blobs of which the storage was told nothing, or not enough
    faults: tuple[Fault, ...]  # blobs that were not adopted, and why
    left: tuple[str, ...]  # IDs that were left alone, since their store may be a living one


class Adopter:
    """Makes rows of the strays of one storage.

    Args:
        cache: of the store that adopts.
        strays: in its storage.
        dry_run: whether it is only counted.
    """

    def __init__(self, cache: Cache, strays: Strays, *, dry_run: bool = False) -> None:
        self._cache = cache
        self._strays = strays
        self._dry_run = dry_run
        self._since = cache.invalidations.now()
        self._faults: list[Fault] = []
        self._entries = self._size = self._present = self._untold = 0

    def adopt(
        self, ids: Iterable[str], left: tuple[str, ...], progress: Progress | None
    ) -> Adopted:
        """Adopt the strays of these IDs.

        Raises:
            StorageError, MetadataError: one of them failed; what has a row by then keeps it.
        """
        for store_id in ids:
            if not self._dry_run:
                self._strays.mark(store_id)
            for batch in in_batches(self._strays.of(store_id)):
                self._adopt(batch)
                if progress is not None:
                    progress(len(batch))
        faults = tuple(self._faults)
        return Adopted(self._entries, self._size, self._present, self._untold, faults, left)

    def _adopt(self, batch: list[StrayBlob]) -> None:
        about = asked(self._strays.storage, self._strays.about, batch)
        newest: dict[str, TaskRecord] = {}
        for blob, told in zip(batch, about, strict=True):
            row = None if told is None else self._row(blob, told)
            if row is not None:
                there = newest.get(row.cache_key)
                self._present += there is not None
                if there is None or (there.began_at or 0.0) < (row.began_at or 0.0):
                    newest[row.cache_key] = row
        self._put(list(newest.values()))

    def _row(self, blob: StrayBlob, told: Mapping[str, str]) -> TaskRecord | None:
        try:
            row = row_of(told, blob.name.key, blob.info.location)
        except ValueError as error:
            self._leave_out(blob, f"no row can be made of it: {error}", "damaged")
            return None
        if row is None:
            self._untold += 1
            return None
        if row.size != blob.info.size:
            problem = f"the blob has {blob.info.size} bytes, and was saved with {row.size}"
            self._leave_out(blob, problem, "size", row)
            return None
        if self._cache.signing_keys is not None and not row.is_signed:
            self._leave_out(blob, "it bears no signature, and this store's do", "signed", row)
            return None
        return row._replace(began_at=begun_at(row))

    def _leave_out(
        self, blob: StrayBlob, problem: str, kind: FaultKind, row: TaskRecord | None = None
    ) -> None:
        name = "" if row is None else row.func_identifier or row.func_name
        self._faults.append(Fault(blob.name.key, name, f"{problem} ({blob.name.name})", kind))

    def _put(self, rows: list[TaskRecord]) -> None:
        if not rows:
            return
        refused = self._refused(rows)
        put = [row for row in rows if row.cache_key not in refused]
        self._present += len(refused)
        self._entries += len(put)
        self._size += sum(map(size_of, put))

    def _refused(self, rows: list[TaskRecord]) -> set[str]:
        """Write the rows; the keys of those of which the store has newer ones."""
        if not self._dry_run:
            return self._cache.invalidations.put_many([(row, self._since) for row in rows])
        found = self._cache.metadata.find_many([row.cache_key for row in rows])
        there = {key: in_full(entry) for key, entry in found.items()}
        present = [row for row in rows if row.cache_key in there]
        now = time.time()
        return {row.cache_key for row in present if is_newer(there[row.cache_key], row, now)}


def check_unused(strays: Strays, ids: Iterable[str], now: float) -> None:
    """Refuse to remove what may be in use.

    Raises:
        ConfigError: it may be; says why.
    """
    for store_id in ids:
        newest, adopted_by = strays.state(store_id)
        age, force = (
            now - newest,
            "if you know that nobody uses them, force it (force=True, --force)",
        )
        if adopted_by:
            raise ConfigError(
                f"blobs of {store_id} were adopted by the store {', '.join(adopted_by)}, whose "
                f"results they are: {force}"
            )
        if age < REMOVED_FROM:
            raise ConfigError(
                f"the newest blob of {store_id} was saved {max(0.0, age) / 3600:.1f} hours ago, so "
                f"it may be of a store that is in use: {force}"
            )


class Remover:
    """Removes the strays of one storage, but for what has come to be named by a row meanwhile."""

    def __init__(self, cache: Cache, strays: Strays) -> None:
        self._cache = cache
        self._strays = strays
        self._storage = strays.storage

    def remove(self, store_id: str, progress: Progress | None) -> Collected:
        """Remove the strays of an ID.

        Raises:
            StorageError, MetadataError: one of them failed; what was not reached is still there.
        """
        blobs = size = failed = 0
        for batch in in_batches(self._strays.of(store_id)):
            free = self._free(batch)
            done = asked(self._storage, self._delete, free)
            blobs, failed = blobs + sum(done), failed + len(done) - sum(done)
            size += sum(b.info.size for b, gone in zip(free, done, strict=True) if gone)
            if progress is not None:
                progress(len(batch))
        if not failed and not any(self._strays.of(store_id)):
            self._remove_marks(store_id)
        age, reporter = LONGEST_SAVE, self._cache.reporter
        return Collected(blobs, size, sweep(self._storage, f"{store_id}/", age, reporter), failed)

    def _free(self, batch: list[StrayBlob]) -> list[StrayBlob]:
        """Those that no row names by now."""
        found = self._cache.metadata.find_many([blob.name.key for blob in batch])
        places = (in_full(entry).result_value for entry in found.values())
        named = {blob_name(place) for place in places if place}
        return [blob for blob in batch if blob.name not in named]

    def _delete(self, blob: StrayBlob) -> bool:
        try:
            self._storage.delete(blob.info.location)
        except StorageError as error:
            advice = "It stays: try again"
            self._cache.reporter.report("remove a stray blob", "", error, advice)
            return False
        return True

    def _remove_marks(self, store_id: str) -> None:
        for info in list(self._storage.list(f"{store_id}/adopted/")):
            self._storage.delete(info.location)
