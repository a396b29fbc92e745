"""Look results up and save them: this joins the metadata store, the storage and the serializer.

A failure of ours is not raised (unless the reporter is `strict`): a look-up that fails is a miss,
and a save that fails is reported. The digest of every result is checked before its bytes are
restored, so that damage is a miss as well.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from beautyspot.concurrency import locks
from beautyspot.contracts import DIRECT_BLOB, entry_of, in_full, is_newer
from beautyspot.errors import (
    BlobNotFound,
    MetadataBusyError,
    MetadataError,
    RestoreError,
    SchemaError,
    SerializationError,
    StorageError,
)
from beautyspot.resilience.health import Health
from beautyspot.resilience.reporting import STORING
from beautyspot.resilience.store_clock import StoreClock
from beautyspot.results.edits import compare_code
from beautyspot.results.finding import Finding, replaced
from beautyspot.results.known import NOTHING
from beautyspot.results.retry import Unsaved
from beautyspot.results.rows import Rows
from beautyspot.results.validity import (
    ELSEWHERE,
    MISSING,
    has_expired,
    outlived,
)
from beautyspot.serialization.file_data import FILE_CODEC, FileData
from beautyspot.serialization.payload import OtherFields, Payload, StoredError, TooLarge, is_error
from beautyspot.serialization.trust import is_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import Data, Entry, TaskRecord
    from beautyspot.observing import Reason, Refusal
    from beautyspot.results.invalidations import Moment
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.task import Call, Task


class NoRoomError(MetadataError):
    """A result can't be stored, and too many wait: a cause of its own, for it is lost."""


class Renamed(Protocol):
    """What finds the results of a function under its earlier names: `results.renamed`."""

    def recall_earlier(self, cache: Cache, call: Call, *, stale: bool) -> Any:
        """The value that is stored for the call under an earlier name, or `MISSING`."""
        ...

    def forget_earlier(self, cache: Cache, call: Call) -> None:
        """Remove what a new result of the call replaces."""
        ...


class CountFirst(Protocol):
    """Writes what was counted."""

    def __call__(self, *, wait: bool) -> object:
        """With `wait` also where another thread does so just now."""


class Cache(Rows):
    """The results of one Spot.

    Attributes:
        health: the breakers of the metadata store and the storage.
        finding: what asks the metadata store for entries.
        invalidations: what was invalidated, for the calls that are under way.
        renamed: what looks under earlier names; None as long as no function has any.
        waiting: the rows that are yet to be written, by key: queued, or kept since a save failed.
        unsaved: the rows that were kept, which are tried again.
        count_first: has what was spent counted, before a result with a price is stored.
    """

    def __init__(
        self,
        placement: Placement,
        *,
        clock: Callable[[], float] | None = None,
        signing_keys: SigningKeys | None = None,
        unsaved: Unsaved | None = None,
    ) -> None:
        super().__init__(placement.reporter, clock or placement.metadata.clock, signing_keys)
        self.placement = placement
        self.metadata = placement.metadata
        self.storage = placement.storage
        self.health = placement.health
        self.invalidations = placement.invalidations
        self.unsaved = Unsaved(placement) if unsaved is None else unsaved
        self.waiting = self.unsaved.waiting
        self.renamed: Renamed | None = None
        self.count_first: CountFirst | None = None
        self.finding = Finding(self.metadata, self.health.reads)

    def latest(self) -> float:
        """The time, by which what is stored wins over all that has begun by now."""
        clock = self.clock
        return clock.latest() if isinstance(clock, StoreClock) else clock()

    def for_the_user(self) -> Cache:
        """The same behind fresh breakers: what a user asks for is tried, whatever failed before."""
        self.health.loads.insist()  # a storage that could not be made yet is tried once more
        made = Cache(
            self.placement.behind(Health(self.reporter)),
            clock=self.clock,
            signing_keys=self.signing_keys,
            unsaved=self.unsaved,
        )
        made.renamed = self.renamed
        return made

    # ------------------------------------------------------------------------------- look up

    def recall(self, call: Call, *, in_place: bool = False, stale: bool = False) -> Any:
        """The value that is stored for the call, or `MISSING`; an error as a `StoredError`.

        With `in_place`, `ELSEWHERE` where reading it would block. With `stale`, an expired value
        is as good as another, for as long as the mark's `stale` says; then the call is `stale`.
        """
        task, entry = call.task, None
        try:
            entry = self._first_found(call) or self.find(call.key, patient=not in_place)
            if entry is None or entry is NOTHING:
                return self._recall_earlier(call, in_place=in_place, stale=stale)
            call.replaces = entry.result_value
            unfit = self.unfit(call, entry, stale=stale)
            if unfit is not None:
                call.why = call.why or unfit
                return MISSING
            if in_place and entry.result_type != DIRECT_BLOB:
                return ELSEWHERE
            entry, value = self._with_value(call, entry)
        except MetadataBusyError as error:
            if in_place:
                return ELSEWHERE
            call.why = call.why or "store failed"
            return self.report_miss(task, error)
        except BlobNotFound:
            call.why = call.why or "blob gone"
            return MISSING  # a row that points nowhere is a miss, and the next save mends it
        except Exception as error:
            unread = entry is None or isinstance(error, StorageError)
            call.why = call.why or ("store failed" if unread else "damaged")
            return self.report_miss(task, error)
        call.stale = stale and not self.is_fresh(task, entry)
        return self._noted(call, entry, value)

    def _first_found(self, call: Call) -> Entry | None:
        """What a first look-up found, which counts once.

        Raises:
            Exception: that look-up failed.
        """
        found, call.found = call.found, None
        if isinstance(found, Exception):
            try:
                raise found
            finally:
                del found  # it refers to this frame: a cycle for the collector
        return None if found is None else in_full(found)

    def _recall_earlier(self, call: Call, *, in_place: bool, stale: bool) -> Any:
        if not call.task.addressing.earlier or call.refresh or self.renamed is None:
            return MISSING
        return ELSEWHERE if in_place else self.renamed.recall_earlier(self, call, stale=stale)

    def _with_value(self, call: Call, entry: Entry) -> tuple[Entry, Any]:
        try:
            return entry, self._restored(call.task, call.key, entry)
        except BlobNotFound:
            newer = replaced(self.metadata, call.key, entry)
            if self.unfit(call, newer) is not None:
                raise
            call.replaces = newer.result_value
            return newer, self._restored(call.task, call.key, newer)

    def _restored(self, task: Task, key: str, entry: Entry) -> Any:
        """The same as `restore`, but an error is returned, or `MISSING` if nobody knows it."""
        try:
            return self.restore(task, key, entry)
        except StoredError as stored:
            return MISSING if stored.error is None else stored.with_traceback(None)

    def _noted(self, call: Call, entry: Entry, value: Any) -> Any:
        """A value that was found, once the call knows what of its entry counts for a hit."""
        if value is MISSING:
            return MISSING
        # Of what this process makes anew, or has made, the row in the store may be an older one.
        if call.task.to_compare and not call.refresh and call.key not in self.waiting:
            compare_code(call, self.metadata, self.reporter)
        took = entry.took
        call.saves = took if isinstance(took, int | float) else 0.0  # a stranger's may be anything
        call.spares = entry.price if isinstance(entry.price, int | float) else 0.0
        data = entry.result_data
        call.found_as = entry.made_at, entry.price, None if data is None else len(data)
        return value

    def find(self, key: str, *, patient: bool = True) -> Entry | None:
        """The entry of `key`, be it in the store or on its way there.

        Raises:
            MetadataError: the store failed; `MetadataBusyError` where it is locked, and stays so.
        """
        if self.waiting and (record := self.waiting.get(key)) is not None:
            self.unsaved.try_later()
            return entry_of(record)
        found = self.finding.find(key) if patient else self.metadata.find(key)
        return None if found is None else in_full(found)

    def unfit(self, call: Call, entry: Entry, *, stale: bool = False) -> Reason | None:
        """Why an entry is too old to answer a call; None where it is not.

        With `stale` it may have expired, unless it is an error, for as long as the mark's `stale`
        says, but not be over what the call's block allows.
        """
        if not (self.is_fresh(call.task, entry) or (stale and self._is_given(call.task, entry))):
            return "expired"
        old = call.max_age
        if old is not None and outlived(self.clock(), entry.made_at or 0.0, old):
            return "too old"
        return None

    def _is_given(self, task: Task, entry: Entry) -> bool:
        if is_error(entry.serializer):
            return False
        return task.stale is None or self.is_fresh(task, entry, grace=task.stale)

    def is_fresh(self, task: Task, entry: Entry, *, grace: float = 0.0) -> bool:
        """Whether it has yet to expire: by its own expiry and by the function's present `ttl`.

        With `grace`, whether it had so many seconds ago.
        """
        ttl = task.error_terms.ttl if is_error(entry.serializer) else task.ttl
        if entry.expires_at is None and ttl is None:
            return True
        now = self.clock()
        ends = entry.expires_at
        if ends is not None and has_expired(now, entry.made_at, ends + grace):
            return False
        return ttl is None or not outlived(now, entry.made_at or 0.0, ttl + grace)

    def is_renewed(self, call: Call, record: TaskRecord) -> bool:
        """Whether a look-up finds this row, or one of a later call; not where that fails."""
        try:
            found = self.find(call.key)
        except Exception as error:
            self.report_miss(call.task, error)
            return False
        if found is None:
            return False
        return found.made_at == record.made_at or is_newer(found, record, self.clock())

    def restore(self, task: Task, key: str, entry: Entry) -> Any:
        """The value of an entry, checked.

        Raises:
            StoredError: it is no value, but an error that the function raised.
            RestoreError: damaged, or stored by another serializer or kind of function.
            StorageError: the blob could not be read.
        """
        form = task.form if is_private(self.metadata.real, entry) else task.form.of_others
        codec, owned = entry.serializer, False
        data: Data | None = entry.result_data
        if codec is not None and entry.result_type != DIRECT_BLOB:
            if codec.startswith(FILE_CODEC) and not form.streams:
                from beautyspot.results import file_results

                begin = self.beginning(key, codec, entry.made_at, entry.expires_at)
                return file_results.restore(self.placement, entry, codec, begin)
            owned = form.takes_over(codec)
            if owned and form.maps:
                data = self._mapped(key, codec, entry)
                if data is not None:
                    return form.restore(Payload(data, codec, owned))
            data = self.load(entry, writable=owned)
        if codec is None or data is None:
            raise RestoreError(f"the row {key} names no data; it is computed again")
        payload = Payload(data, codec, owned)
        self.check(key, entry, payload)
        if is_error(codec):
            raise StoredError(task.restore_error(payload, form))
        return form.restore(payload)

    def _mapped(self, key: str, codec: str, entry: Entry) -> Data | None:
        """The bytes of a blob mapped and checked; None where they have to be read.

        Raises:
            StorageError, RestoreError: it is not there, or damaged.
        """
        from beautyspot.results import mapping

        begin = self.beginning(key, codec, entry.made_at, entry.expires_at)
        return mapping.mapped(self.placement, entry, begin)

    def load(self, entry: Entry, *, writable: bool) -> Data:
        """The bytes of a blob.

        Raises:
            StorageError, RestoreError: it could not be read, or there is no storage.
        """
        storage = self.storage()
        if storage is None or entry.result_value is None:
            raise RestoreError("the result is a blob, and the Spot has no storage to read it from")
        return storage.load(entry.result_value, writable=writable)

    def report_miss(self, task: Task, error: Exception) -> Any:
        """Say that a look-up failed; `MISSING`."""
        if isinstance(error, OtherFields):  # the program was changed, and nothing has failed
            about = f"fields {task.func_identifier} {error}"
            told = f"{task.func_identifier}: {error}. Results that were stored before are made anew"
            self.reporter.once(about, told)
            return MISSING
        advice = "The function runs instead, and nothing is lost"
        if isinstance(error, RestoreError):
            advice = "The function runs instead, and its result replaces what is stored"
        self.reporter.report("look up", task.func_identifier, error, advice)
        return MISSING

    def whereabouts(self, location: str | None) -> str | None:
        """Where a person finds the blob that a row names, as a path or URL."""
        storage = self.storage() if location is not None else None
        return None if storage is None or location is None else storage.whereabouts(location)

    # ---------------------------------------------------------------------------------- save

    def save(self, call: Call, record: TaskRecord, *, later: bool = False) -> bool:
        """Write one result, its blob first; whether it is stored now. `later` than its call."""
        began = perf_counter()
        if record.price:  # else a call each time, for nothing
            self.count_paid([record], later=later)
        if len(self.unsaved):  # to ask `locks.inside` would cost each miss a tenth
            self.unsaved.give_way(record, wait=not locks.inside())
        try:
            record = self.placed(call.task, record)
            is_stored = self.placement.put(record, call.since)
        except Exception as error:
            self.keep(call, record, error)
            return False
        self.unsaved.try_later()
        if is_stored:
            self.let_go(call)
            self.placement.tell_stored(record, perf_counter() - began, later=later)
        return is_stored

    def count_paid(self, records: Iterable[TaskRecord], *, later: bool) -> None:
        """Have counted what was spent, before a result with a price is stored."""
        if self.count_first is not None and any(record.price for record in records):
            self.count_first(wait=later or not locks.inside())

    def placed(self, task: Task, record: TaskRecord) -> TaskRecord:
        """The row of a result, once its data are where they belong.

        Raises:
            SerializationError, StorageError: a `File` could not be stored.
            MetadataError: the store can't say its ID.
        """
        data: object = record.result_data
        if isinstance(data, FileData):
            from beautyspot.results import file_results

            made, expires = record.made_at, record.expires_at
            begin = self.beginning(record.cache_key, data.codec, made, expires)
            record = file_results.store(self.placement, task, record, data, begin)
        return self.placement.place(task, record)

    def let_go(self, call: Call) -> None:
        """Remove what a result replaces that is stored now: a blob, and results of other keys."""
        call.is_stored = call.task.counted.has_stored = True
        self.placement.discard(call.key, call.replaces)
        if call.task.addressing.earlier and self.renamed is not None:
            self.renamed.forget_earlier(self, call)

    def keep(self, call: Call, record: TaskRecord, error: Exception) -> None:
        """Keep in memory what could not be stored, and say so; or that there is no room for it."""
        if isinstance(error, SerializationError):
            advice = "The value is returned, and not cached"
            self.reporter.report(STORING, call.task.func_identifier, error, advice)
            by: Refusal = "too large" if isinstance(error, TooLarge) else "serializer"
            self.reporter.observers.refused(call.task.func_identifier, call.key, by)
            return
        never = self.reporter.strict or isinstance(error, SchemaError)
        never = never or isinstance(record.result_data, FileData)  # it may be gone by then
        kept = not never and self.unsaved.add(call.task, record, call.since)
        if not (kept or never):
            error = NoRoomError(f"{error} Too many results wait in memory already")
        self.placement.report_unsaved(call.task, error, kept=kept)

    def moment(self, call: Call, *, in_place: bool = False) -> Moment | None:
        """When a call begins, for what is invalidated from then on.

        With `in_place`, None where it would block. A store that fails may have been told anything:
        then the call counts as one that began before all of that.
        """
        try:
            return self.invalidations.now()
        except MetadataBusyError as error:
            if in_place:
                return None
            self.report_miss(call.task, error)
        except Exception as error:
            self.report_miss(call.task, error)
        return self.invalidations.unknown()

    def was_invalidated(self, call: Call, since: Moment, now: Moment) -> bool:
        """Whether the result of a call was invalidated between two moments; so where unknown."""
        try:
            return self.invalidations.cover(self.identity(call), since, now)
        except Exception as error:
            self.report_miss(call.task, error)
            return True

    def forget(self, key: str) -> bool:
        """Remove the result of `key`, row first; whether there was one.

        Raises:
            MetadataError: the row could not be removed.
        """
        kept = self.unsaved.drop(key, wait=not locks.inside())
        found = self.metadata.find(key)
        gone = self.metadata.delete(key) or kept
        if found is not None:
            self.placement.discard(key, in_full(found).result_value)
        return gone
