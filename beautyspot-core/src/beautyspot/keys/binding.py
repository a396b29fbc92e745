"""Binding a call to a function's signature, at the speed of a call.

`inspect.Signature.bind` with its defaults takes 4 us. Here a function with the same signature is
generated once, whose body gives its parameters back, so that Python itself binds (0.2 us) and
complains of a call that does not fit in the same words as the function would.

A wrapper that only passes on ``*args, **kwargs`` (`functools.wraps`) is bound by the signature of
what it wraps, so that ``f(1)`` and ``f(a=1)`` are one call. It may know other defaults than that,
so there an argument that is left out stays left out, and ``f(1)`` and ``f(1, b=2)`` are two.
"""

from __future__ import annotations

import inspect
from enum import Enum
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.keys.canonical import Without
from beautyspot.messages.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Bound = tuple[tuple[Any, ...], dict[str, Any]]
    Binder = Callable[..., Bound]
    KeyOf = Mapping[str, Callable[[Any], object]]

_KIND: Final = inspect.Parameter
_POSITIONAL: Final = (_KIND.POSITIONAL_ONLY, _KIND.POSITIONAL_OR_KEYWORD)


class Omitted(Enum):
    """What stands for an argument that is left out where nobody can know the default."""

    OMITTED = "omitted"


def make_binder(
    func: Callable[..., Any], *, ignore: Iterable[str] = (), key_of: KeyOf = MappingProxyType({})
) -> Binder:
    """A function that takes what `func` takes and returns the call's normalised `(args, kwargs)`.

    All that the signature takes by position stands in `args`, in its order and with defaults filled
    in, followed by ``*args``; keyword-only arguments and ``**kwargs`` stand in `kwargs`.

    Args:
        func: any callable. One without a signature (some builtins) gets a binder that returns the
            arguments as they are given.
        ignore: parameters that are left out, and attributes of parameters that are, such as
            ``"self.client"``: there the argument is replaced by a `Without`.
        key_of: parameter -> function; its result replaces the argument.

    Raises:
        ConfigError: a name is not one of the parameters. Allowed are also names that ``**kwargs``
            takes, and those of captured variables, which count for the function's own identity.
    """
    ignored = _Ignored(ignore)
    signature, passes_on = _signature(func)
    if signature is None:
        _check_names(func, (), [*ignored.names, *key_of])
        return _as_given
    _check_names(func, signature.parameters.values(), [*ignored.names, *key_of])
    binder = _generate(func, signature, ignored, key_of, fill=not passes_on)
    return _or_as_given(binder) if passes_on else binder


def parameter_names(func: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a callable's parameters, in order; none where it has no signature."""
    signature, _ = _signature(func)
    return () if signature is None else tuple(signature.parameters)


def name_arguments(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    ignore: Iterable[str] = (),
) -> dict[str, Any]:
    """The name of each argument of a call that a binder has normalised.

    Args:
        func: the function that the binder was made for.
        args: what the binder returned.
        kwargs: what the binder returned.
        ignore: as it was given to `make_binder`.

    Returns:
        Parameter -> argument. Those that ``*args`` took are a tuple under its name; positions that
        no signature tells are named ``args[0]``.
    """
    return make_namer(func, ignore=ignore)(args, kwargs)


def make_namer(
    func: Callable[..., Any], *, ignore: Iterable[str] = ()
) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]:
    """`name_arguments` for many calls of one function: the signature is read once."""
    signature, _ = _signature(func)
    parameters = [] if signature is None else list(signature.parameters.values())
    dropped = _Ignored(ignore).dropped
    names = [p.name for p in parameters if p.kind in _POSITIONAL and p.name not in dropped]
    variable = next((p.name for p in parameters if p.kind is _KIND.VAR_POSITIONAL), None)

    def name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        named = dict(zip(names, args, strict=False))
        rest = args[len(names) :]
        if rest and variable is not None:
            named[variable] = rest
        elif rest:
            named |= {f"args[{n}]": value for n, value in enumerate(rest)}
        return named | kwargs

    return name


class _Ignored:
    """What `ignore=` says: names to drop, and for others the paths within them."""

    def __init__(self, ignore: Iterable[str]) -> None:
        self.names: list[str] = []
        self.dropped: set[str] = set()
        self.paths: dict[str, tuple[str, ...]] = {}
        for entry in (ignore,) if isinstance(ignore, str) else ignore:
            name, dot, path = entry.partition(".")
            self.names.append(name)
            if not dot:
                self.dropped.add(name)
            elif all(part.isidentifier() for part in path.split(".")):
                self.paths[name] = (*self.paths.get(name, ()), path)
            else:
                raise ConfigError(
                    f'ignore={entry!r} is no path of attributes: write it as "self.client"'
                )


# --------------------------------------------------------------------------------- signatures


def _signature(func: Callable[..., Any]) -> tuple[inspect.Signature | None, bool]:
    """The signature to bind by, and whether it is that of what a wrapper passes its calls on to."""
    try:
        own = inspect.signature(func, follow_wrapped=False)
        if not hasattr(func, "__wrapped__") or not _passes_on(own):
            return own, False
        inner, _ = _signature(getattr(func, "__wrapped__"))  # noqa: B009 - no callable in general has it
    except (TypeError, ValueError):  # not every builtin tells
        return None, False
    return (own, False) if inner is None else (inner, True)


def _passes_on(signature: inspect.Signature) -> bool:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return kinds == [_KIND.VAR_POSITIONAL, _KIND.VAR_KEYWORD]


def _check_names(func: Any, parameters: Iterable[inspect.Parameter], asked: Iterable[str]) -> None:
    names = [parameter.name for parameter in parameters]
    captured = getattr(getattr(func, "__code__", None), "co_freevars", ())
    if any(parameter.kind is _KIND.VAR_KEYWORD for parameter in parameters):
        return  # the name may come in by keyword
    for name in asked:
        if name not in names and name not in captured:
            title = getattr(func, "__qualname__", repr(func))
            known = ", ".join(names) or "none that are known"
            close = did_you_mean(name, names)
            raise ConfigError(f"{title} has no parameter {name!r}: it has {known}.{close}")


# --------------------------------------------------------------------------------- generation


def _generate(
    func: Any, signature: inspect.Signature, ignored: _Ignored, key_of: KeyOf, *, fill: bool
) -> Binder:
    source = _Source(signature, ignored, key_of)
    text = source.text()
    namespace = dict(source.constants)  # complete once the text is written
    exec(text, namespace)  # noqa: S102 - nothing but the signature's own identifiers
    binder: FunctionType = namespace["bind"]
    _set_defaults(binder, signature, fill=fill)
    binder.__name__ = getattr(func, "__name__", "bind")
    binder.__qualname__ = getattr(func, "__qualname__", binder.__name__)
    return binder


def _set_defaults(binder: FunctionType, signature: inspect.Signature, *, fill: bool) -> None:
    """The very objects that are the function's defaults: they may be mutable, and have no text."""
    optional = [p for p in signature.parameters.values() if p.default is not _KIND.empty]
    values = {p.name: p.default if fill else Omitted.OMITTED for p in optional}
    binder.__defaults__ = tuple(values[p.name] for p in optional if p.kind in _POSITIONAL)
    binder.__kwdefaults__ = {
        p.name: values[p.name] for p in optional if p.kind is _KIND.KEYWORD_ONLY
    }


class _Source:
    """The text of a binder, and the constants that it refers to."""

    def __init__(self, signature: inspect.Signature, ignored: _Ignored, key_of: KeyOf) -> None:
        self.constants: dict[str, Any] = {}
        self._parameters = list(signature.parameters.values())
        self._ignored = ignored
        self._key_of = key_of
        self._prefix = "_c"
        while any(p.name.startswith(self._prefix) for p in self._parameters):
            self._prefix += "_"

    def text(self) -> str:
        """``def bind(a, b=…, *args, c=…, **kwargs): return (a, b, *args), {'c': c, **kwargs}``."""
        positional = [self._value(p.name) for p in self._of(*_POSITIONAL)]
        positional += [f"*{self._value(p.name)}" for p in self._of(_KIND.VAR_POSITIONAL)]
        named = [f"{p.name!r}: {self._value(p.name)}" for p in self._of(_KIND.KEYWORD_ONLY)]
        named += [f"**{self._variable(p.name)}" for p in self._of(_KIND.VAR_KEYWORD)]
        args = "".join(f"{text}, " for text in positional)
        return f"def bind({self._head()}): return ({args}), {{{', '.join(named)}}}"

    def _of(self, *kinds: object) -> list[inspect.Parameter]:
        dropped = self._ignored.dropped
        return [p for p in self._parameters if p.kind in kinds and p.name not in dropped]

    def _head(self) -> str:
        plain = [p.replace(annotation=_KIND.empty) for p in self._parameters]
        # The defaults are set afterwards; here they only say that there is one.
        bare = [p if p.default is _KIND.empty else p.replace(default=None) for p in plain]
        return str(inspect.Signature(bare))[1:-1]

    def _constant(self, value: object) -> str:
        name = f"{self._prefix}{len(self.constants)}"
        self.constants[name] = value
        return name

    def _value(self, name: str) -> str:
        if name in self._key_of:
            return f"{self._constant(_keyed(self._key_of[name]))}({name})"
        if name in self._ignored.paths:
            paths = self._constant(self._ignored.paths[name])
            return f"{self._constant(Without)}({name}, {paths})"
        return name

    def _variable(self, name: str) -> str:
        """``**kwargs``, less what is ignored of it and with what is keyed otherwise."""
        known = {p.name for p in self._parameters}
        dropped = frozenset(self._ignored.dropped - known)
        changes = {n: _keyed(f) for n, f in self._key_of.items() if n not in known}
        changes |= {n: _less(paths) for n, paths in self._ignored.paths.items() if n not in known}
        if not dropped and not changes:
            return name
        constants = [self._constant(item) for item in (_changed, dropped, changes)]
        return f"{constants[0]}({name}, {constants[1]}, {constants[2]})"


def _keyed(function: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda value: value if value is Omitted.OMITTED else function(value)


def _less(paths: tuple[str, ...]) -> Callable[[Any], object]:
    return lambda value: Without(value, paths)


def _changed(
    items: dict[str, Any], dropped: frozenset[str], changes: Mapping[str, Callable[[Any], object]]
) -> dict[str, Any]:
    kept = {name: value for name, value in items.items() if name not in dropped}
    return {
        name: changes[name](value) if name in changes else value for name, value in kept.items()
    }


# --------------------------------------------------------------------------- without a signature


def _as_given(*args: Any, **kwargs: Any) -> Bound:
    return args, kwargs


def _or_as_given(binder: Binder) -> Binder:
    """For wrappers: one that takes other arguments than what it wraps has calls that don't fit."""

    def bind(*args: Any, **kwargs: Any) -> Bound:
        try:
            return binder(*args, **kwargs)
        except TypeError:
            return args, kwargs

    return bind
