"""Rates, costs and waiting times as people write them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from beautyspot.errors import ConfigError
from beautyspot_local.rate import checked_workers, parse_rate
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "per_second", "max_cost"),
    [
        (" 600 / MIN ", 10, 600),
        ("5/2 s", 2.5, 5),
        ("0.5/s", 0.5, 1),
        ("1e3/h", 1000 / 3600, 1000),
        (10, 10, 10),
        (2.5, 2.5, 2.5),
        (0.25, 0.25, 1),
        (Fraction(1, 2), 0.5, 1),
    ],
)
def test_forms(text: object, per_second: float, max_cost: float) -> None:
    assert parse_rate(text) == pytest.approx((per_second, max_cost, 0))


@pytest.mark.parametrize(
    "rate",
    [
        "",
        "10",
        "10/fortnight",
        "/s",
        "-1/s",
        "0/s",
        "1,000/h",
        "nan/s",
        "1e999/s",
        "1/1e-400s",
        "١/s",
        0,
        math.nan,
        True,
        None,
        Decimal(1),
    ],
)
def test_what_is_no_rate_shows_the_forms(rate: object) -> None:
    with pytest.raises(ConfigError, match=r'"600/min".*number per second'):
        parse_rate(rate)


@given(st.text())
def test_any_text_is_a_rate_or_a_clear_error(text: str) -> None:
    try:
        rate = parse_rate(text)
    except ConfigError:
        return
    assert 0 < rate.per_second < math.inf
    assert 1 <= rate.max_cost < math.inf


@pytest.mark.parametrize("max_cost", [0, -1, math.nan, math.inf, True, "600", [1], 10**400])
def test_what_is_no_maximum(max_cost: object) -> None:
    with pytest.raises(ConfigError, match="max_cost="):
        parse_rate("600/min", max_cost)


def test_a_maximum_that_takes_for_ever_is_refused() -> None:
    with pytest.raises(ConfigError, match="lower max_cost"):
        parse_rate(1e-300, 1e300)


@pytest.mark.parametrize("burst", [-1, math.nan, math.inf, True, "5", None])
def test_what_is_no_burst(burst: object) -> None:
    with pytest.raises(ConfigError, match="burst="):
        parse_rate(1, burst=burst)


def test_a_burst() -> None:
    assert [parse_rate(1, burst=burst).burst for burst in (0, 2, Fraction(1, 2))] == [0, 2, 0.5]


@pytest.mark.parametrize("workers", [0, 0.5, -1, math.nan, math.inf, True, "5", None])
def test_what_is_no_number_of_workers(workers: object) -> None:
    with pytest.raises(ConfigError, match="workers=.*give how many processes"):
        checked_workers(workers)
