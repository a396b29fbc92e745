"""`Counts`: what a function's calls came to in one hour, over all processes."""

from __future__ import annotations

from typing import Final, NamedTuple

PRICE_UNIT: Final = "price_unit"
"""The name of the remark that says in which unit prices are, such as "$"."""

UNSTORED: Final = "unstored "
"""With the identifier of a function behind it, that of why no result of it is stored."""


class Counts(NamedTuple):
    """What was counted of one function in one hour. A store adds up what several processes give.

    Later releases add fields at the end, with defaults: a store may keep them or leave them out.
    """

    func_identifier: str  # as in `TaskRecord`
    hour: int  # whole hours since the beginning of 1970, UTC: Unix time // 3600
    hits: int = 0  # calls that got a result without a run
    runs: int = 0  # executions, also those that failed; with `each` items
    failures: int = 0  # executions that raised; with `each` their items
    seconds_saved: float = 0.0  # by hits: how long the executions took whose results they gave
    seconds_spent: float = 0.0  # by executions, as `TaskRecord.took`
    money_saved: float = 0.0  # by hits, in the unit of `mark(price=)`
    money_spent: float = 0.0  # by executions
    grants: int = 0  # permits of the limiter
    waits: int = 0  # those of the grants that had to wait
    refusals: int = 0  # `RateLimitError` and `CostError`
    seconds_waited: float = 0.0  # by the grants that had to wait, together
