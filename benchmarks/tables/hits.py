"""A call whose result is stored: the same call again and again."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, ours, peers, references
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import ARGUMENTS, NESTED, check, repeated, stream, work, work_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function

FLOOR = [references.select, references.thin, ours.plain]


def tables(settings: Settings) -> Iterator[Table]:
    """Four tables: flat arguments, nested ones, async, generators."""
    memory = [references.lru_cache, references.shelved]
    others = [*peers.ON_DISK, peers.aiocache] if settings.peers else []
    yield Table(
        "hit",
        "A hit: three small arguments of plain types, a result of three fields",
        references.SELECT,
        _rows(settings, [*FLOOR, *memory, *others], ARGUMENTS, {ours.SYNC: 1.5}),
        "beautyspot remembers the keys of the last calls whose arguments are short and plain.",
    )
    others = [peers.diskcache, peers.emboss, peers.joblib] if settings.peers else []
    yield Table(
        "hit-nested",
        "A hit with a dictionary among the arguments: the whole key is made anew",
        references.SELECT,
        _rows(settings, [*FLOOR, *others], NESTED, {ours.SYNC: 2.0}),
    )
    yield _asynchronous(settings)
    yield _streams(settings)


def _rows(
    settings: Settings,
    adapters: list[Adapter],
    arguments: tuple[Any, ...],
    targets: dict[str, float],
) -> list[dict[str, Any]]:
    with settings.place("hits") as place, ExitStack() as stack:
        functions = opened(stack, adapters, place, work)
        check(functions, *arguments)
        candidates = _same_call(functions, arguments)
        return compare(candidates, references.SELECT, settings.pace, targets=targets)


def _same_call(
    functions: dict[str, Function], arguments: tuple[Any, ...] = ARGUMENTS
) -> dict[str, Candidate]:
    return {name: Candidate(repeated(one, *arguments)) for name, one in functions.items()}


def _asynchronous(settings: Settings) -> Table:
    with settings.place("async") as place, ExitStack() as stack:
        spot = stack.enter_context(ours.spot_in(place / "ours"))
        functions = {"sync": spot.mark(work), "async": spot.mark(work_async)}
        if settings.peers:
            others = [peers.cashews, peers.aiocache]
            functions |= opened(stack, others, place, work_async)
        check(functions, *ARGUMENTS)
        rows = compare(_same_call(functions), "sync", settings.pace, targets={"async": 1.5})
    return Table(
        "hit-async",
        "A hit of a coroutine function",
        "beautyspot's synchronous hit",
        rows,
        "Awaited one after the other in a running event loop.",
    )


def whole(number: int, text: str, factor: float) -> list[dict[str, Any]]:
    """What the stream yields, at once."""
    return list(stream(number, text, factor))


def _streams(settings: Settings) -> Table:
    with settings.place("streams") as place, ours.spot_in(place) as spot:
        streamed = spot.mark(stream)
        functions = {
            "a list of ten": spot.mark(whole),
            "a generator of ten": lambda *arguments: list(streamed(*arguments)),
        }
        check(functions, *ARGUMENTS)
        rows = compare(_same_call(functions), "a list of ten", settings.pace)
    return Table(
        "hit-generator",
        "A hit of a generator, read to its end",
        "beautyspot's hit of a function that returns the list of the same items",
        rows,
        "No other library measured here stores what a generator yields.",
    )
