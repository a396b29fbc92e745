"""Notes what the last call of a Spot's functions came to, in this thread or task.

A hit leaves a tuple of what is at hand in a context variable, and a `LastCall` is made of it when
somebody asks. The tuple has texts and numbers only: it keeps no result, no argument and no Spot.

All Spots share the variable: a context keeps its variables as long as its thread lives, so a
program that makes Spots for ever would fill it.
"""

from __future__ import annotations

import itertools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.observing import Reason
    from beautyspot.tasks.task import Call

    Told = tuple[tuple[int, str], str, float | None, Reason | None, bool | None]
    """What is remembered of a call.

    The Spot's number and the function; the key; when the result was made; why it was a miss;
    whether it was a hit, or its result is stored; None where it is its caller's alone.
    """


_numbers: Final = itertools.count()

_last: Final[ContextVar[Told | None]] = ContextVar("beautyspot_last_call", default=None)


class LastCall(NamedTuple):
    """The last call of a marked function, as `Spot.last_call` tells it.

    Attributes:
        function: the function's identifier.
        key: the call's key; "" if it has none.
        hit: whether the call got a result without running the function: from the store, or from a
            run of the same call for which it waited.
        reason: why it was a miss, as in `Miss`; None for a hit.
        made_at: when the result was made, as Unix time in seconds, by the store's clock;
            None where that is not known, and where no result of it is to be stored: the call
            raised, ran uncached, or its stream has not ended, say.
        age: seconds from then to this question; None likewise.
    """

    function: str
    key: str
    hit: bool
    reason: Reason | None
    made_at: float | None
    age: float | None


class LastCalls:
    """Remembers the last call of one Spot's functions, in each context.

    Attributes:
        number: of the Spot, in the process: what another one has left is none of its calls.
        set: takes a `Told`; the shortest way to a hit calls it directly.
    """

    __slots__ = ("_clock", "number")

    set = _last.set

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.number = next(_numbers)

    def note(self, call: Call) -> None:
        """Remember a call that did not take the shortest way, as far as it has come by now."""
        why: Reason | None = None if call.is_hit else call.why or "not stored"
        whose = self.number, call.task.addressing.func_identifier
        stored = None if call.changed or call.invalidated else call.is_hit or call.is_stored
        self.set((whose, call.key, call.made_at, why, stored))

    @property
    def _told(self) -> Told | None:
        told = _last.get()
        return None if told is None or told[0][0] != self.number else told

    @property
    def end(self) -> tuple[bool, bool | None]:
        """Of the last call in this context, as `Made` has it: `is_hit` and `is_stored`."""
        told = self._told
        return (False, False) if told is None else (told[3] is None, told[4])

    def last(self) -> LastCall | None:
        """The last call in this context; None where there was none, or of another Spot."""
        told = self._told
        if told is None:
            return None
        (_, function), key, made_at, why, _ = told
        # Of a store whose clock tells whole seconds, the time may be behind that of a result.
        age = None if made_at is None else max(0.0, self._clock() - made_at)
        return LastCall(function, key, why is None, why, made_at, age)
