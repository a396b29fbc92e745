"""Strays: blobs that lie in the storage under the ID of another store, and belong to no row here.

They are another living store's, which shares the storage, or what is left of one whose database was
lost. Nothing in the storage tells which: the age of the newest blob is a sign, and that a store has
adopted them is noted beside them.

A blob that was adopted stays where it is, under the ID of the store that made it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from beautyspot.concurrency.together import AT_ONCE, together
from beautyspot.contracts import Totals
from beautyspot.errors import BlobNotFound, ConfigError
from beautyspot.results.blob_names import BlobName, blob_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot.contracts import BlobInfo
    from beautyspot.resilience.guarded_backends import GuardedStorage, GuardedStore

    Progress = Callable[[int], object]

R = TypeVar("R")

BATCH: Final = 256

_MARK: Final = r"(?:\A|/){}/adopted/([0-9a-fA-F]{{8,}})\.by\Z"
"""The note that a store has adopted blobs, beside them."""


class Stray(NamedTuple):
    """The strays under one ID."""

    store_id: str  # of the store that saved them
    blobs: int  # how many
    size: int  # their bytes
    newest: float  # when the newest blob of that ID was saved, in Unix time, by the storage's clock
    adopted_by: tuple[str, ...]  # the IDs of other stores that have adopted some
    functions: Mapping[str, Totals] | None  # "" for what is not known; None where not asked for


class StrayBlob(NamedTuple):
    """One of them."""

    info: BlobInfo
    name: BlobName


class Strays:
    """The strays in the storage of one store.

    Args:
        metadata: the store, whose rows name what was adopted.
        storage: where the blobs are.
    """

    def __init__(self, metadata: GuardedStore, storage: GuardedStorage) -> None:
        self.storage = storage.behind(None)
        self.own_id: Final = metadata.store_id
        self.adopted = set(self._named(metadata))

    def _named(self, metadata: GuardedStore) -> Iterator[str]:
        """The names of blobs of other stores that rows have."""
        for record in metadata.scan():
            found = blob_name(record.result_value) if record.result_value else None
            if found is not None and found.store_id != self.own_id:
                yield found.name

    def ids(self) -> list[str]:
        """The IDs of other stores in the storage.

        Raises:
            StorageError: it can't be listed.
            NotSupportedError: the storage can't list.
        """
        names = (blob_name(info.location) for info in self.storage.list())
        found = {name.store_id for name in names if name is not None}
        # What lies deeper is another storage's, whose prefix is below this one's.
        return [
            each for each in sorted(found - {self.own_id}) if any(self.storage.list(f"{each}/"))
        ]

    def chosen(self, given: Iterable[str]) -> list[str]:
        """The IDs that are meant by themselves, or by their first 6 digits or more.

        Raises:
            ConfigError: it is the store's own, or there is none, or several begin so.
        """
        known = self.ids()
        return [self._chosen(each, known) for each in given]

    def _chosen(self, given: object, known: list[str]) -> str:
        if not isinstance(given, str) or not re.fullmatch("[0-9a-fA-F]{6,}", given):
            raise ConfigError(
                f"{given!r:.80} is no ID of a store: give one that strays() has, or 6 digits of it"
            )
        found = [each for each in known if each.startswith(given)]
        if len(found) == 1:
            return found[0]
        if self.own_id.startswith(given):
            raise ConfigError(
                f"{given} is this store itself: what it no longer needs, collect removes"
            )
        which = f"several stores begin so: {', '.join(found)}" if found else "no store has that ID"
        raise ConfigError(f"{given}: {which}. The storage has {', '.join(known) or 'none'}")

    def of(self, store_id: str) -> Iterator[StrayBlob]:
        """The blobs of an ID that no row here names."""
        for info in self.storage.list(f"{store_id}/"):
            name = blob_name(info.location)
            if name is not None and name.name not in self.adopted:
                yield StrayBlob(info, name)

    def look(self, store_id: str, *, functions: bool, progress: Progress | None) -> Stray:
        """What lies under an ID.

        Raises:
            StorageError: it can't be listed, or looked at.
        """
        newest, adopted_by = self.state(store_id)
        known: dict[str, Totals] = {}
        for batch in in_batches(self.of(store_id)):
            names = [""] * len(batch)
            if functions:
                names = asked(self.storage, self._function, batch)
            for blob, name in zip(batch, names, strict=True):
                entries, size = known.get(name, (0, 0))
                known[name] = Totals(entries + 1, size + blob.info.size)
            if progress is not None:
                progress(len(batch))
        blobs = sum(each.entries for each in known.values())
        size = sum(each.size for each in known.values())
        return Stray(store_id, blobs, size, newest, adopted_by, known if functions else None)

    def state(self, store_id: str) -> tuple[float, tuple[str, ...]]:
        """When the newest blob of an ID was saved, and which other stores have adopted some."""
        newest, others = 0.0, []
        for info in self.storage.list(f"{store_id}/"):
            mark = re.search(_MARK.format(store_id), info.location.replace("\\", "/"))
            if mark is None:
                newest = max(newest, info.modified_at)
            elif mark[1] != self.own_id:
                others.append(mark[1])
        return newest, tuple(sorted(others))

    def mark(self, store_id: str) -> None:
        """Note that this store has rows of that ID's blobs, for those who would remove them.

        Raises:
            StorageError: it can't be saved.
        """
        self.storage.save(f"{store_id}/adopted/{self.own_id}.by", b"")

    def about(self, blob: StrayBlob) -> Mapping[str, str] | None:
        """What the storage was told about a blob; None where that is gone by now."""
        try:
            return self.storage.about(blob.info.location)
        except BlobNotFound:
            return None

    def _function(self, blob: StrayBlob) -> str:
        return (self.about(blob) or {}).get("func_identifier", "")


def asked(
    storage: GuardedStorage, ask: Callable[[StrayBlob], R], blobs: list[StrayBlob]
) -> list[R]:
    """What a storage answers of each blob; it is asked for some at once, where that is faster."""
    return [said for _, said in together(ask, blobs, AT_ONCE if storage.blocking else 1)]


def in_batches(blobs: Iterator[StrayBlob]) -> Iterator[list[StrayBlob]]:
    """The blobs, some at a time."""
    while batch := list(islice(blobs, BATCH)):
        yield batch
