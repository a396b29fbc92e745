"""Codecs of the builtin types that msgpack lacks."""

from __future__ import annotations

from types import EllipsisType, NotImplementedType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Codec, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def _encode_int(value: int, write: Write) -> list[object]:
    """Two's complement, big-endian: decimal text would take quadratic time to read."""
    del write
    return [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)]


def _decode_int(parts: list[Any], read: Read) -> int:
    del read
    [raw] = check(parts, bytes)
    return int.from_bytes(raw, "big", signed=True)


def _encode_surrogates(value: str, write: Write) -> list[object]:
    del write
    return [value.encode("utf-8", "surrogatepass")]


def _decode_surrogates(parts: list[Any], read: Read) -> str:
    del read
    [raw] = check(parts, bytes)
    return str(raw, "utf-8", "surrogatepass")


def _encode_bytes(value: bytes | bytearray, write: Write) -> list[object]:
    return [write.buffer(len(value), lambda out: out.__iadd__(value))]


def _decode_bytes(parts: list[Any], read: Read) -> bytes:
    [part] = check(parts, (bytes, int))
    return bytes(read.buffer(part))


def _decode_bytearray(parts: list[Any], read: Read) -> bytearray:
    [part] = check(parts, (bytes, int))
    return bytearray(read.buffer(part))


def _encode_complex(value: complex, write: Write) -> list[object]:
    del write
    return [value.real, value.imag]


def _decode_complex(parts: list[Any], read: Read) -> complex:
    del read
    return complex(*check(parts, float, float))


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


def _decode_pairs(parts: list[Any], read: Read) -> dict[Any, object]:
    del read
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _encode_range(value: range | slice, write: Write) -> list[object]:
    return [write.value(getattr(value, part), f".{part}") for part in ("start", "stop", "step")]


def _decode_range(parts: list[Any], read: Read) -> range:
    del read
    return range(*check(parts, int, int, int))


def _decode_slice(parts: list[Any], read: Read) -> slice[Any, Any, Any]:
    del read
    start, stop, step = parts
    return slice(start, stop, step)


_SINGLETONS: Final = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}


def _decode_singleton(parts: list[Any], read: Read) -> object:
    del read
    [name] = check(parts, str)
    if name not in _SINGLETONS:
        raise RestoreError(f"an unknown constant {name!r}")
    return _SINGLETONS[name]


BIG_INT: Final = Codec(1, _encode_int, _decode_int)
SURROGATES: Final = Codec(2, _encode_surrogates, _decode_surrogates)
PAIRS: Final = Codec(8, _encode_pairs, _decode_pairs)

BIG_BYTES: Final = Codec(12, _encode_bytes, _decode_bytes)

_SINGLETON: Final = Codec(11, lambda value, _: [repr(value)], _decode_singleton)

CODECS: Final[dict[type, Codec]] = {
    bytearray: Codec(3, _encode_bytes, _decode_bytearray),
    complex: Codec(4, _encode_complex, _decode_complex),
    tuple: Codec(5, _encode_sequence, lambda parts, _: tuple(parts)),
    set: Codec(6, _encode_set, lambda parts, _: set(parts)),
    frozenset: Codec(7, _encode_set, lambda parts, _: frozenset(parts)),
    range: Codec(9, _encode_range, _decode_range),
    slice: Codec(10, _encode_range, _decode_slice),
    EllipsisType: _SINGLETON,
    NotImplementedType: _SINGLETON,
}
