"""Leases that hold for a while only are renewed while they are held, and say when they are lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Lease
from beautyspot.resilience.heartbeat import Heartbeat
from gates import DEADLINE, until
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


LONG = 3600.0


"""Seconds of a lease whose thread does nothing as long as a test runs."""


class Place(Lease):
    """A lease that counts how often it was released."""

    def __init__(self, token: str = "t") -> None:
        self.token = token
        self.released = 0

    def release(self) -> None:
        self.released += 1


class Places:
    """A backend that renews what it is asked to, but for what a test says is lost."""

    def __init__(self, lease_time: float = LONG) -> None:
        self.lease_time = lease_time
        self.asked: list[set[str]] = []
        self.gone: list[Lease] = []
        self.error: Exception | None = None
        self.renewed = threading.Event()

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        self.asked.append({lease.token for lease in leases})
        self.renewed.set()
        if self.error is not None:
            raise self.error
        return [lease for lease in leases if lease in self.gone]


OTHERS: set[threading.Thread] = set()


"""What runs of other tests, as their threads end."""


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(threading.enumerate())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def heartbeat(places: Places, clock: Clock) -> Iterator[Heartbeat]:
    heartbeat = Heartbeat(places, "Others may run too", spot="app", clock=clock)
    yield heartbeat
    heartbeat.stop()
    until(lambda: of_heartbeats() == 0)


def test_failing_to_renew_loses_nothing_until_the_lease_time_is_over(
    heartbeat: Heartbeat, places: Places, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    held = Place()
    heartbeat.hold(held)
    clock.now += LONG - 1
    heartbeat.beat()
    places.error = OSError("the network is down, redis://me:secret@host")
    clock.now += LONG - 1
    heartbeat.beat()
    assert not held.lost, "it was renewed within its time"
    clock.now += 1
    heartbeat.beat()
    assert held.lost
    (line,) = caplog.messages
    assert "OSError: the network is down" in line
    assert "secret" not in line


def of_heartbeats() -> int:
    mine = [thread for thread in threading.enumerate() if thread not in OTHERS]
    return sum(thread.name == "beautyspot-heartbeat" for thread in mine)


def test_a_thread_renews_until_nothing_is_held() -> None:
    places = Places(0.003)
    heartbeat = Heartbeat(places, "")
    held = Place()
    heartbeat.hold(held)
    assert places.renewed.wait(DEADLINE)
    until(lambda: len(places.asked) > 3)
    assert of_heartbeats() == 1
    heartbeat.drop(held)
    until(lambda: of_heartbeats() == 0)
    again = Place("again")
    heartbeat.hold(again)
    until(lambda: {"again"} in places.asked)
    heartbeat.drop(again)
