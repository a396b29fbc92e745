"""A result on its way into another store: checked, and signed for that where need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.contracts.records import as_copied
from beautyspot.errors import BeautyspotError, BlobNotFound, RestoreError
from beautyspot.inspecting.parts import check, checked, digests_of
from beautyspot.results.validity import is_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.parts import Parts
    from beautyspot.results.cache import Cache
    from beautyspot.results.validity import Digest

_UNSIGNED: Final = (
    "nobody has signed it, and the target signs its results. If you vouch for all that is stored "
    "here, say so (vouch=True, --vouch), and it is signed for the target"
)
_UNKNOWN_KEY: Final = (
    "its signature can't be checked, and the target signs its results by another key: open this "
    "store with the signing_key= by which it was signed"
)


class NotSignedError(RestoreError):
    """A result can't be signed for the target."""


class UnreadableError(RestoreError):
    """The source can't read a result; where the target fails, the copy ends instead."""


def readable(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts; where the source can't give them, an `UnreadableError`."""
    try:
        yield from parts
    except (BlobNotFound, RestoreError):
        raise
    except BeautyspotError as error:
        raise UnreadableError(str(error)) from error


class Seal:
    """Checks a result on its way, and makes the digest that the target is to have."""

    def __init__(self, record: TaskRecord, parts: Parts, target: Cache, *, vouch: bool) -> None:
        self._record = record
        self._vouches = vouch and not record.is_signed
        self._ours = digests_of(record, None if self._vouches else parts.keys)
        self._theirs: list[Digest] = []
        self.digest = as_copied(record.digest)
        keys = target.signing_keys
        if keys is not None:
            codec = record.serializer or ""
            made, expires = record.made_at, record.expires_at
            self._theirs = [*keys.begun(record.cache_key, codec, made, expires)]

    def passing(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The parts; an error before the last one, if the result must not be copied."""
        return checked(self._record, parts, [*self._ours, *self._theirs], self._end)

    def _end(self) -> None:
        record = self._record
        if is_named(self._theirs, record.digest):
            return
        check(record, self._ours)
        if not self._theirs:
            return
        if not self._ours or not (record.is_signed or self._vouches):
            raise NotSignedError(_UNSIGNED if not record.is_signed else _UNKNOWN_KEY)
        self.digest = self._theirs[0].digest()
