"""What `spot.map` gives and tells beside results: `Failed` and `Progress`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A call of `spot.map` that raised, with ``errors="return"``.

    Attributes:
        input: what the function was called with: an item, or a tuple of one of each iterable.
        error: what it raised; a `TimeoutError` where its `timeout` was over.
        stored: whether nothing ran for it, since it was stored, by ``mark(cache_errors=)``.
    """

    input: Any
    error: Exception
    stored: bool = False


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
        waiting: of these, those of a limited function that wait for their permit, or for an equal
            call.
        seconds: since the first input.
        left: seconds until all are done, if all the others run, as fast as calls have run by now;
            as fast as hits were found, where nothing runs or has run. None where that is unknown.
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
    left: float | None
    refused: int = 0
