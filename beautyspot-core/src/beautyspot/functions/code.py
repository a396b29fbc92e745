"""The code of a function or class: where its source is, its normal form, and the digest of that.

The normal form is what `ast.unparse` writes, the same in every Python, of a definition less what
changes no result: its own name, docstrings, `pass`, and our own decorators, which are called `mark`
or `limiter`, with those above them: they wrap the cached function and are no part of what it calls.
Decorators and bases may make behaviour of the docstrings of what is inside; so they count beneath
these. Annotations count, since others may read them: of a tool of a language model, say. Only what
the function itself says that it returns does not.

A file may have been edited since it was imported. So the source is compiled, and used only if that
gives the code that the function runs. Where it does not, and of several lambdas that begin in one
line, the bytecode counts, with the full version of this Python.
"""

from __future__ import annotations
import __future__

import ast
import copy
import hashlib
import inspect
import linecache
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import EVALUATORS, annotations_of
from beautyspot.functions.names import (
    ByIdentity,
    captured,
    innermost_function,
    namespace_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.Lambda | ast.ClassDef

_HEX_DIGITS: Final = 32
_FUTURES: Final = sum({getattr(__future__, n).compiler_flag for n in __future__.all_feature_names})
_FILES: Final = 16  # parsed files kept, some megabytes each
_TRIES: Final = 10
_OUR_METHODS: Final = frozenset({"mark", "limiter"})
_CHANGING: Final = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert"),
        *("intersection_update", "pop", "popitem", "popleft", "remove", "reverse", "rotate"),
        *("setdefault", "sort", "subtract", "symmetric_difference_update", "update"),
        *("difference_update", "__setitem__", "__delitem__", "move_to_end"),
    }
)
"""Methods by which lists, dicts, sets and the like change."""

_SIMPLE: Final = (bool, int, float, complex, str, bytes)

UNKNOWN: Final = object()
"""In place of what a name stands for, where that can't be told."""

_known: Final[ByIdentity[tuple[str, bool]]] = ByIdentity()
"""The digests of code objects and classes, and whether each is of a source."""


def digest_of(text: str) -> str:
    """The digest of a text: SHA-256, cut to 128 bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HEX_DIGITS]


def code_digest(definition: Any) -> str:
    """A digest of the code of one function, without what it wraps, or of a class: 32 hex digits."""
    return _digest(definition)[0]


def source_digest(named: Any) -> str | None:
    """The same of a function beneath all wrappers; None where no source gives the code that runs.

    Of what others wrap around a function nothing counts but its own decorators' text.
    """
    definition = named if isinstance(named, type) else innermost_function(named)
    text, is_of_source = ("", False) if definition is None else _digest(definition)
    return text if is_of_source else None


def _digest(definition: Any) -> tuple[str, bool]:
    key = definition if isinstance(definition, type) else definition.__code__
    return _known.get(key) or _known.put(key, _made_digest(definition))


def _made_digest(definition: Any) -> tuple[str, bool]:
    nodes = nodes_of(definition)
    with suppress(RecursionError):  # hundreds of operators in one expression
        if len(nodes) == 1 or (nodes and isinstance(definition, type)):
            return digest_of("\n".join([_normal(node) for node in nodes])), True
    version = ".".join(map(str, sys.version_info))
    if not isinstance(definition, type):
        return digest_of(f"{version} {bytecode(definition.__code__)}"), False
    methods = [(name, code_digest(method)) for name, method in methods_of(definition).items()]
    held = [pair for pair in sorted(vars(definition).items()) if type(pair[1]) in _SIMPLE]
    return digest_of(f"{version} {list(annotations_of(definition))} {methods} {held}"), False


def methods_of(cls: type[Any]) -> dict[str, FunctionType]:
    """The functions that stand in a class body, by name and sorted, without their wrappers."""
    found: dict[str, FunctionType] = {}
    for name, value in sorted(vars(cls).items()):
        function = None if isinstance(value, type) else innermost_function(value)
        if name not in EVALUATORS and function and function.__module__ == cls.__module__:
            found[name] = function
    return found


def bytecode(code: CodeType) -> str:
    """What a code object does, wherever it stands."""
    consts = [bytecode(each) if isinstance(each, CodeType) else _constant(each)
              for each in code.co_consts]  # fmt: skip
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_flags
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    return repr((code.co_code, names, counts, code.co_exceptiontable, consts))


def _constant(value: object) -> str:
    if isinstance(value, frozenset):  # its order changes with the hash seed
        return f"frozenset {sorted(map(repr, value))}"
    return hex(value) if type(value) is int else repr(value)  # decimal digits are limited in number


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """A code object, and those of the functions and classes in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from with_nested(const)


# ------------------------------------------------------------------------------------------ source


@dataclass
class Source:
    """What is in a file: its functions and lambdas by name and first line, its classes by qualified
    name, and its code objects.
    """

    definitions: dict[tuple[str, int], list[Any]]
    classes: dict[str, list[Any]]
    codes: frozenset[CodeType]

    @cached_property
    def changed(self) -> set[str]:
        """The names whose values its functions assign, or change in place.

        ``LIMIT`` for ``global LIMIT``, ``table`` for ``table[key] = value`` and
        ``table.append(1)``, ``config.limit`` for ``config.limit = 1``.
        """
        found: set[str] = set()
        for nodes in self.definitions.values():
            for node in nodes:
                parts = [] if isinstance(node, ast.Lambda) else list(ast.walk(node))
                assigned = {n for part in parts if isinstance(part, ast.Global) for n in part.names}
                names = {p.id for p in parts if isinstance(p, ast.Name) and _is_set(p)}
                local = (names | {p.arg for p in parts if isinstance(p, ast.arg)}) - assigned
                paths = filter(None, map(_changed, parts))
                found |= assigned | {path for path in paths if path.partition(".")[0] not in local}
        return found


def _is_set(part: Any) -> bool:
    return not isinstance(part.ctx, ast.Load)


def _changed(part: ast.AST) -> str | None:
    """The dotted name that one node of a function changes, from a variable on."""
    target: ast.AST = part
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
        target = part.func.value if part.func.attr in _CHANGING else part
    elif not (isinstance(part, ast.Attribute | ast.Subscript) and _is_set(part)):
        return None
    while isinstance(target, ast.Subscript):  # what is in a container is a part of that
        target = target.value
    path = dotted(target)
    return ".".join(path) if path else None


def nodes_of(definition: Any) -> list[Any]:
    """The nodes of a function or class in its source.

    Several where a class stands in branches, and where several lambdas begin in one line: which of
    them it is, not every Python tells. None where no source gives the code: that of a class is
    checked by its functions.
    """
    if not isinstance(definition, type):
        code = definition.__code__
        source = _matching(code, definition.__globals__)
        place = (code.co_name, code.co_firstlineno)
        nodes = [] if source is None else source.definitions.get(place, [])
        return nodes if code.co_name == "<lambda>" else nodes[-1:]  # filed from outside in
    namespace, name = namespace_of(definition), definition.__qualname__
    codes = [method.__code__ for method in methods_of(definition).values()]
    # Others stand elsewhere: those of `dataclass` and attrs, and functions that are its attributes.
    codes = [code for code in codes if code.co_qualname.startswith(f"{name}.")]
    source = _matching(codes[0], namespace) if codes else module_source(namespace)
    nodes = [] if source is None else source.classes.get(name, [])
    first = codes[0].co_firstlineno if codes else 0
    return [n for n in nodes if not codes or n.lineno <= first <= (n.end_lineno or 0)]


def module_source(namespace: Mapping[str, Any]) -> Source | None:
    """The source of a module as it is known or in its file now; None where it has none."""
    file = namespace.get("__file__")
    return next(_sources(str(file), namespace, 0), None) if file else None


def _matching(code: CodeType, namespace: Mapping[str, Any]) -> Source | None:
    for source in _sources(code.co_filename, namespace, code.co_flags):
        if code in source.codes:
            return source
    return None


def _sources(filename: str, namespace: Mapping[str, Any], flags: int) -> Iterator[Source]:
    """The source as `linecache` knows it, then as it is in the file now.

    Each is compiled with its own ``from __future__`` statements, then with the flags of the code:
    in a notebook, an earlier cell may have set these.
    """
    for refresh in (False, True):
        if refresh:
            linecache.checkcache(filename)
        text = ""
        with suppress(Exception):  # whatever a loader raises: it has no source to give
            text = "".join(linecache.getlines(filename, dict(namespace)))
        for future in {0: None, flags & _FUTURES: None} if text else ():
            source = _parsed(text, future)
            if source is not None:
                yield source


@lru_cache(maxsize=_FILES)
def _parsed(text: str, flags: int) -> Source | None:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # the cells of notebooks
    tree: Any = None
    code: Any = None
    for last in range(1 - _TRIES, 1):
        try:
            tree = compile(text, "", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
            code = compile(tree, "", "exec", flags, dont_inherit=True)
            break
        except SystemError:  # Python 3.11 counts the depth of all threads' trees together
            if not last:
                raise
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    source = Source({}, {}, frozenset(with_nested(code)))
    todo = [(tree, "")]  # with the start of the qualified names in it
    while todo:
        parent, prefix = todo.pop()
        todo += [(node, _filed(node, prefix, source)) for node in ast.iter_child_nodes(parent)]
    return source


def _filed(node: Any, prefix: str, source: Source) -> str:
    """File `node` if it is a definition; the prefix of what is in it."""
    if isinstance(node, ast.ClassDef):
        source.classes.setdefault(f"{prefix}{node.name}", []).append(node)
        return f"{prefix}{node.name}."
    if isinstance(node, ast.Lambda | Function):
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        first = min([node.lineno, *[each.lineno for each in getattr(node, "decorator_list", ())]])
        source.definitions.setdefault((name, first), []).append(node)
        return f"{prefix}{name}.<locals>."
    return prefix


# ------------------------------------------------------------------------------------- normal form


def _normal(node: Definition) -> str:
    node = copy.deepcopy(node)
    if not isinstance(node, ast.Lambda):
        node.name = "_"
        if isinstance(node, Function):
            node.returns = None
            if _has_doc(node):
                node.body[0] = ast.Pass()
    return ast.unparse(_Normal(node).visit(node))


class _Normal(ast.NodeTransformer):
    """Takes out of a definition what changes no result.

    Not the docstrings of what it defines and does more with than to call it, or an attribute.
    """

    def __init__(self, node: Definition) -> None:
        parts = [*ast.walk(node)]
        used = {part.func for part in parts if isinstance(part, ast.Call)}
        asked = [part for part in parts if isinstance(part, ast.Attribute)]
        used |= {part.value for part in asked if part.attr != "__doc__"}
        self._passed = {n.id for n in parts if isinstance(n, ast.Name) and n not in used}

    def visit_FunctionDef(self, node: Any) -> Any:
        """A function or class, less our own decorators and what has no effect."""
        ours = [number for number, each in enumerate(node.decorator_list) if _is_ours(each)]
        node.decorator_list = node.decorator_list[ours[-1] + 1 :] if ours else node.decorator_list
        is_made = getattr(node, "bases", 0) or getattr(node, "keywords", 0)
        read = bool(node.name in self._passed or node.decorator_list or is_made)
        kept = node.body[: int(read and _has_doc(node))]
        effective = [each for each in node.body if not _has_no_effect(each)]
        node.body, node.type_params = [*kept, *effective] or [ast.Pass()], []
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # noqa: N815 - as `ast` names them

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """``f"a{b}c"`` as a call of texts and values in turn: quotes differ between Pythons."""
        parts: list[ast.expr] = []
        text = ""
        for each in node.values:
            if isinstance(each, ast.Constant):
                text += str(each.value)
            else:
                parts += [ast.Constant(text), self.visit(each)]
                text = ""
        return ast.Call(ast.Name("f''"), [*parts, ast.Constant(text)], [])

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """One of the values, as a call with its conversion and format."""
        parts = [node.value, ast.Constant(node.conversion)]
        parts += [node.format_spec] if node.format_spec else []
        return ast.Call(ast.Name("{}"), [self.visit(each) for each in parts], [])


def _is_ours(decorator: ast.expr) -> bool:
    """Whether a decorator is `mark` or `limiter` of a Spot, by its name."""
    path = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return path is not None and path[-1] in _OUR_METHODS


def _has_no_effect(item: ast.stmt) -> bool:
    constant = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    return constant or isinstance(item, ast.Pass)


def _has_doc(node: Function | ast.ClassDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def dotted(node: ast.AST) -> list[str] | None:
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


def hands_on(wrapper: FunctionType, wrapped: object) -> bool:
    """Whether each ``return`` of a wrapper returns a call of what it wraps, and nothing else.

    False where the wrapper has no source.
    """
    nodes = nodes_of(wrapper)
    names = {name for name, value in captured(wrapper).items() if value is wrapped}
    returned: list[Any] = [node.body for node in nodes if isinstance(node, ast.Lambda)]
    parts = [part for node in nodes for part in ast.walk(node)]  # of functions within, too
    returned += [part.value for part in parts if isinstance(part, ast.Return)]
    calls = [dotted(each.func) if isinstance(each, ast.Call) else None for each in returned]
    return bool(calls) and all(path and len(path) == 1 and path[0] in names for path in calls)


def gives_others(wrapper: FunctionType, wrapped: object) -> bool:
    """Whether a wrapper of ``*args`` gives what it wraps other arguments before these, or in place.

    False where the wrapper has no source, or calls that by no name of its own.
    """
    parts = [part for node in nodes_of(wrapper) for part in ast.walk(node)]
    names = [[name] for name, value in captured(wrapper).items() if value is wrapped]
    calls = [part for part in parts if isinstance(part, ast.Call) and dotted(part.func) in names]
    firsts = [call.args[0] for call in calls if call.args]
    code = wrapper.__code__
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
    is_set = any(isinstance(p, ast.Name) and p.id == rest and _is_set(p) for p in parts)
    return is_set or any(
        not isinstance(each, ast.Starred) or dotted(each.value) != [rest] for each in firsts
    )
