"""The part of a `Store` that looks at its rows."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import Counts, Selection, TaskRecord, Totals
from beautyspot.contracts.selection import PRICE_UNIT, UNSTORED, source_of
from beautyspot.errors import ConfigError, RecordNotFound
from beautyspot.inspecting.filters import (
    Filter,
    Listing,
    check_limit,
    check_order,
    literally,
    moment,
    read_filter,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Unpack

    from beautyspot.backends.spot_backends import Backends
    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import BlobStorageBase, Order, Page
    from beautyspot.inspecting.filters import Moment, Where
    from beautyspot.inspecting.why import Why

_PREFIX: Final = r"[0-9a-fA-F]{6,}"
_SHOWN: Final = 10
"""Keys that an error names, which a prefix may mean."""


_SAMPLE: Final = 1000


class StoredFunction(NamedTuple):
    """What a store holds of one function."""

    name: str  # its identifier; that of rows of 2.x is the bare name
    entries: int  # how many results
    size: int  # bytes of all its results, wherever they are
    oldest: float | None  # when the first of them was made, in Unix time
    newest: float | None  # when the last of them was
    counts: Counts  # over all hours; zeros where the store keeps no counts
    code: str | None  # the digest of the source that made the newest, where it is known
    code_changed: bool | None = None  # whether others were made by another one; None: unknown
    unstored: str = ""  # why nothing is stored of it, where that is known


class Looking:
    """Methods of `Store`."""

    def __init__(self, backends: Backends, place: str, *, is_own: bool = True) -> None:
        self._backends, self._is_own = backends, is_own
        self._closed = False
        self.place = place
        self.metadata = backends.looking()

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

    def close(self) -> None:
        """Close what was made for it. Nothing that was given, such as a Spot, is closed."""
        if not self._closed:
            self._closed = True
            for error in self._backends.close() if self._is_own else ():
                raise error

    def functions(self) -> list[StoredFunction]:
        """What is stored of each function, by name; those of which only counts are left too.

        Those too of which nothing could be stored: `StoredFunction.unstored` says why. A function
        that is limited and not marked has only counts of permits, and is not among them.

        Raises:
            MetadataError: the store failed.
        """
        counts = {each.func_identifier: each for each in self.counts(hourly=False)}
        found = {
            each.func_identifier: StoredFunction(
                each.func_identifier,
                each.entries,
                each.size,
                each.oldest,
                each.newest,
                counts.get(each.func_identifier, Counts(each.func_identifier, 0)),
                source_of(each.code) or None,
                each.code_changed,
            )
            for each in self.metadata.function_totals()
        }
        reasons = self._reasons()
        for name in (counts.keys() | reasons.keys()) - found.keys():
            of, why = counts.get(name, Counts(name, 0)), reasons.get(name, "")
            why = "" if of.hits else why  # something was stored at some time
            if of.hits or of.runs or why:
                found[name] = StoredFunction(name, 0, 0, None, None, of, None, unstored=why)
        return [found[name] for name in sorted(found)]

    @property
    def price_unit(self) -> str:
        """The unit of all prices, as ``Spot(price_unit=)`` says; "" where none did.

        Raises:
            MetadataError: the store failed.
        """
        return self.metadata.remarks().get(PRICE_UNIT, "")

    def _reasons(self) -> dict[str, str]:
        """Why nothing is stored of a function, by its identifier."""
        return {
            name.removeprefix(UNSTORED): why
            for name, why in self.metadata.remarks().items()
            if name.startswith(UNSTORED) and why
        }

    def function_pattern(self, name: str, known: Iterable[str] | None = None) -> str:
        """The pattern, as in `Where`, of the function or functions that a person means.

        Args:
            name: a pattern with ``*`` or ``?``, which is given back as it is; an identifier; or
                the end of one behind the colon.
            known: the names of all functions that are stored. None: they are read, which takes
                seconds where millions of results are stored.

        Raises:
            ConfigError: it is no text.
            RecordNotFound: no function has that name, or several have, which it lists.
            MetadataError: the store failed.
        """
        from beautyspot.inspecting.why import find_function

        if isinstance(name, str) and ("*" in name or "?" in name):
            return name
        names = [one.name for one in self.functions()] if known is None else list(known)
        return find_function(names, name, self.place)

    def rows(
        self, order: Order = "key", limit: int | None = None, **where: Unpack[Where]
    ) -> Iterator[TaskRecord]:
        """The rows of the results, without their data.

        Args:
            order: "key"; "newest" (made last first), or "oldest"; "largest" or "smallest";
                "slowest"; "dearest"; "unused" (not used for longest first). A store that can't sort
                reads everything that matches for an order other than "key", and keeps it in memory
                without `limit`.
            limit: at most so many.
            where: see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        listing = Listing(self.metadata, read_filter("rows", where, self.metadata.now))
        return listing.rows(check_order(order), None if limit is None else check_limit(limit))

    def page(
        self,
        order: Order = "key",
        following: str | None = None,
        limit: int = 100,
        **where: Unpack[Where],
    ) -> Page:
        """Some of the rows, without their data, and where the next page begins.

        Args:
            order: as for `rows`.
            following: `Page.following` of the page before, in the same order and with the same
                filters; in the order "key" any key.
            limit: at most so many.
            where: see `Where`.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        listing = Listing(self.metadata, read_filter("page", where, self.metadata.now))
        return listing.page(check_order(order), following, check_limit(limit))

    def row(self, key: str | TaskRecord) -> TaskRecord:
        """The row of a key, without its data.

        Args:
            key: a key; the first 6 digits or more will do. Or a row, as `rows` gives it, whose key
                is meant.

        Raises:
            ConfigError: it is no key, and too short for the beginning of one.
            RecordNotFound: no key begins so, or several do, which it lists.
            MetadataError: the store failed.
        """
        text = key.cache_key if isinstance(key, TaskRecord) else key
        found = self.metadata.get(text) if isinstance(text, str) else None
        if found is not None:
            return found._replace(result_data=None)
        if isinstance(key, TaskRecord):
            raise _no_row(text, [], self.place)
        if not isinstance(key, str) or not re.fullmatch(_PREFIX, key):
            raise ConfigError(
                f"{key!r:.80} is no key, nor the beginning of one: give 6 hex digits or "
                "more; 'beautyspot ls' lists the keys of a function"
            )
        rows = list(self.rows(limit=_SHOWN + 1, key=key.lower()))
        if len(rows) == 1:
            return rows[0]
        raise _no_row(key, [row.cache_key for row in rows], self.place)

    def total(self, **where: Unpack[Where]) -> Totals:
        """How many results there are, and their size in bytes.

        Args:
            where: see `Where`.

        Raises:
            ConfigError: a filter is wrong.
            MetadataError: the store failed.
        """
        return Listing(self.metadata, read_filter("total", where, self.metadata.now)).totals()

    def counts(
        self,
        function: str | None = None,
        since: Moment | None = None,
        *,
        hourly: bool = True,
    ) -> list[Counts]:
        """What was counted of each function, by hour; nothing where the store keeps no counts.

        Args:
            function: as in `Where`.
            since: from the hour on in which that moment is, as `newer` in `Where`.
            hourly: False gives one for each function, the sum of these hours, with the hour 0.

        Raises:
            ConfigError: an argument is wrong.
            MetadataError: the store failed.
        """
        wanted = read_filter("counts", {"function": function}, self.metadata.now).selection
        begin = None if since is None else moment("since", since, self.metadata.now())
        if not self.metadata.counters:
            return []
        pattern = "*" if wanted.function is None else wanted.function
        first = None if begin is None else int(begin // 3600)
        one = None if set(pattern) & set("*?[") else pattern
        counts = self.metadata.counts(func_identifier=one, since=first)
        found = [each for each in counts if fnmatchcase(each.func_identifier, pattern)]
        return found if hourly else counts_summed(found)

    def typical(self, function: str) -> tuple[float, float] | None:
        """The 50th and the 95th percentile of the seconds that a function takes.

        Of at most 1,000 of its stored results, of which chance has chosen: the least by key.

        Args:
            function: its identifier.

        Returns:
            None: nothing is stored of it that says how long it took.

        Raises:
            MetadataError: the store failed.
        """
        rows = self.rows(limit=_SAMPLE, function=literally(function))
        times = sorted(row.took for row in rows if row.took is not None)
        middle, end = len(times) // 2, len(times) * 95 // 100
        return (times[middle], times[end]) if times else None

    def why(self, key: str | TaskRecord) -> Why:
        """What tells a stored run from the nearest earlier one of its function: why it ran.

        Args:
            key: as for `row`.

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
            RecordNotFound: no function has that name, or several have, which it lists; or nothing
                is stored of it, and why.
            MetadataError: the store failed.
        """
        from beautyspot.inspecting.why import find_function, reasons

        known = [totals.func_identifier for totals in self.metadata.function_totals()]
        unstored = self._reasons()
        name = find_function(sorted({*known, *unstored}), function, self.place)
        if name not in known:
            raise RecordNotFound(f"{name}: its results are not stored, because {unstored[name]}")
        wanted = Filter(Selection(function=literally(name)))
        rows = Listing(self.metadata, wanted).rows("newest", check_limit(limit))
        return reasons(self.metadata, list(rows))


def counts_summed(counts: Iterable[Counts]) -> list[Counts]:
    """One for each function, the sum of its hours, with the hour 0; by name."""
    found: dict[str, list[Any]] = {}
    for each in counts:
        sums = found.setdefault(each.func_identifier, [0] * len(each[2:]))
        found[each.func_identifier] = [
            before + more for before, more in zip(sums, each[2:], strict=True)
        ]
    return [Counts(name, 0, *found[name]) for name in sorted(found)]


def _no_row(key: str, keys: list[str], place: str) -> RecordNotFound:
    if not keys:
        return RecordNotFound(
            f"nothing in {place} has a key that begins with {key}: 'beautyspot ls' lists the keys "
            "of a function"
        )
    shown = ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")
    return RecordNotFound(
        f"several keys begin with {key}: {shown}: give more digits", candidates=tuple(keys[:_SHOWN])
    )
