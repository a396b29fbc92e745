"""`Counted`: what the calls of one function came to in this process."""

from __future__ import annotations

from typing import Final

Numbers = tuple[float, ...]
"""What was counted, in the order of the fields of `Counts`."""

NOTHING: Final[Numbers] = (0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)


class Counted:
    """What was counted of all functions of one identifier since their Spot was made.

    `+= 1` on a plain attribute is one step for CPython with its global lock, so nothing is lost
    between threads; a lock would cost more than the rest of the counting.

    Attributes:
        func_identifier: of the functions.
        hits: calls that got the result of another one.
        runs: executions of the function's body, those that failed included; with `each` items.
        failures: executions that raised; with `each` their items.
        seconds_saved: how long the executions took that the hits spared.
        seconds_spent: how long the executions took.
        money_saved: what the executions cost that the hits spared, in the unit of `mark(price=)`.
        money_spent: what the executions cost.
        grants: permits that the limiter gave.
        waits: those of the grants that had to wait.
        refusals: permits that the limiter did not give.
        seconds_waited: how long the grants waited.
        has_stored: whether a result was stored.
    """

    # Of the class, until something is counted.
    hits = 0
    runs = 0
    failures = 0
    seconds_saved = 0.0
    seconds_spent = 0.0
    money_saved = 0.0
    money_spent = 0.0
    grants = 0
    waits = 0
    refusals = 0
    seconds_waited = 0.0
    has_stored = False

    def __init__(self, func_identifier: str) -> None:
        self.func_identifier = func_identifier

    def reset_after_fork(self) -> None:
        """Another process counts from the start."""
        self.__dict__ = {"func_identifier": self.func_identifier}

    def numbers(self) -> Numbers:
        """All of them, in the order of the fields of `Counts`."""
        return (
            *(self.hits, self.runs, self.failures),
            *(self.seconds_saved, self.seconds_spent, self.money_saved, self.money_spent),
            *(self.grants, self.waits, self.refusals, self.seconds_waited),
        )
