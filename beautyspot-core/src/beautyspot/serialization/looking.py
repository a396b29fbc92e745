"""Reads a document without the classes and libraries of the program that stored it; what stands in
the value for the parts that need them.

A class that does not count here becomes an `Instance`, a value of a library that is not installed a
`NotInstalled`. Any other value that can't be made here is an `Instance` too, of its own type: a
date whose zone is of an unknown class, a zone that this machine lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Number
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.values import OF_DATA, class_name
from beautyspot.errors import RestoreError
from beautyspot.functions.names import root_of
from beautyspot.serialization.codec import BY_TYPE, ENUM, FUNCTIONS, INSTANCE, SEGMENT
from beautyspot.serialization.documents import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.serialization.codec import Codec

    Fields = dict[str | int, Any]

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 120


@dataclass(frozen=True, repr=False)
class Instance:
    """Stands for an instance of a class of the program that stored it: its class was not there.

    Two are equal if class and fields are. It counts in sets and as a key.

    Attributes:
        class_name: the name under which it is stored, as "module:qualified.name".
        fields: the values by name, where the stored form has names, else by position.
    """

    class_name: str
    fields: Mapping[str | int, Any]

    def __hash__(self) -> int:
        """Of texts and numbers in it: other values may have none, or equal ones of other types."""
        plain = (item for item in self.fields.items() if isinstance(item[1], str | Number))
        return hash((self.class_name, frozenset(plain)))

    def __repr__(self) -> str:
        parts = (
            part if type(name) is int else f"{name}={part}"
            for name, value in self.fields.items()
            for part in [_SHORT.repr(value)]
        )
        return f"{self.class_name.rpartition(':')[2]}({', '.join(parts)})"


class ErrorInstance(Instance):
    """Stands for an error that a call raised, and that is stored by ``cache_errors``.

    Attributes:
        class_name: "module:qualified.name".
        fields: the arguments by position, and the attributes by name.
    """

    def __repr__(self) -> str:
        return f"error {super().__repr__()}"


@dataclass(frozen=True, slots=True, eq=False)
class NotInstalled:
    """Stands for a value of a library that is not installed here; equal to itself alone.

    Attributes:
        library: what is missing: the library, as "numpy", or the plug-in that has its types.
        kind: the type, as "ndarray"; "value" where it is not known.
        size: how many bytes are stored of it.
    """

    library: str
    kind: str
    size: int

    def __repr__(self) -> str:
        return f"<{self.kind}, {self.size} bytes: {self.library} is not installed>"


class LookingReader(Reader):
    """A `Reader` that puts something in the place of what it can't make."""

    def value(self, codec: Codec, *parts: Any) -> Any:
        """The value of these parts, or what stands in its place."""
        try:
            return super().value(codec, *parts)
        except Exception as error:
            if codec.code == SEGMENT:
                raise
            return self._in_place(codec, error, parts)

    def _in_place(self, codec: Codec, error: Exception, parts: tuple[Any, ...]) -> Any:
        if codec.code not in (INSTANCE, ENUM, FUNCTIONS):
            kind = next((cls for cls, each in BY_TYPE.items() if each is codec), object)
            return Instance(class_name(kind), _encoded(parts))
        ref, *rest = parts
        if type(ref) is not str:
            raise RestoreError("a class without a name: the data are damaged")
        if codec.code == INSTANCE:
            return Instance(ref, _attributes(*rest))
        if codec.code == ENUM:
            return Instance(ref, dict(zip(("name", "value"), rest, strict=False)))
        return self._by_functions(error, ref, *rest)

    def _by_functions(self, error: Exception, ref: str, by: Any, form: Any) -> Any:
        name, _, exact = ref.partition(" ")
        library, is_known = root_of(name.partition(":")[0]), name in self.trust.types
        if by and (isinstance(error, ImportError) or (library in OF_DATA and not is_known)):
            missing = library if is_known else "beautyspot-data"
            held = form[-1] if type(form) is list and form else form
            size = len(held if type(held) is memoryview else repr(form))
            return NotInstalled(missing, (exact or name).rpartition(":")[2] or "value", size)
        return Instance(exact or name, _encoded(form))


def _attributes(names: Any, state: Fields, content: Any = None) -> Fields:
    """All attributes, private and extra ones of models too; before them what it holds, by place."""
    found: Fields = {}
    if type(names) is list and type(content) is tuple:  # a named tuple
        found.update(zip(names, content, strict=True))
    elif content is not None:
        found.update(_encoded(content if type(content) is list else [content]))
    if type(names) is dict:  # fields with the value of the class
        found.update({n: held[0] for n, held in names.items() if type(held) is list and held})
    for name, value in state.items():
        hidden = str(name).startswith("__pydantic_")
        found.update((value if type(value) is dict else {}) if hidden else {name: value})
    return found


def _encoded(form: Any) -> Fields:
    """What a function made of an instance: by name, by position, or as a whole."""
    if type(form) is dict and all(type(key) is str for key in form):
        return form
    items = form if type(form) in (list, tuple) else [form]
    return {n: bytes(x) if type(x) is memoryview else x for n, x in enumerate(items)}
