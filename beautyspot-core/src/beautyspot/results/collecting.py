"""Collecting garbage: remove blobs that no row names, and what interrupted saves have left.

A blob is written before its row, and a row may be replaced while its old blob is being listed. So a
blob is removed only if all of these hold:

- its name begins with this store's ID, and is one that `Placement` gives;
- it is older than the grace time, which is longer than any save takes;
- no row named it when the rows were read;
- just before it is removed, the row of its own key does not name it either.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import ConfigError, MetadataError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts import BlobInfo
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.cache import Cache

_ID: Final = "[0-9a-fA-F]{8,}"
_NAME: Final = re.compile(rf"(?:\A|/)(({_ID})/(?:clock/)?([0-9a-f]{{32}})-[0-9a-f]{{8}}\.[^/]+)\Z")

LONGEST_SAVE: Final = 3600.0
"""Seconds for which a blob that is still being written is left alone, whatever the grace time."""


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
        grace: seconds for which blobs stay.
        store_id: that of another store; None: this one's garbage.
        dry_run: change nothing.

    Raises:
        ConfigError: the other store is this one, or has no blobs, or one that is younger.
        MetadataError: the store failed; nothing that a row may name was removed.
        StorageError: the blobs can't be listed.
        NotSupportedError: the storage can't list or delete.
    """
    storage, own_id, real = storage.unguarded(), cache.store.store_id, cache.store.real
    if store_id == own_id:
        raise ConfigError(f"{store_id} is this store itself: leave the ID out")
    whose, named = own_id if store_id is None else store_id, set[str]()
    if store_id is None:
        found = (blob_name(record.result_value or "") for record in real.all_rows())
        named = {name.name for name in found if name is not None}
    listed = storage.list(f"{whose}/") if re.fullmatch(_ID, whose) else ()
    pairs = ((blob, blob_name(blob.location)) for blob in listed)
    blobs: Iterable[tuple[BlobInfo, BlobName]] = (
        (blob, name)
        for blob, name in pairs
        if name is not None and name.store_id == whose and name.name not in named
    )
    latest = time.time() - grace
    if store_id is not None:
        blobs = list(blobs)
        _check_is_gone(store_id, [blob.modified_at for blob, _ in blobs], latest)
    number = size = failed = left = 0
    for blob, name in blobs:
        if blob.modified_at > latest:
            continue
        is_gone = dry_run or _taken(cache, storage, blob, name if store_id is None else None)
        number, size = number + bool(is_gone), size + blob.size * bool(is_gone)
        failed += is_gone is None
    try:
        age = max(grace, LONGEST_SAVE)
        if store_id is None:
            left = real.sweep(age, dry_run=dry_run)
        left += storage.real.sweep(age, f"{whose}/", dry_run=dry_run)
    except (StorageError, MetadataError) as error:  # S3 has a permission of its own for it
        advice = "What is left of interrupted saves stays; the other garbage was removed"
        cache.reporter.report("collect leftovers", "", error, advice)
    return Collected(number, size, left, failed)


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
    """Remove a blob; with its name unless a row names it by now, or is about to be written.

    None where the storage fails to.
    """
    try:
        if name is not None:
            waits = cache.writer.pending.get(name.key)
            record = cache.store.get(name.key) if waits is None else waits.record
            location = None if record is None else record.result_value
            if location is not None and blob_name(location) == name:
                return False
        storage.delete(blob.location)
    except StorageError as error:
        advice = "It stays, and is tried again at the next collection"
        cache.reporter.report("collect a blob", "", error, advice)
        return None
    return True
