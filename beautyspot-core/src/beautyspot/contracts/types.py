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

    It is not selected: each Spot that has the plug-in uses it. It is made without arguments, and
    called from many threads at once. Its module is imported when the first function is marked, so
    import the library that it is for inside the methods.

    Class attributes:
        name: part of every stored value and of every key. Change it when an earlier `encode` can
            no longer be decoded.
        classes: the classes that it is for, each as ``module:qualified name``, as the class itself
            says where it is defined: ``f"{cls.__module__}:{cls.__qualname__}"``. Not those that
            beautyspot stores by itself.
        subclasses: True if it takes the subclasses of these classes as well.
        by_name: True if the name of a class says all of it in a key. For classes that a library
            makes when it runs, to which no name leads: else all that makes up such a class counts,
            which may take a second, and changes with each release of the library.
    """

    classes: ClassVar[tuple[str, ...]] = ()
    subclasses: ClassVar[bool] = False
    by_name: ClassVar[bool] = False

    @abstractmethod
    def key(self, value: Any) -> object:
        """What counts of `value` if it is an argument, or a part of one.

        Returns a value that has a stable form, such as a tuple of texts and numbers: equal for
        equal values, distinct for distinct ones, the same in every process. The class counts
        in any case. `value` must not change.

        Raises:
            UnstableKeyError: the value has no such form, as a stream that is not read yet. The
                message goes on "it is a ..., which", and ends in what to do.
        """

    def encode(self, value: Any) -> object:
        """A value that can be stored, from which `decode` makes an equal instance.

        It may contain values of other supported classes. `value` must not change, but for a
        stream that has to be read.

        Raises:
            SerializationError: it can't be stored. The message goes on "a ...", and ends in what
                to do.
        """
        raise NotSupportedError(f"the types {self.name!r} can't be stored ({type(value).__name__})")

    def decode(self, value: Any) -> Any:
        """The instance for what `encode` returned. `value` may be hostile, or of another release.

        A result of another class than the stored value's is an error, and a miss. Import the
        library here: a value may be restored before the program has imported it.
        """
        kind = type(value).__name__
        raise NotSupportedError(f"the types {self.name!r} can't be restored ({kind})")


def class_name(cls: type) -> str:
    """The name of a class, as in `TypeSupport.classes`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def support_of(types: Types, cls: type) -> tuple[str, TypeSupport] | None:
    """The support of a class, with the name in `classes` that matched."""
    for base in cls.__mro__ if types else ():
        name = class_name(base)
        support = types.get(name)
        if support is not None and (base is cls or support.subclasses):
            return name, support
    return None
