"""The version that follows a function's code, and the code of the helpers that it calls."""

from __future__ import annotations

import enum
import functools
import importlib.util
import sys
from collections import ChainMap, UserDict, UserList
from pathlib import PurePath
from types import (
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.code.contents import (
    CONTAINERS,
    constant,
    definitions_in,
    description,
    fields_of,
    is_large_and_flat,
    named_in,
    place,
)
from beautyspot.functions.code.digest import function_digest
from beautyspot.functions.code.forms import constant_form, digest_of
from beautyspot.functions.code.held import held_by
from beautyspot.functions.code.normal_form import UNKNOWN
from beautyspot.functions.code.references import Found, class_of, resolve
from beautyspot.functions.code.source import definition_of, module_source, with_nested
from beautyspot.functions.code.uses import beneath, is_more_than_read, used_as_values
from beautyspot.functions.names import (
    captured,
    chain,
    closures,
    identifier_of,
    innermost_function,
    is_no_file,
    is_ours,
    is_python_class,
    namespace_of,
    root_of,
    unwrap_ours,
    version_of,
)
from beautyspot.functions.origins import is_installed
from beautyspot.logs import inform_once, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    Content = Callable[[object], str]
    Record = tuple[str, str, str]

_ARCHIVE: Final = (str(PurePath(functools.__file__).parent),)  # the standard library's, if zipped
_FLAT: Final[tuple[type[Any], ...]] = (str, bytes, int, float, complex)
_DOCS: Final = frozenset({"__doc__", "getdoc"})
_OF_FIELDS: Final = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__", "_fields")
_HOLDERS: Final = frozenset({ChainMap, SimpleNamespace, UserDict, UserList})
_OPTIONS: Final = "argparse:Namespace"
"""Also one; by its name, since few programs import the module."""

_NO_DATA: Final = frozenset({"_thread", "logging", "threading"})
"""The modules of locks and loggers, on which no result depends."""


def version_auto(
    func: Any, content: Content | None = None, *, project: str | None = None, passed: bool = False
) -> str:
    """A version that changes when the code does which `func` runs: 32 hex digits.

    It follows the function, and whatever of the user's own project its code names, from one to the
    next: functions, with what `functools.singledispatch` calls in their place, classes with their
    methods, bases and the classes in their annotations, methods called on `self`, functions that
    were captured or stand as defaults, and what decorators wrap around them. What modules, classes
    and captured variables hold counts by its content: constants, enums, lists, dicts, dataclasses,
    and the functions in them. An edit of a comment or of layout changes nothing (see
    `beautyspot.functions.code.normal_form`), and neither does one of a docstring, unless it may be
    read: that of a function that is passed on and not only called, or any where `__doc__` is used.

    What functions of its module assign or change in place counts by its code alone, by its class
    and by the functions and classes that it holds, and one warning says so.

    The user's own project is the top-level package of `func` itself, wherever it is installed, and
    every file that is neither of the standard library nor in ``site-packages``.

    Ask at the first call: helpers may stand further down in the module than the function. Modules
    of the project that the functions import when they run are imported now.

    What it can't see: methods called on anything but `self`, arguments, classes and objects of a
    module; names that are made at run time (`getattr`, `globals()`, registries of others);
    objects of other people's classes, such as clients; code in C and in other people's packages;
    files, the environment, models behind an API. There, write the version yourself. A value that
    differs from run to run or from machine to machine (the time, a path) makes each a version of
    its own.

    Args:
        func: the function; or a value, whose functions and classes are followed.
        content: gives the text of a value that is neither code nor a container; None for none.
        project: the top-level package that is the user's own; by default that of `func`.
        passed: whether `func` is an argument, so that others may read its docstring.
    """
    return digest_of(sorted(followed(func, content, project=project, passed=passed)))


def followed(
    func: Any,
    content: Content | None = None,
    *,
    project: str | None = None,
    passed: bool = False,
    ignore: Collection[str] = (),
    first: dict[str, list[Any]] | None = None,
) -> set[Record]:
    """What `version_auto` is a digest of: where each thing was found, its name, and its digest.

    Args:
        func, content, project, passed: as for `version_auto`.
        ignore: variables that do not count: captured ones, and globals of the module of `func`.
        first: keeps the code that is in tables which functions change, for the next time.
    """
    inner = unwrap_ours(func)
    if project is None:
        project = root_of(namespace_of(inner).get("__name__"))
    walk = _Walk(_Task("", "", func, passed), content, project, ignore, first)
    records = walk.records()
    if walk.changing:
        warn_once(
            f'version="auto" of {identifier_of(inner)} does not count '
            f"{', '.join(sorted(walk.changing))}, which functions change while the program runs: "
            "pass what matters of it as an argument, or write the version yourself"
        )
    for label, cls in sorted(walk.unread.items()):
        inform_once(
            f'version="auto" of {identifier_of(inner)} does not follow {label}, since '
            f"what a {cls} holds can't be read. If results depend on it, write the version "
            "yourself, or let the function use what it is made of (the text of a template, say) "
            "as a global of its own"
        )
    return records


class _Task(NamedTuple):
    owner: str
    label: str
    value: Any
    as_value: bool = False  # whether others may look at it: at a docstring, at annotations
    changed: frozenset[str] = frozenset()  # what of it functions change; "" is the value itself
    path: str = ""  # what a warning calls it then; "" for none


class _Walk:
    """Follows code from name to name. Each thing is visited once, so cycles come to an end."""

    def __init__(
        self,
        task: _Task,
        content: Content | None,
        project: str,
        ignore: Collection[str],
        first: dict[str, list[Any]] | None,
    ) -> None:
        self.changing: set[str] = set()
        self.unread: dict[str, str] = {}  # what has no content that could be told: its class
        self._content = content
        self._records: set[Record] = set()
        self._todo: list[_Task] = [task]
        self._seen: dict[int, tuple[object, str]] = {}  # the objects are kept, so that no number
        self._described: dict[int, object] = {}  # comes twice
        self._definitions: dict[int, Any] = {}
        self._changed: dict[int, tuple[Mapping[str, Any], set[str]]] = {}
        self._reads_docs = False
        self._root = project
        self._ignore = ignore
        self._first = {} if first is None else first
        self._around = closures(task.value)  # whose captured variables `ignore` may name
        inner = innermost_function(task.value)
        self._globals = None if inner is None else inner.__globals__

    def records(self) -> set[Record]:
        """Visit everything: where each thing was found, under which name, and its digest."""
        while self._todo:
            self._take(self._todo.pop())
        if self._reads_docs:
            for definition in self._definitions.values():
                doc = constant_form(getattr(definition, "__doc__", None))
                self._records.add((identifier_of(definition), "doc", digest_of(doc)))
        return self._records

    def _take(self, task: _Task) -> None:
        owner, label, value, as_value, *_ = task
        try:
            isinstance(value, type)
        except Exception:  # a proxy of what is not there
            return
        if "" in task.changed:
            self._follow_code(task)
            return
        if as_value:
            self._describe(value)
        form = constant(value)
        if form is not None:
            self._records.add((owner, label, digest_of(form)))
        elif value is not None and id(value) not in self._seen:
            self._seen[id(value)] = value, f"{owner} {label}"
            self._visit(task)
        elif isinstance(value, CONTAINERS):  # which has no name of its own
            self._records.add((owner, label, self._seen[id(value)][1]))
        if isinstance(value, enum.Enum):
            self._follow(owner, label, [type(value), value.value])

    def _visit(self, task: _Task) -> None:
        owner, label, value, *_ = task
        if isinstance(value, type):
            self._visit_class(value)
        elif isinstance(value, functools.partial):
            self._follow(owner, label, [value.func, *value.args])
            self._follow(owner, label, value.keywords.items())
        elif isinstance(value, property):
            self._follow(owner, label, [value.fget, value.fset, value.fdel])
        elif is_large_and_flat(value) and self._content is not None:
            self._records.add((owner, label, digest_of(self._content(_in_order(value)))))
        elif isinstance(value, CONTAINERS):
            self._visit_container(task)
        elif not isinstance(value, ModuleType):
            self._visit_object(task)

    def _visit_container(self, task: _Task) -> None:
        """Each item by its place, under the container's type and length."""
        owner, label, value, *_ = task
        kind = type(value)
        self._records.add((owner, label, f"{identifier_of(kind)} of {len(value)}"))
        if isinstance(value, dict | MappingProxyType):
            items = [(place(key), item) for key, item in value.items()]
            self._records.add((owner, f"{label} order", digest_of([name for name, _ in items])))
            self._todo += [_Task(owner, f"{label}[key]", key) for key in value]
        elif isinstance(value, set | frozenset):
            items = [("item", item) for item in value]
        else:
            items = [(str(number), item) for number, item in enumerate(value)]
        self._todo += [_Task(owner, f"{label}[{place}]", item, True) for place, item in items]
        self._todo += [_Task(owner, f"{label} class", kind), *self._fields(task)]

    def _visit_object(self, task: _Task) -> None:
        """A function, with those that it wraps; of another object its class and content count."""
        owner, label, value, *_ = task
        self._visit_implementations(owner, label, value)
        steps = list(chain(value))
        for step in steps:
            if is_ours(step):
                self._visit_mark(step)
            elif isinstance(step, FunctionType):
                self._visit_function(step)
            elif step is not value and owner:  # holds what is bound to it
                self._follow(owner, label, [step])
        if isinstance(value, FunctionType):
            return
        self._follow(owner, label, [type(value)])
        if isinstance(value, MethodType) and owner:
            self._follow(owner, label, [value.__self__])
        elif owner and not any(isinstance(step, FunctionType) for step in steps):
            self._visit_content(task)

    def _visit_content(self, task: _Task) -> None:
        """What an object holds; that of what was marked, or is an argument, is in the key."""
        owner, label, value, *_ = task
        for kind in _FLAT:
            if isinstance(value, kind):
                write: Any = kind.__repr__
                self._records.add((owner, label, digest_of(write(value))))
        if self._is_of_fields(value):
            self._todo += self._fields(task)
        elif self._content is not None:
            try:
                self._records.add((owner, label, digest_of(self._content(value))))
            except Exception:  # of other people's making, such as a client
                kind = type(value)
                if root_of(kind.__module__) not in _NO_DATA:
                    self.unread[f"{label} in {owner}"] = f"{kind.__module__}.{kind.__qualname__}"

    def _is_of_fields(self, value: Any) -> bool:
        """Whether an object is one of the user's, or is there to hold data."""
        kind = type(value)
        holds = kind in _HOLDERS or identifier_of(kind) == _OPTIONS
        if holds or not is_python_class(kind):
            return holds
        namespace = namespace_of(kind)
        own = self._is_own(namespace, str(namespace.get("__file__")))
        return own or any(hasattr(kind, name) for name in _OF_FIELDS)

    def _fields(self, task: _Task) -> Iterator[_Task]:
        for name, item in fields_of(task.value):
            changed, path = beneath(task.changed, name), f"{task.path}.{name}"
            yield _Task(task.owner, f"{task.label}.{name}", item, True, changed, path)

    def _follow_code(self, task: _Task) -> None:
        """Of what functions change, or `ignore` names, what is code: its class, and what it holds.

        A table has the code in it that it had the first time: what a program puts there while it
        runs is no part of the version.
        """
        owner, label, value, *_ = task
        is_own = not isinstance(value, type) and self._is_of_fields(value)
        if task.path and (is_own or isinstance(value, CONTAINERS) or constant(value) is not None):
            self.changing.add(task.path)
        held = [] if isinstance(value, ModuleType) else [type(value) if is_own else value]
        if is_own and task.path:
            held += [item for _, item in fields_of(value)]
        for number, item in enumerate(held):
            found = definitions_in([item], objects=False)
            if issubclass(type(item), CONTAINERS):
                place = f"{owner} {label} {number}"
                if place not in self._first:
                    self._first[place] = [*found] if task.path else []
                found = iter(self._first[place])
            self._todo += [_Task(owner, label, definition, True) for definition in found]

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
        version = version_of(wrapper)
        if version is not None:
            self._records.add((identifier_of(wrapper), "version", version))

    def _visit_function(self, function: FunctionType) -> None:
        namespace = function.__globals__
        own = self._is_own(namespace, function.__code__.co_filename)
        if not own or id(function) in self._definitions:  # beneath a wrapper, say
            return
        name = identifier_of(function)
        self._definitions[id(function)] = function
        self._records.add((name, "", function_digest(function)))
        node = definition_of(function)
        values = set() if node is None else used_as_values(node)
        values |= {value.partition(".")[0] for value in values}
        for found in resolve(function, self._load):
            as_value = node is None or found.label in values
            task = _Task(name, found.label, found.value, as_value)
            if not self._is_ignored(found, function):
                self._todo.append(self._with_changes(task, found.namespace))
        if node is None or any(is_more_than_read(node, first) for first in _first(function)):
            self._follow(name, "class", [cls for cls in [class_of(function)] if cls is not UNKNOWN])
        codes = with_nested(function.__code__)
        self._reads_docs |= any(not _DOCS.isdisjoint(code.co_names) for code in codes)
        self._follow(name, "default", function.__defaults__ or ())
        for key, value in (function.__kwdefaults__ or {}).items():
            self._todo.append(_Task(name, f"default of {key}", value))

    def _visit_class(self, cls: type[Any]) -> None:
        namespace = namespace_of(cls)
        if not is_python_class(cls) or not self._is_own(namespace, str(namespace.get("__file__"))):
            return
        name = identifier_of(cls)
        self._definitions[id(cls)] = cls
        self._follow(name, "base", cls.__mro__[1:])
        self._follow(name, "metaclass", [type(cls)])
        self._follow_annotations(name, cls)
        changed = beneath(self._changed_in(namespace), cls.__qualname__)
        for key, value in held_by(cls):
            attribute = key.removeprefix(".")
            path = f"{name.replace(':', '.')}.{attribute}"
            self._todo.append(_Task(name, key, value, False, beneath(changed, attribute), path))

    def _describe(self, value: Any) -> None:
        """What others may read of a function or class: its docstring and its annotations."""
        for step in chain(value):
            definition: Any = step
            if not isinstance(step, FunctionType | type) or is_ours(step):
                continue
            namespace = namespace_of(definition)
            own = self._is_own(namespace, str(namespace.get("__file__")))
            if own and id(definition) not in self._described:
                self._described[id(definition)] = definition
                self._records.add((identifier_of(definition), "seen", description(definition)))
                self._follow_annotations(identifier_of(definition), definition)

    def _follow_annotations(self, name: str, definition: Any) -> None:
        namespace = namespace_of(definition)
        for key, annotation in annotations_of(definition).items():
            self._follow(name, f"annotation of {key}", named_in(annotation, namespace))

    def _follow(self, owner: str, label: str, values: Iterable[object]) -> None:
        for number, value in enumerate(values):
            self._todo.append(_Task(owner, f"{label} {number}", value))

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

    def _is_ignored(self, found: Found, function: FunctionType) -> bool:
        """Whether `ignore` names a variable that a function captured."""
        root = found.label.partition(".")[0]
        return root in self._ignore and root in captured(function) and function in self._around

    def _with_changes(self, task: _Task, namespace: Mapping[str, Any]) -> _Task:
        """The task of a name in a module, with what functions of that change of the value."""
        name = task.label.rpartition(".")[2]
        if not namespace:  # a variable that was captured, or an attribute
            return task
        if name in self._ignore and namespace is self._globals:
            return task._replace(changed=frozenset(("",)))
        changed = beneath(self._changed_in(namespace), name)
        return task._replace(changed=changed, path=f"{namespace.get('__name__')}.{name}")

    def _changed_in(self, namespace: Mapping[str, Any]) -> set[str]:
        """The names of a module whose values its functions change."""
        if id(namespace) not in self._changed:
            source = module_source(namespace) if "__file__" in namespace else None
            self._changed[id(namespace)] = namespace, set() if source is None else source.changed
        return self._changed[id(namespace)][1]

    def _is_own(self, namespace: Mapping[str, Any], filename: str) -> bool:
        root = root_of(namespace.get("__name__"))
        if "__file__" not in namespace and root in sys.builtin_module_names:
            return False
        return root != "beautyspot" and (root == self._root or _is_of_a_project(filename))


def _in_order(value: Any) -> object:
    """A dict as its items: code that iterates over it sees their order."""
    return [list(value), list(value.values())] if isinstance(value, dict) else value


def _first(function: FunctionType) -> tuple[str, ...]:
    """The name of its first argument, such as `self`; none where it has no variables."""
    return function.__code__.co_varnames[:1]


@functools.cache
def _is_of_a_project(filename: str) -> bool:
    if filename.startswith("<") or filename in {"built-in", "frozen"}:
        return is_no_file(filename)
    import sysconfig  # only `version="auto"` asks

    path = PurePath(filename)
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *_ARCHIVE}
    standard = any(path.is_relative_to(folder) for folder in folders)
    return not standard and not is_installed(filename)
