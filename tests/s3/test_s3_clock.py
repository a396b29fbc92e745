"""The server's clock, from the dates of its answers, which tell whole seconds."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from beautyspot_s3.clock import ERROR, ServerClock
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


def test_nothing_is_known_before_an_answer() -> None:
    clock = Server().clock
    assert clock.now() is None
    assert not clock.heard


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 00:00:00 GMT", "0", "é"])
def test_what_is_no_date_is_passed_over(date: str) -> None:
    server = Server()
    server.answer(date)
    assert server.clock.now() is None
    assert server.clock.heard, "it would not say more"
    server.answer()
    before = server.told
    server.answer(date)
    assert server.told == pytest.approx(before + server.trip)


def test_each_answer_narrows_what_is_known() -> None:
    server = Server()
    server.answer()
    assert server.time - ERROR <= server.told <= server.time
    for _ in range(200):
        server.ticks.now += 0.377
        server.answer()
        assert server.told <= server.time
    assert server.time - 0.03 <= server.told, "to about a round trip"


def test_it_goes_on_between_answers() -> None:
    server = Server()
    server.answer()
    before = server.told
    server.ticks.now += 100
    assert server.told == pytest.approx(before + 100)


def test_an_answer_that_comes_late_says_less() -> None:
    server = Server()
    for _ in range(50):
        server.ticks.now += 0.377
        server.answer()
    server.trip = 20.0
    server.answer()
    assert server.time - 0.1 <= server.told <= server.time


def test_clocks_drift_apart() -> None:
    server = Server()
    for drift in (-7.3e-4, 7.3e-4):
        for _ in range(4000):
            server.ticks.now += 7.3
            server.ahead += drift
            server.answer()
            assert server.time - 1.1 < server.told < server.time + 0.1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_is_followed(jump: float) -> None:
    server = Server()
    server.answer()
    server.ahead = jump
    server.answer()
    assert abs(server.told - server.time) < 1.1
    server.ahead = 0.0
    server.answer()
    assert abs(server.told - server.time) < 1.1
