"""What stands at the head of a store's pages: its functions, and what it saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beautyspot import BeautyspotError, Counts, StoredFunction
from beautyspot_cli.formats import safe

from beautyspot_dashboard.kept import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot_dashboard.kept import Answer
    from beautyspot_dashboard.shelf import Shelved

_OFFERED: Final = 500
"""Names that a field of a form offers."""


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
    """Begin to count, for a page that will ask soon."""
    _functions(shelved, wait=0)


def summary(shelved: Shelved, wait: float | None = None) -> Summary:
    """A store in numbers: all of them, or those that come at once.

    Raises:
        BeautyspotError: the store can't be read.
    """
    store = shelved.store()
    found = _functions(shelved, wait)
    if found is not None:
        functions = found.value
        return Summary(functions, False, found.age, summed(each.counts for each in functions))
    counts = [each for each in store.counts(hourly=False) if each.hits or each.runs]
    functions = [StoredFunction(each[0], 0, 0, None, None, each, None) for each in counts]
    return Summary(functions, True, 0.0, summed(counts))


def function_names(shelved: Shelved) -> tuple[str, ...] | None:
    """The names of the functions in a store; None where it takes long to find them: ask again."""
    try:
        found = _functions(shelved)
        return None if found is None else tuple(each.name for each in found.value)
    except BeautyspotError:  # whatever else the page shows says it
        return ()


def offered(names: tuple[str, ...] | None) -> list[str]:
    """The names that a field of a form offers: some, and none that can't be shown as it is."""
    return [name for name in (names or ())[:_OFFERED] if safe(name) == name]


def _functions(shelved: Shelved, wait: float | None = None) -> Answer[list[StoredFunction]] | None:
    return shelved.kept.get("functions", lambda: shelved.store().functions(), wait, keep=ALWAYS)


def summed(counts: Iterable[Counts]) -> Counts:
    """The sum of counts, of no function and no hour."""
    sums: list[Any] = [sum(column) for column in zip(*(each[2:] for each in counts), strict=True)]
    return Counts("", 0, *sums)
