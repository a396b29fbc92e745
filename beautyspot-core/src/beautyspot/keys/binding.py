"""Binds the arguments of a call to their names, as fast as a call.

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
from functools import partial
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError, UnstableKeyError
from beautyspot.functions.annotations import BY_POSITION, SEVERAL, signature_of
from beautyspot.functions.identity import is_others_wrapper, taken_apart
from beautyspot.functions.names import chain, closures, is_ours
from beautyspot.keys.walk import Without
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    Bound = tuple[tuple[Any, ...], dict[str, Any]]
    """The values of the parameters, in their order, and what ``**kwargs`` took."""

    Changes = Mapping[str, Callable[[Any], object]]

_KIND: Final = inspect.Parameter


class Omitted:
    """Stands around the default of an argument that is left out, where another one may hold."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __beautyspot_key__(self) -> object:
        return self.value


OMITTED: Final = f'{{"$key":["{Omitted.__module__}:{Omitted.__qualname__}",'
"""How the canonical text of one begins; it ends in two brackets."""


class Binding:
    """How the arguments of a function get their names.

    Args:
        func: any callable. One without a signature (some builtins) takes ``*args, **kwargs``.
        ignore: parameters to leave out, and attributes of parameters, such as ``"self.client"``:
            then a `Without` replaces the argument.
        key_of: parameter -> function; its result replaces the argument.
        known: what else `ignore` may name: the globals of the function, where they count.

    Attributes:
        bind: called as the function; gives a call's `Bound`.
        names: of the parameters that are not left out, but for that of ``**kwargs``.
        bound: the names of the arguments that are bound already: ``self`` of a bound method, say.
        variables: what `ignore` names of captured variables and of globals. A name that a
            parameter has, or that ``**kwargs`` may take, means that; it stands for no variable of
            a helper.

    Raises:
        ConfigError: a name is not one of the parameters, cannot be in ``**kwargs``, and is not a
            captured variable (which counts in the function's identity).
    """

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        ignore: Iterable[str] = (),
        key_of: Changes = MappingProxyType({}),
        known: Iterable[str] = (),
    ) -> None:
        apart = taken_apart(func)
        roots = {entry: entry.partition(".")[0] for entry in ignore}
        signature, passes_on = _signature(apart.func, [*roots.values(), *key_of])
        parameters = tuple((signature or _ANY).parameters.values())
        taken = {parameter.name for parameter in parameters}
        named = {*known}.intersection(roots) - taken
        dropped = {entry for entry, root in roots.items() if entry == root} - named
        _check_names(apart.func, signature, [*roots.values(), *key_of], named)
        paths = _paths_in(roots)
        replaced: Changes = {name: partial(Without, paths=each) for name, each in paths.items()}
        changes = {name: _keyed(made) for name, made in {**replaced, **key_of}.items()}
        kept = [p for p in parameters if p.kind is not _KIND.VAR_KEYWORD and p.name not in dropped]
        self.names = tuple([p.name for p in kept])
        bind = _generated(apart.func, parameters, kept, dropped, changes, fill=not passes_on)
        bind = _or_as_given(bind, key_of) if passes_on else bind
        rest = [n for n, p in enumerate(kept) if p.kind is _KIND.VAR_POSITIONAL]
        unknown = {*key_of} - taken
        bind = _by_name(bind, rest[0], unknown) if rest and unknown else bind
        is_bound = bool(apart.args or apart.keywords)
        self.bind: Callable[..., Bound] = (
            partial(bind, *apart.args, **apart.keywords) if is_bound else bind
        )
        self.bound = bound_names(func)
        if any(parameter.kind is _KIND.VAR_KEYWORD for parameter in parameters):
            taken |= {*roots.values()} - named - _captured_names(apart.func, chain(apart.func))
        self.variables = tuple([entry for entry, name in roots.items() if name not in taken])

    def named(self, bound: Bound) -> dict[str, Any]:
        """The arguments by their names; what ``*args`` took as a tuple."""
        values, more = bound
        named = dict(zip(self.names, values, strict=False))
        return {**named, **more} if more else named


def bound_names(func: Callable[..., Any]) -> frozenset[str]:
    """The names of the arguments that are bound to a function already."""
    apart = taken_apart(func)
    parameters = (_signature(apart.func)[0] or _ANY).parameters.values()
    names = [p.name for p in parameters if p.kind in (*BY_POSITION, _KIND.VAR_POSITIONAL)]
    return frozenset([*names[: len(apart.args)], *apart.keywords])


def _paths_in(roots: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The attribute paths that `ignore=` leaves out, by the names that they begin with."""
    paths: dict[str, tuple[str, ...]] = {}
    for entry, root in roots.items():
        path = entry[len(root) + 1 :]
        if entry != root and not all(part.isidentifier() for part in path.split(".")):
            raise ConfigError(
                f'ignore={entry!r} is not a path of attributes: write it as "self.client"'
            )
        if entry != root:
            paths[root] = (*paths.get(root, ()), path)
    return paths


def _signature(
    func: Callable[..., Any], asked: Collection[str] = ()
) -> tuple[inspect.Signature | None, bool]:
    """The signature to bind by, and whether it is that of a wrapped function.

    Raises:
        ConfigError: a wrapper of the user's own changes the places of the arguments, so that nobody
            can tell which is one of those that are `asked` for.
    """
    try:
        own = signature_of(func, follow_wrapped=False)
    except (TypeError, ValueError):  # some builtins have none
        return None, False
    kinds = tuple([parameter.kind for parameter in own.parameters.values()])
    wrapped = getattr(func, "__wrapped__", None)
    inner = None if kinds != SEVERAL or wrapped is None else _signature(wrapped, asked)[0]
    by_place = [p.name for p in inner.parameters.values() if p.kind in BY_POSITION] if inner else []
    moved = [name for name in asked if name in by_place]
    if moved and type(func) is FunctionType and not (is_ours(func) or is_others_wrapper(func)):
        from beautyspot.functions.code import gives_others  # parses sources: rarely needed

        if gives_others(func, wrapped):
            raise ConfigError(
                f"ignore= and key= can't tell which argument {moved[0]!r} is: the decorator "
                f"beneath @spot.mark gives {func.__qualname__} others: write @spot.mark beneath it"
            )
    return (own, False) if inner is None else (inner, True)


_ANY: Final = inspect.signature(lambda *args, **kwargs: (args, kwargs))
"""How a function without a signature is bound."""


def _check_names(
    func: Any, signature: inspect.Signature | None, asked: Iterable[str], named: set[str]
) -> None:
    parameters = {} if signature is None else signature.parameters
    if any(parameter.kind is _KIND.VAR_KEYWORD for parameter in parameters.values()):
        return  # the caller may pass it by keyword
    known = {*parameters, *named, *_captured_names(func, closures(func))}
    for name in asked:
        if name not in known:
            title = getattr(func, "__qualname__", repr(func))
            raise ConfigError(f"{title} {_no_parameter(name, parameters)}")


def _captured_names(func: Any, around: Iterable[Any]) -> set[str]:
    codes = [each.__code__ for each in around if isinstance(each, FunctionType)]
    names = {name for code in codes for name in code.co_freevars}
    for each in chain(func):  # a wrapper may hide the parameters of what it wraps
        code = getattr(each, "__code__", None)
        names -= {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]} if code else set()
    # An object that is called, or that a builtin method is bound to.
    return names if isinstance(func, FunctionType | type) else {*names, "self"}


def _no_parameter(name: str, known: Iterable[str]) -> str:
    shown = ", ".join(known) or "none that are known"
    return f"has no parameter {name!r}: it has {shown}.{did_you_mean(name, known)}"


# --------------------------------------------------------------------------------- generation


def _generated(
    func: Any,
    parameters: Sequence[inspect.Parameter],
    kept: Sequence[inspect.Parameter],
    dropped: set[str],
    changes: Changes,
    *,
    fill: bool,
) -> Callable[..., Bound]:
    """``def bind(a, b=…, *args, c=…, **kwargs): return (a, b, args, c), kwargs``.

    Args:
        func: the function.
        parameters: all of it.
        kept: those whose values are returned.
        dropped: the names that are left out, of ``**kwargs`` too.
        changes: name -> a function of the argument that returns its replacement.
        fill: whether to fill in the function's defaults as they are, and not as `Omitted`.
    """
    prefix = "_beautyspot_"  # no parameter is called so
    constants: dict[str, Any] = {f"{prefix}{n}": each for n, each in enumerate(changes.values())}
    texts = {name: f"{prefix}{n}({name})" for n, name in enumerate(changes)}
    values = "".join([f"{texts.get(p.name, p.name)}, " for p in kept])
    rest = [p.name for p in parameters if p.kind is _KIND.VAR_KEYWORD]
    more = next((name for name in rest if name not in dropped), "")
    taken = {p.name for p in kept if p.kind in (_KIND.POSITIONAL_ONLY, _KIND.VAR_POSITIONAL)}
    if not more:
        constants[more := f"{prefix}none"] = {}
    elif taken or dropped or changes:
        constants[f"{prefix}more"] = _others(taken, dropped, changes)
        more = f"{more} and {prefix}more({more})"
    bare = [
        p.replace(annotation=_KIND.empty, default=p.default if p.default is _KIND.empty else None)
        for p in parameters
    ]
    head = str(inspect.Signature(bare))[1:-1]
    exec(f"def bind({head}): return ({values}), {more}", constants)  # noqa: S102 - nothing but the signature's own identifiers
    bind: FunctionType = constants["bind"]
    optional = [p for p in parameters if p.default is not _KIND.empty]
    given = {p.name: p.default if fill else Omitted(p.default) for p in optional}
    bind.__defaults__ = tuple([given[p.name] for p in optional if p.kind in BY_POSITION])
    bind.__kwdefaults__ = {p.name: given[p.name] for p in optional if p.kind is _KIND.KEYWORD_ONLY}
    bind.__name__ = getattr(func, "__name__", "bind")
    bind.__qualname__ = str(getattr(func, "__qualname__", bind.__name__))
    return bind


def _others(
    taken: set[str], dropped: set[str], changes: Changes
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function of what ``**kwargs`` took; names that parameters have are told apart."""

    def changed(items: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in items.items() if name not in dropped}
        changed = {n: changes[n](value) if n in changes else value for n, value in kept.items()}
        return {f"**{n}" if n in taken or n[:1] == "*" else n: v for n, v in changed.items()}

    return changed


def _keyed(function: Callable[[Any], object]) -> Callable[[Any], object]:
    """The function of an argument, or of the default of one that is left out."""
    return lambda value: (
        Omitted(function(value.value)) if type(value) is Omitted else function(value)
    )


def _or_as_given(bind: Callable[..., Bound], key_of: Changes) -> Callable[..., Bound]:
    """For a wrapper, which may take other arguments than the function that it wraps.

    Then nobody can tell which of them `key_of` is about.
    """
    others = _others(set(), set(), {})

    def given(*args: Any, **kwargs: Any) -> Bound:
        try:
            return bind(*args, **kwargs)
        except TypeError as error:
            if key_of:
                raise UnstableKeyError(
                    f"key= can't tell which argument {next(iter(key_of))!r} is ({error}): where a "
                    "decorator takes others than the function, write @spot.mark beneath it"
                ) from error
            return (), {"*args": args, **others(kwargs)}

    return given


def _by_name(bind: Callable[..., Bound], rest: int, names: set[str]) -> Callable[..., Bound]:
    """For ``key=`` of arguments that ``**kwargs`` may take, but ``*args`` as well."""

    def told(*args: Any, **kwargs: Any) -> Bound:
        values, more = bind(*args, **kwargs)
        missing = sorted(names - more.keys())
        if values[rest] and missing:
            raise UnstableKeyError(
                f"key= can't tell whether {missing[0]!r} is among what *args took: give it by "
                "name, or write @spot.mark beneath the decorator that takes *args"
            )
        return values, more

    return told


# ----------------------------------------------------------------------- parameters that were added


def added_texts(
    func: Callable[..., Any],
    table: Mapping[str, Any],
    *,
    ignore: Iterable[str],
    key_of: Changes,
    text_of: Callable[[Any], str],
) -> dict[str, str]:
    """The texts at which parameters that a function was given since change nothing.

    A call leaves out of its key those that have these texts: so it keeps the key that it had before
    they were there, and two calls stay two.

    Args:
        func: the function that the binding was made for.
        table: parameter -> the value at which nothing changed.
        ignore, key_of: as they were given to `Binding`.
        text_of: the text of one value.

    Raises:
        ConfigError: a name is not that of a parameter that can be told apart, or its value has no
            stable form.
    """
    signature, passes_on = _signature(taken_apart(func).func)
    parameters = {} if signature is None else signature.parameters
    texts: dict[str, str] = {}
    for name, value in table.items():
        why = _why_not(name, parameters, ignore)
        if passes_on:
            why = "it is beneath a decorator that takes *args: write @spot.mark beneath that"
        key: Callable[[Any], object] = key_of.get(name, lambda value: value)
        try:
            texts[name] = text_of(key(value))
        except Exception as error:
            why = why or f"the value of {name!r} can't be in a key ({error}): give one that can"
        if why:
            title = getattr(func, "__qualname__", repr(func))
            raise ConfigError(f"mark(added=) does not fit {title}: {why}")
    return texts


def _why_not(name: str, parameters: Mapping[str, inspect.Parameter], ignore: Iterable[str]) -> str:
    parameter = parameters.get(name)
    if parameter is None:
        return f"it {_no_parameter(name, parameters)}"
    if parameter.kind is _KIND.VAR_KEYWORD:
        return f"{parameter} adds nothing to the key of a call that gives none: leave it out"
    if name in {entry.partition(".")[0] for entry in ignore}:
        return f"ignore= leaves {name!r} out already: leave it out of one of them"
    return ""
