"""How a function uses the names in it: as values that others may look at, or to change them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from beautyspot.functions.code.normal_form import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def changed_globals(definitions: Iterator[Definition]) -> set[str]:
    """The names of a module whose values functions change in place: ``table[key] = value``."""
    found: set[str] = set()
    for node in definitions:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= set(_changed(node)) - _local(node)
    return found


def _changed(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load):
            target = part.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            target = part.func.value if part.func.attr in _CHANGING else None
        while isinstance(target, ast.Subscript | ast.Attribute):  # ``table["a"].append(1)``
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id


def _local(node: ast.AST) -> set[str]:
    stored = {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    arguments = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    declared = [part.names for part in ast.walk(node) if isinstance(part, ast.Global)]
    return (stored | arguments).difference(*declared)
