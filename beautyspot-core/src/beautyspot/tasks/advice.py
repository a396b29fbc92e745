"""What to write where a part of a key has no stable form, or changes while its call runs.

The insides of another package's object are never proposed for `ignore=`: what is left of it does
not tell one object from another.
"""

from __future__ import annotations

import dis
import re
import sys
from collections import deque
from functools import partial
from importlib.util import find_spec
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import UnstableKeyError
from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.identity import taken_apart
from beautyspot.functions.names import (
    innermost_function,
    is_nameless,
    is_python_class,
    namespace_of,
    python_function,
    root_of,
)
from beautyspot.functions.origins import is_installed
from beautyspot.keys.binding import Omitted
from beautyspot.keys.memo import FLAT
from beautyspot.keys.walk import CAPTURED, Without
from beautyspot.messages import is_secret
from beautyspot.tasks.watching import called, ignorable, root, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.tasks.options import MarkOptions

_UNSTABLE: Final = r"(?P<name>\**\w+)(?P<attributes>(?:\.[^\W\d]\w*)*)(?P<inside>.*)"
"""The path of an `UnstableKeyError`: the argument, attributes of it, and what is inside."""

_CLIENTS: Final = {
    **{name: name for name in ("openai", "anthropic", "httpx", "requests")},
    "botocore": "boto3",
    "sqlalchemy": "SQLAlchemy",
}
"""Libraries, by their top-level package, whose clients or engines `beautyspot-http` knows.

No distribution of others is named for a type: whoever registers such a name would get its users.
"""

_CODE: Final = (type, FunctionType, BuiltinFunctionType, MethodType, partial)

_STANDARD: Final = sys.stdlib_module_names

UNKNOWN: Final = "say with mark(key=function) what counts of the arguments"
"""The advice where it is not known which argument it is."""


class Advisor:
    """Says what to write for one function.

    Args:
        function: the user's function.
        options: of its mark.
        called: its short name.
        captured: the variables that count for it.
        bound: the names of the arguments that are bound to it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: MarkOptions,
        *,
        called: str,
        captured: frozenset[str],
        bound: frozenset[str],
    ) -> None:
        self._function = function
        self._target = taken_apart(function).func
        self._project = root_of(namespace_of(self._target).get("__name__"))
        self._called = called
        self._each = options.each
        self._captured = captured
        self._bound = bound

    def advice(  # noqa: C901 - a case a step
        self, named: Mapping[str, Any], held: Mapping[str, Any], error: UnstableKeyError
    ) -> str:
        """How to leave out what has no stable form.

        `ignore=` takes an argument or attributes of one. If the error is about less than it can
        leave out, such as one attribute of an item of a list, the advice says what else would go.

        Args:
            named: the arguments.
            held: the variables that the function captured.
            error: says where that is.
        """
        found = re.fullmatch(_UNSTABLE, error.path, re.DOTALL)
        name = "" if found is None else found["name"]
        if found is None or (name not in named and name not in self._captured):
            return UNKNOWN
        if name == self._each:
            return f'say with mark(key={{"{name}": function}}) what counts of an item'
        if name not in named:
            return self._of_captured(error.path, held.get(name))
        value, line = _less_marks(named[name]), ignorable(error.path, held=False)
        if line and found["inside"].startswith(CAPTURED):
            return f"if {called(error.path)} changes no result, write {self._line(line)}"
        path, strange, plugin = self._part(name, value, found["attributes"])
        other = f'say with mark(key={{"{name}": function}}) what counts'
        if _is_of_local_class(value_at(error.path, value)):
            return other
        if strange is not None and not self._is_of_library(type(strange)):
            return f"{path} is of another package: pass its fields, or {other}{plugin}"
        if path == name + found["attributes"] and not found["inside"]:
            told = ""
            if isinstance(error.__cause__, UnstableKeyError):  # of a plug-in that knows the type
                told = f'; else say who or what counts: mark(key={{"{name}": function}})'
            return f"if {path} changes no result, write {self._line(path)}{told}{plugin}"
        what = "argument" if path == name else "attribute"
        is_strange = strange is not None and path == name
        fields = f"pass its fields or str({path}), or " if is_strange else ""
        return f"{self._whole(what, path)}; else {fields}{other}{plugin}"

    def _of_captured(self, whole: str, value: Any) -> str:
        last: Any = re.fullmatch(_UNSTABLE, called(whole), re.DOTALL)
        name, attributes, inside = last["name"], last["attributes"], last["inside"]
        if inside.startswith("<"):  # a part of its code
            return "say with mark(name=…, key=function) which function it is, and what counts"
        value = value_at(whole.removesuffix(f"{attributes}{inside}"), value)
        if _is_of_local_class(value_at(f"{name}{attributes}", value)):
            return f"pass what counts of {name} as an argument"
        path, *_ = self._part(name, value, attributes)
        if path == name + attributes and not inside:
            return f"if {path} changes no result, write {self._line(path)}"
        return self._whole("variable" if path == name else "attribute", path)

    def _whole(self, what: str, path: str) -> str:
        return (
            f"{self._line(path)} leaves the whole {what} {path} out of the key: do it only if no "
            "part of it changes the result"
        )

    def _line(self, path: str) -> str:
        """The call of `mark` to be copied; a bound function can't be decorated."""
        option = f'ignore=("{path}",)'
        if path.partition(".")[0] not in self._bound:
            return f"mark({option})"
        return f"spot.mark(….{getattr(self._function, '__name__', 'function')}, {option})"

    def _part(self, name: str, value: Any, attributes: str) -> tuple[str, object, str]:
        """The path to leave out: the attributes, up to a part that belongs to another's code.

        A client of a library is left out as a whole, with the secrets that it holds beside its
        connection, and no private attribute is named but those of the method's own class. Beside
        the path, the object there, where the insides of another package's object begin beneath it,
        and which plug-in of ours knows a client on the way, if it is missing.
        """
        owner = str(getattr(self._target, "__qualname__", "")).rpartition(".")[0]
        owners = [base.__qualname__ for base in type(value).__mro__]
        mine = name == "self" and name not in self._bound and owner in owners
        path, plugin, strange, open_ = name, "", None, True
        for attribute in ["", *attributes.split(".")[1:]]:
            if attribute:
                is_strange = not self._is_own_part(value, attribute)
                private = attribute.startswith("_") or any(map(is_secret, _dict_of(value)))
                if open_ and (is_strange or (not mine and private)):
                    strange, open_ = value if is_strange else None, False
                value, mine = _dict_of(value).get(attribute, getattr(value, attribute, None)), False
                path = f"{path}.{attribute}" if open_ else path
            for cls in type(value).__mro__:
                library = _CLIENTS.get(root_of(cls.__module__))
                if library is not None and find_spec("beautyspot_http") is None:
                    plugin = (
                        f"; beautyspot-http, where it is installed, knows {library} (docs/http.md)"
                    )
        return path, strange, plugin

    # ----------------------------------------------------------------------- what a call changed

    def about(self, path: str, value: object, *, held: bool) -> str:
        """What to tell of a call that has changed a part of its own key.

        Args:
            path: of what was noted.
            value: the argument, or the captured variable, that it is a part of.
            held: whether it is a variable that the function captured.
        """
        value, name = _less_marks(value), root(path)
        told, part, is_whole = self._told(called(path)), value_at(path, value), path == name
        line = ignorable(path, held=held)
        if held or CAPTURED in path:
            return f"{told}. {_or_return('' if _is_whole_object(part) else line)}"
        if is_whole and (name == "self" or isinstance(value, _CODE)):
            return f"{told}: return what is new instead, or say with `key=` what counts of `{name}`"
        if is_whole and (copied := _copied(name, value)):
            return f"{told}: work on a copy: `{name} = {copied}`"
        if not self._is_own_part(value, path[len(name) + 1 :]):
            by_key = "" if not is_whole else ", or say with `key=` what counts"
            return f"{told}: `{name}` is of another package: pass its fields{by_key}"
        return f"{told}. {_or_return('' if isinstance(part, _CODE) else line)}"

    def about_code(self, owner: str, label: str) -> tuple[str, str]:
        """The same of what `version="auto"` follows, given where it was found and its name there.

        Beside what to tell, what it is called.
        """
        path = re.match(r"[\w.]*", label)[0] or owner  # type: ignore[index]  # matches any text
        told, name = self._told(path), path.partition(".")[0]
        own = getattr(innermost_function(self._function), "__globals__", {})
        is_own = name in own and owner.partition(":")[0] == own.get("__name__")
        if is_own and not isinstance(own[name], _CODE):
            return path, f"{told}. {_or_return(name)}"
        return path, f"{told}: pass it as an argument, or write the version yourself"

    def _told(self, path: str) -> str:
        return (
            f"`{path}` changed while `{self._called}` ran (perhaps by another thread): not stored; "
            "it will run and cost again"
        )

    # -------------------------------------------------------------------------------- whose it is

    def _is_own_part(self, value: object, attribute: str) -> bool:
        """Whether an attribute is the user's: his class sets it, or nobody else would.

        Not so is what a mapper or a base class of another package keeps in the user's object.
        """
        classes = type(value).__mro__[:-1]
        strange = [cls for cls in classes if self._is_of_library(cls)]
        if strange and strange[0] is type(value):
            return False
        if any(attribute in _set_by(cls) for cls in classes if cls not in strange):
            return True
        installed = [cls for cls in strange if root_of(cls.__module__) not in _STANDARD]
        return not installed and not attribute.startswith("_")

    def _is_of_library(self, cls: type) -> bool:
        """Whether the class is written in Python, by an installed library or Python's own.

        The attributes of other classes, such as `SimpleNamespace`, are their user's.
        """
        root = root_of(cls.__module__)
        if not is_python_class(cls) or root == self._project:
            return False
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
        return is_installed(file) or root in _STANDARD


def _less_marks(value: Any) -> Any:
    value = value.value if type(value) is Omitted else value
    return value.value if type(value) is Without else value


def _or_return(line: str) -> str:
    if not line:
        return "Pass it as an argument and return the new one."
    return (
        f'If no result depends on it: `ignore=("{line}",)`; else pass it as an argument and return '
        "the new one."
    )


def _is_of_local_class(value: object) -> bool:
    return is_nameless(value if isinstance(value, type) else type(value))


def _is_whole_object(value: object) -> bool:
    """Whether more hangs on it than what changed: code, or an object of a class in Python."""
    return isinstance(value, _CODE) or is_python_class(type(value))


def _set_by(cls: type) -> set[str]:
    """The attributes that a class declares, or that its methods set."""
    from beautyspot.functions.code import with_nested  # parses sources: rarely needed

    names = {*vars(cls), *annotations_of(cls)}
    for function in map(python_function, vars(cls).values()):
        for code in () if function is None else with_nested(function.__code__):
            names |= {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_ATTR"}
    return names


def _copied(name: str, value: Any) -> str:
    """How to write a copy, all the way down where it holds more than flat values; "" if unknown."""
    items = value.values() if isinstance(value, dict) else value
    nested = isinstance(value, dict | list | tuple | set | deque)
    nested = nested and not FLAT.issuperset(map(type, items))
    for method in () if nested else ("copy", "clone"):
        of_class = getattr(type(value), method, None)
        if is_python_class(type(value)) and isinstance(of_class, MethodDescriptorType):
            return f"copy.deepcopy({name})"  # that of a list would make a list
        if callable(of_class):
            return f"{name}.{method}()"
    return f"copy.deepcopy({name})" if nested or not is_python_class(type(value)) else ""


def _dict_of(value: object) -> dict[str, Any]:
    return getattr(value, "__dict__", None) or {}


def other_code(func_identifier: str) -> str:
    """What to do where other code made a result: a row does not tell an edit from another file."""
    return (
        'If an edit changed what it returns, raise version=, or use version="auto". '
        + another_file(func_identifier)
    )


def another_file(func_identifier: str) -> str:
    """What to do where another file has a function of the same name, which shares its results."""
    return (
        f"If it is the result of another file's {func_identifier}, such as a script of the same "
        "name, give the two Spots different names, or the two functions, by mark(name=)"
    )
