"""The contract of a key generation, and the number of the key scheme."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.contracts.types import TypeSupport

KEY_SCHEME: Final = 1
"""The number of the key scheme. It is part of every key, and every row has it."""


class KeyGenBase(Backend):
    """Turns a call's arguments into its `input_id`."""

    blocking: ClassVar[bool] = False

    @abstractmethod
    def input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The ID of these arguments: equal for equal ones, distinct for distinct ones.

        The arguments of a call come by their names, all in `kwargs`, with defaults filled in, so
        that `f(1)`, `f(a=1)` and `f(1, b=2)` with the default 2 are one; what ``*args`` took is a
        tuple under that name. Single values, such as an ID, come in `args`.
        The ID is the same in every process, on every machine.

        Raises:
            UnstableKeyError: an argument has no stable form; gives its path in the arguments.
        """

    def supporting(self, types: Mapping[str, TypeSupport]) -> KeyGenBase:
        """A key generation that also takes the classes that plug-ins support; `self` if it can't.

        Called once, when a function is marked. What has been registered with `self` counts too.

        Args:
            types: a class's ``module:qualified name`` -> the `TypeSupport` that names it.
        """
        del types
        return self

    def canonical(self, value: object) -> str:
        """The stable text of one value, for `explain`; equal for values that count as equal."""
        kind = type(value).__name__
        raise NotSupportedError(f"the key generation {self.name!r} shows no text ({kind})")
