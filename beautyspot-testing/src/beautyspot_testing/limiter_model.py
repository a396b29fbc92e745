"""A Hypothesis machine that asks a limiter anything, and holds its answers against the promise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pytest
from beautyspot.contracts import SOON, Grant, LimiterBase, Rate, Schedule
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROUNDING: Final = 1e-4
"""By so much, in seconds or costs, an answer may differ: servers count microseconds."""

# Eighths and such rates add up without rounding, and no start is just `SOON` seconds away.
ONE: Final = {"rate": Rate(8.0, 8.0, burst=4.0)}
SEVERAL: Final = {"calls": Rate(4.0, 8.0), "words": Rate(8.0, 8.0, burst=4.0)}
COSTS = st.integers(1, 64).map(lambda eighths: eighths / 8)
SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.5])
SECONDS = st.integers(0, 24).map(lambda sixteenths: sixteenths / 16)
KEYS = ("", "one")


class ManualClock:
    """A clock that goes only when it is told to; a call gives its reading in seconds."""

    def __init__(self, start: float = 1024.0) -> None:
        self.reading = start

    def __call__(self) -> float:
        """The reading."""
        return self.reading

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass; with less than 0, turn it back."""
        self.reading += seconds


def take(
    limiter: LimiterBase, asked: Sequence[Mapping[str, float]], key: str = ""
) -> tuple[list[Grant], list[float]]:
    """Ask for calls, and look whether the answer is one.

    Returns:
        The grants; and the delay of each, with the wait of the first other one behind them.
    """
    grants: list[Grant] = []
    wait = 0.0
    while not wait and len(grants) < len(asked):  # it may answer for some at a time
        some, wait = limiter.take(asked[len(grants) :], key)
        assert some or wait > SOON - ROUNDING, f"not granted, though it may begin in {wait} s"
        grants += some
    for grant, costs in zip(grants, asked, strict=False):
        assert (dict(grant.costs), grant.key) == (costs, key), "it says what was taken, and of whom"
        assert 0 <= grant.delay <= SOON + ROUNDING, f"granted, though it begins in {grant.delay} s"
    assert (len(grants) < len(asked)) is (wait > 0), "the wait is that of the first other one"
    return grants, [grant.delay for grant in grants] + [wait] * (wait > 0)


class Promise:
    """What holds of every window that begins and ends with a start: of one limit of one key.

    What is taken from the first start on, until the last one, less what is given back meanwhile, is
    within what the rate allows in that time, and the burst. The last one's own cost comes on top.
    """

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self.taken = 0.0
        self._most = -math.inf  # that the rate had allowed at a start, beyond what was taken then

    def start(self, when: float, cost: float) -> None:
        """A call begins, and takes its cost."""
        allowed = when * self._rate.per_second - self.taken
        excess = self._most - allowed - self._rate.burst
        assert excess < ROUNDING, f"a window holds {excess:g} more than the rate allows"
        self._most = max(self._most, allowed)
        self.taken += cost


class LimiterMachine(RuleBasedStateMachine):
    """Any interleaving of take, give_back, hold and time. A subclass sets the attributes.

    Attributes:
        make: see `LimiterContract.make`.
        limits: what it is given: `ONE` or `SEVERAL`.
    """

    make: Callable[[Mapping[str, Rate], ManualClock], LimiterBase]
    limits: Mapping[str, Rate]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.limiter = self.make(self.limits, self.clock)
        self.model = {key: Schedule(self.limits) for key in KEYS}
        self.promises = {
            (key, name): Promise(rate) for key in KEYS for name, rate in self.limits.items()
        }
        self.grants: list[Grant] = []
        self.wait = 0.0

    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def take(self, data: st.DataObject, key: str) -> None:
        """Calls are granted as `Schedule` grants them, and no window holds too much."""
        costs = st.dictionaries(st.sampled_from(sorted(self.limits)), COSTS, min_size=1)
        asked = data.draw(st.lists(costs, min_size=1, max_size=3))
        grants, answer = take(self.limiter, asked, key)
        delays, self.wait = self.model[key].take(asked, self.clock())
        expected = delays if len(delays) == len(asked) else [*delays, self.wait]
        assert answer == pytest.approx(expected, abs=ROUNDING)
        for grant in grants:
            for name, cost in grant.costs.items():
                self.promises[key, name].start(self.clock() + grant.delay, cost)
        self.grants += grants

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        """The real costs of one that was granted are known, in all of its limits or in some."""
        behind = data.draw(st.integers(0, min(2, len(self.grants) - 1)), "granted since")
        grant = self.grants.pop(-1 - behind)
        names = st.sampled_from(sorted(grant.costs))
        shares = data.draw(st.dictionaries(names, SHARES, min_size=1), "of its estimate")
        real = {name: grant.costs[name] * share for name, share in shares.items()}
        self.limiter.give_back(grant, real)
        self.model[grant.key].give_back(grant.costs, real, self.clock())
        for name, cost in real.items():
            self.promises[grant.key, name].taken += cost - grant.costs[name]

    @rule(seconds=SECONDS, key=st.sampled_from(KEYS))
    def hold(self, seconds: float, key: str) -> None:
        """A pause, of a key or of all."""
        self.limiter.hold(seconds, key)
        for each in [key] if key else KEYS:
            self.model[each].pause(seconds, self.clock())

    @rule(seconds=st.none() | SECONDS)
    def advance(self, seconds: float | None) -> None:
        """Time passes; None: just so much that one may begin that had to wait."""
        self.clock.advance(self.wait if seconds is None else seconds)

    def teardown(self) -> None:
        """Close it."""
        self.limiter.close()
