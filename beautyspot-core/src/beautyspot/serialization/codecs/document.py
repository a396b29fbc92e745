"""Writes and reads a whole document: the envelope around a tree with tagged values.

A plain document is the msgpack of its value. One with tagged values is an msgpack array::

    [ext(0, <version: 1 byte> <length of the packed tree: 8 bytes>), tree, nil…, segment, nil…, …]

The header has a fixed width (array 32, ext 8), so one comparison recognizes it. Each segment is a
bin 32: a big buffer that its codec writes directly into the output, and reads as a view of the
input. The nils before it, of one byte each, make its bytes begin at a multiple of 64, so that an
array can use them without a copy; there are no more nils than needed. Small buffers are in the
tree. Integers are big-endian, as everywhere in msgpack
(https://github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, cast

from msgpack import packb, unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import MAX_SIZE, Refused, Tag
from beautyspot.serialization.codecs.table import tag_of_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Data
    from beautyspot.serialization.codecs.contract import Entry
    from beautyspot.serialization.codecs.registry import Registry
    from beautyspot.serialization.codecs.writer import Segment

_VERSION: Final = 2  # in 1, which was never released, segments began anywhere
_ALIGNMENT: Final = 64
_HEADER: Final = struct.Struct(">BI BBB BQ")  # array 32, count; ext 8, size, type; version, length
_BIN: Final = struct.Struct(">BI")
_MARK: Final = b"\xc7\x09\x00"
_NIL: Final = b"\xc0"


def build(tree: object, segments: list[Segment]) -> Data:
    """The document of a tree and its segments.

    Raises:
        Refused: a part is too large for msgpack.
    """
    packed = _pack(tree)
    out = bytearray(_head(2, len(packed)))
    out += packed
    count = 2 + sum(_append(out, segment) for segment in segments)
    out[: _HEADER.size] = _head(count, len(packed))
    return out if segments else bytes(out)


def _head(count: int, length: int) -> bytes:
    return _HEADER.pack(0xDD, count, *_MARK, _VERSION, length)


def _pack(tree: object) -> bytes:
    try:
        return cast("bytes", packb(tree, strict_types=True))
    except ValueError as error:  # over 4 GiB - 1; types and nesting were checked before
        raise Refused(
            f"a part of it is too large ({error}): store it as a blob of its own"
        ) from error


def _append(out: bytearray, segment: Segment) -> int:
    """Append the buffer of a codec, then set its length.

    Returns the number of items that this adds to the document: the nils and the segment.
    """
    _, fill = segment
    nils = _nils(len(out))
    out += nils
    start = len(out)
    out += _BIN.pack(0xC6, 0)
    fill(out)
    size = len(out) - start - _BIN.size
    if size > MAX_SIZE:
        raise Refused("a buffer of over 4 GiB does not fit msgpack: return it in parts")
    _BIN.pack_into(out, start, 0xC6, size)
    return len(nils) + 1


def _nils(start: int) -> bytes:
    """The nils before a segment, if they begin at `start`."""
    return _NIL * (-(start + _BIN.size) % _ALIGNMENT)


def is_tagged(data: Data) -> bool:
    """Whether a document has the envelope; no plain one begins like it."""
    return data[0] == 0xDD and data[5:8] == _MARK


def parse(
    data: Data, registry: Registry, *, owned: bool, kind: Callable[..., Reader] | None = None
) -> Any:
    """The value of a document with the envelope.

    Args:
        data: the document.
        registry: the classes for which the program vouches.
        kind: makes the reader, by default a `Reader`.
        owned: True if nothing else uses the data, so an array that is most of them may keep them.

    Raises:
        RestoreError: damaged, or with an instance of a class for which nothing vouches.
        Exception: damaged as well: what a constructor raises for wrong parts.
    """
    view = memoryview(data) if owned else memoryview(data).toreadonly()
    _, count, _, _, _, version, length = _HEADER.unpack_from(view)
    if version != _VERSION:
        raise RestoreError(
            f"the document's version {version} is unknown: stored by another release"
        )
    end = _HEADER.size + length
    reader = (kind or Reader)(registry, _segments(view, end, count - 2))
    value = unpackb(
        view[_HEADER.size : end],
        strict_map_key=False,
        ext_hook=reader.marker,
        list_hook=reader.array,
    )
    reader.finish()
    return value


def _segments(view: memoryview, start: int, count: int) -> list[memoryview | None]:
    """The segments as views. Together they have to be all of the data, and of `count` items.

    A view of less than half of the data is read-only: a value that kept it would keep all data.
    """
    segments: list[memoryview | None] = []
    while count > 0:
        nils = _nils(start)
        start += len(nils)
        if view[start - len(nils) : start] != nils:
            raise RestoreError("a segment does not begin where it has to")
        code, size = _BIN.unpack_from(view, start)
        end = start + _BIN.size + size
        if code != 0xC6 or end > len(view):
            raise RestoreError("a segment is cut off")
        segment = view[start + _BIN.size : end]
        segments.append(segment if 2 * size >= len(view) else segment.toreadonly())
        start = end
        count -= len(nils) + 1
    if count or start != len(view):
        raise RestoreError("bytes or items are missing or left over at the end")
    return segments


class Reader:
    """Reads one document: the `Read` of the codecs, and the hooks of msgpack's unpacker.

    The unpacker calls the hooks for inner values first, without recursion in Python.

    Attributes:
        types: see `Read`.
    """

    __slots__ = ("_markers", "_registry", "_segments", "types")

    def __init__(self, registry: Registry, segments: list[memoryview | None]) -> None:
        self._registry = registry
        self._segments = segments
        self.types = registry.types
        self._markers = 0  # markers that were not yet the first item of an array

    def marker(self, code: int, data: bytes) -> Tag:
        """The tag of an ext."""
        tag = tag_of_code(code)
        if data != tag.marker.data:
            raise RestoreError(
                f"version {data.hex()} of the ext type {code} is unknown: stored by a newer release"
            )
        self._markers += 1
        return tag

    def array(self, items: list[Any]) -> Any:
        """The value of a tagged array; any other as it is."""
        if items and isinstance(items[0], Tag):
            self._markers -= 1
            return items[0].decode(items[1:], self)
        return items

    def finish(self) -> None:
        """Refuse a document with a marker in another place, or with a segment that was not used."""
        if self._markers or any(segment is not None for segment in self._segments):
            raise RestoreError("a marker or a segment without its value")

    def buffer(self, part: object) -> memoryview:
        """See `Read.buffer`. Gives each segment once: a small document can't become a big value."""
        if type(part) is bytes:
            return memoryview(part)
        if type(part) is not int or not 0 <= part < len(self._segments):
            raise RestoreError("a buffer is missing")
        segment, self._segments[part] = self._segments[part], None
        if segment is None:
            raise RestoreError("a buffer is used twice")
        return segment

    def entry(self, name: object, tag: Tag) -> Entry:
        """See `Read.entry`."""
        if type(name) is not str:
            raise RestoreError("a class without a name")
        entry = self._registry.of_name(name, tag)
        if entry is not None:
            return entry
        if self._registry.names(name):
            raise RestoreError(f"{name!r} is now stored in another way than it was")
        raise _unvouched(name)

    def named(self, name: str) -> type:
        """See `Read.named`."""
        cls = self._registry.class_of_name(name)
        if cls is None:
            raise _unvouched(name)
        return cls


def _unvouched(name: str) -> RestoreError:
    return RestoreError(
        f"nothing vouches for {name!r}: register it, or name it in the function's return annotation"
    )
