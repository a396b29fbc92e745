"""A limiter in a server: one limit for many processes."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts import Grant
from beautyspot.errors import ConfigError, CostError
from beautyspot.spot import Spot
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_testing.limiter import ManualClock
from servers.limiters import CLASSES, delays

Make = Callable[..., RemoteLimiter]


# ------------------------------------------------------------------------------ what is shared


def test_a_pause_holds_the_others_too(make_limiter: Make, clock: ManualClock) -> None:
    first, second = make_limiter(), make_limiter()
    first.pause("10 s")
    second.pause(5)
    second.pause(20, key="a")
    assert [delays(first, 1, key=key) for key in ("", "a", "b")] == [[10], [20], [10]]
    clock.advance(10)
    assert [delays(second, 1, key=key) for key in ("", "a", "b")] == [[0], [10], [0]]
    with pytest.raises(ConfigError, match="no pause"):
        first.pause("soon")


def test_each_key_has_its_limit_in_whatever_process(make_limiter: Make) -> None:
    first, second = make_limiter(), make_limiter()
    assert delays(first, 5, key="a") == [0]
    assert delays(second, 1, key="a") == [5]
    assert delays(second, 1, key="b\ud800") == [0]
    assert delays(first, 1) == [0]


def test_the_clocks_of_the_machines_do_not_matter(
    make_limiter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is a minute early and one late; the server's own clock counts."""
    first, second = make_limiter(clock=None, rate="6/min"), make_limiter(clock=None, rate="6/min")
    assert delays(first, 40) == [0]
    found: list[float] = []
    for number in range(6):
        away = 60 if number % 2 else -60
        with monkeypatch.context() as patched:
            for name in ("time", "monotonic"):
                now = getattr(__import__("time"), name)()
                patched.setattr(f"time.{name}", lambda now=now, away=away: now + away)
            found += delays((first, second)[number % 2], 1)
    assert found[-1] == pytest.approx(400, abs=30), "less what this took"
    assert found == sorted(found, reverse=True)


def test_time_that_has_passed_pays_for_nothing(make_limiter: Make, clock: ManualClock) -> None:
    """What is given back too late does not count against what another call cost more."""
    limiter = make_limiter()
    [first], _ = limiter.take([{"rate": 4}])
    clock.advance(4)
    [second], _ = limiter.take([{"rate": 4}])
    clock.advance(3)
    limiter.settle(first, 0)
    limiter.settle(second, 6)
    assert delays(limiter, 1) == [3]


def test_a_crowd_is_asked_for_in_parts(make_limiter: Make) -> None:
    """A server answers nobody else meanwhile."""
    limiter = make_limiter(rate=1e6, clock=None)
    grants, wait = limiter.take([{"rate": 1.0}] * 1000)
    assert (0 < len(grants) <= 256, wait) == (True, 0)

    async def crowd() -> list[Grant]:
        return await asyncio.gather(*(limiter.consume_async() for _ in range(1000)))

    assert len(asyncio.run(crowd())) == 1000


# --------------------------------------------------------------------------- several at once


def test_what_can_not_be_asked_at_once(make_limiter: Make) -> None:
    one, other = make_limiter(limit="a"), make_limiter(limit="b", namespace="another")
    assert one.together({"a": one, "b": other}) is None
    assert one.together({"a": one, "b": one}) is None


def test_a_list_of_limits_of_a_spot_is_one_round_trip(
    make_spot: Callable[..., Spot],
    limiter: Callable[..., dict[str, Any]],
    make_limiter: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = [limiter(name=name, rate="1000/s") for name in ("calls", "words")]
    spot = make_spot(limiter=tables, strict=True)
    ran: list[str] = []
    kind: Any = type(make_limiter())

    def count(name: str, trip: Callable[..., Any]) -> None:
        def counted(*given: Any) -> Any:
            ran.append(name)
            return trip(*given)

        monkeypatch.setattr(kind, name, counted)

    for name in ("_take", "_change", "_hold"):
        count(name, getattr(kind, name))

    @spot.limiter(
        cost={"calls": 1, "words": len}, key=lambda text: text[0], settle=lambda n: {"words": n}
    )
    def send(text: str) -> int:
        return len(text)

    assert send("words") == 5
    assert ran == ["_take", "_change"]
    spot.bucket.pause(1)
    assert spot.bucket.try_consume({"calls": 1}) is False
    assert ran == ["_take", "_change", "_hold"], "and the pause is known here"
    with pytest.raises(CostError, match="Did you mean 'words'"):
        spot.bucket.consume({"word": 1})
    assert spot.stats()["limiter_per_process"] == 0


# ---------------------------------------------------------------------------- what it is given


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0},
        {"burst": -1},
        {"max_cost": 0},
        {"workers": 0},
        {"namespace": ""},
        {"timeout": -1},
    ],
    ids=str,
)
@pytest.mark.parametrize("scheme", CLASSES)
def test_options_are_checked(scheme: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CLASSES[scheme](f"{scheme}://localhost", **{"rate": 1, **wrong})


def test_it_travels(make_limiter: Make) -> None:
    limiter = make_limiter(clock=None)
    assert delays(limiter, 50, key="a") == [0]
    there = pickle.loads(pickle.dumps(limiter))
    assert delays(there, 1, key="a")[0] > 40


# ---- what becomes of limits where the server lost them, or its clock is turned back


def test_a_server_that_was_emptied_begins_anew(
    make_limiter: Make, forget: Callable[[], None]
) -> None:
    limiter = make_limiter()
    [used], _ = limiter.take([{"rate": 5}])
    forget()
    limiter.settle(used, 4)
    assert delays(limiter, 10, 1) == [0, 10]
    forget()
    limiter.settle(used, 7)
    assert delays(limiter, 1) == [2]


def test_a_clock_of_another_master_that_is_behind(make_limiter: Make, clock: ManualClock) -> None:
    """What is left of all stays, as after a failover; one that is ahead grants no bunch."""
    limiter = make_limiter()
    limiter.pause(5, key="a")
    limiter.pause(3)
    assert delays(limiter, 1, key="b") == [3]
    clock.advance(-60)
    assert [delays(limiter, 1, key=key) for key in ("a", "b")] == [[5], [3]]
    clock.advance(1)
    assert [delays(limiter, 1, key=key) for key in ("a", "b")] == [[4], [2]]
    clock.advance(2)
    assert delays(limiter, 4, 1) == [0, 4]
    clock.advance(-60)
    assert delays(limiter, 1) == [4]
    clock.advance(60)
    assert delays(limiter, 1, 1) == [0, 1]
