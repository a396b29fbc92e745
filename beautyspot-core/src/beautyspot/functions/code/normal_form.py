"""The normal form of source code: equal for texts that differ in looks only, in every Python.

A tree of tuples made from the `ast` of the source. `ast.dump` would not do: its text differs
between versions of Python, and it shows what changes no result.

What does not count: layout, comments, positions, quotes and prefixes of strings, `pass` and
constants that stand alone, the name of the function itself, the annotations of local variables, and
type parameters. Docstrings and the annotations of a signature don't count where no code reads them;
they do in a function that has decorators and in a class that has bases or decorators, since those
may turn them into behaviour (validation, prompts). The annotations in a class body always count:
they make its fields.

Decorators count, but for those of our own and those above them, which wrap the cached function and
are no part of what it calls.
"""

from __future__ import annotations

import ast
import functools
import inspect
from itertools import filterfalse
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.code.forms import constant_form
from beautyspot.functions.names import is_ours, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Resolve = Callable[[str], object]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.Lambda | ast.ClassDef

_IGNORED: Final = frozenset({"ctx", "type_comment", "type_params"})
_OUR_METHODS: Final = frozenset({"mark", "limiter"})
_NO_CONVERSION: Final = -1  # `FormattedValue.conversion` of a plain {x}


UNKNOWN: Final = object()
"""What a `resolve` returns that can't tell what a name stands for."""


def normal_form(
    node: Definition,
    resolve: Resolve = lambda _name: UNKNOWN,
    *,
    described: bool = False,
    documented: bool = True,
) -> object:
    """The normal form of a definition, without its own name.

    Args:
        node: a function, lambda or class.
        resolve: gives the object that a name stands for where the definition is; it tells our own
            decorators from others. Where it can't, an attribute `mark` or `limiter` is ours.
        described: whether its docstring and annotations count in any case.
        documented: whether its docstring counts where decorators or bases may read it.
    """
    form = _Form(resolve)
    if isinstance(node, ast.Lambda):
        return form.of(node)
    return form.definition(node, name="", described=described, documented=documented)


class _Form:
    """Turns nodes into tuples."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._by_type: dict[type[ast.AST], Callable[[Any], object]] = {
            ast.FunctionDef: lambda node: self.definition(node, node.name),
            ast.AsyncFunctionDef: lambda node: self.definition(node, node.name),
            ast.ClassDef: lambda node: self.definition(node, node.name),
            ast.AnnAssign: self._local_annotation,
            ast.Constant: lambda node: constant_form(node.value),
            ast.JoinedStr: self._joined,
            ast.FormattedValue: self._formatted,
        }

    def of(self, item: object) -> object:
        """The form of a node, of a list of nodes, or of a plain value (a name, a number)."""
        if isinstance(item, list):  # a None in it, as of ``{**a}``, is no constant
            parts = [part for part in item if not _without_effect(part)]
            return tuple([None if part is None else self.of(part) for part in parts])
        if not isinstance(item, ast.AST):
            return constant_form(item)
        special = self._by_type.get(type(item))
        return self._plain(item) if special is None else special(item)

    def _plain(self, node: ast.AST, leave_out: Iterable[str] = ()) -> object:
        """Type and fields by name; what is empty is left out, as a field of a later Python is."""
        fields = [
            (name, self.of(value))
            for name, value in ast.iter_fields(node)
            if name not in _IGNORED and name not in leave_out and value not in (None, [])
        ]
        return (type(node).__name__, *fields)

    def definition(
        self,
        node: Function | ast.ClassDef,
        name: str,
        *,
        described: bool = False,
        documented: bool = True,
    ) -> object:
        """A function or class, under the name given."""
        decorators = self._counting(node.decorator_list)
        bases = (*node.bases, *node.keywords) if isinstance(node, ast.ClassDef) else ()
        read = described or bool(decorators or bases)  # by what may make behaviour of it
        doc = ast.get_docstring(node, clean=False) if read and documented else None
        if isinstance(node, ast.ClassDef):
            head: object = self.of(list(bases))
            body: object = tuple(map(self._member, filterfalse(_without_effect, node.body)))
        else:
            head = (self._signature(node.args, read), self.of(node.returns) if read else None)
            body = self.of(node.body)
        return (type(node).__name__, name, self.of(decorators), constant_form(doc), head, body)

    def _member(self, item: ast.stmt) -> object:
        """A statement of a class body, where annotations make fields."""
        return self._plain(item) if isinstance(item, ast.AnnAssign) else self.of(item)

    def _signature(self, arguments: ast.arguments, annotated: bool) -> object:
        if annotated:
            return self.of(arguments)
        fields = []
        for name, value in ast.iter_fields(arguments):
            values = value if isinstance(value, list) else [value]
            # `kw_defaults` holds a None for each argument without: places count
            fields.append((name, tuple(self._argument(item) for item in values)))
        return tuple(fields)

    def _argument(self, item: ast.AST | None) -> object:
        return item.arg if isinstance(item, ast.arg) else self.of(item)

    def _local_annotation(self, node: ast.AnnAssign) -> object:
        """``x: int = 1`` is ``x = 1``; without a value it only makes the name a local one."""
        if node.value is None:
            return ("AnnAssign", self.of(node.target))
        return self.of(ast.Assign(targets=[node.target], value=node.value))

    def _joined(self, node: ast.JoinedStr) -> object:
        """An f-string: neighbouring texts as one, since Pythons cut them differently."""
        parts: list[Any] = []
        for value in node.values:
            part = self.of(value)
            if isinstance(value, ast.Constant) and parts and _is_text(parts[-1]):
                parts[-1] = ("str", parts[-1][1] + value.value)
            elif part != ("str", ""):
                parts.append(part)
        if all(_is_text(part) for part in parts):
            return parts[0] if parts else ("str", "")
        return ("JoinedStr", *parts)

    def _formatted(self, node: ast.FormattedValue) -> object:
        spec = None if node.format_spec is None else self.of(node.format_spec)
        spec = None if spec == ("str", "") else spec
        conversion = None if node.conversion == _NO_CONVERSION else chr(node.conversion)
        return ("FormattedValue", self.of(node.value), conversion, spec)

    def _counting(self, decorators: list[ast.expr]) -> list[ast.expr]:
        """The decorators beneath the lowest one of ours."""
        ours = [number for number, item in enumerate(decorators) if self._is_our_mark(item)]
        return decorators[ours[-1] + 1 :] if ours else decorators

    def _is_our_mark(self, decorator: ast.expr) -> bool:
        path = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if path is None:
            return False
        found = follow(self._resolve(path[0]), path[1:])
        if found is UNKNOWN:
            return path[-1] in _OUR_METHODS and len(path) > 1
        return _is_of_ours(found)


def dotted(node: ast.expr) -> list[str] | None:
    """``a.b.c`` as a list of names; None for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


def follow(start: object, names: Iterable[str]) -> object:
    """The attribute of an attribute … of `start`, without running a descriptor; or UNKNOWN."""
    found = start
    for name in names:
        found = UNKNOWN if found is UNKNOWN else inspect.getattr_static(found, name, UNKNOWN)
    return found


def _is_of_ours(obj: Any) -> bool:
    """A method of a `Spot`, what `spot.mark(…)` gave, or a partial of either."""
    while isinstance(obj, functools.partial):
        obj = obj.func
    function = getattr(obj, "__func__", obj)
    module = getattr(function, "__globals__", {}).get("__name__") or type(obj).__module__
    return root_of(module) == "beautyspot" and not is_ours(obj)


def _without_effect(item: object) -> bool:
    constant = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    return constant or isinstance(item, ast.Pass)


def _is_text(part: object) -> bool:
    return isinstance(part, tuple) and part[0] == "str"
