"""Calls that are under way when their result is invalidated: their callers get it, no one else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.spot import Spot
from beautyspot_local import SqliteMetadataStore
from child import Child
from gates import DEADLINE, Gate, State, followers, until
from remote_store import RemoteStore, Server

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.gates, STATE.values = [], []


def work(x: int) -> list[int]:
    STATE.values.append(x)
    number = len(STATE.values)
    if len(STATE.gates) >= number:
        STATE.gates[number - 1].pass_through()
    return [number]


async def later(x: int) -> list[int]:
    return await asyncio.to_thread(work, x)


OPTIONS: dict[str, Any] = {"name": "work", "version": 2, "tags": ["t"]}
STORES = {"sqlite": "sqlite", "memory": "memory"}


class Case:
    """A marked function, the first calls of which wait at gates."""

    def __init__(self, spot: Spot, kind: str = "sync", gates: int = 1, **options: Any) -> None:
        STATE.gates = [Gate() for _ in range(gates)]
        self.spot = spot
        self.pool = ThreadPoolExecutor(4)
        self.marked: Any = spot.mark(**OPTIONS | options)(work if kind == "sync" else later)

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        for gate in STATE.gates:
            gate.open.set()
        self.pool.shutdown()

    def call(self, x: int = 1) -> Any:
        value = self.marked(x)
        return asyncio.run(value) if asyncio.iscoroutine(value) else value

    def begin(self) -> Future[Any]:
        return self.pool.submit(self.call)

    def under_way(self, number: int = 0) -> Future[Any]:
        future = self.begin()
        until(lambda: STATE.gates[number].entered.is_set(), unless=[future])
        return future


INVALIDATE: dict[str, Callable[[Spot, Any], object]] = {
    "key": lambda spot, marked: spot.invalidate(marked, 1),
    "function": lambda spot, marked: spot.invalidate_all(marked),
    "name": lambda spot, marked: spot.invalidate_all("work"),
    "version": lambda spot, marked: spot.invalidate_all(version=2),
    "tag": lambda spot, marked: spot.invalidate_all(marked, tag="t"),
}
OTHERS: dict[str, Callable[[Spot, Any], object]] = {
    "another key": lambda spot, marked: spot.invalidate(marked, 2),
    "another function": lambda spot, marked: spot.invalidate_all("other"),
    "another version": lambda spot, marked: spot.invalidate_all(marked, version=3),
    "another tag": lambda spot, marked: spot.invalidate_all(tag="u"),
    "prune": lambda spot, marked: spot.prune(),
}


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("how", INVALIDATE)
@pytest.mark.parametrize("store", STORES)
def test_it_is_not_stored(make_spot: Any, store: str, how: str, save: str) -> None:
    spot = make_spot(metadata=STORES[store], save=save, strict=True)
    with Case(spot) as case:
        call = case.under_way()
        INVALIDATE[how](spot, case.marked)
        STATE.gates[0].open.set()
        assert call.result(DEADLINE) == [1], "its caller gets what it paid for"
        assert case.call() == [2]
        spot.flush()
        assert case.call() == [2], "what begins after that is stored"


def each(xs: list[int]) -> list[list[int]]:
    found = work(xs[0])
    return [found for _ in xs]


def stream(x: int) -> Iterator[int]:
    yield from work(x)


async def later_stream(x: int) -> AsyncIterator[int]:
    for item in await later(x):
        yield item


async def collected(stream: AsyncIterator[int]) -> list[int]:
    return [item async for item in stream]


WAYS: dict[str, tuple[Any, Callable[[Spot, Any], Any]]] = {
    "each": (each, lambda _, marked: marked([1])[0]),
    "stream": (stream, lambda _, marked: list(marked(1))),
    "async": (later, lambda _, marked: asyncio.run(marked(1))),
    "async stream": (later_stream, lambda _, marked: asyncio.run(collected(marked(1)))),
    "map": (work, lambda spot, marked: next(spot.map(marked, [1]))),
    "refresh": (work, lambda spot, marked: spot.refresh(marked, 1)),
    "blob": (work, lambda _, marked: marked(1)),
}


HOWS = ["key", "function", "version", "tag"]


@pytest.mark.parametrize(
    ("way", "how"),
    [(way, HOWS[(number + more) % 4]) for number, way in enumerate(WAYS) for more in (0, 2)],
)
def test_however_it_is_made_it_is_not_stored(make_spot: Any, way: str, how: str) -> None:
    spot, other = (make_spot(blob_threshold=0 if way == "blob" else 2**20) for _ in range(2))
    function, called = WAYS[way]
    options = OPTIONS | ({"each": "xs"} if way == "each" else {})
    marked, elsewhere = (one.mark(**options)(function) for one in (spot, other))
    STATE.gates = [gate] = [Gate()]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(called, spot, marked)
        try:
            until(gate.entered.is_set, unless=[call])
            if way == "each" and how == "key":
                other.invalidate(elsewhere, [1])
            else:
                INVALIDATE[how](other, elsewhere)
        finally:
            gate.open.set()
        assert call.result(DEADLINE) == [1]
    assert spot.stats()["entries"] == 0
    assert spot.collect(grace=0).blobs == 0


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize("store", STORES)
def test_what_was_not_invalidated_is_stored(
    make_spot: Any, store: str, how: str, save: str
) -> None:
    spot = make_spot(metadata=STORES[store], save=save, strict=True)
    with Case(spot) as case:
        call = case.under_way()
        OTHERS[how](spot, case.marked)
        STATE.gates[0].open.set()
        assert call.result(DEADLINE) == [1]
        assert case.call() == [1]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("store", STORES)
def test_nobody_but_its_caller_gets_what_was_invalidated(
    make_spot: Any, store: str, kind: str
) -> None:
    spot = make_spot(metadata=STORES[store], strict=True)
    with Case(spot, kind, gates=2) as case:
        first = case.under_way()
        before = case.begin()
        until(lambda: followers(spot) == 1, unless=[before])
        spot.invalidate(case.marked, 1)
        after = [case.begin() for _ in range(2)]
        until(lambda: followers(spot) == 2, unless=after)
        for gate in STATE.gates:
            gate.open.set()
        assert first.result(DEADLINE) == [1]
        assert [future.result(DEADLINE) for future in (before, *after)] == [[2], [2], [2]]
    assert len(STATE.values) == 2


@pytest.mark.parametrize("how", ["key", "function"])
def test_what_waits_in_memory_is_forgotten(make_spot: Any, how: str) -> None:
    from broken import BrokenStore

    store = BrokenStore("put")
    spot = make_spot(metadata=store)
    with Case(spot, gates=0) as case:
        assert case.call() == case.call() == [1]
        INVALIDATE[how](spot, case.marked)
        assert case.call() == [2]
        store.broken.clear()
        assert spot.flush()
        assert case.call() == [2]


class Distant(SqliteMetadataStore):
    """A store that has done what it is asked for, and whose answer is on its way."""

    late = ""
    gate: Gate

    def put(self, rows: Any) -> set[str]:
        refused = super().put(rows)
        self.answer("put")
        return refused

    def note(self, cover: str) -> Any:
        noted = super().note(cover)
        self.answer("note")
        return noted

    def begin(self, *args: Any, **options: Any) -> Any:
        begun = super().begin(*args, **options)
        self.answer("begin" if begun.found else "nothing")
        return begun

    def answer(self, operation: str) -> None:
        if operation == self.late:
            self.gate.pass_through()


@pytest.mark.parametrize("way", ["each", "blob"])
def test_who_joins_a_run_that_is_stored_already_and_was_invalidated_does_not_get_it(
    make_spot: Any, tmp_path: Path, way: str
) -> None:
    """By another Spot, which knows nothing of the run."""
    store = Distant(tmp_path / "app.db")
    spot, other = make_spot(metadata=store, strict=True), make_spot("other", metadata=store)
    function, called = WAYS[way]
    marked, elsewhere = (
        one.mark(**OPTIONS | ({"each": "xs"} if way == "each" else {}))(function)
        for one in (spot, other)
    )
    store.late, store.gate = "put", Gate()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(called, spot, marked)
        until(store.gate.entered.is_set, unless=[first])
        other.invalidate_all(elsewhere)
        after = pool.submit(called, spot, marked)
        until(lambda: followers(spot) == 1, unless=[after])
        store.gate.open.set()
        assert first.result(DEADLINE) == [1]
        assert after.result(DEADLINE) == [2]
    assert called(spot, marked) == [2]


def test_who_joins_a_call_that_has_found_what_was_invalidated_since_does_not_get_it(
    make_spot: Any, tmp_path: Path
) -> None:
    """The call has waited for another process, and what that has stored is on its way."""
    store = Distant(tmp_path / "app.db")
    spot, other = make_spot(metadata=store, strict=True), make_spot("other", metadata=store)
    elsewhere = other.mark(**OPTIONS)(work)
    with Case(spot) as case:
        runs = case.pool.submit(elsewhere, 1)
        until(STATE.gates[0].entered.is_set, unless=[runs])
        first = case.begin()
        until(lambda: len(spot.activity().waiting) == 1, unless=[first])
        store.late, store.gate = "begin", Gate()
        STATE.gates[0].open.set()
        until(store.gate.entered.is_set, unless=[first])
        runs.result(DEADLINE)
        other.invalidate(elsewhere, 1)
        after = case.begin()
        until(lambda: followers(spot) == 1, unless=[after])
        store.gate.open.set()
        assert first.result(DEADLINE) == [1]
        assert after.result(DEADLINE) == [2]


def test_what_was_stored_before_is_no_hit_once_a_later_run_is_refused(
    make_spot: Any, tmp_path: Path
) -> None:
    """Who invalidates has noted it, and is yet to remove what was stored."""
    store = Distant(tmp_path / "app.db")
    spot, other = make_spot(metadata=store, strict=True), make_spot("other", metadata=store)
    elsewhere = other.mark(**OPTIONS)(work)
    with Case(spot, gates=0) as case:
        assert case.call() == [1]
        STATE.gates = [Gate(), Gate()]
        again = case.pool.submit(spot.refresh, case.marked, 1)
        until(STATE.gates[1].entered.is_set, unless=[again])
        store.late, store.gate = "note", Gate()
        invalidates = case.pool.submit(other.invalidate_all, elsewhere)
        until(store.gate.entered.is_set, unless=[invalidates])
        STATE.gates[1].open.set()
        assert again.result(DEADLINE) == [2]
        assert case.call() == [3], "neither what was stored nor what was refused"
        store.gate.open.set()
        invalidates.result(DEADLINE)


# ------------------------------------------------------- what this process has yet to store


async def in_turn(x: int) -> int:
    STATE.values.append(x)
    number = len(STATE.values)
    await STATE.go_on.wait()
    return number


CALLS = range(6)


async def ended_together(spot: Spot, marked: Any) -> list[asyncio.Task[int]]:
    """Calls whose functions have returned, and whose results are not stored yet."""
    STATE.go_on = asyncio.Event()
    tasks = [asyncio.ensure_future(marked(x)) for x in CALLS]
    while len(STATE.values) < len(CALLS):
        await asyncio.sleep(0)
    STATE.go_on.set()
    while len(spot._engine.cache.writer.pending) < len(CALLS):
        await asyncio.sleep(0)
    return tasks


def test_what_ends_in_a_turn_of_a_loop_is_given_to_nobody_who_comes_after(make_spot: Any) -> None:
    """Until it is stored, others may invalidate it, and its Spot knows nothing of that."""
    spot, other = make_spot(), make_spot()
    marked, elsewhere = (one.mark(**OPTIONS)(in_turn) for one in (spot, other))

    async def main() -> None:
        tasks = await ended_together(spot, marked)
        other.invalidate_all(elsewhere)
        after = [asyncio.ensure_future(marked(x)) for x in CALLS]
        assert await asyncio.gather(*tasks) == [1, 2, 3, 4, 5, 6]
        assert await asyncio.gather(*after) == [7, 8, 9, 10, 11, 12]

    asyncio.run(asyncio.wait_for(main(), DEADLINE))


def away(name: str, _args: tuple[Any, ...]) -> None:
    """What a store does that can't be reached."""
    raise MetadataError(f"no server for {name}")


FINDS: dict[str, Callable[[Spot, Any, Any], bool]] = {
    "call": lambda _spot, marked, old: marked(1) == old,
    "coroutine": lambda spot, _marked, old: asyncio.run(spot.mark(**OPTIONS)(later)(1)) == old,
    "peek": lambda spot, marked, _old: spot.peek(marked, 1) is not None,
    "map": lambda spot, marked, old: next(spot.map(marked, [1])) == old,
    "count": lambda spot, marked, _old: spot.count(marked, [1]) == 0,
    "explain": lambda spot, marked, _old: spot.explain(marked, 1).hit,
}
"""Whether each of these finds an old result of a call."""


def gated(store: RemoteStore, *names: str) -> Gate:
    """A gate on the way of these operations to a store."""
    gate = Gate()
    store.before = lambda name, _args: gate.pass_through() if name in names else None
    return gate


@pytest.mark.parametrize("look", ["call", "peek", "count", "explain"])
def test_what_a_task_waits_to_have_stored_is_given_to_nobody_who_comes_after(
    make_spot: Any, look: str
) -> None:
    server = Server()
    store = RemoteStore(server)
    spot, other = make_spot(metadata=store), make_spot(metadata=RemoteStore(server))
    marked, elsewhere = (one.mark(**OPTIONS)(in_turn) for one in (spot, other))
    gate = gated(store, "put")

    async def main() -> None:
        tasks = await ended_together(spot, marked)
        await asyncio.to_thread(gate.entered.wait, DEADLINE)
        await asyncio.to_thread(other.invalidate_all, elsewhere)
        if look == "call":
            after = [asyncio.ensure_future(marked(x)) for x in CALLS]
            gate.open.set()
            assert sorted(await asyncio.gather(*after)) == [7, 8, 9, 10, 11, 12]
        else:
            assert not await asyncio.to_thread(FINDS[look], spot, marked, None)
        gate.open.set()
        assert sorted(await asyncio.gather(*tasks)) == [1, 2, 3, 4, 5, 6]

    asyncio.run(asyncio.wait_for(main(), DEADLINE))


@pytest.mark.parametrize(("look", "how"), [*zip(FINDS, [*INVALIDATE, "key"], strict=True)])
def test_what_waits_since_a_save_failed_is_compared_with_the_store_once_that_answers(
    make_spot: Any, how: str, look: str
) -> None:
    server = Server()
    store = RemoteStore(server)
    spot = make_spot(metadata=store, on_error=lambda _: None)
    other = make_spot(metadata=RemoteStore(server))
    elsewhere = other.mark(**OPTIONS)(work)
    with Case(spot, gates=0) as case:
        store.before = away
        assert case.call() == case.call() == [1], "nobody can tell that it was invalidated"
        INVALIDATE[how](other, elsewhere)
        store.before = lambda _name, _args: None
        assert not FINDS[look](spot, case.marked, [1])
        assert case.call() == [2]


@pytest.mark.parametrize("other", OTHERS)
def test_what_waits_since_a_save_failed_is_found_once_the_store_answers(
    make_spot: Any, other: str
) -> None:
    server = Server()
    store = RemoteStore(server)
    spot = make_spot(metadata=store, on_error=lambda _: None)
    elsewhere = make_spot(metadata=RemoteStore(server))
    marked = elsewhere.mark(**OPTIONS)(work)
    with Case(spot, gates=0) as case:
        store.before = away
        assert case.call() == [1]
        OTHERS[other](elsewhere, marked)
        store.before = lambda _name, _args: None
        assert case.call() == [1]


# ------------------------------------------------------------------------------- processes

ANOTHER = """
import beautyspot as bs
spot = bs.Spot("app", directory={directory!r}, config=False, strict=True)
@spot.mark(name="work", version=2, tags=["t"])
def work(x):
    return [0]
say("ready"); wait()
"""


@pytest.mark.parametrize("how", ["spot.invalidate(work, 1)", "spot.invalidate_all(tag='t')"])
def test_another_process_invalidates_it(make_spot: Any, how: str) -> None:
    """Those who wait for the run may have come after that, and get what a later run gives."""
    spot = make_spot(strict=True)
    code = f"{ANOTHER.format(directory=str(spot.db_path.parent))}\n{how}\nsay('done'); wait()"
    with Case(spot, gates=1) as case, Child(code) as child:
        assert child.heard() == "ready"
        first = case.under_way()
        child.go_on()
        assert child.heard() == "done"
        after = case.begin()
        until(lambda: followers(spot) == 1, unless=[after])
        STATE.gates[0].open.set()
        assert first.result(DEADLINE) == [1]
        assert after.result(DEADLINE) == [2]
