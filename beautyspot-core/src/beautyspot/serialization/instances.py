"""What stands in a value for the parts that are read without their class or library."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from reprlib import Repr
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Never

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 120


class Instance:
    """Stands for an instance of a class of the program that stored it: its class was not there.

    Two are equal if class and fields are. It can't be changed, and counts in sets and as a key.

    Args:
        class_name: the name under which it is stored, as "module:qualified.name".
        fields: the values by name, where the stored form has names, else by position.

    Attributes:
        class_name: see above.
        fields: see above; a mapping that can't be changed.
    """

    __slots__ = ("class_name", "fields")

    class_name: str
    fields: Mapping[str | int, Any]

    def __init__(self, class_name: str, fields: Mapping[str | int, Any]) -> None:
        object.__setattr__(self, "class_name", class_name)
        object.__setattr__(self, "fields", MappingProxyType(dict(fields)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Instance can't be changed ({name})")

    def __getattr__(self, name: str) -> Never:
        if name != "fields" and name in self.fields:
            raise AttributeError(
                f"an Instance has no attribute {name!r}: the field is in .fields[{name!r}]"
            )
        raise AttributeError(f"an Instance has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Instance can't be changed ({name})")

    def __reduce__(self) -> tuple[type[Instance], tuple[str, dict[str | int, Any]]]:
        return type(self), (self.class_name, dict(self.fields))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if self.class_name != other.class_name or self.fields.keys() != other.fields.keys():
            return False
        return all(is_same(part, other.fields[name]) for name, part in self.fields.items())

    def __hash__(self) -> int:
        return hash((self.class_name, _hashable(dict(self.fields))))

    def __repr__(self) -> str:
        parts = (
            part if type(name) is int else f"{name}={part}"
            for name, value in self.fields.items()
            for part in [_SHORT.repr(value)]
        )
        return f"{self.class_name.rpartition(':')[2]}({', '.join(parts)})"


class ErrorInstance(Instance):
    """Stands for an error that a call raised, and that is stored by ``cache_errors``.

    Its fields are the arguments by position, and the attributes by name.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"error {super().__repr__()}"


@dataclass(frozen=True, slots=True)
class NotInstalled:
    """Stands for a value of a library that is not installed here.

    Attributes:
        library: what is missing: the library, as "numpy", or the plug-in that has its types.
        kind: the type, as "ndarray"; "value" where it is not known.
        shape: its shape, where that is known without the library.
        size: how many bytes are stored of it.
    """

    library: str
    kind: str
    shape: tuple[int, ...] | None
    size: int
    _content: bytes = field(default=b"", repr=False)  # a digest: other values are not equal

    def __repr__(self) -> str:
        shape = "" if self.shape is None else f" of shape {self.shape}"
        return f"<{self.kind}{shape}, {self.size} bytes: {self.library} is not installed>"


def is_same(one: Any, other: Any) -> bool:
    """Whether two parts are equal, also where ``==`` has no plain answer, as for arrays."""
    with suppress(Exception):  # "ambiguous", or shapes that differ
        return bool(one == other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    with suppress(Exception):
        return _same_array(one, other)
    return False


def _same_array(one: Any, other: Any) -> bool:
    """Of arrays of NumPy, frames, tensors."""
    equal = getattr(one, "equals", None) or getattr(one, "equal", None)
    return bool(equal(other) if equal else (one == other).all())


def _hashable(value: Any) -> object:
    """What equal values have in common; of a value that can't be hashed, its parts or nothing."""
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, bytearray):
        return hash(bytes(value))
    try:
        return hash(value)
    except TypeError:
        return None
