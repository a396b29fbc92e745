"""Ctrl-C in a call: the next call finds the key free, and the store as well.

In the user's function that holds for everybody. Between any two instructions of ours it holds for
the thread that was interrupted: a profiler raises there, as Python's handler of Ctrl-C does. What
another handler raises, such as that of an alarm, is the user's as well.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from beautyspot.concurrency import single_flight
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import DEADLINE, until
from moments import check_free, check_unlocked, each_moment, interrupted
from scripted import scripted

RAN: list[int] = []


def plain(x: int) -> int:
    return x


def failing(x: int) -> float:
    return x / 0


def stream(x: int) -> Iterator[int]:
    yield x
    yield x


def outcome(function: Callable[[int], Any], x: int) -> Any:
    try:
        result = function(x)
        return list(result) if hasattr(result, "__next__") else result
    except ZeroDivisionError:
        return "fails"


KINDS: dict[str, tuple[Callable[[int], Any], dict[str, Any]]] = {
    "plain": (plain, {}),
    "blob": (plain, {"save_blob": True}),
    "failing": (failing, {}),
    "refused": (plain, {"cache_if": lambda value: False}),
    "stream": (stream, {}),
}


@each_moment
@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_is_interrupted_calls_again_and_waits_for_nobody(
    make_spot: Callable[..., Spot], kind: str, save: str, stride: int
) -> None:
    """As in a notebook: at any moment, in the same thread. What is stored is right."""
    function, options = KINDS[kind]
    spot = make_spot(save=save, strict=True)
    marked = spot.mark(**options)(function)
    outcome(marked, -1)
    at = 1
    while interrupted(lambda: list(marked(at)) if kind == "stream" else marked(at), at):
        assert outcome(marked, at) == outcome(function, at)
        assert spot.flush(DEADLINE)
        check_unlocked(spot)
        assert called_by_another(marked, at) == outcome(function, at)
        at += stride
    assert at > 50
    assert spot.flush(DEADLINE)


@each_moment
def test_what_an_interrupted_flush_has_written_is_leased_no_more(
    make_spot: Callable[..., Spot], stride: int
) -> None:
    spot = make_spot(save="background")
    marked = spot.mark(plain)
    at = 1
    while True:
        marked(2 * at), marked(2 * at + 1)
        if not interrupted(spot.flush, at):
            break
        assert spot.flush(DEADLINE)
        until(lambda: not spot._engine.cache.leases.leases)
        at += stride
    assert at > 50


@each_moment
@pytest.mark.parametrize("save", ["sync", "background"])
def test_an_interrupted_refresh_leaves_no_lease(
    make_spot: Callable[..., Spot], save: str, stride: int
) -> None:
    spot = make_spot(save=save)
    marked = spot.mark(plain)
    at = 1
    while True:
        marked(at)  # behind its caller it has its lease until it is written: the refresh waits
        if not interrupted(partial(spot.refresh, marked, at), at):
            break
        assert marked(at) == at
        assert spot.flush(DEADLINE)
        until(lambda: not spot._engine.cache.leases.leases)
        at += stride
    assert at > 50


@pytest.mark.parametrize("asks", ["call", "refresh"])
def test_a_cell_that_is_interrupted_is_run_again_and_waits_for_nobody(
    spot: Spot, asks: str
) -> None:
    """A notebook's cells are functions that a task of a running event loop calls."""
    marked = spot.mark(plain)
    marked(-1)

    def cell(x: int) -> int:
        return marked(x) if asks == "call" else spot.refresh(marked, x)

    async def notebook() -> int:
        at = 1
        while interrupted(partial(cell, at), at):
            assert cell(at) == at
            assert marked(at) == at
            at += 1
        return at

    assert asyncio.run(notebook()) > 50


def stopped(x: int) -> int:
    if RAN.append(x) or RAN.count(x) == 1:
        signal.raise_signal(signal.SIGINT)
    return x


def stopped_stream(x: int) -> Iterator[int]:
    yield x
    yield stopped(x)


async def stopped_later(x: int) -> int:
    return stopped(x)


def ended(made: Any) -> Any:
    """What a coroutine that waits for nothing returns."""
    try:
        made.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


STOPPED: dict[str, tuple[Callable[[int], Any], Callable[[Any], Any]]] = {
    "function": (stopped, int),
    "stream": (stopped_stream, list),
    "coroutine": (stopped_later, ended),
}


@pytest.fixture(autouse=True)
def _ctrl_c_interrupts() -> Iterator[None]:
    """Also where a shell has begun the tests behind itself, and ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    single_flight.stand_alone()  # an interrupt may leave its thread part of a call that is over


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", STOPPED)
def test_ctrl_c_in_the_function_leaves_its_key_free(
    make_spot: Callable[..., Spot], kind: str, save: str
) -> None:
    function, run = STOPPED[kind]
    spot, other = make_spot(save=save, strict=True), make_spot("app", strict=True)
    marked = spot.mark(function)
    RAN.clear()
    with pytest.raises(KeyboardInterrupt):
        run(marked(7))
    check_free(spot, other, spot.key(marked, 7))
    assert called_by_another(lambda x: run(marked(x)), 7) == run(function(7))


begun, may_end = threading.Event(), threading.Event()


def slow(x: int) -> int:
    begun.set()
    assert may_end.wait(DEADLINE)
    return x


def test_ctrl_c_while_another_thread_is_awaited_stops_the_waiting_alone(
    make_spot: Callable[..., Spot],
) -> None:
    spot, other = make_spot(strict=True), make_spot("app", strict=True)
    marked = spot.mark(slow)
    begun.clear(), may_end.clear()
    leader = threading.Thread(target=marked, args=(7,))
    leader.start()
    assert begun.wait(DEADLINE)
    mine = threading.get_ident()

    def interrupt() -> None:
        until(lambda: any(flight.wakers for flight in spot._engine.flights))
        signal.pthread_kill(mine, signal.SIGINT)

    beside = threading.Thread(target=interrupt)
    beside.start()
    with pytest.raises(KeyboardInterrupt):
        marked(7)
    may_end.set()
    leader.join(), beside.join()
    check_free(spot, other, spot.key(marked, 7))
    assert (marked(7), spot.stats()["hits"]) == (7, 1)


def called_by_another(function: Callable[[int], Any], x: int) -> Any:
    """In another thread: a reentrant lock that was left held would let this one in."""
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome(function, x)), daemon=True)
    thread.start()
    thread.join(DEADLINE)
    assert outcomes, "it waits"
    return outcomes[0]


async def later(x: int) -> int:
    return x


@pytest.mark.parametrize("key", [None, str])
@pytest.mark.parametrize(
    ("function", "run"),
    [(plain, int), (failing, int), (stream, list), (later, ended)],
    ids=["plain", "failing", "stream", "coroutine"],
)
def test_a_limited_call_that_is_interrupted_leaves_its_place(
    make_spot: Callable[..., Spot],
    function: Callable[[int], Any],
    run: Callable[[Any], Any],
    key: Callable[[int], str] | None,
) -> None:
    spot = make_spot(limiter=TokenBucket(1e9), strict=True)
    limit = spot.limiter(max_concurrent=1, key=key)
    limited, of_others = limit(function), limit(plain)
    at = 1
    while interrupted(lambda: run(limited(7)), at):
        assert called_by_another(of_others, 7) == 7
        assert not spot._limiting.asking
        at += 3  # every third of some 150
    assert at > 20


class Ends:
    """Handlers of an alarm, as programs write them."""

    def __call__(self, *_: object) -> None:
        raise TimeoutError("it takes too long")


def end(*_: object) -> None:
    Ends()()


def ringing(limited: Callable[[int], int]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    limited(2)


@pytest.fixture
def alarm(request: pytest.FixtureRequest) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, request.param)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("alarm", "use"),
    [(end, "gcra"), (Ends(), "gcra-shared"), (Ends().__call__, "cap"), (partial(end), "cap")],
    indirect=["alarm"],
)
@pytest.mark.usefixtures("alarm")
def test_what_an_alarm_raises_ends_the_wait_for_a_limit(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, use: str
) -> None:
    """It is no failure of the limiter, which goes on limiting."""
    spot = make_spot(limiter=None if use == "cap" else {"use": use, "rate": "2/min"})
    limited = spot.limiter(max_concurrent=1 if use == "cap" else None)(slow)
    begun.clear(), may_end.clear()
    leader = threading.Thread(target=limited, args=(1,))
    leader.start()
    assert begun.wait(DEADLINE)
    begun.clear()
    for _ in range(4):
        with pytest.raises(TimeoutError, match="it takes too long"):
            ringing(limited)
    may_end.set()
    leader.join()
    assert not begun.is_set()
    assert not caplog.records
    assert spot.stats()["limiter_away"] == 0


@pytest.mark.parametrize("alarm", [end], indirect=True)
@pytest.mark.parametrize("operation", ["find", "begin"])
@pytest.mark.usefixtures("alarm")
def test_what_an_alarm_raises_in_a_question_to_the_store_ends_the_call(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    rings = {operation: lambda *_, **__: signal.raise_signal(signal.SIGALRM)}
    spot = make_spot(metadata=scripted(MemoryMetadataStore, slow=rings))
    RAN.clear()
    marked = spot.mark(RAN.append)
    with pytest.raises(TimeoutError, match="it takes too long"):
        marked(7)
    assert not RAN
    assert not caplog.records
    spot.metadata.script.slow.clear()  # type: ignore[attr-defined]  # it is scripted
    marked(7)
    assert RAN == [7]
