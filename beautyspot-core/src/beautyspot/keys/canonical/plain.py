"""Writes the canonical text of small plain values without a walk: most arguments are such.

A walk keeps track of where it is, for messages, and of what it has seen, for cycles and shared
parts. Small values of exactly the builtin types need neither. All others are left to the walk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.text import FLAT, fold, is_plain_key, quote, tag

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH: Final = 4
ITEMS: Final = 16
"""Containers that are nested deeper, or have more items, are left to the walk.

This bounds the cost of a value that contains itself, or one part many times.
"""


def plain(value: object, depth: int = DEPTH) -> str:
    """The canonical text of a small plain value.

    Raises:
        Exception: it is not small and plain, or it changes meanwhile: use the walk.
    """
    flat = FLAT.get(type(value))
    return flat(value) if flat is not None else fold(_CONTAINERS[type(value)](value, depth))


def _check(size: int, depth: int) -> None:
    if size > ITEMS or depth == 0:
        raise ValueError("left to the walk")


def _list(items: Any, depth: int) -> str:
    _check(len(items), depth)
    return f"[{','.join([plain(item, depth - 1) for item in items])}]"


def _tuple(items: Any, depth: int) -> str:
    return tag("tuple", _list(items, depth))


def _dict(items: Any, depth: int) -> str:
    _check(len(items) if all(map(is_plain_key, items)) else ITEMS + 1, depth)
    members = [f"{quote(key)}:{plain(items[key], depth - 1)}" for key in sorted(items)]
    return f"{{{','.join(members)}}}"


_CONTAINERS: Final[dict[type, Callable[[Any, int], str]]] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
}
