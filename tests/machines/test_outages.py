"""Outages in the midst of work by many threads: each value right, each result stored at last."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from servers import valkey
from servers.working import TIMEOUT, Work, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot
    from servers.proxy import Link
    from servers.shared import Shared

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hasty")]


@pytest.fixture
def near(server: Shared, namespace: str) -> dict[str, Any]:
    """The store, with nothing in between."""
    return server.at(namespace=namespace, timeout=TIMEOUT, lease_time=2 * server.shortest_lease)


@pytest.fixture
def far(make_spot: Callable[..., Spot], server: Shared, near: dict[str, Any], link: Link) -> Spot:
    """A Spot whose store is beyond the link."""
    return make_spot(metadata={**near, **server.at(port=link.port)})


def test_partitions_and_resets(far: Spot, link: Link, entries: Callable[[], int]) -> None:
    dice = random.Random(1)
    with Work(far) as work:
        for _ in range(20):
            dice.choice([link.part, link.cut, link.mend])()
            work.go_on(20)
        link.mend()
        work.go_on()
    check(work, far, entries)


def test_a_partition_in_the_midst_of_a_lease(
    make_spot: Callable[..., Spot], far: Spot, near: dict[str, Any], link: Link
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

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(far.mark(name="value", key=str)(value), 1)
        assert valkey.until(lambda: link.is_parted)
        other = make_spot(metadata=near).mark(name="value", key=str)(value)
        assert other(1) == "newer"
        may_end.set()
        assert first.result() == "parted", "its caller gets what was paid for"
        link.mend()
        assert valkey.until(far.flush)
        assert [other(1), far.mark(name="value", key=str)(value)(1)] == ["newer", "newer"]


def test_a_slow_network_is_no_outage(
    make_spot: Callable[..., Spot],
    server: Shared,
    near: dict[str, Any],
    link: Link,
    entries: Callable[[], int],
) -> None:
    spot = make_spot(metadata={**near, **server.at(port=link.port), "timeout": 30})
    link.delay = 0.02
    with Work(spot) as work:
        work.go_on(80)
    check(work, spot, entries, most=30)
    assert spot.stats()["errors"] == 0
