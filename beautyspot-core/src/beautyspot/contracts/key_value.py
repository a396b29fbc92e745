"""`KeyValueStore`: a metadata store made of four operations with compare-and-set.

All that the place of such a store has to do is to keep bytes under names, and to replace or remove
them only where they are still those that were read. A bucket with conditional writes, a table of
LMDB, a folder with ``O_EXCL`` and a dict with a lock can do that.

    r/<key>     a row: its fields, then its data; or the number of an invalidation in its place,
                which a row that follows there has with it, and leaves behind
    l/<key>     a lease: the token that has it, and until when
    covers      the counter, and the numbers of all covers that are not of single keys
    u/<digit>   last uses, within a year, of the keys that begin so
    n/<hour>    counts
    remarks     texts for people
    id          of the store

After a row is written, the covers are read once more, and an invalidated row is removed. So a
reader may find it for a moment, and, where the writer dies just there, until a `sweep`. With a
single key that can't be: its invalidation swaps the row for a number, which the write of a run
under way does not expect.
"""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from contextlib import suppress
from functools import partial
from itertools import chain, count, islice
from operator import call
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from beautyspot.contracts.records import KEY, covers_of, found_in, is_newer, is_rejected
from beautyspot.contracts.row_bytes import RowFound, object_in, packed, row_data, row_in
from beautyspot.contracts.selection import Counts
from beautyspot.contracts.store import REMEMBERED, Begun, MetadataStoreBase
from beautyspot.errors import MetadataBusyError, MetadataError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from beautyspot.contracts.records import Entry, Plain, TaskRecord
    from beautyspot.contracts.store import Put

T = TypeVar("T")
R = TypeVar("R")

Tag = Any
"""What tells the bytes under a name from those before: an ETag, a version, the bytes themselves."""

_PAGE: Final = 1000
_YEAR: Final = 366 * 86400.0

_NO_COVERS: Final[dict[str, Any]] = {"n": 0, "of": {}}

HEAD: Final = 4096
"""Bytes that are read of a row whose data nobody needs; most have no longer fields."""

_LEAST_TRIES: Final = 3
"""Attempts, though one has taken all the time: the next one may find what it needs."""


class KeyValueStore(MetadataStoreBase):
    """A metadata store of which a plug-in writes `read`, `write`, `remove` and `names`.

    Names are ASCII texts of at most 64 characters. Where several machines share the place, override
    `now` as well: their clocks differ, and leases go by it.
    """

    counters: ClassVar[bool] = True
    lease_time = 30.0
    looks = False

    patience: float = 10.0
    """Seconds for which a change is tried again while others change the same."""

    clock_error: float = 0.0
    """Seconds by which `now` may be behind what it is to another machine."""

    # ---------------------------------------------------------------- what a plug-in has to write

    @abstractmethod
    def read(self, name: str) -> tuple[bytes, Tag] | None:
        """The bytes under a name and their tag; None where nothing is there."""

    @abstractmethod
    def write(self, name: str, data: bytes, expected: Tag) -> Tag | None:
        """Put bytes under a name, and give their tag.

        None, and nothing is written, where the tag of what is there is not `expected`; of what is
        not there, it is None.
        """

    @abstractmethod
    def remove(self, name: str, expected: Tag) -> bool:
        """Remove what has this tag; False where something else is there, or nothing.

        A place that can't do that on a condition writes no bytes there: that counts as nothing.
        """

    @abstractmethod
    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        """The names that begin with `prefix` and come after `after`, in their order.

        At most `limit`, or fewer, though more follow; none only at the end.
        """

    def read_head(self, name: str, size: int) -> tuple[bytes, Tag] | None:
        """What `read` gives, or the first bytes of it.

        Overridden where these come sooner than all.
        """
        del size
        return self.read(name)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """What `work` returns for each item, in their order.

        Overridden where the place takes its time to answer, to have it asked side by side.
        """
        return [work(item) for item in items]

    # ------------------------------------------------------------------------------ the store

    @property
    def _tags(self) -> dict[tuple[str, str], Tag]:
        """Of leases that this object has given, by key and token.

        It is made when first needed, so that no plug-in calls us.
        """
        tags: dict[tuple[str, str], Tag] = vars(self).setdefault("_tags_of_leases", {})
        return tags

    def open(self, *, look: bool = False) -> None:
        """See the base class; a plug-in whose place has to be reached calls this after that."""
        self.looks = look
        if not look:
            _ = self.store_id

    @property
    def store_id(self) -> str:
        """32 hex digits; the first process to ask writes them."""
        known: str | None = vars(self).get("_store_id")
        while known is None:
            found = self.read("id")
            if found is not None:
                known = vars(self)["_store_id"] = found[0].decode("ascii", "replace")
            elif self.looks:
                raise MetadataError("the store has no ID yet: a Spot that uses it gives it one")
            else:
                self.write("id", os.urandom(16).hex().encode(), None)
        return known

    def _change(self, name: str, change: Callable[[Any], Any], default: Any) -> Any:
        """Replace a small object by what `change` makes of it, while others change it as well."""
        self._check_may_change()
        for _ in self._tries(name):
            present, tag = self._object(name, default)
            changed = change(present)
            if self.write(name, packed(changed), tag) is not None:
                return changed
        return None

    def _tries(self, name: str) -> Iterator[None]:
        """Attempts to change what others change as well, with pauses in between."""
        ends, pause = time.monotonic() + self.patience, 0.0
        for number in count(1):
            yield
            if number >= _LEAST_TRIES and time.monotonic() >= ends:
                raise MetadataBusyError(
                    f"{name!r} of {self!r} could not be changed within {self.patience:g} s, since "
                    "others change it all the time, or each change is refused: try again, and see "
                    "what `beautyspot doctor` says"
                )
            from random import uniform  # a start needs none

            time.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - so that two part
            pause = min(2 * pause + 0.001, 0.5)

    def _object(self, name: str, default: Any) -> tuple[Any, Tag]:
        found = self.read(name)
        if found is None:
            return default, None
        return object_in(found[0], default), found[1]

    def _check_may_change(self) -> None:
        if self.looks:
            raise NotSupportedError("the store was opened to look at it, and is not changed")

    # ---------------------------------------------------------------------------- the results

    def _row(self, key: str) -> RowFound:
        found = self.read(f"r/{key}")
        return RowFound() if found is None else row_in(key, *found)

    def _head(self, key: str) -> RowFound:
        """The same, though its data are not needed, and mostly are not read."""
        found = self.read_head(f"r/{key}", HEAD)
        if found is None:
            return RowFound()
        is_whole = len(found[0]) != HEAD
        row = row_in(key, *found, whole=is_whole)
        is_longer = row.record is None and not row.dead and not is_whole
        return self._row(key) if is_longer else row

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        record = self._row(key).record
        return None if record is None else _used(record, self._object(f"u/{key[:1]}", {})[0])

    def find(self, key: str) -> Plain | Entry | None:
        """Of the row alone; see the base class."""
        record = self._row(key).record
        return None if record is None else found_in(record)

    def find_many(self, keys: Collection[str]) -> dict[str, Plain | Entry]:
        """See the base class."""
        found = zip(keys, self.each(self.find, keys), strict=True)
        return {key: answer for key, answer in found if answer is not None}

    def begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """The counter and the leases, and the rows after these; see the base class."""
        self._check_may_change()
        mine = {key for key in keys if (key, token) in self._tags}
        asked: list[Callable[[], Any]] = [self._covers]
        asked += [partial(self._lease, key, token) for key in keys]
        covers, *leases = self.each(call, asked)
        rows = self.each(self._row, keys)  # the last holder may have stored one before it let go
        found, leased, needless = dict[str, "Plain | Entry"](), list[str](), list[str]()
        for key, has_lease, row in zip(keys, leases, rows, strict=True):
            if row.record is not None and not is_rejected(row.record, key, rejected):
                found[key] = found_in(row.record)
                if has_lease and key not in mine:  # else it is of a run that is under way
                    needless.append(key)
            elif has_lease:
                leased.append(key)
        self.release(needless, token)
        return Begun(found, leased, int(covers["n"]), self.now())

    def put(self, rows: Sequence[Put]) -> set[str]:
        """See the base class; the covers are read twice for all of them."""
        self._check_may_change()
        asked: list[Callable[[], Any]] = [self._covers]
        covers, *heads = self.each(
            call, asked + [partial(self._head, put.record.cache_key) for put in rows]
        )
        pairs = list(zip(rows, heads, strict=True))
        written = self.each(lambda pair: self._written(*pair, covers), pairs)
        after, *_ = self.each(call, asked + [partial(self._end, put) for put in rows if put.token])
        refused, late = set[str](), dict[str, tuple[Tag, int]]()
        for put, row in zip(rows, written, strict=True):
            if row is None:
                refused.add(put.record.cache_key)
            elif _is_invalid(put.covers, row[2], after):
                late[put.record.cache_key] = row[:2]
                if put.record.began_at is not None:  # else it was put, and invalidated then
                    refused.add(put.record.cache_key)
        self.each(lambda key: self._take_out(f"r/{key}", *late[key]), late)
        return refused

    def _end(self, put: Put) -> None:
        """Release its lease; one that can't be released falls by itself, and the row is stored."""
        with suppress(Exception):
            self.release([put.record.cache_key], put.token)

    def _take_out(self, name: str, tag: Tag, dead: int) -> bool:
        """Remove a row; the number of an invalidation that it has with it takes its place again."""
        if dead:
            return self.write(name, row_data(None, dead=dead), tag) is not None
        return self.remove(name, tag)

    def _written(
        self, put: Put, row: RowFound, covers: dict[str, Any]
    ) -> tuple[Tag, int, int] | None:
        """The tag of a row that was written, its `dead` and its `since`; None where it is refused.

        Args:
            put: what is written.
            row: what lies in its place.
            covers: the covers, as they were read before that.
        """
        record, since = put.record, put.since
        is_set = record.began_at is None
        if is_set:
            record, since = record._replace(began_at=self.now()), int(covers["n"])
        name = f"r/{record.cache_key}"
        if _is_invalid(put.covers, since, covers):
            # A put before this one may have failed behind its write.
            if row.record is not None and _is_invalid(covers_of(row.record), row.since, covers):
                self._take_out(name, row.tag, row.dead)
            return None
        for _ in self._tries(name):
            now = self.now() + self.clock_error  # after the look: what it saw was made before
            is_late = row.record is not None and is_newer(row.record, record, now)
            if not is_set and (is_late or row.dead > since):
                return None
            since = max(since, row.dead)  # of what is set, which comes after that
            tag = self.write(name, row_data(record, since, row.dead), row.tag)
            if tag is not None:
                return tag, row.dead, since
            row = self._head(record.cache_key)
        return None

    def delete(self, rows: Mapping[str, float | None]) -> set[str]:
        """One by one; see the base class."""
        self._check_may_change()

        def is_gone(key: str) -> bool:
            row = self._head(key)
            if row.record is None or row.record.made_at != rows[key]:
                return False
            return self._take_out(f"r/{key}", row.tag, row.dead)

        return {key for key, gone in zip(rows, self.each(is_gone, rows), strict=True) if gone}

    def rows(self, after: str = "", limit: int = 500, *, data: bool = False) -> list[TaskRecord]:
        """Name by name; see the base class."""
        read = self._row if data else self._head
        found: list[TaskRecord] = []
        names = self._all_names("r/", f"r/{after}", limit)
        while page := list(islice(names, limit - len(found))):
            records = [row.record for row in self.each(lambda name: read(name[2:]), page)]
            found += [record for record in records if record is not None]
        shards = sorted({record.cache_key[:1] for record in found})
        uses = self.each(lambda shard: self._object(f"u/{shard}", {})[0], shards)
        used = {key: when for shard in uses for key, when in shard.items()}
        listed = [_used(record, used) for record in found]
        return listed if data else [record._replace(result_data=None) for record in listed]

    def _all_names(self, prefix: str, after: str, page: int = _PAGE) -> Iterator[str]:
        """All names that begin with `prefix` and come after `after`."""
        while names := self.names(prefix, after, page):
            if names[0] <= after:
                raise MetadataError(f"{self!r}.names gave {names[0]!r} as a name after {after!r}")
            yield from names
            after = names[-1]

    # ------------------------------------------------------------------------------- leases

    def _lease(self, key: str, token: str, *, again: bool = False) -> bool:
        """Have a token lease a key, or lease it again if it still does; whether it does now."""
        name, now = f"l/{key}", self.now()
        lease = packed({"token": token, "until": now + self.lease_time})
        known = self._tags.get((key, token))
        tag = None if again and known is None else self.write(name, lease, known)
        if tag is None:
            present, there = self._object(name, {})
            is_over = not again and present.get("until", 0.0) <= now
            if is_over or present.get("token") == token:
                tag = self.write(name, lease, there)
        if tag is not None:
            self._tags[key, token] = tag
        return tag is not None

    def renew(self, keys: Collection[str], token: str) -> set[str]:
        """See the base class."""
        renewed = self.each(lambda key: self._lease(key, token, again=True), keys)
        return {key for key, is_renewed in zip(keys, renewed, strict=True) if not is_renewed}

    def release(self, keys: Collection[str], token: str) -> None:
        """See the base class."""

        def end(key: str) -> None:
            tag = self._tags.pop((key, token), None)
            if tag is None or not self.remove(f"l/{key}", tag):
                present, tag = self._object(f"l/{key}", {})
                if present.get("token") == token:  # the answer to its renewal was lost
                    self.remove(f"l/{key}", tag)

        self.each(end, keys)

    # -------------------------------------------------------------------------- invalidations

    def _covers(self) -> dict[str, Any]:
        found: dict[str, Any] = self._object("covers", _NO_COVERS)[0]
        return found

    def note(self, cover: str) -> TaskRecord | None:
        """Raise the counter; the number of a key takes the place of its row; see the base class."""
        now = int(self.now() * 1e6)
        of_key = cover.startswith(KEY)

        def noted(covers: dict[str, Any]) -> dict[str, Any]:
            number = max(int(covers["n"]) + 1, now)
            more = {} if of_key else {cover: number}
            return {"n": number, "of": {**covers["of"], **more}}

        number = self._change("covers", noted, _NO_COVERS)["n"]
        key = cover.removeprefix(KEY)
        for _ in self._tries(f"r/{key}") if of_key else ():
            row = self._row(key)
            if row.dead >= number:
                break
            # That of a run that began after this stays, and the number lies below it.
            stays = row.record if row.since >= number else None
            if self.write(f"r/{key}", row_data(stays, row.since, number), row.tag) is not None:
                return row.record if stays is None else None
        return None

    # ------------------------------------------------------------------------ uses and counts

    def touch(self, used: Mapping[str, float]) -> None:
        """By shards of the keys' first digits, for a year; see the base class."""
        oldest = self.now() - _YEAR

        def add(shard: str) -> None:
            news = {key: when for key, when in used.items() if key[:1] == shard}
            self._change(
                f"u/{shard}",
                lambda there: {k: when for k, when in {**there, **news}.items() if when > oldest},
                {},
            )

        self.each(add, sorted({key[:1] for key in used}))

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """One object for each hour; see the base class."""
        news = list(counts)
        for hour in {each.hour for each in news}:

            def added(present: dict[str, list[float]], hour: int = hour) -> dict[str, Any]:
                changed = dict(present)
                for name, _, *more in filter(lambda each: each.hour == hour, news):
                    before = [*changed.get(name, ()), *[0] * len(more)]
                    changed[name] = [was + each for was, each in zip(before, more, strict=False)]
                return changed

            self._change(f"n/{hour:010}", added, {})

    def counts(
        self, *, func_identifier: str | None = None, since: int | None = None
    ) -> Iterator[Counts]:
        """See the base class."""
        names = list(self._all_names("n/", f"n/{since - 1:010}" if since else "n/"))
        found = self.each(lambda name: self._object(name, {})[0], names)
        for name, by_function in zip(names, found, strict=True):
            for identifier, sums in by_function.items():
                if func_identifier in (None, identifier):
                    yield Counts(identifier, int(name[2:]), *sums[: len(Counts._fields) - 2])

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In one object; see the base class."""
        self._change("remarks", lambda present: {**present, **remarks}, {})

    def remarks(self) -> Mapping[str, str]:
        """See the base class."""
        found: dict[str, str] = self._object("remarks", {})[0]
        return found

    # ------------------------------------------------------------------------------- sweeping

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Old markers and covers, leases that are over, rows that were invalidated all the same."""
        if not dry_run:
            self._check_may_change()
        now, covers = self.now(), self._covers()
        forgotten = int((now - max(older_than, REMEMBERED)) * 1e6)

        def is_swept(name: str) -> bool:
            if name.startswith("l/"):
                lease, tag = self._object(name, {})
                is_over, dead = float(lease.get("until", 0.0)) + older_than < now, 0
            else:
                record, since, dead, tag = self._head(name[2:])
                if record is not None:
                    is_over = _is_invalid(covers_of(record), since, covers)
                else:
                    is_over, dead = 0 < dead < forgotten, 0
            return is_over and (dry_run or self._take_out(name, tag, dead))

        swept, names = 0, chain(self._all_names("l/", "l/"), self._all_names("r/", "r/"))
        while page := list(islice(names, _PAGE)):
            swept += sum(self.each(is_swept, page))
        old = [cover for cover, number in covers["of"].items() if number < forgotten]
        if old and not dry_run:
            self._change("covers", partial(_without, old), _NO_COVERS)
        return swept + len(old)


def _is_invalid(names: Iterable[str], since: int, covers: dict[str, Any]) -> bool:
    """Whether one of these covers was noted after `since`."""
    return any(covers["of"].get(name, 0) > since for name in names)


def _used(record: TaskRecord, uses: dict[str, float]) -> TaskRecord:
    """A record with its last use, unless that is of a row before it; of a copy it is in its row."""
    when = uses.get(record.cache_key)
    if when is None or when < max(record.made_at or 0.0, record.used_at or 0.0):
        return record
    return record._replace(used_at=when)


def _without(old: Collection[str], covers: dict[str, Any]) -> dict[str, Any]:
    left = {cover: number for cover, number in covers["of"].items() if cover not in old}
    return {**covers, "of": left}
