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

from beautyspot.errors import ConfigError, MetadataError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import BlobInfo
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.cache import Cache

_ID: Final = "[0-9a-fA-F]{8,}"
_NAME: Final = re.compile(rf"(?:\A|/)(({_ID})/(?:clock/)?([0-9a-f]{{32}})-[0-9a-f]{{8}}\.[^/]+)\Z")

LONGEST_SAVE: Final = 3600.0
"""Seconds for which a blob that is still being written is left alone, whatever the grace time."""

_TO_COLLECT: Final = (
    ". To collect takes one small file, by which the storage tells its time: on a full disk make "
    "room first, some kilobytes. Blobs may be deleted by hand, and are misses then"
)
_PROBE: Final = "0" * 32
"""The key of the blobs that are written to learn the time; no call has it."""


class BlobName(NamedTuple):
    """The name of a blob, as `Placement` gives it."""

    name: str  # from the store's ID on: the same whatever folder or bucket it is in
    store_id: str
    key: str


def blob_name(location: str) -> BlobName | None:
    """The name in a location; None where it is none of ours."""
    found = _NAME.search(location.replace("\\", "/"))
    return None if found is None else BlobName(*found.groups())


class Collected(NamedTuple):
    """What `collect` removed, or with a dry run what it would remove."""

    blobs: int  # that no row named
    size: int  # their bytes
    leftovers: int  # of interrupted saves, and what the metadata store itself needs no more
    failed: int  # blobs that the storage failed to remove; they are reported


def collect(
    cache: Cache,
    storage: GuardedStorage,
    grace: float,
    store_id: str | None = None,
    *,
    dry_run: bool = False,
) -> Collected:
    """Remove the garbage of a store, or all blobs of another one that is gone; or count it.

    Args:
        cache: the results of the store.
        storage: where the blobs are.
        grace: seconds for which blobs stay, by the storage's clock.
        store_id: that of another store; None: this one's garbage.
        dry_run: change nothing: ages then go by this machine's clock, and no lease is taken.

    Raises:
        ConfigError: the other store is this one, or has no blobs, or one that is younger.
        MetadataError: the store failed; nothing that a row may name was removed.
        StorageError: the blobs can't be listed.
        NotSupportedError: the storage can't list or delete.
    """
    storage, own_id, real = storage.unguarded(), cache.store.store_id, cache.store.real
    if store_id == own_id:
        raise ConfigError(f"{store_id} is this store itself: leave the ID out")
    now = time.time() if dry_run else storage_time(storage, f"{own_id}/")
    age = LONGEST_SAVE
    if store_id is None:
        age = max(grace, LONGEST_SAVE) + time.time() - now  # `sweep` goes by our clock
        named = _hashes(record.result_value for record in real.all_rows())
        blobs: Iterable[tuple[BlobInfo, BlobName]] = (
            (blob, name)
            for blob, name in _blobs_of(own_id, storage)
            if blob.modified_at <= now - grace and hash(name.name) not in named
        )
    else:
        blobs = list(_blobs_of(store_id, storage))
        _check_is_gone(store_id, [blob.modified_at for blob, _ in blobs], now - grace)
    number = size = failed = left = 0
    for blob, name in blobs:
        is_gone = dry_run or _taken(cache, storage, blob, name if store_id is None else None)
        number, size = number + bool(is_gone), size + blob.size * bool(is_gone)
        failed += is_gone is None
    try:
        if store_id is None:
            left = real.sweep(max(grace, LONGEST_SAVE), dry_run=dry_run)
        left += storage.real.sweep(age, f"{store_id or own_id}/", dry_run=dry_run)
    except (StorageError, MetadataError) as error:  # S3 has a permission of its own for it
        advice = "What is left of interrupted saves stays; the other garbage was removed"
        cache.reporter.report("collect leftovers", "", error, advice)
    return Collected(number, size, left, failed)


def _blobs_of(store_id: str, storage: GuardedStorage) -> Iterator[tuple[BlobInfo, BlobName]]:
    for blob in storage.list(f"{store_id}/") if re.fullmatch(_ID, store_id) else ():
        name = blob_name(blob.location)
        if name is not None and name.store_id == store_id:
            yield blob, name


def _hashes(locations: Iterable[str | None]) -> set[int]:
    """Of the names in locations; that two are equal only leaves garbage behind."""
    names = (blob_name(location) for location in locations if location is not None)
    return {hash(name.name) for name in names if name is not None}


def _check_is_gone(store_id: str, times: list[float], latest: float) -> None:
    """Refuse what may be in use, or is no store."""
    if not times:
        raise ConfigError(
            f"no blobs of a store {store_id!r:.80} are in the storage: give an ID as `beautyspot "
            "doctor` lists it"
        )
    if max(times) > latest:
        raise ConfigError(
            f"a blob of the store {store_id} was saved lately, so it seems to be in use: if it is "
            "not, give a shorter grace, such as 0"
        )


def _taken(
    cache: Cache, storage: GuardedStorage, blob: BlobInfo, name: BlobName | None
) -> bool | None:
    """Remove a blob; with its name unless its key is being saved, or a row names it by now.

    None where the storage fails to.
    """
    leases, key = cache.leases, "" if name is None else name.key
    if key in cache.writer.pending or key in leases:
        return False  # a save of this process is under way
    if key and key not in leases.begin([key], {key: inf}).leased:
        return False  # one of another process is
    try:
        record = cache.store.get(key) if key else None
        location = None if record is None else record.result_value
        if location is not None and blob_name(location) == name:
            return False
        storage.delete(blob.location)
    except StorageError as error:
        advice = "It stays, and is tried again at the next collection"
        cache.reporter.report("collect a blob", "", error, advice)
        return None
    finally:
        if key:
            leases.release(key)
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
