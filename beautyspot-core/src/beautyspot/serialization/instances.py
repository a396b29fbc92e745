"""What stands in a value for the parts that are read without their class or library."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Number
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        shape: its shape, where that is known without the library.
        size: how many bytes are stored of it.
    """

    library: str
    kind: str
    shape: tuple[int, ...] | None
    size: int

    def __repr__(self) -> str:
        shape = "" if self.shape is None else f" of shape {self.shape}"
        return f"<{self.kind}{shape}, {self.size} bytes: {self.library} is not installed>"
