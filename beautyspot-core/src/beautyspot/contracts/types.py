"""The contract of a type support: how values of a foreign library count in a key and come back."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Types = Mapping[str, "TypeSupport"]


class TypeSupport(Backend):
    """Says how values of some classes count in a key, and how they are stored, as plain values.

    Nobody selects it: each Spot that has the plug-in uses it. It is made without arguments, and
    called from many threads at once. What stands in its module is imported when the first function
    is marked, so the library that it is for is imported inside the methods.

    Class attributes:
        name: stands in every stored value and in every key. Change it when an earlier `encode` can
            no longer be decoded.
        classes: the classes that it is for, each as ``module:qualified name`` where the class
            itself says that it is defined: ``f"{cls.__module__}:{cls.__qualname__}"``. Not those
            that beautyspot stores by itself.
        subclasses: True if it takes the subclasses of these classes as well.
    """

    classes: ClassVar[tuple[str, ...]] = ()
    subclasses: ClassVar[bool] = False

    @abstractmethod
    def key(self, value: Any) -> object:
        """What counts of `value` where it is an argument, or a part of one.

        Returns a value that has a stable form, such as a tuple of texts and numbers: equal for
        equal values, distinct for distinct ones, the same in every process. The class counts
        anyway. `value` stays as it is: a stream that is not read yet is an error here.
        """

    def encode(self, value: Any) -> object:
        """A value that can be stored, from which `decode` makes an equal one.

        It may hold values of other supported classes. `value` stays as it is.
        """
        raise NotSupportedError(f"the types {self.name!r} can't be stored ({type(value).__name__})")

    def decode(self, value: Any) -> Any:
        """The instance for what `encode` returned; `value` may be hostile, or of another release.

        The result has the class of the value that was stored; any other result is an error, and a
        miss. It may import the library: a hit can come before the program has imported it.
        """
        raise NotSupportedError(f"the types {self.name!r} can't be stored ({value!r:.80})")


def class_name(cls: type) -> str:
    """The name of a class in `TypeSupport.classes`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def support_of(types: Types, cls: type) -> tuple[str, TypeSupport] | None:
    """The support of a class, with the name in its `classes` that the class goes by."""
    for base in cls.__mro__ if types else ():
        name = class_name(base)
        support = types.get(name)
        if support is not None and (base is cls or support.subclasses):
            return name, support
    return None
