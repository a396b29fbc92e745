"""The part of a `Store` that reads results: values, raw bytes, verifying, copying."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.errors import ConfigError
from beautyspot.inspecting.filters import Listing, read_filter

# A store that is only listed needs nothing of the rest.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import BlobStorageBase, MetadataStoreBase, TaskRecord
    from beautyspot.inspecting.backends import Backends
    from beautyspot.inspecting.contents import Content
    from beautyspot.inspecting.copying import Copied
    from beautyspot.inspecting.filters import Where
    from beautyspot.inspecting.parts import Fault, Parts
    from beautyspot.results.cache import Cache

    Progress = Callable[[int, int], object]


class Reading:
    """Methods of `Store`."""

    place: str
    metadata: MetadataStoreBase
    _backends: Backends

    if TYPE_CHECKING:

        @property
        def storage(self) -> BlobStorageBase | None: ...  # noqa: D102

        @property
        def signing_keys(self) -> SigningKeys | None: ...  # noqa: D102

        def row(self, key: str | TaskRecord) -> TaskRecord: ...  # noqa: D102

        def _changing(self) -> Cache: ...

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

    def copy_to(
        self,
        target: Reading,
        *,
        progress: Progress | None = None,
        with_arguments: bool | None = None,
        vouch: bool = False,
        **where: Unpack[Where],
    ) -> Copied:
        """Copy results into another store, those that were written first, first.

        Each is read to its end and checked on its way: what is damaged, or can't be read, is not
        copied, and the result says so. A result that the target has is left alone unless the one
        here was made later, so what was interrupted is completed by doing it again. Rows keep their
        times, tags, prices and signatures. If the target has another signing key, a result is
        signed anew, provided that it bears a signature by the key that was given for this store;
        what nobody signed is signed only where you vouch for it. Programs may use both stores
        meanwhile: what the target makes newer stays. Counts are copied
        of those functions and hours of which the target has none, unless there are other filters
        than `function`. Results of a release before 3.0 are left out.

        Args:
            target: where to, a `Store`; ``open_store(…, create=True)`` makes a new one.
            progress: called after some results with how many are done, and how many there are, as
                far as that is known.
            with_arguments: whether the texts of arguments are copied. None: where the target can
                be read by nobody else (`MetadataStoreBase.private`).
            vouch: True has results that nobody signed signed for a target that signs: you know that
                only those whom you trust could write into this store.
            where: see `Where`.

        Returns:
            How many were copied, and what could not be.

        Raises:
            ConfigError: a filter is wrong, the target is this store, or none, or it demands
                signatures, and was opened without a signing key.
            MetadataError, StorageError: the target failed, or this store at the start; do it again.
        """
        from beautyspot.inspecting.copying import Copier

        wanted = read_filter("copy_to", where, self.metadata.now)
        if not isinstance(target, Reading):
            raise ConfigError(
                f"copy_to takes a store, not an object of type {type(target).__qualname__}: give "
                "open_store(..., create=True)"
            )
        cache = target._changing()
        if cache.store.store_id == self.metadata.store_id:
            raise ConfigError(f"{target.place} is this store itself: name another one")
        if cache.store.real.demands_signing and target.signing_keys is None:
            raise ConfigError(
                f"{target.place} takes signed results only: open it with the signing_key= of its "
                "Spots"
            )
        private = target.metadata.private if with_arguments is None else with_arguments
        copier = Copier(self._parts(), cache, with_arguments=private, vouch=vouch is True)
        return copier.copy(self.metadata, wanted, progress)

    def _parts(self) -> Parts:
        from beautyspot.inspecting.parts import Parts

        return Parts(self.metadata, lambda: self.storage, self.signing_keys)


def _content(record: TaskRecord, parts: Parts) -> Content:
    from beautyspot.inspecting.contents import content_of

    return content_of(record, lambda: parts.checked(record), partial(parts.part, record))
