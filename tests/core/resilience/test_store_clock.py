"""The time by a store's clock: an estimate that is never ahead of it, nor behind what was heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from beautyspot import Spot
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.reporting import Reporter
from beautyspot.resilience.store_clock import StoreClock
from beautyspot.results.validity import has_expired
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Beginning

SERVER = 1_800_000_000.0
"""What the server's clock shows as the tests begin, in Unix time."""


class Machine:
    """A client of a server: with clocks of its own, and a way to the server that takes its time."""

    def __init__(self, *, ahead: float = 0.0, drift: float = 0.0) -> None:
        self.now = 0.0  # true seconds since the test began
        self.ahead = ahead
        self.drift = drift
        self.way = 0.0, 0.0  # seconds to the server, and back
        self.asked = 0
        self.fails: Exception | None = None
        self.clock = StoreClock(self.ask, Reporter("app"), own=(self.ticks, self.wall))

    def ticks(self) -> float:
        return 50.0 + self.now * (1 + self.drift)

    def wall(self) -> float:
        return SERVER + self.ahead + self.now

    @property
    def server(self) -> float:
        return SERVER + self.now

    def ask(self) -> float:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        there, back = self.way
        self.now += there
        told = self.server
        self.now += back
        return told


@pytest.mark.parametrize("apart", [60.0, 3600.0, -3600.0])
def test_two_machines_agree_on_what_has_expired(apart: float) -> None:
    one, other = Machine(), Machine(ahead=apart)
    one.way, other.way = (0.01, 0.03), (0.04, 0.02)
    made = one.clock()
    other.clock()
    for seconds, expected in ((9.9, False), (10.1, True)):
        for machine in (one, other):
            machine.now = 0.04 + seconds
            assert has_expired(machine.clock(), made, made + 10) is expected


# ------------------------------------------------------------------------------------ in a Spot


class OfAServer(MemoryMetadataStore):
    """A store that is asked over a network, and has the server's clock."""

    blocking = True
    asked = 0

    def now(self) -> float:
        self.asked += 1
        return SERVER + time.monotonic()


class Quick(MemoryMetadataStore):
    """A store with a clock of its own that answers at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def now(self) -> float:
        return self.clock()


def double(x: int) -> int:
    return 2 * x


def test_no_hit_asks_for_the_time(make_spot: Callable[..., Spot]) -> None:
    store = OfAServer()
    spot = make_spot(metadata=store, strict=True)
    marked = spot.mark(ttl="1h")(double)
    marked(1)
    asked = store.asked
    for _ in range(100):
        assert marked(1) == 2
    assert store.asked == asked
    assert 1 <= asked <= 2
    last = spot.last_call()
    assert last is not None
    assert last.made_at is not None
    assert last.made_at < store.now() < last.made_at + 60


def test_what_is_stored_goes_by_the_store_s_clock(make_spot: Callable[..., Spot]) -> None:
    store = OfAServer()
    spots = [make_spot(metadata=store, strict=True) for _ in range(2)]
    marks = [spot.mark(ttl="1h")(double) for spot in spots]
    before = store.now()
    marks[0](1)
    after = store.now()
    [record] = store.scan()
    assert before - 1 < (record.began_at or 0) <= (record.made_at or 0) <= after
    assert record.expires_at == (record.made_at or 0) + 3600
    with spots[1].using(mode="replay", max_age=60):
        assert marks[1](1) == 2


def test_what_is_set_wins_over_all_that_has_begun_by_then(make_spot: Callable[..., Spot]) -> None:
    machine = Machine()
    machine.way = 0.0, 5.0  # the answer is old as it comes
    machine.clock.measure()
    spot = make_spot(metadata=OfAServer(), strict=True)
    spot._engine.cache.clock = machine.clock
    spot.set_result(2, spot.mark(double), 1)
    [record] = spot.metadata.scan()
    assert record.made_at is not None
    assert record.made_at <= machine.server <= (record.began_at or 0.0)


def test_a_run_begins_when_the_store_gave_the_lease(make_spot: Callable[..., Spot]) -> None:
    class OfManyServers(OfAServer):
        """The servers of a cluster have clocks of their own: that of the key counts for it."""

        given: float | None = None

        def begin(self, key: str) -> Beginning | None:
            begun = super().begin(key)
            self.given = None if begun is None else begun.now
            return begun

    store = OfManyServers()
    spot = make_spot(metadata=store, strict=True)
    assert spot.mark(double)(1) == 2
    [record] = store.scan()
    assert record.began_at == store.given is not None


def test_a_store_that_answers_at_once_is_asked_each_time(make_spot: Callable[..., Spot]) -> None:
    clock = Clock()
    store = Quick(clock)
    spot, other = make_spot(metadata=store, strict=True), make_spot(metadata=store, strict=True)
    marked, elsewhere = (each.mark(ttl=10)(double) for each in (spot, other))
    marked(1)
    [record] = store.scan()
    assert (record.began_at, record.made_at, record.expires_at) == (1000.0, 1000.0, 1010.0)
    clock.now += 9
    elsewhere(1)
    last = other.last_call()
    assert last is not None
    assert (last.hit, last.age) == (True, 9.0)
    clock.now += 1
    assert spot.prune(expired=True).entries == 1
