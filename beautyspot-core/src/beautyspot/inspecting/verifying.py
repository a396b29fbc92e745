"""Read every result that is meant to its end, and say which are not what was stored."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from beautyspot.contracts.selection import size_of
from beautyspot.errors import BackendNotFound, BeautyspotError, BlobNotFound, RestoreError
from beautyspot.inspecting.contents import packed_by
from beautyspot.inspecting.filters import name_of
from beautyspot.inspecting.parts import SizeError, in_batches
from beautyspot.serialization.payload import ADVICE, is_compressed, is_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import MetadataStoreBase, SerializerBase, TaskRecord
    from beautyspot.inspecting.filters import Listing
    from beautyspot.inspecting.parts import Parts

FaultKind = Literal[
    "damaged", "size", "missing", "unreadable", "database", "signed", "serializer", "storage"
]

_LOST: Final = (
    "the database is damaged, and not all of its rows can be read: copy what can be read into a "
    "fresh one (beautyspot copy), and move this one away"
)


class Fault(NamedTuple):
    """What is wrong with one result.

    Attributes:
        key: of the result; "" where it is the database that can't be read, or not all of it.
        function: its identifier.
        problem: what is wrong, for people.
        kind: "damaged" (its digest is another), "size", "missing" (its blob), "unreadable" (the row
            or the blob, for now), "database" (what follows, or some rows, could not be read). No
            fault of the data: "signed" (not checked, since no signing key was given), "serializer"
            (not installed here), "storage" (not copied, since the target has none).
    """

    key: str
    function: str
    problem: str
    kind: FaultKind

    @property
    def is_damage(self) -> bool:
        """Whether something is wrong, and not just unknown here."""
        return self.kind not in ("signed", "serializer", "storage")


class Verifier:
    """One walk over the rows of a store.

    Args:
        metadata: the store.
        parts: reads its results.
        serializer: gives a serializer by its name, or raises `BackendNotFound`.
        has_keys: whether signatures can be checked.
    """

    def __init__(
        self,
        metadata: MetadataStoreBase,
        parts: Parts,
        serializer: Callable[[str], SerializerBase],
        *,
        has_keys: bool,
    ) -> None:
        self._metadata = metadata
        self._parts = parts
        self._serializer = serializer
        self._has_keys = has_keys
        self._unknown = cache(self._find_unknown)

    def faults(
        self, listing: Listing, progress: Callable[[int, int], object] | None
    ) -> Iterator[Fault]:
        """All faults; `progress` is told the results and the bytes that are done."""
        entries = size = 0
        try:
            for batch in in_batches(self._metadata, listing.rows()):
                for record in batch:
                    yield from self._of_row(record)
                    entries, size = entries + 1, size + size_of(record)
                    if progress is not None:
                        progress(entries, size)
        except BeautyspotError as error:
            yield Fault("", "", f"the store can't be read any further: {error}", "database")
        else:
            if self._metadata.lost:
                yield Fault("", "", _LOST, "database")

    def _of_row(self, record: TaskRecord) -> Iterator[Fault]:
        fault = self._damage(record)
        if fault is not None and not self._was_replaced(record):
            yield fault
        if fault is not None or record.serializer is None:  # the latter is of 2.x, and no hit
            return
        if record.is_signed and not self._has_keys:
            yield _fault(record, "signed, not checked: give signing_key=", "signed")
        why = self._unknown(packed_by(record.serializer), is_compressed(record.serializer))
        if why:
            yield _fault(record, why, "serializer")

    def _damage(self, record: TaskRecord) -> Fault | None:
        if record.serializer is None and record.digest is None:
            return None  # of 2.x: nothing tells what it was
        if record.digest is None:
            return _fault(record, "the row has no digest", "damaged")
        try:
            for _ in self._parts.checked(record):
                pass
        except BlobNotFound as error:
            return _fault(record, f"the blob is missing: {error}", "missing")
        except SizeError as error:
            return _fault(record, str(error), "size")
        except RestoreError as error:
            return _fault(record, str(error), "damaged")
        except BeautyspotError as error:
            return _fault(record, f"it can't be read: {error}", "unreadable")
        return None

    def _was_replaced(self, record: TaskRecord) -> bool:
        """Whether the row is another one by now, or gone."""
        try:
            now = self._metadata.get(record.cache_key)
        except BeautyspotError:
            return False
        return now is None or (now.digest, now.result_value) != (record.digest, record.result_value)

    def _find_unknown(self, name: str | None, compressed: bool) -> str:
        if compressed and not is_installed():
            return f"it is compressed, and Zstandard is missing here: {ADVICE}"
        if name is None:
            return ""
        try:
            self._serializer(name)
        except BackendNotFound as error:
            return f"its serializer is not known here: {error}"
        return ""


def _fault(record: TaskRecord, problem: str, kind: FaultKind) -> Fault:
    return Fault(record.cache_key, name_of(record), problem, kind)
