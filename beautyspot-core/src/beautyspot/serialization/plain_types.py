"""Which codec writes a type, and which one reads a code; those of the builtin types are here.

Those of the standard library, and of pydantic, are imported when a value of it is stored, so that
the program has imported the library, or when one is restored.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import EllipsisType, NotImplementedType
from typing import Any, Final

from beautyspot.errors import RestoreError
from beautyspot.functions.names import genuine, root_of
from beautyspot.serialization.codec import SCALARS, Codec, Segment

BIG_INT: Final = Codec(
    1,
    # In two's complement, big-endian: reading decimal text would take quadratic time.
    lambda value: [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)],
    lambda raw: int.from_bytes(raw, "big", signed=True),
    (bytes,),
)
SURROGATES: Final = Codec(
    2,
    lambda value: [value.encode("utf-8", "surrogatepass")],
    lambda raw: str(raw, "utf-8", "surrogatepass"),
    (bytes,),
)
PAIRS: Final = Codec(  # keys and values in turn; the walk of `writing` knows their paths
    8, list, lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True)), hashed=2
)

_SINGLETONS: Final = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}
_SINGLETON: Final = Codec(11, lambda value: [repr(value)], _SINGLETONS.__getitem__, (str,))


def _bounds(value: range | slice) -> list[Any]:
    return [value.start, value.stop, value.step]


BY_TYPE: Final[dict[type, Codec]] = {
    bytearray: Codec(
        3,
        lambda value: [Segment(len(value), lambda out: out.__iadd__(value))],
        bytearray,
        (memoryview,),
    ),
    complex: Codec(4, lambda value: [value.real, value.imag], complex, (float, float)),
    tuple: Codec(5, list, lambda *parts: parts),
    set: Codec(6, list, lambda *parts: {*parts}, hashed=1),
    frozenset: Codec(7, list, lambda *parts: frozenset(parts), hashed=1),
    range: Codec(9, _bounds, range, (int, int, int)),
    slice: Codec(10, _bounds, slice, (object, object, object)),
    EllipsisType: _SINGLETON,
    NotImplementedType: _SINGLETON,
}
"""The types that are always stored; those of the standard library once one of them was met."""

BY_CODE: Final[dict[int, Codec]] = {
    codec.code: codec for codec in (*BY_TYPE.values(), BIG_INT, SURROGATES, PAIRS)
}
"""The codecs that read; those of classes are entered by `reading`."""

_STANDARD: Final = "beautyspot.serialization.standard_types"
_PYDANTIC: Final = "beautyspot.serialization.pydantic_types"
_HOMES: Final = {
    **dict.fromkeys(("collections", "datetime", "decimal", "fractions", "ipaddress"), _STANDARD),
    **dict.fromkeys(("pathlib", "types", "uuid", "zoneinfo"), _STANDARD),
    **dict.fromkeys(("pydantic", "pydantic_core"), _PYDANTIC),
}
"""The first part of the module of a type -> our module with its codec."""


def codec_of(cls: type) -> Codec | None:
    """The codec of a type; None if it has none, or msgpack writes its values itself."""
    codec = BY_TYPE.get(cls)
    if codec is None:
        cls = genuine(cls)
        home = _HOMES.get(root_of(cls.__module__))
        if home is not None:
            _load(home)
            codec = BY_TYPE.get(cls)
    return codec


def is_stored_anyway(cls: type) -> bool:
    """Whether instances of this very class are stored whatever a program says."""
    return cls in SCALARS or cls in (list, dict) or codec_of(cls) is not None


def codec_of_code(code: int) -> Codec:
    """The codec with an ext type.

    Raises:
        RestoreError: none has it.
        ImportError: its library is not installed.
    """
    if code not in BY_CODE:
        _load(_STANDARD if code < 100 else _PYDANTIC)
    if code in BY_CODE:
        return BY_CODE[code]
    raise RestoreError(f"the ext type {code} is unknown: damaged, or stored by a newer release")


@cache
def _load(name: str) -> None:
    module: Any = import_module(name)
    BY_CODE.update((codec.code, codec) for codec in module.CODECS.values())
    BY_TYPE.update(module.CODECS)
