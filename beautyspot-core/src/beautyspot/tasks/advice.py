"""What to write where a part of a key has no stable form, or changes while its call runs.

The insides of another package's object are never proposed for `ignore=`: what is left of it does
not tell one object from another.
"""

from __future__ import annotations

import re
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.identity import is_of_installed, taken_apart
from beautyspot.functions.names import (
    captured,
    is_named,
    is_python_class,
    namespace_of,
    root_of,
)
from beautyspot.keys.binding import Omitted
from beautyspot.keys.walk import CAPTURED, Without

if TYPE_CHECKING:
    from collections.abc import Mapping

    Reach = tuple[str, Any, bool]
    """What `ignore=` takes, the object there, and whether that is another package's."""

_STEP: Final = re.compile(r"<captured (\w+)>|\.(\w+)|.", re.DOTALL)
_CODE: Final = (type, FunctionType, BuiltinFunctionType, MethodType, partial)

UNKNOWN: Final = "say with mark(key=function) what counts of the arguments"
"""The advice where it is not known which argument it is."""


def advice(
    function: Any, each: str | None, path: str, named: Mapping[str, Any], held: Mapping[str, Any]
) -> str:
    """How to leave out what has no stable form.

    Args:
        function: the user's function.
        each: the argument that takes the items of `mark(each=)`.
        path: where that is.
        named: the arguments.
        held: the variables that the function captured.
    """
    name = root(path)
    if name not in named and name not in held:
        return UNKNOWN
    other = f'say with mark(key={{"{name}": function}}) what counts'
    if name not in named:
        other = f"pass what counts of {called(path)} as an argument"
    line, part, _ = _reach(function, path, named, held)
    if (
        not line
        or name == each  # the items tell the results apart
        or not is_named(part if isinstance(part, type) else type(part))
    ):
        return other
    return f'if no result depends on {line}, write mark(ignore=("{line}",)); else {other}'


def about(
    function: Any, title: str, path: str, named: Mapping[str, Any], held: Mapping[str, Any]
) -> str:
    """What to tell of a call that has changed a part of its own key.

    Args:
        function: the user's function.
        title: its short name.
        path, named, held: as above.
    """
    line, part, is_theirs = _reach(function, path, named, held)
    name = called(path)
    told = (
        f"`{line if is_theirs else name}` changed while `{title}` ran (perhaps by "
        "another thread): not stored; it will run and cost again"
    )
    if is_theirs:
        short = line.rpartition(".")[2]
        return f"{told}: work on a copy (`{short} = copy.deepcopy({line})`), or pass its fields"
    if path in named:
        return (
            f"{told}: work on a copy (`{name} = copy.deepcopy({name})`), or return what is new "
            f"instead, or say with `key=` what counts of `{name}`"
        )
    if not line or isinstance(part, _CODE) or ("." not in name and is_python_class(type(part))):
        return f"{told}. Pass it as an argument and return the new one."
    return (
        f'{told}. If no result depends on it: `ignore=("{line}",)`; else pass it as an '
        "argument and return the new one."
    )


def about_code(title: str, name: str) -> str:
    """The same of what `version="auto"` follows."""
    return (
        f"`{name}` changed while `{title}` ran, or before that (perhaps by other code): "
        "not stored; the next call has another version. If it is a global of the function's "
        f'module, and no result depends on it: `ignore=("{name}",)`; else pass it as an '
        "argument, or write the version yourself"
    )


def _reach(function: Any, path: str, named: Mapping[str, Any], held: Mapping[str, Any]) -> Reach:
    """How far `ignore=` reaches on a path.

    A variable is left out of all functions within the one that `ignore=` names, or within the
    marked one.
    """
    line = root(path)
    head, value = (f"{line}.", named[line]) if line in named else ("", held.get(line))
    for marker in (Omitted, Without):
        value = value.value if type(value) is marker else value
    for variable, attribute in _STEP.findall(path[len(line) :]):
        if variable:
            line, value = f"{head}{variable}", captured(value).get(variable)
        elif attribute == "__wrapped__":
            value = getattr(value, attribute, None)
        elif not attribute or attribute[:2] == "__":
            break
        elif _is_theirs(function, type(value), attribute):
            return line, value, True
        else:
            line = f"{line}.{attribute}"
            head, value = f"{line}.", getattr(value, attribute, None)
    return "" if line == "__wrapped__" else line, value, False


def _is_theirs(function: Any, cls: type, attribute: str) -> bool:
    """Whether an attribute may be another package's: no class of the user's declares it."""
    project = root_of(namespace_of(taken_apart(function).func).get("__name__"))
    classes = [each for each in cls.__mro__ if is_python_class(each)]
    theirs = [c for c in classes if is_of_installed(c) and root_of(c.__module__) != project]
    mine = [each for each in classes if each not in theirs]
    return bool(theirs) and not any(attribute in annotations_of(each) for each in mine)


def root(path: str) -> str:
    """The argument, or the captured variable, that a path begins with."""
    return re.match(r"[^.<\[]*", path)[0]  # type: ignore[index]  # matches any text


def called(path: str) -> str:
    """What messages call a path: from the last variable on, if a function captured one."""
    *_, last = path.split(CAPTURED)
    return last.replace(">", "", 1) if last != path else path


def other_code(func_identifier: str) -> str:
    """What to do where other code made a result: a row does not tell an edit from another file."""
    return (
        'If an edit changed what it returns, raise version=, or use version="auto". '
        f"If it is the result of another file's {func_identifier}, such as a script of the same "
        "name, give the two Spots different names, or the two functions, by mark(name=)"
    )
