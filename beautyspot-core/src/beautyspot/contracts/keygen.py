"""The contract of a key generation, and the number of the key scheme."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final

from beautyspot.contracts.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.contracts.types import TypeSupport

KEY_SCHEME: Final = 1
"""The number of the key scheme. It is part of every key, and every row has it."""


class KeyGenBase(Backend):
    """Says what tells the values of arguments apart; beautyspot makes the keys of that."""

    blocking: ClassVar[bool] = False

    @abstractmethod
    def canonical(self, value: object) -> str:
        """The stable text of one value: equal for equal ones, distinct for distinct ones.

        It is asked of each argument of a call, of what a function captured, and of an ID that
        `mark(key=)` gives. It is the same in every process, on every machine. `explain` shows it,
        and it is hashed for the key; of much data give a digest.

        Raises:
            UnstableKeyError: the value has no stable form; the path starts with ``value``.
        """

    def supporting(self, types: Mapping[str, TypeSupport]) -> KeyGenBase:
        """A key generation that also takes the classes that plug-ins support; `self` if it can't.

        Called once, when a function is marked. What has been registered with `self` counts too.

        Args:
            types: a class's ``module:qualified name`` -> the `TypeSupport` that names it.
        """
        del types
        return self
