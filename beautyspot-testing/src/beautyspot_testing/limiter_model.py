"""What a limiter is asked at random: any question, and programs of calls that keep the promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from beautyspot.contracts import SOON, Grant, LimiterBase, Rate, Schedule
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

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


class Windows:
    """The windows that begin and end with a start: of one limit of one key.

    Args:
        name: of the limit.
        rate: of the limit.
    """

    def __init__(self, name: str, rate: Rate) -> None:
        self._name = name
        self._rate = rate
        self._starts: list[tuple[float, Mapping[str, float]]] = []

    def start(self, when: float, costs: Mapping[str, float]) -> None:
        """A call begins. Its costs are those that it took, and corrected once more is known.

        What the others in a window cost is within what the rate allows in its time, and the burst.
        """
        inside = 0.0
        for since, earlier in reversed(self._starts):
            assert when > since - ROUNDING, "a call begins before one that was granted earlier"
            inside += earlier[self._name]
            excess = inside - (when - since) * self._rate.per_second - self._rate.burst
            assert excess < ROUNDING, (
                f"a window of {when - since:g} s holds {excess:g} more than the rate allows"
            )
        self._starts.append((when, costs))


def keep_promise(
    limiter: LimiterBase, limits: Mapping[str, Rate], clock: ManualClock, random: Random
) -> None:
    """A program whose calls cost less or more than they took, and end early, late or never begin.

    No window of any length may hold more than the rate allows in it, the burst, and the last cost.
    """
    windows = {(key, name): Windows(name, rate) for key in KEYS for name, rate in limits.items()}
    running: list[tuple[Grant, dict[str, float]]] = []
    wait = 0.0
    for _ in range(100):
        clock.advance(random.choice([0, 0, 1 / 64, 1 / 16, 1 / 4, 1, wait, wait]))
        key = random.choice(KEYS)
        names = random.sample(sorted(limits), random.randint(1, len(limits)))
        asked = {name: random.choice([1 / 8, 1 / 4, 1, 4, 8]) for name in names}
        grants, [*_, wait] = take(limiter, [asked] * random.randint(1, 3), key)
        for grant in grants:
            running.append((grant, costs := dict(grant.costs)))
            for name in costs:
                windows[key, name].start(clock() + grant.delay, costs)
        if running and random.random() < 0.7:
            last = random.randrange(len(running)) + 1
            first = random.choice([0, last - 1, last - 1, last - 1])
            share = random.choice([0, 0, 1 / 4, 3 / 4, 3 / 2]) if first else 0  # a loop was closed
            for grant, costs in running[first:last]:
                real = {name: cost * share for name, cost in costs.items()}
                limiter.give_back(grant, real)
                costs.update(real)
            del running[first:last]


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
        self.grants: list[tuple[Grant, Grant]] = []  # the limiter's and the model's
        self.wait = 0.0

    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def take(self, data: st.DataObject, key: str) -> None:
        """Calls are granted as `Schedule` grants them."""
        costs = st.dictionaries(st.sampled_from(sorted(self.limits)), COSTS, min_size=1)
        asked = data.draw(st.lists(costs, min_size=1, max_size=3))
        grants, answer = take(self.limiter, asked, key)
        expected, self.wait = self.model[key].take(asked, self.clock(), key)
        delays = [grant.delay for grant in expected] + [self.wait] * (self.wait > 0)
        assert answer == pytest.approx(delays, abs=ROUNDING)
        self.grants += zip(grants, expected, strict=True)

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        """The real costs of one that was granted are known, in all of its limits or in some."""
        behind = data.draw(st.integers(0, min(2, len(self.grants) - 1)), "granted since")
        grant, expected = self.grants.pop(-1 - behind)
        names = st.sampled_from(sorted(grant.costs))
        shares = data.draw(st.dictionaries(names, SHARES, min_size=1), "of its estimate")
        real = {name: grant.costs[name] * share for name, share in shares.items()}
        self.limiter.give_back(grant, real)
        self.model[grant.key].give_back(expected, real, self.clock())

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
