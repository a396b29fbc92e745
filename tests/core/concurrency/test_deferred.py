"""What a dropped Spot has still to do is done by a thread, or at the end, and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deferred
from gates import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OURS = "beautyspot-deferred"


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Neither by another test."""
    deferred.finish()


def no_thread(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def no_memory(*_: object) -> None:
    raise MemoryError


def test_it_is_done_by_threads_of_a_name_and_not_by_too_many() -> None:
    entered, gate = threading.Semaphore(0), threading.Event()
    names: list[str] = []

    def work() -> None:
        names.append(threading.current_thread().name)
        entered.release()
        assert gate.wait(DEADLINE)

    for _ in range(deferred.MOST + 2):
        deferred.later(work)
    for _ in range(deferred.MOST):
        assert entered.acquire(timeout=DEADLINE)
    assert not entered.acquire(blocking=False), "the rest waits"
    gate.set()
    deferred.finish()
    assert len(names) == deferred.MOST + 2
    assert set(names) <= {OURS, threading.current_thread().name}


@pytest.mark.parametrize("start", [no_thread, no_memory])
def test_where_no_thread_can_be_begun_the_next_does_it(
    monkeypatch: pytest.MonkeyPatch, start: Callable[..., None]
) -> None:
    done: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr("_thread.start_new_thread", start)
        deferred.later(lambda: done.append(1))
    assert done == []
    second = threading.Event()
    deferred.later(second.set)
    assert second.wait(DEADLINE)
    deferred.finish()
    assert done == [1]


def test_where_it_is_interrupted_as_a_thread_is_begun_the_end_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And waits for no thread, which may not be there."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    done: list[int] = []
    monkeypatch.setattr("_thread.start_new_thread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deferred.later(lambda: done.append(1))
    monkeypatch.undo()
    ending = threading.Thread(target=deferred.finish, daemon=True)
    ending.start()
    ending.join(DEADLINE)
    stands_still = ending.is_alive()
    deferred._at_work.clear()
    assert not stands_still
    assert done == [1]


@pytest.mark.parametrize("start", [no_thread, no_memory])
def test_where_no_ordinary_thread_can_be_begun_it_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch, start: Callable[..., None]
) -> None:
    done = threading.Event()
    monkeypatch.setattr(threading.Thread, "start", start)
    deferred.later(done.set)
    assert done.wait(DEADLINE)
    deferred.finish()


def test_the_end_does_what_is_left(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    done: list[int] = []
    monkeypatch.setattr("_thread.start_new_thread", no_thread)
    deferred.later(lambda: 1 / 0)
    deferred.later(lambda: done.append(1))
    deferred.finish()
    assert done == [1]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_error_keeps_nothing_else_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, gate, done = threading.Event(), threading.Event(), threading.Event()
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def fail() -> None:
        entered.set()
        assert gate.wait(DEADLINE)
        raise KeyError

    for _ in range(deferred.MOST):
        deferred.later(fail)
    assert entered.wait(DEADLINE)
    deferred.later(done.set)
    gate.set()
    assert done.wait(DEADLINE)
    deferred.finish()
    assert len(told) == deferred.MOST


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_it_to_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr("_thread.start_new_thread", no_thread)
    deferred.later(lambda: done.append(1))
    child = os.fork()
    deferred.finish()
    if child == 0:  # pragma: no cover - coverage does not see into it
        os._exit(len(done))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert done == [1]


PROGRAM = """
    import gc, sys
    import beautyspot as bs

    spot = bs.Spot("app", directory=sys.argv[1], config=False, save="background")
    spot.me = spot
    spot.mark(lambda: 1)()
    del spot
    gc.collect()
"""


def in_a_child(program: str) -> str:
    body = "".join(f"    {line}\n" for line in program.strip().splitlines())
    return (
        f"import multiprocessing\ndef main():\n{body}\n"
        'child = multiprocessing.get_context("fork").Process(target=main)\nchild.start()\n'
        f"child.join({DEADLINE})\nassert child.exitcode == 0\n"
    )


@pytest.mark.parametrize("child", [False, True])
def test_a_process_ends_with_all_stored(tmp_path: Path, child: bool) -> None:
    from beautyspot.spot import Spot

    if child and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    program = in_a_child(dedent(PROGRAM)) if child else dedent(PROGRAM)
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, check=True, timeout=2 * DEADLINE)
    assert Spot("app", directory=tmp_path, config=False).stats()["entries"] == 1
