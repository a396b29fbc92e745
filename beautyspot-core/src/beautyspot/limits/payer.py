"""`Payer`: a function under a limit, and the name under which its permits are counted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from beautyspot.functions.names import COUNTED, OURS, identifier_of, is_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.limits.limiting import Counted


class Countable(Protocol):
    """A limit that knows where the permits of functions are counted."""

    def counted_of(self, name: str) -> Counted:
        """The counts of an identifier."""
        ...


class Payer:
    """A function under a limit.

    Args:
        limit: which.
        function: see below.
        name: what its permits are counted as; None for the function's own identifier.

    Attributes:
        function: asks for a permit before each call.
        counted: where its permits are counted.
    """

    __slots__ = ("_limit", "_name", "counted", "function")

    def __init__(
        self, limit: Countable, function: Callable[..., Any], name: str | None = None
    ) -> None:
        self._limit = limit
        self._name = name
        self.function = function
        self.counted = limit.counted_of(name or _identifier(function))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the limit does; the Spot there counts for itself."""
        return Payer, (self._limit, self.function, self._name)

    def count_as(self, name: str) -> None:
        """Count its permits under the name that a mark gives, unless another mark did so before."""
        if self._name is None:
            self._name = name
            self.counted = self._limit.counted_of(name)


def payer_of(function: object) -> Payer | None:
    """What pays for a function that is limited, or that is wrapped around such a one."""
    found: object = None
    with suppress(Exception):  # it may answer for any name, or raise
        found = getattr(function, COUNTED, None)
    return found if isinstance(found, Payer) else None


def _identifier(function: Callable[..., Any]) -> str:
    """The identifier of a function, or that of the mark beneath the limit."""
    marked = vars(function)[OURS] if is_ours(function) else None
    return getattr(marked, "func_identifier", None) or identifier_of(function)
