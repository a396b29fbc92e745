"""Times calls of beautyspot in a process of its own, of this checkout or of another one.

Reads lines ``case count`` and answers each, once it has made so many calls, with the seconds that
they took.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.adapters import ours
from benchmarks.workload import (
    ARGUMENTS,
    MEBIBYTE,
    NESTED,
    renewed,
    repeated,
    sized,
    work,
    work_async,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: Final = (
    "hit",
    "hit, memory=0",
    "hit, a dictionary among the arguments",
    "hit, async",
    "hit of 1 MB",
    "miss",
    "miss, async",
    "miss, background",
    "miss, background, stored",
    "permit",
)


def cases(stack: ExitStack, directory: Path) -> dict[str, Callable[[int], object]]:
    """A loop for each case, that makes so many calls."""
    spot = stack.enter_context(ours.spot_in(directory / "spot", limiter="1000000000/s"))
    memory = stack.enter_context(
        ours.spot_in(directory / "memory", metadata={"use": "sqlite", "memory": 0})
    )
    later = stack.enter_context(ours.spot_in(directory / "later", save="background"))
    until = stack.enter_context(ours.spot_in(directory / "until", save="background"))
    marked, marked_async = spot.mark(work), spot.mark(work_async)
    stored = renewed(until.mark(work), "some words", 0.5)

    def permit(count: int) -> None:
        for _ in range(count):
            spot.bucket.consume()

    loops = (
        repeated(marked, *ARGUMENTS),
        repeated(memory.mark(work), *ARGUMENTS),
        repeated(marked, *NESTED),
        repeated(marked_async, *ARGUMENTS),
        repeated(spot.mark(sized), 1, MEBIBYTE),
        renewed(marked, "some words", 0.5),
        renewed(marked_async, "other words", 0.5),
        renewed(later.mark(work), "some words", 0.5),
        lambda count: (stored(count), until.flush()),
        permit,
    )
    return dict(zip(CASES, loops, strict=True))


def main(directory: Path) -> None:
    """Answer until the input ends."""
    with ExitStack() as stack:
        loops = cases(stack, directory)
        for line in sys.stdin:
            case, _, count = line.rstrip().rpartition(" ")
            began = time.perf_counter()
            loops[case](int(count))
            print(time.perf_counter() - began, flush=True)  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
