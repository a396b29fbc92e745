"""Changes of a Python source, each by a qualified name, a kind of change and a text to find.

The kinds, and what they do with `what`, a name, an attribute's name or a whole expression:

- `returns`: the function does nothing but return that expression.
- `drop`: the simple statement that mentions it goes.
- `always`, `never`: the innermost condition that mentions it is True, or False.
- `uncaught`: what its `except` catches is raised again.
- `without`: the `with` that enters it goes, its block stays.
- `instead`: of `old => new`, the expression `old` becomes `new`.

All but the first must find one place, and no more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

KINDS = ("returns", "drop", "always", "never", "uncaught", "without", "instead")


def without(source: str, path: list[str], kind: str, what: str) -> str:
    """The source after one change in the class or function with that path, or in the module.

    Raises:
        LookupError: the path, or the place in it, is not there exactly once.
    """
    tree = ast.parse(source)
    change = _Change(kind, what)
    change.apply(_place(tree, path))
    if change.times != 1:
        raise LookupError(f"{kind} = {what!r} means {change.times} places, not one")
    return ast.unparse(ast.fix_missing_locations(tree))


def _place(tree: ast.AST, path: list[str]) -> ast.AST:
    for name in path:
        found = [node for node in _defined(tree) if node.name == name and not _overload(node)]
        if len(found) != 1:
            raise LookupError(f"{name} is defined {len(found)} times, not once")
        tree = found[0]
    return tree


def _defined(tree: ast.AST) -> Iterator[_Definition]:
    """What is defined in a scope itself, also under a condition."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Definition):
            yield node
        else:
            yield from _defined(node)


def _overload(node: _Definition) -> bool:
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


class _Change(ast.NodeTransformer):
    def __init__(self, kind: str, what: str) -> None:
        self.kind = kind
        self.what, _, self.new = what.partition(" => ")
        self.times = 0
        self._conditions: set[int] = set()

    def apply(self, place: ast.AST) -> None:
        if self.kind == "returns":
            place.body = ast.parse(f"return {self.what}").body  # type: ignore[attr-defined]
            self.times = 1
            return
        for node in ast.walk(place):
            tests = [getattr(node, "test", None), *getattr(node, "ifs", ())]
            tests += node.values if isinstance(node, ast.BoolOp) else []
            self._conditions.update(map(id, tests))
        self.generic_visit(place)

    def visit(self, node: ast.AST) -> ast.AST:
        before = self.times
        self.generic_visit(node)
        inner = self.times > before  # then what is around it stays as it is
        new = None if inner else getattr(self, f"_{self.kind}")(node)
        self.times += new is not None
        return node if new is None else ast.copy_location(new, node)

    def _drop(self, node: ast.AST) -> ast.AST | None:
        simple = isinstance(node, ast.stmt) and not hasattr(node, "body")
        return ast.Pass() if simple and self._in(node) else None

    def _always(self, node: ast.AST) -> ast.AST | None:
        meant = id(node) in self._conditions and self._in(node)
        return ast.Constant(self.kind == "always") if meant else None

    _never = _always

    def _uncaught(self, node: ast.AST) -> ast.AST | None:
        meant = isinstance(node, ast.ExceptHandler) and node.type and self._in(node.type)
        return ast.ExceptHandler(node.type, node.name, [ast.Raise()]) if meant else None  # type: ignore[attr-defined]

    def _without(self, node: ast.AST) -> ast.AST | None:
        if not isinstance(node, ast.With | ast.AsyncWith) or not any(map(self._in, node.items)):
            return None
        left = [item for item in node.items if not self._in(item)]
        return type(node)(left, node.body) if left else ast.If(ast.Constant(True), node.body, [])

    def _instead(self, node: ast.AST) -> ast.AST | None:
        meant = isinstance(node, ast.expr) and ast.unparse(node) == self.what
        return ast.parse(self.new, mode="eval").body if meant else None

    def _in(self, node: ast.AST) -> bool:
        """Whether an expression in a node is the text, or an attribute of that name."""
        return any(
            getattr(part, "attr", None) == self.what or ast.unparse(part) == self.what
            for part in ast.walk(node)
            if isinstance(part, ast.expr)
        )
