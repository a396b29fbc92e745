"""The identity of a function: a name that is the same in every process, or else its code.

A function is named ``module:qualified.name``. Where that name leads back to it nothing else counts:
its code may be edited, and what was paid for stays. Where it does not (a lambda, a function made
inside another, a cell of a notebook, one of two functions of the same name, one that a registering
decorator took away) its normalised code and what it captured are what tells it from its neighbours,
and both become part of the key. An object with `__call__` that no name leads to counts by its
state.

Wrappers of our own are looked through everywhere. Those of others are looked through when a name is
followed (``__wrapped__``, static and class methods, properties): it leads to what the outermost
wrapper of ours calls. So a decorator that uses `functools.wraps` changes no name, above ours or
beneath. A decorator above ours that leaves no way back makes the code count, which costs a miss
after an edit and never a wrong value.
"""

from __future__ import annotations

from types import BuiltinMethodType, FunctionType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.lazily import Lazily
from beautyspot.functions.names import (
    COUNTED,
    OURS,
    captured,
    carries_name,
    identifier_of,
    innermost_function,
    is_in_c,
    is_of_no_file,
    leads_back,
    names_itself,
    root_of,
    unwrap_ours,
)
from beautyspot.functions.origins import is_installed, is_standard

if TYPE_CHECKING:
    from collections.abc import Callable

_BOUND: Final = (BuiltinMethodType, MethodWrapperType)


class Identity:
    """Which function a call is of.

    Args:
        func: any callable; our own wrappers are taken off.

    Attributes:
        named: the function or class whose name it is.
        func_name: the short name, for people.
        func_identifier: ``module:qualified.name``.
        is_wrapper: whether it was made by `functools.wraps`.
        is_others_wrapper: whether another package has done so.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._target = unwrap_ours(func)
        self._held = _held_by(self._target)
        self.named: Any = self._target if carries_name(self._target) else type(self._target)
        self.func_name = str(getattr(self.named, "__name__", None) or self.named.__qualname__)
        self.func_identifier = identifier_of(self._target)
        self.is_wrapper = "__wrapped__" in getattr(self._target, "__dict__", ())
        self.is_others_wrapper = is_others_wrapper(self._target)
        self._decided: bool | None = None

    @property
    def anonymous(self) -> bool:
        """The identifier alone does not lead back: `code` (if any) and `captures` count too.

        Ask at the first call: a decorator runs before the name is bound. Where the first call comes
        earlier still, in a decorator or a class body, the name leads nowhere yet; see `settled`.
        """
        return bool(self._held) or self._nameless

    @property
    def settled(self) -> bool:
        """Whether `anonymous` is decided for good, since the name is bound to something."""
        return self._nameless is self._decided

    @property
    def code(self) -> str | None:
        """A digest of the code; None where the name says enough, or the code is that of a class."""
        return self._code if self._nameless and names_itself(self._target) else None

    def captures(self) -> dict[str, Any]:
        """What the function holds beside its arguments, as it is at this moment.

        The variables that an anonymous function captured, by name; an object that is called, or to
        which a builtin method is bound, as ``self``; a class as ``<class>``. What is bound to
        other methods and to partials is an argument of the call; see `functions.bound`.
        """
        if not self._nameless:
            return dict(self._held)
        if isinstance(self._target, type):
            return {"<class>": self._target}
        if not names_itself(self._target):
            return {"self": self._target, **self._held}
        return {**captured_by(self._target), **self._held}

    @property
    def may_capture(self) -> frozenset[str]:
        """The names that `captures` may give at any time: a variable may have no value yet."""
        if not self._nameless:
            return frozenset(self._held)
        code = getattr(self._target, "__code__", None)
        names = ("<unknown>",) if code is None else code.co_freevars
        wrapped = ("__wrapped__",) if self.is_others_wrapper else ()
        return frozenset(self._held).union(names, wrapped)

    @property
    def _nameless(self) -> bool:
        if self._decided is not None:
            return self._decided
        back = _is_known_by_name(self._target)
        if back is not None:
            self._decided = not back
        return not back

    @Lazily
    def _code(self) -> str:
        from beautyspot.functions.code.digest import code_digest  # parses sources: rarely needed

        return code_digest(self._target)

    def sent(self) -> tuple[bool, str | None]:
        """What to hand to `take` in another process, for the same function."""
        return self._nameless, self.code

    def take(self, sent: tuple[bool, str | None]) -> None:
        """Take over what `sent` gave: here the name may lead elsewhere, or no source be found."""
        self._decided, code = sent
        vars(self).update(_code=code)


def captured_by(function: Any) -> dict[str, Any]:
    """The variables that a function captured, sorted by name.

    Where it captured itself, as a local function does that calls itself, the attributes that were
    set on it stand in its place. What another package's wrapper wraps counts in any case.
    """
    found = attributes_of(function) if is_others_wrapper(function) else {}
    for name, value in captured(function).items():
        if unwrap_ours(value) is function:
            found.update({f"{name}.{key}": item for key, item in attributes_of(value).items()})
        else:
            found[name] = value
    return {name: found[name] for name in sorted(found)}


def attributes_of(function: Any) -> dict[str, Any]:
    """The attributes that were set on a function, and on the wrappers of our own around it.

    Of another package's wrapper what it wraps: the others are its accounts, such as of retries.
    """
    found: dict[str, Any] = {}
    inner = unwrap_ours(function)
    if is_others_wrapper(inner):
        return {"__wrapped__": inner.__wrapped__}
    while function is not inner:
        found = {**vars(function), **found}
        function = function.__wrapped__
    added = {name: item for name, item in found.items() if name != "__wrapped__"}
    # What wraps a wrapper of ours has its attributes, too.
    both = {**vars(inner), **added}
    return {name: item for name, item in both.items() if name not in (OURS, COUNTED)}


def is_others_wrapper(function: object) -> bool:
    """Whether it is a wrapper (`functools.wraps`) of another package than what it wraps."""
    if type(function) is not FunctionType or "__wrapped__" not in vars(function):
        return False
    file, inner = function.__code__.co_filename, innermost_function(function) or function
    package, own = (root_of(each.__globals__.get("__name__")) for each in (function, inner))
    return (is_installed(file) or is_standard(file)) and package not in (own, "beautyspot")


def _is_known_by_name(target: Any) -> bool | None:
    """Whether the name says enough; None if it is bound to nothing, which may be so for now."""
    if is_in_c(target):
        return True
    back = leads_back(target, called=True) if carries_name(target) else False
    return back and not is_of_no_file(target)


def _held_by(target: Any) -> dict[str, Any]:
    if isinstance(target, _BOUND) and not isinstance(target.__self__, ModuleType | None):
        return {"self": target.__self__}
    return {}
