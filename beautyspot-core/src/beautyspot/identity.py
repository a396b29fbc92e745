"""Which function is it? A name that is the same in every process, and code only where no name will do.

A function is named ``module:qualified.name``. Where that name leads back to it nothing else counts:
its code may be edited, and what was paid for stays. Where it does not (a lambda, a function made
inside another, a cell of a notebook, a second function of the same name) its normalised code and
what it captured are what tells it from its neighbours, and both become part of the key.

Wrappers of our own are looked through everywhere. Those of others are looked through when a name is
followed (``__wrapped__``, static and class methods, properties), so that a decorator that uses
`functools.wraps` changes no name, above ours or beneath.
"""

from __future__ import annotations

import functools
import sys
from pathlib import PurePath
from types import BuiltinMethodType, CellType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OURS: Final = "__beautyspot__"
"""The attribute that every wrapper of ours carries, beside `__wrapped__`."""

_MAIN: Final = frozenset({"__main__", "__mp_main__"})
_BOUND: Final = (MethodType, BuiltinMethodType, MethodWrapperType)
_INNER: Final = ("__wrapped__", "__func__", "fget", "func")
_DEPTH: Final = 50  # wrappers around one function; more is a cycle
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not a static type of an extension module
_SIMPLE: Final = (int, float, complex, str, bytes, type(None))


class Identity(NamedTuple):
    """Which function a call is of.

    Attributes:
        func_name: the short name, for people.
        func_identifier: ``module:qualified.name``.
        anonymous: the identifier does not lead back to the function, or its code is edited in place.
        code: a digest of its code; None where it is not anonymous, or has none.
        captures: gives what the function holds beside its arguments, as it is at that moment: the
            variables that an anonymous function captured, and under names in ``<>`` what a bound
            method, an object with `__call__` or a `functools.partial` carries.
    """

    func_name: str
    func_identifier: str
    anonymous: bool
    code: str | None
    captures: Callable[[], dict[str, Any]]


def identify(func: Callable[..., Any]) -> Identity:
    """The identity of `func`: any callable, of which our own wrappers are taken off.

    Ask at the first call and not at decoration, when the name is not yet bound to the function.
    """
    target = unwrap_ours(func)
    if isinstance(target, functools.partial):
        return _identify_partial(target)
    if isinstance(target, MethodType):
        return _holding(identify(target.__func__), {"<self>": target.__self__})
    named = target if _names_itself(target) else type(target)
    identifier = identifier_of(target)
    anonymous = is_anonymous(named)
    identity = Identity(
        func_name=getattr(named, "__name__", identifier),
        func_identifier=identifier,
        anonymous=anonymous,
        code=_code_digest(named) if anonymous else None,
        captures=functools.partial(_captured_now, named) if anonymous else dict,
    )
    held = _held_by(target, named)
    return _holding(identity, held) if held else identity


def function_parts(func: Callable[..., Any]) -> list[object]:
    """What tells `func` from every other callable, where it is an argument or a captured value.

    For a function, class or builtin that its name leads back to: ``[identifier]``. For any other:
    ``[identifier, code, values, links, defaults, keyword defaults, …]``, where `values` are the
    variables that it captured; those that are such functions too stand in `links`, as a row's number,
    and their rows follow at the end in the same order (0 is `func` itself). So functions that
    capture themselves or each other come to an end.

    Bound methods and partials are for the caller to take apart.
    """
    target = unwrap_ours(func)
    if not is_anonymous(target):
        return [identifier_of(target)]
    nodes: list[Any] = [target]
    rows = [_row(node, nodes) for node in nodes]  # `_row` appends to `nodes` while this runs
    return [*rows[0], *rows[1:]]


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


def is_ours(func: object) -> bool:
    """Whether `func` is a wrapper of ours.

    The attribute alone does not tell: `functools.wraps` copies it to whatever wraps our wrapper.
    """
    if not isinstance(func, FunctionType) or OURS not in vars(func):
        return False
    return root_of(func.__globals__.get("__name__")) == "beautyspot" and hasattr(func, "__wrapped__")


def root_of(module: object) -> str:
    """The top-level package of a module's name."""
    return module.partition(".")[0] if isinstance(module, str) else ""


def identifier_of(obj: Any) -> str:
    """``module:qualified.name`` of a callable; of an object with `__call__`, that of its method."""
    if not _names_itself(obj):
        cls = type(obj)
        return f"{_module_of(cls)}:{cls.__qualname__}.__call__"
    return f"{_module_of(obj)}:{_qualname(obj)}"


def is_anonymous(obj: Any) -> bool:
    """Whether the name of a callable does not lead back to it, so that its code has to tell it."""
    if not _names_itself(obj):
        return is_anonymous(type(obj))
    if python_function(obj) is None and not _is_python_class(obj):
        return False  # written in C: there is no code to tell it by, and a name is enough
    return "<" in _qualname(obj) or _edited_in_place(obj) or not _leads_back(obj)


def python_function(obj: Any) -> FunctionType | None:
    """The outermost Python function of `obj` and what it wraps; None where all is C, or a class."""
    for step in chain(obj):
        if isinstance(step, FunctionType):
            return step
    return None


def chain(obj: Any) -> Iterator[Any]:
    """`obj` and what it wraps, from the outside in; a class wraps nothing."""
    for _ in range(_DEPTH):
        yield obj
        inner = None if isinstance(obj, type) else _inner(obj)
        if inner is None:
            return
        obj = inner


def captured(obj: Any) -> dict[str, Any]:
    """The variables that a function captured, or that the methods of a class did, sorted by name."""
    if isinstance(obj, type):
        return dict(sorted(_captured_by_class(obj)))
    function = python_function(obj)
    return {} if function is None else dict(sorted(_cells(function)))


# ------------------------------------------------------------------------------------ identify


def _identify_partial(target: functools.partial[Any]) -> Identity:
    inner = identify(target.func)
    own = {"<args>": target.args, "<kwargs>": target.keywords}

    def captures() -> dict[str, Any]:
        return {**own, "<func>": inner.captures()}

    return inner._replace(captures=captures)


def _holding(inner: Identity, held: dict[str, Any]) -> Identity:
    return inner._replace(captures=lambda: {**inner.captures(), **held})


def _held_by(target: Any, named: Any) -> dict[str, Any]:
    """The object that a callable is bound to, if any."""
    if named is not target:
        return {"<self>": target}
    if isinstance(target, _BOUND) and not isinstance(target.__self__, ModuleType | None):
        return {"<self>": target.__self__}
    return {}


def _captured_now(obj: Any) -> dict[str, Any]:
    """What `obj` captured, less itself: a local function that calls itself captures its own name."""
    return {name: value for name, value in captured(obj).items() if unwrap_ours(value) is not obj}


def _code_digest(obj: Any) -> str:
    from beautyspot.code import code_digest  # parses sources: only anonymous functions pay for it

    return code_digest(obj)


# ------------------------------------------------------------------------------ function_parts


def _row(node: Any, nodes: list[Any]) -> list[object]:
    values: dict[str, Any] = {}
    links: dict[str, int] = {}
    for name, value in captured(node).items():
        inner = unwrap_ours(value)
        if isinstance(inner, FunctionType | type) and is_anonymous(inner):
            links[name] = _number(inner, nodes)
        else:
            values[name] = value
    function = python_function(node)
    defaults = (None, None) if function is None else (function.__defaults__, function.__kwdefaults__)
    return [identifier_of(node), _code_digest(node), values, links, *defaults]


def _number(node: Any, nodes: list[Any]) -> int:
    for number, known in enumerate(nodes):
        if known is node:
            return number
    nodes.append(node)
    return len(nodes) - 1


# --------------------------------------------------------------------------------------- names


def _names_itself(obj: Any) -> bool:
    """Functions, classes, builtins, and objects that stand for a function (`functools.lru_cache`)."""
    return isinstance(getattr(obj, "__qualname__", getattr(obj, "__name__", None)), str)


def _qualname(obj: Any) -> str:
    return str(getattr(obj, "__qualname__", None) or obj.__name__)


def _module_of(obj: Any) -> str:
    name = _raw_module(obj)
    if name not in _MAIN:
        return name
    # A function that was sent to another process by its code brings its own `__main__` along.
    namespace = getattr(python_function(obj), "__globals__", {})
    return _main_name(namespace) if namespace.get("__name__") == name else module_name(name)


def _raw_module(obj: Any) -> str:
    name = getattr(obj, "__module__", None)
    if isinstance(name, str):
        return name
    owner = getattr(obj, "__objclass__", None) or getattr(obj, "__self__", None)
    cls = owner if isinstance(owner, type) else type(owner)
    return cls.__module__ if owner is not None else "builtins"


def _main_name(namespace: Mapping[str, Any]) -> str:
    spec = namespace.get("__spec__")
    if spec is not None and spec.name not in _MAIN:
        return str(spec.name)  # python -m
    file = _file(namespace)
    if file is None:
        return "__main__"
    path = PurePath(file)
    # `python folder` and `python app.pyz` run the __main__ that `python -m folder` would
    return f"{path.parent.stem}.__main__" if path.stem == "__main__" and path.parent.stem else path.stem


def _file(namespace: Mapping[str, Any]) -> str | None:
    """The file of a module. A script's `__file__` is gone once it ends, while threads still run."""
    file = namespace.get("__file__") or getattr(namespace.get("__loader__"), "path", None)
    return file if isinstance(file, str) else None


# ----------------------------------------------------------------------------------- anonymous


def _is_python_class(obj: Any) -> bool:
    return isinstance(obj, type) and bool(obj.__flags__ & _HEAP_TYPE)


def _edited_in_place(obj: Any) -> bool:
    """Whether the code comes from no file: typed at a prompt, in a notebook, given to `exec`."""
    function = python_function(obj)
    filename = "" if function is None else function.__code__.co_filename
    if filename.startswith("<") and not filename.startswith("<frozen "):
        return True
    module = sys.modules.get(_raw_module(obj))
    namespace = getattr(function, "__globals__", {}) if module is None else vars(module)
    return namespace.get("__spec__") is None and _file(namespace) is None


def _leads_back(obj: Any) -> bool:
    return any(step is obj for step in chain(_lookup(obj)))


def _lookup(obj: Any) -> Any:
    """What stands under the name of `obj` in its module, seen without running any descriptor."""
    module = sys.modules.get(_raw_module(obj))
    found: Any = module
    namespace = getattr(python_function(obj), "__globals__", {}) if module is None else vars(module)
    for part in _qualname(obj).split("."):
        found = namespace.get(_mangled(part, found))
        namespace = getattr(found, "__dict__", {})
    return found


def _mangled(name: str, owner: Any) -> str:
    """A private name is kept in its class under another one."""
    if isinstance(owner, type) and name.startswith("__") and not name.endswith("__"):
        return f"_{owner.__name__.lstrip('_')}{name}"
    return name


def _inner(obj: Any) -> Any:
    for name in _INNER:
        inner = getattr(obj, name, None)
        if callable(inner):
            return inner
    return None


# ------------------------------------------------------------------------------------ captures


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    cells: tuple[CellType, ...] = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # assigned later than now
            continue


def _captured_by_class(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """Classes made by one function differ by what their methods captured, and by plain attributes."""
    for name, value in vars(cls).items():
        if isinstance(value, _SIMPLE):
            if not name.startswith("__"):
                yield f".{name}", value
        elif not isinstance(value, type):
            function = python_function(value)
            for cell, content in _cells(function) if function is not None else ():
                yield f"{name}.{cell}", content
