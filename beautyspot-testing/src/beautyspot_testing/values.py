"""Values for the suites of keys and serializers, and functions that give IDs in any process.

Imports neither pytest nor hypothesis, since other processes test nothing.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from beautyspot.contracts import TypeSupport
from beautyspot.errors import UnstableKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import KeyGenBase


class Pair(NamedTuple):
    """Equal to a tuple, and not one."""

    left: int
    right: int


class Plain:
    """An object with a state."""

    def __init__(self, state: object) -> None:
        self.state = state


class PlainTypes(TypeSupport):
    """Says what counts of a `Plain` and how to store it, as a plug-in would."""

    name = "plain"
    classes = (f"{__name__}:Plain",)

    def key(self, value: Plain) -> object:
        """See `TypeSupport.key`."""
        return value.state

    def encode(self, value: Plain) -> object:
        """See `TypeSupport.encode`."""
        return value.state

    def decode(self, value: object) -> Plain:
        """See `TypeSupport.decode`."""
        return Plain(value)


BASIC: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**70, 0.0, 1.0, -0.0, 0.1, 1e300, math.nan, math.inf, -math.inf,
    "", "0", "1", "1.0", "None", "null", "true", "nan", "[]", "[1]", "a", "A", "é", "e\u0301", "\0",
    [], [1], [True], [1.0], ["1"], [[]], [[1], 2], [1, [2]], [1, 2], [2, 1], [None],
    (), (1,), (1, 2), ((1, 2),), ([1], 2),
    {}, {"a": 1}, {"a": "1"}, {"a": [1]}, {"a": (1,)}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"b": 2}},
)  # fmt: skip
"""Values that every key generator takes, no two of which are the same."""

FURTHER: Final[tuple[Any, ...]] = (
    b"", b"1", b"a", bytearray(b"a"), {1: 2}, {"1": 2}, {True: 2}, {(1,): 2}, {None: 2}, {"$a": 1},
    set(), {1}, {"b", "a", "c"}, {1, 2}, frozenset({1}), 1j, range(3), range(1, 3), [range(3)],
    date(2024, 1, 2), datetime(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02",  # noqa: DTZ001
    timedelta(1), Decimal("1.5"), Decimal("1.50"), "1.5", 1.5, Fraction(3, 2), "3/2",
    UUID(int=1), str(UUID(int=1)), PurePosixPath("a/b"), "a/b", Pair(1, 2), Plain(1), Plain(2),
    Plain([1]), {"state": 1}, len, max, int, str, "x" * 100_000, "x" * 100_000 + "y",
    b"x" * 100_000, b"x" * 99_999 + b"y",
)  # fmt: skip
"""Values that a key generator may refuse, no two of which are the same."""


def id_or_none(keygen: KeyGenBase, value: object) -> str | None:
    """The ID of a call with one argument, or None where it is refused."""
    try:
        return keygen.input_id((value,), {})
    except UnstableKeyError:
        return None


def ids(keygen: KeyGenBase) -> Iterator[str | None]:
    """The IDs of all values above."""
    for value in (*BASIC, *FURTHER):
        yield id_or_none(keygen, value)


def print_ids(keygen: KeyGenBase) -> None:
    """Print the IDs as JSON, in another process."""
    json.dump(list(ids(keygen)), sys.stdout)
