"""Remembers the keys of calls with small flat arguments.

Only arguments of exactly `str`, `int`, `float`, `bool` and None are looked up by equality: no key
function can be registered for these. Their types are a part of the look-up, since `1`, `1.0` and
`True` are equal, but three calls. A float zero is never remembered: `0.0` equals `-0.0`.
"""

from __future__ import annotations

from typing import Any, Final

Address = tuple[str, str]
"""A call's key and its `input_id`."""

FLAT: Final = frozenset({str, int, float, bool, type(None)})

CALLS: Final = 4096
"""The number of calls of a function that are remembered; then the memo starts afresh."""

LONGEST: Final = 256
"""The longest text that is remembered, in characters. Bounds the memory."""

_LARGEST: Final = 1 << 512


class Memo:
    """Keys by arguments, for one function.

    Attributes:
        by_types: the arguments' types -> arguments -> address. It is replaced when it is full,
            and never emptied: a thread that reads it keeps the old one.
    """

    __slots__ = ("_room", "by_types")

    def __init__(self) -> None:
        self.by_types: dict[tuple[type, ...], dict[tuple[Any, ...], Address]] = {}
        self._room = CALLS

    def get(self, args: tuple[Any, ...]) -> Address | None:
        """The address of a call with these arguments; None if it is not remembered."""
        by_args = self.by_types.get(tuple(map(type, args)))
        return None if by_args is None else by_args.get(args)

    def put(self, args: tuple[Any, ...], address: Address) -> None:
        """Remember a call whose arguments are small and flat."""
        if not all(map(_is_small, args)):
            return
        if self._room <= 0:
            self.by_types, self._room = {}, CALLS
        self._room -= 1
        self.by_types.setdefault(tuple(map(type, args)), {})[args] = address


def _is_small(value: Any) -> bool:
    kind = type(value)
    if kind not in FLAT:
        return False
    if kind is str:
        return len(value) <= LONGEST
    if kind is float:
        return bool(value != 0.0)
    return kind is not int or -_LARGEST < value < _LARGEST
