"""A pause as a server asks for it: `Retry-After` in all its forms, for each limiter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase, pause_seconds
from beautyspot.errors import ConfigError, RateLimitError
from beautyspot.spot import Spot
from beautyspot_local import SharedTokenBucket, TokenBucket
from owned_clock import Clock

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


def wall() -> float:
    return NOW.timestamp()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (120, 120),
        (1.5, 1.5),
        (timedelta(minutes=2), 120),
        ("120", 120),
        ("10 minutes", 600),
        ("1h30m", 5400),
        ("Wed, 21 Oct 2026 07:30:00 GMT", 120),
        ("Wed, 21 Oct 2026 09:30:00 +0200", 120),
        ("2026-10-21T07:30:00Z", 120),
        ("2026-10-21T07:30:00.123456789Z", 120.123456),
        ("2026-10-21 09:30:00+02:00", 120),
        ("2026-10-20T07:30:00Z", 0),
        ("6m0s", 360),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        (0, 0),
        (-1, 0),
        (None, 0),
        ("", 0),
    ],
    ids=repr,
)
def test_what_a_pause_may_be(given: Any, seconds: float) -> None:
    assert pause_seconds(given, wall) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "given",
    ["soon", "nan", "inf", "-inf", "1e999", "120 GMT", "5 parsecs", "2026-10-21", "Wed, 21 Oct",
     "Wed, 32 Oct 2026 07:30:00 GMT", "Wed, 21 Oct 2026 25:30:00 GMT", "12:30", "1,5",
     "Wednesday, 21-Oct-26 07:30:00 GMT", "Wed Oct 21 07:30:00 2026", "Sun Nov  6 08:49:37 1994",
     "Wed, 21 Oct 2026 07:30:00 -0000", "2026-10-21T07:30:00",
     "2026-10-21T25:30:00Z", "2026-10-21T07:30Z tomorrow",
     float("nan"), float("inf"), True, b"120", [120], 10**400, NOW],
    ids=repr,
)  # fmt: skip
def test_what_no_pause_is(given: Any) -> None:
    """The message says what is valid."""
    with pytest.raises(ConfigError, match="is no pause: give seconds, a timedelta, .* Retry-After"):
        pause_seconds(given, wall)


@pytest.mark.parametrize(
    "given",
    [1795710500, "1795710500", timedelta(days=401), 10**30, "60 weeks", "2028-10-21T07:30:00Z",
     "Sat, 21 Oct 2028 07:30:00 GMT"],
    ids=repr,
)  # fmt: skip
def test_a_time_is_not_taken_for_a_length(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"over a year: .* int\(text\) - time.time\(\)"):
        pause_seconds(given, wall)


# ------------------------------------------------------------------------------ each limiter


@pytest.fixture(params=["gcra", "gcra-shared", "several"])
def limiter(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Any:
    if request.param == "gcra-shared":
        pytest.importorskip("fcntl")
        return SharedTokenBucket(1, path=tmp_path / "app.limit", clock=clock)
    bucket = TokenBucket(1, clock=clock)
    return TokenBucket.together({"calls": bucket}) if request.param == "several" else bucket


def wait(limiter: LimiterBase, key: str = "") -> float:
    """Seconds that a call would have to wait; it is none that does not."""
    try:
        grant = limiter.consume(1, timeout=0, key=key)
    except RateLimitError as error:
        return round(error.retry_after or 0.0, 1)
    limiter.settle(grant, 0)
    return 0.0


def test_a_limiter_takes_the_text_of_the_header(
    limiter: LimiterBase, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", wall)
    limiter.pause("7")
    assert wait(limiter) == 7
    limiter.pause("Wed, 21 Oct 2026 07:28:30 GMT")
    assert wait(limiter) == 30
    clock.now += 10
    limiter.pause(timedelta(seconds=25))
    assert wait(limiter) == 25


@pytest.mark.parametrize("nothing", [0, -1, "0", "-3", None, "", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_what_is_over_pauses_nothing(limiter: LimiterBase, nothing: Any) -> None:
    limiter.pause(nothing)
    assert wait(limiter) == 0


def test_a_pause_of_a_key_holds_that_alone(limiter: LimiterBase, clock: Clock) -> None:
    limiter.pause(7, key="a")
    assert [wait(limiter, key) for key in ("a", "b", "")] == [7, 0, 0]
    limiter.pause(3)
    clock.now += 2
    assert [wait(limiter, key) for key in ("a", "b", "new")] == [5, 1, 1]


class Plain(TokenBucket):
    """As a plug-in: it knows numbers."""

    name = "plain"

    def __init__(self) -> None:
        super().__init__(1000)
        self.paused: list[Any] = []

    def hold(self, seconds: Any, key: str = "") -> None:
        self.paused.append(seconds)


def test_a_permit_gives_its_limiter_a_number() -> None:
    limiter = Plain()
    with (
        Spot("app", limiter=limiter, metadata="memory", config=False) as spot,
        spot.limit() as permit,
    ):
        permit.pause("2 minutes")
        permit.pause("Sun, 06 Nov 1994 08:49:37 GMT")
        permit.pause(None)
        with pytest.raises(ConfigError, match="is no pause"):
            permit.pause("soon")
    assert limiter.paused == [120.0]
