"""Whether a wrapper returns what it wraps as that is, a coroutine or a generator, say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from beautyspot.functions.code.source import definition_of
from beautyspot.functions.names import captured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType


def hands_on(wrapper: FunctionType, wrapped: object) -> bool:
    """Whether each ``return`` of the wrapper returns a call of what it wraps, and nothing else.

    False where the wrapper has no source.
    """
    node = definition_of(wrapper)
    names = {name for name, value in captured(wrapper).items() if value is wrapped}
    returned = [] if node is None else list(_returned(node))
    return bool(returned) and all(_is_call_of(names, value) for value in returned)


def _returned(node: Any) -> Iterator[ast.expr | None]:
    """What a function returns, without the functions inside of it."""
    if isinstance(node, ast.Lambda):
        yield node.body
        return
    todo = list(node.body)
    while todo:
        part = todo.pop()
        if isinstance(part, ast.Return):
            yield part.value
        elif not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo += ast.iter_child_nodes(part)


def _is_call_of(names: set[str], value: ast.expr | None) -> bool:
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in names
    )
