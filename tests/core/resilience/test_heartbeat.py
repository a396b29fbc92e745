"""Leases that hold for a while only are renewed while they are held, and say when they are lost."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
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


def test_all_that_is_held_is_renewed_at_once(heartbeat: Heartbeat, places: Places) -> None:
    held = [heartbeat.hold(Place(token)) for token in "abc"]
    heartbeat.beat()
    held.pop().release()
    heartbeat.beat()
    assert places.asked == [set("abc"), set("ab")]
    assert not any(lease.lost for lease in held)


def test_nothing_is_asked_where_nothing_is_held(heartbeat: Heartbeat, places: Places) -> None:
    heartbeat.hold(Place()).release()
    heartbeat.beat()
    assert places.asked == []


def test_what_the_backend_says_is_lost_is_lost(
    heartbeat: Heartbeat, places: Places, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    lost, kept = Place("lost"), Place("kept")
    held, other = heartbeat.hold(lost), heartbeat.hold(kept)
    places.gone.append(lost)
    clock.now += 7
    heartbeat.beat()
    assert held.lost
    assert lost.lost
    assert not other.lost
    (line,) = caplog.messages
    assert line.startswith("app: 1 of the leases that this process holds were lost, last renewed 7")
    assert line.endswith("Others may run too")
    heartbeat.beat()
    assert places.asked[-1] == {"kept"}, "it is not renewed again"
    assert len(caplog.messages) == 1
    held.release()
    assert lost.released == 1, "the backend leaves the lease of the next holder"


def test_one_that_insists_asks_again_for_what_was_lost(
    places: Places, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """It says once what was lost, and once more if that was lost again."""
    heartbeat = Heartbeat(places, "Too many may run", insists=True, clock=clock)
    real = Place()
    held = heartbeat.hold(real)
    for lost in ([real], [real], [], [real]):
        places.gone = lost  # type: ignore[assignment]  # a list of leases
        heartbeat.beat()
        assert held.lost == real.lost == bool(lost)
    assert len(places.asked) == 4
    assert len(caplog.messages) == 2
    held.release()
    heartbeat.beat()
    assert len(places.asked) == 4
    heartbeat.stop()


def test_a_lease_that_its_store_marks_lost_is_lost(heartbeat: Heartbeat) -> None:
    real = Place()
    held = heartbeat.hold(real)
    real.lost = True
    heartbeat.beat()
    assert held.lost
    assert len(heartbeat) == 0


def test_failing_to_renew_loses_nothing_until_the_lease_time_is_over(
    heartbeat: Heartbeat, places: Places, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    held = heartbeat.hold(Place())
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


def test_a_wrong_answer_is_a_failure(clock: Clock, places: Places) -> None:
    places.renew = lambda _: None  # type: ignore[method-assign,assignment]
    heartbeat = Heartbeat(places, "", clock=clock)
    held = heartbeat.hold(Place())
    clock.now += LONG
    heartbeat.beat()
    assert held.lost
    heartbeat.stop()


def test_a_lease_released_while_it_is_renewed_was_not_lost(
    places: Places, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    real = Place()

    def renew(leases: Collection[Lease]) -> Collection[Lease]:
        held.release()
        return leases  # it is gone from the server by then

    places.renew = renew  # type: ignore[method-assign]
    heartbeat = Heartbeat(places, "", clock=clock)
    held = heartbeat.hold(real)
    heartbeat.beat()
    heartbeat.stop()
    assert not held.lost
    assert caplog.messages == []


def test_a_second_release_does_nothing(heartbeat: Heartbeat) -> None:
    real = Place()
    held = heartbeat.hold(real)
    held.release()
    held.release()
    assert real.released == 1


def test_a_dropped_lease_is_released_and_renewed_no_more(
    heartbeat: Heartbeat, places: Places
) -> None:
    real = Place()
    heartbeat.hold(real)
    gc.collect()
    until(lambda: real.released == 1)
    heartbeat.beat()
    assert places.asked == []


def test_leases_that_hold_for_good_have_no_thread(clock: Clock) -> None:
    heartbeat = Heartbeat(Places(float("inf")), "", clock=clock)
    real = Place()
    held = heartbeat.hold(real)
    assert len(heartbeat) == 0
    held.release()
    assert real.released == 1


# ---------------------------------------------------------------------------------- the thread


def of_heartbeats() -> int:
    mine = [thread for thread in threading.enumerate() if thread not in OTHERS]
    return sum(thread.name == "beautyspot-heartbeat" for thread in mine)


def test_a_thread_renews_until_nothing_is_held() -> None:
    places = Places(0.003)
    heartbeat = Heartbeat(places, "")
    held = heartbeat.hold(Place())
    assert places.renewed.wait(DEADLINE)
    until(lambda: len(places.asked) > 3)
    assert of_heartbeats() == 1
    held.release()
    until(lambda: of_heartbeats() == 0)
    again = heartbeat.hold(Place("again"))
    until(lambda: {"again"} in places.asked)
    again.release()


def test_a_thread_tries_again_after_a_failure() -> None:
    places = Places(0.03)
    places.error = OSError("down")
    heartbeat = Heartbeat(places, "", clock=Clock())
    held = heartbeat.hold(Place())
    until(lambda: len(places.asked) > 1)
    places.error = None
    places.asked.clear()
    until(lambda: len(places.asked) > 1)
    assert not held.lost
    held.release()


def test_one_thread_serves_many_threads(places: Places, heartbeat: Heartbeat) -> None:
    threads = [
        threading.Thread(target=lambda: held.append(heartbeat.hold(Place()))) for _ in "12345678"
    ]
    held: list[Lease] = []
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: of_heartbeats() == 1)
    assert len(heartbeat) == 8


def test_no_thread_can_be_started(
    heartbeat: Heartbeat, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("beautyspot.concurrency.deferred.begin", refuse)
        held = [heartbeat.hold(Place())]
    assert of_heartbeats() == 0
    held.append(heartbeat.hold(Place()))
    until(lambda: of_heartbeats() == 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_leaves_the_leases_to_its_parent(heartbeat: Heartbeat) -> None:
    real = Place()
    held = heartbeat.hold(real)
    child = os.fork()
    if child == 0:  # pragma: no cover - children are not measured
        held.release()
        right = len(heartbeat) == 0 and real.released == 0
        own = heartbeat.hold(Place())
        right = right and len(heartbeat) == 1
        own.release()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(heartbeat) == 1
    held.release()
    assert real.released == 1


PROGRAM = """
from beautyspot.contracts import Lease
from beautyspot.resilience.heartbeat import Heartbeat

class Place(Lease):
    def release(self): print("released", flush=True)

class Places:
    lease_time = 3600.0
    def renew(self, leases): return ()

held = Heartbeat(Places(), "").hold(Place())
print("held", flush=True)
"""


def test_the_interpreter_ends_while_a_lease_is_held() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    assert done.stdout.startswith("held")
    assert done.stderr == ""
