"""The digest of a function's code: of its source in normal form, or of its bytecode."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from beautyspot.functions.annotations import EVALUATORS, annotations_of
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.code.forms import constant_form, digest_of
from beautyspot.functions.code.normal_form import UNKNOWN, normal_form
from beautyspot.functions.code.source import class_definitions_of, definition_of
from beautyspot.functions.names import chain, is_ours, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beautyspot.functions.code.normal_form import Definition


class _Digest(NamedTuple):
    text: str
    is_of_source: bool


_known: ByIdentity[_Digest] = ByIdentity()  # of code objects and classes
_bare: ByIdentity[_Digest] = ByIdentity()  # of code objects, without docstrings


def code_digest(func: Any) -> str:
    """A digest of the code of `func`: 32 hex digits.

    Of the source in normal form (see `normal_form`), the same in every Python; where there
    is no source, of the bytecode, the same within one minor version of Python (``-O`` apart, which
    removes asserts). The functions that `func` wraps (`__wrapped__`) count too. The docstring of a
    function that nothing wraps does not: its decorators are ours under another name, or gave the
    function back as it was, so that no call of it leads to what may read the docstring.

    Args:
        func: a function, a class, or an object that wraps a function.
    """
    if isinstance(func, type):
        return _of_class(func).text
    around = [step for step in chain(func) if not isinstance(step, staticmethod | classmethod)]
    steps = [step for step in around if isinstance(step, FunctionType) and not is_ours(step)]
    if len(around) == len(steps) == 1:
        code = steps[0].__code__
        found = _bare.get(code) or _bare.put(code, _function_digest(steps[0], documented=False))
        return found.text
    digests = [function_digest(step) for step in steps]
    return digests[0] if len(digests) == 1 else digest_of(digests)


def source_digest(named: Any) -> str | None:
    """A digest of the source of a function or class alone, the same in every Python.

    Of what others wrap around a function nothing counts but its own decorators' text. None where
    no source gives the code that runs.
    """
    if isinstance(named, type):
        found = _of_class(named)
    else:
        steps = [step for step in chain(named) if isinstance(step, FunctionType)]
        if not steps:
            return None
        found = _of_function(steps[-1])
    return found.text if found.is_of_source else None


def methods_of(cls: type[Any]) -> dict[str, FunctionType]:
    """The functions that stand in a class body, by name and sorted, without their wrappers."""
    found: dict[str, FunctionType] = {}
    for name in sorted(vars(cls)):
        value = vars(cls)[name]
        steps = [] if isinstance(value, type) or name in EVALUATORS else list(chain(value))
        functions = [step for step in steps if isinstance(step, FunctionType)]
        if functions and functions[-1].__module__ == cls.__module__:
            found[name] = functions[-1]
    return found


def function_digest(function: FunctionType) -> str:
    """The digest of one function, without what it wraps."""
    return _of_function(function).text


def _of_function(function: FunctionType) -> _Digest:
    code = function.__code__
    return _known.get(code) or _known.put(code, _function_digest(function))


def _of_class(cls: type[Any]) -> _Digest:
    return _known.get(cls) or _known.put(cls, _class_digest(cls))


def _function_digest(function: FunctionType, *, documented: bool = True) -> _Digest:
    node = definition_of(function)
    form = None if node is None else _normal(node, function.__globals__, documented=documented)
    if form is not None:
        return _Digest(digest_of(form), is_of_source=True)
    return _Digest(digest_of((_python(), *bytecode(function.__code__))), is_of_source=False)


def _class_digest(cls: type[Any]) -> _Digest:
    methods, namespace = methods_of(cls), namespace_of(cls)
    nodes = class_definitions_of(cls, methods.values(), namespace)
    forms = [_normal(node, namespace) for node in nodes]
    if forms and None not in forms:
        return _Digest(digest_of(forms), is_of_source=True)
    digests = [(name, function_digest(method)) for name, method in methods.items()]
    fields = list(annotations_of(cls))
    return _Digest(digest_of((_python(), fields, digests)), is_of_source=False)


def _normal(node: Definition, namespace: Mapping[str, Any], *, documented: bool = True) -> object:
    try:
        return normal_form(node, lambda name: namespace.get(name, UNKNOWN), documented=documented)
    except RecursionError:  # hundreds of operators in one expression
        return None


def _python() -> str:
    return f"bytecode of Python {sys.version_info[0]}.{sys.version_info[1]}"


def bytecode(code: CodeType) -> Iterator[object]:
    """What a code object does, wherever it stands."""
    yield (code.co_code.hex(), code.co_names, code.co_varnames, code.co_freevars, code.co_flags)
    yield (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield code.co_exceptiontable.hex()
    for const in code.co_consts:
        yield tuple(bytecode(const)) if isinstance(const, CodeType) else constant_form(const)
