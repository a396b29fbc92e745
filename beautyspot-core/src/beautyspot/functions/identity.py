"""The identity of a function: a name that is the same in every process, or else its code.

A function is named ``module:qualified.name``. Where that name leads back to it nothing else counts:
its code may be edited, and what was paid for stays. Where it does not (a lambda, a function made
inside another, a cell of a notebook, one of two functions of the same name, one that a registering
decorator took away) its code and what it captured are what tells it from its neighbours, and both
become part of the key. An object with `__call__` that no name leads to counts by its state.

Wrappers of our own are looked through everywhere. Those of others are looked through when a name is
followed (``__wrapped__``, static and class methods, properties): it leads to what the outermost
wrapper of ours calls. So a decorator that uses `functools.wraps` changes no name, above ours or
beneath. A decorator above ours that leaves no way back makes the code count, which costs a miss
after an edit and never a wrong value.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePath
from types import (
    FunctionType,
    MethodType,
    NoneType,
)
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_64_hexdigest

from beautyspot.concurrency.lazily import Lazily
from beautyspot.errors import ConfigError
from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.names import (
    LIMITED,
    OURS,
    captured,
    carries_name,
    identifier_of,
    innermost_function,
    is_named,
    is_ours,
    namespace_of,
    root_of,
    unwrap_ours,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - as code names its file


def is_installed(filename: str) -> bool:
    """Whether a file is of an installed package."""
    return not _INSTALLED.isdisjoint(PurePath(filename).parts)


def is_of_installed(cls: type) -> bool:
    """Whether the module of a class is of an installed package."""
    return is_installed(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")


def is_standard(filename: str) -> bool:
    """Whether a file is of the standard library."""
    return filename.startswith(_STANDARD) and not is_installed(filename)


def file_digest(named: Any) -> str:
    """A digest of the file of a function or class, as it is now: 16 hex digits.

    Where it is the same, so is all that the source can tell. "" where there is no file: of a cell,
    of a prompt, in an archive.
    """
    function = innermost_function(named)
    file = function.__code__.co_filename if function else namespace_of(named).get("__file__")
    try:
        return xxh3_64_hexdigest(Path(str(file)).read_bytes())
    except (OSError, ValueError):
        return ""


class Identity:
    """Which function a call is of.

    Args:
        func: any callable; our own wrappers are taken off.

    Attributes:
        named: the function or class whose name it is.
        func_name: the short name, for people.
        func_identifier: ``module:qualified.name``.
        is_others_wrapper: whether it was made by `functools.wraps` of another package.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._target = unwrap_ours(func)
        self.named: Any = self._target if carries_name(self._target) else type(self._target)
        self.func_name = str(getattr(self.named, "__name__", None) or self.named.__qualname__)
        self.func_identifier = identifier_of(self._target)
        self.is_others_wrapper = is_others_wrapper(self._target)
        self._decided: bool | None = None

    @property
    def anonymous(self) -> bool:
        """The identifier alone does not lead back: `code` (if any) and `captures` count too.

        Ask at the first call: a decorator runs before the name is bound. Where the first call comes
        earlier still, in a decorator or a class body, the name leads nowhere yet; see `settled`.
        """
        if self._decided is None:
            named = is_named(self._target, called=True)
            if named is None:
                return True
            self._decided = not named
        return self._decided

    @property
    def settled(self) -> bool:
        """Whether `anonymous` is decided for good, since the name is bound to something."""
        return self.anonymous is self._decided

    @property
    def code(self) -> str | None:
        """A digest of the code; None where the name says enough, or what is called is no function.

        Of a function alone: what it wraps is among what it captured.
        """
        return self._code if self.anonymous and isinstance(self._target, FunctionType) else None

    def captures(self) -> dict[str, Any]:
        """What the function holds beside its arguments, as it is at this moment.

        The code of an anonymous function and the variables that it captured, by name, and what a
        wrapper of another package wraps; an object that is called as ``self``, and so is a builtin
        method, with what it is bound to; a class as ``<class>``. What is bound to other methods and
        to partials is an argument of the call; see `taken_apart`.
        """
        if not self.anonymous:
            return {}
        if isinstance(self._target, FunctionType):
            found = dict(sorted(captured(self._target).items()))
            if self.is_others_wrapper:
                found["__wrapped__"] = vars(self._target)["__wrapped__"]
            return {"<code>": self.code, **found}
        return {"<class>" if isinstance(self._target, type) else "self": self._target}

    @property
    def holds(self) -> bool:
        """Whether it may hold anything but code, at any time: a variable may have no value yet."""
        plain = isinstance(self._target, FunctionType) and not self.is_others_wrapper
        holds_nothing = plain and not self._target.__code__.co_freevars
        return self.anonymous and not holds_nothing

    @Lazily
    def _code(self) -> str:
        return _code_of(self._target)

    def sent(self) -> tuple[bool, str | None]:
        """What to hand to `take` in another process, for the same function."""
        return self.anonymous, self.code

    def take(self, sent: tuple[bool, str | None]) -> None:
        """Take over what `sent` gave: here the name may lead elsewhere, or no source be found."""
        self._decided, code = sent
        vars(self).update(_code=code)


def taken_apart(func: Any) -> partial[Any]:
    """The function in a partial, a bound method or an object with `__call__`, and what is bound.

    ``partial(f, 1)(2)`` is the call ``f(1, 2)``, and ``obj.method(2)`` is ``Class.method(obj, 2)``.
    So what is bound are arguments of the call, under the names that the function gives them: those
    of the partial that is returned, which has none where nothing is bound. Our own wrappers are
    taken off.
    """
    func = unwrap_ours(func)
    if isinstance(func, partial) and type(func).__call__ is partial.__call__:
        return partial(taken_apart(func.func), *func.args, **func.keywords)
    if isinstance(func, MethodType):
        return partial(taken_apart(func.__func__), func.__self__)
    call = None if carries_name(func) else inspect.getattr_static(type(func), "__call__", None)
    return partial(taken_apart(call), func) if isinstance(call, FunctionType) else partial(func)


def parts_of(function: FunctionType) -> dict[str, Any]:
    """All that makes up a function that no name leads to, each part by how a path names it."""
    held = {f"<captured {name}>": value for name, value in captured(function).items()}
    if "registry" in vars(function) and function.__code__.co_filename == functools.__file__:
        return {"<code>": _code_of(function), ".registry": vars(function)["registry"]}
    if is_others_wrapper(function):
        wrapped = vars(function)["__wrapped__"]
        return {"<code>": _code_of(function), ".__wrapped__": wrapped, **held}
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    given = {**dict(zip(names, defaults, strict=True)), **(function.__kwdefaults__ or {})}
    doc = function.__doc__
    return {
        "<code>": _code_of(function),
        **held,
        **{f"<default of {name}>": value for name, value in given.items()},
        **{f"<annotation of {name}>": each for name, each in annotations_of(function).items()},
        **({"<doc>": inspect.cleandoc(doc)} if isinstance(doc, str) else {}),
        **{f".{name}": value for name, value in attributes_of(function).items()},
    }


def _code_of(function: FunctionType) -> str:
    """A digest of the code; of another package's wrapper, which has many releases, its name."""
    if is_others_wrapper(function):
        return f"{function.__globals__.get('__name__')}:{function.__code__.co_qualname}"
    from beautyspot.functions.code import code_digest  # parses sources: rarely needed

    return code_digest(function)


def attributes_of(function: Any) -> dict[str, Any]:
    """What was set on a function, or on a wrapper of our own."""
    ours = (OURS, LIMITED, *(("__wrapped__",) if is_ours(function) else ()))
    return {name: item for name, item in vars(function).items() if name not in ours}


def is_others_wrapper(function: object) -> bool:
    """Whether it is a wrapper (`functools.wraps`) of another package than what it wraps."""
    if type(function) is not FunctionType or "__wrapped__" not in vars(function):
        return False
    file, inner = function.__code__.co_filename, innermost_function(function) or function
    package, own = (root_of(each.__globals__.get("__name__")) for each in (function, inner))
    return (is_installed(file) or is_standard(file)) and package not in (own, "beautyspot")


_TYPES: Final = (str, dict, tuple, FunctionType, NoneType)


def kind_of(function: Callable[..., Any]) -> str:
    """A function's kind: "function", "coroutine", "generator" or "async generator".

    A plain wrapper is of the kind of what it wraps, where it only hands on what that returns.
    `functools.wraps` alone does not tell: a wrapper may run the coroutine that it gets.
    """
    outer = taken_apart(function).func
    kind = _kind_of_code(outer)
    if kind == "function" and not isinstance(outer, type | FunctionType):
        kind = _kind_of_code(type(outer).__call__)
    inner = getattr(outer, "__wrapped__", None)
    if kind != "function" or not isinstance(outer, FunctionType) or not callable(inner):
        return kind
    from beautyspot.functions.code import hands_on  # parses sources: rarely needed

    theirs = kind_of(inner)
    return theirs if theirs != "function" and hands_on(outer, inner) else "function"


_MADE_OF_FUNCTIONS: Final = frozenset(
    {
        *("asyncclick.core:Command", "click.core:BaseCommand", "click.core:Command"),
        *("typer._click.core:Command", "invoke.tasks:Task", "huey.api:TaskWrapper"),
        *("celery.app.task:Task", "celery.local:PromiseProxy", "dramatiq.actor:Actor"),
        *("prefect.flows:Flow", "prefect.tasks:Task"),
    }
)
"""Classes of commands and tasks, which have more methods than a call."""


def check_is_no_object(function: object) -> None:
    """Refuse a class, a command or a task, in whose place a function would stand.

    `isinstance` and subclasses would break, and methods of a command or a task be gone.

    Raises:
        ConfigError: says what to decorate.
    """
    bases = [f"{base.__module__}:{base.__qualname__}" for base in type(function).__mro__]
    if not _MADE_OF_FUNCTIONS.isdisjoint(bases):
        raise ConfigError(
            f"mark takes a function, and this is a {type(function).__qualname__}, which would be "
            "none afterwards: write @spot.mark beneath the decorator that makes it, not above that"
        )
    if issubclass(type(function), type):
        name = getattr(function, "__name__", "")
        raise ConfigError(
            f"mark takes a function, and {name} is a class, which would be none afterwards: write "
            f"@spot.mark above a function that makes it (def make(…) -> {name}: return {name}(…)), "
            "or above a method of it, such as __call__"
        )


def _kind_of_code(function: object) -> str:
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.isgeneratorfunction(function):
        code = getattr(function, "__code__", None)
        # `types.coroutine` marks a generator as awaitable: awaiting uses it up, as a coroutine.
        awaited = code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE
        return "function" if awaited else "generator"
    return "coroutine" if inspect.iscoroutinefunction(function) else "function"


def look_like(wrapper: Callable[..., Any], function: Callable[..., Any]) -> None:
    """As `functools.update_wrapper`, of any object that can be called.

    One with a `__getattr__`, such as a method of a remote client, may answer for any name with
    something that is no name, or raise; then the wrapper keeps its own.
    """
    for name in functools.WRAPPER_ASSIGNMENTS:
        with suppress(Exception):
            value = getattr(function, name)
            if isinstance(value, _TYPES):
                setattr(wrapper, name, value)
    functools.update_wrapper(wrapper, function, assigned=())
