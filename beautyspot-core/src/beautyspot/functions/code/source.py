"""Where a function's source is: its file, parsed, and the very definition in it.

A file may have been edited since it was imported. So the source is compiled, and used only if that
gives the code that the function runs. If it does not (the file was edited, or its code is rewritten
on import, as pytest does with `assert`), the function counts as one without source.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import linecache
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.code.uses import changed_names
from beautyspot.functions.names import is_no_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beautyspot.functions.code.normal_form import Definition, Function

_FUTURES: Final = sum({getattr(__future__, n).compiler_flag for n in __future__.all_feature_names})
_FILES: Final = 16  # parsed files kept, some megabytes each
_TRIES: Final = 10
_Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass
class Source:
    """What is in a file.

    Attributes:
        definitions: its functions and lambdas, by name and first line.
        classes: its classes, by qualified name.
        codes: its code objects.
    """

    definitions: dict[tuple[str, int], list[Definition]]
    classes: dict[str, list[ast.ClassDef]]
    codes: frozenset[CodeType]

    @cached_property
    def changed(self) -> set[str]:
        """The names whose values its functions change; only `auto_version` asks."""
        return changed_names(chain.from_iterable(self.definitions.values()))


def definition_of(function: FunctionType) -> Function | ast.Lambda | None:
    """The node of a function in its source, or None if no source gives the function's code."""
    source = _block_of(function) or _matching(function)
    if source is None:
        return None
    code = function.__code__
    found: list[Any] = source.definitions.get((code.co_name, code.co_firstlineno), [])
    if code.co_name == "<lambda>" and len(found) > 1:
        return _lambda_of(code, found)
    return found[-1] if found else None


def class_definitions_of(
    cls: type[Any], functions: Iterable[FunctionType], namespace: Mapping[str, Any]
) -> list[ast.ClassDef]:
    """The nodes that may be a class's in its source; several where it stands in branches.

    Args:
        cls: the class.
        functions: the functions in its body, by which the source is checked; the source of a class
            without functions is not checked.
        namespace: the names of the module that it is in.
    """
    nodes: list[ast.ClassDef] = []
    for function in functions:
        if _is_generated(function, namespace):
            continue
        source = _matching(function)
        if source is None:
            return []
        line = function.__code__.co_firstlineno
        for node in source.classes.get(cls.__qualname__, []):
            if node not in nodes and node.lineno <= line <= (node.end_lineno or 0):
                nodes.append(node)
    source = None if nodes else module_source(namespace)
    return nodes if source is None else source.classes.get(cls.__qualname__, [])


def _is_generated(function: FunctionType, namespace: Mapping[str, Any]) -> bool:
    """Whether `dataclass` or the like made a function of a class that has a file."""
    filename = function.__code__.co_filename
    if is_no_file(filename) and "__file__" in namespace:
        return True
    return not _lines(filename, function.__globals__)


def module_source(namespace: Mapping[str, Any]) -> Source | None:
    """The source of a module as it is known or in its file now; None where it has none."""
    return next(_sources(str(namespace.get("__file__")), namespace, 0), None)


def _matching(function: FunctionType) -> Source | None:
    """The source that compiles to the code of the function."""
    code = function.__code__
    for source in _sources(code.co_filename, function.__globals__, code.co_flags):
        if code in source.codes:
            return source
    return None


def _block_of(function: FunctionType) -> Source | None:
    """The lines of a function alone: a large file takes a hundred times as long to parse.

    None where these do not give the code: of a closure, of a method with `super()`, …
    """
    code = function.__code__
    lines = _lines(code.co_filename, function.__globals__)
    start = code.co_firstlineno - 1
    last = max(line or 0 for each in with_nested(code) for _, _, line in each.co_lines())
    if last > len(lines):
        return None
    indentation = _indentation(lines[start])
    end = next((n for n in range(last, len(lines)) if _ends(lines[n], indentation)), len(lines))
    head = "\n" * (start - 1) + "if 1:\n" if indentation and start else "\n" * start
    source = _parse(head + "".join(lines[start:end]), code.co_flags & _FUTURES)
    return source if source is not None and code in source.codes else None


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _ends(line: str, indentation: int) -> bool:
    """Whether a line behind a function's code is no longer of its block."""
    text = line.strip()
    return bool(text) and not text.startswith("#") and _indentation(line) <= indentation


def _lines(filename: str, namespace: Mapping[str, Any]) -> list[str]:
    try:
        return linecache.getlines(filename, dict(namespace))  # looks for a loader in it
    except Exception:  # whatever that raises: it has no source to give
        return []


def _sources(filename: str, namespace: Mapping[str, Any], flags: int) -> Iterator[Source]:
    """The source as `linecache` knows it, then as it is in the file now.

    Each is compiled with its own ``from __future__`` statements, then with the flags of the code:
    in a notebook, an earlier cell may have set these.
    """
    for refresh in (False, True):
        if refresh:
            linecache.checkcache(filename)
        text = "".join(_lines(filename, namespace))
        for future in {0: None, flags & _FUTURES: None} if text else ():
            source = _parsed(text, future)
            if source is not None:
                yield source


def _tree(text: str, flags: int) -> Any:
    flags |= ast.PyCF_ONLY_AST
    for _ in range(_TRIES):
        with suppress(SystemError):  # Python 3.11 counts the depth of all threads' trees together
            return compile(text, "", "exec", flags, dont_inherit=True)
    return compile(text, "", "exec", flags, dont_inherit=True)


@lru_cache(maxsize=_FILES)
def _parsed(text: str, flags: int) -> Source | None:
    return _parse(text, flags)


def _parse(text: str, flags: int) -> Source | None:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # the cells of notebooks
    try:
        tree = _tree(text, flags)
        code = compile(tree, "", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    source = Source({}, {}, frozenset(with_nested(code)))
    _collect(tree, source)
    return source


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """A code object, and those of the functions and classes in it."""
    todo = [code]
    while todo:
        code = todo.pop()
        yield code
        todo += [const for const in code.co_consts if isinstance(const, CodeType)]


def _collect(top: ast.AST, source: Source) -> None:
    """File the definitions beneath `top`, from the outside in."""
    todo: list[tuple[ast.AST, str]] = [(top, "")]  # with the start of the qualified names in it
    while todo:
        parent, prefix = todo.pop()
        todo += [(node, _filed(node, prefix, source)) for node in ast.iter_child_nodes(parent)]


def _filed(node: ast.AST, prefix: str, source: Source) -> str:
    """File `node` if it is a definition; the prefix of what is in it."""
    if isinstance(node, ast.Lambda):
        source.definitions.setdefault(("<lambda>", node.lineno), []).append(node)
        return f"{prefix}<lambda>.<locals>."
    if isinstance(node, ast.ClassDef):
        source.classes.setdefault(f"{prefix}{node.name}", []).append(node)
        return f"{prefix}{node.name}."
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        first = min([node.lineno, *[item.lineno for item in node.decorator_list]])
        source.definitions.setdefault((node.name, first), []).append(node)
        return f"{prefix}{node.name}.<locals>."
    return prefix


def _lambda_of(code: CodeType, nodes: list[ast.Lambda]) -> ast.Lambda | None:
    """Of several lambdas that begin in one line, the one that the code is of; else None.

    Python 3.12 notes no columns for the code of a constant, and `-X no_debug_ranges` none at all.
    Such a lambda is found by what each of them compiles to.
    """
    spans = _spans(code)
    if spans:
        found = [node for node in nodes if _contains(node.body, spans)]
        return found[-1] if found else None  # the innermost: they are collected from outside in
    found = [node for node in nodes if _compiles_to(node, code)]
    return found[0] if len({ast.dump(node) for node in found}) == 1 else None


def _compiles_to(node: ast.Lambda, code: CodeType) -> bool:
    made = compile(ast.Expression(node), "", "eval", dont_inherit=True)
    # a lambda that stands alone is not nested in a function
    return code.replace(co_flags=code.co_flags & ~inspect.CO_NESTED) in made.co_consts


def _contains(node: ast.expr, spans: list[_Span]) -> bool:
    start = (node.lineno, node.col_offset)
    end = (node.end_lineno or 0, node.end_col_offset or 0)
    return all(start <= first and last <= end for first, last in spans)


def _spans(code: CodeType) -> list[_Span]:
    """From where to where in the source the instructions stand, as (line, column) pairs."""
    spans: list[_Span] = []
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (line, column) != (end_line, end_column):  # else of the frame, such as RESUME
            spans.append(((line, column), (end_line, end_column)))
    return spans
