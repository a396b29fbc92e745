"""Collecting garbage: remove blobs that no row names, and what interrupted saves have left.

A blob is written before its row, and a row may be replaced while its old blob is being listed. So a
blob is removed only if all of these hold:

- its name begins with this store's ID, and is one that `Placement` gives;
- it is older than the grace time, by the clock of the storage itself;
- no row named it when the rows were read;
- just before it is removed, and under its key's lease, the row of its own key does not name it
  either.

A save that is under way holds the lease of its key, or its blob is younger than the grace time.
"""

from __future__ import annotations

import os
import re
import time
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts.calling import hints
from beautyspot.errors import ConfigError, MetadataError, StorageError
from beautyspot.results.blob_names import STORE_ID, blob_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import BlobInfo
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.cache import Cache

_OURS: Final = r"(?:clock/)?([0-9a-f]{32})-[0-9a-f]{8}\.[^/]+"
"""The name of a blob below the store's ID, with its key; see `Placement`."""

LONGEST_SAVE: Final = 3600.0
"""Seconds for which a blob that is still being written is left alone, whatever the grace time."""

_TO_COLLECT: Final = (
    ". To collect takes one small file, by which the storage tells its time: on a full disk make "
    "room first, some kilobytes. Blobs may be deleted by hand, and are misses then"
)
_PROBE: Final = "0" * 32
"""The key of the blobs that are written to learn the time; no call has it."""


class Collected(NamedTuple):
    """What `collect` removed, or with a dry run what it would remove."""

    blobs: int  # that no row named
    size: int  # their bytes
    leftovers: int  # of interrupted saves, and what the metadata store itself needs no more
    failed: int  # blobs that the storage failed to remove; they are reported


class Collector:
    """One collection of one store's garbage.

    With `dry_run` it counts, and changes nothing: ages then go by this machine's clock, and no
    lease is taken.
    """

    def __init__(
        self, cache: Cache, storage: GuardedStorage, grace: float, *, dry_run: bool = False
    ) -> None:
        self._cache = cache
        self._storage = storage.unguarded()
        self._grace = grace
        self._dry_run = dry_run
        self._prefix = f"{cache.store.store_id}/"

    def collect(self) -> Collected:
        """Remove the garbage, or count it.

        Raises:
            MetadataError: the store failed; nothing that a row may name was removed.
            StorageError: the blobs can't be listed.
            NotSupportedError: the storage can't list or delete.
        """
        now = time.time() if self._dry_run else storage_time(self._storage, self._prefix)
        oldest = now - self._grace
        named = self._named()
        blobs = size = failed = 0
        for blob in self._storage.list(self._prefix):
            if blob.modified_at > oldest or hash(self._tail(blob.location)) in named:
                continue
            removed = self._is_ours(blob) if self._dry_run else self._take(blob)
            if removed is None:
                failed += 1
            elif removed:
                blobs, size = blobs + 1, size + blob.size
        return Collected(blobs, size, self._sweep(now) + self._sweep_metadata(), failed)

    def _tail(self, location: str) -> str:
        """The part of a location below the store's ID; "" for another store's."""
        location = location.replace("\\", "/")
        start = location.rfind(self._prefix)
        return "" if start < 0 else location[start + len(self._prefix) :]

    def _named(self) -> set[int]:
        """The hashes of all locations that rows name; a collision only leaves garbage behind."""
        locations = (record.result_value for record in self._cache.store.real.all_rows())
        return {hash(self._tail(location)) for location in locations if location is not None}

    def _is_ours(self, blob: BlobInfo) -> bool:
        return re.fullmatch(_OURS, self._tail(blob.location)) is not None

    def _take(self, blob: BlobInfo) -> bool | None:
        """Remove one blob, if no row names it; None where the storage fails to."""
        ours = re.fullmatch(_OURS, self._tail(blob.location))
        if ours is None:
            return False
        key = ours[1]
        cache, leases = self._cache, self._cache.leases
        if key in cache.writer.pending or key in leases:
            return False  # a save of this process is under way
        begun = leases.begin([key], {key: inf})
        if key not in begun.leased:
            return False  # one of another process is
        try:
            record = cache.store.get(key)
            named = None if record is None else record.result_value
            if named is not None and self._tail(named) == self._tail(blob.location):
                return False
            return _deleted(blob, self._storage, cache.reporter) or None
        finally:
            leases.release(key)

    def _sweep(self, now: float) -> int:
        """Remove what interrupted saves have left."""
        ahead = time.time() - now  # of the storage's clock: `sweep` goes by ours
        age = max(self._grace, LONGEST_SAVE) + ahead
        reporter = self._cache.reporter
        return sweep(self._storage, self._prefix, age, reporter, dry_run=self._dry_run)

    def _sweep_metadata(self) -> int:
        """Have the metadata store remove what it needs no more."""
        metadata = self._cache.store.real
        try:
            return int(metadata.sweep(max(self._grace, LONGEST_SAVE), dry_run=self._dry_run))
        except MetadataError as error:
            advice = "What it needs no more stays; the other garbage was removed"
            self._cache.reporter.report("sweep the metadata store", "", error, advice)
            return 0


def collect_of(
    store_id: str, cache: Cache, storage: GuardedStorage, grace: float, *, dry_run: bool
) -> Collected:
    """Remove all blobs of another store, or count them.

    Raises:
        ConfigError: it is this store, or has no blobs, or its newest one is younger than `grace`.
        MetadataError: the store failed.
        StorageError: the blobs can't be listed.
        NotSupportedError: the storage can't list or delete.
    """
    storage, own_id = storage.unguarded(), cache.store.store_id
    if store_id == own_id:
        raise ConfigError(f"{store_id} is this store itself: leave the ID out")
    blobs = list(_blobs_of(store_id, storage))
    if not blobs:
        raise ConfigError(
            f"no blobs of a store {store_id!r:.80} are in the storage: give an ID as `beautyspot "
            "doctor` lists it"
        )
    now = time.time() if dry_run else storage_time(storage, f"{own_id}/")
    age = now - max(blob.modified_at for blob in blobs)
    if age < grace:
        raise ConfigError(
            f"the newest blob of the store {store_id} was saved {max(age, 0.0):.0f} s ago, so it "
            "seems to be in use: if it is not, give a shorter grace, such as 0"
        )
    removed = [blob for blob in blobs if dry_run or _deleted(blob, storage, cache.reporter)]
    left = sweep(storage, f"{store_id}/", LONGEST_SAVE, cache.reporter, dry_run=dry_run)
    size = sum(blob.size for blob in removed)
    return Collected(len(removed), size, left, len(blobs) - len(removed))


def _blobs_of(store_id: str, storage: GuardedStorage) -> Iterator[BlobInfo]:
    if re.fullmatch(STORE_ID, store_id):
        for blob in storage.list(f"{store_id}/"):
            name = blob_name(blob.location)
            if name is not None and name.store_id == store_id:
                yield blob


def _deleted(blob: BlobInfo, storage: GuardedStorage, reporter: Reporter) -> bool:
    try:
        storage.delete(blob.location)
    except StorageError as error:
        advice = "It stays, and is tried again at the next collection"
        reporter.report("collect a blob", "", error, advice)
        return False
    return True


def storage_time(storage: GuardedStorage, prefix: str) -> float:
    """The time by the storage's own clock, which the ages of blobs go by, in Unix time.

    Args:
        storage: it.
        prefix: the store's ID and a slash.

    Raises:
        StorageError: it can't be told.
    """
    probe = f"{prefix}clock/{_PROBE}-{os.urandom(4).hex()}.probe"
    try:
        location = storage.save(probe, b"what time is it?")
    except StorageError as error:
        raise StorageError(f"{error}{_TO_COLLECT}") from error
    try:
        for blob in storage.list(f"{prefix}clock/"):
            if blob.location == location:
                return blob.modified_at
    finally:
        storage.delete(location)
    raise StorageError(
        "the storage does not list a blob that it has just saved, so it can't be told which "
        "blobs are in use: collect when it does"
    )


def sweep(
    storage: GuardedStorage, prefix: str, age: float, reporter: Reporter, *, dry_run: bool = False
) -> int:
    """Remove what interrupted saves have left, where the storage has a `sweep` for it.

    No lease tells whether their save is still under way: only their age does.
    """
    remove = getattr(storage.real, "sweep", None)
    if remove is None:
        return 0
    only_counts = hints(remove, dry_run=dry_run or None)
    if dry_run and not only_counts:
        return 0  # a plug-in's, which can't say
    try:
        return int(remove(older_than=age, prefix=prefix, **only_counts))
    except StorageError as error:  # S3 has a permission of its own for it
        advice = "They stay; the other garbage was removed"
        reporter.report("collect leftovers", "", error, advice)
        return 0
