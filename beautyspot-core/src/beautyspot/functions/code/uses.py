"""How a function uses the names in it: as values that others may look at, or to change them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from beautyspot.functions.code.normal_form import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.functions.code.normal_form import Definition

_CHANGING: Final = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert"),
        *("intersection_update", "pop", "popitem", "popleft", "remove", "reverse", "rotate"),
        *("setdefault", "sort", "subtract", "symmetric_difference_update", "update"),
        *("difference_update", "__setitem__", "__delitem__", "move_to_end"),
    }
)
"""Methods by which lists, dicts, sets and the like change."""


def used_as_values(node: Definition) -> set[str]:
    """The dotted names that are more than called: passed on, returned, put into something."""
    inner = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            inner.add(id(part.func))
        elif isinstance(part, ast.Attribute):
            inner.add(id(part.value))
    names = (
        dotted(part)
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute) and id(part) not in inner
    )
    return {".".join(name) for name in names if name}


def is_more_than_read(node: Definition, name: str) -> bool:
    """Whether a function does more with a variable than to take attributes of it by their names.

    It passes `self` on, calls it, or asks for its class or length: so any method of it may run.
    """
    parts = list(ast.walk(node))
    uses = sum(isinstance(part, ast.Name) and part.id == name for part in parts)
    owners = [part.value for part in parts if isinstance(part, ast.Attribute)]
    reads = sum(isinstance(owner, ast.Name) and owner.id == name for owner in owners)
    classes = (part.attr == "__class__" for part in parts if isinstance(part, ast.Attribute))
    return uses > reads or any(classes)


def changed_names(definitions: Iterable[Definition]) -> set[str]:
    """The names of a module whose values functions assign, or change in place.

    ``LIMIT`` for ``global LIMIT``, ``table`` for ``table[key] = value`` and ``table.append(1)``,
    ``config.limit`` for ``config.limit = 1`` and for ``config.limit.append(1)``.
    """
    found: set[str] = set()
    for node in definitions:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = list(ast.walk(node))
            assigned = {
                name for part in parts if isinstance(part, ast.Global) for name in part.names
            }
            names = {part.id for part in parts if isinstance(part, ast.Name) and _is_set(part)}
            local = (names | {part.arg for part in parts if isinstance(part, ast.arg)}) - assigned
            changed = filter(None, map(_changed, parts))
            found |= assigned | {path for path in changed if path.partition(".")[0] not in local}
    return found


def beneath(changed: Iterable[str], path: str) -> frozenset[str]:
    """What is changed of the value at a path; "" where the value itself is."""
    return frozenset(each[len(path) + 1 :] for each in changed if f"{each}.".startswith(f"{path}."))


def _is_set(part: ast.Name | ast.Attribute | ast.Subscript) -> bool:
    return not isinstance(part.ctx, ast.Load)


def _changed(part: ast.AST) -> str | None:
    """The dotted name that one node of a function changes, from a variable on."""
    target: ast.AST = part
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
        target = part.func.value if part.func.attr in _CHANGING else part
    elif isinstance(part, ast.Subscript) and _is_set(part):
        target = part.value
    elif not (isinstance(part, ast.Attribute) and _is_set(part)):
        return None
    names: list[str] = []
    while isinstance(target, ast.Subscript | ast.Attribute):
        # what is in a container is a part of that: ``table["a"].append(1)``
        names = [target.attr, *names] if isinstance(target, ast.Attribute) else []
        target = target.value
    return ".".join([target.id, *names]) if isinstance(target, ast.Name) else None
