"""What to write where an argument has no stable form: the shortest `ignore=` that mends it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.errors import UnstableKeyError
from beautyspot.functions.bound import taken_apart
from beautyspot.functions.names import is_python_class, root_of, unwrap_ours
from beautyspot.functions.origins import is_installed
from beautyspot.keys.binding import bound_names, make_binder, make_namer
from beautyspot.messages import is_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import KeyGenBase
    from beautyspot.tasks.options import MarkOptions

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


UNKNOWN: Final = "say with mark(key=function) what counts of the arguments"
"""The advice where it is not known which argument it is."""


class Advisor:
    """Says what to write for one function.

    Args:
        function: the user's function.
        options: of its mark.
        keygen: turns arguments into input IDs.
        captured: the variables that count for it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: MarkOptions,
        keygen: KeyGenBase,
        captured: frozenset[str],
    ) -> None:
        self._function = unwrap_ours(function)
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
        path = name if captured or several else self._part(call, name, found["attributes"])
        if path != name and not self._can_ignore(call, path, error):
            path = name
        if path == whole and not (inside or several):
            told = ""
            if isinstance(error.__cause__, UnstableKeyError):  # of a plug-in that knows the type
                told = f'; else say who or what counts: mark(key={{"{name}": function}})'
            return f"if {path} changes no result, write {self.line(path)}{told}"
        what = "variable" if captured else "argument" if path == name else "attribute"
        other = "" if captured else f'; else say with mark(key={{"{name}": function}}) what counts'
        return (
            f"{self.line(path)} leaves the whole {what} {path} out of the key: do "
            f"it only if no part of it changes the result{other}"
        )

    def line(self, *paths: str) -> str:
        """The call of `mark` to be copied; a bound function can't be decorated."""
        texts = ", ".join(f'"{path}"' for path in paths)
        option = f"ignore=({texts}{',' if len(paths) == 1 else ''})"
        if self._bound.isdisjoint(path.partition(".")[0] for path in paths):
            return f"mark({option})"
        name = getattr(self._function, "__name__", "function")
        return f"spot.mark(….{name}, {option})"

    def _part(self, call: Addressed, name: str, attributes: str) -> str:
        """The path to leave out: the attributes, up to a part that belongs to another's code.

        A client of a library is left out as a whole, with the secrets that it holds beside its
        connection, and no private attribute is named but those of the method's own class.
        """
        value = self._name(*call.bound)[name]
        mine = self._is_own(name, value)
        path = name
        for attribute in attributes.split(".")[1:]:
            strange = _is_of_library(type(value)) or _holds_secret(value)
            if not mine and (strange or attribute.startswith("_")):
                break
            path, mine = f"{path}.{attribute}", False
            value = getattr(value, attribute, None)
        return path

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


def _is_of_library(cls: type) -> bool:
    """Whether the class is written in Python, by an installed library or Python's own.

    The attributes of other classes, such as `SimpleNamespace`, are their user's.
    """
    if not is_python_class(cls):
        return False
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return is_installed(file) or root_of(cls.__module__) in sys.stdlib_module_names


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
