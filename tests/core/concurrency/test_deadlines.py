"""Work with a deadline, in a thread that is used again, or left behind where it hangs."""

from __future__ import annotations

import os
import threading

import pytest
from beautyspot.concurrency import deadlines
from beautyspot.concurrency.deadlines import Helper, within

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _no_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads of earlier tests may be idle."""
    monkeypatch.setattr(deadlines, "_idle", [])


def test_work_within_its_deadline_returns_or_raises_as_it_does() -> None:
    assert within(PATIENCE, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        within(PATIENCE, lambda: 1 // 0)
    with pytest.raises(TimeoutError, match="mine"):
        within(PATIENCE, fail)


def fail() -> None:
    raise TimeoutError("mine")


def test_work_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError, match="no answer within 0 s: check"):
        within(0.0, lambda: release.wait(PATIENCE))
    release.set()


def test_a_thread_is_used_again_and_ends_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = {within(PATIENCE, threading.current_thread) for _ in range(20)}
    assert len(threads) < 20
    monkeypatch.setattr(deadlines, "IDLE", 0.0)
    for thread in threads:
        within(PATIENCE, lambda: None)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_helper_keeps_its_thread_however_long_it_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadlines, "IDLE", 0.001)
    helper, done = Helper(), threading.Event()
    thread = helper.within(PATIENCE, threading.current_thread)
    thread.join(0.02)  # it looks for work many times
    assert helper.within(PATIENCE, threading.current_thread) is thread
    helper.dismiss(done.set)
    assert done.wait(PATIENCE)
    thread.join(PATIENCE)
    assert not thread.is_alive(), "dismissed, it ends"


def test_where_no_thread_can_be_started_work_is_done_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: object) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert within(PATIENCE, threading.get_ident) == threading.get_ident()


def test_a_forked_child_has_no_threads_of_its_parent() -> None:
    within(PATIENCE, lambda: None)
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage does not see into it
        os._exit(0 if within(PATIENCE, lambda: 7) == 7 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
