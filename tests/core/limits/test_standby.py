"""While a limiter fails, this process's share takes its place: not no limit where one is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import RateLimitError
from beautyspot.limits.standby import Standby
from beautyspot.resilience.reporting import Reporter
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from beautyspot_testing.limiter import LimiterContract
from owned_clock import Clock


class Remote(TokenBucket):
    """A limiter as on a server, which eight processes share; `down` has all that it does fail."""

    name = "remote"
    blocking = True
    shared = True

    def __init__(self, rate: float = 8, max_cost: float = 100, **options: Any) -> None:
        self.workers = 8
        self.down = False
        self.asked = 0
        self.shares: list[TokenBucket] = []
        self.paused: list[float] = []
        super().__init__(rate, max_cost, **options)

    def meet(self) -> None:
        self.asked += 1
        if self.down:
            raise ConnectionError("no server")

    def reserve_after(self, *args: Any, **options: Any) -> Any:
        self.meet()
        return super().reserve_after(*args, **options)

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Any:
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def remaining(self, reservation: Any) -> float:
        self.meet()
        return super().remaining(reservation)

    def release(self, reservation: Any) -> None:
        self.meet()
        super().release(reservation)

    def settle(self, reservation: Any, real_cost: float) -> None:
        self.meet()
        super().settle(reservation, real_cost)

    def wake_early(self, reservation: Any, wake: Any) -> bool:
        self.meet()
        return super().wake_early(reservation, wake)

    def pause(self, seconds: Any) -> None:
        self.meet()
        self.paused.append(seconds)
        super().pause(seconds)

    def busy_for(self) -> float:
        self.meet()
        return super().busy_for()

    def wait_for(self, cost: float = 1) -> float:
        self.meet()
        return super().wait_for(cost)

    def for_key(self, key: str) -> Any:
        self.meet()
        return super().for_key(key)

    def _fresh(self, key: str) -> Remote:
        made = Remote(self.rate, self.max_cost, clock=self._clock)
        made.meet = self.meet  # type: ignore[method-assign]  # it is on the same server
        return made

    def share(self) -> TokenBucket:
        share = TokenBucket(self.rate / self.workers, self.max_cost, clock=self._clock)
        self.shares.append(share)
        return share


@pytest.fixture
def remote(clock: Clock) -> Remote:
    return Remote(clock=clock)


@pytest.fixture
def standby(remote: Remote, clock: Clock) -> Standby:
    return Standby(remote, Reporter("app"), clock=clock)


def held(limiter: LimiterBase, cost: float = 1, **options: Any) -> Reservation:
    reservation = limiter.reserve(cost, **options)
    assert reservation is not None
    return reservation


class Unblocking(Remote):
    """One that answers at once."""

    blocking = False


class TestAnswers(LimiterContract):
    """A limiter that answers is as it is without one that stands by."""

    can_reserve_after = True
    examples = 4

    def make(self, rate_per_second: float, max_cost: float, clock: Callable[[], float]) -> Standby:
        real = Unblocking(rate_per_second, max_cost, clock=clock)
        return Standby(real, Reporter("app"), clock=clock)


class TestAway(LimiterContract):
    """The share is a whole limiter."""

    can_reserve_after = True
    examples = 4

    def make(self, rate_per_second: float, max_cost: float, clock: Callable[[], float]) -> Standby:
        real = Unblocking(8 * rate_per_second, max_cost, clock=clock)
        real.down = True
        return Standby(real, Reporter("app"), clock=clock)


# ---------------------------------------------------------------------------- a whole Spot


def ask_each_kind(spot: Spot, ran: list[str]) -> None:
    """One call of each kind, none of which waits."""

    @spot.limiter(timeout=0)
    def plain() -> None:
        ran.append("function")

    @spot.limiter(timeout=0)
    async def later() -> None:
        ran.append("coroutine")

    def block() -> None:
        with spot.limit(timeout=0):
            ran.append("block")

    async def later_block() -> None:
        async with spot.limit(timeout=0):
            ran.append("async block")

    calls: list[Callable[[], object]] = [
        plain, lambda: asyncio.run(later()), block, lambda: asyncio.run(later_block()),
    ]  # fmt: skip
    for call in calls:
        try:
            call()
        except RateLimitError as error:
            ran.append(f"{error.retry_after:g} s")


def test_a_limiter_that_is_away_is_no_reason_for_no_limit(
    make_spot: Callable[..., Spot], remote: Remote, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot, ran = make_spot(limiter=remote), []  # type: ignore[var-annotated]
    assert [each.is_away for each in spot.activity().limits] == [False]
    remote.down = True
    ask_each_kind(spot, ran)
    assert ran == ["function", "1 s", "1 s", "1 s"], "one a second is an eighth of the rate"
    assert [each.is_away for each in spot.activity().limits] == [True]
    clock.now += 1
    ask_each_kind(spot, ran)
    assert ran[4:] == ["function", "1 s", "1 s", "1 s"]
    assert spot.stats()["limiter_refusals"] == 6
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("app: could not ask the limiter: ConnectionError: no server. Until it")
    assert "keeps its share by itself: 1/8 of the rate, since workers=8 share it" in said
    assert len(remote.shares) == 1


def test_what_a_limiter_missed_is_kept_here_and_told_when_it_answers(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    before = held(standby, 2)
    remote.down = True
    standby.pause(10)
    assert standby.wait_for() == standby.for_key("a").wait_for() == held(standby).delay == 10
    assert standby.busy_for() >= 10
    standby.settle(before, 1)
    standby.release(before)
    clock.now += 4
    remote.down = False
    standby.breaker.insist()
    assert held(standby).delay >= 6
    assert remote.paused == [6]
    assert held(standby.for_key("a")).delay >= 6


def test_a_strict_spot_raises(make_spot: Callable[..., Spot], remote: Remote) -> None:
    remote.down = True
    spot = make_spot(limiter=remote, strict=True)
    with pytest.raises(ConnectionError), spot.limit():
        pytest.fail("it is strict")


# -------------------------------------------------------------------------- what was reserved


def test_what_was_granted_before_counts_for_the_share(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    """A call of cost 16 takes two seconds of the whole rate, whoever granted it."""
    standby.consume(16)
    clock.now += 0.5
    remote.down = True
    assert held(standby, 1).delay == 1.5


def test_what_the_share_granted_counts_for_the_limiter(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    """Those who wait in the share keep their time, and nobody overtakes them."""
    remote.down = True
    waits = [held(standby, 1).delay for _ in range(3)]
    assert waits == [0, 1, 2], "an eighth of the rate"
    remote.down = False
    standby.breaker.insist()
    assert standby.wait_for(1) == 2.125
    assert standby.reserve(1, max_wait=2) is None
    assert held(standby, 1).delay == 2.125, "it takes an eighth of a second of the whole rate"
    clock.now += 2.25
    assert held(standby, 1).delay == 0


# -------------------------------------------------------------------------- keys, several limits


def test_one_of_several_limits_is_away(
    make_spot: Callable[..., Spot], remote: Remote, clock: Clock
) -> None:
    near = TokenBucket(10, 100, clock=clock)
    spot = make_spot(limiter=[{"use": remote, "name": "far"}, {"use": near, "name": "near"}])
    remote.down = True
    for _ in range(3):
        with spot.limit(cost={"far": 1, "near": 5}, timeout=0) as permit:
            permit.settle({"far": 1, "near": 2})
        with pytest.raises(RateLimitError), spot.limit(cost={"far": 1, "near": 1}, timeout=0):
            pytest.fail("the share is spent")
        clock.now += 0.5
        with spot.limit(cost={"near": 1}, timeout=0):
            pass
        clock.now += 0.5
    assert spot.stats()["limiter_away"] == 1
    remote.down = False


# ------------------------------------------------------------------------------- of strangers


async def nothing() -> None:
    """Do nothing."""
