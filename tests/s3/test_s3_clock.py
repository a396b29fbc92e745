"""The server's clock, from the dates of its answers, which tell whole seconds."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from beautyspot_s3.clock import ServerClock, least_age
from owned_clock import Clock

START = 1_800_000_000.0
"""What the server's clock shows when the ticks are 1000."""


class Server:
    """A server whose clock is right, or `ahead`, and answers within `trip` seconds."""

    def __init__(self, trip: float = 0.02) -> None:
        self.ticks = Clock()
        self.clock = ServerClock(self.ticks)
        self.trip, self.ahead = trip, 0.0

    @property
    def time(self) -> float:
        return START + self.ticks.now - 1000 + self.ahead

    def answer(self, date: str | None = None) -> None:
        """Answer one request."""
        sent = self.ticks.now
        self.ticks.now += self.trip / 2
        date = formatdate(int(self.time), usegmt=True) if date is None else date
        self.ticks.now += self.trip / 2
        self.clock.hear(date, sent, self.ticks.now)

    @property
    def told(self) -> float:
        told = self.clock.now()
        assert told is not None
        return told

    @property
    def most(self) -> float:
        most = self.clock.latest()
        assert most is not None
        return most


def test_nothing_is_known_before_an_answer() -> None:
    clock = Server().clock
    assert clock.now() is None
    assert clock.latest() is None
    assert clock.is_due()
    assert clock.is_steady(1e9)


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 00:00:00 GMT", "0", "é"])
def test_what_is_no_date_is_passed_over(date: str) -> None:
    server = Server()
    server.answer(date)
    assert server.clock.now() is None
    assert not server.clock.is_due(), "it would not say more"
    assert least_age(date, START) is None


def test_each_answer_narrows_what_is_known() -> None:
    server = Server()
    server.answer()
    assert server.time - 1.03 <= server.told <= server.time <= server.most <= server.time + 1.03
    for _ in range(200):
        server.ticks.now += 0.377
        server.answer()
        assert server.told <= server.time <= server.most
    assert server.time - 0.03 <= server.told
    assert server.most <= server.time + 0.06, "to about a round trip"


def test_it_goes_on_between_answers_and_is_asked_again() -> None:
    server = Server()
    server.answer()
    assert not server.clock.is_due()
    before = server.told
    server.ticks.now += 100
    assert 99.9 < server.told - before < 100
    assert server.told <= server.time <= server.most, "though clocks drift apart"
    assert server.clock.is_due()


def test_clocks_that_drift_apart_are_no_jump() -> None:
    server = Server()
    for _ in range(2000):
        server.ticks.now += 7.3
        server.ahead -= 7.3e-4
        server.answer()
    assert server.clock.is_steady(1e9)
    assert server.time - 1 < server.told < server.time + 0.1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_counts_once_a_second_answer_says_so(jump: float) -> None:
    server = Server()
    server.answer()
    server.ahead = jump
    before = server.told
    server.answer()
    assert abs(server.told - before) < 1, "one answer may come from whatever stands in between"
    assert not server.clock.is_steady(30)
    server.answer()
    assert abs(server.told - server.time) < 1.1
    server.ticks.now += 31
    assert server.clock.is_steady(30)


def test_one_wrong_date_counts_for_nothing() -> None:
    server = Server()
    server.answer()
    for wrong in (3600.0, -7200.0, 86400.0):
        server.ahead = wrong
        server.answer()
        server.ahead = 0.0
        server.answer()
        assert server.told <= server.time <= server.most
    assert abs(server.told - server.time) < 1.1


def test_machines_of_one_server_may_differ_by_a_little() -> None:
    server = Server()
    told = []
    for number in range(50):
        server.ahead = 0.8 * (number % 2)
        server.ticks.now += 0.231
        server.answer()
        told.append(server.told)
    assert told == sorted(told), "none makes the time go back"
    assert server.clock.is_steady(1e9)


def test_the_age_of_an_object_is_the_least_that_whole_seconds_allow() -> None:
    date = formatdate(START + 31, usegmt=True)
    assert least_age(date, START) == 30.0
