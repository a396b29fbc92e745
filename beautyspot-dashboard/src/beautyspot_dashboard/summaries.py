"""What stands at the head of a store's pages: its functions, and what it saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beautyspot import Counts, StoredFunction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot_dashboard.shelf import Shelved


@dataclass(frozen=True)
class Summary:
    """A store in numbers.

    Attributes:
        functions: what is stored of each. While that is being counted, what was saved by each.
        counting: whether it is still being counted what is stored.
        age: seconds since it was counted.
        counts: the sums over all functions.
    """

    functions: list[StoredFunction]
    counting: bool
    age: float
    counts: Counts

    @property
    def entries(self) -> int:
        """How many results are stored."""
        return sum(each.entries for each in self.functions)

    @property
    def size(self) -> int:
        """Their bytes."""
        return sum(each.size for each in self.functions)

    @property
    def newest(self) -> float | None:
        """When the last of them was made, in Unix time."""
        return max(
            (each.newest for each in self.functions if each.newest is not None), default=None
        )

    @property
    def share(self) -> float | None:
        """The part of all calls that were hits; None where nothing was called."""
        calls = self.counts.hits + self.counts.runs
        return self.counts.hits / calls if calls else None


def begin_summary(shelved: Shelved) -> None:
    """Begin to count, for a page that will ask soon.

    Raises:
        BeautyspotError: the store can't be read.
    """
    store = shelved.store()
    shelved.kept.get("functions", store.functions, wait=0)


def summary(shelved: Shelved, wait: float | None = None) -> Summary:
    """A store in numbers: all of them, or those that come at once.

    Raises:
        BeautyspotError: the store can't be read.
    """
    store = shelved.store()
    found = shelved.kept.get("functions", store.functions, wait)
    if found is not None:
        functions = found.value
        return Summary(functions, False, found.age, summed(each.counts for each in functions))
    counts = [each for each in store.counts(hourly=False) if each.hits or each.runs]
    functions = [StoredFunction(each[0], 0, 0, None, None, each, None) for each in counts]
    return Summary(functions, True, 0.0, summed(counts))


def summed(counts: Iterable[Counts]) -> Counts:
    """The sum of counts, of no function and no hour."""
    sums: list[Any] = [sum(column) for column in zip(*(each[2:] for each in counts), strict=True)]
    return Counts("", 0, *sums)
