"""The name of a callable, whether that name finds the callable, and what its wrappers wrap."""

from __future__ import annotations

import inspect
import sys
from contextlib import suppress
from functools import (
    _lru_cache_wrapper,
    cached_property,
    partial,
    partialmethod,
    singledispatchmethod,
)
from itertools import pairwise
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions import arrivals
from beautyspot.functions.statements import is_made_by_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS: Final = "__beautyspot__"
"""The attribute that every wrapper of ours carries, beside `__wrapped__`."""

COUNTED: Final = "__beautyspot_counted__"
"""The attribute of a limited function, and of what is wrapped around it: who pays for its calls."""

_MAIN: Final = frozenset({"__main__", "__mp_main__"})
_HOLDERS: Final = (
    ((MethodType, staticmethod, classmethod), "__func__"),
    (property, "fget"),
    ((partial, partialmethod, cached_property, singledispatchmethod), "func"),
)
_CLEAR: Final = (MethodType, staticmethod, classmethod, property, cached_property)
"""What an attribute of a class may be in the place of a function."""

_CODE: Final = (
    *(type, FunctionType, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
    *(ClassMethodDescriptorType, MethodWrapperType, _lru_cache_wrapper),
)
_NOTHING: Final = object()
_DEPTH: Final = 50  # wrappers around one function; more is a cycle
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made at run time, by Python or by C
_IMMUTABLE: Final = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: never a class made by Python


def module_name(name: str) -> str:
    """The module's name, with `__main__` and `__mp_main__` as they would be called if imported.

    Not cached: `__main__` is exchanged by notebooks, by `runpy` and in processes that are spawned.
    """
    if name not in _MAIN:
        return name
    module = sys.modules.get(name)
    return name if module is None else _main_name(vars(module))


def unwrap_ours(func: Any) -> Any:
    """What is beneath wrappers of our own; `func` itself where it is none."""
    while is_ours(func):
        func = func.__wrapped__
    return func


def version_of(wrapper: Any) -> str | None:
    """The version that a mark gives its function; None without one, and for "auto"."""
    version = getattr(getattr(vars(wrapper)[OURS], "options", None), "version", None)
    return None if version in (None, "auto") else str(version)


def is_ours(func: object) -> bool:
    """Whether `func` is a wrapper of ours.

    The attribute alone does not tell: `functools.wraps` copies it to whatever wraps our wrapper.
    """
    if type(func) is not FunctionType or OURS not in vars(func):  # a proxy may pose as one
        return False
    package = root_of(func.__globals__.get("__name__"))
    return package == "beautyspot" and hasattr(func, "__wrapped__")


def root_of(module: object) -> str:
    """The top-level package of a module's name."""
    return module.partition(".")[0] if isinstance(module, str) else ""


def names_itself(obj: Any) -> bool:
    """Functions, classes, builtins, and what `functools.lru_cache` makes of a Python function.

    Any other object that can be called is told by its state. It may carry a name that it took over
    from the function that it wraps (`functools.update_wrapper`, `numpy.vectorize`).
    """
    kind = type(obj)  # a proxy may have any `__class__`
    if kind is _lru_cache_wrapper:  # it may wrap a bound method, a partial, an object as well
        inner = unwrap_ours(obj.__wrapped__)
        return type(inner) is FunctionType or (type(inner) is kind and names_itself(inner))
    return issubclass(kind, _CODE)


def carries_name(obj: Any) -> bool:
    """Whether there is a qualified name, or a plain one, whatever it leads to."""
    return isinstance(getattr(obj, "__qualname__", getattr(obj, "__name__", None)), str)


def identifier_of(obj: Any) -> str:
    """``module:qualified.name`` of a callable; of an object without one, that of its `__call__`."""
    if carries_name(obj):
        known = arrivals.identifier(obj) if _raw_module(obj) in _MAIN else None
        return known or f"{_module_of(obj)}:{qualname_of(obj)}"
    cls = type(obj)
    return f"{_module_of(cls)}:{cls.__qualname__}.__call__"


def qualname_of(obj: Any) -> str:
    """The qualified name; objects in C may have a plain one alone."""
    return str(getattr(obj, "__qualname__", None) or obj.__name__)


def is_anonymous(obj: Any) -> bool:
    """Whether a function or class is told by its code: its name does not lead back to it.

    The definition is complete: a name that is bound to nothing leads nowhere.
    """
    if is_in_c(obj) or (_raw_module(obj) in _MAIN and arrivals.identifier(obj)):
        return False
    made = isinstance(obj, type) and is_made_by_call(obj)
    return made or not leads_back(obj) or is_of_no_file(obj)


def is_in_c(obj: Any) -> bool:
    """Whether a name is enough: a function or class that is written in C, with no code to tell."""
    return names_itself(obj) and python_function(obj) is None and not is_python_class(obj)


def is_of_no_file(obj: Any) -> bool:
    """Whether another process may find another thing by the name: a cell, a script of `runpy`."""
    return is_without_file(obj) or _is_of_no_import(obj)


def leads_back(obj: Any, *, called: bool = False) -> bool | None:
    """Whether the name of `obj` leads to this very object; None if it is bound to nothing.

    Of a function and the wrappers around it, which may all carry one name, it leads to one alone:
    to the outermost; or, with `called`, to what the outermost wrapper of ours calls, if there is
    any: so decorators may come and go above a mark.
    """
    name = qualname_of(obj)
    found = look_up(name, namespace_of(obj), _NOTHING)
    if "<" in name or found is _NOTHING:
        return False if "<" in name else None
    return obj is _meant_by(found, called)


def _meant_by(found: Any, called: bool) -> Any:
    steps = list(chain(found))
    marked = [step for step in steps if is_ours(step)]
    if called and marked:
        return unwrap_ours(marked[0])
    return next((s for s in steps if not is_ours(s) and not issubclass(type(s), _CLEAR)), None)


def is_python_class(obj: Any) -> bool:
    """Whether `obj` is a class that a `class` statement or a call of `type` made."""
    return isinstance(obj, type) and obj.__flags__ & (_HEAP_TYPE | _IMMUTABLE) == _HEAP_TYPE


def python_function(obj: Any) -> FunctionType | None:
    """The first Python function in `chain(obj)` that is not a wrapper of ours, or None."""
    for step in chain(obj):
        if type(step) is FunctionType and not is_ours(step):
            return step
    return None


def innermost_function(obj: Any) -> FunctionType | None:
    """The last Python function in `chain(obj)`: the user's, beneath all decorators; or None."""
    return next((step for step in reversed([*chain(obj)]) if type(step) is FunctionType), None)


def captured(obj: Any) -> dict[str, Any]:
    """The variables that the Python function of `obj` captured, less those without a value yet."""
    function = python_function(obj)
    found: dict[str, Any] = {}
    if function is not None:
        cells = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            with suppress(ValueError):  # assigned later than now
                found[name] = cell.cell_contents
    return found


def captured_names(obj: Any) -> set[str]:
    """The names of the variables that a function captured, or the functions among them did."""
    return {name for function in closures(obj) for name in function.__code__.co_freevars}


def closures(obj: Any) -> list[FunctionType]:
    """The Python function of `obj`, those that it captured, and so on."""
    found: list[FunctionType] = []
    todo = [obj]
    while todo:
        one = todo.pop()
        function = python_function(one)
        if function is not None and function not in found:
            found.append(function)
            todo += [unwrap_ours(v) for v in captured(one).values() if isinstance(v, FunctionType)]
    return found


def chain(obj: Any) -> Iterator[Any]:
    """`obj` and what it wraps, from the outside in; a class wraps nothing."""
    for _ in range(_DEPTH):
        yield obj
        inner = None if issubclass(type(obj), type) else _inner(obj)
        if inner is None:
            return
        obj = inner


def is_no_file(filename: str) -> bool:
    """Whether a code object's file name is none: ``<stdin>``, ``<string>``, a cell."""
    return filename.startswith("<") and not filename.startswith("<frozen ")


def look_up(qualname: str, namespace: Mapping[str, Any], default: Any = None) -> Any:
    """What stands under a qualified name in a module, seen without running any descriptor."""
    found: Any = None
    for part in qualname.split("."):
        found = namespace.get(mangled(part, found), default)
        namespace = getattr(found, "__dict__", {})
    return found


def namespace_of(obj: Any) -> Mapping[str, Any]:
    """The names of the module that `obj` is of; its globals where that module is not imported."""
    module = sys.modules.get(_raw_module(obj))
    return getattr(python_function(obj), "__globals__", {}) if module is None else vars(module)


def mangled(name: str, owner: Any) -> str:
    """The name under which a class keeps an attribute: private names are mangled."""
    if isinstance(owner, type) and is_private(name):
        return f"_{owner.__name__.lstrip('_')}{name}"
    return name


def mangled_in(function: object, path: str) -> str:
    """A dotted path as the body of a function means it: in a class, private names are mangled."""
    parts = str(getattr(function, "__qualname__", "")).split(".")
    outer = [one for one, next_ in pairwise(parts) if "<locals>" not in (one, next_)]
    owner = outer[-1].lstrip("_") if outer else ""
    if not owner:
        return path
    return ".".join(f"_{owner}{n}" if is_private(n) else n for n in path.split("."))


def is_private(name: str) -> bool:
    """Whether Python mangles the name in the body of a class."""
    return name.startswith("__") and not name.endswith("__")


def _inner(obj: Any) -> Any:
    """What `obj` wraps, or None. Nothing of the object's own making runs: it may be a proxy."""
    if type(obj) is FunctionType:
        return vars(obj).get("__wrapped__")
    for kind, name in _HOLDERS:
        if issubclass(type(obj), kind):
            return getattr(obj, name)
    return inspect.getattr_static(obj, "__wrapped__", None)


def _is_of_no_import(obj: Any) -> bool:
    """Whether the module of `obj` can't be imported by its name, which others may have as well.

    Examples are ``<run_path>``, as `runpy` names every script, and a module whose loader sets no
    spec or does not enter it in `sys.modules`. False for a function whose `__module__` names
    another module than its globals, as that of `functools.wraps` does, and for `__main__`, which is
    named by its file.
    """
    name = _raw_module(obj)
    if name in _MAIN:
        return False
    if "<" in name:
        return True
    namespace: dict[str, Any] = getattr(python_function(obj), "__globals__", {})
    if namespace.get("__name__") != name:
        return False
    module = sys.modules.get(name)
    return getattr(module, "__dict__", None) is not namespace or namespace.get("__spec__") is None


def is_without_file(obj: Any) -> bool:
    """Whether the code comes from no file: typed at a prompt, in a notebook, given to `exec`."""
    function = python_function(obj)
    if function is not None and is_no_file(function.__code__.co_filename):
        return True
    namespace = namespace_of(obj)
    return namespace.get("__spec__") is None and _file(namespace) is None


def _module_of(obj: Any) -> str:
    """The name of the module that a function or class is of, `__main__` as `module_name` says."""
    name = _raw_module(obj)
    if name not in _MAIN:
        return name
    if isinstance(obj, type):
        return _main_of_class(obj, name)
    # A function that was sent to another process by its code brings its own `__main__` along.
    namespace = getattr(python_function(obj), "__globals__", {})
    return _main_name(namespace) if namespace.get("__name__") == name else module_name(name)


def _main_of_class(cls: type[Any], name: str) -> str:
    """By the `__main__` that its methods bring along, or by who sent it, if another process did."""
    back = leads_back(cls)
    for value in () if back else vars(cls).values():
        function = None if isinstance(value, type) else python_function(value)
        namespace = getattr(function, "__globals__", {})
        if namespace.get("__name__") == name:
            return _main_name(namespace)
    return (arrivals.main() if back is None else None) or module_name(name)


def sent_classes() -> arrivals.Sent:
    """The classes of `__main__` to which their names lead, for `arrivals.take` elsewhere.

    None where it has no file: a notebook's class counts by its source, of which others have none.
    """
    main = sys.modules.get("__main__")
    namespace = {} if main is None else vars(main)
    if _file(namespace) is None:
        return "", {}
    found: dict[str, type] = {}
    todo = list(namespace.values())
    while todo:
        cls = todo.pop()
        if isinstance(cls, type) and cls.__module__ == "__main__" and not is_anonymous(cls):
            name = identifier_of(cls)
            todo += () if name in found else vars(cls).values()
            found[name] = cls
    return arrivals.sent(_main_name(namespace), found)


def _raw_module(obj: Any) -> str:
    name = getattr(obj, "__module__", None)
    if isinstance(name, str):
        return name
    owner = getattr(obj, "__objclass__", None) or getattr(obj, "__self__", None)
    cls = owner if isinstance(owner, type) else type(owner)
    return "builtins" if owner is None else cls.__module__


def _main_name(namespace: Mapping[str, Any]) -> str:
    spec = namespace.get("__spec__")
    if spec is not None and spec.name not in _MAIN:
        return str(spec.name)  # python -m
    file = _file(namespace)
    if file is None:
        return "__main__"
    path = PurePath(file)
    folder = path.parent.stem
    if path.stem == "__main__" and folder:  # `python folder`, `python app.pyz`: as `-m` names it
        return f"{folder}.__main__"
    return path.stem


def _file(namespace: Mapping[str, Any]) -> str | None:
    """The file of a module. A script's `__file__` is gone once it ends, while threads still run."""
    file = namespace.get("__file__") or getattr(namespace.get("__loader__"), "path", None)
    return file if isinstance(file, str) and not is_no_file(file) else None
