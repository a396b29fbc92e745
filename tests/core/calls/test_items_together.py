"""Calls of functions of a list at the same time: each item is made once, whoever asks for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from child import Child
from gates import DEADLINE, Gate, State, until
from scripted import scripted

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.ran, STATE.gates, STATE.fails, STATE.inner = [], {}, set(), None


def make(texts: list[str]) -> list[list[str]]:
    """Waits at the gate of the first text; raises where that is to fail."""
    STATE.ran.append(texts)
    if texts[0] in STATE.gates:
        STATE.gates[texts[0]].pass_through()
    if texts[0] in STATE.fails:
        raise ValueError(texts[0])
    if STATE.inner is not None:
        STATE.inner(texts)
    return [[text] for text in texts]


async def make_later(texts: list[str]) -> list[list[str]]:
    return await asyncio.to_thread(make, texts)


def marked(spot: Spot, kind: str, **options: Any) -> Callable[[Sequence[str]], Any]:
    """`make` as a function that blocks, whatever its kind is."""
    if kind == "sync":
        plain = spot.mark(each="texts", **options)(make)
        return lambda texts: plain(list(texts))
    later = spot.mark(each="texts", **options)(make_later)
    return lambda texts: asyncio.run(later(list(texts)))


def gate(name: str) -> Gate:
    return STATE.gates.setdefault(name, Gate())


def waiting(spot: Spot) -> int:
    """How many wait for a flight."""
    return sum(len(flight.wakers) for flight in spot._engine.flights)


kinds = pytest.mark.parametrize("kind", ["sync", "async"])


@kinds
def test_a_call_makes_its_own_items_and_waits_for_those_of_others(spot: Spot, kind: str) -> None:
    function, first = marked(spot, kind), gate("a")
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(function, "ab")
        assert first.entered.wait(DEADLINE)
        other = pool.submit(function, "bcb")
        until(lambda: waiting(spot) == 1, unless=[one, other])
        assert STATE.ran == [["a", "b"], ["c"]], "its own are made first"
        first.open.set()
        results = one.result(DEADLINE), other.result(DEADLINE)
    assert results == ([["a"], ["b"]], [["b"], ["c"], ["b"]])
    assert STATE.ran == [["a", "b"], ["c"]]
    everything = [item for result in results for item in result]
    assert len({id(item) for item in everything}) == 5, "no two share a mutable object"


@kinds
def test_calls_that_want_each_other_s_items_do_not_stand_still(spot: Spot, kind: str) -> None:
    function, a, b = marked(spot, kind, batch=1), gate("a"), gate("b")
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(function, "ab")
        assert a.entered.wait(DEADLINE)
        other = pool.submit(function, "ba")
        assert b.entered.wait(DEADLINE)
        a.open.set()
        b.open.set()
        assert one.result(DEADLINE) == [["a"], ["b"]]
        assert other.result(DEADLINE) == [["b"], ["a"]]
    assert sorted(STATE.ran) == [["a"], ["b"]]


@kinds
def test_a_failure_is_raised_in_all_that_wait_for_it_and_stores_nothing(
    spot: Spot, kind: str
) -> None:
    function, c = marked(spot, kind, batch=2), gate("c")
    STATE.fails.add("c")
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(function, "abcde")
        assert c.entered.wait(DEADLINE)
        other = pool.submit(function, "xd")
        until(lambda: waiting(spot) == 1, unless=[one, other])
        c.open.set()
        for future in (one, other):
            with pytest.raises(ValueError, match="c"):
                future.result(DEADLINE)
    assert sorted(STATE.ran) == [["a", "b"], ["c", "d"], ["x"]], "nothing is begun after it"
    plain = spot.mark(each="texts", mode="replay")(make if kind == "sync" else make_later)
    stored = [text for text in "abcdex" if spot.peek(plain, [text])]
    assert stored == ["a", "b", "x"], "what was made before the failure is stored"


def test_those_who_waited_for_a_cancelled_call_take_all_its_items_over(spot: Spot) -> None:
    @spot.mark(each="texts")
    async def endless(texts: list[str]) -> list[str]:
        STATE.ran.append(texts)
        if len(STATE.ran) == 1:
            STATE.stuck.set()
            await asyncio.Event().wait()
        return texts

    async def main() -> list[str]:
        STATE.stuck = asyncio.Event()
        first = asyncio.create_task(endless(list("abc")))
        await STATE.stuck.wait()
        second = asyncio.create_task(endless(list("cbad")))
        while not (waiting(spot) or second.done()):
            await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(main()) == list("cbad")
    assert STATE.ran == [list("abc"), ["d"], list("cba")]
    assert not len(spot._engine.flights)


def test_a_call_within_its_own_execution_runs_alone(spot: Spot) -> None:
    function = marked(spot, "sync")

    def inner(texts: list[str]) -> None:
        if texts[0] == "a":
            assert function("cab") == [["c"], ["a"], ["b"]]

    STATE.inner = inner
    assert function("abc") == [["a"], ["b"], ["c"]]
    assert STATE.ran == [list("abc"), list("cab")]


def test_an_item_that_is_invalidated_meanwhile_is_not_stored(spot: Spot) -> None:
    function, first = marked(spot, "sync"), gate("a")
    plain = spot.mark(each="texts")(make)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(function, "abc")
        assert first.entered.wait(DEADLINE)
        assert not spot.invalidate(plain, ["b", "c"])
        other = pool.submit(function, "b")  # it came later, so it takes no older result
        until(lambda: spot._engine.waiting, unless=[other])
        assert STATE.ran == [list("abc")]
        first.open.set()
        assert one.result(DEADLINE) == [["a"], ["b"], ["c"]]
        assert other.result(DEADLINE) == [["b"]]
    assert STATE.ran == [list("abc"), ["b"]]
    assert [bool(spot.peek(plain, [text])) for text in "abc"] == [True, True, False]


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_two_spots_of_one_store_share_by_leases(make_spot: Any, store: str) -> None:
    shared: Any = MemoryMetadataStore() if store == "memory" else "sqlite"
    spots = [make_spot(strict=True, metadata=shared, save=save) for save in ("sync", "background")]
    one, other = (marked(spot, "sync") for spot in spots)
    first = gate("a")
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(one, "abc")
        assert first.entered.wait(DEADLINE)
        follower = pool.submit(other, "cxa")
        until(lambda: ["x"] in STATE.ran, unless=[leader, follower])
        first.open.set()
        assert leader.result(DEADLINE) == [["a"], ["b"], ["c"]]
        assert follower.result(DEADLINE) == [["c"], ["x"], ["a"]]
    assert STATE.ran == [list("abc"), ["x"]]


@pytest.mark.parametrize("ops", [["put"], ["put", "find_many"], ["put", "find_many", "begin"]])
def test_what_a_failing_store_did_not_take_is_found_in_memory(make_spot: Any, ops: Any) -> None:
    store = scripted(MemoryMetadataStore, fail=dict.fromkeys(ops, MetadataError("unplugged")))
    spot = make_spot(metadata=store)
    function, first = marked(spot, "sync"), gate("a")
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(function, "abc")
        assert first.entered.wait(DEADLINE)
        other = pool.submit(function, "bca")
        until(lambda: waiting(spot) == 1, unless=[one, other])
        first.open.set()
        assert one.result(DEADLINE) == [["a"], ["b"], ["c"]]
        assert other.result(DEADLINE) == [["b"], ["c"], ["a"]]
    assert function("cab") == [["c"], ["a"], ["b"]]
    assert STATE.ran == [list("abc")]


@pytest.mark.parametrize("spots", [1, 2])
def test_after_a_wait_in_vain_a_call_makes_all_that_is_left(make_spot: Any, spots: int) -> None:
    store = MemoryMetadataStore()
    made = [make_spot(metadata=store, wait_timeout=0.01, strict=True) for _ in range(spots)]
    function, other = marked(made[0], "sync"), marked(made[-1], "sync")
    first = gate("a")
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(function, "abc")
        assert first.entered.wait(DEADLINE)
        assert other("cb") == [["c"], ["b"]]
        first.open.set()
        assert one.result(DEADLINE) == [["a"], ["b"], ["c"]]
    assert STATE.ran == [list("abc"), list("cb")]


PROCESS = """
from beautyspot.spot import Spot
spot = Spot("app", directory={directory!r}, config=False, strict=True)
@spot.mark(each="texts", name="make", batch=2)
def make(texts):
    if "c" in texts:
        say("entered")
        wait()
    return [[text] for text in texts]
make(list("abcdef"))
"""


def test_what_a_killed_process_had_begun_is_taken_over_in_one_execution(spot: Spot) -> None:
    function = spot.mark(each="texts", name="make")(make)
    with (
        ThreadPoolExecutor(1) as pool,
        Child(PROCESS.format(directory=str(spot.db_path.parent))) as child,
    ):
        assert child.heard() == "entered"
        future = pool.submit(function, list("fedcba"))
        until(lambda: STATE.ran == [["f", "e"]], unless=[future])
        until(lambda: len(spot._engine.flights) == 1, unless=[future])
        assert not future.done()
        child.kill()
        assert future.result(DEADLINE) == [[text] for text in "fedcba"]
    assert STATE.ran == [["f", "e"], ["d", "c"]]


def test_ctrl_c_frees_all_items(spot: Spot) -> None:
    raised: list[BaseException] = [KeyboardInterrupt()]

    def interrupt(_: list[str]) -> None:
        if raised:
            raise raised.pop()

    function, STATE.inner = marked(spot, "sync"), interrupt
    with pytest.raises(KeyboardInterrupt):
        function("abc")
    assert not len(spot._engine.flights)
    assert function("cba") == [["c"], ["b"], ["a"]]
    assert STATE.ran == [list("abc"), list("cba")]


def test_threads_that_ask_in_random_order_pay_once(spot: Spot) -> None:
    function = marked(spot, "sync", batch=3)
    orders = ["".join(sorted("abcdefghij", key=lambda x, n=n: hash((x, n)))) for n in range(8)]
    start = threading.Barrier(8)

    def call(order: str) -> Any:
        start.wait(DEADLINE)
        return function(order)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, orders))
    assert results == [[[text] for text in order] for order in orders]
    assert sorted(text for texts in STATE.ran for text in texts) == list("abcdefghij")
