"""Questions that take long: no page waits for their answer, and it is there some time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from beautyspot_dashboard.behind import Behind

if TYPE_CHECKING:
    from collections.abc import Callable


def counted(answers: list[int]) -> Callable[[], int]:
    """Notes that it was asked, and says how often."""

    def work() -> int:
        answers.append(len(answers))
        return len(answers)

    return work


def test_what_takes_long_is_asked_once_and_told_later() -> None:
    behind, ends, asked = Behind(), threading.Event(), list[int]()

    def work() -> str:
        asked.append(1)
        ends.wait(20)
        return "the answer"

    assert behind.ask("it", work, 0) is None
    assert behind.ask("it", work, 0) is None
    ends.set()
    assert behind.ask("it", work, 20) == "the answer"
    assert len(asked) == 1
    assert behind.ask("it", work, 20) == "the answer"
    assert len(asked) == 2


def test_an_answer_can_be_given_again() -> None:
    behind, asked = Behind(), list[int]()
    assert behind.ask("it", counted(asked), 20, keep=1000) == 1
    assert behind.ask("it", counted(asked), 20, keep=1000) == 1
    assert behind.ask("other", counted(asked), 20, keep=1000) == 2
    assert behind.ask("it", counted(asked), 20) == 1
    assert behind.ask("it", counted(asked), 20) == 3


def test_what_fails_fails_where_it_is_asked_for() -> None:
    behind = Behind()

    def work() -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            behind.ask("it", work, 20)


def test_no_more_than_some_are_under_way() -> None:
    behind, ends = Behind(), threading.Event()
    for number in range(8):
        assert behind.ask(number, lambda: ends.wait(20), 0) is None
    asked: list[int] = []
    assert behind.ask("one more", counted(asked), 20) is None
    assert not asked
    ends.set()
    for number in range(8):
        assert behind.ask(number, bool, 20) is True
    assert behind.ask("one more", counted(asked), 20) == 1


def test_what_nobody_comes_for_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    behind, asked = Behind(), list[int]()
    assert behind.ask("it", counted(asked), 20, keep=1000) == 1
    monkeypatch.setattr("beautyspot_dashboard.behind._KEPT", 0)
    assert behind.ask("it", counted(asked), 20, keep=1000) == 2
