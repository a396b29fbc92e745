"""A call whose result is not stored yet: another first argument every time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import renewed, work, work_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.table import Settings

MOST = 500
"""Misses a round; the background saver's queue holds 10,000."""

AT_ONCE = 200
"""Those that are saved behind, at least: with fewer, the saver wakes up for each few of them."""


def tables(settings: Settings) -> Iterator[Table]:
    """Beside others, and beside our own synchronous one."""
    adapters = [references.insert, references.thin, ours.plain, references.shelved]
    others = peers.ON_DISK if settings.peers else []
    with settings.place("misses") as place, ExitStack() as stack:
        functions = opened(stack, [*adapters, *others], place, work)
        candidates = {
            name: Candidate(renewed(one, "some words", 0.5), most=MOST)
            for name, one in functions.items()
        }
        later = stack.enter_context(ours.spot_in(place / "later", save="background"))
        run = renewed(later.mark(work), "some words", 0.5)
        candidates[ours.BACKGROUND] = Candidate(run, after=later.flush, most=MOST, least=AT_ONCE)
        targets = {ours.SYNC: 3.0, ours.BACKGROUND: 1.5}
        rows = compare(candidates, references.INSERT, settings.pace, targets=targets)
    yield Table(
        "miss",
        "A miss of a function that does nothing, its result stored",
        references.INSERT,
        rows,
        "`background` is what the caller waits, for 200 calls at once.",
    )
    yield _ours(settings)


def _ours(settings: Settings) -> Table:
    """What else ours can do: of a coroutine function, and in the background until it is stored."""
    with settings.place("ways") as place, ExitStack() as stack:
        spot = stack.enter_context(ours.spot_in(place / "spot"))
        until = stack.enter_context(ours.spot_in(place / "until", save="background"))
        run, stored = (renewed(one.mark(work), "some words", 0.5) for one in (spot, until))
        candidates = {
            ours.SYNC: Candidate(run, most=MOST),
            ours.ASYNC: Candidate(renewed(spot.mark(work_async), "other words", 0.5), most=MOST),
            f"{ours.BACKGROUND}, stored": Candidate(
                lambda count: (stored(count), until.flush()), most=MOST, least=AT_ONCE
            ),
        }
        targets = {ours.ASYNC: 1.3, f"{ours.BACKGROUND}, stored": 1.0}
        rows = compare(candidates, ours.SYNC, settings.pace, targets=targets)
    return Table(
        "miss-ways",
        "A miss of a coroutine function, and one saved in the background until it is stored",
        "a miss of a function",
        rows,
        "Coroutines are awaited one after the other. `stored` is the time until all results of "
        "200 calls are committed.",
    )
