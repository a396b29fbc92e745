"""Time several candidates in turn, round by round, and tell each one's ratio to a reference.

On a shared machine the time of one call swings by a factor of two within minutes. What stays is
the ratio of two that were timed one right after the other, so each round times every candidate
once, in random order, a millisecond each, and the ratio is taken within the round.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = dict[str, Any]
    Reference = str | Callable[[str], str]
    Times = Mapping[str, Sequence[float]]


def _nothing() -> None:
    """What most candidates need before and after a round."""


@dataclass(frozen=True)
class Candidate:
    """Something to be timed.

    Attributes:
        run: makes so many calls; this is timed.
        weight: calls that count for one of `run`'s, such as those of eight threads.
        before, after: prepare a round and tidy up after it, untimed.
        most: calls a round at most, where each takes space.
        least: calls a round at least, where what is measured is how many share something.
        note: what stands beside it in the table.
    """

    run: Callable[[int], object]
    weight: int = 1
    before: Callable[[], object] = _nothing
    after: Callable[[], object] = _nothing
    most: int = 1 << 20
    least: int = 1
    note: str = ""


@dataclass(frozen=True)
class Pace:
    """How long to measure.

    Attributes:
        rounds: so often each candidate is timed.
        seconds: of one candidate in one round, about.
    """

    rounds: int = 200
    seconds: float = 0.001

    def fewer(self, factor: int) -> Pace:
        """For what takes long."""
        return Pace(max(3, self.rounds // factor), self.seconds)


def compare(
    candidates: Mapping[str, Candidate],
    reference: Reference,
    pace: Pace,
    *,
    targets: Mapping[str, float] | None = None,
) -> list[Row]:
    """Time all candidates; one row each, in their order: see `rows_of`."""
    rows = rows_of(times_of(candidates, pace), reference, targets)
    notes = [{"note": one.note} if one.note else {} for one in candidates.values()]
    return [row | note for row, note in zip(rows, notes, strict=True)]


def times_of(
    candidates: Mapping[str, Candidate],
    pace: Pace,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """The seconds of one call, of each candidate in each round."""
    calls = {name: _calibrated(one, pace, clock) for name, one in candidates.items()}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    shuffled = random.Random(0)  # noqa: S311 - an order, no secret
    gc.collect()
    for _ in range(pace.rounds):
        shuffled.shuffle(order)
        for name in order:
            times[name].append(_timed(candidates[name], calls[name], clock))
    return times


def rows_of(
    times: Times, reference: Reference, targets: Mapping[str, float] | None = None
) -> list[Row]:
    """What the times say.

    Args:
        times: as `times_of` gives them.
        reference: the name that the others are compared to, or a function that gives it for each.
        targets: the largest ratio that is wanted, by name.

    Returns:
        For each name `name`; `seconds`, `low`, `high`: median and quartiles of a call; `x`,
        `x_low`, `x_high`: those of the ratio to the reference; and its `target` if there is one.
    """
    return [
        _row(name, times, reference if isinstance(reference, str) else reference(name))
        | ({"target": targets[name]} if targets and name in targets else {})
        for name in times
    ]


def _timed(candidate: Candidate, calls: int, clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    candidate.before()
    began = clock()
    candidate.run(calls)
    took = clock() - began
    candidate.after()
    return took / (calls * candidate.weight)


def _calibrated(candidate: Candidate, pace: Pace, clock: Callable[[], float]) -> int:
    """So many calls take about `pace.seconds`; trying that out also warms the candidate up."""
    calls = candidate.least
    _timed(candidate, calls, clock)
    while calls < candidate.most:
        tries = [_timed(candidate, calls, clock) for _ in range(3)]  # the first may import
        if min(tries) * calls * candidate.weight >= pace.seconds / 2:
            break
        calls = min(calls * 2, candidate.most)
    return calls


def _row(name: str, times: Times, reference: str) -> Row:
    own = times[name]
    ratios = [mine / other for mine, other in zip(own, times[reference], strict=True)]
    low, seconds, high = quartiles(own)
    x_low, x, x_high = quartiles(ratios)
    row: Row = {"name": name, "seconds": seconds, "low": low, "high": high}
    return row | {"x": x, "x_low": x_low, "x_high": x_high}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high
