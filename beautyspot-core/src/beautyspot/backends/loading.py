"""Load one plug-in and check all it brings: what is wrong is told here, in the author's terms.

A plug-in gets a `pluggy.PluginManager` of its own: pluggy leaves a plug-in half registered where
its validation fails, and one hook that raises would stop the hooks of all others.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Final

import pluggy

from beautyspot import hookspecs
from beautyspot.backends.plugin import Loaded, Offer, Origin
from beautyspot.contracts import (
    Backend,
    BlobStorageBase,
    KeyGenBase,
    LimiterBase,
    MetadataStoreBase,
    SerializerBase,
)
from beautyspot.errors import PluginError
from beautyspot.messages.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

BASES: Final[dict[str, type[Backend]]] = {
    "metadata": MetadataStoreBase,
    "storage": BlobStorageBase,
    "serializer": SerializerBase,
    "keygen": KeyGenBase,
    "limiter": LimiterBase,
}
"""Extension point -> the base class of its backends."""

HOOKS: Final = {f"beautyspot_register_{point}": point for point in BASES}

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_FIRST: Final = _LETTERS.union("0123456789")


def load(origin: Origin) -> Loaded:
    """Import a plug-in and find its hooks; `unusable` says what stopped that."""
    # SystemExit too: a module that ends the program when imported is a broken plug-in, not a wish.
    try:
        target = origin.load()
    except (Exception, SystemExit) as exc:
        return Loaded(origin, unusable=_misnamed(exc, origin.module) or _unloaded(exc, origin))
    try:
        return _checked(origin, target)
    except PluginError as exc:
        return Loaded(origin, unusable=str(exc))
    except (Exception, SystemExit) as exc:
        return Loaded(origin, unusable=cause(exc, origin.module))


def _misnamed(exc: BaseException, named: str) -> str | None:
    """The message where the entry point itself names what is not there."""
    module, _, attribute = named.partition(":")
    missing = exc.name if isinstance(exc, ModuleNotFoundError) else None
    if missing and f"{module}.".startswith(f"{missing}."):
        return (
            f"its entry point names the module {module!r}, and there is no {missing!r}: "
            "correct it in pyproject.toml, and install it again"
        )
    if attribute and isinstance(exc, AttributeError) and exc.name == attribute:
        return _names_no_module(named)
    return None


def _names_no_module(named: str) -> str:
    return (
        f"its entry point names {named!r}, which has no hooks: let it name the module that has the "
        f"hooks: {named.partition(':')[0]!r}"
    )


def _unloaded(exc: BaseException, origin: Origin) -> str:
    told = cause(exc, origin.module)
    if _missing_module(exc) is not None or isinstance(exc, SyntaxError):
        return told
    module = origin.module.partition(":")[0]
    return f"{told} (for the whole traceback: python -c 'import {module}')"


def cause(exc: BaseException, module: str) -> str:
    """Why importing or asking a plug-in failed, and what to do."""
    missing = _missing_module(exc)
    if missing is None:
        return f"it raised {_short(exc)}{_where(exc)}: update it, or ask its author"
    if _is_part_of(missing, module):
        return f"its module {missing!r} is not there: install its distribution again"
    return (
        f"it needs the module {missing!r}, which is not installed: "
        f"install what brings it, such as `pip install {missing.partition('.')[0]}`"
    )


def _missing_module(exc: BaseException | None) -> str | None:
    """The module that is missing, also where the plug-in raised an error of its own about it."""
    found = None
    while exc is not None:
        if isinstance(exc, ModuleNotFoundError) and exc.name:
            found = exc.name
        exc = exc.__cause__ or exc.__context__
    return found


def _is_part_of(missing: str, module: str) -> bool:
    top = module.partition(":")[0].partition(".")[0]
    return missing.partition(".")[0] == top


def _short(exc: BaseException) -> str:
    if isinstance(exc, SyntaxError):  # its text has the place again, and the file's name alone
        return f"{type(exc).__name__}: {exc.msg}"
    return f"{type(exc).__name__}: {exc}".strip().removesuffix(":")


def _where(exc: BaseException) -> str:
    """The innermost line of a file, which is not the import system's."""
    if isinstance(exc, SyntaxError) and exc.filename:
        return f" ({exc.filename}, line {exc.lineno})"
    where = ""
    frames = exc.__traceback__
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        where = where if file.startswith("<") else f" ({file}, line {frames.tb_lineno})"
        frames = frames.tb_next
    return where


def _checked(origin: Origin, target: object) -> Loaded:
    _check_api(target)
    manager = _registered(target, origin.name)
    callers = {point: getattr(manager.hook, hook) for hook, point in HOOKS.items()}
    hooks = {
        point: partial(_offer, caller, point, origin.module)
        for point, caller in callers.items()
        if caller.get_hookimpls()
    }
    notes = tuple(_notes(manager, target))
    if not hooks and not notes:
        raise PluginError(_nothing(origin, target))
    return Loaded(origin, target, hooks, notes)


def _offer(caller: pluggy.HookCaller, point: str, module: str) -> Offer:
    """Ask a hook for its backends."""
    try:
        return Offer(tuple(_classes(caller, point)))
    except PluginError as exc:
        return Offer(broken=str(exc))
    except (Exception, SystemExit) as exc:
        return Offer(broken=cause(exc, module))


def _nothing(origin: Origin, target: object) -> str:
    if ":" in origin.module:
        return _names_no_module(origin.module)
    if isinstance(target, type):
        return (
            "it registers nothing, for it is a class: give the module that has the hooks in its "
            "place"
        )
    return (
        "it registers nothing: decorate its beautyspot_register_... functions with "
        "@beautyspot.hookimpl"
    )


def _check_api(target: object) -> None:
    api = getattr(target, "beautyspot_api", hookspecs.API)
    if not isinstance(api, int) or isinstance(api, bool):
        raise PluginError(
            f"its beautyspot_api is {api!r:.80}: write a whole number, not text: "
            f"beautyspot_api = {hookspecs.API}"
        )
    if api == hookspecs.API:
        return
    what = "the plug-in" if api < hookspecs.API else "beautyspot-core"
    raise PluginError(
        f"it is built for the plug-in API {api!r}, and this beautyspot-core has {hookspecs.API}: "
        f"update {what}"
    )


def _registered(target: object, name: str) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
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
    """Hooks that nobody will ever call; the plug-in is kept, it may serve a newer core as well."""
    for caller in manager.get_hookcallers(target) or ():
        if not caller.has_spec() and not all(i.optionalhook for i in caller.get_hookimpls()):
            hint = did_you_mean(caller.name, HOOKS) or f" The hooks are {', '.join(HOOKS)}."
            yield f"there is no hook {caller.name!r}, so it is never called.{hint}"
    for name in dir(target):
        if name.startswith("beautyspot_register_") and not _is_marked(target, name):
            yield f"{name!r} is never called: decorate it with @beautyspot.hookimpl"


def _is_marked(target: object, name: str) -> bool:
    function = getattr(target, name, None)
    return not inspect.isroutine(function) or hasattr(function, "beautyspot_impl")


def _classes(caller: pluggy.HookCaller, point: str) -> Iterator[type[Backend]]:
    """The backends that a hook returns, each once."""
    results = caller()
    if not results:  # pluggy leaves None out
        raise PluginError(f"{caller.name} returned None: return a class, a list of them, or []")
    base = BASES[point]
    yield from dict.fromkeys(_backend(found, caller.name, base) for found in _flat(results))


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _backend(found: object, hook: str, base: type[Backend]) -> type[Backend]:
    """`found`, once it is known to be a whole backend class."""
    if not isinstance(found, type):
        if inspect.iscoroutine(found):
            found.close()
        what = type(found).__qualname__
        raise PluginError(
            f"{hook} returned an object of type {what}: return the backend's class itself"
        )
    where = f"{found.__module__}.{found.__qualname__}"
    if not issubclass(found, base):
        advice = _right_hook(found) or "derive it from that"
        raise PluginError(f"{hook} returned {where}, which is no {base.__name__}: {advice}")
    _check_name(found, where)
    _check_schemes(found, where)
    if inspect.isabstract(found):
        raise PluginError(f"{where} {left_open(found, base)}")
    return found


def _right_hook(found: type) -> str | None:
    for hook, point in HOOKS.items():
        if issubclass(found, BASES[point]):
            return f"it is a {BASES[point].__name__}, so return it from {hook}"
    return None


def left_open(cls: type[Backend], base: type[Backend]) -> str:
    """What an abstract backend has yet to bring, as the end of a message."""
    left = ", ".join(sorted(f"{name}()" for name in cls.__abstractmethods__))
    return f"leaves {left} of {base.__name__} open: write that"


def is_name(text: str) -> bool:
    """Whether a backend may be called so."""
    return text[:1] in _FIRST and _FIRST.union("_.-").issuperset(text)


def _is_scheme(text: str) -> bool:
    return text[:1] in _LETTERS and _FIRST.union("+.-").issuperset(text)


def _check_name(found: type[Backend], where: str) -> None:
    name = getattr(found, "name", None)
    if name is None:
        raise PluginError(f'{where} has no name: give the class one, such as name = "foo"')
    if not isinstance(name, str) or not is_name(name):
        raise PluginError(
            f"{where} has the name {name!r:.80}: use lower-case letters, digits, '_', '.' and '-'"
        )


def _check_schemes(found: type[Backend], where: str) -> None:
    schemes = found.schemes
    if isinstance(schemes, tuple) and all(
        isinstance(scheme, str) and _is_scheme(scheme) for scheme in schemes
    ):
        return
    raise PluginError(f'{where} has schemes = {schemes!r:.80}: write a tuple, such as ("foo",)')
