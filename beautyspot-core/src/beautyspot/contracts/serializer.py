"""The contract of a serializer."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.contracts.backend import Data
    from beautyspot.contracts.types import TypeSupport


class SerializerBase(Backend):
    """Turns values into bytes and back, equal and of equal type, or refuses.

    Class attributes:
        requires_signature: True if `loads` may run what is in the bytes, as pickle does. Such a
            serializer is refused by a Spot without a `signing_key`, gets no bytes that do not bear
            a signature by that, and is never used by tools that show what others have stored.
    """

    blocking: ClassVar[bool] = False
    requires_signature: ClassVar[bool] = False

    @abstractmethod
    def dumps(self, value: object) -> Data:
        """The bytes of `value`.

        Raises:
            SerializationError: the value has no faithful form; says which part, and what to do.
        """

    @abstractmethod
    def loads(self, data: Data) -> Any:
        """The value of `data`, which may be hostile: nothing in it is a reason to run code.

        A serializer may take another argument, ``owned: bool = False``. If it is True, `data` is a
        writable buffer to which nothing else refers, now or later: parts of the value may stay in
        it, while any other buffer must be copied from.

        Raises:
            RestoreError: the data is damaged, or of a class that the program did not vouch for.
        """

    def loads_for_looking(self, data: Data) -> Any:
        """The value of `data` for somebody who looks at what another program stored.

        Nothing may be imported or called that the data name, and no class of the program is needed:
        a part whose class nobody vouches for, here, becomes an `Instance`. By default it is what
        `loads` gives; of a serializer that requires a signature, nothing.

        Raises:
            RestoreError: the data are damaged, or can't be read without their classes.
            NotSupportedError: `loads` might run what is in the data.
        """
        if self.requires_signature:
            raise NotSupportedError(
                f"what the serializer {self.name!r} stored is not loaded to be looked at, since "
                "that may run it: take the raw bytes"
            )
        return self.loads(data)

    def vouching(self, types: Iterable[Any]) -> SerializerBase:
        """A serializer that also restores these classes; `self` if it takes no classes.

        Called once, when a function is decorated, with the types of its return annotation
        (`list[Answer]` as well as `Answer`).
        """
        del types
        return self

    def supporting(self, types: Mapping[str, TypeSupport]) -> SerializerBase:
        """A serializer that also stores the classes that plug-ins support; `self` if it can't.

        Called once, when a function is marked, and before `vouching`.

        Args:
            types: a class's ``module:qualified name`` -> the `TypeSupport` that names it.
        """
        del types
        return self

    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Vouch for a class, and say how to write it if the serializer can't know.

        Args:
            cls: the class.
            encode: turns an instance into a value that can be stored.
            decode: turns that value into an equal instance.
            name: the class's name in stored bytes; default the module and qualified name. Give it
                to keep old results readable when the class moves.
        """
        raise NotSupportedError(f"the serializer {self.name!r} takes no types ({cls.__qualname__})")
