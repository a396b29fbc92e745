"""Corners of the flow that programs reach by chance only: ends, forks, closed loops, races."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.calls.steps import Block, Join, Pause
from beautyspot.concurrency import deferred, forks, single_flight
from beautyspot.concurrency.single_flight import ABANDONED, Flight, Flights
from beautyspot.concurrency.wakeups import Alarm
from beautyspot.contracts import LimiterBase, Reservation, SerializerBase
from beautyspot.errors import (
    CostError,
    RateLimitError,
    RestoreError,
    SerializationError,
    UnstableKeyError,
)
from beautyspot.keys import memo
from beautyspot.limits import decorator
from beautyspot.results.integrity import MISSING
from beautyspot.serialization.payload import framed, unframed
from gates import until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from beautyspot.spot import Spot

DEADLINE = 30.0


def test_a_signs_name_is_its_text() -> None:
    assert repr(MISSING) == "MISSING"


# ------------------------------------------------------------------------------ single flight


def test_a_waker_added_to_a_finished_flight_is_called_at_once() -> None:
    flight, called = Flight(None), []
    flight.finish("done")
    flight.finish("ignored")
    flight.add_waker(lambda: called.append(flight.result))
    assert called == ["done"]


def test_a_waker_that_is_gone_can_be_removed_again() -> None:
    flight = Flight(None)
    flight.remove_waker(print)
    assert not flight.done


def test_a_diamond_of_waiting_flights_is_walked_once() -> None:
    top, left, right, bottom = (Flight(None) for _ in range(4))
    top.waits_for = [left, right]
    left.waits_for = right.waits_for = [bottom]
    bottom.waits_for = [bottom]
    assert not top.leads_to((Flight(None),))
    assert top.leads_to((bottom,))


@pytest.fixture(autouse=True)
def nothing_led() -> Iterator[None]:
    """Who enters a flight by himself leads it until he says otherwise."""
    yield
    single_flight.lead(())


def test_leaving_twice_and_late_does_no_harm() -> None:
    flights = Flights()
    leader, other = SimpleNamespace(flight=None), SimpleNamespace(flight=None)
    first = flights.enter("k", leader)
    assert first is leader.flight
    assert first is not None
    single_flight.lead(())  # somebody else
    second = flights.enter("k", other, anew=True)
    assert second is other.flight
    assert second is not None
    flights.leave("k", first)
    assert len(flights) == 1, "the newer flight of the key goes on"
    assert first.result is ABANDONED
    flights.leave("k", second)
    flights.leave("k", second)
    assert len(flights) == 0


def test_a_follower_that_forsakes_twice_does_no_harm() -> None:
    flight = Flight(None)
    outer = single_flight.leading()
    try:
        single_flight.lead((Flight(None),))
        single_flight.forsake(flight)
    finally:
        single_flight.lead(outer)
    assert flight.waits_for == []


# -------------------------------------------------------------------------------------- steps


def test_a_late_alarm_for_a_closed_loop_wakes_nobody() -> None:
    async def make() -> Alarm:
        return Alarm()

    alarm = asyncio.run(make())
    alarm()
    assert not alarm.rung.done()


def test_an_alarm_that_rings_twice_rings_once() -> None:
    failures: list[dict[str, Any]] = []

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context))
        alarm = Alarm()
        alarm()
        alarm()
        return await asyncio.wait_for(alarm.rung, DEADLINE)

    assert asyncio.run(main()) is True
    assert failures == []


def test_a_pause_lets_others_run() -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def wait() -> None:
            await Pause(0.0).perform_async(ThreadPoolExecutor)
            order.append(2)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        order.append(1)
        await waiting
        return order

    assert asyncio.run(main()) == [1, 2]


def test_joining_a_flight_ends_with_the_patience() -> None:
    join = Join(Flight(None), 0.0)
    assert join.perform() is False
    assert asyncio.run(join.perform_async(ThreadPoolExecutor)) is False


def test_work_is_done_in_place_where_no_executor_takes_it() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    here = threading.get_ident()
    assert asyncio.run(Block(threading.get_ident).perform_async(lambda: pool)) == here


def test_work_that_an_executor_drops_is_done_in_place() -> None:
    class Dropping(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            dropped: Future[Any] = Future()
            dropped.cancel()
            dropped.set_running_or_notify_cancel()
            return dropped

    with Dropping(1) as pool:
        here = threading.get_ident()
        assert asyncio.run(Block(threading.get_ident).perform_async(lambda: pool)) == here


def test_work_that_an_executor_refuses_and_keeps_is_done_once() -> None:
    """Where no thread can be started, `ThreadPoolExecutor` has queued it before it says so."""
    queue: list[Callable[[], Any]] = []

    class Refusing(ThreadPoolExecutor):
        def submit(self, work: Any, *_: Any, **__: Any) -> Future[Any]:
            queue.append(work)
            raise RuntimeError("can't start new thread")

    runs: list[int] = []
    with Refusing(1) as pool:
        asyncio.run(Block(lambda: runs.append(1)).perform_async(lambda: pool))
    queue.pop()()
    assert runs == [1]


def test_work_that_an_executor_refuses_and_does_is_waited_for() -> None:
    """By a thread that runs already, while its caller is told that none could be started."""

    class Overtaken(ThreadPoolExecutor):
        def submit(self, work: Any, *_: Any, **__: Any) -> Future[Any]:
            super().submit(work).result(DEADLINE)
            raise RuntimeError("can't start new thread")

    here = threading.get_ident()
    with Overtaken(1) as pool:
        assert asyncio.run(Block(threading.get_ident).perform_async(lambda: pool)) != here


def test_what_work_raises_is_raised_to_who_waits() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        asyncio.run(Block(lambda: 1 / 0).perform_async(lambda: pool))


# ------------------------------------------------------------------------------------ streams


def test_a_replay_goes_live_once(spot: Spot) -> None:
    @spot.mark
    def echo() -> Generator[Any, Any, None]:
        got = yield 0
        while got is not None:
            got = yield got

    list(echo())
    replay = echo()
    assert [next(replay), replay.send("a"), replay.send("b")] == [0, "a", "b"]
    with pytest.raises(KeyError):
        replay.throw(KeyError())


@pytest.mark.parametrize("cut", [0, 1, 7, 9, 17, 18])
def test_a_stored_stream_that_breaks_off_is_damaged(cut: int) -> None:
    whole = framed([b"ab", b"cd"])
    assert [bytes(item) for item in unframed(whole)] == [b"ab", b"cd"]
    with pytest.raises(RestoreError, match="it is damaged"):
        unframed(whole[: cut if cut < 10 else cut - 1] if cut != 18 else whole[:-1])


# ------------------------------------------------------------------------------- what is kept


def test_the_memory_of_keys_starts_afresh_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "CALLS", 2)
    remembered = memo.Memo()
    for x in range(5):
        remembered.put((x,), (f"key{x}", f"id{x}"))
    assert remembered.get((4,)) == ("key4", "id4")
    assert remembered.get((0,)) is None


@pytest.mark.parametrize("value", [0.0, -0.0, "x" * 257, b"x" * 257, 1 << 600, [1], (1,), object()])
def test_what_is_large_or_not_flat_is_not_remembered(value: object) -> None:
    remembered = memo.Memo()
    remembered.put((value,), ("key", "id"))
    assert remembered.by_types == {}


def test_equal_values_of_other_types_are_remembered_apart() -> None:
    remembered = memo.Memo()
    for value in (1, 1.0, True):
        remembered.put((value,), (repr(value), repr(value)))
    assert [remembered.get((value,)) for value in (1, 1.0, True)] == [
        ("1", "1"), ("1.0", "1.0"), ("True", "True"),
    ]  # fmt: skip


# --------------------------------------------------------------------------------------- fork


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_child_begins_with_free_locks_and_nobody_to_wait_for(
    make_spot: Callable[..., Spot], save: str
) -> None:
    """What the fork hook does, in this process: a child's own lines are not measured."""
    spot = make_spot(save=save, strict=True)
    engine = spot._engine
    engine.flights.enter("led by the parent", SimpleNamespace(flight=None))
    lock = engine._lock
    lock.acquire()
    with single_flight._graph:
        single_flight._renew_lock()
        forks._reset_all()
    assert len(engine.flights) == 0
    assert spot.mark(lambda: 1)() == 1
    assert spot.executor is not None
    spot.flush()


def test_a_child_begins_to_count_from_the_start(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter="6000/min")
    work = spot.mark(spot.limiter(lambda x: x))
    for _ in range(2):
        work(1)
    spot.mark(lambda x: x)(object())  # has no key: bypassed, and an error
    with pytest.raises(CostError):
        spot.limiter(cost=lambda: 1e9)(lambda: 0)()
    before = spot.stats()
    counted = ["hits", "misses", "bypassed", "errors", "seconds_saved"]
    counted += ["limiter_grants", "limiter_refusals", "limiter_grants_last_minute"]
    assert all(before[name] > 0 for name in counted), before
    child = os.fork()
    if not child:
        stats = spot.stats()
        clean = all(stats[name] == 0 for name in counted) and stats["entries"] == 1
        os._exit(0 if clean and work(1) == 1 and spot.stats()["hits"] == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert spot.stats() == before, "the parent counts on"


# --------------------------------------------------------------------------------------- races


def test_a_queued_result_can_be_taken_back(make_spot: Callable[..., Spot]) -> None:
    from broken import BrokenStore

    entered, go_on = threading.Event(), threading.Event()

    class Slow(BrokenStore):
        def put_many(self, records: Any) -> None:
            entered.set()
            assert go_on.wait(DEADLINE)
            super().put_many(records)

    spot = make_spot(metadata=Slow(), save="background", strict=True)
    work = spot.mark(lambda x: x)
    work(0)
    assert entered.wait(DEADLINE)
    work(1)
    saver = spot._engine.saver
    assert saver is not None
    assert saver.cancel(spot.key(work, 1)) is True
    assert saver.cancel(spot.key(work, 1)) is False
    go_on.set()
    assert spot.flush(DEADLINE)
    assert spot.peek(work, 1) is None
    assert spot.peek(work, 0)


def test_a_follower_that_can_not_restore_runs_itself(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    engine = spot._engine
    runs: list[int] = []
    inside, go_on = threading.Event(), threading.Event()

    @spot.mark(ignore=("runs", "inside", "go_on"))
    def work(x: int) -> int:
        runs.append(x)
        inside.set()
        assert go_on.wait(DEADLINE)
        return x

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(work, 1)
        assert inside.wait(DEADLINE)
        form = work.__beautyspot__.form  # type: ignore[attr-defined]
        follower = pool.submit(work, 1)
        flight = engine.flights._flights[spot.key(work, 1)]
        until(lambda: bool(flight._wakers))
        restore, form.restore = form.restore, lambda payload: 1 / 0
        go_on.set()
        assert [leader.result(DEADLINE), follower.result(DEADLINE)] == [1, 1]
        form.restore = restore
    assert runs == [1, 1]


# --------------------------------------------------------------------------- to another process


def test_an_unstable_key_keeps_its_path_on_the_way() -> None:
    error = pickle.loads(pickle.dumps(UnstableKeyError("no form", path="args[0].lock")))
    assert (str(error), error.path) == ("no form", "args[0].lock")


def test_a_refusal_keeps_its_time_on_the_way() -> None:
    error = pickle.loads(pickle.dumps(RateLimitError("no permit", retry_after=2.5)))
    assert (str(error), error.retry_after) == ("no permit", 2.5)
    assert RateLimitError("no permit").retry_after is None


def test_a_limit_is_made_again_where_its_function_arrives(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter="600/min")
    assert isinstance(decorator._again(spot, {"cost": 2}), decorator.Limit)


def test_a_limiter_that_waits_for_nothing_does_not_sleep() -> None:
    class Plain(LimiterBase):
        name = "plain"

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation:
            return Reservation(0.0, cost)

        def release(self, reservation: Reservation) -> None:
            raise AssertionError

    plain = Plain()
    plain._sleep(0.0)
    asyncio.run(plain._sleep_async(0.0))
    assert plain.consume().delay == 0.0


def test_shutting_down_twice_without_waiting_ends_once(make_spot: Callable[..., Spot]) -> None:
    from broken import BrokenStore

    go_on = threading.Event()

    class Slow(BrokenStore):
        def put_many(self, records: Any) -> None:
            assert go_on.wait(DEADLINE)
            super().put_many(records)

    store = Slow()
    spot = make_spot(metadata=store, save="background")
    spot.mark(lambda: 1)()
    spot.shutdown(wait=False)
    spot.shutdown(wait=False)
    go_on.set()
    deferred.finish()
    assert store.totals().entries == 1


def test_the_public_names_are_listed() -> None:
    import beautyspot

    assert {"Spot", "Permit", "hookimpl"} <= set(dir(beautyspot))
    with pytest.raises(AttributeError, match="no attribute 'Sopt'"):
        _ = beautyspot.Sopt  # type: ignore[attr-defined]


def test_a_refusal_without_a_word_fails_the_suite() -> None:
    from beautyspot.testing.serializer import _check_refused

    class Mute(SerializerBase):
        name = "mute"

        def dumps(self, value: object) -> bytes:
            raise SerializationError("")

        def loads(self, data: Any) -> Any:
            raise AssertionError

    with pytest.raises(pytest.fail.Exception, match="says nothing"):
        _check_refused(Mute(), object(), "refused[0]")
