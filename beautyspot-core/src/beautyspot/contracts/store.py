"""The contract of a metadata store: a handful of primitives. What needs a policy is core's.

A store keeps one `TaskRecord` for each key, the leases of keys, and the number of each cover. With
these, core sees to it that a call runs once, that what was invalidated does not come back, and that
an older result never replaces a newer one.

*Covers.* An invalidation names a **cover**: a short text that stands for one key, for all results
of a function, for those with a tag, or for everything (`covers_of`). `note` gives the cover the
next number of the store's one counter. Each record comes with all of its covers and with `since`:
the counter's value when its run began. `put` refuses a record one of whose covers has a greater
number.

*Leases.* `begin` leases keys to a token, which stands for one Spot in one process. A lease is over
when it is released with its token, or was not renewed for `lease_time` seconds.

A store that has nothing but compare-and-set is a `KeyValueStore` (four methods).

`listed` and `totals_of` ask any store for records in an order, and for its sums.
"""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from beautyspot.contracts.backend import Backend
from beautyspot.contracts.records import TaskRecord, found_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from beautyspot.contracts.records import Entry, Plain
    from beautyspot.contracts.selection import (
        Counts,
        FunctionTotals,
        Order,
        Rank,
        Selection,
        Totals,
    )
    from beautyspot.contracts.storage import BlobStorageBase


REMEMBERED: Final = 30 * 86400.0
"""Seconds for which an invalidation is remembered at least."""


class Put(NamedTuple):
    """A record that is to be stored.

    Attributes:
        record: with clean texts (no NUL, no lone surrogate) and finite floats. Where its `began_at`
            is None, it is as if its run began at the moment of the put, and it is never refused.
        covers: what an invalidation of it can name; its key is the first.
        since: `Begun.since` of its run.
        token: of the lease of its key, which the put releases; "" where it holds none.
    """

    record: TaskRecord
    covers: tuple[str, ...]
    since: int
    token: str = ""


class Begun(NamedTuple):
    """What `begin` answers.

    Attributes:
        found: of those keys that have a good row: what `find` gives.
        leased: the keys whose leases the token has now. A key in neither is leased to another.
        since: the counter's value, read before the rows were; for `Put.since`.
        now: the store's time.
    """

    found: Mapping[str, Plain | Entry]
    leased: Collection[str]
    since: int
    now: float


class MetadataStoreBase(Backend):
    """Keeps one `TaskRecord` for each key, leases, and what was invalidated.

    Keys and tokens are 32 hex digits, covers are short texts of ASCII, other texts are UTF-8
    without NUL, and floats are finite: core makes them so. Every failure is a `MetadataError`, and
    a `MetadataBusyError` if the same call may succeed in a moment. A store has time-outs of its
    own: core waits for each answer. An operation is atomic for each of its keys. Many threads call
    them at once. A row that can't be read is none.
    """

    lease_time: float = math.inf
    """Seconds for which a lease holds after it was taken or renewed; infinite if as long as its
    process lives."""

    most_leases: int = 10_000
    """Keys, at most, in one `begin`."""

    largest_data: float = math.inf
    """Bytes of data that a record may hold; a larger result goes to the storage."""

    private: bool = False
    """True if nobody but this user, on this machine, can read or write what the store holds."""

    demands_signing: bool = False
    """True if a Spot without a `signing_key` is refused; known once the store is open."""

    counters: ClassVar[bool] = False
    """True if the store keeps counts."""

    lost: int = 0
    """How many rows listings have left out since they can't be read, of a store that is damaged."""

    # ------------------------------------------------------------------------------- the store

    def open(self, *, look: bool = False) -> None:
        """Reach the store, and bring its schema up to date. It may fail and be called again.

        Every other operation works without it, by opening first.

        Args:
            look: for those that only look: nothing is made, migrated or changed, and of an older or
                newer release the columns that are there are read. All that changes something is
                refused from then on, by `NotSupportedError`.
        """

    @property
    @abstractmethod
    def store_id(self) -> str:
        """A random ID of 8 or more hex digits, made with the store and kept in it for good."""

    def now(self) -> float:
        """Unix time in seconds, by the one clock that counts for all who use the store.

        The base class gives this machine's, which is right for a store of one machine.
        """
        return time.time()

    # ------------------------------------------------------------------------------ the results

    @abstractmethod
    def get(self, key: str) -> TaskRecord | None:
        """The record of `key`, with its data."""

    def find(self, key: str) -> Plain | Entry | None:
        """What a hit needs of the record of `key`: the quickest question that there is.

        It never waits for a lock, but raises `MetadataBusyError`.
        """
        record = self.get(key)
        return None if record is None else found_in(record)

    def find_many(self, keys: Collection[str]) -> dict[str, Plain | Entry]:
        """What `find` gives, of those keys that have a record; in one trip where that pays."""
        found = {key: self.find(key) for key in keys}
        return {key: answer for key, answer in found.items() if answer is not None}

    @abstractmethod
    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """The rows of these keys; and the leases of those that have none, for `token`.

        A row counts as none where `rejected` names its key with its `made_at` or a later time: it
        has expired, is damaged, or is to be made anew (`is_rejected`). The rows are asked anew,
        never out of a memory. A key that is leased to `token` itself stays so, and is among the
        leased ones.

        Args:
            keys: at most `most_leases`.
            token: of the Spot that asks.
            rejected: key: time, `math.inf` for any row.
        """

    @abstractmethod
    def put(self, rows: Sequence[Put]) -> set[str]:
        """Store records, of different keys; the keys of those that were refused.

        Refused is a record one of whose covers has a number above its `since`, and one of whose key
        there is a newer record: whose run began later, by `began_at` (`made_at` less `took` where
        that is None). A record that was made after `now()` is the work of a wrong clock, and gives
        way. Looking and inserting is one step. A lease of the same token is released.

        Where it raises, nothing was stored, or not all of it; core tries one by one then.
        """

    def put_at_once(self, rows: Sequence[Put]) -> set[str] | None:
        """`put` in an event loop; None where it might wait.

        For a store that is not `blocking`: nothing is done where a lock, a disk or an answer would
        have to be waited for. The base class does nothing. An error counts as None.
        """
        del rows
        return None

    @abstractmethod
    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        """Remove records; the keys of those that were removed.

        Args:
            rows: by key the `made_at` of the record that was seen. Another record stays.
        """

    # ------------------------------------------------------------------- leases and invalidations

    @abstractmethod
    def renew(self, keys: Collection[str], token: str) -> set[str]:
        """Have these leases of `token` hold for another `lease_time`; those that it has not.

        Called several times within `lease_time`, if that is finite.
        """

    @abstractmethod
    def release(self, keys: Collection[str], token: str) -> None:
        """End these leases of `token`. Another token's stay."""

    @abstractmethod
    def note(self, cover: str) -> TaskRecord | None:
        """Give `cover` the next number: what it covers and has begun by now is not to be stored.

        What is stored stays, for core to remove. A store may remove the record of a single key
        itself, in the same step, and then returns it; its data may be left out.

        That is one more than the last one, and no less than the microseconds of `now()`: so a store
        that was emptied does not begin at 1 again. A store may forget what was noted more than
        thirty days ago.
        """

    # ------------------------------------------------------------------------------- listing

    @abstractmethod
    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """The records whose keys come after `after`, in the order of their keys.

        Args:
            after: a key; "" is the beginning.
            limit: at most so many. Fewer are the last ones, but with data: a store need not hold
                more of them at once than it likes, and gives none only at the end.
            data: whether with their `result_data`.
        """

    def select(
        self, where: Selection, order: Order, after: Rank | None, limit: int
    ) -> list[TaskRecord] | None:
        """Records without their data in an order, behind the place `after`.

        For stores that sort and filter better than core, which reads every row where this gives
        None. The store may leave out what `where` does not cover; core leaves out the rest.

        Args:
            where: which.
            order: by what; see `rank_of`.
            after: the rank of the last one before; None is the beginning.
            limit: at most so many; fewer are the last ones.
        """
        del where, order, after, limit
        return None

    def all_rows(self, after: str = "", *, data: bool = False) -> Iterator[TaskRecord]:
        """All records whose keys come after `after`, by `rows`; not to be overridden."""
        page = self.rows(after, data=data)
        while page:
            yield from page
            page = self.rows(page[-1].cache_key, data=data)

    def function_totals(self) -> list[FunctionTotals]:
        """How much is stored of each function, by its identifier. The base class reads all rows."""
        from beautyspot.contracts.selection import totals_by_function

        return totals_by_function(self.all_rows())

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Remove what no result and no call needs any more; how much that was.

        Args:
            older_than: seconds; leave alone what is younger, by the store's clock.
            dry_run: only count.
        """
        del older_than, dry_run
        return 0

    # ------------------------------------------------------------- where there is a place for it

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at` of records: by key, Unix time. The base class does nothing."""

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """Add to what was counted. Called where `counters` is True."""

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterable[Counts]:
        """What was counted, by function and hour, from the hour `since` on; nothing here."""
        del func_identifier, since
        return ()

    def remark(self, remarks: Mapping[str, str]) -> None:
        """Keep short texts for people, by name, in the place of those before of the same names."""

    def remarks(self) -> Mapping[str, str]:
        """What `remark` was told, by name; nothing here."""
        return {}

    def own_storage(self) -> BlobStorageBase | None:
        """A storage beside the store, for large results where the user names none; None here."""
        return None


PAGE: Final = 500
"""Rows that are read at a time."""


def listed(
    store: MetadataStoreBase,
    where: Selection,
    order: Order = "key",
    *,
    after: Rank | None = None,
    limit: int | None = None,
    wanted: Callable[[TaskRecord], bool] | None = None,
) -> Iterator[TaskRecord]:
    """The records of a store that a selection covers, in an order, without their data.

    Args:
        store: the store.
        where: which.
        order: by what. Where the store can't sort, all are read, and `limit` of them are held.
        after: the rank of the last one before; None is the beginning.
        limit: at most so many; None is all.
        wanted: says of each whether it is listed; None: all are.

    Raises:
        MetadataError: the store failed.
    """
    from heapq import nsmallest  # the first Spot needs neither

    from beautyspot.contracts.selection import rank_of

    def fits(record: TaskRecord) -> bool:
        return where.covers(record) and (wanted is None or wanted(record))

    def pages(page: list[TaskRecord] | None) -> Iterator[TaskRecord]:
        while page:
            yield from filter(fits, page)
            if len(page) < PAGE:
                return
            page = store.select(where, order, rank_of(page[-1], order), PAGE)

    first = store.select(where, order, after, PAGE)
    if first is not None:
        return islice(pages(first), limit)
    if order == "key":
        return islice(filter(fits, store.all_rows("" if after is None else after[2])), limit)
    rank = partial(rank_of, order=order)
    found = (
        record
        for record in store.all_rows()
        if fits(record) and (after is None or rank(record) > after)
    )
    return iter(sorted(found, key=rank) if limit is None else nsmallest(limit, found, key=rank))


def totals_of(store: MetadataStoreBase, function: str | None = None) -> Totals:
    """How many results a store holds, and their bytes.

    Args:
        store: the store.
        function: a pattern, as in `Selection`, for those that are meant; None: all.

    Raises:
        MetadataError: the store failed.
    """
    from fnmatch import fnmatchcase

    from beautyspot.contracts.selection import Totals

    meant = [
        each
        for each in store.function_totals()
        if function is None or fnmatchcase(each.func_identifier, function)
    ]
    return Totals(sum(each.entries for each in meant), sum(each.size for each in meant))
