"""Where the bytes of a result go: into its row, or as a blob into the storage."""

from __future__ import annotations

import os
from io import FileIO
from typing import TYPE_CHECKING

from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts import FILE, Data, TaskRecord
from beautyspot.errors import SerializationError, StorageError
from beautyspot.files import open_plain
from beautyspot.messages import LARGE_NEED
from beautyspot.results.validity import UNSIGNED
from beautyspot.serialization.payload import ERROR, FileData, TooLarge, compressed, unreadable
from beautyspot.tasks.form import OPAQUE, extension

if TYPE_CHECKING:
    from pathlib import Path

    from beautyspot.config.signing import SigningKeys
    from beautyspot.resilience.guarded_backends import GuardedStore, Storages
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.local_files import LocalFiles
    from beautyspot.tasks.task import Task


class Placement:
    """The metadata store and the storage of one Spot, and what is written to which.

    Args:
        store: the metadata store.
        storage: gives the storage; None where none is installed.
        reporter: is told what fails.
        directory: of the Spot.
        blob_threshold: bytes from which a result goes to the storage.
        signing_keys: sign what is compressed here; None where nothing is signed.
    """

    def __init__(
        self,
        store: GuardedStore,
        storage: Storages,
        reporter: Reporter,
        directory: Path,
        *,
        blob_threshold: int,
        signing_keys: SigningKeys | None = None,
    ) -> None:
        self.store = store
        self.storage = storage
        self.reporter = reporter
        self.directory = directory
        self.largest_data = store.real.largest_data
        self.blob_threshold = int(min(blob_threshold, self.largest_data))
        self.signer = signing_keys or UNSIGNED

    @Lazily
    def files(self) -> LocalFiles:
        """What hits have given as files."""
        from beautyspot.results.local_files import LocalFiles

        return LocalFiles(self.directory, self.signer)

    def place(self, task: Task, record: TaskRecord) -> TaskRecord:
        """The record with its data where it belongs, compressed: in the row, or in the storage.

        Raises:
            TooLarge: a row can't hold it, and there is no storage for it.
            SerializationError: a `File` can't be read.
            StorageError: a row can't hold it, and the storage failed.
            MetadataError: the store can't say its ID.
        """
        if record.result_data is None:  # it is in the storage already
            return record
        if isinstance(record.result_data, FileData):
            return self._stored_file(record, record.result_data)
        is_for_viewers = record.content_type is not None and self.wants_blob(task, record)
        if task.options.compress and not is_for_viewers:
            record = self._compressed(record)
        data: Data = record.result_data or b""
        if self.wants_blob(task, record):
            location = self._save_blob(task, record, data)
            if location is not None:
                return record._replace(result_type=FILE, result_value=location, result_data=None)
        if len(data) > self.largest_data:
            raise TooLarge(
                f"the result can't be stored: it is over {self.largest_data / 2**20:g} MiB, the "
                f"most that a row of the metadata store {self.store.name!r} holds: {LARGE_NEED}; "
                "or leave save_blob=False out, where that is given"
            )
        return record if type(data) is bytes else record._replace(result_data=bytes(data))

    def _stored_file(self, record: TaskRecord, data: FileData) -> TaskRecord:
        """The record of a file, which is in the storage when this returns.

        It is so with ``save="background"`` too: from then on the caller may change or remove it.

        Raises:
            SerializationError: the file can't be read, or was changed meanwhile.
            StorageError: the storage failed, or there is none.
        """
        from beautyspot.results.file_results import Source, digested
        from beautyspot.results.local_files import SIZE, status_of

        storage, path, key = self.storage(), data.file.path, record.cache_key
        if storage is None:
            need = "install beautyspot-local (docs/install.md), or name one by storage="
            raise StorageError(
                f"a File needs a blob storage: {LARGE_NEED if self.store.real.remote else need}"
            )
        try:
            file = FileIO(path, opener=open_plain)
        except OSError as error:
            raise unreadable(path, error) from error
        digests = self.signer.begun(key, data.codec, record.made_at, record.expires_at)
        name, kind = self.new_name(key, extension(record)), record.content_type or OPAQUE
        with file:
            before, source = status_of(file.fileno()), Source(digested(file, digests))
            try:
                location = storage.save_file(name, source, content_type=kind)
            except Exception:
                if source.error is None:
                    raise
                raise unreadable(path, source.error) from source.error
            is_whole = status_of(file.fileno()) == before and source.size == before[SIZE]
        if not is_whole:
            self.discard(key, location)
            raise SerializationError(
                "the File can't be stored: it was changed meanwhile, or the storage read "
                f"{source.size} of its {before[SIZE]} bytes: {path}. Return a File to which "
                "nothing writes any more"
            )
        placed = record._replace(result_type=FILE, result_value=location, result_data=None)
        return placed._replace(digest=digests[0].digest(), size=source.size)

    def wants_blob(self, task: Task, record: TaskRecord) -> bool:
        """Whether its data go to the storage, if that takes them."""
        wants = task.options.save_blob
        if wants is None:
            wants = len(record.result_data or b"") > self.blob_threshold
        return wants and record.serializer != ERROR

    def _compressed(self, record: TaskRecord) -> TaskRecord:
        """The record with its data compressed, where that makes them smaller."""
        packed = compressed(record.serializer or "", record.result_data or b"")
        if packed is None:
            return record
        codec, data = packed
        key, made, expires = record.cache_key, record.made_at, record.expires_at
        digest = self.signer.sign(key, codec, made, expires, data)
        return record._replace(serializer=codec, result_data=data, digest=digest, size=len(data))

    def _save_blob(self, task: Task, record: TaskRecord, data: Data) -> str | None:
        """Where the blob is; None where it can't be stored, and the row has to hold it.

        Raises:
            MetadataError: the store can't say its ID: it can't hold the row either.
            StorageError: the storage failed, and the row can't hold it.
        """
        name = self.new_name(record.cache_key, extension(record))
        try:
            storage = self.storage()
            if storage is None:
                return None
            return storage.save(name, data, content_type=record.content_type or OPAQUE)
        except Exception as error:
            if len(data) > self.largest_data:
                raise
            advice = "The database keeps the result instead: mend the storage"
            self.reporter.report("save a blob", task.func_identifier, error, advice)
            return None

    def new_name(self, key: str, extension: str) -> str:
        """A name for a blob of a key, that no blob has had."""
        return f"{self._prefix(key)}{os.urandom(4).hex()}.{extension}"

    def _prefix(self, key: str) -> str:
        """How the names of all blobs of a key begin.

        The store's ID comes first, so that several stores can share a storage.
        """
        return f"{self.store.store_id}/{key}-"

    def discard(self, key: str, location: str | None) -> None:
        """Remove a blob that the row of `key` names no more; one that fails is an orphan.

        Only a blob that this store made for this key is removed: a row may be an earlier release's,
        and a hostile row could name anything in the storage.
        """
        if location is None:
            return
        try:
            storage = self.storage()
            if storage is not None and self._prefix(key) in location.replace("\\", "/"):
                storage.delete(location)
        except Exception as error:
            advice = "The blob stays as an orphan, until it is collected"
            self.reporter.report("remove a replaced blob", "", error, advice)
