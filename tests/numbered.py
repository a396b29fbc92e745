"""A function of every kind, of which each run gives another result."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kinds import collected

RUNS = itertools.count(1)
"""Global: what is captured would count as input."""


def work(x: Any) -> int:
    return next(RUNS)


async def work_later(x: Any) -> int:
    return next(RUNS)


def stream(x: Any) -> Iterator[int]:
    yield next(RUNS)


async def stream_later(x: Any) -> AsyncIterator[int]:
    yield next(RUNS)


every_kind = pytest.mark.parametrize("function", [work, work_later, stream, stream_later])


def value_of(given: Any) -> int:
    """What a call gave, be it awaited or read to its end."""
    if hasattr(given, "__aiter__"):
        return int(asyncio.run(collected(given))[0])
    if hasattr(given, "__await__"):
        return int(asyncio.run(_awaited(given)))
    return int(next(iter(list(given)))) if hasattr(given, "__next__") else int(given)


async def _awaited(given: Any) -> Any:
    return await given
