"""While a limiter fails, this process's share takes its place: not no limit where one is known."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Lease, LimiterBase, Reservation
from beautyspot.errors import ConfigError, CostError, NotSupportedError, RateLimitError
from beautyspot.limits.standby import Standby
from beautyspot.resilience.reporting import Reporter
from beautyspot_local import SharedTokenBucket, TokenBucket
from beautyspot_testing.limiter import LimiterContract
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble
    from beautyspot.spot import Spot


class Slot(Lease):
    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    def release(self) -> None:
        self.remote.meet()


class Remote(TokenBucket):
    """A limiter as on a server, which eight processes share; `down` has all that it does fail."""

    name = "remote"
    blocking = True
    shared = True
    slots = True

    def __init__(self, rate: float = 8, max_cost: float = 100, **options: Any) -> None:
        self.workers = 8
        self.down = False
        self.asked = 0
        self.shares: list[TokenBucket] = []
        self.paused: list[float] = []
        self.names: list[str] = []
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

    def try_slot(self, name: str, size: int) -> Lease | None:
        self.meet()
        self.names.append(name)
        return Slot(self)

    def renew(self, leases: Any) -> Any:
        self.meet()
        return leases


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
    """One that keeps no places."""

    blocking = slots = False
    try_slot = LimiterBase.try_slot


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
    remote.down = True
    ask_each_kind(spot, ran)
    assert ran == ["function", "1 s", "1 s", "1 s"], "one a second is an eighth of the rate"
    clock.now += 1
    ask_each_kind(spot, ran)
    assert ran[4:] == ["function", "1 s", "1 s", "1 s"]
    assert spot.stats()["limiter_refusals"] == 6
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("app: could not ask the limiter: ConnectionError: no server. Until it")
    assert "keeps its share by itself: 1/8 of the rate, since workers=8 share it" in said
    assert len(remote.shares) == 1


def test_one_that_fails_is_not_asked_for_a_while(
    make_spot: Callable[..., Spot], remote: Remote, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(limiter=remote)
    vars(spot.bucket)["_clock"] = clock
    assert spot.stats()["limiter_away"] == 0
    remote.down = True
    for _ in range(20):
        with pytest.raises(RateLimitError), spot.limit(timeout=0), spot.limit(timeout=0):
            pytest.fail("there is a limit")
        remote.shares[0].settle(held(remote.shares[0]), 0)
    assert remote.asked == 3
    assert [spot.stats()["limiter_away"], spot.stats()["resting"]] == [1, 1]
    remote.down = False
    clock.now += 1
    assert isinstance(spot.bucket, Standby)
    spot.bucket.breaker.insist()
    for _ in range(3):
        with pytest.raises(RateLimitError), spot.limit(timeout=0), spot.limit(timeout=0):
            pass
    assert remote.busy_for() > 0
    assert [spot.stats()["limiter_away"], spot.stats()["resting"]] == [0, 0]
    messages = [record.getMessage() for record in caplog.records]
    assert messages[1:] == ["app: the limiter 'remote' answers again"]


def test_where_nobody_said_how_many_share_it(
    make_spot: Callable[..., Spot], remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    remote.workers, remote.down = 1, True
    with make_spot(limiter=remote).limit(timeout=0):
        pass
    assert "keeps the whole rate by itself; if several share it, say how many" in caplog.text


def test_a_strict_spot_raises(make_spot: Callable[..., Spot], remote: Remote) -> None:
    remote.down = True
    spot = make_spot(limiter=remote, strict=True)
    with pytest.raises(ConnectionError), spot.limit():
        pytest.fail("it is strict")


def test_each_operation_is_said_once(
    make_spot: Callable[..., Spot], remote: Remote, troubles: list[Trouble], clock: Clock
) -> None:
    spot = make_spot(limiter=remote, on_error=troubles.append)
    with spot.limit() as permit:
        remote.down = True
        permit.pause(5)
        permit.settle(3)
        spot.bucket.pause("5 s")
    assert [trouble.operation for trouble in troubles] == [
        "pause the limiter", "settle a cost", "pause the limiter",
    ]  # fmt: skip
    with pytest.raises(RateLimitError), spot.limit(timeout=0):
        pytest.fail("the share pauses too")


# -------------------------------------------------------------------------- what was reserved


def test_what_was_reserved_before_stays_as_it_was_planned(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    first, second, third = held(standby, 8), held(standby, 16), held(standby, 8)
    assert [first.delay, second.delay, third.delay] == [0, 1, 3]
    remote.down = True
    assert standby.remaining(second) == 1
    assert standby.reserve(1, max_wait=3.9) is None, "what was reserved takes the rate until then"
    assert held(standby, 1).delay == 4
    standby.release(third)
    standby.settle(first, 3)
    assert not standby.wake_early(second, pytest.fail)
    clock.now += 1
    assert standby.remaining(second) == 0
    remote.down = False
    clock.now += 60
    standby.settle(second, 3)


def test_the_share_is_free_once_what_was_reserved_is_over(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    waits = [held(standby, 8), held(standby, 8), held(standby, 8)]
    clock.now += 1
    assert standby.remaining(waits[1]) == 0
    remote.down = True
    standby.release(waits[2])
    clock.now += 1
    assert held(standby, 1).delay == 0


def test_what_was_granted_before_counts_for_the_share(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    """A call of cost 16 takes two seconds of the whole rate, whoever granted it."""
    standby.consume(16)
    clock.now += 0.5
    remote.down = True
    assert held(standby, 1).delay == 1.5


def test_nobody_moves_up_before_what_was_granted(clock: Clock) -> None:
    class Dozes(Remote):
        def _doze(self, seconds: float, bell: Any) -> bool:
            rang: bool = bell.wait(0)
            clock.now += 0 if rang else seconds
            return rang

        def _sleep(self, seconds: float) -> None:
            clock.now += seconds

    standby = Standby(Dozes(clock=clock), Reporter("app"), clock=clock)
    standby.consume(16)
    standby.real.down = True  # type: ignore[attr-defined]
    standby.consume(1)
    assert clock.now == 1002
    standby.real.down = False  # type: ignore[attr-defined]
    standby.breaker.insist()
    standby.consume(1)
    assert clock.now == 1002.125


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


def test_what_the_share_took_back_counts_for_nobody(standby: Standby, remote: Remote) -> None:
    remote.down = True
    first, last = held(standby, 1), held(standby, 100)
    standby.release(last)
    remote.down = False
    assert held(standby, 1).delay == 0.125
    assert first.delay == 0


def test_a_wait_that_grew_is_known_while_the_limiter_is_away(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    """Another process has paused the limit, which then goes away."""
    held(standby, 8)
    second = held(standby, 8)
    TokenBucket.pause(remote, 60)
    clock.now += 1
    assert standby.remaining(second) == 60
    remote.down = True
    assert standby.remaining(second) == 60
    assert standby.reserve(1, max_wait=60) is None


def test_a_wait_goes_on_where_the_limiter_goes_away(clock: Clock) -> None:
    class Leaves(Remote):
        def _doze(self, seconds: float, bell: Any) -> bool:
            clock.now += seconds
            self.down = True
            return False

    real = Leaves(clock=clock)
    standby = Standby(real, Reporter("app"), clock=clock)
    standby.consume(8)
    standby.consume(8)
    assert [clock.now, real.down] == [1001, True]
    clock.now += 1
    standby.settle(standby.consume(1), 2)
    assert not real.shares[0].try_consume(), "it was settled where it was granted"


def test_a_failure_takes_its_time_from_the_time_out(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    def hang() -> None:
        clock.now += 5
        raise TimeoutError("no answer")

    held(standby, 8)
    remote.meet = hang  # type: ignore[method-assign]
    assert held(standby, 1, max_wait=6).delay == 0
    assert standby.breaker.is_open, "one is enough"
    assert standby.reserve(1, max_wait=0.9) is None
    assert held(standby, 1, max_wait=1).delay == 1


def test_what_is_no_reservation_of_it(standby: Standby, remote: Remote) -> None:
    with pytest.raises(ConfigError, match="hand it to the one"):
        standby.release(held(remote))


def test_a_wrong_answer_is_a_failure(standby: Standby, remote: Remote) -> None:
    remote.reserve = remote.reserve_after = lambda *_, **__: "soon"  # type: ignore[method-assign]
    assert [held(standby).delay, held(standby).delay] == [0, 1]
    assert standby.breaker._failures == 2


def test_a_refusal_is_none(standby: Standby) -> None:
    for cost in (0, 101):
        with pytest.raises(CostError):
            standby.reserve(cost)
        with pytest.raises(CostError):
            standby.check_cost(cost)
    with pytest.raises(CostError):
        standby.settle(held(standby), -1)
    with pytest.raises(CostError):
        standby.wait_for(0)
    assert not standby.breaker._failures


def test_places_are_the_limiters_own(standby: Standby, remote: Remote) -> None:
    assert [standby.slots, standby.workers, standby.rate] == [True, 8, 8]
    place = standby.try_slot("a", 2)
    assert isinstance(place, Slot)
    assert [*standby.renew([place])] == [place]
    with pytest.raises(AttributeError):
        _ = standby.nothing


def test_without_its_places_the_cap_of_the_process_holds(
    make_spot: Callable[..., Spot], remote: Remote, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(limiter=remote)
    vars(spot.bucket)["_clock"] = clock
    began: list[object] = []

    @spot.limiter(max_concurrent=1, timeout=0)
    def limited(inner: Callable[[], object] | None = None) -> None:
        began.append(inner)
        if inner is not None:
            inner()

    def in_a_thread() -> None:
        with ThreadPoolExecutor(1) as pool, pytest.raises(RateLimitError, match="max_concurrent"):
            pool.submit(limited).result()

    limited()
    assert len(remote.names) == 1
    clock.now += 1
    remote.down = True
    for _ in range(5):
        limited(in_a_thread)
        with pytest.raises(RateLimitError, match="no permit"):
            limited()
        clock.now += 1
    assert began == [None, *[in_a_thread] * 5]
    assert "max_concurrent= holds for this process alone" in caplog.text
    assert "1/8 of the rate" in caplog.text
    assert "unlimited" not in caplog.text
    assert len(caplog.records) == 2


def test_a_server_that_hangs_is_waited_for_once_by_cap_and_rate(
    make_spot: Callable[..., Spot], remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(limiter=remote)
    for breaker in spot._limiting.breakers:
        breaker._clock = remote._clock  # type: ignore[assignment]  # of this test
    limited = spot.limiter(max_concurrent=1)(str)
    places: Any = spot._limiting.machine_places
    places.breaker._clock = remote._clock

    def hang() -> None:
        remote.asked += 1
        remote._clock.now += 5  # type: ignore[attr-defined]
        raise TimeoutError("no answer")

    remote.meet = hang  # type: ignore[method-assign]
    for _ in range(2):
        limited("x")
        remote._clock.now += 0.9  # type: ignore[attr-defined]
    assert remote.asked == 1
    said = [message.split(": ")[1] for message in caplog.messages]
    assert said == ["could not take a place of all processes", "could not ask the limiter"]


def test_a_server_of_another_limit_that_hangs_keeps_no_places_back(
    make_spot: Callable[..., Spot], remote: Remote, clock: Clock
) -> None:
    other = Remote(rate=800, clock=clock)  # what stands by is waited for by the real clock
    spot = make_spot(limiter=[{"use": remote, "name": "a"}, {"use": other, "name": "b"}])
    limited = spot.limiter(max_concurrent=1, cost={"b": 1})(str)
    places: Any = spot._limiting.machine_places
    for breaker in (places.breaker, *spot._limiting.breakers):
        breaker._clock = clock

    def hang() -> None:
        clock.now += 5
        raise TimeoutError("no answer")

    other.meet = hang  # type: ignore[method-assign]
    for _ in range(2):
        limited("x")
    assert len(remote.names) == 2, "the places are of the server of the limit a"


# ------------------------------------------------------------------------------------ pauses


def test_a_pause_holds_while_the_limiter_is_away(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    waits = held(standby, 8), held(standby, 8)
    standby.pause(10)
    remote.down = True
    clock.now += 4
    assert held(standby).delay == 6, "the share knows of it"
    assert standby.remaining(waits[1]) == 6
    standby.pause(20)
    standby.pause(0)
    assert held(standby).delay > 20
    assert remote.paused == [10]


def test_the_limiter_is_told_of_a_pause_when_it_is_back(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    remote.down = True
    standby.pause("30 s")
    clock.now += 10
    remote.down = False
    assert held(standby).delay == 20
    clock.now += 5
    held(standby)
    assert remote.paused == [20], "once"
    remote.down = True
    standby.pause(30)
    clock.now += 40
    remote.down = False
    held(standby)
    assert remote.paused == [20], "it was over"


def test_one_that_can_not_pause_says_so(standby: Standby, remote: Remote) -> None:
    def refuse(seconds: Any) -> None:
        raise NotSupportedError("it can't pause")

    remote.pause = refuse  # type: ignore[method-assign]
    with pytest.raises(NotSupportedError):
        standby.pause(3)
    assert held(standby).delay == 0


# -------------------------------------------------------------------------- keys, several limits


def test_each_key_has_a_share(standby: Standby, remote: Remote, clock: Clock) -> None:
    known = standby.for_key("a")
    held(known)
    clock.now += 1
    remote.down = True
    new = standby.for_key("b")
    for one in (known, new):
        assert [held(one).delay, held(one).delay] == [0, 1]
    new.pause(10)
    assert [held(new).delay, held(standby).delay] == [12, 0]
    assert [new.busy_for() > 10, standby.busy_for()] == [True, 1]
    assert new.wait_for() > 10
    remote.down = False
    standby.breaker.insist()
    assert held(new).delay == 12.125, "behind those who wait in its share"
    assert new._ask.limiter is not None
    assert new._ask.limiter.wait_for() == 10, "the limiter of the key has been told of the pause"
    new.close()
    standby.close()


def test_a_pause_of_all_holds_each_key(standby: Standby, remote: Remote, clock: Clock) -> None:
    known = standby.for_key("a")
    held(known)
    clock.now += 1
    remote.down = True
    held(known)
    standby.pause(10)
    clock.now += 2
    assert [held(one).delay for one in (known, standby.for_key("b"))] == [9, 8]
    remote.down = False
    standby.breaker.insist()
    assert held(standby.for_key("c")).delay == 8
    assert remote.paused == [8]


def test_keys_through_a_spot(make_spot: Callable[..., Spot], remote: Remote, clock: Clock) -> None:
    spot = make_spot(limiter=remote)
    limited = spot.limiter(key=lambda host: host, timeout=0)(str)
    remote.down = True
    for number in range(100):
        limited(str(number))
        with pytest.raises(RateLimitError):
            limited(str(number))
        clock.now += 1
    assert len(spot._limiting.by_key) <= 33, "those that are idle are dropped meanwhile"


def test_keys_of_a_share_that_has_none(standby: Standby, remote: Remote) -> None:
    class Plain(TokenBucket):
        def for_key(self, key: str) -> Any:
            raise NotSupportedError(key)

    remote.down = True
    remote.share = lambda: Plain(1, clock=remote._clock)  # type: ignore[method-assign]
    assert [held(standby.for_key(key)).delay for key in "abc"] == [0, 1, 2]


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


def test_limits_that_can_not_fail_are_left_as_they_are(make_spot: Callable[..., Spot]) -> None:
    near = TokenBucket(10)
    assert make_spot(limiter=near).bucket is near
    several: Any = make_spot(limiter=[{"use": near, "name": "a"}]).bucket
    assert several.limits["a"] is near


# ------------------------------------------------------------------------------- of strangers


class Stranger(LimiterBase):
    """One on a network without a share."""

    name = "stranger"
    blocking = True
    down = False

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation:
        if self.down:
            raise ConnectionError("no server")
        return Reservation(0.0, cost)

    release = reserve  # type: ignore[assignment]

    def pause(self, seconds: Any) -> None:
        self.reserve()

    def settle(self, reservation: Any, real_cost: float) -> None:
        self.reserve()


def test_of_one_without_a_share_only_the_pauses_are_known(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Stranger()
    spot = make_spot(limiter=stranger)
    stranger.down = True
    for _ in range(5):
        with spot.limit(timeout=0) as permit:
            permit.settle(3)
        asyncio.run(spot.limiter(timeout=0)(nothing)())
    assert "Calls go on unlimited until it answers again, but for its pauses" in caplog.text
    with pytest.raises(ConfigError):
        spot.limiter(cost=-1)
    permit.pause(60)
    with pytest.raises(RateLimitError) as refused, spot.limit(timeout=1):
        pytest.fail("it pauses")
    assert 59 < (refused.value.retry_after or 0) <= 60


async def nothing() -> None:
    """Do nothing."""


def test_a_pause_of_one_without_a_share_is_waited_for(clock: Clock) -> None:
    class Slept(Stranger):
        def _sleep(self, seconds: float) -> None:
            clock.now += seconds

    stranger = Slept()
    standby = Standby(stranger, Reporter("app"), clock=clock)
    stranger.down = True
    standby.pause(20)
    standby.release(standby.consume())
    assert clock.now == 1020
    with pytest.raises(NotSupportedError):
        standby.busy_for()


def test_one_that_waits_in_its_own_way_is_asked_as_it_is(make_spot: Callable[..., Spot]) -> None:
    class Waits(Stranger):
        def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
            return Reservation(0.0, cost)

    own = Waits()
    assert make_spot(limiter=own).bucket is own


def test_a_file_that_can_not_be_locked(
    make_spot: Callable[..., Spot], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared = SharedTokenBucket("2/h", path=tmp_path / "x.limit", workers=2)

    def fail() -> int:
        raise TimeoutError("a stopped process holds the lock")

    shared._file.lock = fail  # type: ignore[method-assign]
    spot = make_spot(limiter=shared)
    with spot.limit(timeout=0):
        pass
    with pytest.raises(RateLimitError) as refused, spot.limit(timeout=0):
        pytest.fail("there is a limit")
    assert 3590 < (refused.value.retry_after or 0) <= 3600
    assert "1/2 of the rate" in caplog.text
    for wrong in (0, float("nan"), float("inf"), "8", True):
        with pytest.raises(ConfigError, match="workers="):
            SharedTokenBucket(1, path=tmp_path / "y.limit", workers=wrong)  # type: ignore[arg-type]
