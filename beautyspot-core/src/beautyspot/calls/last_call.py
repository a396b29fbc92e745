"""`LastCall`: what the last call of a thread or task came to. `noting` remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beautyspot.observing import Reason


@dataclass(frozen=True, slots=True)
class LastCall:
    """The last call of a marked function, as `Spot.last_call` tells it.

    Attributes:
        function: the function's identifier.
        key: the call's key; "" if it has none.
        hit: whether the call got a result without running the function: from the store, or from a
            run of the same call for which it waited.
        reason: why it was a miss, as in `Miss`; None for a hit.
        made_at: when the result was made, as Unix time in seconds, by the store's clock;
            None where that is not known, and where there is no result: the call raised, or its
            stream has not ended.
        age: seconds from then to this question; None likewise.
    """

    function: str
    key: str
    hit: bool
    reason: Reason | None
    made_at: float | None
    age: float | None
