"""`Progress`, how far `spot.map` is, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

OFTEN: Final = 0.1
"""Seconds between two calls of what shows the progress to somebody who looks on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a `spot.map` is.

    Attributes:
        function: the identifier of the function.
        done: inputs that have a result, failed, or were refused.
        total: all inputs; None where their number is not known.
        hits: inputs whose result was stored, or made by another call.
        runs: calls that ran the function, and returned.
        failures: inputs whose call raised.
        unstored: of the runs, those whose result is not stored: it has no stored form or no key,
            `cache_if` refused it, the store failed, or the Spot is switched off, say. With
            ``save="background"`` a result counts as stored when it is queued.
        running: calls under way now.
        waiting: of these, those that wait for a limit now.
        seconds: since the first input.
        quiet: seconds since a call last began, or an input was last done.
        rate: inputs a second that are done, over the last while.
        left: seconds until all are done, if all the others run, as fast as calls run now; as fast
            as hits are found, where nothing has run. None where that is unknown: where all the
            others run and none waits, say, or nothing has happened for longer than that.
        refused: inputs whose call a limit refused, so that the function did not run.
    """

    function: str
    done: int
    total: int | None
    hits: int
    runs: int
    failures: int
    unstored: int
    running: int
    waiting: int
    seconds: float
    quiet: float
    rate: float
    left: float | None
    refused: int = 0


class Display(Protocol):
    """What shows the progress to somebody.

    Attributes:
        every: seconds between two calls.
    """

    every: float

    def __call__(self, progress: Progress, *, last: bool) -> object:
        """Show it; with `last` no other call comes."""
