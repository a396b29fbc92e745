"""The result of the run that began last stays, however it is saved."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.observing import Refused
from broken import BrokenStore
from gates import DEADLINE, Gate, State, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    STATE.runs, STATE.gates = 0, {}
    yield
    for gate in STATE.gates.values():
        gate.open.set()


def numbered(_: str) -> str:
    STATE.runs += 1
    number = STATE.runs
    if number in STATE.gates:
        STATE.gates[number].pass_through()
    return f"run {number}"


def work(x: str) -> str:
    return numbered(x)


async def work_async(x: str) -> str:
    return await asyncio.to_thread(numbered, x)


def work_each(xs: list[str]) -> list[str]:
    found = numbered(xs[0])
    return [found for _ in xs]


def stream(x: str) -> Iterator[str]:
    STATE.runs += 1
    number = STATE.runs
    yield x
    yield f"run {number}"


def result(marked: Any) -> str:
    given = marked(["a"]) if marked.__name__ == "work_each" else marked("a")
    given = asyncio.run(given) if inspect.iscoroutine(given) else given
    return given[0] if isinstance(given, list) else given


SPOTS: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "memory": {"metadata": MemoryMetadataStore, "storage": MemoryStorage},
    "blocking": {"metadata": type("Blocking", (MemoryMetadataStore,), {"blocking": True})},
    "no leases": {"metadata": type("NoLeases", (MemoryMetadataStore,), {"leases": False})},
    "no log": {"metadata": type("NoLog", (MemoryMetadataStore,), {"invalidations": False})},
    "background": {"save": "background"},
    "blobs": {"blob_threshold": 0},
}
EVERY = [
    *[(kind, work) for kind in SPOTS],
    *[("sqlite", work_async), ("blocking", work_async), ("background", work_async)],
    *[("sqlite", work_each), ("background", work_each)],
]


@pytest.fixture
def two_spots(make_spot: Callable[..., Spot]) -> Callable[[str], list[Spot]]:
    """Two Spots on one store, as in two processes; neither waits for the other for long."""

    def make(kind: str, **more: Any) -> list[Spot]:
        options = {name: _made(option) for name, option in SPOTS[kind].items()}
        return [make_spot(strict=True, wait_timeout=0, **options, **more) for _ in range(2)]

    return make


def _made(option: Any) -> Any:
    return option() if isinstance(option, type) else option


def marked_by(spots: list[Spot], function: Any) -> list[Any]:
    each = "xs" if function is work_each else None
    return [spot.mark(each=each)(function) for spot in spots]


def flushed(spots: list[Spot]) -> None:
    for spot in spots:
        assert spot.flush(DEADLINE)


@pytest.mark.parametrize(("kind", "function"), EVERY)
def test_a_run_that_went_on_for_too_long_overwrites_nothing_newer(
    two_spots: Any, kind: str, function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = []
    spots = two_spots(kind, observers=[events.append])
    one, other = marked_by(spots, function)
    STATE.gates[1] = gate = Gate()
    with ThreadPoolExecutor(1) as pool, caplog.at_level(logging.INFO, "beautyspot"):
        slow = pool.submit(result, one)
        until(gate.entered.is_set, unless=[slow])
        assert result(other) == "run 2", "it goes without the lease"
        flushed(spots)
        gate.open.set()
        assert slow.result() == "run 1", "its own caller gets what it made"
        flushed(spots)
    assert [result(one), result(other)] == ["run 2"] * 2
    assert [event.by for event in events if isinstance(event, Refused)] == ["newer"]
    [record] = [one for one in caplog.records if "is not stored" in one.getMessage()]
    assert record.levelname == "INFO"
    assert "is older than the stored one" in record.getMessage()
    assert spots[0].collect(grace=0).blobs == 0, "its blob is gone with it"


@pytest.mark.parametrize(("kind", "function"), EVERY)
def test_of_two_runs_at_once_the_one_stays_that_began_last(
    two_spots: Any, kind: str, function: Any
) -> None:
    spots = two_spots(kind)
    one, other = marked_by(spots, function)
    STATE.gates = {1: Gate(), 2: Gate()}
    with ThreadPoolExecutor(2) as pool:
        calls = []
        for number, marked in ((1, one), (2, other)):
            calls.append(pool.submit(result, marked))
            until(STATE.gates[number].entered.is_set, unless=calls)
        for number in (1, 2):
            STATE.gates[number].open.set()
            assert calls[number - 1].result() == f"run {number}"
            flushed(spots)
    assert [result(one), result(other)] == ["run 2"] * 2


@pytest.mark.parametrize("save", ["sync", "background"])
def test_in_memory_too_the_newer_one_waits(make_spot: Callable[..., Spot], save: str) -> None:
    store = BrokenStore("put")
    spot = make_spot(metadata=store, save=save)
    marked = spot.mark(stream)
    first = marked("a")
    next(first)
    second = spot.refresh(marked, "a")
    next(second)
    assert list(second) == ["run 2"]
    assert not spot.flush(DEADLINE)
    assert list(first) == ["run 1"]
    assert not spot.flush(DEADLINE)
    assert list(marked("a")) == ["a", "run 2"]
    store.broken.clear()
    assert spot.flush(DEADLINE)
    assert list(marked("a")) == ["a", "run 2"]
    assert spot.stats()["unsaved"] == 0


@pytest.mark.parametrize("metadata", ["sqlite", "memory"])
def test_a_clock_that_stands_still_refuses_nothing(
    make_spot: Callable[..., Spot], metadata: str
) -> None:
    freezegun = pytest.importorskip("freezegun")
    spot = make_spot(metadata=metadata, strict=True)
    marked = spot.mark(work)
    with freezegun.freeze_time("2030-01-02 03:04:05"):
        assert marked("a") == "run 1"
        assert spot.refresh(marked, "a") == "run 2"
        assert marked("a") == "run 2"
        spot.set_result("set", marked, "a")
        assert marked("a") == "set"
        assert spot.refresh(marked, "a") == "run 3"
        assert marked("a") == "run 3"
    with freezegun.freeze_time("2020-01-02 03:04:05"):  # of that time's future, all is wrong
        assert spot.refresh(marked, "a") == "run 4"
        assert marked("a") == "run 4"


class Ticking(MemoryMetadataStore):
    """A store whose clock never shows the same time twice."""

    def __init__(self) -> None:
        super().__init__()
        self._times = itertools.count(1000)

    def now(self) -> float:
        return float(next(self._times))


STEPS = st.tuples(st.sampled_from(["begin", "end", "set", "invalidate"]), st.integers(0, 2))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, max_size=14))
def test_of_three_clients_in_any_order_the_run_stays_that_began_last(
    make_spot: Callable[..., Spot], steps: list[tuple[str, int]]
) -> None:
    STATE.runs = 0
    store = Ticking()
    spots = [make_spot(metadata=store, strict=True) for _ in range(3)]
    marks = [spot.mark(stream) for spot in spots]
    runs: dict[int, tuple[int, Iterator[str]]] = {}  # by client: when it began, and its items
    valid: set[int] = set()
    there: tuple[int, str] | None = None  # when what is to be there began, and what that is
    for moment, (step, client) in enumerate(steps):
        spot, marked = spots[client], marks[client]
        if step == "begin" and client not in runs:
            runs[client] = moment, spot.refresh(marked, "a")
            next(runs[client][1])
            valid.add(client)
        elif step == "end" and client in runs:
            began, items = runs.pop(client)
            [last] = items
            if client in valid and (there is None or began > there[0]):
                there = began, last
        elif step == "set":
            spot.set_result(["a", f"set {moment}"], marked, "a")
            valid, there = set(), (moment, f"set {moment}")
        elif step == "invalidate":
            spot.invalidate(marked, "a")
            valid, there = set(), None
        found = [each.peek(one, "a") for each, one in zip(spots, marks, strict=True)]
        values = [None if one is None else one.value[1] for one in found]
        assert values == [there and there[1]] * 3
    for spot in spots:
        spot.shutdown()
