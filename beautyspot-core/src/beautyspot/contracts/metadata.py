"""The contract of a metadata store, and the records that it keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

DIRECT_BLOB: Final = "DIRECT_BLOB"
"""`TaskRecord.result_type` of a result whose bytes stand in the row."""

FILE: Final = "FILE"
"""`TaskRecord.result_type` of a result whose bytes are in the blob storage."""


class TaskRecord(NamedTuple):
    """One row of the table `tasks`: a finished call and where its result is.

    The first nine fields are the specification's. Times in seconds are Unix time, UTC. Later
    releases add fields at the end, with defaults: a store may keep them or leave them out.
    """

    cache_key: str
    func_name: str
    input_id: str
    version: str | None = None
    result_type: str = DIRECT_BLOB
    content_type: str | None = None
    result_value: str | None = None  # the location in the storage; only FILE
    result_data: bytes | None = None  # only DIRECT_BLOB
    updated_at: str | None = None  # last execution, "YYYY-MM-DD HH:MM:SS[.ffffff]" in UTC
    func_identifier: str | None = None  # "module:qualified.name", or the name given to `mark`
    key_scheme: int | None = None  # None: a row of an earlier release, listed but never hit
    serializer: str | None = None
    digest: bytes | None = None  # of key, serializer and data: finds what was damaged or swapped
    size: int | None = None  # of the data, in bytes
    arg_digests: str | None = None  # JSON object: argument name -> short digest
    tags: tuple[str, ...] = ()
    made_at: float | None = None  # `updated_at` as a number
    took: float | None = None  # seconds that the user's function ran
    expires_at: float | None = None
    used_at: float | None = None  # last hit, at most an hour behind
    code: str | None = None  # of the function: digests of its source and of its file, "0f…:a1…"


class Entry(NamedTuple):
    """The part of a `TaskRecord` that a hit needs, and not a column more."""

    result_type: str
    result_value: str | None
    result_data: bytes | None
    serializer: str | None
    digest: bytes | None
    made_at: float | None
    expires_at: float | None
    took: float | None


Plain = tuple[bytes, bytes | None, float | None, float | None, str | None]
"""`result_data`, `digest`, `took`, `made_at`, `serializer` of a result that never expires.

Its bytes lie in its record, and `expires_at` is None. A
bare tuple and no named one, since it is made at every hit: ``type(found) is tuple`` tells.
"""


def entry_of(record: TaskRecord) -> Entry:
    """The `Entry` of a record."""
    return Entry(*[getattr(record, field) for field in Entry._fields])


def found_in(record: TaskRecord) -> Plain | Entry:
    """What `find` gives for a record."""
    data = record.result_data
    if data is None or record.expires_at is not None:
        return entry_of(record)
    return data, record.digest, record.took, record.made_at, record.serializer


def in_full(found: Plain | Entry) -> Entry:
    """The `Entry` that `Plain` is short for; an `Entry` as it is."""
    if isinstance(found, Entry):
        return found
    data, digest, took, made_at, serializer = found
    return Entry(DIRECT_BLOB, None, data, serializer, digest, made_at, None, took)


class Invalidation(NamedTuple):
    """What was invalidated: the results that match all that is given here; None matches any."""

    cache_key: str | None = None
    func_identifier: str | None = None
    version: str | None = None
    tag: str | None = None

    def covers(self, record: TaskRecord) -> bool:
        """Whether the result of `record` is one of these."""
        return (
            self.cache_key in (None, record.cache_key)
            and self.func_identifier in (None, record.func_identifier)
            and self.version in (None, record.version)
            and (self.tag is None or self.tag in record.tags)
        )


class Totals(NamedTuple):
    """How much a metadata store holds."""

    entries: int
    size: int  # of all results' data, in bytes, wherever it is


class Lease(ABC):
    """The right to be the only caller that computes a key, until it is released."""

    @abstractmethod
    def release(self) -> None:
        """Let another caller have the lease. A second call does nothing."""


class MetadataStoreBase(Backend):
    """Keeps one `TaskRecord` for each key.

    Errors: every failure is a `MetadataError`, and a `MetadataBusyError` if the same call may
    succeed in a moment. Operations are atomic: a reader finds the old record, the new one or none.
    """

    leases: ClassVar[bool] = False
    """True if `try_lease` works, and excludes other processes that use the same store."""

    invalidations: ClassVar[bool] = False
    """True if `note_invalidation`, `generation` and `invalidated_since` work, for all processes."""

    memory_age: float = 0.0
    """Seconds, at most, for which `find` may return what another process has replaced.

    0.0 if `find` asks the store each time. A store that answers from its own memory states the
    greatest age that such an answer can have.
    """

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

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """The entries of those keys that have a record; a store may ask for many at once."""
        found = {key: self.find(key) for key in keys}
        return {key: in_full(answer) for key, answer in found.items() if answer is not None}

    def totals(self) -> Totals:
        """How much is stored; records of earlier releases have no size, and count as 0 bytes."""
        sizes = [record.size or 0 for record in self.scan()]
        return Totals(len(sizes), sum(sizes))

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Insert several records, in one transaction if the store has transactions."""
        for record in records:
            self.put(record)

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at` of the records of these keys; a key without a record is skipped."""
        for key, when in used.items():
            record = self.get(key)
            if record is not None:
                self.put(record._replace(used_at=when))

    def try_lease(self, key: str) -> Lease | None:
        """The lease of `key`, or None while another caller holds it. Returns at once.

        The lease excludes every other holder on the same store: other processes, and other
        instances of this class in the same process. It ends when its process dies.

        Raises:
            NotSupportedError: the store has no leases (`leases` is False).
        """
        raise NotSupportedError(f"the metadata store {self.name!r} has no leases ({key})")

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        """Tell other processes what this one waits for, and be told what they wait for.

        Args:
            waits: by key that a call waits to lease: the keys whose leases this process holds, and
                whose calls go on only after that. It takes the place of what was told before, and
                ends with the process.

        Returns:
            The same of all others. Without it, which is the default, calls of several processes
            that wait for each other stand still until `wait_timeout`.
        """
        del waits
        return {}

    def lease_holder(self, key: str) -> str:
        """Who holds the lease of `key`, for people, as "process 4711"; "" where that is unknown."""
        del key
        return ""

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
        """`put` a record, unless it was invalidated since that generation; whether it was put.

        A store with transactions looks and inserts in one. What is made here of the methods above
        does not: where a record is invalidated in between, readers may find it for a moment.
        """
        if self._was_invalidated(record, since):
            return False
        self.put(record)
        return not self._remove_invalidated(record, since)

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """`put_many` those records that were not invalidated since the generations beside them.

        Returns:
            The keys of the others.
        """
        rows = list(rows)
        valid = [
            (record, since) for record, since in rows if not self._was_invalidated(record, since)
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

    def _was_invalidated(self, record: TaskRecord, generation: int) -> bool:
        if self.generation() == generation:
            return False
        return any(what.covers(record) for what in self.invalidated_since(generation))
