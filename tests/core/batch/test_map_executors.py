"""`spot.map` whose calls an executor of the user's makes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, until


class ByHand(Executor):
    """Keeps what is submitted until it is told to run it."""

    def __init__(self, *, workers: int | None = None) -> None:
        self.calls: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.submitted = 0
        self.broken: Exception | None = None
        if workers is not None:
            self._max_workers = workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.broken is not None:
            raise self.broken
        self.submitted += 1
        future: Future[Any] = Future()
        self.calls.append((future, lambda: fn(*args, **kwargs)))
        return future

    def run(self) -> None:
        calls, self.calls = self.calls, []
        for future, call in calls:
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)


@pytest.fixture
def by_hand() -> ByHand:
    return ByHand(workers=3)


@pytest.fixture
def runs(by_hand: ByHand) -> Iterator[ByHand]:
    """It runs what it has, over and over, in another thread."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.001):
            by_hand.run()

    thread = threading.Thread(target=run)
    thread.start()
    yield by_hand
    ended.set()
    thread.join(DEADLINE)


RAN: list[int] = []


def double(number: int) -> int:
    RAN.append(number)
    if number == 13:
        raise ValueError(number)
    return 2 * number


@pytest.mark.parametrize("marked", [True, False])
def test_what_runs_there_is_stored(spot: Spot, runs: ByHand, marked: bool) -> None:
    RAN.clear()
    function = spot.mark(double) if marked else double
    for _ in range(2):
        assert list(spot.map(function, range(10), executor=runs)) == [2 * n for n in range(10)]
    assert sorted(RAN) == list(range(10)), "undecorated, too, it runs through the cache there"
    assert runs.submitted == 10


def test_as_many_are_submitted_at_once_as_there_are_workers(spot: Spot, by_hand: ByHand) -> None:
    results = spot.map(spot.mark(double), range(20, 120), executor=by_hand)
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.extend(results))
    thread.start()
    for _ in range(5):
        until(lambda: len(by_hand.calls) == 3)
        by_hand.run()
    until(lambda: len(by_hand.calls) == 3)
    while thread.is_alive():
        by_hand.run()
    thread.join(DEADLINE)
    assert first == [2 * n for n in range(20, 120)]


def test_failures_come_from_there(spot: Spot, runs: ByHand) -> None:
    results = list(spot.map(spot.mark(double), range(12, 15), executor=runs, errors="return"))
    assert [getattr(each, "input", each) for each in results] == [24, 13, 28]
    with pytest.raises(ValueError, match="13") as raised:
        list(spot.map(spot.mark(double), range(10, 1000), executor=runs))
    assert "the input was 13" in raised.value.__notes__[0]
    assert runs.submitted < 50


@pytest.mark.parametrize("error", [BrokenExecutor("it broke"), RuntimeError("shut down")])
def test_an_executor_that_takes_no_calls_ends_it(
    spot: Spot, by_hand: ByHand, error: Exception
) -> None:
    by_hand.broken = error
    results = spot.map(spot.mark(double), range(10), executor=by_hand, errors="skip")
    with pytest.raises(type(error), match=str(error)):
        list(results)


@pytest.mark.parametrize("limiter", ["10/s", [{"name": "calls", "rate": "10/s"}]])
def test_a_rate_of_one_process_is_none_of_a_pool_of_processes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, limiter: Any
) -> None:
    with (
        bs.Spot("mail", directory=tmp_path, limiter=limiter, config=False) as spot,
        ProcessPoolExecutor(4) as pool,  # which starts no process before it has a call
    ):
        for _ in range(2):
            assert list(spot.map(double, [], executor=pool)) == []
    (said,) = caplog.messages
    assert said.startswith("mail: ")
    assert "4 of them reach 4 times the rate" in said
    for name in ("gcra-shared", "redis", "postgres"):
        assert name in said


PROGRAM = """
import os
import beautyspot as bs

spot = bs.Spot("app", directory={place!r}, config=False)

@spot.mark
def where(number):
    if number < 0:
        os._exit(1)
    return os.getpid()
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_meet_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    (tmp_path / f"sent_{method}.py").write_text(PROGRAM.format(place=str(tmp_path / "cache")))
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = __import__(f"sent_{method}")
    spot: Spot = module.spot
    try:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            first = list(spot.map(module.where, range(20), executor=pool))
            assert os.getpid() not in first
            assert list(spot.map(module.where, range(20))) == first
            (failed,) = spot.map(module.where, [threading.Lock()], executor=pool, errors="return")
            assert isinstance(failed, bs.Failed)
            assert "give inputs that can be pickled" in failed.error.__notes__[0]
            with pytest.raises(BrokenProcessPool):
                list(spot.map(module.where, range(-1, 20), executor=pool, errors="skip"))
    finally:
        spot.shutdown()
        sys.modules.pop(f"sent_{method}")


RAISING = """
import beautyspot as bs

spot = bs.Spot("app", directory={place!r}, config=False)

class NotFound(Exception):
    pass

class StatusError(Exception):
    def __init__(self, message, *, response):
        super().__init__(message)
        self.response = response

class Mute(Exception):
    def __init__(self, *args):
        self.held = lambda: None

    def __str__(self):
        raise ValueError("it has no text")

@spot.mark(cache_errors=(StatusError,), key=lambda number: str(number))
def ask(number):
    if number == 2:
        raise NotFound("nothing there")
    if number == 3:
        raise Mute
    if number == 5:
        class Inside(Exception):
            pass
        raise Inside("of a function")
    return number

@spot.mark
def ask_api(number):
    if number == 1:
        raise StatusError("429 Too Many Requests", response="later")
    return number

@spot.mark(cache_errors=(StatusError,))
def known(number):
    raise StatusError(f"410 Gone {{number}}", response="none")
"""


@pytest.fixture
def raising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "raises_there.py").write_text(RAISING.format(place=str(tmp_path / "cache")))
    monkeypatch.syspath_prepend(tmp_path)
    import cloudpickle  # type: ignore[import-untyped] # noqa: F401 - the pool does not send by it
    import raises_there  # type: ignore[import-not-found]  # made above

    yield raises_there
    raises_there.spot.shutdown()
    del sys.modules["raises_there"]


def test_an_exception_that_can_not_be_sent_fails_its_own_input_alone(raising: Any) -> None:
    spot, fork = raising.spot, multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=fork) as pool:
        results = list(spot.map(raising.ask_api, range(8), executor=pool, errors="return"))
        others = list(spot.map(raising.ask, range(8), executor=pool, errors="return"))
        with pytest.raises(bs.WorkerError, match="429") as raised:
            list(spot.map(raising.ask_api, [1], executor=pool))
    failed = results.pop(1)
    assert results == [0, *range(2, 8)]
    error = failed.error
    assert isinstance(error, bs.WorkerError)
    assert (error.type_name, error.text) == ("raises_there.StatusError", "429 Too Many Requests")
    assert "in ask_api\n" in error.traceback
    assert "give raises_there.StatusError a __reduce__" in str(error)
    assert raised.value.__notes__ == ["spot.map: the input was 1"]
    assert [each for each in others if not isinstance(each, bs.Failed)] == [0, 1, 4, 6, 7]
    errors = [each.error for each in others if isinstance(each, bs.Failed)]
    assert isinstance(errors[0], raising.NotFound)
    assert [getattr(error, "type_name", "") for error in errors] == [
        "", "raises_there.Mute", "raises_there.ask.<locals>.Inside",
    ]  # fmt: skip
