"""`RedisLimiter`: one limit for many processes, in a real server."""

from __future__ import annotations

import asyncio
import logging
import pickle
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Context, LimiterBase
from beautyspot.errors import BeautyspotError, ConfigError, CostError, RateLimitError
from beautyspot.testing.limiter import ManualClock
from beautyspot_local import TokenBucket
from beautyspot_redis import RedisLimiter
from beautyspot_redis.timeline_script import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot
    from servers.valkey import Cluster, Valkey

    Make = Callable[..., RedisLimiter]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(redis_url: str, namespace: str, clock: ManualClock) -> Make:
    """Each is one machine's view of the same limit: a permit a second."""

    def made(**options: Any) -> RedisLimiter:
        given = {"rate": 1, "max_cost": 100, "namespace": namespace, "clock": clock, **options}
        return RedisLimiter(redis_url, **given)

    return made


def delays(limiter: LimiterBase, *costs: float) -> list[float]:
    found = [limiter.reserve(cost) for cost in costs]
    return [one.delay for one in found if one is not None]


def keys(server: Valkey, namespace: str) -> list[bytes]:
    found: list[bytes] = server.ask("KEYS", f"bs:{namespace}:*")
    return found


# ------------------------------------------------------------------------------ what is shared


def test_two_machines_share_one_limit(make: Make, clock: ManualClock) -> None:
    first, second = make(), make()
    assert [*delays(first, 1), *delays(second, 1), *delays(first, 1)] == [0, 1, 2]
    assert first.tat == second.tat == clock() + 3
    assert first.busy_for() == 3
    assert second.wait_for(5) == 3


def test_limits_of_other_names_are_others(make: Make) -> None:
    limiters = [make(), make(limit="other"), make(namespace="a{b}:*"), make(namespace="a{b}")]
    assert [delays(limiter, 50) for limiter in limiters] == [[0], [0], [0], [0]]


def test_a_pause_holds_the_others_too(make: Make, clock: ManualClock) -> None:
    first, second = make(), make()
    first.consume()
    waiting = second.reserve()
    assert waiting is not None
    first.pause("10 s")
    assert second.remaining(waiting) == 11
    second.pause(5)
    assert first.wait_for() == 12
    clock.advance(11)
    assert second.remaining(waiting) == 0
    with pytest.raises(ConfigError, match="no pause"):
        first.pause("soon")


def test_a_pause_holds_all_keys_also_those_to_come(make: Make, clock: ManualClock) -> None:
    first, second = make(), make()
    known = first.for_key("known")
    assert delays(known, 1, 1) == [0, 1]
    second.pause(10)
    assert known.wait_for() == 12
    assert second.for_key("new").wait_for() == 10
    assert make().for_key("known").wait_for() == 12
    clock.advance(4)
    assert make().for_key("new").wait_for() == 6
    known.pause(20)
    assert make().for_key("known").wait_for() > 20
    assert second.for_key("new").wait_for() == 6
    assert second.wait_for() == 6


def test_each_key_has_its_limit_in_whatever_process(make: Make) -> None:
    first, second = make(), make()
    assert delays(first.for_key("a"), 5) == [0]
    assert delays(second.for_key("a"), 1) == [5]
    assert delays(second.for_key("b\ud800"), 1) == [0]
    assert first.busy_for() == 0


def test_what_a_key_holds_expires_by_itself(
    make: Make, redis_server: Valkey, namespace: str
) -> None:
    """And nothing shows the key itself."""
    limiter = make(clock=None)
    limiter.for_key("customer").reserve(50)
    [name] = keys(redis_server, namespace)
    assert b"customer" not in name
    assert 60_000 < redis_server.ask("PTTL", name) <= 110_000


def test_a_burst(make: Make, clock: ManualClock) -> None:
    limiter = make(burst=4)
    assert delays(limiter, *[1] * 7) == [0, 0, 0, 0, 0, 1, 2]
    clock.advance(100)
    assert delays(limiter, *[1] * 6) == [0, 0, 0, 0, 0, 1]


def test_a_large_burst_at_an_odd_rate_goes_at_once(make: Make) -> None:
    limiter = make(rate="7/3s", burst=200)
    assert set(delays(limiter, *[1] * 201)) == {0}
    assert delays(limiter, 1)[0] > 0


def test_no_drift(make: Make, clock: ManualClock) -> None:
    """A hundred permits at a third of a second each, years after the epoch, by a real clock's."""
    clock.advance(1.7e9)
    limiter = make(rate="3/s")
    starts = [clock() + delay for delay in delays(limiter, *[1] * 300)]
    assert starts[-1] - starts[0] == pytest.approx(299 / 3, abs=1e-6)
    assert min(b - a for a, b in pairwise(starts)) > 1 / 3 - 1e-6


def test_the_clocks_of_the_machines_do_not_matter(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is a minute early and one late; the server's own clock counts."""
    first, second = make(clock=None, rate="6/min"), make(clock=None, rate="6/min")
    found: list[float] = []
    for number in range(40):
        away = 60 if number % 2 else -60
        with monkeypatch.context() as patched:
            for name in ("time", "monotonic"):
                now = getattr(__import__("time"), name)()
                patched.setattr(f"time.{name}", lambda now=now, away=away: now + away)
            found += delays((first, second)[number % 2], 1)
    assert found[-1] == pytest.approx(390, abs=30), "less what this took"
    assert found == sorted(found)


def test_gaps_are_bounded(make: Make, redis_server: Valkey, namespace: str) -> None:
    limiter = make()
    made = [limiter.reserve() for _ in range(300)]
    for one in made[1::2]:
        assert one is not None
        limiter.release(one)
    [state] = [name for name in keys(redis_server, namespace) if b":state:" in name]
    assert redis_server.ask("STRLEN", state) == 80 + 64 * 16
    assert delays(limiter, 1, 1) == [1, 3], "the first gaps are kept"


def test_two_rates_for_one_limit_are_told_once(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = make(), make(rate=2)
    with caplog.at_level(logging.WARNING, "beautyspot"):
        for _ in range(2):
            assert delays(first, 1)
            assert delays(second, 1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "at 1 permits per second, and here at 2" in told[0]


# -------------------------------------------------------------------- what the server forgets


def test_scripts_may_be_forgotten(make: Make, redis_server: Valkey) -> None:
    limiter = make()
    assert delays(limiter, 1) == [0]
    redis_server.ask("SCRIPT", "FLUSH")
    assert delays(limiter, 1) == [1]


def test_a_server_that_was_emptied_begins_anew(own: Valkey, clock: ManualClock) -> None:
    """Who waits asks again, behind those who came since; what was reserved frees nothing."""
    limiter = RedisLimiter(own.url, rate=1, max_cost=100, clock=clock)
    used, waiting = limiter.reserve(5), limiter.reserve(3)
    assert used is not None
    assert waiting is not None
    own.ask("FLUSHALL")
    assert delays(limiter, 10) == [0]
    limiter.settle(used, 0)
    assert delays(limiter, 1) == [10], "nothing of the new limit was given back"
    assert limiter.remaining(waiting) == 11
    clock.advance(11)
    assert limiter.remaining(waiting) == 0
    limiter.settle(waiting, 5)
    assert limiter.wait_for() == 5
    own.ask("FLUSHALL")
    limiter.settle(limiter.reserve(2) or used, 2)
    limiter.release(waiting)
    assert limiter.wait_for() == 2


def test_too_little_reserved_in_a_limit_that_is_lost(own: Valkey, clock: ManualClock) -> None:
    limiter = RedisLimiter(own.url, rate=1, max_cost=100, clock=clock)
    used = limiter.reserve(5)
    assert used is not None
    own.ask("FLUSHALL")
    limiter.reserve(1)
    clock.advance(10)
    limiter.settle(used, 8)
    assert limiter.wait_for() == 3


def test_what_is_no_state_begins_anew(
    make: Make, redis_server: Valkey, namespace: str, clock: ManualClock
) -> None:
    limiter = make()
    limiter.reserve(5)
    [name] = keys(redis_server, namespace)
    for wrong in (b"", b"x" * 96, b"short"):
        redis_server.ask("SET", name, wrong)
        assert delays(limiter, 1, 1) == [0, 1]


def test_a_clock_of_another_master_that_is_behind(make: Make, clock: ManualClock) -> None:
    """After a failover the time goes on from where it was; one that is ahead grants no bunch."""
    limiter = make()
    waiting = [limiter.reserve() for _ in range(4)]
    clock.advance(-60)
    assert limiter.wait_for() == 4
    clock.advance(2)
    assert limiter.wait_for() == 2
    clock.advance(60)
    left = [limiter.remaining(one) for one in waiting[2:] if one]
    assert left == [0, 1]


def test_what_is_sent_twice_gives_back_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer was lost with its connection, and by then another call had the place."""
    limiter, other = make(), make()
    run, found = SCRIPT.run, []

    def twice(client: Any, names: Any, *values: Any) -> Any:
        if values[0] != "reserve":
            run(client, names, *values)
            found.append(delays(other, 5))
        return run(client, names, *values)

    first, second, _ = (limiter.reserve(5) for _ in range(3))
    assert first
    assert second
    monkeypatch.setattr(SCRIPT, "run", twice)
    limiter.release(second)
    monkeypatch.undo()
    assert found == [[5]]
    assert delays(limiter, 5) == [15]
    monkeypatch.setattr(SCRIPT, "run", twice)
    limiter.settle(first, 0)
    monkeypatch.undo()
    assert found == [[5], [0]]
    assert delays(limiter, 5) == [20]


def test_a_place_that_is_released_while_it_is_renewed_stays_free(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    slot: Any = limiter.try_slot("work", 1)
    ask = limiter._slots._ask

    def late(slots: Any) -> Any:
        slot.release()
        return ask(slots)

    monkeypatch.setattr(limiter._slots, "_ask", late)
    assert limiter.renew([slot]) == []
    monkeypatch.undo()
    assert limiter.try_slot("work", 1) is not None


def test_a_place_whose_answer_was_lost_is_given_back(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    ask = limiter._slots._ask

    def lost(slots: Any) -> Any:
        ask(slots)
        raise BeautyspotError("no answer")

    monkeypatch.setattr(limiter._slots, "_ask", lost)
    with pytest.raises(BeautyspotError, match="no answer"):
        limiter.try_slot("work", 1)
    monkeypatch.undo()
    assert make().try_slot("work", 1) is None
    assert limiter.try_slot("work", 1) is not None


def test_a_place_that_could_not_be_given_back_is_the_second_time(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    slot: Any = limiter.try_slot("work", 1)

    def broken(slot: Any) -> None:
        raise BeautyspotError("no answer")

    monkeypatch.setattr(limiter._slots, "give_back", broken)
    with pytest.raises(BeautyspotError, match="no answer"):
        slot.release()
    monkeypatch.undo()
    slot.release()
    assert limiter.try_slot("work", 1) is not None


def test_places_that_the_server_forgot_are_taken_again(
    make: Make, redis_server: Valkey, namespace: str
) -> None:
    """As long as there are some: their holders are at work all the same."""
    limiter = make()
    held: list[Any] = [limiter.try_slot("work", 2) for _ in range(2)]
    redis_server.ask("DEL", *keys(redis_server, namespace))
    assert limiter.try_slot("work", 2) is not None
    assert limiter.renew(held) == [held[1]]


# --------------------------------------------------------------------------- several at once


def test_several_limits_take_nothing_if_one_refuses(make: Make) -> None:
    limits = {"calls": make(limit="calls"), "words": make(limit="words", rate=10)}
    both = RedisLimiter.together(limits)
    assert both is not None
    table: Any = {"calls": 1, "words": 100}
    assert both.reserve(table) is not None
    assert both.reserve(table, max_wait=5) is None
    assert limits["calls"].busy_for() == 1
    with pytest.raises(RateLimitError) as caught:
        both.consume(table, timeout=5)
    assert caught.value.retry_after == 10
    held = both.reserve({"calls": 1})  # type: ignore[arg-type]
    assert held is not None
    assert held.delay == 1


def test_several_limits_begin_together(make: Make, clock: ManualClock) -> None:
    limits = {"calls": make(limit="calls"), "words": make(limit="words", rate=10)}
    both: Any = RedisLimiter.together(limits)
    assert [both.reserve({"calls": 1, "words": 50}).delay for _ in range(3)] == [0, 5, 10]
    assert delays(limits["calls"], 4) == [1], "the time between stays free"
    waiting = both.reserve({"calls": 1, "words": 10})
    assert waiting.delay == 15
    limits["words"].pause(30)
    clock.advance(15)
    assert both.remaining(waiting) == 30, "the one that did not pause begins with the other"
    assert limits["calls"].busy_for() == 31
    both.settle(waiting, {"words": 0, "calls": 3})
    both.settle(waiting, {"words": 7})
    assert limits["calls"].busy_for() == 33


def test_costs_of_several_limits_are_checked(make: Make) -> None:
    both: Any = RedisLimiter.together({"calls": make(limit="calls"), "words": make(limit="words")})
    for wrong in (1, {}, {"calls": 0}, {"other": 1}, {"calls": 101}, {"calls": True}):
        with pytest.raises(CostError):
            both.reserve(wrong)
        with pytest.raises(CostError):
            both.check_cost(wrong)
    both.check_cost({"calls": len, "words": 1})
    held = both.reserve({"calls": 1})
    with pytest.raises(CostError, match="reserved nothing"):
        both.settle(held, {"words": 1})
    with pytest.raises(ConfigError, match="another|not of this limiter"):
        make().release(held)


def test_what_can_not_be_asked_at_once(make: Make) -> None:
    one, other = make(limit="a"), make(limit="b", namespace="another")
    assert RedisLimiter.together({"a": one, "b": other}) is None
    assert RedisLimiter.together({"a": one, "b": one}) is None
    assert RedisLimiter.together({"a": one, "b": TokenBucket(1)}) is None
    assert RedisLimiter.together({}) is None


def test_a_list_of_limits_of_a_spot_is_one_round_trip(
    make_spot: Callable[..., Spot], redis_url: str, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    table = {"use": "redis", "url": redis_url, "rate": "1000/s"}
    spot = make_spot(
        namespace, limiter=[{**table, "name": "calls"}, {**table, "name": "words"}], strict=True
    )
    ran: list[str] = []
    run = SCRIPT.run

    def counted(client: Any, names: Any, *values: Any) -> Any:
        ran.append(values[0])
        return run(client, names, *values)

    monkeypatch.setattr(SCRIPT, "run", counted)

    @spot.limiter(
        cost={"calls": 1, "words": len}, key=lambda text: text[0], settle=lambda n: {"words": n}
    )
    def send(text: str) -> int:
        return len(text)

    assert send("words") == 5
    assert ran == ["reserve", "settle"]
    spot.bucket.pause(1)
    assert spot.bucket.wait_for({"calls": 1}) > 0  # type: ignore[arg-type]
    assert spot.bucket.busy_for() > 0
    with pytest.raises(CostError, match="Did you mean 'words'"):
        spot.bucket.reserve({"word": 1})  # type: ignore[arg-type]
    assert spot.stats()["limiter_per_process"] == 0


def test_a_cluster_has_the_limits_of_a_spot_in_one_slot(
    redis_cluster: Cluster, namespace: str, clock: ManualClock
) -> None:
    limits = {
        name: RedisLimiter(redis_cluster.url, rate=1, namespace=namespace, limit=name, clock=clock)
        for name in ("calls", "words")
    }
    both: Any = RedisLimiter.together(limits)
    assert [both.reserve({"calls": 1, "words": 1}).delay for _ in range(2)] == [0, 1]
    held = both.for_key("a").reserve({"calls": 1, "words": 1})
    assert held.delay == 0
    both.settle(both.reserve({"calls": 1}), {"calls": 0})
    limits["calls"].pause(5)
    assert limits["calls"].for_key("a").wait_for() == 6
    slot = limits["calls"].try_slot("work", 1)
    assert slot is not None
    assert limits["calls"].renew([slot]) == []
    slot.release()
    for limit in limits.values():
        limit.close()


# ---------------------------------------------------------------------------- what it is given


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0},
        {"burst": -1},
        {"max_cost": 0},
        {"workers": 0},
        {"workers": True},
        {"workers": 1.5},
        {"lease_time": 0},
        {"lease_time": "soon"},
        {"namespace": ""},
        {"limit": ""},
        {"timeout": -1},
    ],
    ids=str,
)
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RedisLimiter("redis://localhost", **{"rate": 1, **wrong})


def test_its_names_in_the_server_are_the_spots(tmp_path: Path) -> None:
    context = Context("app", tmp_path, tmp_path / "app.db")
    assert RedisLimiter.defaults(context) == {"namespace": "app", "limit": "rate"}
    part = context._replace(name="app.words", part="words")
    assert RedisLimiter.defaults(part) == {"namespace": "app", "limit": "words"}


def test_its_share_is_its_part_of_the_rate() -> None:
    limiter = RedisLimiter("redis://localhost", rate="80/s", burst=16, workers=8)
    share = limiter.share()
    assert isinstance(share, TokenBucket)
    assert (share.rate, share.max_cost) == (10, 80)
    assert [one.delay for one in map(share.reserve, [1] * 3) if one] == [0, 0, 0]
    assert share.busy_for() == pytest.approx(0.3, abs=0.1)


def test_it_travels_with_its_key(make: Make) -> None:
    limiter = make(clock=None)
    limiter.for_key("a").reserve(50)
    there = pickle.loads(pickle.dumps(limiter))
    assert there.for_key("a").wait_for() > 40
    assert pickle.loads(pickle.dumps(limiter.for_key("a"))).wait_for() > 40


def test_a_limiter_of_a_key_closes_nothing_of_its_maker(make: Make) -> None:
    limiter = make()
    limiter.reserve()
    client = limiter._server.client
    limiter.for_key("a").close()
    assert limiter._server.client is client
    limiter.close()
    assert delays(limiter, 1) == [1], "it connects anew"


def test_tasks_wait_for_their_time(make: Make) -> None:
    limiter = make(clock=None, rate="200/s")

    async def main() -> None:
        await asyncio.gather(*(limiter.consume_async() for _ in range(10)))

    asyncio.run(main())
    assert limiter.busy_for() <= 1 / 200
