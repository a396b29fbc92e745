"""`ResultForm`: in which form the results of a marked function are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, get_args

from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts.backend import hints
from beautyspot.contracts.storage import CONTENT_TYPE, File
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.functions.names import unwrap_ours
from beautyspot.serialization.annotations import filled, own_of, return_annotation, return_classes
from beautyspot.serialization.codec import Encoded
from beautyspot.serialization.payload import (
    COMPRESSED,
    ERROR,
    FILE_CODEC,
    MEDIA,
    RAW_BYTES,
    RAW_TEXT,
    FileData,
    Payload,
    decompressed,
    described,
    framed,
    is_compressed,
    plain_of,
    suffix_of,
    unframed,
)
from beautyspot.serialization.serializer import MsgpackSerializer
from beautyspot.tasks.media import Media, plain_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import SerializerBase, TaskRecord
    from beautyspot.contracts.values import Types
    from beautyspot.tasks.options import MarkOptions

OPAQUE: Final = "application/octet-stream"
"""The content type of what no viewer opens."""

LARGE: Final = 1 << 16
"""Bytes or characters from which a plain result is stored as it is."""

PLAIN: Final = frozenset({bool, bytes, dict, float, int, list, set, str, tuple, NoneType})
"""Types that nobody registers: most results are of one of these."""

_EXTENSIONS: Final = {
    "application/parquet": "parquet",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
    "audio/wav": "wav",  # the tables of some systems know only audio/x-wav
    "image/webp": "webp",
    "text/vnd.mermaid": "mmd",
    "text/markdown": "md",
}


@dataclass(eq=False, repr=False)
class ResultForm:
    """Turns the results of one function into bytes and back.

    Attributes:
        function: the user's function.
        options: of its mark.
        given: the serializer of the Spot, or of the mark.
        types: those that plug-ins support.
        streams: whether a result is a stream: a list of items.
        is_private: whether nobody but this user can have written what is stored, asked when the
            first instance is.
        passed: annotations and classes that results may be of beside those of the function.
        codec: the column `serializer` of a result that the serializer packed.
        draw: makes the file that a call gives in the place of what the function returned, or of
            what was stored before the mark named a content type; None where no type that is so is
            known.
    """

    function: Callable[..., Any]
    options: MarkOptions
    given: SerializerBase
    types: Types
    streams: bool
    is_private: Callable[[], bool]
    passed: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look at what the mark says."""
        self._media = Media(self.options.content_type, self.types)
        self.draw = self._media.draw if self._media.draws else None
        self.codec = f"stream:{self.given.name}" if self.streams else self.given.name

    @Lazily
    def serializer(self) -> SerializerBase:
        """The serializer, which also restores the classes of the function's return annotation.

        Looked up when first needed: a class may be defined below the function that returns it.
        """
        user = unwrap_ours(self.function)
        classes = [user] if isinstance(user, type) else return_classes(user)
        promise = None if isinstance(user, type) else return_annotation(user)
        if self.options.each is not None:  # a result is an item of what is promised
            promise = [None, *get_args(promise)][-1]
        named = [promise, *classes, *self.passed, *filled(classes, self.passed)]
        vouching = self.given.vouching
        return vouching(named, **hints(vouching, own=self._own()))

    def _own(self) -> str | None:
        """The package whose loaded classes count; None where others may have written rows."""
        return own_of(unwrap_ours(self.function)) if self.is_private() else None

    @Lazily
    def _ours(self) -> MsgpackSerializer:
        """The serializer, or where it is of another kind one of ours for the same classes."""
        if isinstance(self.serializer, MsgpackSerializer):
            return self.serializer
        return self._media.serializer.vouching((), own=self._own())

    @Lazily
    def errors(self) -> MsgpackSerializer:
        """Writes and reads the errors that are results."""
        return self._ours.vouching((), errors=self.options.cache_errors)

    @Lazily
    def of_others(self) -> ResultForm:
        """The same for rows that others may have written: a function's own classes need a name."""
        return replace(self, is_private=lambda: False)

    def vouching(self, annotations: list[Any]) -> ResultForm:
        """This form, for results that may also be of the classes in these annotations.

        Of two classes of one name, the first counts.
        """
        return replace(self, passed=annotations)

    def encode(self, value: Any) -> Payload:
        """A result's bytes; a stream comes as the list of its items' bytes.

        Raises:
            SerializationError: the value has no faithful stored form, or is none of the files of
                the content type.
        """
        if self.streams:
            return Payload(framed(value), self.codec)
        kind, serializer, media = type(value), self.serializer, self._media
        if kind is File:
            return self._file(value)
        plain = self._as_it_is(value) if kind is str or kind is bytes else None
        if plain is not None:
            return plain
        if kind not in PLAIN and isinstance(serializer, MsgpackSerializer):
            value = serializer.encoded(value)
        if media.kind or type(value) is Encoded:
            file = media.written(value)
            if file is not None:
                return file
        data = serializer.dumps(value)
        if type(data) is not bytes and not isinstance(data, bytes | bytearray | memoryview):
            raise SerializationError(
                f"{self.given!r} gave {type(data).__name__} in place of bytes: mend it"
            )
        return Payload(data, self.codec)

    def _file(self, value: File) -> Payload:
        if self.options.save_blob is False:
            raise SerializationError(
                "the File can't be stored: it is a blob of its own, and save_blob=False forbids "
                "blobs: leave it out"
            )
        data: Any = FileData(value)  # in the place of bytes, until it is stored
        return Payload(data, data.codec)

    def _as_it_is(self, value: bytes | str) -> Payload | None:
        """Bytes or text that need no serializer: media for a viewer, and what is large.

        Packing a large one only copies it, several times. Another serializer than ours may do
        more, such as compressing, so it is not passed by.
        """
        if not self._media.kind and (len(value) < LARGE or self.given.name != "msgpack"):
            return None
        if isinstance(value, bytes):
            return Payload(value, RAW_BYTES) if self.draw is None else self._media.picture(value)
        try:
            return Payload(value.encode(), RAW_TEXT)
        except UnicodeEncodeError:  # lone surrogates: the serializer has a form for them
            return None

    def restore(self, payload: Payload) -> Any:
        """The value of a payload; of a stream the list of its items.

        Raises:
            RestoreError: damaged, or stored by another serializer or another kind of function.
        """
        if payload.codec.startswith(COMPRESSED):
            payload = decompressed(payload)
        data, codec, owned = payload
        loads, streams = self.serializer.loads, self.streams
        if owned:
            return loads(data, **self._owned)
        if codec == self.codec:
            if streams:
                return [loads(item) for item in unframed(data)]
            return loads(data) if self.draw is None else self.draw(loads(data))
        if codec == RAW_BYTES and not streams:
            return bytes(data)
        if codec == RAW_TEXT and not streams:
            return str(data, "utf-8")
        if codec.startswith(MEDIA) and not streams:
            value = self._media.read(data, codec)
            return self._ours.loads(self._ours.dumps(value)) if type(value) is Encoded else value
        raise RestoreError(f"the result was stored by {codec!r}, and {self.codec!r} can't read it")

    def takes_over(self, codec: str) -> bool:
        """Whether a value may use the stored data as its own memory, if nothing else holds them."""
        is_whole = not self.streams and self.draw is None
        return codec == self.codec and is_whole and bool(self._owned)

    @Lazily
    def _owned(self) -> dict[str, Any]:
        """The argument that tells the serializer that data are its own, if it takes one."""
        return hints(self.serializer.loads, owned=True)

    def row_type(self, codec: str) -> str | None:
        """The MIME type that the row of a result names which the serializer did not pack."""
        if codec.startswith((FILE_CODEC, MEDIA)):
            return described(codec)[1]
        return self.options.content_type if codec in (RAW_BYTES, RAW_TEXT) else None


def kind_of(record: TaskRecord) -> tuple[str, str, bool]:
    """The content type of a result, its file extension, and whether its bytes are for viewers.

    Compression aside. A row may say anything.

    Raises:
        RestoreError: the row of a file has no sound name or type.
    """
    codec, _ = plain_of(record.serializer or "")
    if codec.startswith((FILE_CODEC, MEDIA, RAW_BYTES, RAW_TEXT)):
        kind = "text/plain; charset=utf-8" if codec == RAW_TEXT else OPAQUE
        if re.fullmatch(CONTENT_TYPE, record.content_type or ""):
            kind = str(record.content_type)
        is_file = codec.startswith(FILE_CODEC)
        return kind, suffix_of(codec) if is_file else _extension_of(kind), True
    if codec in ("msgpack", ERROR):
        return "application/msgpack", "msgpack", False
    return OPAQUE, "bin", False


def extension(record: TaskRecord) -> str:
    """The file extension that fits the bytes of a row as they are stored, without its dot."""
    return f"{kind_of(record)[1]}{'.zst' if is_compressed(record.serializer) else ''}"


def _extension_of(content_type: str) -> str:
    """The file extension that fits a content type, without its dot."""
    import mimetypes  # reads the system's tables when first used

    kind = plain_type(content_type)
    guess = _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""
    return guess.lstrip(".") or ("txt" if kind.startswith("text/") else "bin")
