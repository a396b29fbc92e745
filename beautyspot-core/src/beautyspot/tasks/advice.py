"""What to write where a part of a key has no stable form, or changes while its call runs.

The insides of another package's object are never proposed for `ignore=`: what is left of it does
not tell one object from another.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Mapping
from importlib.util import find_spec
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.errors import UnstableKeyError
from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.bound import taken_apart
from beautyspot.functions.names import (
    innermost_function,
    is_python_class,
    namespace_of,
    python_function,
    root_of,
    unwrap_ours,
)
from beautyspot.functions.origins import is_installed
from beautyspot.keys.binding import bound_names, is_omitted, make_binder, make_namer
from beautyspot.keys.canonical import Without
from beautyspot.keys.memo import FLAT
from beautyspot.messages import is_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import KeyGenBase
    from beautyspot.tasks.options import MarkOptions
    from beautyspot.tasks.watching import Change

    class Addressed(Protocol):
        """A call whose arguments are bound."""

        args: tuple[Any, ...]
        kwargs: dict[str, Any]
        bound: tuple[tuple[Any, ...], dict[str, Any]]


_UNSTABLE: Final = (
    r"(?:args\[(?P<position>\d+)\]|kwargs\['(?P<name>\w+)'\])"
    r"(?P<attributes>(?:\.[^\W\d]\w*)*)(?P<inside>.*)"
)
"""The path of an `UnstableKeyError`: the argument, attributes of it, and what is inside."""


_CLIENTS: Final = {
    **{name: name for name in ("openai", "anthropic", "httpx", "requests")},
    "botocore": "boto3",
    "sqlalchemy": "SQLAlchemy",
}
"""Libraries, by their top-level package, whose clients or engines `beautyspot-http` knows.

No distribution of others is named for a type: whoever registers such a name would get its users.
"""


_STANDARD: Final = sys.stdlib_module_names

UNKNOWN: Final = "say with mark(key=function) what counts of the arguments"
"""The advice where it is not known which argument it is."""


class Advisor:
    """Says what to write for one function.

    Args:
        function: the user's function.
        options: of its mark.
        keygen: turns arguments into input IDs.
        called: its short name.
        captured: the variables that count for it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: MarkOptions,
        keygen: KeyGenBase,
        *,
        called: str,
        captured: frozenset[str],
    ) -> None:
        self._function = unwrap_ours(function)
        self._project = root_of(namespace_of(taken_apart(function).func).get("__name__"))
        self._called = called
        self._options = options
        self._keygen = keygen
        self._captured = captured
        self._name = make_namer(self._function, ignore=options.ignore)
        self._bound = bound_names(self._function)
        self._ignorable: dict[str, bool] = {}

    def advice(self, call: Addressed, error: UnstableKeyError) -> str:
        """How to leave out what has no stable form.

        `ignore=` takes an argument or attributes of one. If the error is about less than it can
        leave out, such as one attribute of an item of a list, the advice says what else would go.
        """
        found = re.fullmatch(_UNSTABLE, error.path, re.DOTALL)
        return self._advice(call, error, found) + ("" if found is None else _plugin(call, found))

    def _advice(self, call: Addressed, error: UnstableKeyError, found: re.Match[str] | None) -> str:
        name, several = (None, False) if found is None else self._argument(call, found)
        if found is None or name is None:
            return UNKNOWN
        if name == self._options.each:
            return f'say with mark(key={{"{name}": function}}) what counts of an item'
        captured = name in self._captured or name not in self._name(*call.bound)
        name, inside = _innermost(name, found["inside"]) if captured else (name, found["inside"])
        if captured and inside.startswith("<"):  # a part of its code
            return "say with mark(name=…, key=function) which function it is, and what counts"
        whole = name + found["attributes"]
        path, strange = name, None
        if not (captured or several):
            path, strange = self._part(call, name, found["attributes"], error)
        other = f'say with mark(key={{"{name}": function}}) what counts'
        if strange is not None and not self._is_of_library(type(strange)):
            return f"{path} is of another package: pass its fields, or {other}"
        if path == whole and not (inside or several):
            told = ""
            if isinstance(error.__cause__, UnstableKeyError):  # of a plug-in that knows the type
                told = f'; else say who or what counts: mark(key={{"{name}": function}})'
            return f"if {path} changes no result, write {self.line(path)}{told}"
        what = "variable" if captured else "argument" if path == name else "attribute"
        is_strange = strange is not None and path == name
        fields = f"pass its fields or str({path}), or " if is_strange else ""
        return (
            f"{self.line(path)} leaves the whole {what} {path} out of the key: do "
            "it only if no part of it changes the result"
            + ("" if captured else f"; else {fields}{other}")
        )

    def about(self, change: Change) -> str:
        """What to tell of a call that has changed a part of its own key."""
        path, name, value = change
        value = value[1] if is_omitted(value) else value
        value = value.value if type(value) is Without else value
        told = self._told(f"`{path}`" if path else "an argument")
        left_out = path
        if not path:
            return f"{told}: work on a copy"
        if name in self._captured:
            left_out = path.partition(".")[0]
        elif path == name and (copied := _copied(name, value)):
            return f"{told}: work on a copy: `{name} = {copied}`"
        elif not self._is_own_part(value, path[len(name) + 1 :]):
            by_key = "" if path != name else ", or say with `key=` what counts"
            return f"{told}: `{name}` is of another package: pass its fields{by_key}"
        return f"{told}. {_or_return(left_out)}"

    def about_code(self, changed: tuple[str, str]) -> tuple[str, str]:
        """The same of what `version="auto"` follows, given where it was found and its name there.

        Beside what to tell, what it is called.
        """
        owner, label = changed
        path = re.match(r"[\w.]*", label)[0] or owner  # type: ignore[index]  # matches any text
        told, name = self._told(f"`{path}`"), path.partition(".")[0]
        inner = innermost_function(self._function)
        own = {} if inner is None else inner.__globals__
        if name in own and owner.partition(":")[0] == own.get("__name__"):
            return path, f"{told}. {_or_return(name)}"
        return path, f"{told}: pass it as an argument, or write the version yourself"

    def _told(self, what: str) -> str:
        return (
            f"{what} changed while `{self._called}` ran (perhaps by another thread): not stored; "
            "it will run and cost again"
        )

    def line(self, *paths: str) -> str:
        """The call of `mark` to be copied; a bound function can't be decorated."""
        texts = ", ".join(f'"{path}"' for path in paths)
        option = f"ignore=({texts}{',' if len(paths) == 1 else ''})"
        if self._bound.isdisjoint(path.partition(".")[0] for path in paths):
            return f"mark({option})"
        name = getattr(self._function, "__name__", "function")
        return f"spot.mark(….{name}, {option})"

    def _part(
        self, call: Addressed, name: str, attributes: str, error: UnstableKeyError
    ) -> tuple[str, object]:
        """The path to leave out: the attributes, up to a part that belongs to another's code.

        A client of a library is left out as a whole, with the secrets that it holds beside its
        connection, and no private attribute is named but those of the method's own class. Beside
        the path, the object there, where the insides of another package's object begin beneath it.
        """
        given = value = self._name(*call.bound)[name]
        if type(value) is Without:
            given = value = value.value
        mine, strange, path = self._is_own(name, value), False, name
        for attribute in attributes.split(".")[1:]:
            strange = not self._is_own_part(value, attribute)
            if strange or (not mine and (attribute.startswith("_") or _holds_secret(value))):
                break
            path, mine = f"{path}.{attribute}", False
            value = getattr(value, attribute, None)
        if path != name and not self._can_ignore(call, path, error):
            path, value = name, given
        return path, value if strange else None

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

    def _is_own(self, name: str, value: object) -> bool:
        """Whether the argument is the object whose class defines the marked function."""
        owner = str(getattr(taken_apart(self._function).func, "__qualname__", "")).rpartition(".")[
            0
        ]
        owners = [base.__qualname__ for base in type(value).__mro__]
        return name not in self._bound and name == "self" and owner in owners

    def _can_ignore(self, call: Addressed, path: str, error: UnstableKeyError) -> bool:
        """Whether `ignore=` finds the attributes: not those of a partial or of a bound method.

        Tried once for each path, since that makes an ID of all arguments.
        """
        known = self._ignorable.get(path)
        if known is None:
            options = self._options
            per_argument = options.key if isinstance(options.key, Mapping) else {}
            try:
                ignore = (*options.ignore, path)
                bind = make_binder(self._function, ignore=ignore, key_of=per_argument)
                self._keygen.input_id(*bind(*call.args, **call.kwargs))
                known = True
            except Exception as other:
                known = getattr(other, "path", error.path) != error.path
            self._ignorable[path] = known
        return known

    def _argument(self, call: Addressed, found: re.Match[str]) -> tuple[str | None, bool]:
        """The name of an argument, and whether it is one of several that ``*args`` took.

        The name is None where the function has no signature.
        """
        if found["name"]:
            return found["name"], False
        args, position = call.bound[0], int(found["position"])
        named = self._name(args, {})
        name = list(named)[min(position, len(named) - 1)]
        return name if name.isidentifier() else None, named[name] is not args[position]


def _plugin(call: Addressed, found: re.Match[str]) -> str:
    """Which plug-in of ours knows the client that the path leads through, if it is missing."""
    args, kwargs = call.bound
    value = kwargs.get(found["name"])
    if found["position"]:
        value = next(iter(args[int(found["position"]) :]), None)
    for attribute in found["attributes"].split("."):  # the first is the argument itself
        value = getattr(value, attribute, None) if attribute else value
        roots = [root_of(cls.__module__) for cls in type(value).__mro__]
        library = next((_CLIENTS[root] for root in roots if root in _CLIENTS), None)
        if library is not None and find_spec("beautyspot_http") is None:
            return f"; beautyspot-http, where it is installed, knows {library} (docs/http.md)"
    return ""


def _innermost(name: str, inside: str) -> tuple[str, str]:
    """The variable that a function beneath a decorator captured, and what is inside of that."""
    while (found := re.match(r"<captured (\w+)>", inside)) is not None:
        name, inside = found[1], inside[found.end() :]
    return name, inside


def _or_return(path: str) -> str:
    return (
        f'If no result depends on it: `ignore=("{path}",)`; else pass it as an argument and return '
        "the new one."
    )


def _set_by(cls: type) -> set[str]:
    """The attributes that a class declares, or that its methods set."""
    import dis  # only messages need it

    names = {*vars(cls), *annotations_of(cls)}
    functions = [python_function(value) for value in vars(cls).values()]
    todo = [each.__code__ for each in functions if each is not None]
    while todo:
        code = todo.pop()
        names |= {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_ATTR"}
        todo += [const for const in code.co_consts if isinstance(const, CodeType)]
    return names


def _copied(name: str, value: Any) -> str:
    """How to write a copy, all the way down where it holds more than flat values; "" if unknown."""
    items = value.values() if isinstance(value, dict) else value
    nested = isinstance(value, dict | list | tuple | set | deque)
    nested = nested and not FLAT.issuperset(map(type, items))
    for method in () if nested else ("copy", "clone"):
        if callable(getattr(type(value), method, None)):
            return f"{name}.{method}()"
    return f"copy.deepcopy({name})" if nested or not is_python_class(type(value)) else ""


def _holds_secret(value: object) -> bool:
    return any(map(is_secret, getattr(value, "__dict__", ())))


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
