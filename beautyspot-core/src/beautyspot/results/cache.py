"""The results of one Spot: this joins the metadata store, the storage and the serializer.

A failure of ours is not raised (unless the reporter is `strict`): a look-up that fails is a miss,
and a save that fails is reported. The digest of every result is checked before its bytes are
restored, so that damage is a miss as well.
"""

from __future__ import annotations

from copy import copy
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import DIRECT_BLOB, Selection, entry_of, in_full
from beautyspot.contracts.records import as_time, cover_of, is_copied
from beautyspot.contracts.store import PAGE, listed
from beautyspot.errors import BlobNotFound, MetadataBusyError, RestoreError, StorageError
from beautyspot.results.differences import compare_code
from beautyspot.results.leases import Leases
from beautyspot.results.saving import Saver
from beautyspot.results.validity import ELSEWHERE, MISSING, check_digests, has_expired
from beautyspot.results.writer import Writer
from beautyspot.serialization.payload import ERROR, FILE_CODEC, OtherFields, Payload, StoredError
from beautyspot.serialization.trust import is_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Entry, Invalidation, TaskRecord
    from beautyspot.observing import Reason
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.form import ResultForm
    from beautyspot.tasks.task import Call, Task


class Cache:
    """The results of one Spot.

    Attributes:
        placement: where the bytes of a result go.
        reporter: is told what fails.
        signer: the signing keys, or `UNSIGNED`, whose digests find accidents only.
        store: the metadata store, behind its breaker.
        storage: gives the storage, behind its breaker.
        leases: the keys that this Spot holds, and waits for.
        saver: writes and removes results.
        writer: has the results that are yet to be written.
        on_invalidated: called once the store refuses what an invalidation covers.
    """

    def __init__(self, placement: Placement) -> None:
        self.placement, self.reporter, self.signer = placement, placement.reporter, placement.signer
        self.store = placement.store
        self.storage = placement.storage
        self.leases = Leases(placement.store, placement.reporter.spot)
        self.saver = Saver(placement, self.leases)
        self.writer = Writer(self.saver)
        self.on_invalidated: Callable[[Invalidation], object] | None = None

    def insist(self) -> None:
        """Have what a user asks for tried, whatever has failed before."""
        self.store.breaker.insist()
        self.storage.breaker.insist()

    def reset_after_fork(self) -> None:
        """Threads, leases and queued results stayed in the parent."""
        self.store.reset_after_fork()
        self.storage.breaker.reset_after_fork()
        self.leases.reset_after_fork()
        self.writer.reset_after_fork()

    # ------------------------------------------------------------------------------- look up

    def recall(self, call: Call, *, in_place: bool = False, stale: bool = False) -> Any:
        """The value that is stored for the call, or `MISSING`; an error as a `StoredError`.

        With `in_place`, `ELSEWHERE` where reading it would block. With `stale`, an expired value
        is as good as another, for as long as the mark's `stale` says; then the call is `stale`.
        """
        try:
            found, call.found = call.found, None
            if isinstance(found, Exception):
                raise found
            entry = self.find(call.key, patient=not in_place) if found is None else in_full(found)
        except MetadataBusyError as error:
            return ELSEWHERE if in_place else self._failed(call, error)
        except Exception as error:
            return self._failed(call, error)
        if entry is not None:
            value = self.taken(call, entry, in_place=in_place, stale=stale)
            is_hit = value is not MISSING and value is not ELSEWHERE
            # Of what this process has made, the row in the store may be an older one.
            if is_hit and call.task.to_compare and call.key not in self.writer.pending:
                compare_code(call, found, self.store, self.reporter)
            return value
        if not call.task.addressing.earlier or call.refresh:
            return MISSING
        return ELSEWHERE if in_place else self._recall_earlier(call, stale=stale)

    def _recall_earlier(self, call: Call, *, stale: bool) -> Any:
        """The same under the identifiers that the function had before, ``mark(renamed_from=)``."""
        for key in call.task.addressing.earlier_keys(call):
            found = self.find(key)
            if found is None:
                continue
            there = copy(call)
            there.key, there.found, there.why = key, found, None
            value = self.recall(there, stale=stale)
            if value is not MISSING:
                call.saves, call.spares, call.found_as = there.saves, there.spares, there.found_as
                call.stale = there.stale
                return value
            call.why = call.why or there.why
        return MISSING

    def _failed(self, call: Call, error: Exception) -> Any:
        call.why = call.why or "store failed"
        return self.report_miss(call.task, error)

    def taken(
        self, call: Call, entry: Entry, *, in_place: bool = False, stale: bool = False
    ) -> Any:
        """The value of an entry that was found for the call, as `recall` gives it.

        Where it is `MISSING`, the call rejects the entry from here on.
        """
        task, call.replaces = call.task, entry.result_value
        unfit = self.unfit(call, entry, stale=stale)
        if unfit is None and in_place and entry.result_type != DIRECT_BLOB:
            return ELSEWHERE
        try:
            if unfit is None:
                value = self.restore(task, call.key, entry)
                if value is not MISSING:
                    call.stale = stale and not self.is_fresh(task, entry)
                    return self._noted(call, entry, value)
        except BlobNotFound:  # a row that points nowhere is a miss, and the next save mends it
            unfit = "blob gone"
        except Exception as error:
            unfit = "store failed" if isinstance(error, StorageError) else "damaged"
            self.report_miss(task, error)
        call.why = call.why or unfit
        made_at = as_time(entry.made_at)
        call.rejected = max(call.rejected, inf if made_at is None else made_at)
        return MISSING

    def _noted(self, call: Call, entry: Entry, value: Any) -> Any:
        """A value that was found, once the call knows what of its entry counts for a hit."""
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
        if key in self.writer.pending:
            record = self.writer.found([key], in_place=not patient).get(key)
            if record is not None:
                return entry_of(record)
        found = self.store.find(key) if patient else self.store.find_now(key)
        return None if found is None else in_full(found)

    def get(self, key: str) -> TaskRecord | None:
        """The row of `key` with its data, be it in the store or on its way there.

        Raises:
            MetadataError: the store failed.
        """
        record = self.writer.found([key]).get(key)
        return self.store.get(key) if record is None else record

    def find_many(self, keys: list[str]) -> dict[str, Any]:
        """The same for several keys, of those that have an entry; or the error of the store."""
        waiting = self.writer.found(keys) if self.writer.pending else {}
        found: dict[str, Any] = {key: entry_of(record) for key, record in waiting.items()}
        asked = [key for key in keys if key not in found] if found else keys
        try:
            return {**found, **self.store.find_many(asked)} if asked else found
        except Exception as error:
            return {**found, **dict.fromkeys(asked, error)}

    def recall_many(self, calls: list[Call]) -> list[Any]:
        """What `recall` gives for each of these calls, by one question to the store."""
        found = self.find_many([call.key for call in calls])
        for call in calls:
            call.found = found.get(call.key)
        return [
            self.recall(call) if call.found is not None or call.task.addressing.earlier else MISSING
            for call in calls
        ]

    def unfit(self, call: Call, entry: Entry, *, stale: bool = False) -> Reason | None:
        """Why an entry is too old to answer a call; None where it is not.

        With `stale` it may have expired, unless it is an error, for as long as the mark's `stale`
        says, but not be over what the call's block allows.
        """
        task, grace = call.task, 0.0
        if stale and entry.serializer != ERROR:
            grace = inf if task.stale is None else task.stale
        if not self.is_fresh(task, entry, grace=grace):
            return "expired"
        old = call.max_age
        is_old = old is not None and has_expired(self.store.clock(), entry.made_at, None, old)
        return "too old" if is_old else None

    def is_fresh(self, task: Task, entry: Entry, *, grace: float = 0.0) -> bool:
        """Whether it has yet to expire: by its own expiry and by the function's present `ttl`.

        With `grace`, whether it had so many seconds ago.
        """
        ttl = task.error_terms.ttl if entry.serializer == ERROR else task.ttl
        if entry.expires_at is None and ttl is None:
            return True
        return not has_expired(self.store.clock(), entry.made_at, entry.expires_at, ttl, grace)

    def checked_file(self, task: Task, key: str, entry: Entry) -> Any:
        """The value of a blob whose file was checked and is as it was, or `MISSING`: a quick look.

        The entry does not expire, and results are not signed.
        """
        codec, form = entry.serializer, task.form
        if codec is None or entry.result_data is not None or codec.startswith(FILE_CODEC):
            return MISSING
        if not self.store.real.private or is_copied(entry.digest):
            form = form.of_others
        owned = form.takes_over(codec)
        data = self.placement.files.read(key, entry, owned=owned, maps=form.options.mmap)
        return MISSING if data is None else form.restore(Payload(data, codec, owned))

    def restore(self, task: Task, key: str, entry: Entry) -> Any:
        """The value of an entry, checked; an error as a `StoredError`, or `MISSING` if unknown.

        Raises:
            RestoreError: damaged, or stored by another serializer or kind of function.
            StorageError: the blob could not be read.
        """
        form = task.form if is_private(self.store.real, entry) else task.form.of_others
        codec, data = entry.serializer, entry.result_data
        if codec is not None and entry.result_type != DIRECT_BLOB:
            if codec.startswith(FILE_CODEC) and not form.streams:
                from beautyspot.results.file_results import restore

                return restore(self.placement.files, self.storage(), key, entry, codec)
            payload = self._blob(form, key, codec, entry)
        elif codec is None or data is None:
            raise RestoreError(f"the row {key} names no data; it is computed again")
        else:
            payload = Payload(data, codec)
            self._check(key, entry, payload)
        if codec == ERROR:
            error = task.restore_error(payload, form)
            return MISSING if error is None else StoredError(error)
        return form.restore(payload)

    def _blob(self, form: ResultForm, key: str, codec: str, entry: Entry) -> Payload:
        """The bytes of a blob, checked; where it is a file of this machine, read from there.

        What can't be read there is asked of the storage, which says why.

        Raises:
            StorageError, RestoreError: it could not be read, is damaged, or there is no storage.
        """
        storage = self.storage()
        if storage is not None and storage.real.local:
            owned, read = form.takes_over(codec), self.placement.files.read
            data = read(key, entry, storage.real, owned=owned, maps=form.options.mmap)
            if data is not None:
                return Payload(data, codec, owned)
        if storage is None or entry.result_value is None:
            raise RestoreError("the result is a blob, and the Spot has no storage to read it from")
        payload = Payload(storage.load(entry.result_value), codec)
        self._check(key, entry, payload)
        return payload

    def _check(self, key: str, entry: Entry, payload: Payload) -> None:
        """Refuse what is damaged, and where results are signed, what is not.

        Raises:
            RestoreError: it is.
        """
        digests = self.signer.begun(key, payload.codec, entry.made_at, entry.expires_at)
        for each in digests:
            each.update(payload.data)
        check_digests(digests, entry.digest)

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

    def number_now(self) -> int:
        """A number of the store, for a run that begins while the store fails.

        It is the one that was heard last, or one of an hour ago: so what is invalidated from here
        on is not stored, and what was invalidated shortly before may not be either.
        """
        return self.leases.since or int((self.store.clock() - 3600) * 1e6)

    # ------------------------------------------------------------------------------- removing

    def invalidate(self, what: Invalidation) -> int:
        """Remove the results that match, and have none stored of those that run by now.

        What waits to be written is written first, as far as that can be: an invalidation may name
        less than its cover does.

        Returns:
            How many they were.

        Raises:
            MetadataError: the store failed; what was not reached is still there.
        """
        self.insist()
        self.writer.flush()
        noted = self.store.note(cover_of(what))
        if self.on_invalidated is not None:
            self.on_invalidated(what)
        gone = self.writer.withdraw(what)
        if noted is not None:  # it went when its key was noted
            self.placement.discard(noted.cache_key, noted.result_value)
            gone.append(noted)
        count = len(gone)
        for page in self._pages(what) if noted is None else ():
            count += len(self.saver.remove({record.cache_key: record for record in page}))
        return count

    def _pages(self, what: Invalidation) -> Iterator[list[TaskRecord]]:
        """The rows that an invalidation means, some at a time."""
        if what.cache_key is not None:
            record = self.store.get(what.cache_key)
            if record is not None:
                yield [record]
            return
        name = what.func_identifier
        from glob import escape  # rarely needed

        function = None if name is None else escape(name)
        rows = listed(self.store.real, Selection(function, what.version, what.tag))
        while page := list(islice(rows, PAGE)):
            yield page
