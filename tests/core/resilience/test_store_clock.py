"""The time by a store's clock: an estimate that is never ahead of it, nor behind what was heard."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from beautyspot import Spot
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.guarded_backends import StoreClock
from beautyspot.results.validity import has_expired

SERVER = 1_800_000_000.0
"""What the server's clock shows as the tests begin, in Unix time."""


class Machine:
    """A client of a server: with clocks of its own, and a way to the server that takes its time."""

    def __init__(self, *, ahead: float = 0.0) -> None:
        self.now = 0.0  # true seconds since the test began
        self.ahead = ahead
        self.way = 0.0, 0.0  # seconds to the server, and back
        self.clock = StoreClock(self.ticks, self.wall)

    def ticks(self) -> float:
        return 50.0 + self.now

    def wall(self) -> float:
        return SERVER + self.ahead + self.now

    @property
    def server(self) -> float:
        return SERVER + self.now

    def ask(self) -> None:
        """Hear the server."""
        sent = self.ticks()
        there, back = self.way
        self.now += there
        told = self.server
        self.now += back
        self.clock.hear(told, sent)


@pytest.mark.parametrize("apart", [60.0, 3600.0, -3600.0])
def test_two_machines_agree_on_what_has_expired(apart: float) -> None:
    one, other = Machine(), Machine(ahead=apart)
    one.way, other.way = (0.01, 0.03), (0.04, 0.02)
    one.ask(), other.ask()
    made = one.clock()
    for seconds, expected in ((9.9, False), (10.1, True)):
        for machine in (one, other):
            machine.now = 0.04 + seconds
            assert has_expired(machine.clock(), made, made + 10) is expected


def test_the_clock_is_never_ahead_of_the_store_nor_behind_what_was_heard() -> None:
    rng = random.Random(3)
    machine, rounding = Machine(ahead=-500.0), 1e-6
    for _ in range(200):
        machine.way = rng.random() * rng.choice((0.01, 5.0)), rng.random()
        machine.ask()
        heard = machine.server - machine.way[1]
        assert heard - rounding <= machine.clock() <= machine.server + rounding
        machine.now += rng.random() * 5


# ------------------------------------------------------------------------------------ in a Spot


class OfAServer(MemoryMetadataStore):
    """A store that is asked over a network, and has the server's clock."""

    blocking = True
    asked = 0

    def now(self) -> float:
        self.asked += 1
        return SERVER + time.monotonic()


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
    [record] = store.all_rows()
    assert before - 1 < (record.began_at or 0) <= (record.made_at or 0) <= after
    assert record.expires_at == (record.made_at or 0) + 3600
    with spots[1].using(mode="replay", max_age=60):
        assert marks[1](1) == 2
