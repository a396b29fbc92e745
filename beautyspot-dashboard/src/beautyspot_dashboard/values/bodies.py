"""`Body`: the bytes that a browser gets of a value, with the type that it gets them as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values import media_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot import Content, Store, TaskRecord

_PACKED: Final = "application/msgpack"
_LARGEST_PACKED: Final = 300_000
"""Bytes: longer `bytes` and `str` are never packed."""

_BEGINNINGS: Final = frozenset({*range(0xA0, 0xC0), 0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB})
"""First bytes of `bytes` and `str` in MessagePack."""


@dataclass(frozen=True)
class Body:
    """The bytes that a browser gets of a value.

    Attributes:
        kind: their type, as `plain_type` gives it.
        size: how many there are, where that is known.
        filename: for a file of them.
        chunks: gives all of them, checked, in parts.
        part: gives those from one place up to another, unchecked, in parts.
    """

    kind: str
    size: int | None
    filename: str
    chunks: Callable[[], Iterator[bytes]]
    part: Callable[[int, int], Iterator[bytes]]


def body_of(store: Store, record: TaskRecord, content: Content) -> Body:
    """The bytes of a value; those of short `bytes` and `str` without what they are packed in.

    Raises:
        BeautyspotError: they can't be read.
    """
    if content.content_type == _PACKED and (content.size or 0) < _LARGEST_PACKED:
        found = _unpacked(store, record, content)
        if found is not None:
            return found
    kind = media_types.plain_type(content.content_type)
    if kind == media_types.BYTES and content.is_media:
        kind = media_types.sniffed(head(content)) or kind
    return Body(kind, content.size, content.filename, content.chunks, content.part)


def head(content: Content) -> bytes:
    """The first bytes of a value, up to a part; those of a longer one are not checked.

    Raises:
        BeautyspotError: they can't be read.
    """
    return next(iter(content.chunks()), b"")


def _unpacked(store: Store, record: TaskRecord, content: Content) -> Body | None:
    if not _BEGINNINGS.intersection(head(content)[:1]):
        return None
    value = store.value(record.cache_key)
    stem = content.filename.rpartition(".")[0]
    if type(value) is str:
        data, kind, extension = value.encode("utf-8", "replace"), media_types.TEXT, "txt"
    elif type(value) is bytes:
        data, kind = value, media_types.sniffed(value) or media_types.BYTES
        extension = "bin" if kind == media_types.BYTES else kind.rpartition("/")[2]
    else:
        return None
    held = partial(_held, data)
    return Body(kind, len(data), f"{stem}.{extension}", held, held)


def _held(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    yield data[start:stop]
