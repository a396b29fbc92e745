"""`Store`: what is stored, to be looked at, and to remove parts of it."""

from __future__ import annotations

import re
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from beautyspot.config.settings import DURATION, SIZE, byte_count, seconds
from beautyspot.contracts import Counts, MetadataStoreBase, Selection, Totals
from beautyspot.errors import ConfigError, MetadataError, RecordNotFound
from beautyspot.inspecting.filters import (
    EVERYTHING,
    Filter,
    checked,
    literally,
    moment,
    read_filter,
)
from beautyspot.inspecting.listing import Listing, check_limit, check_order, source_of
from beautyspot.messages import checks_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from types import TracebackType
    from typing import Self, Unpack

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import BlobStorageBase, Page, TaskRecord
    from beautyspot.inspecting.backends import Backends
    from beautyspot.inspecting.filters import Among, Moment, Where
    from beautyspot.inspecting.listing import RowOrder
    from beautyspot.inspecting.removing import Removed
    from beautyspot.inspecting.why import Why
    from beautyspot.results.cache import Cache
    from beautyspot.results.collecting import Collected
    from beautyspot.results.pruning import Pruned

L = TypeVar("L")

_PREFIX: Final = r"[0-9a-fA-F]{6,}"
_SHOWN: Final = 10
"""Keys that an error names, which a prefix may mean."""


class StoredFunction(NamedTuple):
    """What a store holds of one function."""

    name: str  # its identifier; that of rows of 2.x is the bare name
    entries: int
    size: int  # bytes of all its results, wherever they are
    oldest: float | None  # when the first and the last of them was made, in Unix time
    newest: float | None
    counts: Counts  # over all hours; zeros where the store keeps no counts
    code: str | None  # the digest of the source that made the newest, where it is known


class Store:
    """What a Spot has stored. `open_store` makes it; it is a context manager, which closes it.

    Looking changes nothing on disk. Filters are the same everywhere, see `Where`; None matches any.

    Attributes:
        place: where it is, for people: an absolute path, or a URL less its secrets.
        metadata: the metadata store, as it may be looked at.
    """

    def __init__(self, backends: Backends, place: str) -> None:
        self._backends = backends
        self.place = place
        self._closed = False
        self.metadata: MetadataStoreBase = backends.metadata().for_looking()

    def __repr__(self) -> str:
        return f"<Store {self.place}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was made for it. Nothing that was given, such as a Spot, is closed."""
        if not self._closed:
            self._closed = True
            if self.metadata is not self._backends.metadata():
                self.metadata.close()
            self._backends.close()

    @property
    def storage(self) -> BlobStorageBase | None:
        """Where the large results are; None where no storage is chosen or installed.

        Raises:
            ConfigError, BackendNotFound: the configuration names one that can't be had.
            StorageError: it can't be reached.
        """
        return self._backends.storage()

    @property
    def signing_keys(self) -> SigningKeys | None:
        """The keys that results are signed with, if they were given."""
        found: SigningKeys | None = self._backends.config["signing_key"]
        return found

    # ------------------------------------------------------------------------------ looking

    def functions(self) -> list[StoredFunction]:
        """What is stored of each function, by name; those of which only counts are left too.

        Raises:
            MetadataError: the store failed.
        """
        counts = _summed(self.counts())
        found = {
            each.func_identifier: StoredFunction(
                each.func_identifier,
                each.entries,
                each.size,
                each.oldest,
                each.newest,
                counts.get(each.func_identifier, Counts(each.func_identifier, 0)),
                source_of(each.code) or None,
            )
            for each in self.metadata.function_totals()
        }
        for name in counts.keys() - found.keys():
            found[name] = StoredFunction(name, 0, 0, None, None, counts[name], None)
        return [found[name] for name in sorted(found)]

    def rows(
        self, order: RowOrder = "key", limit: int | None = None, **where: Unpack[Where]
    ) -> Iterator[TaskRecord]:
        """The rows of the results, without their data.

        Args:
            order: "key"; "newest" (written last first), or "oldest"; "largest" or "smallest";
                "slowest"; "dearest"; "unused" (not used for longest first). Those other than "key"
                and "newest" read everything that matches, and keep it in memory without `limit`.
            limit: at most so many.
            where: see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        listing = Listing(self.metadata, read_filter("rows", where))
        return listing.rows(check_order(order), None if limit is None else check_limit(limit))

    def page(
        self,
        order: RowOrder = "key",
        following: str | None = None,
        limit: int = 100,
        **where: Unpack[Where],
    ) -> Page:
        """Some of the rows, without their data, and where the next page begins.

        A page may hold less than `limit` rows and have others behind it: `following` tells.

        Args:
            order: as for `rows`.
            following: `Page.following` of the page before, in the same order and with the same
                filters; with order="key" any key, which the page then begins behind.
            limit: at most so many.
            where: see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        listing = Listing(self.metadata, read_filter("page", where))
        return listing.page(check_order(order), following, check_limit(limit))

    def row(self, key: str) -> TaskRecord:
        """The row of a key, without its data; the first 6 digits or more will do.

        Raises:
            ConfigError: it is no key, and too short for the beginning of one.
            RecordNotFound: no key begins so, or several do, which it lists.
            MetadataError: the store failed.
        """
        if not isinstance(key, str) or not key:
            raise ConfigError(f"key={key!r:.80}: give a key, or its first 6 digits or more")
        found = self.metadata.get(key)
        if found is not None:
            return found._replace(result_data=None)
        if not re.fullmatch(_PREFIX, key):
            raise ConfigError(
                f"{key!r:.80} is no key, nor the beginning of one: give 6 hex digits or more"
            )
        rows = list(self.rows(limit=_SHOWN + 1, key=key.lower()))
        if len(rows) == 1:
            return rows[0]
        raise _no_row(key, [row.cache_key for row in rows], self.place)

    def total(self, **where: Unpack[Where]) -> Totals:
        """How many results there are, and their size in bytes.

        Raises:
            ConfigError: a filter is wrong.
            MetadataError: the store failed.
        """
        wanted = read_filter("total", where)
        if wanted == EVERYTHING:
            return self.metadata.totals()
        return Listing(self.metadata, wanted).totals()

    def counts(self, function: str | None = None, since: Moment | None = None) -> list[Counts]:
        """What was counted of each function, by hour; nothing where the store keeps no counts.

        Args:
            function: as in `Where`.
            since: from the hour on in which that moment is, as `newer` in `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        wanted = read_filter("counts", {"function": function}).selection
        begin = None if since is None else moment("since", since, time.time())
        if not self.metadata.counters:
            return []
        pattern = "*" if wanted.function is None else wanted.function
        first = None if begin is None else int(begin // 3600)
        counts = self.metadata.counts(since=first)
        return [each for each in counts if fnmatchcase(each.func_identifier, pattern)]

    def why(self, key: str) -> Why:
        """What tells a stored run from the nearest earlier one of its function: why it ran.

        Raises:
            ConfigError, RecordNotFound, MetadataError: as `row`.
        """
        from beautyspot.inspecting.why import reasons

        return reasons(self.metadata, [self.row(key)])[0]

    def why_function(self, function: str, limit: int = 10) -> list[Why]:
        """The same of the last runs of a function that are stored, the newest first.

        Args:
            function: its identifier, or the end of it behind the colon.
            limit: at most so many.

        Raises:
            ConfigError: an argument is wrong.
            RecordNotFound: no function has that name, or several have, which it lists.
            MetadataError: the store failed.
        """
        from beautyspot.inspecting.why import find_function, reasons

        name = find_function(self.metadata, function, self.place)
        wanted = Filter(Selection(function=literally(name)))
        rows = Listing(self.metadata, wanted).rows("newest", check_limit(limit))
        return reasons(self.metadata, list(rows))

    # ----------------------------------------------------------------------------- changing

    def remove(self, dry_run: bool = False, **where: Unpack[Where]) -> Removed:
        """Remove every result that matches all filters, its row first.

        It is safe while others read and write. A row that was replaced meanwhile stays. Where the
        filters are `function`, `version`, `tag` or a whole `key` alone, calls that are under way
        don't bring back what is removed: they return their results, which are not stored. With
        other filters, a result that is being made anew at this moment stays, and counts as kept.

        Args:
            dry_run: True counts what would be removed, and changes nothing.
            where: see `Where`; at least one filter.

        Raises:
            ConfigError: a filter is wrong, or none is given.
            MetadataError: the store failed, and says how many were removed before.
        """
        from beautyspot.inspecting.removing import Removed, remove_all

        wanted = read_filter("remove", where)
        if wanted == EVERYTHING:
            raise ConfigError(
                'say what to remove: remove(function="app:*", older="7d"), or whatever else fits; '
                'function="*" is everything'
            )
        there = Listing(self.metadata, wanted).totals()
        if dry_run or not there.entries:
            return Removed(*there)
        cache = self._changing()
        return remove_all(cache, Listing(cache.metadata.real, wanted), wanted)

    def prune(
        self,
        *,
        max_size: int | str | None = None,
        older_than: float | str | timedelta | None = None,
        unused_for: float | str | timedelta | None = None,
        expired: bool = True,
        dry_run: bool = False,
        **where: Unpack[Among],
    ) -> Pruned:
        """Remove results that are over a limit, as `Spot.prune` does, which see.

        Args:
            max_size: the size of all results that match the filters together.
            older_than, unused_for: how long ago they were made, or last made or found.
            expired: remove results that have expired.
            dry_run: True counts what would be removed, and changes nothing.
            where: look at these results only; see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed; what was not reached is still there.
        """
        from beautyspot.results.pruning import Limits, foresee, prune

        limits = Limits(
            max_size=_optional("max_size", max_size, byte_count, SIZE),
            older_than=_optional("older_than", older_than, seconds, DURATION),
            unused_for=_optional("unused_for", unused_for, seconds, DURATION),
            expired=expired,
        )
        wanted = read_filter("prune", where)
        foreseen = foresee(Listing(self.metadata, wanted), limits, time.time())
        if dry_run or not foreseen.entries:
            return foreseen
        cache = self._changing()
        return prune(cache, {}, limits, Listing(cache.metadata.real, wanted))

    @checks_options("collect")
    def collect(self, grace: float | str | timedelta = "1h", *, dry_run: bool = False) -> Collected:
        """Remove blobs that no row names, as `Spot.collect` does, which see.

        Args:
            grace: keep younger blobs: seconds, a `timedelta` or a text; longer than any save takes.
            dry_run: True counts what would be removed, by this machine's clock, and changes
                nothing.

        Raises:
            ConfigError: `grace` is not a duration.
            BackendNotFound: no storage is installed.
            NotSupportedError: the storage or the metadata store can't do it.
            MetadataError, StorageError: one of them failed; what was not reached is still there.
        """
        from beautyspot.inspecting.changing import make_cache
        from beautyspot.results.collecting import Collector

        least = checked("grace", grace, seconds, DURATION)
        self._backends.required_storage()
        cache = make_cache(self._backends, self.metadata) if dry_run else self._changing()
        storage = cache.storage()
        assert storage is not None  # noqa: S101 - it was required
        return Collector(cache, storage, least, dry_run=dry_run).collect()

    def _changing(self) -> Cache:
        """What changes the store; looking needs none of it."""
        from beautyspot.inspecting.changing import make_cache

        if self._closed:
            raise MetadataError("the store was closed: open it again")
        return make_cache(self._backends, self._backends.metadata())


def _optional(name: str, value: object, check: Callable[[object], L], expected: str) -> L | None:
    return None if value is None else checked(name, value, check, expected)


def _summed(counts: list[Counts]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for each in counts:
        before = found.get(each.func_identifier)
        sums = each[2:] if before is None else map(sum, zip(before[2:], each[2:], strict=True))
        found[each.func_identifier] = Counts(each.func_identifier, 0, *sums)
    return found


def _no_row(key: str, keys: list[str], place: str) -> RecordNotFound:
    if not keys:
        return RecordNotFound(f"nothing in {place} has a key that begins with {key}")
    shown = ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")
    return RecordNotFound(
        f"several keys begin with {key}: {shown}: give more digits", candidates=tuple(keys[:_SHOWN])
    )
