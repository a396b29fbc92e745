"""What is counted and measured: one table for OpenTelemetry and Prometheus.

An event is turned into points: a measure, one word of a fixed set, and a number. Names and units
follow OpenTelemetry's conventions; Prometheus has the same ones in its own spelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot import Event, Hit, Miss, Raised, Ran, Refused, Saved, Waited

SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
)  # fmt: skip
"""Executions and waits: what is worth a cache takes from milliseconds to an hour."""

SHORT: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
)  # fmt: skip
"""Saves: from a row in SQLite to a blob of gigabytes in S3."""

BYTES: Final = tuple(float(4**power) for power in range(3, 16))
"""Sizes: from 64 bytes to 1 GiB, each four times the one before."""


class Measure(NamedTuple):
    """A counter or a histogram.

    Attributes:
        name: in OpenTelemetry, after the prefix `beautyspot.`.
        unit: as UCUM writes it: "s", "By", "{hit}".
        text: what it tells.
        word: the name of the label that holds the word; None without one.
        buckets: the upper bounds of a histogram; empty for a counter.
    """

    name: str
    unit: str
    text: str
    word: str | None = None
    buckets: tuple[float, ...] = ()


HITS: Final = Measure("hits", "{hit}", "Calls that got a result without a run", "place")
MISSES: Final = Measure("misses", "{miss}", "Calls that the cache did not answer", "reason")
TIME_SAVED: Final = Measure("time.saved", "s", "Seconds that the runs took which hits spared")
PRICE_SAVED: Final = Measure("price.saved", "{price}", "Price of the runs that hits spared")
PRICE_SPENT: Final = Measure("price.spent", "{price}", "Price of the runs that were stored")
EXECUTIONS: Final = Measure(
    "execution.duration", "s", "How long functions worked", "outcome", SECONDS
)
SAVES: Final = Measure("save.duration", "s", "How long it took to store a result", "place", SHORT)
SIZES: Final = Measure("save.size", "By", "Sizes of the results that were stored", "place", BYTES)
WAITS: Final = Measure("wait.duration", "s", "How long calls waited", "cause", SECONDS)
REFUSALS: Final = Measure(
    "refusals", "{refusal}", "Calls that were not let in, and results not stored", "by"
)
FAILURES: Final = Measure(
    "failures", "{failure}", "Functions that raised, and what failed in beautyspot", "operation"
)

MEASURES: Final = (
    HITS, MISSES, TIME_SAVED, PRICE_SAVED, PRICE_SPENT, EXECUTIONS, SAVES, SIZES, WAITS, REFUSALS,
    FAILURES,
)  # fmt: skip

INTERRUPTS: Final = frozenset(
    {"Cancelled", "CancelledError", "GeneratorExit", "KeyboardInterrupt", "NotBegun", "SystemExit"}
)
"""Errors by which a function is stopped from outside, and did not fail; the first one is Trio's."""

Point = tuple[Measure, str, float]
"""A measure, the word of its label or "", and what is added or recorded."""


def outcome_of(error: str) -> str:
    """How an execution ended that raised an error of this class: "raised" or "interrupted"."""
    return "interrupted" if error in INTERRUPTS else "raised"


def points(event: Event) -> tuple[Point, ...]:
    """What an event adds to which measures; nothing for an event that came with a later release."""
    of = _OF.get(type(event).__name__)
    return () if of is None else of(event)


def _hit(event: Hit) -> tuple[Point, ...]:
    found: list[Point] = [(HITS, event.place, 1)]
    if event.saved > 0:
        found.append((TIME_SAVED, "", event.saved))
    if event.price is not None and event.price > 0:  # a counter takes no less
        found.append((PRICE_SAVED, "", event.price))
    return tuple(found)


def _miss(event: Miss) -> tuple[Point, ...]:
    return ((MISSES, event.reason, 1),)


def _ran(event: Ran) -> tuple[Point, ...]:
    return ((EXECUTIONS, "returned", event.seconds),)


def _saved(event: Saved) -> tuple[Point, ...]:
    found: list[Point] = [(SAVES, event.place, event.seconds), (SIZES, event.place, event.size)]
    if event.price is not None and event.price > 0:
        found.append((PRICE_SPENT, "", event.price))
    return tuple(found)


def _waited(event: Waited) -> tuple[Point, ...]:
    return ((WAITS, event.cause, event.seconds),)


def _refused(event: Refused) -> tuple[Point, ...]:
    return ((REFUSALS, event.by, 1),)


def _failed(event: Raised) -> tuple[Point, ...]:
    if event.seconds is None:
        return ((FAILURES, event.operation, 1),)
    outcome = outcome_of(event.error)
    ended = (EXECUTIONS, outcome, event.seconds)
    return (ended,) if outcome == "interrupted" else (ended, (FAILURES, event.operation, 1))


_OF: Final[Mapping[str, Callable[..., tuple[Point, ...]]]] = {
    "Hit": _hit, "Miss": _miss, "Ran": _ran, "Saved": _saved, "Waited": _waited,
    "Refused": _refused, "Raised": _failed,
}  # fmt: skip
