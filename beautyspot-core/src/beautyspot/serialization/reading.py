"""Reads a document, the form of which is in `codec`. What is read may be hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgpack import unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.errors import RestoreError
from beautyspot.serialization.classes import ENUM, INSTANCE
from beautyspot.serialization.codec import HEAD, SEGMENT, SIZE, VERSION, Codec, aligned, check
from beautyspot.serialization.plain_types import BY_CODE, codec_of_code
from beautyspot.serialization.trust import FUNCTIONS

if TYPE_CHECKING:
    from beautyspot.contracts import Data
    from beautyspot.serialization.trust import AnyForm, Trust

ARRAY: Final = HEAD[0]
"""The first byte of a document with tagged values, and of arrays of over 65,535 items."""

_KIND: Final = slice(5, 8)  # the bytes that no plain document has there: an ext of type 0
_START: Final = len(HEAD) + SIZE.size


def is_tagged(data: Data) -> bool:
    """Whether a document has the envelope; no plain one begins like it."""
    return data[0] == ARRAY and data[_KIND] == HEAD[_KIND]


def no_ext(code: int, data: bytes) -> object:
    """Refuse what stands in no plain document."""
    raise RestoreError(f"an ext type {code} of {len(data)} bytes in a document that can have none")


def parse(data: Data, reader: type[Reader], trust: Trust, *, owned: bool = False) -> Any:
    """The value of a document with the envelope.

    Args:
        data: the document.
        reader: the class of what reads it.
        trust: the classes that count.
        owned: True if nothing else uses the data, so an array that is most of them may keep them.

    Raises:
        RestoreError: damaged, or with an instance of a class that does not count.
        Exception: damaged as well: what a constructor raises for wrong parts.
    """
    view = memoryview(data) if owned else memoryview(data).toreadonly()
    if bytes(view[: len(HEAD)]) != HEAD:
        raise RestoreError(f"the document's version {view[8]} is unknown: of another release")
    end = _START + SIZE.unpack_from(view, len(HEAD))[0]
    read = reader(trust, view, end)
    # The keys of a map are hashed before anybody sees them: they are texts, and nothing else.
    value = unpackb(view[end:], strict_map_key=True, ext_hook=read.marker, list_hook=read.array)
    if read.markers or read.at != end:
        raise RestoreError("a marker or a buffer without its value")
    return value


class Reader:
    """Reads one document: the hooks of msgpack's unpacker, which are called for inner values first.

    Attributes:
        trust: the classes that count.
        markers: how many were not yet the first item of an array.
        at: up to where the buffers were read.
    """

    def __init__(self, trust: Trust, data: memoryview, end: int) -> None:
        self.trust = trust
        self.markers = 0
        self.at = _START
        self._data = data
        self._end = end
        self._forms: dict[tuple[int, str], AnyForm] = {}

    def marker(self, code: int, data: bytes) -> Codec:
        """The codec of an ext."""
        codec = BY_CODE.get(code) or codec_of_code(code)
        if data != VERSION:
            raise RestoreError(
                f"version {data.hex()} of the ext type {code} is unknown: stored by a newer release"
            )
        self.markers += 1
        return codec

    def array(self, items: list[Any]) -> Any:
        """The value of a tagged array; any other as it is."""
        if items and type(items[0]) is Codec:
            self.markers -= 1
            return self.value(*items)
        return items

    def value(self, codec: Codec, *parts: Any) -> Any:
        """The value of these parts."""
        if codec.types is not None:
            check(parts, codec.types)
        if codec.code in _CLASSES:
            return self._instance(codec.code, *parts)
        if codec.code == SEGMENT:
            return self._buffer(*parts)
        if codec.hashed:
            self.trust.check_hashed(parts[:: codec.hashed])
        return codec.make(*parts)

    def _instance(self, code: int, ref: Any, *parts: Any) -> Any:
        """The instance of a class that counts."""
        form = self._forms.get((code, ref)) if type(ref) is str else None
        if form is None:
            form = self.trust.of_ref(ref, code)
            if type(ref) is str:
                self._forms[code, ref] = form
        return form.make(*parts)

    def _buffer(self, part: object) -> memoryview:
        """A buffer. Gives each once: a small document can't become a big value.

        A view of less than half of the data is read-only: a value that kept it would keep all.
        """
        if type(part) is bytes:
            return memoryview(part)
        start = aligned(self.at)
        if type(part) is not int or not 0 <= part <= self._end - start:
            raise RestoreError("a buffer is missing")
        self.at = start + part
        view = self._data[start : self.at]
        return view if 2 * part >= len(self._data) else view.toreadonly()


_CLASSES: Final = frozenset({INSTANCE, ENUM, FUNCTIONS})
"""The ext types of what is made by a form; their codecs, and that of buffers, only mark."""

BY_CODE.update({code: Codec(code, list, list) for code in (*_CLASSES, SEGMENT)})
