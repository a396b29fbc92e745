"""The contract of a metadata store."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from beautyspot.contracts.leases import Beginning, LeasingBase
from beautyspot.contracts.records import Entry, Plain, TaskRecord, found_in, is_newer
from beautyspot.contracts.selection import Selection, Totals
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from beautyspot.contracts.counts import Counts
    from beautyspot.contracts.records import Invalidation
    from beautyspot.contracts.selection import FunctionTotals, Order, Page
    from beautyspot.contracts.storage import BlobStorageBase


class MetadataStoreBase(LeasingBase):
    """Keeps one `TaskRecord` for each key.

    Errors: every failure is a `MetadataError`, and a `MetadataBusyError` if the same call may
    succeed in a moment. Operations are atomic: a reader finds the old record, the new one or none.
    """

    invalidations: ClassVar[bool] = False
    """True if `note_invalidation`, `generation` and `invalidated_since` work, for all processes."""

    counters: ClassVar[bool] = False
    """True if `add_counts` and `counts` work."""

    orders: ClassVar[tuple[str, ...]] = ("key", "newest")
    """The orders that `page` knows: these two, and of "oldest" (made first), "largest", "smallest",
    "slowest", "dearest" and "unused" (neither made nor used for longest) those that the store sorts
    itself. What has no such value comes last; what has the same one, by its key."""

    paged_orders: ClassVar[tuple[str, ...]] = ("key", "newest")
    """Those of the first two in which a page reads about as many rows as it gives. In another order
    each page reads all of them, so who wants every row asks for it in one of these, and sorts."""

    at_once: ClassVar[int] = 1
    """How many questions the store answers as quickly as one. Who removes many results has so many
    threads, for a store whose every answer takes long."""

    private: bool = False
    """True if nobody but this user, on this machine, can read or write what the store holds."""

    largest_data: float = math.inf
    """Bytes of data that a record may hold.

    A larger result goes to the storage, whatever `blob_threshold` says. Where the Spot has none, or
    may use none (`save_blob=False`), the caller gets it, and it is not stored.
    """

    demands_signing: bool = False
    """True if all results have to be signed: a Spot without a `signing_key` is refused.

    For a store to which others write, whose results nobody should trust without a signature. It may
    become True while the store is opened, where it is the server that demands it.
    """

    damaged: bool = False
    """True where reading has met damage, of a store that is only looked at; see `for_looking`."""

    memory_age: float = 0.0
    """Seconds, at most, for which `find` may return what another process has replaced.

    0.0 if `find` asks the store each time. A store that answers from its own memory states the
    greatest age that such an answer can have.
    """

    def now(self) -> float:
        """Unix time in seconds, by the one clock that counts for all who use the store.

        Leases, `made_at`, `began_at` and `expires_at` go by it. Core does not ask at each call. The
        base class gives this machine's, which is right for a store of one machine.
        """
        return time.time()

    def own_storage(self) -> BlobStorageBase | None:
        """A storage beside the store, for large results where the user names none.

        For a store whose place can keep blobs as well, and that every machine reaches. It is asked
        once for each Spot, which closes what it is given; to make it asks nothing of the place. A
        class that has this method always gives one.
        """
        return None

    def open(self) -> None:
        """Reach the store and bring its schema up to date. Called by the Spot when it starts.

        It may fail and be called again. Every other operation works without it, by opening first.
        """

    @property
    @abstractmethod
    def store_id(self) -> str:
        """A random ID of 8 or more hex digits, made with the store and kept in it for good."""

    @abstractmethod
    def get(self, key: str) -> TaskRecord | None:
        """The record of `key` (a `cache_key`), or None."""

    @abstractmethod
    def put(self, record: TaskRecord) -> None:
        """Insert `record`, in place of the one with the same key."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Remove the record of `key`; False if there was none."""

    @abstractmethod
    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """All records that match every given filter, in the order of their keys.

        `func_identifier` and `version` are fields of a record, and `tag` is one of its `tags`.
        Their `result_data` is None unless `with_data`. Records may be put and deleted while the
        scan runs; it may or may not show those, and shows every other record once.
        """

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs of the record of `key`; None if there is no record.

        It returns `Plain` for a record that it describes fully, as for most hits, which is fastest.
        An `Entry` is right for every record. It never waits for a lock, but raises
        `MetadataBusyError`.
        """
        record = self.get(key)
        return None if record is None else found_in(record)

    def find_code(self, key: str) -> str | None:
        """The field `code` of the record of `key`; None if there is no record, or it has none.

        It never waits for a lock, but raises `MetadataBusyError`. The base class asks `get`.
        """
        record = self.get(key)
        return None if record is None else record.code

    def find_many(self, keys: Iterable[str]) -> Mapping[str, Plain | Entry]:
        """What `find` gives for those keys that have a record; a store may ask for many at once.

        Where `blocking`, look-ups that are made at once come here, up to 1,000 of them, if the
        class has a method of its own; else each asks `find`.
        Where data lie in their record, and are large, a store may leave them out: for an `Entry`
        that has neither data nor a location, the caller asks `find`.
        """
        found = {key: self.find(key) for key in keys}
        return {key: answer for key, answer in found.items() if answer is not None}

    def totals(self, *, selection: Selection | None = None) -> Totals:
        """How much is stored; records of earlier releases have no size, and count as 0 bytes.

        Args:
            selection: what is counted; None is all. The base class reads every record for it.
        """
        wanted = selection or Selection()
        sizes = [max(0, record.size or 0) for record in self.scan() if wanted.covers(record)]
        return Totals(len(sizes), sum(sizes))

    # ------------------------------------------------------- for those that look at what is stored

    def for_looking(self) -> MetadataStoreBase:
        """A store with the same content that changes nothing by being looked at.

        Such a store makes no file, migrates and renames none, and reads what another release wrote,
        or what is left of a damaged store, as far as that can be. The one that gives it stays as it
        is, and need not be open. The base class returns `self`.
        """
        return self

    def page(
        self,
        selection: Selection | None = None,
        *,
        order: Order = "key",
        following: str | None = None,
        limit: int = 100,
        seconds: float | None = None,
    ) -> Page:
        """Some of the records that match, without their data, in this order.

        The base class reads every record for it, however long that takes.

        Args:
            selection: which; None is all.
            order: by key, or what was written last first; or another one of `orders`.
            following: where to go on: `Page.following` of the page before, in the same order; or a
                key, which the page then begins behind.
            limit: at most so many, 1 or more.
            seconds: where few records match, end the page when it has taken about so long, with
                what was found and looked at so far. It has looked at some even if that is 0.

        Raises:
            ConfigError: `following` is nothing that this store gave, or `limit` is too small.
        """
        from beautyspot.contracts.listing import first_page

        del seconds
        return first_page(self.scan(), selection or Selection(), order, following, limit)

    def function_totals(self) -> list[FunctionTotals]:
        """How much is stored of each function, by its identifier.

        The base class reads every record for it.
        """
        from beautyspot.contracts.listing import totals_by_function

        return totals_by_function(self.scan())

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """Add to what was counted; in one transaction if the store has transactions.

        Raises:
            NotSupportedError: the store keeps no counts (`counters` is False).
        """
        raise NotSupportedError(f"the metadata store {self.name!r} keeps no counts ({counts})")

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """What was counted, by function and hour, from the hour `since` on.

        Of all functions, or of the one with this `func_identifier`.

        Raises:
            NotSupportedError: the store keeps no counts (`counters` is False).
        """
        raise NotSupportedError(
            f"the metadata store {self.name!r} keeps no counts ({func_identifier}, {since})"
        )

    def counts_by_function(self, *, since: int | None = None) -> list[Counts]:
        """The sums of `counts` over all hours from `since` on, by function, with the hour 0.

        Raises:
            NotSupportedError: the store keeps no counts (`counters` is False).
        """
        from beautyspot.contracts.listing import counts_summed

        return counts_summed(self.counts(since=since))

    def remark(self, remarks: Mapping[str, str]) -> None:
        """Keep short texts for people, in the place of those before of the same names.

        `remarks` has one or more, by name; an empty one is as good as none. The base class keeps
        none.
        """
        del remarks

    def remarks(self) -> Mapping[str, str]:
        """What `remark` was told, by name; the base class has none."""
        return {}

    # ---------------------------------------------------------------------------------------------

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Insert several records, in one transaction if the store has transactions."""
        for record in records:
            self.put(record)

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at` of records: `used` has the time for each key.

        A key without a record is skipped.
        """
        for key, when in used.items():
            record = self.get(key)
            if record is not None:
                self.put(record._replace(used_at=when))

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Remove what no result and no call needs any more, and return how much that was.

        Called when garbage is collected. Most stores leave nothing behind.

        Args:
            older_than: seconds; leave alone what is younger, by the store's clock.
            dry_run: True counts only, and changes nothing.
        """
        del older_than, dry_run
        return 0

    # ----------------------------------------------- leases, beside those methods of `LeasingBase`

    def begin(self, key: str) -> Beginning | None:
        """Take the lease of `key`, and tell what its call needs; None while another has the lease.

        A store that is asked over a network answers in one round trip. The base class asks
        `try_lease`, `find`, `generation` and `now`.

        Raises:
            NotSupportedError: as in `try_lease`.
        """
        lease = self.try_lease(key)
        if lease is None:
            return None
        try:
            generation = self.generation() if self.invalidations else 0
            return Beginning(lease, self.find(key), generation, self.now())
        except BaseException:
            lease.release()
            raise

    def begin_many(self, keys: Collection[str]) -> Mapping[str, Beginning]:
        """`begin` for several keys of one call; those are left out whose lease another has.

        A store that is asked over a network asks for all at once. The base class asks one by one.
        An `Entry` may lack its data, as in `find_many`.

        Raises:
            NotSupportedError: as in `try_lease`.
        """
        begun: dict[str, Beginning] = {}
        try:
            for key in keys:
                beginning = self.begin(key)
                if beginning is not None:
                    begun[key] = beginning
        except BaseException:
            for beginning in begun.values():
                beginning.lease.release()
            raise
        return begun

    # -------------------------------------- what was invalidated while its call was under way

    def note_invalidation(self, what: Invalidation) -> None:
        """Remember `what`, for the calls that are under way: their results are not to be stored.

        A store may forget what it was told long ago, and say in its place that all results were
        invalidated then.

        Raises:
            NotSupportedError: the store has no such memory (`invalidations` is False).
        """
        raise NotSupportedError(f"the metadata store {self.name!r} notes nothing ({what})")

    def generation(self) -> int:
        """A number, 0 or more, that each `note_invalidation` raises, of whatever process.

        It never waits for a lock, but raises `MetadataBusyError`.

        Raises:
            NotSupportedError: as in `note_invalidation`.
        """
        raise NotSupportedError(f"the metadata store {self.name!r} has no generations")

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """What was noted since `generation` was the number.

        Raises:
            NotSupportedError: as in `note_invalidation`.
        """
        raise NotSupportedError(f"the metadata store {self.name!r} has no generation {generation}")

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """`put` a record, unless there is a newer one, or it was invalidated; whether it was put.

        It was invalidated if `note_invalidation` was told so since the generation `since`; a store
        without that memory, of which `invalidations` is False, takes no notice of `since`.

        There is a newer one if the run of the key's present record began after `record.began_at`:
        at its own `began_at`, where the store keeps that, else at `made_at` less `took`. A present
        record that was made after `now` is the work of a wrong clock, and gives way; so it does to
        a record without `began_at`. A lease that was lost is no reason. Where this instance holds
        the lease of the key, it may release it with the put.

        A store with transactions looks and inserts in one. What is made here of the methods above
        does not: where a record is invalidated in between, readers may find it for a moment.
        """
        if self._was_invalidated(record, since) or self._has_newer(record):
            return False
        self.put(record)
        return not self._remove_invalidated(record, since)

    def put_at_once(self, record: TaskRecord, since: int) -> bool:
        """`put_valid` of these in an event loop: whether it was put, without a wait for anything.

        The `record` and `since` are as there. False where it might wait for a lock, a disk or an
        answer, and where `put_valid` would not put the record: core has that called in a thread
        then. An error counts as False. The base class puts nothing.
        """
        del record, since
        return False

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """`put_many` those records that `put_valid` would put; each key comes once.

        `rows` are what `put_valid` takes: a record, and the generation when its run began.

        Returns:
            The keys of the others.
        """
        rows = list(rows)
        valid = [
            (record, since)
            for record, since in rows
            if not (self._was_invalidated(record, since) or self._has_newer(record))
        ]
        self.put_many([record for record, _ in valid])
        stored = {record.cache_key for record, _ in valid}
        late = {
            record.cache_key for record, since in valid if self._remove_invalidated(record, since)
        }
        return {record.cache_key for record, _ in rows} - stored | late

    def _remove_invalidated(self, record: TaskRecord, since: int) -> bool:
        """Remove a record that was invalidated while it was put; whether it was."""
        if not self._was_invalidated(record, since):
            return False
        self.delete(record.cache_key)
        return True

    def _has_newer(self, record: TaskRecord) -> bool:
        """Whether there is a newer record; not where none can be read: a result is not lost."""
        if record.began_at is None:
            return False
        try:
            found = self.get(record.cache_key)
        except Exception:
            return False
        return found is not None and is_newer(found, record, self.now())

    def _was_invalidated(self, record: TaskRecord, generation: int) -> bool:
        if not self.invalidations or self.generation() == generation:
            return False
        return any(what.covers(record) for what in self.invalidated_since(generation))
