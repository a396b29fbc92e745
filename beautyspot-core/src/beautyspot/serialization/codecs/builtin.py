"""Codecs of the builtin types that msgpack lacks."""

from __future__ import annotations

from types import EllipsisType, NotImplementedType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.serialization.codecs.contract import Codec, check, codec_of_parts

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def _encode_int(value: int, _write: Write) -> list[object]:
    """In two's complement, big-endian: reading decimal text would take quadratic time."""
    return [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)]


def _decode_int(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _encode_bytes(value: bytes | bytearray, write: Write) -> list[object]:
    return [write.buffer(len(value), lambda out: out.__iadd__(value))]


def _decode_bytes(parts: list[Any], read: Read) -> bytes:
    return bytes(read.buffer(*check(parts, (bytes, int))))


def _decode_bytearray(parts: list[Any], read: Read) -> bytearray:
    return bytearray(read.buffer(*check(parts, (bytes, int))))


def _encode_sequence(value: tuple[object, ...], write: Write) -> list[object]:
    return write.items(value)


def _encode_set(value: set[object] | frozenset[object], write: Write) -> list[object]:
    return write.items(value, ".<element {}>")


def _encode_pairs(value: dict[Any, object], write: Write) -> list[object]:
    """Keys and values in turn: a dictionary whose keys msgpack can't write as keys."""
    parts: list[object] = []
    for key, item in value.items():
        shown = f"{key!r:.40}"
        parts += (write.value(key, f".<key {shown}>"), write.value(item, f"[{shown}]"))
    return parts


def _decode_pairs(parts: list[Any], _read: Read) -> dict[Any, object]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _encode_range(value: range | slice, write: Write) -> list[object]:
    return [write.value(getattr(value, part), f".{part}") for part in ("start", "stop", "step")]


_SINGLETONS: Final = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}

BIG_INT: Final = codec_of_parts(1, _encode_int, _decode_int, bytes)
SURROGATES: Final = codec_of_parts(
    2,
    lambda value, _: [value.encode("utf-8", "surrogatepass")],
    lambda raw: str(raw, "utf-8", "surrogatepass"),
    bytes,
)
PAIRS: Final = Codec(8, _encode_pairs, _decode_pairs)
BIG_BYTES: Final = Codec(12, _encode_bytes, _decode_bytes)

_SINGLETON: Final = codec_of_parts(11, lambda value, _: [repr(value)], _SINGLETONS.__getitem__, str)

CODECS: Final[dict[type, Codec]] = {
    bytearray: Codec(3, _encode_bytes, _decode_bytearray),
    complex: codec_of_parts(4, lambda value, _: [value.real, value.imag], complex, float, float),
    tuple: Codec(5, _encode_sequence, lambda parts, _: tuple(parts)),
    set: Codec(6, _encode_set, lambda parts, _: set(parts)),
    frozenset: Codec(7, _encode_set, lambda parts, _: frozenset(parts)),
    range: codec_of_parts(9, _encode_range, range, int, int, int),
    slice: codec_of_parts(10, _encode_range, slice, object, object, object),
    EllipsisType: _SINGLETON,
    NotImplementedType: _SINGLETON,
}
