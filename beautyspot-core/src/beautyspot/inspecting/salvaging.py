"""The part of a `Store` that deals with blobs of other stores in its storage; see `strays`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beautyspot.errors import ConfigError, MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.messages import checks_options

# A store that is only listed needs nothing of the rest.
if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import MetadataStoreBase
    from beautyspot.inspecting.adopting import Adopted
    from beautyspot.inspecting.backends import Backends
    from beautyspot.inspecting.strays import Stray, Strays
    from beautyspot.results.cache import Cache
    from beautyspot.results.collecting import Collected

    Progress = Callable[[int], object]


class Salvaging:
    """Methods of `Store`."""

    _backends: Backends
    metadata: MetadataStoreBase

    if TYPE_CHECKING:

        def _changing(self) -> Cache: ...

    @checks_options("strays")
    def strays(self, *, functions: bool = False, progress: Progress | None = None) -> list[Stray]:
        """What lies in the storage under the IDs of other stores, and belongs to no result here.

        It is another living store's that shares the storage, or left of one whose database was
        lost. All of the storage is listed for it.

        Args:
            functions: True asks the storage what it was told about each blob, some at once.
            progress: called after some blobs, with their number.

        Returns:
            One for each ID, in their order.

        Raises:
            ConfigError, BackendNotFound: there is no storage.
            NotSupportedError: the storage can't list.
            MetadataError, StorageError: one of them failed.
        """
        strays = self._strays(self._looked_at())
        found = (strays.look(each, functions=functions, progress=progress) for each in strays.ids())
        return [stray for stray in found if stray.blobs]

    @checks_options("adopt")
    def adopt(
        self, *store_ids: str, dry_run: bool = False, progress: Progress | None = None
    ) -> Adopted:
        """Make the rows of strays anew, out of what the storage was told about each blob.

        For results whose database was lost. Blobs stay where they are, and their bytes are not
        read: their digests are checked by the first hit, or by `verify`. A result that the store
        has of the same call stays if its run began later. What was interrupted is completed by
        doing it again.

        Adopted blobs stay under the ID of the store that made them, and are not removed with their
        rows: what rows no longer name is a stray again, for `remove_strays`.

        Args:
            store_ids: of which stores, as `strays` gives them, or their first 6 digits or more.
                None given: of all, but for those whose newest blob is younger than an hour: they
                may be in use.
            dry_run: True counts what would be adopted, by this machine's clock, and changes
                nothing.
            progress: called after some blobs, with their number.

        Raises:
            ConfigError: there is no such ID, or no storage.
            NotSupportedError: the storage can't list.
            MetadataError, StorageError: one of them failed; do it again.
        """
        from beautyspot.inspecting.adopting import ADOPTED_FROM, Adopter

        cache = self._looked_at() if dry_run else self._changing()
        strays = self._strays(cache)
        adopter = Adopter(cache, strays, dry_run=dry_run)
        if store_ids:
            return adopter.adopt(strays.chosen(store_ids), (), progress)
        newest = {each: strays.state(each)[0] for each in strays.ids()}
        now = time.time() if dry_run or not newest else self._time(strays)
        left = tuple(each for each, saved in newest.items() if saved > now - ADOPTED_FROM)
        chosen = [each for each in newest if each not in left]
        return adopter.adopt(chosen, left, progress)

    @checks_options("remove_strays")
    def remove_strays(
        self,
        *store_ids: str,
        dry_run: bool = False,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Collected:
        """Remove the strays of these IDs, for good. What rows of this store name stays.

        Args:
            store_ids: of which stores, as `strays` gives them, or their first 6 digits or more.
            dry_run: True counts what would be removed, and changes nothing.
            force: remove also what may be in use: of an ID whose newest blob is younger than a
                week, or whose blobs another store has adopted.
            progress: called after some blobs, with their number.

        Raises:
            ConfigError: no ID is given, or there is no such one, or it may be in use.
            NotSupportedError: the storage can't list or delete.
            MetadataError, StorageError: one of them failed; what was not reached is still there.
        """
        from beautyspot.inspecting.adopting import Remover, check_unused
        from beautyspot.inspecting.changing import make_cache
        from beautyspot.results.collecting import Collected

        if not store_ids:
            raise ConfigError("say whose: remove_strays('3f2a90c1'), an ID as strays() gives them")
        cache = make_cache(self._backends, self.metadata) if dry_run else self._changing()
        strays = self._strays(cache)
        ids = strays.chosen(store_ids)
        if dry_run:
            found = [strays.look(each, functions=False, progress=progress) for each in ids]
            return Collected(sum(f.blobs for f in found), sum(f.size for f in found), 0, 0)
        if not force:
            check_unused(strays, ids, self._time(strays))
        remover = Remover(cache, strays)
        done = [remover.remove(each, progress) for each in ids]
        return Collected(*map(sum, zip(*done, strict=True)))

    def _looked_at(self) -> Cache:
        """A cache that changes nothing; an empty one, where the store has lost all that it had."""
        from beautyspot.inspecting.changing import make_cache

        metadata = self.metadata
        try:
            _ = metadata.store_id
        except MetadataError:  # it has none before it is used
            if metadata.totals().entries:
                raise
            metadata = MemoryMetadataStore()
        return make_cache(self._backends, metadata)

    def _strays(self, cache: Cache) -> Strays:
        from beautyspot.inspecting.strays import Strays

        self._backends.required_storage()
        storage = cache.storage()
        assert storage is not None  # noqa: S101 - it was required
        return Strays(cache.metadata, storage)

    def _time(self, strays: Strays) -> float:
        from beautyspot.results.collecting import storage_time

        return storage_time(strays.storage, f"{strays.own_id}/")
