"""`ttl=` and `tags=` as functions of the result and the arguments of its call."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from beautyspot.contracts import TaskRecord
from beautyspot.spot import Spot
from gates import Gate, State, until
from kinds import called
from owned_clock import Clock

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.runs, STATE.gate = [], None


def work(x: int, *, y: int = 1) -> list[int]:
    STATE.runs.append(x)
    if STATE.gate is not None:
        STATE.gate.pass_through()
    return [x, y]


async def work_async(x: int, *, y: int = 1) -> list[int]:
    return work(x, y=y)


def stream(x: int, *, y: int = 1) -> Iterator[int]:
    yield from work(x, y=y)


async def stream_async(x: int, *, y: int = 1) -> AsyncIterator[int]:
    for item in work(x, y=y):
        yield item


FUNCTIONS = (work, work_async, stream, stream_async)


def stored(spot: Spot, marked: Any, *args: Any, **kwargs: Any) -> TaskRecord | None:
    return spot.metadata.get(spot.key(marked, *args, **kwargs))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_both_get_the_result_and_the_arguments_as_they_were_passed(
    spot: Spot, function: Callable[..., Any]
) -> None:
    asked: list[Any] = []

    def ttl(result: Any, *args: Any, **kwargs: Any) -> float:
        asked.append((result, args, kwargs))
        return 60.0

    def tags(result: Any, x: int, *, y: int = 7) -> set[str]:
        return {f"sum {sum(result)}", f"x {x}", f"y {y}"}

    marked = spot.mark(ttl=ttl, tags=tags)(function)
    assert called(marked, 3) == called(marked, 3) == [3, 1]
    assert called(marked, x=3, y=2) == [3, 2]
    assert asked == [([3, 1], (3,), {}), ([3, 2], (), {"x": 3, "y": 2})]
    record = stored(spot, marked, 3)
    assert record is not None
    assert set(record.tags) == {"sum 4", "x 3", "y 7"}
    assert (record.expires_at or 0) - (record.made_at or 0) == pytest.approx(60)
    assert spot.invalidate_all(tag="sum 5") == 1
    assert stored(spot, marked, 3, y=2) is None


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        (10, 10),
        ("10s", 10),
        (timedelta(seconds=10), 10),
        (None, None),
        ("none", None),
        (0, 0),
        (-5, 0),
        (timedelta(seconds=-5), 0),
    ],
)
def test_a_ttl_is_a_duration_and_what_is_over_has_expired(
    spot: Spot, answer: Any, valid: float | None
) -> None:
    spot._engine.cache.store.clock = clock = Clock()
    marked = spot.mark(ttl=lambda result, *_, **__: answer)(work)
    marked(1)
    for runs, seconds in ((0, 0.0), (1, 9.9), (2, 10.1)):
        before = len(STATE.runs)
        clock.now = 1000 + seconds
        marked(1)
        expired = valid is not None and seconds >= valid
        assert len(STATE.runs) - before == expired, (runs, seconds)
        if expired:
            return


def fails(*args: Any, **kwargs: Any) -> Any:
    raise KeyError("expires")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("ttl", "soon"),
        ("ttl", math.nan),
        ("ttl", math.inf),
        ("ttl", True),
        ("ttl", [1]),
        ("tags", None),
        ("tags", [1]),
        ("tags", [""]),
        ("ttl", fails),
        ("tags", fails),
    ],
)
def test_another_answer_is_reported_and_the_result_not_stored(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    function: Callable[..., Any],
    option: str,
    answer: Any,
) -> None:
    spot = make_spot()
    asked = fails if answer is fails else (lambda *args, **kwargs: answer)
    options: Any = {option: asked}
    marked = spot.mark(**options)(function)
    assert called(marked, 1) == called(marked, 1) == [1, 1]
    assert (len(STATE.runs), spot.stats()["entries"]) == (2, 0)
    (told,) = [record.getMessage() for record in caplog.records]
    assert "could not ask for the ttl and the tags" in told
    assert "not cached: mend the function given as ttl= or tags=" in told
    assert ("KeyError" in told) == (answer is fails)
    assert (f"given as {option}= returned" in told) == (answer is not fails)


@pytest.mark.parametrize("tag", ["t", "another"])
@pytest.mark.parametrize("metadata", ["sqlite", "memory"])
def test_who_comes_after_a_tag_was_invalidated_follows_no_run_that_may_bear_it(
    make_spot: Callable[..., Spot], metadata: str, tag: str
) -> None:
    spot = make_spot(strict=True, metadata=metadata)
    marked = spot.mark(tags=lambda result, *_, **__: ["t"])(work)
    STATE.gate = gate = Gate()
    with ThreadPoolExecutor(2) as pool:
        try:
            first = pool.submit(marked, 1)
            until(gate.entered.is_set, unless=[first])
            assert spot.invalidate_all(tag=tag) == 0
            STATE.gate = None
            second = pool.submit(marked, 1)  # it runs as soon as the first one has ended
            until(lambda: len(spot._engine.running) == 2, unless=[first, second])
            assert len(STATE.runs) == 1
        finally:
            gate.open.set()
        assert first.result() == second.result() == [1, 1]
    assert len(STATE.runs) == (2 if tag == "t" else 1)  # of another tag, it is stored
    assert spot.stats()["entries"] == 1


def test_an_invalidated_tag_keeps_a_run_that_bears_it_from_being_stored(spot: Spot) -> None:
    marked = spot.mark(tags=lambda result, x, **_: [f"x {x}"])(work)
    STATE.gate = gate = Gate()
    with ThreadPoolExecutor(2) as pool:
        try:
            calls = [pool.submit(marked, x) for x in (1, 2)]
            until(lambda: len(STATE.runs) == 2, unless=calls)
            spot.invalidate_all(tag="x 1")
        finally:
            gate.open.set()
    assert [call.result() for call in calls] == [[1, 1], [2, 1]]
    assert stored(spot, marked, 1) is None
    assert stored(spot, marked, 2) is not None
