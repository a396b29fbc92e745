"""The walk over a value that makes it packable for msgpack, or finds the part that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import GET_DATA, NO_DATA, class_name, needs_data_plugin
from beautyspot.serialization.codecs.builtin import BIG_BYTES, BIG_INT, PAIRS, SURROGATES
from beautyspot.serialization.codecs.classes import advice
from beautyspot.serialization.codecs.contract import MAX_DEPTH, Refused
from beautyspot.serialization.codecs.generics import entry_of
from beautyspot.serialization.codecs.registry import REGISTERED, Encoded
from beautyspot.serialization.codecs.table import BY_TYPE, library_codec, standard_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.serialization.codecs.contract import Codec
    from beautyspot.serialization.codecs.registry import Registry

ATOMS: Final = frozenset({type(None), bool, float})
SCALARS: Final = ATOMS | {int, str, bytes}
_NESTING: Final = frozenset({list, dict})
_INLINE: Final = 2**16  # bytes; a buffer of this size or more becomes a segment of the document

Segment = tuple[int | None, "Callable[[bytearray], object]"]


def is_plain(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether msgpack itself writes the value faithfully, apart from big integers and surrogates.

    All parts are checked by exact type: msgpack would take a bytearray or a memoryview for bytes.
    """
    kind = type(value)
    if kind in SCALARS:
        return True
    if kind is list:
        return _are_plain(value, depth)  # type: ignore[arg-type] # mypy does not narrow by `is`
    if kind is dict:
        return SCALARS.issuperset(map(type, value)) and _are_plain(value.values(), depth)  # type: ignore[call-overload,attr-defined] # as above
    return False


def _are_plain(values: Iterable[object], depth: int) -> bool:
    if SCALARS.issuperset(map(type, values)):
        return depth > 0
    if depth == 0 or not {*map(type, values)} - SCALARS <= _NESTING:
        return False
    for value in values:
        if type(value) not in SCALARS and not is_plain(value, depth - 1):
            return False
    return True


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**64


def _encodable(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Writer:
    """One walk: the `Write` of the codecs. `segments` are the big buffers that it met."""

    __slots__ = ("_depth", "_registry", "segments")

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._depth = 0
        self.segments: list[Segment] = []

    def tree(self, value: Any) -> object:
        """The packable form of a value.

        Raises:
            Refused: it has none.
        """
        kind = type(value)
        if kind in ATOMS:
            return value
        if kind in SCALARS:
            return self._scalar(kind, value)
        if self._depth == MAX_DEPTH:
            raise Refused(
                f"it is nested more than {MAX_DEPTH} levels deep, or contains itself: flatten it"
            )
        self._depth += 1
        try:
            return self._container(kind, value)
        finally:
            self._depth -= 1

    def _scalar(self, kind: type, value: Any) -> object:
        if kind is int:
            return value if _fits(value) else self._tagged(BIG_INT, value)
        if kind is str:
            return value if _encodable(value) else self._tagged(SURROGATES, value)
        return value if len(value) < _INLINE else self._tagged(BIG_BYTES, value)

    def _container(self, kind: type, value: Any) -> object:
        if kind is list:
            return self.items(value)
        if kind is dict:
            return self.mapping(value)
        codec = BY_TYPE.get(kind) or standard_codec(kind)
        if codec is not None:
            return self._tagged(codec, value)
        entry = self._registry.of_type(kind) or entry_of(kind, self._registry)
        if entry is not None:
            return [entry.tag.marker, entry.name, *entry.encode(value, self)]
        codec = library_codec(kind)
        if codec is not None:
            return self._tagged(codec, value)
        if kind is Encoded:
            form = self.value(value.form, f".<encoded {value.title}>")
            return [REGISTERED.marker, value.name, form]
        if needs_data_plugin(self._registry.types, kind):
            raise Refused(f"a {class_name(kind)} {NO_DATA}: {GET_DATA}")
        raise Refused(advice(kind))

    def _tagged(self, codec: Codec, value: object) -> list[object]:
        return [codec.marker, *codec.encode(value, self)]

    def value(self, value: object, step: str) -> object:
        """See `Write.value`."""
        try:
            return self.tree(value)
        except Refused as refused:
            refused.inside(step)
            raise

    def items(self, values: Iterable[object], step: str = "[{}]") -> list[object]:
        """See `Write.items`."""
        done: list[object] = []
        try:
            for value in values:
                done.append(value if type(value) in ATOMS else self.tree(value))  # noqa: PERF401 - its length is the index
        except Refused as refused:
            refused.inside(step.format(len(done)))
            raise
        return done

    def attributes(self, values: Mapping[str, object]) -> dict[Any, object]:
        """See `Write.attributes`."""
        for name in values:
            if type(name) is not str or not _encodable(name):
                raise Refused(
                    f"it has an attribute named {name!r}, which is not plain text: rename it"
                )
        return self._members(values, ".{}".format)

    def storable(self, values: Mapping[str, object]) -> dict[str, object]:
        """See `Write.storable`."""
        done: dict[str, object] = {}
        for name, value in values.items():
            before = len(self.segments)
            try:
                done |= self.attributes({name: value})
            except Refused:
                del self.segments[before:]
        return done

    def mapping(self, values: Mapping[Any, object]) -> object:
        """See `Write.mapping`."""
        if all(map(_is_key, values)):
            return self._members(values, step_to)
        return self._tagged(PAIRS, values)

    def _members(
        self, values: Mapping[Any, object], step: Callable[[object], str]
    ) -> dict[Any, object]:
        done = {}
        key: object = None
        try:
            for key, value in values.items():
                done[key] = value if type(value) in ATOMS else self.tree(value)
        except Refused as refused:
            refused.inside(step(key))
            raise
        return done

    def buffer(self, size: int | None, fill: Callable[[bytearray], object]) -> object:
        """See `Write.buffer`: the bytes themselves, or the index of a segment."""
        if size is None or size >= _INLINE:
            self.segments.append((size, fill))
            return len(self.segments) - 1
        out = bytearray()
        fill(out)
        return bytes(out)


def step_to(key: object) -> str:
    """The step of a path to the value of a key: ``["rows"]``."""
    return f'["{key:.40}"]' if type(key) is str else f"[{key!r:.40}]"


def _is_key(key: object) -> bool:
    """Whether msgpack can write the key, and reads it back equal and of equal type."""
    kind = type(key)
    if kind is str:
        return _encodable(key)  # type: ignore[arg-type] # mypy does not narrow by `is`
    if kind is int:
        return _fits(key)  # type: ignore[arg-type] # as above
    return kind in SCALARS
