"""Writes and reads documents, the form of which is in `codec`.

Writing is a walk over a value that makes it packable, or finds the part that is not. What is read
may be hostile.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from msgpack import ExtType, Packer, unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.contracts.values import Buffer
from beautyspot.errors import RestoreError
from beautyspot.serialization.classes import PLAIN, is_below
from beautyspot.serialization.codec import (
    BIG_INT,
    BY_CODE,
    ENUM,
    FUNCTIONS,
    HEAD,
    INSTANCE,
    PAIRS,
    SCALARS,
    SEGMENT,
    SIZE,
    SURROGATES,
    VERSION,
    Attributes,
    Codec,
    Encoded,
    Refused,
    aligned,
    check,
    codec_of,
    codec_of_code,
)
from beautyspot.serialization.trust import advice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts import Data
    from beautyspot.serialization.trust import AnyForm, Trust

TEXTS: Final = frozenset({str, bytes})
_INSIDE: Final = 1000  # containers deep is a part of an instance: deeper than any annotation goes
_LARGE: Final = 2**16  # bytes of buffers that are not copied once more


def document(value: object, trust: Trust) -> Data:
    """The document of a value: `bytes`, or a `bytearray` if there are big buffers in it.

    Raises:
        Refused: a part has no stored form.
        Exception: of a value's own methods; or a part, or all buffers together, is over 4 GiB.
    """
    writer = _Writer(trust)
    tree = writer.tree(value)
    out, size = writer.out, len(writer.out) - len(HEAD) - SIZE.size
    packer = Packer(strict_types=True, unicode_errors=SURROGATES, default=writer.large)
    packed: Any = packer.pack(tree)
    SIZE.pack_into(out, len(HEAD), size)
    if not writer.is_tagged:
        return bytes(packed)
    out += packed
    return out if size >= _LARGE else bytes(out)


class _Writer:
    """One walk, which writes the buffers that it meets to `out`.

    Args:
        trust: the classes that count.
    """

    def __init__(self, trust: Trust) -> None:
        self.out = bytearray(HEAD) + bytes(SIZE.size)
        self.is_tagged = False
        self._trust = trust
        self._known: dict[type, Any] = {}
        self._met: dict[int, Any] = {}  # the instances that equal no other ones, by `id`
        self._depth = -1  # how many containers the value is within

    def tree(self, value: Any, step: str = "", place: object = None) -> object:
        """The packable form of a value, to which the step leads, formatted with the place.

        Raises:
            Refused: it has none.
        """
        kind = type(value)
        if kind in SCALARS:
            return value
        form: object
        self._depth += 1
        try:
            if kind is dict:
                form = self._mapping(value)
            elif kind is list:
                is_plain = SCALARS.issuperset(map(type, value))
                form = value if is_plain else self._items(value, "[{}]")
            elif kind is Buffer:
                form = self._tag(SEGMENT, [self._buffer(value)])
            elif (codec := codec_of(kind)) is not None:
                parts = codec.encode(value)
                if codec.hashed:
                    self._trust.check_hashed(parts)
                step_inside = "[{}]" if codec.types is None else ""
                form = self._tag(codec.code, self._items(parts, step_inside))
            else:
                form = self._instance(kind, value)
        except Refused as refused:
            refused.steps.append(step.format(place))
            raise
        self._depth -= 1
        return form

    def _instance(self, kind: type, value: Any) -> object:
        if kind is Encoded:
            return self._tag(FUNCTIONS, self._inside([value.name, "", value.form], ""))
        if kind not in self._known:
            self._known[kind] = self._trust.of_type(kind)
        if self._known[kind] is None:
            base = self._trust.promised(kind, self._depth)
            if base is not None:
                self._depth -= 1  # it stands in the same place
                form = self.tree(PLAIN[base](value) if is_below(kind, base) else base(value))
                self._depth += 1
                return form
            raise Refused(advice(value, self._trust.types))
        ref, form = self._known[kind]
        if form.code == INSTANCE and form.by_identity:
            if id(value) in self._met:
                raise Refused(
                    f"it is one {kind.__qualname__} in two places, and would be two, which are not "
                    "equal: give the class an __eq__, or return a name of it in its place"
                )
            self._met[id(value)] = value
        step = f".<encoded {kind.__qualname__}>" if form.code == FUNCTIONS else ""
        return self._tag(form.code, [ref, *self._inside(form.parts(value), step)])

    def _inside(self, parts: list[Any], step: str) -> list[object]:
        """The parts of an instance, of which the annotation says nothing."""
        self._depth += _INSIDE
        items = self._items(parts, step)
        self._depth -= _INSIDE
        return items

    def large(self, value: int) -> list[object]:
        """The form of an integer that msgpack does not know, for which its packer asks."""
        return self._tag(BIG_INT.code, BIG_INT.encode(value))

    def _tag(self, code: int, parts: list[Any]) -> list[object]:
        self.is_tagged = True
        return [ExtType(code, VERSION), *parts]

    def _items(self, values: Iterable[Any], step: str) -> list[object]:
        return [
            {name: self.tree(each, ".{}", name) for name, each in value.items()}
            if type(value) is Attributes
            else self.tree(value, step, place)
            for place, value in enumerate(values)
        ]

    def _mapping(self, value: dict[Any, object]) -> object:
        """As a map, where the keys are texts or bytes; else keys and values in turn."""
        kinds = {*map(type, value)}
        flat = [*chain.from_iterable(value.items())]
        if SCALARS.issuperset(map(type, flat)):
            return value if kinds <= TEXTS else self._tag(PAIRS.code, flat)
        done = {key: self.tree(item, "{}", step_to(key)) for key, item in value.items()}
        if kinds <= TEXTS:
            return done
        self._trust.check_hashed([*value])
        pairs = zip(self._items(value, ".<key>"), done.values(), strict=True)
        return self._tag(PAIRS.code, [part for pair in pairs for part in pair])

    def _buffer(self, buffer: Buffer) -> int:
        """The size of a buffer, which is written beside the tree."""
        self.out += bytes(aligned(len(self.out)) - len(self.out))
        start = len(self.out)
        buffer.fill(self.out)
        return len(self.out) - start


def step_to(key: object) -> str:
    """The step of a path to the value of a key: ``["rows"]``."""
    return f'["{key:.40}"]' if type(key) is str else f"[{key!r:.40}]"


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
    value = unpackb(
        view[end:],
        strict_map_key=True,
        unicode_errors=SURROGATES,
        ext_hook=read.marker,
        list_hook=read.array,
    )
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
        if type(ref) is not str:
            raise RestoreError("a class without a name: the data are damaged")
        form = self._forms.get((code, ref))
        if form is None:
            form = self._forms[code, ref] = self.trust.of_ref(ref, code)
        return form.make(*parts)

    def _buffer(self, part: object) -> memoryview:
        """A buffer. Gives each once: a small document can't become a big value.

        A view of less than half of the data is read-only: a value that kept it would keep all.
        """
        start = aligned(self.at)
        if type(part) is not int or not 0 <= part <= self._end - start:
            raise RestoreError("a buffer is missing")
        self.at = start + part
        view = self._data[start : self.at]
        return view if 2 * part >= len(self._data) else view.toreadonly()


_CLASSES: Final = frozenset({INSTANCE, ENUM, FUNCTIONS})
"""The ext types of what is made by a form; their codecs, and that of buffers, only mark."""

BY_CODE.update({code: Codec(code, list, list) for code in (*_CLASSES, SEGMENT)})
