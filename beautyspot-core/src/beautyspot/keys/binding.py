"""Binds a call to a function's signature, as fast as a call.

`inspect.Signature.bind` with its defaults takes 4 us. Instead, a function with the same signature
is generated once, whose body returns its parameters. Python itself binds then (0.2 us), and raises
the same `TypeError` as the function for a call that does not fit.

A wrapper that only passes on ``*args, **kwargs`` (`functools.wraps`) is bound by the signature of
the function that it wraps, so ``f(1)`` and ``f(a=1)`` are one call. The wrapper may have other
defaults, so an argument that is left out counts as that, with the function's own default beside it:
``f(1)`` and ``f(1, b=2)`` are two calls, and ``f(1)`` is another one once that default is changed.

What is bound to a partial, a bound method or an object with `__call__` comes first among the
arguments, under the names of the innermost function: ``self``, say.
"""

from __future__ import annotations

import inspect
from enum import Enum
from functools import partial
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.functions.annotations import signature_of
from beautyspot.functions.bound import taken_apart
from beautyspot.functions.names import captured_names
from beautyspot.keys.canonical import Without
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Bound = tuple[tuple[Any, ...], dict[str, Any]]
    Binder = Callable[..., Bound]
    Parameters = Sequence[inspect.Parameter]
    Changes = Mapping[str, Callable[[Any], object]]
    _Others = Callable[[dict[str, Any]], dict[str, Any]]

_KIND: Final = inspect.Parameter
_POSITIONAL: Final = (_KIND.POSITIONAL_ONLY, _KIND.POSITIONAL_OR_KEYWORD)


class Omitted(Enum):
    """Stands before the default of an argument that is left out, where another one may hold."""

    OMITTED = "omitted"


def is_omitted(value: object) -> bool:
    """Whether this stands for an argument that is left out: a pair of `Omitted` and a default."""
    return type(value) is tuple and len(value) == 2 and value[0] is Omitted.OMITTED


def make_binder(
    func: Callable[..., Any], *, ignore: Iterable[str] = (), key_of: Changes = MappingProxyType({})
) -> Binder:
    """A function with the signature of `func` that returns a call's normalised `(args, kwargs)`.

    `args` has all positional parameters, in the signature's order and with defaults filled in,
    followed by ``*args``. `kwargs` has the keyword-only arguments and ``**kwargs``.

    Args:
        func: any callable. For one without a signature (some builtins), the binder returns the
            arguments as they are given.
        ignore: parameters to leave out, and attributes of parameters, such as ``"self.client"``:
            then a `Without` replaces the argument.
        key_of: parameter -> function; its result replaces the argument.

    Raises:
        ConfigError: a name is not one of the parameters, cannot be in ``**kwargs``, and is not a
            captured variable (which counts in the function's identity).
    """
    bound = taken_apart(func)
    binder = _binder(bound.func, ignore, key_of)
    return (
        partial(binder, *bound.args, **bound.keywords) if bound.args or bound.keywords else binder
    )


def _binder(func: Callable[..., Any], ignore: Iterable[str], key_of: Changes) -> Binder:
    dropped, paths = _ignored(ignore)
    signature, passes_on = binding_signature(func)
    parameters = () if signature is None else tuple(signature.parameters.values())
    _check_names(func, parameters, [*dropped, *paths, *key_of])
    if signature is None:
        return _as_given
    changes = {name: _less(each) for name, each in paths.items()}
    changes |= {name: _keyed(function) for name, function in key_of.items()}
    binder = _generate(func, parameters, dropped, changes, fill=not passes_on)
    return _or_as_given(binder) if passes_on else binder


def make_namer(
    func: Callable[..., Any], *, ignore: Iterable[str] = ()
) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]:
    """A function that gives the arguments of a call their names.

    It takes what a binder returned, and returns parameter -> argument. The arguments in ``*args``
    are a tuple under its name; without a signature, they are named ``args[0]``, ``args[1]``.

    Args:
        func: the function that the binder was made for.
        ignore: as it was given to `make_binder`.
    """
    signature, _ = binding_signature(taken_apart(func).func)
    parameters = () if signature is None else tuple(signature.parameters.values())
    dropped, _ = _ignored(ignore)
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


def bound_names(func: Callable[..., Any]) -> frozenset[str]:
    """The names of the arguments that are bound already: ``self`` of a bound method, say."""
    bound = taken_apart(func)
    signature, _ = binding_signature(bound.func)
    parameters = () if signature is None else tuple(signature.parameters.values())
    names = [p.name for p in parameters if p.kind in _POSITIONAL]
    more = len(bound.args) - len(names)
    unnamed = [f"args[{n}]" for n in range(more)]
    return frozenset([*names[: len(bound.args)], *unnamed, *bound.keywords])


def dropped_names(ignore: Iterable[str]) -> set[str]:
    """The parameters that `ignore=` leaves out as a whole."""
    return _ignored(ignore)[0]


def _ignored(ignore: Iterable[str]) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """The names that `ignore=` drops, and the attribute paths that it drops from others."""
    dropped: set[str] = set()
    paths: dict[str, tuple[str, ...]] = {}
    for entry in (ignore,) if isinstance(ignore, str) else ignore:
        name, dot, path = entry.partition(".")
        if not dot:
            dropped.add(name)
        elif all(part.isidentifier() for part in path.split(".")):
            paths[name] = (*paths.get(name, ()), path)
        else:
            raise ConfigError(
                f'ignore={entry!r} is not a path of attributes: write it as "self.client"'
            )
    return dropped, paths


# --------------------------------------------------------------------------------- signatures


def binding_signature(func: Callable[..., Any]) -> tuple[inspect.Signature | None, bool]:
    """The signature to bind by, and whether it is that of a wrapped function."""
    try:
        own = signature_of(func, follow_wrapped=False)
        if not hasattr(func, "__wrapped__") or not _passes_on(own):
            return own, False
        inner, _ = binding_signature(getattr(func, "__wrapped__"))  # noqa: B009 - no callable in general has it
    except (TypeError, ValueError):  # some builtins have none
        return None, False
    return (own, False) if inner is None else (inner, True)


def _passes_on(signature: inspect.Signature) -> bool:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return kinds == [_KIND.VAR_POSITIONAL, _KIND.VAR_KEYWORD]


def _check_names(func: Any, parameters: Parameters, asked: Iterable[str]) -> None:
    names = [parameter.name for parameter in parameters]
    captured = captured_names(func)
    if not isinstance(func, FunctionType | type):
        captured.add("self")  # an object that is called, or that a builtin method is bound to
    if any(parameter.kind is _KIND.VAR_KEYWORD for parameter in parameters):
        return  # the caller may pass it by keyword
    for name in asked:
        if name not in names and name not in captured:
            title = getattr(func, "__qualname__", repr(func))
            known = ", ".join(names) or "none that are known"
            close = did_you_mean(name, names)
            raise ConfigError(f"{title} has no parameter {name!r}: it has {known}.{close}")


# --------------------------------------------------------------------------------- generation


def _generate(
    func: Any, parameters: Parameters, dropped: set[str], changes: Changes, *, fill: bool
) -> Binder:
    """``def bind(a, b=…, *args, c=…, **kwargs): return (a, b, *args), {'c': c, **kwargs}``.

    Args:
        dropped: the names that are left out.
        changes: name -> a function of the argument that returns its replacement.
        fill: whether to fill in the function's defaults as they are, and not behind `Omitted`.
    """
    prefix = "_c"
    while any(p.name.startswith(prefix) for p in parameters):
        prefix += "_"
    constants: dict[str, Any] = {f"{prefix}{n}": each for n, each in enumerate(changes.values())}
    texts = {name: f"{prefix}{n}({name})" for n, name in enumerate(changes)}
    constants[prefix] = _others({p.name for p in parameters}, dropped, changes)
    texts = {p.name: texts.get(p.name, p.name) for p in parameters if p.name not in dropped}
    args, named = "", ""
    for p in parameters:
        text = texts.get(p.name)
        if text is None:
            continue
        if p.kind in _POSITIONAL:
            args += f"{text}, "
        elif p.kind is _KIND.VAR_POSITIONAL:
            args += f"*{text}, "
        elif p.kind is _KIND.KEYWORD_ONLY:
            named += f"{p.name!r}: {text}, "
        else:
            named += f"**{p.name}" if constants[prefix] is None else f"**{prefix}({p.name})"
    exec(f"def bind({_head(parameters)}): return ({args}), {{{named}}}", constants)  # noqa: S102 - nothing but the signature's own identifiers
    binder: FunctionType = constants["bind"]
    _set_defaults(binder, parameters, fill=fill)
    binder.__name__ = getattr(func, "__name__", "bind")
    binder.__qualname__ = str(getattr(func, "__qualname__", binder.__name__))
    return binder


def _head(parameters: Parameters) -> str:
    """The parameters as text, with None for each default: `_set_defaults` sets the real ones."""
    plain = [p.replace(annotation=_KIND.empty) for p in parameters]
    bare = [p if p.default is _KIND.empty else p.replace(default=None) for p in plain]
    return str(inspect.Signature(bare))[1:-1]


def _set_defaults(binder: FunctionType, parameters: Parameters, *, fill: bool) -> None:
    """Give the binder the function's own default objects: they may be mutable, or have no text."""
    optional = [p for p in parameters if p.default is not _KIND.empty]
    values = {p.name: p.default if fill else (Omitted.OMITTED, p.default) for p in optional}
    binder.__defaults__ = tuple(values[p.name] for p in optional if p.kind in _POSITIONAL)
    binder.__kwdefaults__ = {
        p.name: values[p.name] for p in optional if p.kind is _KIND.KEYWORD_ONLY
    }


def _others(known: set[str], dropped: set[str], changes: Changes) -> _Others | None:
    """A function that drops and changes items of ``**kwargs``; None if there are none such."""
    gone = dropped - known
    others = {name: change for name, change in changes.items() if name not in known}
    if not gone and not others:
        return None

    def changed(items: dict[str, Any]) -> dict[str, Any]:
        return {
            name: others[name](value) if name in others else value
            for name, value in items.items()
            if name not in gone
        }

    return changed


def _keyed(function: Callable[[Any], object]) -> Callable[[Any], object]:
    """The function of an argument, or of the default of one that is left out."""
    return lambda value: (
        (Omitted.OMITTED, function(value[1])) if is_omitted(value) else function(value)
    )


def _less(paths: tuple[str, ...]) -> Callable[[Any], object]:
    return _keyed(lambda value: Without(value, paths))


# --------------------------------------------------------------------------- without a signature


def _as_given(*args: Any, **kwargs: Any) -> Bound:
    return args, kwargs


def _or_as_given(binder: Binder) -> Binder:
    """For a wrapper, which may take other arguments than the function that it wraps."""

    def bind(*args: Any, **kwargs: Any) -> Bound:
        try:
            return binder(*args, **kwargs)
        except TypeError:
            return args, kwargs

    return bind
