"""The part of a `Store` that removes what it holds, and copies it elsewhere.

A store is changed by the same cache that a Spot stores its results through.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import DURATION, Totals, seconds
from beautyspot.contracts.selection import size_of
from beautyspot.contracts.store import PAGE
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.inspecting.filters import Listing, name_of, read_filter
from beautyspot.inspecting.reading import Reading
from beautyspot.messages import checked, checks_options
from beautyspot.resilience.guarded_backends import GuardedStorage, GuardedStore, Storages
from beautyspot.resilience.reporting import Reporter
from beautyspot.results.cache import Cache
from beautyspot.results.collecting import Collected, collect
from beautyspot.results.placement import Placement
from beautyspot.results.pruning import Pruned, counted, over_limits, prune, read_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta
    from typing import Unpack

    from beautyspot.backends.spot_backends import Backends
    from beautyspot.contracts import MetadataStoreBase, TaskRecord
    from beautyspot.inspecting.copying import Copied
    from beautyspot.inspecting.filters import Among, Where

FIRST: Final = 10
"""So many rows of a `Removal` are kept whole, to be shown."""


class Removed(NamedTuple):
    """What `remove` removed."""

    entries: int  # results that were removed
    size: int  # their bytes
    kept: int = 0  # rows that matched, and were replaced meanwhile


def remove_rows(
    cache: Cache, rows: Iterable[TaskRecord], progress: Callable[[Removed], object] | None = None
) -> Removed:
    """Remove these rows, each if it is still the one that was seen.

    Raises:
        MetadataError: the store failed; what was not reached is still there.
    """
    cache.insist()
    rows, removed = iter(rows), Removed(0, 0)
    while page := list(islice(rows, PAGE)):
        gone = cache.saver.remove({record.cache_key: record for record in page})
        others = [record.cache_key for record in page if record.cache_key not in gone]
        replaced = cache.store.find_many(others) if others else {}  # the rest somebody else removed
        removed = Removed(
            removed.entries + len(gone),
            removed.size + sum(size_of(record) for record in page if record.cache_key in gone),
            removed.kept + len(replaced),
        )
        if progress is not None:
            progress(removed)
    return removed


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
        if not self._chosen:
            return Removed(0, 0)
        return remove_rows(self._changing(), self._chosen, progress)


class Changing(Reading):
    """Further methods of `Store`."""

    def remove(
        self,
        dry_run: bool = False,
        **where: Unpack[Where],
    ) -> Removed:
        """Remove every result that matches all filters, its row first.

        It is safe while others read and write, and to be interrupted: what was not reached stays. A
        row that was replaced meanwhile stays, too, and calls that are under way store their
        results. To show first what goes, and then remove that alone, give `at` both times::

            at = store.metadata.now()
            for row in store.rows(at=at, function="app:*"):
                print(row.arguments)
            store.remove(at=at, function="app:*")

        Args:
            dry_run: True counts what would be removed, and changes nothing.
            where: see `Where`; at least one filter beside `at`.

        Raises:
            ConfigError: a filter is wrong, or none is given.
            MetadataError: the store failed; what was not reached is still there.
        """
        wanted = read_filter("remove", where, self.metadata.now)
        if all(value is None or value is False for name, value in where.items() if name != "at"):
            raise ConfigError(
                'say what to remove: remove(function="app:*", older="7d"), or whatever else fits; '
                'function="*" is everything'
            )
        there = Listing(self.metadata, wanted).totals()
        if dry_run or not there.entries:
            return Removed(*there)
        cache = self._changing()
        return remove_rows(cache, Listing(cache.store.real, wanted).rows())

    def prune(
        self,
        *,
        max_size: int | str | None = None,
        max_entries: int | None = None,
        older_than: float | str | timedelta | None = None,
        unused_for: float | str | timedelta | None = None,
        expired: bool = True,
        dry_run: bool = False,
        **where: Unpack[Among],
    ) -> Pruned:
        """Remove results that are over a limit, as `Spot.prune` does, which see.

        Args:
            max_size: the size of all results that match the filters together.
            max_entries: their number.
            older_than, unused_for: how long ago they were made, or last made or found.
            expired: remove results that have expired.
            dry_run: True counts what would be removed, and changes nothing.
            where: look at these results only; see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed; what was not reached is still there.
        """

        limits = read_limits(
            max_size=max_size,
            max_entries=max_entries,
            older_than=older_than,
            unused_for=unused_for,
            expired=expired,
        )
        wanted = read_filter("prune", where, self.metadata.now)
        listing = Listing(self.metadata, wanted)
        foreseen = counted(over_limits(listing.rows, listing.totals, limits, wanted.at))
        if dry_run or not foreseen.entries:
            return foreseen
        cache = self._changing()
        listing = Listing(cache.store.real, wanted)
        return prune(cache, limits, listing.rows, listing.totals, wanted.at)

    def over_limits(
        self,
        *,
        max_size: int | str | None = None,
        max_entries: int | None = None,
        older_than: float | str | timedelta | None = None,
        unused_for: float | str | timedelta | None = None,
        expired: bool = True,
        **where: Unpack[Among],
    ) -> Iterator[TaskRecord]:
        """The rows of the results that `prune` would remove, without their data.

        Args:
            max_size, max_entries, older_than, unused_for, expired, where: as for `prune`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        limits = read_limits(
            max_size=max_size,
            max_entries=max_entries,
            older_than=older_than,
            unused_for=unused_for,
            expired=expired,
        )
        wanted = read_filter("over_limits", where, self.metadata.now)
        listing = Listing(self.metadata, wanted)
        over = over_limits(listing.rows, listing.totals, limits, wanted.at)
        return (record for record, _ in over)

    def removal(self, rows: Iterable[TaskRecord]) -> Removal:
        """The removal of these rows and no others, to be shown first and then carried out.

        Args:
            rows: rows of this store, as `rows` and `over_limits` give them.

        Raises:
            MetadataError: the store failed.
        """
        return Removal(rows, self._changing)

    @checks_options("collect")
    def collect(
        self,
        grace: float | str | timedelta = "1h",
        *,
        store_id: str | None = None,
        dry_run: bool = False,
    ) -> Collected:
        """Remove blobs that no row names, as `Spot.collect` does, which see.

        Args:
            grace: keep younger blobs: seconds, a `timedelta` or a text; longer than any save takes.
            store_id: remove instead all blobs of another store that had this storage, and is gone:
                its ID, as `examine` lists it. Refused if its newest blob is younger than `grace`.
            dry_run: True counts what would be removed, and changes nothing.

        Raises:
            ConfigError: `grace` is not a duration, or no storage was chosen beside a metadata store
                that machines share, or the storage has no such `store_id`, or it may be in use.
            BackendNotFound: no storage is installed.
            NotSupportedError: the storage or the metadata store can't do it.
            MetadataError, StorageError: one of them failed; what was not reached is still there.
        """

        least = checked("grace", grace, seconds, DURATION)
        storage = GuardedStorage(self._backends.required_storage(), None)
        cache = make_cache(self._backends, self.metadata) if dry_run else self._changing()
        other = None if store_id is None else str(store_id)
        return collect(cache, storage, least, other, dry_run=dry_run)

    def copy_to(
        self,
        target: Changing,
        *,
        progress: Callable[[int, int], object] | None = None,
        with_arguments: bool | None = None,
        vouch: bool = False,
        **where: Unpack[Where],
    ) -> Copied:
        """Copy results into another store, those that were written first, first.

        Each is read to its end and checked on its way: what is damaged, or can't be read, is not
        copied, and the result says so. A result that the target has is left alone unless the one
        here was made later, so what was interrupted is completed by doing it again. Rows keep their
        times, tags, prices and signatures. If the target has another signing key, a result is
        signed anew, provided that it bears a signature by the key that was given for this store;
        what nobody signed is signed only where you vouch for it. Programs may use both stores
        meanwhile: what the target makes newer stays. Counts are copied
        of those functions and hours of which the target has none, unless there are other filters
        than `function`. Results of a release before 3.0 are left out.

        Args:
            target: where to, a `Store`; ``open_store(…, create=True)`` makes a new one.
            progress: called after some results with how many are done, and how many there are, as
                far as that is known.
            with_arguments: whether the texts of arguments are copied. None: where the target can
                be read by nobody else (`MetadataStoreBase.private`).
            vouch: True has results that nobody signed signed for a target that signs: you know that
                only those whom you trust could write into this store.
            where: see `Where`.

        Returns:
            How many were copied, and what could not be.

        Raises:
            ConfigError: a filter is wrong, the target is this store, or none, or it demands
                signatures, and was opened without a signing key.
            MetadataError, StorageError: the target failed, or this store at the start; do it again.
        """
        from beautyspot.inspecting.copying import Copier

        wanted = read_filter("copy_to", where, self.metadata.now)
        if not isinstance(target, Changing):
            raise ConfigError(
                f"copy_to takes a store, not an object of type {type(target).__qualname__}: give "
                "open_store(..., create=True)"
            )
        cache = target._changing()
        if cache.store.store_id == self.metadata.store_id:
            raise ConfigError(f"{target.place} is this store itself: name another one")
        if cache.store.real.demands_signing and target.signing_keys is None:
            raise ConfigError(
                f"{target.place} takes signed results only: open it with the signing_key= of its "
                "Spots"
            )
        private = target.metadata.private if with_arguments is None else with_arguments
        copier = Copier(self._parts(), cache, with_arguments=private, vouch=vouch is True)
        return copier.copy(self.metadata, wanted, progress)

    def _changing(self) -> Cache:
        """What changes the store; looking needs none of it."""

        if self._closed:
            raise MetadataError("the store was closed: open it again")
        if self.metadata.lost:  # a store that is opened to be changed puts it aside
            raise MetadataError(
                f"{self.place} is damaged, so nothing is removed from it: copy what can be read "
                "into another store, by copy_to() or `beautyspot copy`, and remove it there"
            )
        return make_cache(self._backends, self._backends.metadata)


def make_cache(backends: Backends, metadata: MetadataStoreBase) -> Cache:
    """A cache of this metadata store and the storage, which stores nothing by itself."""
    context, config = backends.context, backends.config
    reporter = Reporter(context.name)
    keys = config["signing_key"]
    placement = Placement(
        GuardedStore(metadata, reporter, signs=True),  # nothing is stored
        Storages(backends.storage, reporter),
        reporter,
        context.directory,
        blob_threshold=config["blob_threshold"],
        signing_keys=keys,
    )
    return Cache(placement)
