"""Leases that the store has lost, or released a moment ago, and who gets them next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from beautyspot.concurrency.single_flight import Lease
from beautyspot.concurrency.waiting import Bell
from beautyspot.results.leases import Leases, LeaseWait
from beautyspot.spot import Spot
from owned_clock import Clock
from remote_store import RemoteStore, Server
from rows import HeldLease, is_leased

KEY = "0" * 32


def test_one_that_a_put_has_just_released_was_not_lost(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    """The put of another thread has reached the store, and its answer is under way."""
    store = RemoteStore()
    leases = make_spot(metadata=store)._engine.cache.leases

    def renewing(name: str, args: tuple[Any, ...]) -> None:
        if name == "renew":
            store.release([KEY], leases.token)

    store.before = renewing
    for _ in range(3):
        leases.begin([Lease(KEY)], {})
        leases.beat()
        del leases.leases[KEY]
    assert caplog.messages == []


def test_one_that_is_lost_is_said_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    leases = make_spot(metadata=RemoteStore(server))._engine.cache.leases
    leases.begin([Lease(KEY)], {})
    server.flush()
    for _ in range(3):
        leases.beat()
    [said] = caplog.messages
    assert "1 of the leases that this process holds were lost" in said
    assert KEY not in leases.leases


def test_the_next_holder_does_not_lose_it_to_the_release_before(
    make_spot: Callable[..., Spot],
) -> None:
    """The call ends as its result was written behind it, which has released the lease too."""
    store = RemoteStore()
    leases = make_spot(metadata=store)._engine.cache.leases
    first, second = Lease(KEY), Lease(KEY)
    leases.begin([first], {})

    def next_one() -> None:
        leases.drop(first)  # the writer's thread: the put has released it
        leases.begin([second], {})

    def releasing(name: str, _args: tuple[Any, ...]) -> None:
        if name == "release":
            thread = threading.Thread(target=next_one)
            thread.start()
            thread.join()

    store.before = releasing
    leases.release(first)
    assert second.held == is_leased(store, KEY)
    leases.begin([second], {})
    assert second.held


def test_who_refreshes_and_who_does_not_wait_for_one_lease(make_spot: Callable[..., Spot]) -> None:
    server = Server()
    store = make_spot(metadata=RemoteStore(server))._engine.cache.store
    other, clock = RemoteStore(server), Clock(0.0)
    leases, asked = Leases(store, "app", clock), Bell()
    spot = make_spot(metadata=other)
    key = spot.key(len, "ab")
    held = HeldLease(other, key)
    anyone, refreshing = LeaseWait(Lease(key), {}), LeaseWait(Lease(key), {key: inf})
    leases.wait_for(anyone)
    leases.wait_for(refreshing)
    spot.set_result(2, len, "ab")
    held.release()
    with anyone.waking(asked):
        clock.now = 1.0
        assert asked.wait(20)
    assert not anyone.lease.held
    assert anyone.answer is not None
    assert key in anyone.answer.found
    with refreshing.waking(asked):
        clock.now = 2.0
        assert asked.wait(20)
    assert refreshing.lease.held
    leases.release(refreshing.lease)
    leases.stop()
