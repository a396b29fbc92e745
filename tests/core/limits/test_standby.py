"""While a limiter fails, this process's share takes its place: not no limit where one is known."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from beautyspot.contracts import Grant, LimiterBase
from beautyspot.errors import RateLimitError
from beautyspot.limits.standby import Standby
from beautyspot.resilience.reporting import Reporter
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from hypothesis import given, settings
from hypothesis import strategies as st
from owned_clock import Clock


class Remote(TokenBucket):
    """A limiter as on a server, which eight processes share; `down` has all that it does fail."""

    name = "remote"
    blocking = True
    shared = True
    workers = 8
    down = False
    consume = LimiterBase.consume

    def __init__(self, rate: float = 8, **options: Any) -> None:
        super().__init__(rate, 100, **options)
        self.paused: list[float] = []

    def meet(self) -> None:
        if self.down:
            raise ConnectionError("no server")

    def take(self, asked: Any, key: str = "") -> Any:
        self.meet()
        return super().take(asked, key)

    def give_back(self, grant: Grant, real: Any) -> None:
        self.meet()
        super().give_back(grant, real)

    def hold(self, seconds: float, key: str = "") -> None:
        self.meet()
        self.paused.append(seconds)
        super().hold(seconds, key)


@pytest.fixture
def remote(clock: Clock) -> Remote:
    return Remote(clock=clock)


@pytest.fixture
def standby(remote: Remote, clock: Clock) -> Standby:
    return Standby(remote, Reporter("app"), clock=clock)


def wait(limiter: LimiterBase, cost: float = 1, key: str = "") -> float:
    """Take, if that is free; how long it would take otherwise."""
    grants, seconds = limiter.take([{"rate": cost}], key)
    return grants[0].delay if grants else seconds


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
            ran.append(f"{error.retry_after or 0:.1f} s")


def test_a_limiter_that_is_away_is_no_reason_for_no_limit(
    make_spot: Callable[..., Spot], remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    remote = Remote(0.08)
    spot, ran = make_spot(limiter=remote), list[str]()
    assert [each.is_away for each in spot.activity().limits] == [False]
    remote.down = True
    ask_each_kind(spot, ran)
    assert ran == ["function", "100.0 s", "100.0 s", "100.0 s"], "an eighth of the rate"
    assert [each.is_away for each in spot.activity().limits] == [True]
    assert spot.stats()["limiter_refusals"] == 3
    assert spot.stats()["limiter_away"] == 1
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("app: could not ask the limiter: ConnectionError: no server. Until it")
    assert "keeps its share by itself: 1/8 of the rate, since workers=8 share it" in said


def test_a_strict_spot_raises(make_spot: Callable[..., Spot], remote: Remote) -> None:
    remote.down = True
    spot = make_spot(limiter=remote, strict=True)
    with pytest.raises(ConnectionError), spot.limit():
        pytest.fail("it is strict")


# ---------------------------------------------------------------------------------- pauses


def test_a_pause_that_the_limiter_missed_is_kept_here_and_told_when_it_answers(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    remote.down = True
    standby.pause(10)
    assert [wait(standby), wait(standby, key="a")] == [10, 10]
    clock.now += 4
    remote.down = False
    standby.breaker.insist()
    assert wait(standby) == 6
    assert remote.paused == [6], "others have to keep it too"
    remote.down = True
    clock.now += 1
    assert [wait(standby), wait(standby, key="a")] == [5, 5]


# ------------------------------------------------------------------------- who takes over


def test_what_was_granted_before_counts_for_the_share(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    """A call of cost 16 takes sixteen seconds of this process's share, whoever granted it."""
    assert wait(standby, 16) == 0
    clock.now += 0.5
    remote.down = True
    assert wait(standby) == 15.5


def test_what_the_share_granted_counts_for_the_limiter(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    remote.down = True
    assert [wait(standby, 4), wait(standby)] == [0, 4], "an eighth of the rate"
    remote.down = False
    standby.breaker.insist()
    assert wait(standby) == 4, "the limiter would grant it at once"
    clock.now += 0.5
    assert wait(standby) == 0, "it took half a second of the whole rate"


def test_what_is_given_back_goes_where_it_was_granted(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    [grant], _ = standby.take([{"rate": 80}])
    standby.give_back(grant, {"rate": 8})
    assert remote.tat - clock.now == 1
    remote.down = True
    assert wait(standby) == 8
    clock.now += 8
    [shared], _ = standby.take([{"rate": 80}])
    standby.give_back(grant, {"rate": 0})  # the limiter is away: the estimate stays
    standby.give_back(shared, {"rate": 2})
    assert wait(standby) == 2


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "down", "up"]),
        st.sampled_from([0.5, 1.0, 4.0, 16.0]),
        st.sampled_from([0.0, 0.01, 0.1, 1.0, 5.0]),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=400)
@given(STEPS)
def test_no_change_over_exceeds_the_rate(steps: list[tuple[str, float, float]]) -> None:
    clock = Clock()
    remote = Remote(clock=clock)
    standby = Standby(remote, Reporter("app"), clock=clock)
    begun = list[tuple[float, float]]()
    for what, cost, seconds in steps:
        if what == "take":
            grants, _ = standby.take([{"rate": cost}])
            begun += [(clock.now + grant.delay, cost) for grant in grants]
        else:
            remote.down = what == "down"
            standby.breaker.insist()
        clock.now += seconds
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            length = begun[last][0] - begun[first][0]
            spent = sum(cost for _, cost in begun[first:last])
            assert spent <= 8 * length + 1e-6, "what was granted before has not passed"


def most_beyond(begun: list[float]) -> float:
    """By how many calls, the last aside, a window holds more than the whole rate allows in it."""
    least, most = math.inf, -math.inf
    for number, when in enumerate(begun):
        least = min(least, number - 8 * when)
        most = max(most, number - 8 * when - least)
    return most


PARTS = st.integers(8, 160).map(lambda eighths: eighths / 8)


@settings(deadline=None, max_examples=20)
@given(
    outages=st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=3),
)
def test_processes_in_turn_exceed_no_rate_however_often_the_limiter_is_away(
    outages: list[tuple[float, float]],
) -> None:
    """Each has its part of the rate, before and after: one call a process is all that is beyond."""
    clock = Clock()
    remote = Remote(clock=clock)
    standbys = [Standby(remote, Reporter("app"), clock=clock) for _ in range(8)]
    begun = list[float]()
    changes = itertools.accumulate(itertools.chain([5], *outages, [5]))
    for number, until in enumerate(1000 + each for each in changes):
        remote.down = bool(number % 2)
        for standby in standbys:
            standby.breaker.insist()
        while clock.now < until:
            for standby in [*standbys]:
                if not wait(standby):
                    begun.append(clock.now)
                    standbys.remove(standby)
                    standbys.append(standby)
            clock.now += 0.125
    assert most_beyond(begun) <= 8


@settings(deadline=None, max_examples=50)
@given(
    outages=st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_a_change_over_is_at_most_one_call_of_each_process(
    outages: list[tuple[int, int]], seed: int
) -> None:
    """Of processes that ask whenever they like."""
    clock, random = Clock(), Random(seed)
    remote = Remote(clock=clock)
    standbys = [Standby(remote, Reporter("app"), clock=clock) for _ in range(8)]
    begun, changed = list[float](), list[float]()
    for number, seconds in enumerate(itertools.chain([5], *outages, [5])):
        remote.down = bool(number % 2)
        changed.append(clock.now)
        for standby in standbys:
            standby.breaker.insist()
        for _ in range(8 * seconds):
            begun += [clock.now for _ in range(4) if not wait(random.choice(standbys))]
            clock.now += 0.125
    assert most_beyond(begun) <= 8 * len(changed)


def test_what_the_limiter_gets_back_is_no_time_of_the_share(
    standby: Standby, remote: Remote, clock: Clock
) -> None:
    [grant], _ = standby.take([{"rate": 80.0}])
    clock.now += 80
    remote.down = True
    assert wait(standby, 80) == 0
    remote.down = False
    standby.give_back(grant, {"rate": 0.0})
    assert wait(standby) > 9, "what the share granted takes so long at the whole rate"


@pytest.mark.parametrize("first", [16.0, 8.0])
def test_what_is_given_back_leaves_what_others_took_as_long(
    standby: Standby, remote: Remote, clock: Clock, first: float
) -> None:
    """Of what the limiter granted, the last takes this process's share until it gives all back."""
    standby.take([{"rate": first}])
    clock.now += first / 8
    [last], _ = standby.take([{"rate": 80.0}])
    standby.give_back(last, {"rate": 0.0})
    remote.down = True
    assert wait(standby) == first - first / 8, "the first one has not passed"


def test_what_ends_with_the_last_one_stays_when_that_is_given_back(clock: Clock) -> None:
    """Of two limits: each has granted one call, and both end at once."""
    calls, words = Remote(4, clock=clock), Remote(4, clock=clock)
    remote: Any = Remote.together({"calls": calls, "words": words})
    standby = Standby(remote, Reporter("app"), clock=clock)
    remote.down = True
    standby.take([{"calls": 4.0}])
    [last], _ = standby.take([{"words": 4.0}])
    standby.give_back(last, {"words": 0.0})
    remote.down = False
    standby.breaker.insist()
    assert standby.take([{"calls": 1.0}]) == ([], 8.0), "the share is behind its first call"
