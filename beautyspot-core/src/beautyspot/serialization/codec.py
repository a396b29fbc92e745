"""The stored form of values, which is fixed, and what all who write and read it share.

A document is msgpack throughout. A value that msgpack knows (None, bool, int of 64 bits, float,
str, bytes, list, dict with keys of text or bytes) is written as itself. Any other is a *tagged
value*: an array whose first element is an ext, the type of which names the codec and the one byte
of which is the version of the parts; the parts are the rest of the array::

    (1, "a")        ->  [ext(5, 01), 1, "a"]
    Decimal("0.1")  ->  [ext(40, 01), "0.1"]

No ordinary array starts with an ext, so the two are never confused, and nothing is packed a second
time inside an ext, so that a big array deep in a dataclass is copied once. Around a document with
tagged values is an envelope, an msgpack array of three::

    [ext(0, <version: 1 byte>), bin(<the big buffers>), tree]

Its head has a fixed width (array 32, ext 8, bin 32), so one comparison recognizes it. The buffers
stand one after another, each from a multiple of 64 bytes of the document on, so that an array can
use them without a copy; the tree has their sizes, in their order. Integers are big-endian, as
everywhere in msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts.values import Buffer, class_name
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.functions.names import genuine, root_of
from beautyspot.messages import error_shown, less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot.contracts.values import TypeSupport

    Types = tuple[type | tuple[type, ...], ...]

HEAD: Final = b"\xdd\x00\x00\x00\x03\xc7\x01\x00\x03\xc6"
"""How a document with tagged values begins; the byte before the last is its version."""

SIZE: Final = struct.Struct(">I")
"""The size of the buffers, after that."""

VERSION: Final = b"\x01"
"""The version of the parts of a tagged value."""

SEGMENT: Final = 13
"""The ext type of a buffer, which has its size: the bytes stand beside the tree.

In its place, who makes the value gets a view of what is stored. One that can be written to may stay
the value's memory: nothing else uses it, and it is most of the data.
"""

SCALARS: Final = frozenset({type(None), bool, float, int, str, bytes})
"""The types that msgpack writes as they are, but for large integers and large bytes."""

SURROGATES: Final = "surrogatepass"
"""How lone surrogates in texts are written: as what UTF-8 would have for them."""


INSTANCE: Final = 60
ENUM: Final = 62
FUNCTIONS: Final = 66
"""The ext types of instances, of members of enums, and of instances that functions write."""


class Refused(SerializationError):  # noqa: N818 - what is said of it begins with the value
    """A value has no stored form. Collects the steps to it while it propagates outwards."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def __str__(self) -> str:
        """With the path from the result to the value, such as ``result["rows"][3].client``."""
        return f"result{''.join(self.steps[::-1])} can't be stored: {self.reason}"


def aligned(place: int) -> int:
    """Where a buffer begins, from a place in a document on."""
    return -(-place // 64) * 64


class Attributes(dict[str, Any]):
    """Named parts of a value, for the path in a message: ``.client`` in place of ``["client"]``."""


class Codec(NamedTuple):
    """Writes and reads the values of one type, or of one family of types.

    Attributes:
        code: the ext type, 1 to 127. It never changes.
        encode: gives the parts of a value.
        make: gives the value of its parts, which may be hostile.
        types: what the parts have to be, exactly, `object` being any; None if they are items.
        hashed: 1 if all parts will be hashed, 2 if every second one, as the keys of a dict.
    """

    code: int
    encode: Callable[[Any], list[Any]]
    make: Callable[..., Any]
    types: Types | None = None
    hashed: int = 0


def check(parts: Sequence[Any], types: Types) -> None:
    """Refuse parts unless each has exactly its type, or one of a tuple of types.

    Raises:
        RestoreError: one has another type: damaged data.
        ValueError: there are more or fewer.
    """
    for part, expected in zip(parts, types, strict=True):
        kind = type(part)
        if kind is expected or expected is object:
            continue
        if not isinstance(expected, tuple) or not any(kind is each for each in expected):
            raise RestoreError("a part of a value is of another type: the data are damaged")


BIG_INT: Final = Codec(
    1,
    # In two's complement, big-endian: reading decimal text would take quadratic time.
    lambda value: [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)],
    lambda raw: int.from_bytes(raw, "big", signed=True),
    (bytes,),
)
PAIRS: Final = Codec(  # keys and values in turn; the walk of `documents` knows their paths
    8, list, lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True)), hashed=2
)


def _bounds(value: range | slice) -> list[Any]:
    return [value.start, value.stop, value.step]


BY_TYPE: Final[dict[type, Codec]] = {
    bytearray: Codec(
        3,
        lambda value: [Buffer(value)],
        bytearray,
        (memoryview,),
    ),
    complex: Codec(4, lambda value: [value.real, value.imag], complex, (float, float)),
    tuple: Codec(5, list, lambda *parts: parts),
    set: Codec(6, list, lambda *parts: {*parts}, hashed=1),
    frozenset: Codec(7, list, lambda *parts: frozenset(parts), hashed=1),
    range: Codec(9, _bounds, range, (int, int, int)),
    slice: Codec(10, _bounds, slice, (object, object, object)),
}
"""The types that are always stored; those of the standard library once one of them was met."""

BY_CODE: Final[dict[int, Codec]] = {
    codec.code: codec for codec in (*BY_TYPE.values(), BIG_INT, PAIRS)
}
"""The codecs that read; those of classes are entered by `documents`."""

_HOMES: Final = {
    **dict.fromkeys(("collections", "datetime", "decimal", "fractions", "ipaddress"), False),
    **dict.fromkeys(("pathlib", "types", "uuid", "zoneinfo"), False),
    **dict.fromkeys(("pydantic", "pydantic_core"), True),
}
"""The first part of the module of a type -> whether its codec is one of pydantic's."""


def codec_of(cls: type) -> Codec | None:
    """The codec of a type; None if it has none, or msgpack writes its values itself."""
    codec = BY_TYPE.get(cls)
    if codec is None:
        cls = genuine(cls)
        home = _HOMES.get(root_of(cls.__module__))
        if home is not None:
            _load(of_pydantic=home)
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
        _load(of_pydantic=code > 100)
    if code in BY_CODE:
        return BY_CODE[code]
    raise RestoreError(f"the ext type {code} is unknown: damaged, or stored by a newer release")


@cache
def _load(*, of_pydantic: bool) -> None:
    module: Any = import_module("beautyspot.serialization.standard_types")
    codecs = module.of_pydantic() if of_pydantic else module.STANDARD
    BY_CODE.update((codec.code, codec) for codec in codecs.values())
    BY_TYPE.update(codecs)


# --------------------------------------------------- instances that functions write and read


class Encoded(NamedTuple):
    """What the `encode` of a registered class has made of an instance.

    Attributes:
        name: of the class.
        form: what it made.
    """

    name: str
    form: Any


class Functions(NamedTuple):
    """How functions take the instances of a class apart, and make them.

    Attributes:
        cls: the class; of a plug-in its name, since it need not be loaded yet.
        by: the name of the plug-in's support; "" where the program has registered them.
        encode: gives a value that can be stored.
        decode: makes an instance of that.
        counted: gives what has to be `cls` for the class of an instance.
        code: the ext type.
    """

    cls: type | str
    by: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    counted: Callable[[type], Any] = lambda cls: cls
    code: int = FUNCTIONS

    def parts(self, value: Any) -> list[Any]:
        """By whom it is written, and what `encode` makes of an instance."""
        try:
            return [self.by, self.encode(value)]
        except SerializationError as error:  # the function refuses the value, and says why
            raise Refused(f"a {type(value).__qualname__} {less_secrets(str(error))}") from error
        except Exception as error:
            why = f"encode of {class_name(type(value))} raised {error_shown(error)}"
            raise Refused(f"{why}: correct the function") from error

    def make(self, by: Any, form: Any) -> Any:
        """The instance that `decode` makes of that; raises as it does."""
        if by != self.by:
            raise RestoreError(f"it was stored by the types {by!r:.80}, and is now {self.by!r}'s")
        value = self.decode(form)
        cls = type(value)
        if self.cls is not cls and self.cls != self.counted(cls):
            wanted = getattr(self.cls, "__qualname__", self.cls)
            raise RestoreError(f"decode gave a {class_name(cls)} in place of a {wanted}")
        return value


@lru_cache(maxsize=256)  # what is stored may name any number
def of_plugin(support: TypeSupport, name: str) -> Functions:
    """The functions of a plug-in's support, for a class of this name."""

    def encode(value: Any) -> Any:
        form, is_own = support.encode(value), support.own_names(type(value))
        others = [n for n in getattr(value, "__dict__", ()) if is_own is not None and not is_own(n)]
        if others:
            raise SerializationError(
                f"carries attributes of its own ({', '.join(others)}): return them beside it"
            )
        return form

    def counted(cls: type) -> str:
        return class_name(support.counted_as(cls))

    return Functions(name, support.name, encode, support.decode, counted)
