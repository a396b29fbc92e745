"""Results of a class that has other fields by now: misses that are told once, and no errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.resilience.reporting import Trouble


def review(*fields: str) -> type:
    """The class `Review`, at one time of the program's life."""
    return dataclasses.make_dataclass("Review", fields)


def reading(spot: Any, cls: Any, *values: str) -> Callable[[int], Any]:
    """The function that returns it."""

    def read(number: int) -> Any:
        return cls(*values)

    read.__annotations__["return"] = cls
    marked: Callable[[int], Any] = spot.mark(read, name="app:read", key=str)
    return marked


@pytest.fixture
def troubles(make_spot: Callable[..., Any]) -> list[Trouble]:
    """What is reported; the results of the earlier class are stored."""
    with make_spot() as spot:
        earlier = reading(spot, review("text"), "good")
        for number in range(5):
            earlier(number)
    return []


def test_results_of_a_changed_class_are_made_anew_and_told_once(
    make_spot: Callable[..., Any], troubles: list[Trouble], caplog: Any
) -> None:
    cls = review("text", "language")
    with make_spot(on_error=troubles.append) as spot:
        read = reading(spot, cls, "good", "en")
        assert [read(number) for number in range(5)] == [cls("good", "en")] * 5
        assert [read(number) for number in range(5)] == [cls("good", "en")] * 5
        stats = spot.stats()
    assert (stats["misses"], stats["hits"], stats["errors"]) == (5, 5, 0)
    assert troubles == []
    [said] = caplog.messages
    assert "app:read: " in said
    assert "Review has other fields than when it was stored: language" in said
    assert said.endswith("Results that were stored before are made anew")
