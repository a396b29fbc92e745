"""Work behind those who called: in how many threads, what is waited for, and what is dropped."""

from __future__ import annotations

import threading

import pytest
from beautyspot.concurrency import behind
from beautyspot.concurrency.behind import Behind
from gates import DEADLINE, Gate, until


@pytest.fixture
def gate() -> Gate:
    return Gate()


def stand(given: Behind, gate: Gate, count: int) -> None:
    """Have so many threads stand at the gate."""

    def work() -> bool:
        gate.pass_through()
        return True

    for number in range(count):
        assert given.claim(f"stands {number}")
        given.later(f"stands {number}", work, bool)
    until(lambda: gate.count == count)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_leaves_what_waits_to_another(gate: Gate) -> None:
    given, done = Behind(), threading.Event()

    def leave() -> bool:
        gate.pass_through()
        raise SystemExit

    def work() -> bool:
        done.set()
        return True

    for number in range(behind.MOST):
        given.later(str(number), leave, bool)
    until(lambda: gate.count == behind.MOST)
    given.later("waits", work, bool)
    dying = [thread for thread in threading.enumerate() if thread.name == "beautyspot-behind"]
    gate.open.set()
    assert done.wait(DEADLINE)
    assert given.wait(DEADLINE)
    for thread in dying:
        thread.join(DEADLINE)


def test_one_of_the_threads_waits_for_no_other(gate: Gate) -> None:
    given, waited = Behind(), []
    stand(given, gate, 1)

    def work() -> bool:
        waited.append(given.wait(0))
        return True

    given.later("waits", work, bool)
    until(lambda: bool(waited))
    assert waited == [True]
    assert not given.wait(0)
    gate.open.set()
    assert given.wait(DEADLINE)


def test_a_key_is_claimed_once(gate: Gate) -> None:
    given = Behind()
    stand(given, gate, 1)
    assert not given.claim("stands 0")
    gate.open.set()
    assert given.wait(DEADLINE)
    assert given.claim("stands 0")


def test_nothing_is_begun_while_the_interpreter_ends(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, ran, ended = Behind(), [], []
    stand(given, gate, behind.MOST)
    given.later("waits", lambda: ran.append("waits") or True, lambda: ended.append("waits"))
    monkeypatch.setattr(behind, "_over", [])
    monkeypatch.setattr(behind, "_all", [given])
    end = threading.Thread(target=behind._finish, daemon=True)
    end.start()
    until(lambda: bool(ended))
    assert not given.claim("another")
    assert end.is_alive(), "it waits for what has begun"
    gate.open.set()
    end.join(DEADLINE)
    assert not end.is_alive()
    assert not given.is_busy
    assert ran == []


def test_who_is_interrupted_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    given, ended = Behind(), []
    with monkeypatch.context() as patch:
        patch.setattr(behind.deferred, "begin", interrupt)
        assert given.claim("key")
        with pytest.raises(KeyboardInterrupt):
            given.later("key", bool, lambda: ended.append("key"))
    assert ended == ["key"]
    assert given.wait(0)
    assert not given.is_busy


def test_where_no_thread_can_be_started_it_is_done_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    given, here = Behind(), list[int]()
    monkeypatch.setattr(behind.deferred, "begin", refuse)
    for _ in range(2):
        assert given.claim("key")
        given.later("key", lambda: here.append(threading.get_ident()) or True, bool)
    assert here == [threading.get_ident()] * 2
    assert not given.is_busy


def test_what_is_interrupted_in_place_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    def interrupt() -> bool:
        raise KeyboardInterrupt

    given, ended = Behind(), []
    monkeypatch.setattr(behind.deferred, "begin", refuse)
    assert given.claim("key")
    with pytest.raises(KeyboardInterrupt):
        given.later("key", interrupt, lambda: ended.append("key"))
    assert ended == ["key"]
    assert not given.is_busy


def test_only_so_many_failures_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "RESTING", 2)
    given = Behind(lambda: 0.0)
    for key in ("first", "second", "third"):
        given.settle(key, done=False)
    assert [given.claim(key) for key in ("first", "second", "third")] == [True, False, False]


def test_who_interrupts_the_end_waits_no_longer(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Ctrl-C; else the end of each Spot would wait once more."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    given = Behind()
    stand(given, gate, 1)
    for name, value in (("_over", []), ("_left", []), ("_all", [given])):
        monkeypatch.setattr(behind, name, value)
    with monkeypatch.context() as patch:
        patch.setattr(given, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            behind._finish()
    assert not given.wait()
    gate.open.set()
    until(lambda: not given.is_busy)
