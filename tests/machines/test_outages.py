"""Outages in the midst of work by many threads: each value right, each result stored at last."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.spot import Spot
from servers.proxy import Link
from servers.shared import Shared
from servers.working import TIMEOUT, Work, check

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
