"""One thread a store wakes all calls that wait for leases: told by the store, or by asking it."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency.waiting import Bell
from beautyspot.resilience.lease_watcher import DEAF, LeaseWatcher, Ticket
from gates import DEADLINE, until
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

STEP = 0.005
"""Seconds for which the stand-in of a server waits for news, whatever it is asked for."""


class Releases:
    """What a watcher asks. `held` is leased; with `tells`, what is put into `news` is told."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.pause_per_key = 0.0
        self.tells = False
        self.news: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.asked: list[set[str]] = []
        self.listened: list[float] = []
        self.stopped = 0
        self.error: Exception | None = None
        self.deaf: Exception | None = None

    def leased(self, keys: Collection[str]) -> Any:
        self.asked.append(set(keys))
        if self.error is not None:
            raise self.error
        return self.held & set(keys)

    def next_releases(self, seconds: float) -> Any:
        self.listened.append(seconds)
        if self.deaf is not None:
            raise self.deaf
        if not self.tells:
            return None
        try:
            return self.news.get(timeout=min(seconds, STEP)) if seconds else set()
        except queue.Empty:
            return set()

    def stop_listening(self) -> None:
        self.stopped += 1


@pytest.fixture
def store() -> Releases:
    return Releases()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(store: Releases, clock: Clock) -> Iterator[LeaseWatcher]:
    """One whose time does not go, unless a test says so."""
    watcher = made(store, clock)
    yield watcher
    watcher.stop()
    until(lambda: not watcher.works)


def made(store: Any, clock: Callable[[], float]) -> LeaseWatcher:
    return LeaseWatcher(store, clock=clock)


def rung(ticket: Ticket) -> bool:
    bell = Bell()
    ticket.add_waker(bell)
    return bell.wait(DEADLINE)


def test_a_lease_that_is_free_is_noticed_by_asking(store: Releases, watcher: LeaseWatcher) -> None:
    store.held = {"a", "b"}
    first, second = watcher.add("a", 1000.0), watcher.add("b", 1000.0)
    until(lambda: {"a", "b"} in store.asked)
    store.held.discard("b")
    watcher.clock.now += 1  # type: ignore[attr-defined] # it is a test's
    watcher.add("a", 1000.0)
    assert rung(second)
    assert len(watcher) == 2
    store.held.clear()
    watcher.clock.now += 1  # type: ignore[attr-defined]
    assert rung(first)


def gaps_between(store: Releases, keys: Collection[str]) -> list[float]:
    """Seconds between questions of a watcher whose calls wait for these keys for long."""
    clock = Clock()
    store.held = {*keys}
    times: list[float] = []
    over = threading.Event()

    def leased(asked: Collection[str]) -> Any:
        if len(asked) == len(keys):
            times.append(clock())
        if len(times) > 200:
            over.set()
        return asked

    store.leased = leased  # type: ignore[method-assign]
    watcher = made(store, clock)

    class Bell:
        def __call__(self) -> None:
            pass

        def wait(self, seconds: float) -> bool:
            clock.now += max(seconds, 0.0)
            return False

    watcher._bell = Bell()  # type: ignore[assignment]
    for key in keys:
        watcher.add(key, clock())
    assert over.wait(DEADLINE)
    watcher.stop()
    return [after - before for before, after in itertools.pairwise(times)]


def test_the_store_is_asked_ever_more_rarely() -> None:
    gaps = gaps_between(Releases(), ["a"])
    assert min(gaps) >= 0.0009
    assert max(gaps) <= 1.0001
    assert gaps[1] < 0.01, "at first at once"
    assert gaps[-1] > 0.9, "and then once a second"


def test_a_store_says_how_often_it_may_be_asked_for_a_key() -> None:
    store = Releases()
    store.pause_per_key = 0.02
    assert min(gaps_between(store, ["a"])) > 0.0199
    gaps = gaps_between(store, [f"{number}" for number in range(200)])
    assert 3.999 < min(gaps) <= max(gaps) < 4.001


def test_what_is_told_is_not_asked_for(store: Releases, watcher: LeaseWatcher) -> None:
    store.tells, store.held = True, {"a", "b"}
    first, second = watcher.add("a", 1000.0), watcher.add("b", 1000.0)
    until(lambda: len(store.asked) == 1)
    assert store.listened[0] == 0.0, "it listens before it asks, so that nothing is missed"
    store.news.put({"b", "another"})
    assert rung(second)
    assert len(store.asked) == 1
    assert len(watcher) == 1
    watcher.remove(first)
    until(lambda: store.stopped == 1)


def test_a_message_that_was_lost_costs_a_second(store: Releases, watcher: LeaseWatcher) -> None:
    store.tells, store.held = True, {"a"}
    ticket = watcher.add("a", 1000.0)
    until(lambda: len(store.asked) == 1)
    store.held.clear()  # its holder died
    watcher.clock.now += 1  # type: ignore[attr-defined]
    assert rung(ticket)


def test_a_lease_that_was_free_before_it_listened(store: Releases, watcher: LeaseWatcher) -> None:
    store.tells = True
    for _ in "12":
        assert rung(watcher.add("a", 1000.0))
        until(lambda: not watcher.works)


def test_a_store_that_fails_to_tell_is_asked(
    store: Releases, watcher: LeaseWatcher, clock: Clock
) -> None:
    store.tells, store.held, store.deaf = True, {"a", "b"}, OSError("down")
    ticket, other = watcher.add("a", 1000.0), watcher.add("b", 1000.0)
    until(lambda: len(store.asked) > 0)
    store.held.discard("a")
    clock.now += 1
    watcher.add("b", 1000.0)
    assert rung(ticket)
    store.deaf = None
    clock.now += DEAF
    watcher.add("b", 1000.0)
    until(lambda: len(store.listened) > 2)
    store.news.put({"b"})
    assert rung(other)


@pytest.mark.parametrize("answer", [None, 5, object()])
def test_all_wake_where_the_store_cant_be_asked(
    store: Releases, watcher: LeaseWatcher, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(store, "leased", lambda _: answer)
    tickets = [watcher.add(key, 1000.0) for key in "ab"]
    assert all(rung(ticket) for ticket in tickets)


def test_all_wake_where_the_store_fails(store: Releases, watcher: LeaseWatcher) -> None:
    store.held, store.error = {"a", "b"}, OSError("down")
    tickets = [watcher.add(key, 1000.0) for key in "ab"]
    assert all(rung(ticket) for ticket in tickets)


def test_a_store_that_tells_nonsense_is_asked(store: Releases, watcher: LeaseWatcher) -> None:
    store.tells, store.held = True, {"a"}
    ticket = watcher.add("a", 1000.0)
    until(lambda: len(store.asked) == 1)
    store.news.put(5)
    until(lambda: store.stopped == 1)
    store.held.clear()
    watcher.clock.now += 1  # type: ignore[attr-defined]
    watcher._bell()
    assert rung(ticket)


def test_all_wake_where_the_spot_ends(store: Releases, watcher: LeaseWatcher) -> None:
    store.held = {"a"}
    ticket = watcher.add("a", 1000.0)
    watcher.stop()
    assert rung(ticket)
    assert len(watcher) == 0


def test_a_ticket_wakes_who_comes_late() -> None:
    ticket = Ticket("a", 0.0)
    ticket.ring()
    assert rung(ticket)
    bell = Bell()
    ticket = Ticket("a", 0.0)
    ticket.add_waker(bell)
    ticket.remove_waker(bell)
    ticket.ring()
    assert not bell.wait(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_watches_for_itself(store: Releases, watcher: LeaseWatcher) -> None:
    store.held = {"a"}
    ticket = watcher.add("a", 1000.0)
    until(lambda: len(store.asked) > 0)
    child = os.fork()
    if child == 0:  # pragma: no cover - children are not measured
        right = len(watcher) == 0 and not watcher.works
        store.held.clear()
        right = right and rung(watcher.add("b", 1000.0))
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(watcher) == 1
    watcher.remove(ticket)
