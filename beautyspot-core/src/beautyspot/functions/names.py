"""The name of a function or class, whether that name finds it, and what wrappers wrap.

`__main__` and `__mp_main__` are named as the module that they would be if imported: nothing of that
is cached, since notebooks, `runpy` and spawned processes exchange `__main__`.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import suppress
from functools import cached_property, partial, partialmethod, singledispatchmethod
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Sent = dict[str, str]

OURS: Final = "__beautyspot__"
"""The attribute that every wrapper of ours carries, beside `__wrapped__`."""

LIMITED: Final = "__beautyspot_limited__"
"""The attribute of a limited function, and of what is wrapped around it: who pays for its calls."""

MAIN: Final = frozenset({"__main__", "__mp_main__"})
_HOLDERS: Final = (
    ((MethodType, staticmethod, classmethod), "__func__"),
    (property, "fget"),
    ((partial, partialmethod, cached_property, singledispatchmethod), "func"),
)
_CLEAR: Final = (MethodType, staticmethod, classmethod, property, cached_property)
"""What an attribute of a class may be in the place of a function."""

_IN_C: Final = (
    *(BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
    *(ClassMethodDescriptorType, MethodWrapperType),
)
_NOTHING: Final = object()
_DEPTH: Final = 50  # wrappers around one function; more is a cycle
_OF_WRAPT: Final = "FunctionWrapper"  # and those of bound methods
_DECLARED: Final = (MemberDescriptorType, GetSetDescriptorType)
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made at run time, by Python or by C
_IMMUTABLE: Final = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: never a class made by Python

_arrived: Final[Sent] = {}
"""The classes of another process's `__main__`, whose names lead to them there: cloudpickle's number
-> identifier. Such a class is sent by its code, so that no name leads to it here."""


# ------------------------------------------------------------------------------------- what it is


def root_of(module: object) -> str:
    """The top-level package of a module's name."""
    return module.partition(".")[0] if isinstance(module, str) else ""


def is_python_class(obj: Any) -> bool:
    """Whether `obj` is a class that a `class` statement or a call of `type` made.

    Its instances are larger than those of its base by no more than pointers to what it declares.
    """
    if not isinstance(obj, type) or obj.__flags__ & (_HEAP_TYPE | _IMMUTABLE) != _HEAP_TYPE:
        return False
    declared = [
        type(each) is MemberDescriptorType or name in ("__dict__", "__weakref__")
        for name, each in vars(obj).items()  # a property of a class in C needs no room
    ]
    base: Any = obj.__base__
    return bool(obj.__basicsize__ <= base.__basicsize__ + sum(declared) * tuple.__itemsize__)


def is_generated(function: FunctionType) -> bool:
    """Whether `dataclass` or attrs wrote a method."""
    code = function.__code__
    by_dataclass = code.co_qualname.startswith("__create_fn__.<locals>.")
    return by_dataclass or code.co_filename.startswith("<attrs generated ")


def genuine(cls: type) -> type:
    """The class of `datetime` for which `cls` passes; `cls` itself if it passes for none.

    While freezegun holds the time, `datetime.datetime` is a subclass of its own, of which each time
    is an instance.
    """
    for base in cls.__mro__:
        if base.__module__ == "datetime":
            return base if issubclass(base, cls) else cls
    return cls


def carries_name(obj: Any) -> bool:
    """Whether there is a qualified name, or a plain one, whatever it leads to."""
    return isinstance(getattr(obj, "__qualname__", getattr(obj, "__name__", None)), str)


def qualname_of(obj: Any) -> str:
    """The qualified name; objects in C may have a plain one alone."""
    return str(getattr(obj, "__qualname__", None) or obj.__name__)


def identifier_of(obj: Any) -> str:
    """``module:qualified.name`` of a callable; of an object without one, that of its `__call__`."""
    if not carries_name(obj):
        cls = type(obj)
        return f"{_module_of(cls)}:{cls.__qualname__}.__call__"
    return _arrived_as(obj) or f"{_module_of(obj)}:{qualname_of(obj)}"


def raw_module(obj: Any) -> str:
    """The name of its module, as the object says it; of a method in C, that of its class."""
    name = getattr(obj, "__module__", None)
    if isinstance(name, str):
        return name
    owner = getattr(obj, "__objclass__", None) or getattr(obj, "__self__", None)
    cls = owner if isinstance(owner, type) else type(owner)
    return "builtins" if owner is None else cls.__module__


def _module_of(obj: Any) -> str:
    """The module that a function or class is of.

    A function that was sent to another process by its code brings its own `__main__` along.
    """
    name = raw_module(obj)
    namespace = getattr(python_function(obj), "__globals__", {}) if name in MAIN else {}
    return main_name(namespace) if namespace.get("__name__") == name else module_name(name)


# ----------------------------------------------------------------------------- wrappers of our own


def is_ours(func: object) -> bool:
    """Whether `func` is a wrapper of ours.

    The attribute alone does not tell: `functools.wraps` copies it to whatever wraps our wrapper.
    """
    if type(func) is not FunctionType or OURS not in vars(func):  # a proxy may pose as one
        return False
    package = root_of(func.__globals__.get("__name__"))
    return package == "beautyspot" and hasattr(func, "__wrapped__")


def unwrap_ours(func: Any) -> Any:
    """What is beneath wrappers of our own; `func` itself where it is none."""
    while is_ours(func):
        func = func.__wrapped__
    return func


def version_of(wrapper: Any) -> str | None:
    """The version that a mark gives its function; None without one, and for "auto"."""
    version = getattr(getattr(vars(wrapper)[OURS], "options", None), "version", None)
    return None if version in (None, "auto") else str(version)


# ------------------------------------------------------------------------- what wrappers lead to


def chain(obj: Any) -> Iterator[Any]:
    """`obj` and what it wraps, from the outside in; a class wraps nothing.

    Nothing of the object's own making runs: it may be a proxy.
    """
    for _ in range(_DEPTH):
        yield obj
        inner: Any = None
        if type(obj) is FunctionType:
            inner = vars(obj).get("__wrapped__")
        elif not issubclass(type(obj), type):
            held = [name for kinds, name in _HOLDERS if issubclass(type(obj), kinds)]
            inner = getattr(obj, held[0]) if held else None
            inner = inner or inspect.getattr_static(obj, "__wrapped__", None)
            if type(inner) in _DECLARED:  # of a proxy, which may make what it stands for
                inner = inner.__get__(obj) if type(obj).__name__.endswith(_OF_WRAPT) else None
        if inner is None:
            return
        obj = inner


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


def closures(obj: Any) -> list[FunctionType]:
    """The Python function of `obj`, those that it captured, and so on."""
    found = [each for each in (python_function(obj),) if each is not None]
    for function in found:  # which grows meanwhile
        held = [each for each in captured(function).values() if isinstance(each, FunctionType)]
        inner = [each for each in map(python_function, held) if each is not None]
        found += [each for each in inner if each not in found]
    return found


# ---------------------------------------------------------------------- whether the name finds it


def leads_back(obj: Any, *, called: bool = False) -> bool | None:
    """Whether the name of `obj` leads to this very object; None if it is bound to nothing.

    Of a function and the wrappers around it, which may all carry one name, it leads to one alone:
    to the outermost; or, with `called`, to what the outermost wrapper of ours calls, if there is
    any: so decorators may come and go above a mark.
    """
    name = qualname_of(obj)
    if "<" in name:
        return False
    found = look_up(name, namespace_of(obj), _NOTHING)
    if found is _NOTHING:
        return None
    steps = list(chain(found))
    marked = [step for step in steps if is_ours(step)]
    if called and marked:
        return obj is unwrap_ours(marked[0])
    outer = (s for s in steps if not is_ours(s) and not issubclass(type(s), _CLEAR))
    return obj is next(outer, None)


def is_named(obj: Any, *, called: bool = False) -> bool | None:
    """Whether the name of a callable says which one it is, in another process, too.

    Not that of an object without one, or of a builtin method, which is bound to an object. None if
    it is bound to nothing: it may be, further down. `called`: see `leads_back`.
    """
    if isinstance(obj, _IN_C):
        is_of_c = isinstance(getattr(obj, "__self__", None), ModuleType | None)
    else:
        is_of_c = isinstance(obj, type) and not is_python_class(obj)
    if is_of_c or _arrived_as(obj) is not None:
        return True
    found = carries_name(obj) and leads_back(obj, called=called)
    return found and not is_of_no_file(obj)


def is_of_no_file(obj: Any) -> bool:
    """Whether another process may find another thing by the name, or nothing.

    So it is of what was typed at a prompt, in a notebook, or given to `exec`, and of a module that
    can't be imported by its name, which others may have as well: of ``<run_path>``, or of one whose
    loader sets no spec or does not enter it in `sys.modules`. Not of a function whose `__module__`
    names another module than its globals, as that of `functools.wraps` does.
    """
    name, function, namespace = raw_module(obj), python_function(obj), namespace_of(obj)
    if "<" in name or (function is not None and is_no_file(function.__code__.co_filename)):
        return True
    if namespace.get("__spec__") is None and _file(namespace) is None:
        return True
    own = namespace if function is None else function.__globals__
    if name in MAIN or own.get("__name__") != name:
        return False  # `__main__` is named by its file
    module = sys.modules.get(name)
    return getattr(module, "__dict__", None) is not own or own.get("__spec__") is None


def may_be_edited(obj: Any) -> bool:
    """Whether its code may become another one while the program runs: at a prompt, in a notebook.

    There, that of modules too, as by ``%autoreload``.
    """
    return hasattr(sys, "ps1") or is_of_no_file(obj)


def is_no_file(filename: str) -> bool:
    """Whether a code object's file name is none: ``<stdin>``, ``<string>``, a cell."""
    return filename.startswith("<") and not filename.startswith("<frozen ")


def namespace_of(obj: Any) -> Mapping[str, Any]:
    """The names of the module that `obj` is of; its globals where that module is not imported."""
    module = sys.modules.get(raw_module(obj))
    return getattr(python_function(obj), "__globals__", {}) if module is None else vars(module)


def look_up(qualname: str, namespace: Mapping[str, Any], default: Any = None) -> Any:
    """What stands under a qualified name in a module, seen without running any descriptor."""
    found: Any = None
    for part in qualname.split("."):
        found = namespace.get(in_body(found, part), default)
        namespace = getattr(found, "__dict__", {})
    return found


def is_private(name: str) -> bool:
    """Whether Python writes the class into the name, where it stands in the body of one."""
    return name.startswith("__") and not name.endswith("__")


def in_body(cls: Any, name: str) -> str:
    """A name as Python writes it in the body of a class; as it is where `cls` is none."""
    private = isinstance(cls, type) and is_private(name)
    return f"_{cls.__name__.lstrip('_')}{name}" if private else name


# -------------------------------------------------------------------------------------- `__main__`


def module_name(name: str) -> str:
    """The module's name, with `__main__` and `__mp_main__` as they would be called if imported."""
    module = sys.modules.get(name) if name in MAIN else None
    return name if module is None else main_name(vars(module))


def main_name(namespace: Mapping[str, Any]) -> str:
    """What a `__main__` with these names would be called if imported."""
    spec = namespace.get("__spec__")
    if spec is not None and spec.name not in MAIN:
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


def sent_classes() -> Sent:
    """The classes of `__main__` to which their names lead, for `take_classes` in another process.

    None where it has no file: a notebook's class counts by its source, of which others have none.
    """
    main = sys.modules.get("__main__")
    found: dict[str, type] = {}
    todo = [] if main is None or _file(vars(main)) is None else list(vars(main).values())
    while todo:
        cls = todo.pop()
        if isinstance(cls, type) and cls.__module__ == "__main__" and is_named(cls):
            name = identifier_of(cls)
            todo += () if name in found else vars(cls).values()
            found[name] = cls
    return {
        number: name
        for name in found
        for number in _numbers_of(found[name], "_get_or_create_tracker_id")
    }


def take_classes(came: Sent) -> None:
    """Know these classes of another process, whenever they arrive."""
    _arrived.update(came)


def _arrived_as(obj: Any) -> str | None:
    """The identifier that a class has in the process that it was sent from; else None."""
    if not (_arrived and isinstance(obj, type) and raw_module(obj) in MAIN):
        return None
    numbers = _numbers_of(obj, "_DYNAMIC_CLASS_TRACKER_BY_CLASS")
    return next((_arrived[number] for number in numbers if number in _arrived), None)


def _numbers_of(cls: type[Any], source: str) -> Iterator[str]:
    """The numbers that cloudpickle gives a class which it sends by its code."""
    for name in ("cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle"):
        found: Any = getattr(sys.modules.get(name), source, None)
        number = None if found is None else getattr(found, "get", found)(cls)
        if isinstance(number, str):
            yield number


V = TypeVar("V")


class ByIdentity(Generic[V]):
    """A table of classes or code objects, which it does not keep alive.

    A dict asks the keys for their hash, and whether they are equal. A metaclass may answer by the
    names of its classes, and code objects answer by their bytecode.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[Any], V]] = {}

    def __reduce__(self) -> tuple[type[ByIdentity[V]], tuple[()]]:
        """What is kept is not sent to another process: it can be found there again."""
        return ByIdentity, ()

    def get(self, key: Any) -> V | None:
        """The value of this very object, or None."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def put(self, key: Any, value: V) -> V:
        """Set the value of an object, and return it."""
        entries, number = self._entries, id(key)
        entries[number] = (ref(key, lambda _: entries.pop(number, None)), value)
        return value
