"""Several limits, limits for keys, caps and the real cost, through a Spot."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import ConfigError, CostError, RateLimitError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from beautyspot_local import SharedTokenBucket, TokenBucket
from owned_clock import Clock

REQUESTS = {"use": "gcra", "name": "requests", "rate": "500/h"}
TOKENS = {"use": "gcra", "name": "tokens", "rate": "30000/h"}


@pytest.fixture
def bucket(clock: Clock) -> TokenBucket:
    """One permit a second, by a clock that stands still."""
    return TokenBucket(1, 1000, clock=clock)


@pytest.fixture
def limited(make_spot: Callable[..., Spot], bucket: TokenBucket) -> Spot:
    return make_spot(strict=True, limiter=bucket)


@pytest.fixture
def several(make_spot: Callable[..., Spot]) -> Spot:
    return make_spot(strict=True, limiter=[REQUESTS, TOKENS])


def busy(spot: Spot, **cost: float) -> float:
    """Seconds that a call of this cost would have to wait."""
    given: Any = cost or 1
    with pytest.raises(RateLimitError) as caught, spot.limit(cost=given, timeout=0):
        pass
    assert caught.value.retry_after is not None
    return caught.value.retry_after


# -------------------------------------------------------------------------------- several


def test_a_call_takes_from_all_limits(several: Spot) -> None:
    @several.limiter(cost={"requests": 1, "tokens": lambda text: len(text)})
    def ask(text: str) -> str:
        return text

    ask("x" * 500)
    assert busy(several, requests=1) == pytest.approx(3600 / 500, abs=0.1)
    assert busy(several, tokens=1) == pytest.approx(500 * 3600 / 30000, abs=0.1)
    assert busy(several, requests=1, tokens=1) == pytest.approx(500 * 3600 / 30000, abs=0.1)


def test_several_limits_from_a_file(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.beautyspot.limiter]]\nuse = "gcra-shared"\nname = "requests"\nrate = "500/h"\n'
        '[[tool.beautyspot.limiter]]\nuse = "gcra-shared"\nname = "tokens"\nrate = "30000/h"\n'
    )
    spot = make_spot(config=tmp_path / "pyproject.toml", strict=True)
    bucket: Any = spot.bucket
    assert list(bucket.limits) == ["requests", "tokens"]
    assert isinstance(bucket.real, SharedTokenBucket)
    assert (tmp_path / "cache" / "app.limit").exists()
    assert "tokens" in str(spot.config)


def test_limits_of_two_kinds_are_refused(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    shared = {"use": "gcra-shared", "name": "tokens", "rate": 3}
    elsewhere = {**shared, "name": "words", "path": str(tmp_path / "other")}
    for pair in ([REQUESTS, shared], [shared, elsewhere]):
        with pytest.raises(ConfigError, match='give each the same "use", and the same place'):
            make_spot(limiter=pair)


# ----------------------------------------------------------------------------- the real cost


def test_the_real_cost_by_the_result(clock: Clock, limited: Spot, bucket: TokenBucket) -> None:
    @limited.limiter(cost=50, settle=len)
    def ask(n: int) -> str:
        return "x" * n

    @limited.limiter(cost=50, settle=len)
    async def ask_later(n: int) -> str:
        return "x" * n

    ask(20)
    assert bucket.tat - clock.now == 20
    clock.now += 20
    asyncio.run(ask_later(70))
    assert bucket.tat - clock.now == 70


def test_what_raises_stays_spent(clock: Clock, limited: Spot, bucket: TokenBucket) -> None:
    with pytest.raises(ZeroDivisionError):
        limited.limiter(cost=50, settle=len)(lambda: 1 / 0)()
    assert bucket.tat - clock.now == 50


def test_a_result_is_never_lost_for_its_cost(
    clock: Clock, make_spot: Callable[..., Spot], bucket: TokenBucket, troubles: list[Trouble]
) -> None:
    spot = make_spot(limiter=bucket, on_error=troubles.append)
    assert spot.limiter(cost=5, settle=lambda result: result.usage)(lambda: 3)() == 3
    clock.now += 5
    assert spot.limiter(cost=5, settle=lambda result: -result)(lambda: 3)() == 3
    assert [trouble.operation for trouble in troubles] == ["settle a cost"] * 2
    assert bucket.tat - clock.now == 5


def test_a_permit_for_a_block(
    clock: Clock, limited: Spot, several: Spot, bucket: TokenBucket
) -> None:
    with limited.limit(cost=50) as permit:
        permit.settle(7)
    assert bucket.tat - clock.now == 7
    clock.now += 7

    async def main() -> None:
        async with limited.limit() as permit:
            assert (permit.cost, permit.waited) == (1, 0)
            permit.settle(3)

    asyncio.run(main())
    assert bucket.tat - clock.now == 3
    with several.limit(cost={"requests": 1, "tokens": 500}) as permit:
        permit.settle({"tokens": 200})
    assert busy(several, tokens=1) == pytest.approx(200 * 3600 / 30000, abs=0.1)


# ------------------------------------------------------------------------------- for each key


def test_each_key_has_limits_of_its_own(clock: Clock, limited: Spot, bucket: TokenBucket) -> None:
    fetch = limited.limiter(key=lambda url: url.partition("/")[0], timeout=0)(str)
    other = limited.limiter(key=lambda url: url.partition("/")[0], timeout=0)(repr)
    fetch("a/1")
    fetch("b/1")
    with pytest.raises(RateLimitError):
        fetch("a/2")
    with pytest.raises(RateLimitError):
        other("b/2")
    with pytest.raises(RateLimitError), limited.limit(key="a", timeout=0):
        pass
    assert bucket.tat == clock.now


def test_a_pause_holds_all_keys_or_one(limited: Spot, bucket: TokenBucket, clock: Clock) -> None:
    with limited.limit(key="a") as permit:
        permit.pause(10)
    with limited.limit(key="b", timeout=0):
        pass
    with pytest.raises(RateLimitError), limited.limit(key="a", timeout=9):
        pass
    clock.now += 11
    bucket.pause(10)
    for key in ("a", "b", "new"):
        with pytest.raises(RateLimitError), limited.limit(key=key, timeout=9):
            pass


# ------------------------------------------------------------------------------------- a cap


def test_a_cap_without_a_rate(spot: Spot) -> None:
    inside, most = [0], [0]

    @spot.limiter(max_concurrent=2)
    async def work() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        for _ in range(3):
            await asyncio.sleep(0)
        inside[0] -= 1

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(10)))

    asyncio.run(main())
    assert most == [2]
    assert spot.stats()["limiter_grants"] == 10


def under_way(kind: str, spot: Spot) -> Callable[[], Any]:
    """A call of each kind, that has begun and not ended, and what ends it."""
    cap = spot.limiter(max_concurrent=1, timeout=0)

    @cap
    def stream() -> Iterator[int]:
        yield 1
        yield 2

    @cap
    async def stream_later() -> AsyncIterator[int]:
        yield 1
        yield 2

    return {"generator": stream, "async generator": stream_later}[kind]


@pytest.mark.parametrize("end", ["exhausted", "closed", "thrown"])
def test_a_generator_counts_until_it_ends(spot: Spot, end: str) -> None:
    stream = under_way("generator", spot)
    first = stream()
    assert next(first) == 1
    with pytest.raises(RateLimitError):
        next(stream())
    if end == "exhausted":
        assert list(first) == [2]
    elif end == "closed":
        first.close()
    else:
        with pytest.raises(KeyError):
            first.throw(KeyError)
    assert list(stream()) == [1, 2]


def test_the_cap_is_given_back(clock: Clock, limited: Spot) -> None:
    cap = limited.limiter(max_concurrent=1, timeout=0, cost=lambda n: 1 / n)
    later: Any = cap(asyncio.sleep)
    work: Any = cap(lambda n: 1 // (n - 2))
    with pytest.raises(ZeroDivisionError):
        work(0)  # its cost
    with pytest.raises(CostError):
        work(-1)
    with pytest.raises(ZeroDivisionError):
        work(2)
    with pytest.raises(RateLimitError, match="no permit"):
        work(4)
    clock.now += 9
    assert work(4) == 0

    async def cancelled() -> None:
        clock.now += 9
        task = asyncio.create_task(later(60))
        await asyncio.sleep(0)
        with pytest.raises(RateLimitError, match="1 calls were under way"):
            await later(60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(RateLimitError, match="no permit"):
            await later(1)

    asyncio.run(cancelled())
    with pytest.raises(RateLimitError, match="no permit"):
        work(1)


def test_a_cap_for_each_key(spot: Spot) -> None:
    started, done = threading.Barrier(3), threading.Event()

    @spot.limiter(max_concurrent=1, key=lambda host, wait: host, timeout=0)
    def fetch(host: str, wait: bool) -> str:
        if wait:
            started.wait(30)
            done.wait(30)
        return host

    threads = [threading.Thread(target=fetch, args=(host, True)) for host in "ab"]
    for thread in threads:
        thread.start()
    started.wait(30)
    with pytest.raises(RateLimitError):
        fetch("a", False)
    assert fetch("c", False) == "c"
    done.set()
    for thread in threads:
        thread.join(30)
    assert fetch("a", False) == "a"


# -------------------------------------------------------------------------------------- seen


def test_a_forked_child_waits_for_no_call_of_its_parent(spot: Spot) -> None:
    started, done = threading.Event(), threading.Event()

    def work(*, waits: bool) -> int:
        if waits:
            started.set()
            done.wait(30)
        return 7

    capped = spot.limiter(max_concurrent=1, key=lambda waits: "k", timeout=0)(work)
    thread = threading.Thread(target=capped, kwargs={"waits": True})
    thread.start()
    started.wait(30)
    child = os.fork()
    if not child:
        os._exit(capped(waits=False))
    done.set()
    thread.join(30)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
