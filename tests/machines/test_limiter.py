"""A limiter in a server: one limit for many processes."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.errors import ConfigError, CostError
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from beautyspot_local.remote.keeping import Asked
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_testing.limiter import ManualClock
from servers.limiters import CLASSES, delays

Make = Callable[..., RemoteLimiter]


# ------------------------------------------------------------------------------ what is shared


def test_a_pause_holds_the_others_too(make_limiter: Make, clock: ManualClock) -> None:
    first, second = make_limiter(), make_limiter()
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


def test_each_key_has_its_limit_in_whatever_process(make_limiter: Make) -> None:
    first, second = make_limiter(), make_limiter()
    assert delays(first.for_key("a"), 5) == [0]
    assert delays(second.for_key("a"), 1) == [5]
    assert delays(second.for_key("b\ud800"), 1) == [0]
    assert first.busy_for() == 0


def test_the_clocks_of_the_machines_do_not_matter(
    make_limiter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is a minute early and one late; the server's own clock counts."""
    first, second = make_limiter(clock=None, rate="6/min"), make_limiter(clock=None, rate="6/min")
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


def test_two_rates_for_one_limit_are_told_once(
    make_limiter: Make, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = make_limiter(), make_limiter(rate=2)
    with caplog.at_level(logging.WARNING, "beautyspot"):
        for _ in range(2):
            assert delays(first, 1)
            assert delays(second, 1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "at 1 permits per second, and here at 2" in told[0]


# --------------------------------------------------------------------------- several at once


def test_what_can_not_be_asked_at_once(make_limiter: Make) -> None:
    one, other = make_limiter(limit="a"), make_limiter(limit="b", namespace="another")
    assert one.together({"a": one, "b": other}) is None
    assert one.together({"a": one, "b": one}) is None
    assert one.together({"a": one, "b": TokenBucket(1)}) is None
    assert one.together({}) is None


def test_a_list_of_limits_of_a_spot_is_one_round_trip(
    make_spot: Callable[..., Spot],
    limiter: Callable[..., dict[str, Any]],
    make_limiter: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = [limiter(name=name, rate="1000/s") for name in ("calls", "words")]
    spot = make_spot(limiter=tables, strict=True)
    ran: list[str] = []
    keeper: Any = type(make_limiter()._keeper)
    run = keeper.run

    def counted(self: Any, asked: Asked) -> Any:
        ran.append(asked.operation)
        return run(self, asked)

    monkeypatch.setattr(keeper, "run", counted)

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


@pytest.mark.parametrize("scheme", CLASSES)
def test_its_share_is_its_part_of_the_rate(scheme: str) -> None:
    limiter = CLASSES[scheme](f"{scheme}://localhost", rate="80/s", burst=16, workers=8)
    share = limiter.share()
    assert isinstance(share, TokenBucket)
    assert (share.rate, share.max_cost) == (10, 80)
    assert [one.delay for one in map(share.reserve, [1] * 3) if one] == [0, 0, 0]
    assert share.busy_for() == pytest.approx(0.3, abs=0.1)


def test_it_travels_with_its_key(make_limiter: Make) -> None:
    limiter = make_limiter(clock=None)
    limiter.for_key("a").reserve(50)
    there = pickle.loads(pickle.dumps(limiter))
    assert there.for_key("a").wait_for() > 40
    assert pickle.loads(pickle.dumps(limiter.for_key("a"))).wait_for() > 40


# ---- what becomes of limits where a server, or an answer, is lost


def test_a_server_that_was_emptied_begins_anew(
    make_limiter: Make, forget: Callable[[], None], clock: ManualClock
) -> None:
    """Who waits asks again, behind those who came since; what was reserved frees nothing."""
    limiter = make_limiter()
    used, waiting = limiter.reserve(5), limiter.reserve(3)
    assert used is not None
    assert waiting is not None
    forget()
    assert delays(limiter, 10) == [0]
    limiter.settle(used, 0)
    assert delays(limiter, 1) == [10], "nothing of the new limit was given back"
    assert limiter.remaining(waiting) == 11
    clock.advance(11)
    assert limiter.remaining(waiting) == 0
    limiter.settle(waiting, 5)
    assert limiter.wait_for() == 5
    forget()
    limiter.settle(limiter.reserve(2) or used, 2)
    limiter.release(waiting)
    assert limiter.wait_for() == 2


def test_a_clock_of_another_master_that_is_behind(make_limiter: Make, clock: ManualClock) -> None:
    """After a failover the time goes on from where it was; one that is ahead grants no bunch."""
    limiter = make_limiter()
    waiting = [limiter.reserve() for _ in range(4)]
    clock.advance(-60)
    assert limiter.wait_for() == 4
    clock.advance(2)
    assert limiter.wait_for() == 2
    clock.advance(60)
    left = [limiter.remaining(one) for one in waiting[2:] if one]
    assert left == [0, 1]


def test_what_is_sent_twice_gives_back_once(
    make_limiter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer was lost with its connection, and by then another call had the place."""
    limiter, other = make_limiter(), make_limiter()
    run, found = limiter._keeper.run, []

    def twice(asked: Any) -> Any:
        run(asked)
        found.append(delays(other, 5))
        return run(asked)

    first, second, _ = (limiter.reserve(5) for _ in range(3))
    assert first
    assert second
    monkeypatch.setattr(limiter._keeper, "run", twice)
    limiter.release(second)
    monkeypatch.undo()
    assert found == [[5]]
    assert delays(limiter, 5) == [15]
    monkeypatch.setattr(limiter._keeper, "run", twice)
    limiter.settle(first, 0)
    monkeypatch.undo()
    assert found == [[5], [0]]
    assert delays(limiter, 5) == [20]
