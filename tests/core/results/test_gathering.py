"""Look-ups of threads that are made at once share a question to the store."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import locks
from beautyspot.errors import MetadataError
from beautyspot.results import gathering
from beautyspot.results.gathering import ThreadLookups
from gates import DEADLINE, until
from held_store import PLACES, HeldStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Threads:
    """Threads that look up: two whose questions are held, and then others, which wait."""

    def __init__(self, store: HeldStore) -> None:
        self.store = store
        self.lookups = ThreadLookups(store.find, store.find_many)
        self.pool = ThreadPoolExecutor(40)
        self.first = [self.find(str(1000 + n)) for n in range(PLACES)]
        until(lambda: len(store.asked) == PLACES)

    def find(self, key: str) -> Future[int | None]:
        return self.pool.submit(self.lookups.find, key)

    def wait(self, *keys: str) -> list[Future[int | None]]:
        """Look up in this order."""
        futures = []
        for key in keys:
            waiting = len(self.lookups._waiting)
            futures.append(self.find(key))
            until(lambda waiting=waiting: len(self.lookups._waiting) > waiting)  # type: ignore[misc]
        return futures

    def end(self) -> None:
        self.store.let_all()
        assert all(each.result(DEADLINE) is not None for each in self.first)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    monkeypatch.setattr(gathering, "PATIENCE", 10 * DEADLINE)
    made = Threads(HeldStore(held=True))
    yield made
    made.end()
    made.pool.shutdown()
    assert made.lookups._places == [True] * PLACES
    assert not made.lookups._waiting


def test_a_lone_caller_asks_for_itself() -> None:
    store = HeldStore()
    lookups = ThreadLookups(store.find, store.find_many)
    assert [lookups.find("3"), lookups.find("no"), lookups.find("3")] == [3, None, 3]
    assert store.asked == [["3"], ["no"], ["3"]]


def test_threads_that_come_meanwhile_share_a_question(threads: Threads) -> None:
    others = threads.wait(*[str(n % 7) for n in range(14)], "5000")
    threads.store.let_one()
    found = [each.result(DEADLINE) for each in others]
    assert found == [*[n % 7 for n in range(14)], None]
    assert threads.store.asked_later == [["0", "1", "2", "3", "4", "5", "5000", "6"]]


def test_who_comes_after_a_question_has_gone_out_does_not_share_it(threads: Threads) -> None:
    threads.store.rows["1000"] = -1  # what was asked before may find this or that
    (late,) = threads.wait("1000")
    threads.store.rows["1000"] = -2
    threads.store.let_one()
    assert late.result(DEADLINE) == -2


def test_a_question_that_fails_fails_for_those_in_it_alone(threads: Threads) -> None:
    def fail(keys: list[str]) -> None:
        threads.store.before = lambda _keys: None
        raise MetadataError("down")

    threads.store.before = fail
    others = threads.wait("1", "2", "3")
    threads.store.let_one()
    for each in others:
        with pytest.raises(MetadataError, match="down"):
            each.result(DEADLINE)
    assert threads.find("4").result(DEADLINE) == 4


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_where_the_one_that_asks_is_interrupted_the_next_one_asks(
    threads: Threads, stop: type[BaseException]
) -> None:
    def interrupt(keys: list[str]) -> None:
        threads.store.before = lambda _keys: None
        raise stop

    threads.store.before = interrupt
    leader, *others = threads.wait("1", "2", "3", "2")
    threads.store.let_one()
    with pytest.raises(stop):
        leader.result(DEADLINE)
    assert [each.result(DEADLINE) for each in others] == [2, 3, 2]
    assert threads.store.asked_later == [["1", "2", "3"], ["2", "3"]]


def test_what_interrupts_our_own_code_waits_for_nobody(threads: Threads) -> None:
    def interrupted() -> int | None:
        with locks.reentrant():
            return threads.lookups.find("3")

    assert threads.pool.submit(interrupted).result(DEADLINE) == 3


def test_a_question_has_at_most_so_many_keys(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LARGEST", 4)
    others = threads.wait(*"12345")
    threads.store.let_one()
    assert [each.result(DEADLINE) for each in others] == [1, 2, 3, 4, 5]
    assert threads.store.asked_later == [["1", "2", "3", "4"], ["5"]]


def test_who_waits_too_long_asks_for_all(threads: Threads, monkeypatch: Any) -> None:
    others = threads.wait("1", "2")
    monkeypatch.setattr(gathering, "PATIENCE", 0.0)
    assert threads.lookups.find("3") == 3, "while all places are taken"
    assert [each.result(DEADLINE) for each in others] == [1, 2]
    assert threads.store.asked_later == [["1", "2", "3"]]


def test_who_went_out_alone_is_not_to_lead_later(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other,) = threads.wait("1")
    monkeypatch.setattr(gathering, "LARGEST", 2)
    monkeypatch.setattr(gathering, "PATIENCE", 0.0)
    assert threads.lookups.find("3") == 3, "with the other one, and is still in the queue"
    assert other.result(DEADLINE) == 1
    assert threads.lookups._places == [True]


class Meanwhile:
    """Something happens just before the first addition."""

    work: Callable[[], object] | None = None

    def append(self, each: Any) -> None:
        work, self.work = self.work, None
        if work is not None:
            work()
        super().append(each)  # type: ignore[misc]


class Places(Meanwhile, list[Any]):
    pass


class Callers(Meanwhile, deque[Any]):
    pass


def test_who_comes_as_a_place_becomes_free_is_seen(threads: Threads) -> None:
    others: list[Future[int | None]] = []
    places = Places(threads.lookups._places)
    places.work = lambda: others.extend(threads.wait("1"))
    threads.lookups._places = places
    threads.store.let_one()
    until(lambda: bool(others))
    assert others[0].result(DEADLINE) == 1


def test_who_comes_as_the_last_place_becomes_free_goes_out(threads: Threads) -> None:
    callers: Callers = Callers()
    callers.work = threads.end
    threads.lookups._waiting = callers
    assert threads.find("1").result(DEADLINE) == 1


class Interrupted:
    """A bell whose thread is interrupted as it waits."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    def __call__(self) -> None:
        """Nobody waits."""

    def wait(self, timeout: float) -> bool:
        self._meanwhile()
        raise KeyboardInterrupt


@pytest.mark.parametrize("leads", [True, False])
def test_a_thread_that_is_interrupted_as_it_waits_stops_no_other(
    threads: Threads, monkeypatch: pytest.MonkeyPatch, leads: bool
) -> None:
    others: list[Future[int | None]] = []

    def meanwhile() -> None:
        monkeypatch.undo()
        monkeypatch.setattr(gathering, "PATIENCE", DEADLINE)
        others.extend(threads.wait("1", "2"))
        if leads:
            threads.store.let_one()  # so that it is to ask, just as it is interrupted
            until(lambda: len(threads.lookups._waiting) == 2)

    monkeypatch.setattr(gathering, "Bell", partial(Interrupted, meanwhile))
    with pytest.raises(KeyboardInterrupt):
        threads.lookups.find("3")
    threads.store.let_one()
    assert [each.result(DEADLINE) for each in others] == [1, 2]


def test_threads_at_random_find_nothing_that_was_replaced_before() -> None:
    store = HeldStore()
    lookups = ThreadLookups(store.find, store.find_many)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for n in range(200):
            key = str((seed + n) % 3)
            before = store.rows[key]
            found = lookups.find(key)
            if found is None or not before <= found <= store.rows[key]:
                wrong.append((key, before, found))
            if seed == int(key):  # the only one that writes it
                store.rows[key] += 1

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(DEADLINE)
    assert wrong == []
    assert len(lookups._places) == PLACES
    assert not lookups._waiting
