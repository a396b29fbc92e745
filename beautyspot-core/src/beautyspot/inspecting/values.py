"""A stored value, decoded as far as it can be without the classes of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import NotSupportedError, RestoreError
from beautyspot.serialization.compression import decompressed, plain_of
from beautyspot.serialization.file_data import FILE_CODEC
from beautyspot.serialization.instances import ErrorInstance, Instance, NotInstalled
from beautyspot.serialization.payload import (
    ERROR,
    MEDIA,
    RAW_BYTES,
    RAW_TEXT,
    Payload,
    unframed,
)
from beautyspot.serialization.stored_errors import parts_of
from beautyspot.serialization.trust import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import SerializerBase, TaskRecord
    from beautyspot.contracts.values import Types

STREAM: Final = "stream:"
"""How the column `serializer` of a stream begins; the name of the serializer follows."""

AS_IT_IS: Final = (RAW_BYTES, RAW_TEXT)


def packed_by(codec: str) -> str | None:
    """The name of the serializer that a result needs; None if it needs none."""
    codec, _ = plain_of(codec)
    if codec in AS_IT_IS or codec.startswith((FILE_CODEC, MEDIA)):
        return None
    return codec.removeprefix(ERROR).removeprefix(STREAM)


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
        return _text(data)
    if codec.startswith(MEDIA):
        return _media(data, codec, record.content_type, types)
    unpacked = _unpacked(data, codec, serializer(packed_by(codec) or ""))
    return ErrorInstance(*parts_of(unpacked)) if codec.startswith(ERROR) else unpacked


def _unpacked(data: bytes, codec: str, serializer: SerializerBase) -> Any:
    if serializer.requires_signature:  # whatever the class itself does
        raise NotSupportedError(
            f"the serializer {serializer.name!r} may run what is stored, so it is never loaded to "
            "be looked at: take the raw bytes"
        )
    if codec.startswith(STREAM):
        return [serializer.loads_for_looking(item) for item in unframed(data)]
    return serializer.loads_for_looking(data)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RestoreError(f"a stored text is no UTF-8: {error}") from error


def _media(data: bytes, codec: str, content_type: str | None, types: Types) -> Any:
    from beautyspot.tasks.media import Media, parts_of

    try:
        value = Media(content_type, types).read(data, codec)
    except ImportError:
        kind, by, _ = parts_of(codec)
        return NotInstalled(by, kind, None, len(data))
    if type(value) is not Encoded:
        return value
    form: Any = value.form
    return Instance(value.name, dict(enumerate(form)))
