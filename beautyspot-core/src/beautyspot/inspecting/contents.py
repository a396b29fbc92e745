"""A stored result: its raw bytes with their type (`Content`), or its value, as far as that can be
decoded without the classes of the program.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.storage import checked_name
from beautyspot.errors import ConfigError, NotSupportedError, RestoreError
from beautyspot.inspecting.filters import name_of
from beautyspot.serialization.codec import Encoded
from beautyspot.serialization.looking import ErrorInstance, Instance, NotInstalled
from beautyspot.serialization.payload import (
    ERROR,
    FILE_CODEC,
    MEDIA,
    RAW_BYTES,
    RAW_TEXT,
    Payload,
    decompressed,
    described,
    is_compressed,
    plain_of,
    unframed,
)
from beautyspot.tasks.form import OPAQUE, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import SerializerBase, TaskRecord
    from beautyspot.contracts.values import Types

_LONGEST: Final = 100
"""Characters of a function's name in the name of a file."""


@dataclass(frozen=True, slots=True)
class Content:
    """The raw bytes of a stored result.

    Attributes:
        content_type: the MIME type: that of the mark for media, that of a `File`, or that of the
            stored form, such as ``application/msgpack``.
        size: in bytes, without compression; None where the row does not say it.
        filename: a name for a file of it, with a fitting extension and without a folder.
        is_media: whether the bytes are the result itself, for viewers, and not a stored form.
    """

    content_type: str
    size: int | None
    filename: str
    is_media: bool
    _open: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in parts, read anew by each call; all of them are the result.

        They are checked against the stored digest while they are read, and so damage is an error
        at the end at the latest: keep nothing of what was given before it. Where the storage can't
        read parts (`load_part`), the whole result is in memory.

        Raises:
            RestoreError: they are damaged, or bear no signature by the signing key that was given.
            BlobNotFound: the blob is missing.
            StorageError, MetadataError: they can't be read.
        """
        return self._open()


def content_of(record: TaskRecord, open_parts: Callable[[], Iterator[bytes]]) -> Content:
    """The content of a row, without its compression.

    Args:
        record: the row.
        open_parts: gives all bytes as they are stored.

    Raises:
        RestoreError: the row of a file has no sound name.
    """
    kind, suffix, is_media = kind_of(record)
    codec, size = plain_of(record.serializer or "")
    name = _made_up(record, suffix)
    if codec.startswith(FILE_CODEC):
        with suppress(ConfigError):
            name = checked_name(described(codec)[0])
    if size is None:
        return Content(kind, record.size, name, is_media, open_parts)

    def whole() -> Iterator[bytes]:
        payload = Payload(b"".join(open_parts()), record.serializer or "")
        yield bytes(decompressed(payload).data)

    return Content(kind, size, name, is_media, whole)


def stored_type(record: TaskRecord) -> str:
    """The MIME type of the bytes as they are stored."""
    return OPAQUE if is_compressed(record.serializer) else kind_of(record)[0]


def _made_up(record: TaskRecord, suffix: str) -> str:
    """``ask-3f5a9c21.png``: the function's name and the beginning of the key."""
    function = re.split(r"[:.]", name_of(record))[-1]
    name = re.sub(r"[^\w-]+", "_", function).strip("_")[:_LONGEST]
    key = re.sub(r"\W+", "_", record.cache_key[:8])
    return f"{name or 'result'}-{key}.{suffix}"


_STREAM: Final = "stream:"
"""How the column `serializer` of a stream begins; the name of the serializer follows."""


def decoded(
    data: bytes, record: TaskRecord, serializer: Callable[[str], SerializerBase], types: Types
) -> Any:
    """The value of a result that is no `File`.

    Args:
        data: its bytes.
        record: its row.
        serializer: gives a serializer by its name.
        types: those of plug-ins, by which files of a content type are read.

    Raises:
        RestoreError: it can't be read: damaged, or stored by a release before 3.0.
        BackendNotFound: its serializer is not installed.
        NotSupportedError: its serializer may run what is stored.
    """
    codec = record.serializer
    if codec is None:
        raise RestoreError("a result of a release before 3.0 can't be decoded: take its raw bytes")
    plain = decompressed(Payload(data, codec))
    data, codec = bytes(plain.data), plain.codec
    if codec == RAW_BYTES:
        return data
    if codec == RAW_TEXT:
        return data.decode(errors="replace")
    if codec.startswith(MEDIA):
        return _media(data, codec, record.content_type, types)
    unpacked = _unpacked(data, codec, serializer)
    if codec == ERROR and type(unpacked) is Instance:
        return ErrorInstance(unpacked.class_name, unpacked.fields)
    return unpacked


def _unpacked(data: bytes, codec: str, serializer: Callable[[str], SerializerBase]) -> Any:
    found = serializer("msgpack" if codec == ERROR else codec.removeprefix(_STREAM))
    if found.requires_signature:  # whatever the class itself does
        raise NotSupportedError(
            f"the serializer {found.name!r} may run what is stored, so it is never loaded to be "
            "looked at: take the raw bytes"
        )
    if codec.startswith(_STREAM):
        return [found.loads_for_looking(item) for item in unframed(data)]
    return found.loads_for_looking(data)


def _media(data: bytes, codec: str, content_type: str | None, types: Types) -> Any:
    from beautyspot.tasks.media import Media

    try:
        value = Media(content_type, types).read(data, codec)
    except ImportError:
        by, kind, _ = described(codec)
        return NotInstalled(by, kind, len(data))
    if type(value) is not Encoded:
        return value
    form: Any = value.form
    return Instance(value.name, dict(enumerate(form)))
