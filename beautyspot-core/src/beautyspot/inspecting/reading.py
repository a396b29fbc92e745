"""The part of a `Store` that reads results: values, raw bytes, verifying."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.inspecting.filters import Listing, read_filter
from beautyspot.inspecting.looking import Looking

# A store that is only listed needs nothing of the rest.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.contents import Content
    from beautyspot.inspecting.filters import Where
    from beautyspot.inspecting.parts import Fault, Parts

    Progress = Callable[[int, int], object]


class Reading(Looking):
    """Further methods of `Store`."""

    def value(self, key: str | TaskRecord) -> Any:
        """The value of a result, decoded as far as it can be without the classes of the program.

        An instance of a class of the program is an `Instance`, with its fields by name. Nothing
        that stands in the store is imported or called. What a library makes is made where the
        library is installed, and is a `NotInstalled` elsewhere. A generator's is the list of its
        items, followed by what it returned. A `File` is its `Content`, and an error that is a
        result an `ErrorInstance`.

        Args:
            key: as for `row`.

        Raises:
            ConfigError, RecordNotFound: as `row`.
            RestoreError: it is damaged, bears no signature by the signing key that was given, or is
                of a release before 3.0.
            BackendNotFound: its serializer is not installed.
            NotSupportedError: its serializer requires a signature, since it may run what is stored:
                such bytes are never loaded, see `content`.
            BlobNotFound, StorageError, MetadataError: it can't be read.
        """
        from beautyspot.inspecting.contents import decoded
        from beautyspot.serialization.payload import FILE_CODEC

        record = self.row(key)
        parts = self._parts()
        if (record.serializer or "").startswith(FILE_CODEC):
            return _content(record, parts)
        data = b"".join(parts.checked(record))
        return decoded(data, record, self._backends.serializer, self._backends.types())

    def content(self, key: str | TaskRecord) -> Content:
        """The raw bytes of a result, with their type, in parts.

        Media are as the function returned them, so a picture is the picture, and a `File` is its
        content; anything else is in its stored form. What a serializer that requires a signature
        stored is not loaded by this.

        Args:
            key: as for `row`.

        Raises:
            ConfigError, RecordNotFound, MetadataError: as `row`.
            RestoreError: the row of a file has no sound name.
        """
        return _content(self.row(key), self._parts())

    def verify(
        self, *, progress: Progress | None = None, **where: Unpack[Where]
    ) -> Iterator[Fault]:
        """Read every result to its end, and tell which are not what was stored.

        Nothing is decoded, and nothing is changed. A result that is replaced meanwhile is no fault.
        Results of a release before 3.0 have no digest, and are passed over.

        Args:
            progress: called after each result with the numbers of results and bytes so far.
            where: see `Where`.

        Raises:
            ConfigError: a filter is wrong.
        """
        from beautyspot.inspecting.parts import verify

        wanted = read_filter("verify", where, self.metadata.now)
        return verify(self.metadata, self._parts(), Listing(self.metadata, wanted), progress)

    def _parts(self) -> Parts:
        from beautyspot.inspecting.parts import Parts

        return Parts(self.metadata, lambda: self.storage, self.signing_keys)


def _content(record: TaskRecord, parts: Parts) -> Content:
    from beautyspot.inspecting.contents import content_of

    return content_of(record, partial(parts.checked, record))
