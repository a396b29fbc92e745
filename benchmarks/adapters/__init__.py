"""One interface for everybody: a directory and a function in, a function that remembers out."""

from __future__ import annotations

import importlib.metadata
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager, ExitStack
    from pathlib import Path

    from benchmarks.workload import Function

    Make = Callable[[Path, Function], Iterator[Function]]


@dataclass(frozen=True)
class Adapter:
    """One library, or one way to use it.

    Attributes:
        name: stands in the tables.
        make: gives, while open, the function that remembers what the given one returned.
        needs: the distribution that has to be installed; "" for the standard library and ourselves.
    """

    name: str
    make: Callable[[Path, Function], AbstractContextManager[Function]]
    needs: str = ""

    def __reduce__(self) -> str | tuple[Any, ...]:
        """For other processes: by its name, since what it is made of has no pickled form."""
        return _by_name, (self.name,)

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return not self.needs or version(self.needs) is not None


_all: dict[str, Adapter] = {}


def adapter(name: str, needs: str = "") -> Callable[[Make], Adapter]:
    """Make an `Adapter` of a generator function: set up, yield the function, close."""

    def decorated(make: Make) -> Adapter:
        _all[name] = Adapter(name, contextmanager(make), needs)
        return _all[name]

    return decorated


def _by_name(name: str) -> Adapter:
    from benchmarks.adapters import ours, peers, references  # noqa: F401 - they fill `_all`

    return _all[name]


def version(distribution: str) -> str | None:
    """The version that is installed, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def opened(
    stack: ExitStack, adapters: Iterable[Adapter], directory: Path, function: Function
) -> dict[str, Function]:
    """Open those that are installed, each in a directory of its own, until the stack closes."""
    functions = {}
    for number, one in enumerate(adapters):
        if one.installed:
            place = directory / str(number)
            place.mkdir(parents=True)
            functions[one.name] = stack.enter_context(one.make(place, function))
    return functions
