"""Outages in the midst of work by many threads: each value right, each result stored at last."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot_redis import RedisMetadataStore
from servers import valkey
from servers.proxy import Link

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hasty")]

TIMEOUT = 0.5
CALLERS = 8


def squared(x: int) -> int:
    return x * x


def large(x: int) -> bytes:
    return str(x).encode() * 2000


class Work:
    """Threads that call a function with ever new numbers, and with ones that came before.

    Attributes:
        most: the longest that a call took, in seconds.
        wrong: what a call gave or raised that it should not have.
        called: the numbers.
    """

    def __init__(self, spot: Spot, function: Callable[[int], Any] = squared) -> None:
        self._function = function
        self._marked = spot.mark(function)
        self._ends = threading.Event()
        self.most = 0.0
        self.wrong: list[Any] = []
        self.called: set[int] = set()

    def __enter__(self) -> Work:
        self._pool = ThreadPoolExecutor(CALLERS)
        for number in range(CALLERS):
            self._pool.submit(self._call_on, random.Random(number), number)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._pool.shutdown()

    def _call_on(self, dice: random.Random, number: int) -> None:
        while not self._ends.wait(0.02):
            number += CALLERS
            self._call(dice.choice([number, number, dice.randrange(number + 1)]))

    def _call(self, x: int) -> None:
        self.called.add(x)
        began = time.monotonic()
        try:
            value = self._marked(x)
        except Exception as error:
            self.wrong.append(error)
        else:
            if value != self._function(x):
                self.wrong.append((x, value))
        self.most = max(self.most, time.monotonic() - began)

    def go_on(self, calls: int = 50) -> None:
        """Wait for so many calls more."""
        goal = len(self.called) + calls
        assert valkey.until(lambda: len(self.called) >= goal)


def check(work: Work, spot: Spot, url: str, namespace: str) -> None:
    """Each value was right, none was waited for too long, and all are stored."""
    assert not work.wrong
    assert work.most < 4 * TIMEOUT, "one time-out, on a machine that does other things too"
    assert valkey.until(spot.flush)
    assert entries(url, namespace) == len(work.called)


def entries(url: str, namespace: str) -> int:
    store = RedisMetadataStore(url, namespace=namespace)
    try:
        return store.totals().entries
    finally:
        store.close()


def spot_at(make_spot: Callable[..., Spot], url: str, namespace: str, **options: Any) -> Spot:
    there = {"use": "redis", "url": url, "namespace": namespace, "timeout": TIMEOUT}
    if "rate" in options:
        options = {"limiter": {**there, **options}}
    return make_spot(metadata={**there, "lease_time": 2}, **options)


def test_a_server_that_is_stopped_for_a_while(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    spot = spot_at(make_spot, own.url, namespace)
    with Work(spot) as work:
        for _ in range(3):
            work.go_on()
            own.freeze()
            work.go_on()
            own.thaw()
        work.go_on()
    check(work, spot, own.url, namespace)


def test_clients_that_are_paused(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    spot = spot_at(make_spot, own.url, namespace)
    with Work(spot) as work:
        for kind in ("ALL", "WRITE"):
            own.ask("CLIENT", "PAUSE", 1500, kind)
            work.go_on(100)
            own.ask("CLIENT", "UNPAUSE")
            work.go_on()
    check(work, spot, own.url, namespace)


def test_partitions_and_resets(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    with Link(own.port) as link:
        spot = spot_at(make_spot, f"redis://127.0.0.1:{link.port}", namespace)
        dice = random.Random(1)
        with Work(spot) as work:
            for _ in range(20):
                dice.choice([link.part, link.cut, link.mend, own.freeze, own.thaw])()
                work.go_on(20)
            own.thaw()
            link.mend()
            work.go_on()
        check(work, spot, own.url, namespace)


def test_a_partition_in_the_midst_of_a_lease(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    """Another one runs the call once the lease is over, and its result stays."""
    made = iter(["parted", "newer"])
    may_end = threading.Event()

    def value(x: int) -> str:
        mine = next(made)
        if mine == "parted":
            link.part()
            assert may_end.wait(valkey.READY_WITHIN)
        return mine

    with Link(own.port) as link, ThreadPoolExecutor(1) as pool:
        parted = spot_at(make_spot, f"redis://127.0.0.1:{link.port}", namespace)
        first = pool.submit(parted.mark(name="value", key=str)(value), 1)
        assert valkey.until(lambda: link.is_parted)
        other = spot_at(make_spot, own.url, namespace).mark(name="value", key=str)(value)
        assert other(1) == "newer"
        may_end.set()
        assert first.result() == "parted", "its caller gets what was paid for"
        link.mend()
        assert valkey.until(parted.flush)
        assert [other(1), parted.mark(name="value", key=str)(value)(1)] == ["newer", "newer"]


def test_a_slow_network(make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str) -> None:
    with Link(own.port) as link:
        link.delay = 0.02
        spot = spot_at(make_spot, f"redis://127.0.0.1:{link.port}", namespace)
        with Work(spot) as work:
            work.go_on(80)
        check(work, spot, own.url, namespace)
        assert spot.stats()["errors"] == 0


def test_a_server_that_is_restarted_again_and_again(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    """Nothing is lost but what it dropped: all that was stored before the last restart."""
    spot = spot_at(make_spot, own.url, namespace)
    with Work(spot) as work:
        for _ in range(3):
            work.go_on()
            own.restart()
        assert valkey.until(spot.flush)
        before = set(work.called)
        work.go_on()
    assert not work.wrong
    assert valkey.until(spot.flush)
    assert entries(own.url, namespace) >= len(work.called - before)


def test_a_full_server_in_the_midst_of_work(
    make_spot: Callable[..., Spot], own: valkey.Valkey, namespace: str
) -> None:
    spot = spot_at(make_spot, own.url, namespace)
    with Work(spot) as work:
        for _ in range(3):
            work.go_on()
            own.ask("CONFIG", "SET", "maxmemory", "1mb")
            work.go_on(20)
            own.ask("CONFIG", "SET", "maxmemory", "0")
        work.go_on()
    check(work, spot, own.url, namespace)


@pytest.mark.usefixtures("_program")
def test_a_storm_of_evictions(
    make_spot: Callable[..., Spot], tmp_path: Path, namespace: str
) -> None:
    """What the server evicts is a miss: results, leases, the log and the limiter's state."""
    options = {"maxmemory": "3mb", "maxmemory_policy": "allkeys-random"}
    with valkey.running(tmp_path / "server", **options) as server:
        spot = spot_at(make_spot, server.url, namespace, rate=1e6)
        with Work(spot, large) as work:
            for _ in range(20):
                work.go_on(40)
                with spot.limit():
                    spot.invalidate(spot.mark(large), -1)
        assert not work.wrong
        assert b"evicted_keys:0\r" not in server.ask("INFO", "stats")


def test_a_failover(
    make_spot: Callable[..., Spot], redis_sentinel: valkey.Watched, namespace: str
) -> None:
    """It loses what the replica did not get; no value is wrong, and the work goes on."""
    spot = spot_at(make_spot, redis_sentinel.url, namespace, rate=1e6)
    with Work(spot) as work:
        work.go_on()
        redis_sentinel.fail_over()
        work.go_on()
        # Until Sentinel demotes the old master, after some ten seconds, that takes what is lost.
        roles = {b"master", b"slave"}
        assert valkey.until(lambda: {one.ask("ROLE")[0] for one in redis_sentinel.servers} == roles)
        work.go_on()
    assert not work.wrong
    assert valkey.until(spot.flush)
    before = entries(redis_sentinel.url, namespace)
    with Work(spot, large) as later, spot.limit():
        later.go_on()
    assert not later.wrong
    assert valkey.until(spot.flush)
    assert entries(redis_sentinel.url, namespace) == before + len(later.called)
