"""Where the time of a miss goes: `python -m benchmarks.parts`.

The functions of beautyspot that are named below note the time as they begin and end. What lies
between two such moments is a step, and the median over all misses is its time, less what the noting
itself takes. Steps of one part are added up.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from benchmarks.adapters import ours
from benchmarks.report import lines, number
from benchmarks.workload import work

if TYPE_CHECKING:
    from collections.abc import Callable

    Moment = tuple[str, int]

PARTS: Final = {
    "the key": ["beautyspot.tasks.addressing:Addressing.address"],
    "a look-up (SELECT)": ["beautyspot_local.sqlite.store:SqliteMetadataStore.find"],
    "the lease of the key, taken (a lock of the kernel)": [
        "beautyspot_local.sqlite.leases:Leases.take"
    ],
    "a second look-up, with the number of the last invalidation (SELECT)": [
        "beautyspot_local.sqlite.store:SqliteMetadataStore.begin"
    ],
    "the arguments, for `explain` and for people": [
        "beautyspot.tasks.telling:TellingAddressing.tell_arguments"
    ],
    "the function": ["beautyspot.calls.steps:Execute.perform"],
    "the value as bytes": ["beautyspot.results.rows:Rows.encode"],
    "the row, with its digest": ["beautyspot.results.rows:Rows.record"],
    "whether the file is still there (a system call)": [
        "beautyspot_local.sqlite.database:identify"
    ],
    "INSERT, commit": ["beautyspot_local.sqlite.store:SqliteMetadataStore.put"],
    "the lease, released (a lock of the kernel)": ["beautyspot_local.sqlite.leases:Leases.release"],
}
"""What stands in the table, and the functions whose time it is, less that of others within them."""

REST: Final = "the flow of the call, and what is between the parts"


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("--calls", type=int, default=4000, help="misses to be measured")
    parser.add_argument("--directory", type=Path, help="where to store; default: a temporary one")
    options = parser.parse_args()
    moments: list[Moment] = []
    for part, functions in PARTS.items():
        for function in functions:
            _note(function, part, moments)
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        calls = _measured(Path(name), options.calls, moments)
    times = _times(calls)
    times["all"] = sum(times.values())
    rows = [{"name": part, "us": number(time)} for part, time in times.items()]
    sys.stdout.write(f"{lines(rows)}\n")
    return 0


def _note(function: str, part: str, moments: list[Moment]) -> None:
    """Have a function note when it begins and ends."""
    module, _, path = function.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, _noted(getattr(owner, name), part, moments))


def _noted(function: Callable[..., Any], part: str, moments: list[Moment]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        moments.append((part, perf_counter_ns()))
        try:
            return function(*args, **kwargs)
        finally:
            moments.append(("", perf_counter_ns()))

    return noted


def _measured(place: Path, count: int, moments: list[Moment]) -> list[list[Moment]]:
    """The moments of each of so many misses that went the same way."""
    calls: list[list[Moment]] = []
    with ours.spot_in(place) as spot:
        marked = spot.mark(work)
        for call in range(-300, count):  # the first ones are warm up
            moments.clear()
            moments.append((REST, perf_counter_ns()))
            marked(call, "some words", 0.5)
            moments.append(("", perf_counter_ns()))
            if call >= 0:
                calls.append(moments.copy())
    usual = [part for part, _ in calls[-1]]
    return [call for call in calls if [part for part, _ in call] == usual]


def _times(calls: list[list[Moment]]) -> dict[str, float]:
    """The microseconds of each part, in the order in which they come."""
    noting, times = _noting(), dict.fromkeys([*PARTS, REST], 0.0)
    within: list[str] = []
    for step, (one, other) in enumerate(itertools.pairwise(calls[0])):
        if one[0]:
            within.append(one[0])
        else:
            within.pop()
        took = statistics.median(call[step + 1][1] - call[step][1] for call in calls) / 1000
        times[within[-1]] += took - (noting if other[0] or one[0] else 0.0)
    return times


def _noting() -> float:
    """The microseconds that it takes to note one moment."""
    moments: list[Moment] = []
    nothing = _noted(lambda: None, "", moments)
    began = perf_counter_ns()
    for _ in range(1000):
        nothing()
    return (perf_counter_ns() - began) / 1000 / 2000


if __name__ == "__main__":
    sys.exit(main())
