"""Two functions of one identity get each other's results: that is said once, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot

from tests.made import findable

HERE = __file__


def double(x: int) -> int:
    return x * 2


def triple(x: int) -> int:
    return x * 3


def line_of(function: Any) -> int:
    return int(function.__code__.co_firstlineno)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged so far."""
    return lambda: [record.getMessage() for record in caplog.records]


def test_two_functions_of_one_name_are_said_with_both_places(
    make_spot: Callable[..., Spot], troubles: list[Trouble], said: Any
) -> None:
    spot = make_spot(on_error=troubles.append)
    one, two = spot.mark(name="f")(double), spot.mark(name="f")(triple)
    assert one(1) == 2
    assert said() == []
    for x in (1, 2, 3):
        two(x), one(x)
    (text,) = said()
    assert text == (
        f"app: could not tell functions apart for f: ConfigError: {HERE}:{line_of(double)} and "
        f"{HERE}:{line_of(triple)} have one identity, so each gets the other's results. Give each "
        'a name of its own, mark(name="…"); where one is an edit of the other, raise its version=, '
        'or let version="auto" follow the code'
    )
    assert len(troubles) == 1
    assert spot.stats()["errors"] == 1


def test_a_factory_and_what_counts_beside_the_name(
    make_spot: Callable[..., Spot], said: Any
) -> None:
    @findable
    class One:
        def ask(self, x: int) -> int:
            return x

    @findable
    class Two:
        def ask(self, x: int) -> int:
            return x * 2

    def adding(number: int) -> Callable[[int], int]:
        return lambda x: x + number

    spot = make_spot()
    for number in (1, 2):
        spot.mark(name="adding")(adding(number))(1)
        spot.cached_run(adding(number), 1)
    for held in (One(), Two(), One()):
        spot.mark(name="ask")(held.ask)(1)
        spot.cached_run(held.ask, 1)
    for function in (lambda x: x, lambda x: x + 1):
        spot.mark(function)(1)
        spot.mark(name="auto", version="auto")(function)(1)
    spot.mark(name="f", version=1)(double)(1)
    spot.mark(name="f", version=2)(triple)(1)
    assert said() == []
