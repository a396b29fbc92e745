"""`Payer`: a function under a limit, and its name in what is told of its permits."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from beautyspot.functions.names import LIMITED, OURS, identifier_of, is_ours

if TYPE_CHECKING:
    from collections.abc import Callable


class Payer:
    """A function under a limit.

    Args:
        function: see below.

    Attributes:
        function: asks for a permit before each call.
        name: that of the mark above the limit, or beneath it; else the function's own identifier.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        marked = vars(function)[OURS] if is_ours(function) else None
        self.function = function
        self.name: str = getattr(marked, "func_identifier", None) or identifier_of(function)


def payer_of(function: object) -> Payer | None:
    """What pays for a function that is limited, or that is wrapped around such a one."""
    found: object = None
    with suppress(Exception):  # it may answer for any name, or raise
        found = getattr(function, LIMITED, None)
    return found if isinstance(found, Payer) else None
