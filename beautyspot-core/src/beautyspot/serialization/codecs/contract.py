"""What every codec is made of: the codec record, the refusal, and the checks on stored parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from msgpack import ExtType  # type: ignore[import-untyped] # it ships no types

from beautyspot.errors import RestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import EllipsisType

    Expected = type | tuple[type, ...] | EllipsisType

MAX_DEPTH: Final = 100
"""How many values may stand in one another. Each takes up to six of the thousand calls that Python
allows in one another, and the caller has some running already; msgpack's own limits are above."""

MAX_SIZE: Final = 2**32 - 1
"""The largest string, buffer or count that msgpack can write."""


class Refused(Exception):  # noqa: N818 - not an error of its own: it becomes a SerializationError
    """A value has no stored form; collects the way to it while it propagates outwards."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def inside(self, step: str) -> None:
        """Note that the container holds the value at `step`; to be followed by a bare ``raise``."""
        self.steps.append(step)

    def path(self) -> str:
        """The way from the result to the value, such as ``result["rows"][3].client``."""
        steps = self.steps[::-1]
        if len(steps) > 12:  # a value that contains itself has hundreds
            steps = [*steps[:8], "…", *steps[-3:]]
        return "result" + "".join(steps)


class Write(Protocol):
    """What a codec may ask of the writer."""

    def value(self, value: object, step: str) -> object:
        """The packable form of a part of the value, which stands at `step` in it."""
        ...

    def items(self, values: Iterable[object], step: str = "[{}]") -> list[object]:
        """The packable forms of a sequence of parts; `step` is formatted with the index."""
        ...

    def attributes(self, values: Mapping[str, object]) -> dict[str, object]:
        """The packable forms of named parts, as a dictionary."""
        ...

    def mapping(self, values: Mapping[Any, object]) -> object:
        """The packable form of a dictionary, whatever its keys."""
        ...

    def buffer(self, size: int | None, fill: Callable[[bytearray], object]) -> object:
        """The packable form of the bytes that `fill` appends to the output when it is called.

        `size` decides whether they stand in the tree (small) or in a segment (None: big, unknown).
        """
        ...


class Read(Protocol):
    """What a codec may ask of the reader."""

    def buffer(self, part: object) -> memoryview:
        """The bytes that `Write.buffer` wrote: a view on the stored data.

        One that is read-only is to be copied. One that can be written to is the value's own, which
        may be built upon it: nobody else has it, and it is most of what it keeps in memory.
        """
        ...

    def entry(self, name: object, tag: Tag) -> Entry:
        """What the program vouched for under `name`.

        Raises:
            RestoreError: nothing, or a class of another kind.
        """
        ...


class Tag:
    """What stands first in the array of a tagged value. Compared by identity; made at import.

    Attributes:
        code: the ext type, 1 to 127; frozen.
        decode: the value of the payload, which may be hostile.
        marker: the code with the version of the payload.
    """

    __slots__ = ("code", "decode", "marker")

    def __init__(
        self, code: int, decode: Callable[[list[Any], Read], Any], version: int = 1
    ) -> None:
        self.code = code
        self.decode = decode
        self.marker = ExtType(code, bytes([version]))


class Codec(Tag):
    """How the values of one type, or one family of types, are written and read.

    Attributes:
        encode: the packable parts of a value: its payload.
    """

    __slots__ = ("encode",)

    def __init__(
        self,
        code: int,
        encode: Callable[[Any, Write], list[object]],
        decode: Callable[[list[Any], Read], Any],
    ) -> None:
        super().__init__(code, decode)
        self.encode = encode


def class_tag(code: int) -> Tag:
    """A tag whose payload starts with the name under which the program vouched for a class."""

    def decode(parts: list[Any], read: Read) -> Any:
        entry = read.entry(parts[0] if parts else None, tag)
        return entry.decode(*check(parts[1:], *entry.types))

    return (tag := Tag(code, decode))


def codec_of_parts(
    code: int,
    encode: Callable[[Any, Write], list[object]],
    make: Callable[..., Any],
    *types: Expected,
) -> Codec:
    """The codec of values that `make` makes of their parts, each of which has one of `types`."""
    return Codec(code, encode, lambda parts, _read: make(*check(parts, *types)))


class Entry(NamedTuple):
    """One class and how its instances are written and read.

    Attributes:
        encode: the packable parts of an instance.
        decode: the instance of these parts.
        types: of the parts; see `check`.
    """

    cls: type[Any]
    name: str
    tag: Tag
    encode: Callable[[Any, Write], list[object]]
    decode: Callable[..., Any]
    types: tuple[Expected, ...]


def check(parts: list[Any], *types: Expected) -> list[Any]:
    """`parts`, if they are as many as `types` and each of exactly its type (or one of its types).

    `object` stands for any type; ``...`` at the end says that the part before it may be left out.

    Raises:
        RestoreError: they are not, so the data are damaged.
    """
    if types and types[-1] is ...:
        types = types[: max(len(parts), len(types) - 2)]
    if len(parts) != len(types):
        raise RestoreError(f"a payload of {len(parts)} parts where {len(types)} are expected")
    for part, expected in zip(parts, types, strict=True):
        allowed = expected if isinstance(expected, tuple) else (expected,)
        if type(part) not in allowed and expected is not object:
            raise RestoreError(
                f"a part of a payload is a {type(part).__name__}: the data are damaged"
            )
    return parts


def refuse_attributes(value: object) -> None:
    """Refuse a builtin container on which somebody set attributes: they would be lost."""
    extra = getattr(value, "__dict__", None)
    if extra:
        raise Refused(
            f"it carries attributes of its own ({', '.join(extra)}): return them beside it"
        )
