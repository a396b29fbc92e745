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
    from pathlib import Path

    from benchmarks.table import Settings

MOST = 500
"""Misses a round; the background saver's queue holds 10,000."""


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    adapters = [references.insert, references.thin, ours.plain, references.shelved]
    others = peers.ON_DISK if settings.peers else []
    with settings.place("misses") as place, ExitStack() as stack:
        functions = opened(stack, [*adapters, *others], place, work)
        candidates = {
            name: Candidate(renewed(one, "some words", 0.5), most=MOST)
            for name, one in functions.items()
        }
        candidates |= _ours(stack, place)
        targets = {ours.SYNC: 2.0, ours.BACKGROUND: 1.0}
        rows = compare(candidates, references.INSERT, settings.pace, targets=targets)
    yield Table(
        "miss",
        "A miss of a function that does nothing, its result stored",
        references.INSERT,
        rows,
        "`background` is what the caller waits, for up to 500 calls at once; `background, stored` "
        "the time until all are committed.",
    )


def _ours(stack: ExitStack, place: Path) -> dict[str, Candidate]:
    """What else ours can do: async, in the background for the caller, and until it is stored."""
    spot = stack.enter_context(ours.spot_in(place / "async"))
    later = stack.enter_context(ours.spot_in(place / "later", save="background"))
    until = stack.enter_context(ours.spot_in(place / "until", save="background"))
    run, stored = (renewed(one.mark(work), "some words", 0.5) for one in (later, until))
    asynchronous = renewed(spot.mark(work_async), "some words", 0.5)
    return {
        "beautyspot, async": Candidate(asynchronous, most=MOST),
        ours.BACKGROUND: Candidate(run, after=later.flush, most=MOST),
        f"{ours.BACKGROUND}, stored": Candidate(
            lambda count: (stored(count), until.flush()), most=MOST
        ),
    }
