"""What who interrupts a holder of our locks is given: one who holds a lock plays the interrupted.

`test_handlers` has the same at every moment of a call; this names what is done in place of waiting.
"""

from __future__ import annotations

import _thread
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from beautyspot import files
from beautyspot.calls import lifecycle
from beautyspot.concurrency import deferred, forks, locks
from beautyspot.errors import ConfigError, MetadataBusyError
from beautyspot.limits.concurrency_cap import Cap
from broken import BrokenStore, IdleExecutor
from gates import DEADLINE
from gates import Gate as Door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot

DOOR = Door()


@pytest.fixture
def held() -> Iterator[threading.RLock]:
    """A lock of ours, which this thread has."""
    lock = locks.reentrant()
    with lock:
        yield lock


def work(x: int) -> list[int]:
    return [x]


def gated(x: int) -> int:
    if threading.current_thread() is not threading.main_thread():
        DOOR.pass_through()
    return x


def test_who_holds_a_lock_is_inside() -> None:
    lock = locks.reentrant()
    assert not locks.inside()
    with lock:
        assert locks.holds(lock)
        assert locks.inside()
        assert not locks.inside(lock), "on his own way"
    assert not locks.inside()


def test_where_nothing_was_ever_submitted_nobody_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "concurrent.futures.thread")
    assert not locks.inside()


def test_who_is_inside_of_submit_submits_by_another_thread() -> None:
    """`submit` holds locks while it starts a thread, and they let nobody in twice."""
    done = threading.Event()

    class Interrupted(ThreadPoolExecutor):
        interrupts = 1

        def _adjust_thread_count(self) -> None:
            if self.interrupts:
                self.interrupts = 0
                assert locks.inside()
                locks.submit(self, done.set)
            super()._adjust_thread_count()  # type: ignore[misc]

    with Interrupted(1) as pool:
        assert pool.submit(int).result(DEADLINE) == 0
        assert done.wait(DEADLINE)
    locks._submit(pool, done.set)  # it takes no more, and that is no matter


def test_what_is_queued_stays_so_for_who_is_inside(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(save="background", strict=True, executor=IdleExecutor())
    marked = spot.mark(work)
    saver = spot._engine.saver
    assert saver is not None
    marked(1)
    lock = locks.reentrant()
    with lock:
        assert spot.flush() is False
        saver.finish()
        assert len(saver) == 1
        saver._writing["k"] = saver._queue[spot.key(marked, 1)]
        with pytest.raises(MetadataBusyError, match="try again"):
            saver.withdraw("k")
        saver._writing.clear()
    assert spot.flush()
    assert len(saver) == 0


def test_what_waits_stays_so_for_who_is_inside(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put", "put_many")
    spot = make_spot(metadata=store)
    marked = spot.mark(work)
    for x in (1, 2):
        marked(x)
    store.broken.clear()
    unsaved = spot._engine.cache.unsaved
    lock = locks.reentrant()
    with lock:
        assert spot.flush() is False
        unsaved._writing.add(spot.key(marked, 1))
        assert unsaved.drop(spot.key(marked, 1))
        unsaved._writing.clear()
    assert spot.flush()
    assert store.totals().entries == 1


def test_who_is_inside_follows_nobody(spot: Spot, held: threading.RLock) -> None:
    DOOR.__init__()  # type: ignore[misc]
    marked = spot.mark(gated)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(marked, 1)
        assert DOOR.entered.wait(DEADLINE)
        assert marked(1) == 1
        DOOR.open.set()
        assert leader.result(DEADLINE) == 1


def test_who_is_inside_is_let_through_a_cap(held: threading.RLock) -> None:
    cap = Cap(1)
    cap.enter()
    cap.enter()
    assert cap.inside == 2


def test_a_spot_among_daemon_threads_stays_open_at_the_end(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot(save="background", strict=True)
    marked = spot.mark(work)
    marked(1)
    monkeypatch.setattr(lifecycle, "_others_go_on", lambda: True)
    spot._finalizer()
    assert marked(2) == [2]
    assert spot.peek(marked, 2) is not None, "stored in place"
    assert spot.stats()["entries"] == 2
    spot._engine.close()  # there is nothing to do


@pytest.mark.parametrize("refuses", [False, True])
def test_a_late_end_is_done_where_no_thread_begins_any_more(
    monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    done: list[int] = []
    running = _thread.allocate_lock()
    running.acquire()
    monkeypatch.setattr(deferred, "_left", type(deferred._left)([lambda: done.append(1)]))
    monkeypatch.setitem(deferred._at_work, running, None)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    if refuses:
        monkeypatch.setattr(threading.Thread, "start", start)
    deferred._launch(running)
    assert running.acquire(timeout=DEADLINE)
    assert done == [1]


def test_without_multiprocessing_a_process_ends_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "multiprocessing.util", raising=False)
    assert forks.at_end_of_child(list) is False


def test_a_relative_place_needs_a_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Path) -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "absolute", gone)
    with pytest.raises(ConfigError, match="give an absolute path"):
        files.absolute("here", "directory")
