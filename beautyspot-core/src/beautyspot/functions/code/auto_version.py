"""The version that follows a function's code, and the code of the helpers that it calls."""

from __future__ import annotations

import enum
import functools
import importlib.util
import sys
from pathlib import PurePath
from types import FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.code.digest import code_digest, function_digest
from beautyspot.functions.code.forms import constant_form, digest_of
from beautyspot.functions.code.normal_form import UNKNOWN
from beautyspot.functions.code.references import Found, resolve
from beautyspot.functions.code.source import module_source
from beautyspot.functions.names import (
    OURS,
    chain,
    identifier_of,
    is_no_file,
    is_ours,
    is_python_class,
    namespace_of,
    root_of,
    unwrap_ours,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_ARCHIVE: Final = (str(PurePath(functools.__file__).parent),)  # the standard library's, if zipped
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def version_auto(func: Callable[..., Any]) -> str:
    """A version that changes when the code does which `func` runs: 32 hex digits.

    It follows the function, and whatever of the user's own project its code names, from one to the
    next: functions, with what `functools.singledispatch` calls in their place, classes with their
    methods and bases, methods called on `self`, functions that were captured or stand as defaults,
    what decorators wrap around them, and constants (numbers, texts, tuples, enums, patterns) of
    modules and classes. An edit of a comment, of layout or of a docstring changes nothing (see
    `beautyspot.functions.code.normal_form`).

    The user's own project is the top-level package of `func` itself, wherever it is installed, and
    every file that is neither of the standard library nor in ``site-packages``.

    Ask at the first call: helpers may stand further down in the module than the function. Modules
    of the project that the functions import when they run are imported now.

    What it can't see: methods called on anything but `self`, classes and objects of a module; names
    that are made at run time (`getattr`, `globals()`, registries); what stands in annotations
    alone; lists, dicts and other objects that a module holds, and globals that functions assign;
    code in C and in other people's packages; files, the environment, models behind an API. There,
    write the version yourself. A constant whose value differs from run to run or from machine to
    machine (the time, a path) makes each a version of its own.
    """
    return digest_of(sorted(_Walk(func).records()))


class _Walk:
    """Follows code from name to name. Each thing is visited once, so cycles come to an end."""

    def __init__(self, func: Any) -> None:
        self._records: set[tuple[str, str, str]] = set()
        self._todo: list[tuple[str, str, object]] = [("", "", func)]
        self._seen: dict[int, object] = {}  # the objects are kept, so that no number comes twice
        self._rebound: dict[int, tuple[Mapping[str, Any], set[str]]] = {}
        self._root = root_of(namespace_of(unwrap_ours(func)).get("__name__"))

    def records(self) -> set[tuple[str, str, str]]:
        """Visit everything: where each thing was found, under which name, and its digest."""
        while self._todo:
            owner, label, value = self._todo.pop()
            form = _constant(value)
            if form is not None:
                self._records.add((owner, label, digest_of(form)))
            elif value is not None and id(value) not in self._seen:
                self._seen[id(value)] = value
                self._visit(owner, label, value)
        return self._records

    def _visit(self, owner: str, label: str, value: Any) -> None:
        if isinstance(value, type):
            self._visit_class(value)
        elif isinstance(value, functools.partial):
            self._follow(owner, label, [value.func, *value.args])
            self._follow(owner, label, value.keywords.items())
        elif isinstance(value, property):
            self._follow(owner, label, [value.fget, value.fset, value.fdel])
        elif type(value) is tuple:
            self._follow(owner, label, value)
        elif not isinstance(value, ModuleType):
            self._visit_object(owner, label, value)

    def _visit_object(self, owner: str, label: str, value: Any) -> None:
        """A function, with those that it wraps; of another object its class counts."""
        self._visit_implementations(owner, label, value)
        for step in chain(value):
            if is_ours(step):
                self._visit_mark(step)
            elif isinstance(step, FunctionType):
                self._visit_function(step)
        if not isinstance(value, FunctionType):
            self._follow(owner, label, [type(value)])

    def _visit_implementations(self, owner: str, label: str, value: Any) -> None:
        """What `functools.singledispatch` calls in place of a function, by the type it is given."""
        if isinstance(value, functools.singledispatchmethod):
            value = value.dispatcher
        registry = getattr(value, "registry", None)
        if not isinstance(value, FunctionType) or not isinstance(registry, MappingProxyType):
            return
        self._follow(owner, label, registry.values())
        namespace = namespace_of(value)
        # The registry of a library's function grows with each import.
        if self._is_own(namespace, str(namespace.get("__file__"))):
            for cls in registry:
                self._records.add((identifier_of(value), "dispatch", identifier_of(cls)))

    def _visit_mark(self, wrapper: FunctionType) -> None:
        """A helper that is marked itself says by its version when its results change."""
        version = getattr(getattr(vars(wrapper)[OURS], "options", None), "version", None)
        if version not in (None, "auto"):
            self._records.add((identifier_of(wrapper), "version", str(version)))

    def _visit_function(self, function: FunctionType) -> None:
        namespace = function.__globals__
        if not self._is_own(namespace, function.__code__.co_filename):
            return
        name = identifier_of(function)
        self._records.add((name, "", function_digest(function)))
        for found in resolve(function, self._load):
            if not self._is_rebound(found):
                self._todo.append((name, found.label, found.value))
        self._follow(name, "default", function.__defaults__ or ())
        for key, value in (function.__kwdefaults__ or {}).items():
            self._todo.append((name, f"default of {key}", value))

    def _visit_class(self, cls: type[Any]) -> None:
        namespace = namespace_of(cls)
        if not is_python_class(cls) or not self._is_own(namespace, str(namespace.get("__file__"))):
            return
        name = identifier_of(cls)
        self._records.add((name, "", code_digest(cls)))
        self._follow(name, "base", cls.__mro__[1:])
        self._follow(name, "metaclass", [type(cls)])
        for key, value in vars(cls).items():
            if not _is_made_by_python(cls, key, value):
                self._todo.append((name, key, value))

    def _follow(self, owner: str, label: str, values: Iterable[object]) -> None:
        for number, value in enumerate(values):
            self._todo.append((owner, f"{label} {number}", value))

    def _load(self, name: str) -> object:
        """A module that a function imports when it runs, which may be later than now."""
        if name not in sys.modules and self._is_own_package(root_of(name)):
            try:
                importlib.import_module(name)
            except Exception:  # whatever its code raises is for the function to meet
                return UNKNOWN
        return sys.modules.get(name, UNKNOWN)

    def _is_own_package(self, root: str) -> bool:
        if root == self._root:
            return True
        try:
            spec = importlib.util.find_spec(root)
        except ValueError:  # a module that something made at run time
            return False
        places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
        return any(_is_of_a_project(place) for place in places if place)

    def _is_rebound(self, found: Found) -> bool:
        """Whether a function assigns the name: its value is no constant, and may come and go."""
        key = id(found.namespace)
        if key not in self._rebound:
            known = "__file__" in found.namespace
            source = module_source(found.namespace) if known else None
            self._rebound[key] = (found.namespace, source.rebound if source else set())
        return found.label.rpartition(".")[2] in self._rebound[key][1]

    def _is_own(self, namespace: Mapping[str, Any], filename: str) -> bool:
        root = root_of(namespace.get("__name__"))
        return root != "beautyspot" and (root == self._root or _is_of_a_project(filename))


def _constant(value: object) -> object | None:
    """The form of a constant, which counts by its value; None for `None`, often "not yet made"."""
    if isinstance(value, enum.Enum):
        return (identifier_of(type(value)), value.name)
    return None if value is None else constant_form(value)


def _is_made_by_python(cls: type[Any], name: str, value: object) -> bool:
    """Whether Python made a member of a class (an enum, a dataclass), so that no source has it.

    True for private constants too: those that the code uses are found by its references.
    """
    for step in chain(value):
        if isinstance(step, FunctionType) and is_no_file(step.__code__.co_filename):
            return "__file__" in namespace_of(cls)
    return type(value) is cls or (name.startswith("_") and _constant(value) is not None)


@functools.cache
def _is_of_a_project(filename: str) -> bool:
    if filename.startswith("<") or filename in {"built-in", "frozen"}:
        return is_no_file(filename)
    import sysconfig  # only `version="auto"` asks

    path = PurePath(filename)
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *_ARCHIVE}
    standard = any(path.is_relative_to(folder) for folder in folders)
    return not standard and _INSTALLED.isdisjoint(path.parts)
