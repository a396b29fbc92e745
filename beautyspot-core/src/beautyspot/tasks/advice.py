"""What to write where a part of a key has no stable form, or changes while its call runs.

The insides of another package's object are never proposed for `ignore=`: what is left of it does
not tell one object from another.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.identity import is_of_installed, taken_apart
from beautyspot.functions.names import (
    captured,
    innermost_function,
    is_nameless,
    is_python_class,
    namespace_of,
    root_of,
)
from beautyspot.keys.binding import Omitted
from beautyspot.keys.forms import says_how_to_copy
from beautyspot.keys.walk import CAPTURED, Without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.errors import UnstableKeyError

_STEP: Final = re.compile(r"<captured (\w+)>|\.(\w+)|.", re.DOTALL)
_CODE: Final = (type, FunctionType, BuiltinFunctionType, MethodType, partial)
_STANDARD: Final = sys.stdlib_module_names

UNKNOWN: Final = "say with mark(key=function) what counts of the arguments"
"""The advice where it is not known which argument it is."""


class Reach(NamedTuple):
    """How far `ignore=` reaches on a path.

    Attributes:
        line: what `ignore=` takes; "" if nothing.
        is_all: whether it leads to the end of the path.
        value: the object there.
        owner: the one of another package, the insides of which begin there; else None.
    """

    line: str
    is_all: bool
    value: Any
    owner: object = None


class Advisor:
    """Says what to write for one function.

    Args:
        function: the user's function.
        called: its short name.
        each: the argument that takes the items of `mark(each=)`.
        captured: the variables that count for it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        called: str,
        each: str | None,
        captured: frozenset[str],
    ) -> None:
        self._function = function
        self._project = root_of(namespace_of(taken_apart(function).func).get("__name__"))
        self._called = called
        self._each = each
        self._captured = captured

    def advice(
        self, named: Mapping[str, Any], held: Mapping[str, Any], error: UnstableKeyError
    ) -> str:
        """How to leave out what has no stable form.

        If the error is about less than `ignore=` can leave out, such as one attribute of an item of
        a list, the advice says what else would go.

        Args:
            named: the arguments.
            held: the variables that the function captured.
            error: says where that is.
        """
        name = root(error.path)
        is_held = name not in named
        if name == self._each:
            return f'say with mark(key={{"{name}": function}}) what counts of an item'
        if is_held and name not in self._captured:
            return UNKNOWN
        value = held.get(name) if is_held else named[name]
        line, is_all, part, owner = self._reach(error.path, value, is_held=is_held)
        other = f'say with mark(key={{"{name}": function}}) what counts'
        if is_held:
            other = f"pass what counts of {called(error.path)} as an argument"
        if not line or is_nameless(part if isinstance(part, type) else type(part)):
            return other
        if owner is not None and not self._is_of_library(type(owner)):
            return f"{line} is of another package: pass its fields, or {other}"
        if is_all:
            return f'if {line} changes no result, write mark(ignore=("{line}",)); else {other}'
        return (
            f'mark(ignore=("{line}",)) leaves the whole {line} out of the key: do it only if no '
            f"part of it changes the result; else {other}"
        )

    def about(self, path: str, value: object, *, is_held: bool) -> str:
        """What to tell of a call that has changed a part of its own key.

        Args:
            path: of what was noted.
            value: the argument, or the captured variable, that it is a part of.
            is_held: whether it is a variable that the function captured.
        """
        name, told = root(path), self._told(called(path))
        line, is_all, part, owner = self._reach(path, value, is_held=is_held)
        if path == name and not is_held:
            by_key = f"say with `key=` what counts of `{name}`"
            if name == "self" or isinstance(part, _CODE):
                return f"{told}: return what is new instead, or {by_key}"
            if _is_copied(part):
                return f"{told}: work on a copy: `{name} = copy.deepcopy({name})`"
            if self._is_of_library(type(part)):
                return f"{told}: `{name}` is of another package: pass its fields, or {by_key}"
        if owner is not None:
            told = self._told(called(line))
            copied = f", or work on a copy: `{line} = copy.deepcopy({line})`"
            can_be_copied = any(map(says_how_to_copy, type(owner).__mro__))
            more = copied if can_be_copied and line == name and not is_held else ""
            return f"{told}: `{line}` is of another package: pass its fields{more}"
        is_within = is_held or CAPTURED in path
        is_object = isinstance(part, _CODE) or (is_within and is_python_class(type(part)))
        return told + _or_return("" if is_object or not is_all else line)

    def about_code(self, owner: str, label: str) -> tuple[str, str]:
        """The same of what `version="auto"` follows, given where it was found and its name there.

        Beside what to tell, what it is called.
        """
        path = re.match(r"[\w.]*", label)[0] or owner  # type: ignore[index]  # matches any text
        name = path.partition(".")[0]
        told = (
            f"`{path}` changed while `{self._called}` ran, or before that (perhaps by other code): "
            "not stored; the next call has another version"
        )
        own = getattr(innermost_function(self._function), "__globals__", {})
        is_own = name in own and owner.partition(":")[0] == own.get("__name__")
        if is_own and not isinstance(own[name], _CODE):
            return path, told + _or_return(name)
        return path, f"{told}: pass it as an argument, or write the version yourself"

    def _told(self, path: str) -> str:
        return (
            f"`{path}` changed while `{self._called}` ran (perhaps by another thread): not stored; "
            "it will run and cost again"
        )

    def _reach(self, path: str, value: Any, *, is_held: bool) -> Reach:
        """How far `ignore=` reaches on a path, given the object that it begins with.

        A variable is left out of all functions within the one that `ignore=` names, or within the
        marked one. Not named are the insides of another package's object.
        """
        line = root(path)
        head = "" if is_held else f"{line}."
        steps = _STEP.findall(path[len(line) :])
        value = value.value if type(value) is Omitted else value
        value = value.value if type(value) is Without else value
        for variable, attribute in steps:
            if variable:
                line, value = f"{head}{variable}", captured(value).get(variable)
            elif attribute == "__wrapped__":
                value = getattr(value, attribute, None)
            elif attribute and self._is_strange(value, attribute):
                return Reach(line, False, value, value)
            elif attribute and attribute[:2] != "__":
                line = f"{line}.{attribute}"
                head, value = f"{line}.", getattr(value, attribute, None)
            else:
                return Reach(line, False, value)
        return Reach("" if line == "__wrapped__" else line, True, value)

    def _is_strange(self, value: object, attribute: str) -> bool:
        """Whether an attribute is another package's: of its class, or kept there by a base class.

        Not so is what a class of the user's declares.
        """
        classes = type(value).__mro__[:-1]
        theirs = [cls for cls in classes if self._is_of_library(cls)]
        if theirs and theirs[0] is type(value):
            return True
        mine = [cls for cls in classes if cls not in theirs]
        if any(attribute in vars(cls) or attribute in annotations_of(cls) for cls in mine):
            return False
        return any(attribute[:1] == "_" or is_of_installed(cls) for cls in theirs)

    def _is_of_library(self, cls: type) -> bool:
        """Whether the class is written in Python, by an installed library or Python's own.

        The attributes of other classes, such as `SimpleNamespace`, are their user's.
        """
        root = root_of(cls.__module__)
        if not is_python_class(cls) or root == self._project:
            return False
        return is_of_installed(cls) or root in _STANDARD


def root(path: str) -> str:
    """The argument, or the captured variable, that a path begins with."""
    return re.match(r"[^.<\[]*", path)[0]  # type: ignore[index]  # matches any text


def called(path: str) -> str:
    """What messages call a path: from the last variable on, if a function captured one."""
    *_, last = path.split(CAPTURED)
    return last.replace(">", "", 1) if last != path else path


def _or_return(line: str) -> str:
    if not line:
        return ". Pass it as an argument and return the new one."
    return (
        f'. If no result depends on it: `ignore=("{line}",)`; else pass it as an argument and '
        "return the new one."
    )


def _is_copied(value: object) -> bool:
    """Whether a copy is an object of its own: a container, and what says how it is copied."""
    cls = type(value)
    is_container = isinstance(value, list | dict | set) or hasattr(cls, "__deepcopy__")
    return is_container or not is_python_class(cls)


def other_code(func_identifier: str) -> str:
    """What to do where other code made a result: a row does not tell an edit from another file."""
    return (
        'If an edit changed what it returns, raise version=, or use version="auto". '
        f"If it is the result of another file's {func_identifier}, such as a script of the same "
        "name, give the two Spots different names, or the two functions, by mark(name=)"
    )
