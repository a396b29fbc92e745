"""How far `spot.map` is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a `spot.map` is.

    Attributes:
        function: the identifier of the function.
        done: inputs that have a result, or failed.
        total: all inputs; None where their number is not known.
        hits: inputs whose result was stored, or made by another call.
        runs: calls that ran the function, and returned.
        failures: inputs whose call raised.
        running: calls under way now.
        waiting: of these, those that wait for a limit now.
        seconds: since the first input.
        rate: inputs a second that are done, over the last while.
        left: seconds until all are done, at the rate at which calls run now; None where unknown.
    """

    function: str
    done: int
    total: int | None
    hits: int
    runs: int
    failures: int
    running: int
    waiting: int
    seconds: float
    rate: float
    left: float | None
