"""What a handler does in place of waiting: here a thread that holds a lock plays the interrupted.

`test_handlers` has the same at every moment of a call; this names what is done in place of waiting.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from beautyspot.calls import lifecycle
from beautyspot.concurrency import locks
from beautyspot.errors import MetadataBusyError
from beautyspot.limits.concurrency_cap import Cap, Place
from beautyspot.results import background
from broken import BrokenStore
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


def test_a_thread_is_inside_while_it_holds_a_lock() -> None:
    lock = locks.reentrant()
    assert not locks.inside()
    with lock:
        assert locks.holds(lock)
        assert locks.inside()
        with ThreadPoolExecutor(1) as pool:
            assert not pool.submit(locks.inside).result(DEADLINE), "another thread"
    assert not locks.inside()


def test_a_handler_leaves_what_is_queued_to_the_saver(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LINGER", DEADLINE)
    spot = make_spot(save="background", strict=True)
    marked = spot.mark(work)
    marked(1)
    with locks.reentrant():
        assert spot.flush() is False
        with pytest.raises(MetadataBusyError, match="try again"):
            spot.invalidate(marked, 1)
    assert spot.flush()
    assert spot.stats()["entries"] == 1


def test_a_handler_leaves_what_could_not_be_stored_for_later(
    make_spot: Callable[..., Spot],
) -> None:
    store = BrokenStore("put", "put_many")
    spot = make_spot(metadata=store)
    marked = spot.mark(work)
    for x in (1, 2):
        marked(x)
    store.broken.clear()
    with locks.reentrant():
        assert spot.flush() is False
        assert spot.invalidate(marked, 1)
    assert spot.flush()
    assert store.totals().entries == 1


def test_a_handler_follows_no_other_call(spot: Spot, held: threading.RLock) -> None:
    DOOR.__init__()  # type: ignore[misc]
    marked = spot.mark(gated)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(marked, 1)
        assert DOOR.entered.wait(DEADLINE)
        assert marked(1) == 1
        DOOR.open.set()
        assert leader.result(DEADLINE) == 1


def test_a_handler_passes_a_cap(held: threading.RLock) -> None:
    cap = Cap(1)
    Place(cap).enter()
    Place(cap).enter()
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
