"""The parts of each codec: tags, entries of classes, refusals, checks of stored parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from msgpack import ExtType  # type: ignore[import-untyped] # it ships no types

from beautyspot.errors import RestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import EllipsisType

    from beautyspot.contracts.types import Types

    Expected = type | tuple[type, ...] | EllipsisType

MAX_DEPTH: Final = 100
"""How deep values may be nested. A level takes up to six of the 1000 calls that Python nests, and
the caller has used some of them; msgpack's own limits are higher."""

MAX_SIZE: Final = 2**32 - 1
"""The largest string, buffer or count that msgpack can write."""


class Refused(Exception):  # noqa: N818 - not an error of its own: it becomes a SerializationError
    """A value has no stored form. Collects the path to it while it propagates outwards."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def inside(self, step: str) -> None:
        """Add the step from a container to the value; a bare ``raise`` has to follow."""
        self.steps.append(step)

    def path(self) -> str:
        """The path from the result to the value, such as ``result["rows"][3].client``."""
        steps = self.steps[::-1]
        if len(steps) > 12:  # a value that contains itself has hundreds
            steps = [*steps[:8], "…", *steps[-3:]]
        return "result" + "".join(steps)


class Write(Protocol):
    """The methods of the writer that codecs use."""

    def value(self, value: object, step: str) -> object:
        """The packable form of a part of the value; `step` leads to it."""
        ...

    def items(self, values: Iterable[object], step: str = "[{}]") -> list[object]:
        """The packable forms of a sequence of parts; `step` is formatted with the index."""
        ...

    def attributes(self, values: Mapping[str, object]) -> dict[str, object]:
        """The packable forms of named parts, as a dictionary."""
        ...

    def storable(self, values: Mapping[str, object]) -> dict[str, object]:
        """The packable forms of those named parts that have one."""
        ...

    def mapping(self, values: Mapping[Any, object]) -> object:
        """The packable form of a dictionary with any keys."""
        ...

    def buffer(self, size: int | None, fill: Callable[[bytearray], object]) -> object:
        """The packable form of the bytes that `fill` appends to the output when it is called.

        They are part of the tree if `size` is small, else a segment; None means an unknown size.
        """
        ...


class Read(Protocol):
    """What of the reader codecs use.

    Attributes:
        types: those that plug-ins support.
    """

    types: Types

    def buffer(self, part: object) -> memoryview:
        """The bytes that `Write.buffer` wrote, as a view of the stored data.

        Copy a read-only view. The value may keep a writable one as its memory: nothing else uses
        it, and it is most of the data that it keeps alive.
        """
        ...

    def entry(self, name: object, tag: Tag) -> Entry:
        """The class for which the program vouches under `name`.

        Raises:
            RestoreError: there is none, or it is of another kind.
        """
        ...

    def named(self, name: str) -> type:
        """The class for which the program vouches under `name`, of any kind.

        Raises:
            RestoreError: there is none.
        """
        ...


class Tag:
    """The first item in the array of a tagged value. Compared by identity; made at import.

    Attributes:
        code: the ext type, 1 to 127. It never changes.
        decode: returns the value of a payload, which may be hostile.
        marker: the ext: the code, and the version of the payload.
    """

    __slots__ = ("code", "decode", "marker")

    def __init__(
        self, code: int, decode: Callable[[list[Any], Read], Any], version: int = 1
    ) -> None:
        self.code = code
        self.decode = decode
        self.marker = ExtType(code, bytes([version]))


class Codec(Tag):
    """Writes and reads the values of one type, or of one family of types.

    Attributes:
        encode: returns the packable parts of a value: its payload.
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
    """A tag whose payload starts with the name under which the program vouches for a class."""

    def decode(parts: list[Any], read: Read) -> Any:
        entry = read.entry(parts[0] if parts else None, tag)
        rest = parts[1:]
        return entry.decode(*(rest if entry.types is None else check(rest, *entry.types)))

    return (tag := Tag(code, decode))


def codec_of_parts(
    code: int,
    encode: Callable[[Any, Write], list[object]],
    make: Callable[..., Any],
    *types: Expected,
) -> Codec:
    """The codec of values that `make` makes of their parts; see `check` for `types`."""
    return Codec(code, encode, lambda parts, _read: make(*check(parts, *types)))


class Entry(NamedTuple):
    """A class, and how its instances are written and read.

    Attributes:
        encode: returns the packable parts of an instance.
        decode: returns the instance of these parts.
        types: those of the parts, see `check`; None if any will do.
    """

    cls: type[Any]
    name: str
    tag: Tag
    encode: Callable[[Any, Write], list[object]]
    decode: Callable[..., Any]
    types: tuple[Expected, ...] | None


def check(parts: list[Any], *types: Expected) -> list[Any]:
    """Return `parts` if each has exactly its type, or one of a tuple of types.

    `object` stands for any type. With ``...`` at the end, the last part may be missing.

    Raises:
        RestoreError: there are more or fewer parts, or one has another type: damaged data.
    """
    if len(parts) != len(types) and types[-1:] == (...,):
        types = types[: max(len(parts), len(types) - 2)]
    if len(parts) != len(types):
        raise RestoreError(f"a payload of {len(parts)} parts where {len(types)} are expected")
    for part, expected in zip(parts, types, strict=True):
        kind = type(part)
        if kind is expected or expected is object:
            continue
        if not isinstance(expected, tuple) or kind not in expected:
            raise RestoreError(f"a part of a payload is a {kind.__name__}: the data are damaged")
    return parts


def refuse_attributes(value: object) -> None:
    """Refuse a builtin container on which attributes were set: they would be lost."""
    extra = getattr(value, "__dict__", None)
    if extra:
        raise Refused(
            f"it carries attributes of its own ({', '.join(extra)}): return them beside it"
        )
