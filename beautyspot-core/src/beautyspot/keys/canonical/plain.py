"""The canonical text of small plain values, as a walk would write it, without the walk.

Most arguments that are not flat are what JSON has: a few names, lists and texts. A walk remembers
where it is, for its messages, and what it has seen, for cycles and for what is shared; small values
of the exact builtin types need neither. Whatever else there is, is left to the walk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.text import FLAT, fold, is_plain_key, quote, tag

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH: Final = 4
ITEMS: Final = 16
"""Containers that are nested deeper, or hold more, are left to the walk.

It bounds what a value costs that contains itself, or one part many times.
"""


def plain(value: object, depth: int = DEPTH) -> str:
    """The canonical text of a small plain value.

    Raises:
        Exception: it is not small and plain, or changes meanwhile: the walk says more.
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
