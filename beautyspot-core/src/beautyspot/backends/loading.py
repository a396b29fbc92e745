"""Load one plug-in and check all that it brings; messages are in the author's terms.

Each plug-in gets a `pluggy.PluginManager` of its own: pluggy leaves a plug-in half registered where
its validation fails, and one hook that raises would stop the hooks of all others.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pluggy

from beautyspot import hookspecs
from beautyspot.backends.discovery import Loaded, Origin
from beautyspot.contracts import (
    Backend,
    BlobStorageBase,
    KeyGenBase,
    LimiterBase,
    MetadataStoreBase,
    SerializerBase,
    TypeSupport,
)
from beautyspot.errors import PluginError
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

BASES: Final[dict[str, type[Backend]]] = {
    "metadata": MetadataStoreBase,
    "storage": BlobStorageBase,
    "serializer": SerializerBase,
    "keygen": KeyGenBase,
    "limiter": LimiterBase,
    "types": TypeSupport,
}
"""Extension point -> the base class of its backends."""

BY_NAME: Final = BASES.keys() - {"types"}
"""The extension points whose backends are looked up by a name or a scheme."""

HOOKS: Final = {f"beautyspot_register_{point}": point for point in BASES}

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_FIRST: Final = _LETTERS.union("0123456789")


def load(origin: Origin) -> Loaded:
    """Import a plug-in and find its hooks; what stops that is kept as its fault."""
    # SystemExit too: a module that ends the program when it is imported is a broken plug-in.
    try:
        return _checked(origin, origin.load())
    except PluginError as exc:
        return Loaded(origin, unusable=str(exc))
    except (Exception, SystemExit) as exc:
        return Loaded(origin, unusable=_cause(exc, origin))


def _cause(exc: BaseException, origin: Origin) -> str:
    """Why importing or asking a plug-in failed, and what to do."""
    missing = _missing_module(exc)
    if missing is None:
        error = f"{type(exc).__name__}: {exc}".strip().removesuffix(":")
        return f"it raised {error}{_where(exc)}: update it, or ask its author"
    top = missing.partition(".")[0]
    if top == origin.module.partition(":")[0].partition(".")[0]:
        return f"its module {missing!r} is not there: install its distribution again"
    # No distribution is guessed at: whoever registers that name would get its users.
    return (
        f"it needs the module {missing!r}, which is not installed: "
        "install the distribution that has it (the plug-in's own documentation says which)"
    )


def _missing_module(exc: BaseException | None) -> str | None:
    """The module that is missing, also where the plug-in raised an error of its own about it."""
    found = None
    while exc is not None:
        if isinstance(exc, ModuleNotFoundError) and exc.name:
            found = exc.name
        exc = exc.__cause__ or exc.__context__
    return found


def _where(exc: BaseException) -> str:
    """The innermost line that is not the import system's; a syntax error's text names its own."""
    from traceback import walk_tb

    places = [(f.f_code.co_filename, line) for f, line in walk_tb(exc.__traceback__)]
    own = [place for place in places if not place[0].startswith("<")]
    if not own or isinstance(exc, SyntaxError):
        return ""
    return f" ({own[-1][0]}, line {own[-1][1]})"


def _checked(origin: Origin, target: object) -> Loaded:
    _check_api(target)
    stated = _stated(target)
    manager = _registered(target, origin.name)
    callers = {point: getattr(manager.hook, hook) for hook, point in HOOKS.items()}
    hooks = {
        point: partial(_backends, caller, point, origin, stated.get(point))
        for point, caller in callers.items()
        if caller.get_hookimpls()
    }
    notes = (*_notes(manager, target), *_notes_on(stated))
    if not hooks and not notes:
        raise PluginError(
            "it registers nothing: name the module that has the hooks, and decorate its "
            "beautyspot_register_... functions with @beautyspot.hookimpl"
        )
    return Loaded(origin, target, hooks, notes, stated=stated)


def _check_api(target: object) -> None:
    api = getattr(target, "beautyspot_api", hookspecs.API)
    if type(api) is not int or api != hookspecs.API:
        raise PluginError(
            f"it is built for the plug-in API {api!r:.80}, and this beautyspot-core has "
            f"{hookspecs.API}: update the older of the two"
        )


def _stated(target: object) -> Mapping[str, Collection[str]]:
    """The names and schemes of its backends, where it states them ahead."""
    said = getattr(target, "beautyspot_offers", {})
    if isinstance(said, Mapping) and all(map(_are_texts, said.values())):
        return said
    raise PluginError(
        f"it has beautyspot_offers = {said!r:.80}: write a table of the names and schemes of its "
        'backends, such as {"storage": ("foo",)}'
    )


def _are_texts(words: object) -> bool:
    return isinstance(words, tuple | list | set | frozenset) and all(
        isinstance(word, str) for word in words
    )


def _notes_on(stated: Mapping[str, Collection[str]]) -> Iterator[str]:
    for point in stated:
        if point not in BY_NAME:
            hint = did_you_mean(str(point), BY_NAME) or f" Others are {', '.join(sorted(BY_NAME))}."
            yield f"beautyspot_offers has {point!r:.80}, whose backends have no names.{hint}"


class _Manager(pluggy.PluginManager):
    """Looks at those names only that may be a hook's: a look at each other one takes its time."""

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        return super().parse_hookspec_opts(module_or_class, name) if name in HOOKS else None

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


def _registered(target: object, name: str) -> pluggy.PluginManager:
    manager = _Manager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(target, name)
    except pluggy.PluginValidationError as exc:
        detail = " ".join(str(exc).split())
        raise PluginError(
            f"a hook has the wrong signature: {detail}. Write it as the hook specs have it, "
            "def beautyspot_register_...() without arguments"
        ) from exc
    return manager


def _notes(manager: pluggy.PluginManager, target: object) -> Iterator[str]:
    """Hooks that are never called; the plug-in is kept, it may serve a newer core as well."""
    for caller in manager.get_hookcallers(target) or ():
        if not caller.has_spec() and not all(i.optionalhook for i in caller.get_hookimpls()):
            hint = did_you_mean(caller.name, HOOKS) or f" The hooks are {', '.join(HOOKS)}."
            yield f"there is no hook {caller.name!r}, so it is never called.{hint}"
    for name in HOOKS:
        function = getattr(target, name, None)
        if function is not None and not hasattr(function, "beautyspot_impl"):
            yield f"{name!r} is never called: decorate it with @beautyspot.hookimpl"


def _backends(
    caller: pluggy.HookCaller, point: str, origin: Origin, stated: Collection[str] | None
) -> tuple[type[Backend], ...]:
    """The backends that a hook returns, each once.

    Raises:
        PluginError: it raised, or returned something else, or what the plug-in does not state.
    """
    try:
        results = caller()
    except (Exception, SystemExit) as exc:
        raise PluginError(_cause(exc, origin)) from exc
    if not results:  # pluggy leaves None out
        raise PluginError(f"{caller.name} returned None: return a class, a list of them, or []")
    (result,) = results
    found = result if isinstance(result, list | tuple) else [result]
    classes = dict.fromkeys(_backend(each, caller.name, BASES[point]) for each in found)
    for cls in classes if stated is not None else ():
        _check_stated(cls, point, stated or ())
    return tuple(classes)


def _check_stated(cls: type[Backend], point: str, stated: Collection[str]) -> None:
    for word in (cls.name, *cls.schemes):
        if word not in stated:
            raise PluginError(
                f"beautyspot_offers[{point!r}] leaves out {word!r} of {cls.__module__}."
                f"{cls.__qualname__}, which is not found by it then: add it"
            )


def _backend(found: object, hook: str, base: type[Backend]) -> type[Backend]:
    """`found`, once it is known to be a whole backend class."""
    if not isinstance(found, type):
        raise PluginError(
            f"{hook} returned an object of type {type(found).__qualname__}: "
            "return the backend's class itself"
        )
    where = f"{found.__module__}.{found.__qualname__}"
    if not issubclass(found, base):
        raise PluginError(
            f"{hook} returned {where}, which is no {base.__name__}: derive it from that, or "
            "return it from the hook for its own base class"
        )
    _check_names(found, where)
    if inspect.isabstract(found):
        raise PluginError(f"{where} {left_open(found, base)}")
    if issubclass(found, TypeSupport):
        from beautyspot.backends.type_supports import check_classes  # it loads the keys

        check_classes(found, where)
    return found


def left_open(cls: type[Backend], base: type[Backend]) -> str:
    """The methods that an abstract backend has yet to define, as the end of a message."""
    left = ", ".join(sorted(f"{name}()" for name in cls.__abstractmethods__))
    return f"leaves {left} of {base.__name__} open: write that"


def is_name(text: str) -> bool:
    """Whether `text` may be the name of a backend."""
    return text[:1] in _FIRST and _FIRST.union("_.-").issuperset(text)


def _is_scheme(text: str) -> bool:
    return text[:1] in _LETTERS and _FIRST.union("+.-").issuperset(text)


def _check_names(found: type[Backend], where: str) -> None:
    name, schemes = getattr(found, "name", None), found.schemes
    if name is None:
        raise PluginError(f'{where} has no name: give the class one, such as name = "foo"')
    if not isinstance(name, str) or not is_name(name):
        raise PluginError(
            f"{where} has the name {name!r:.80}: use lower-case letters, digits, '_', '.' and '-'"
        )
    texts = isinstance(schemes, tuple) and all(isinstance(scheme, str) for scheme in schemes)
    if not texts or not all(map(_is_scheme, schemes)):
        raise PluginError(f'{where} has schemes = {schemes!r:.80}: write a tuple, such as ("foo",)')
