"""Which plug-ins are installed, what each brings, and the backend that a name or a scheme means.

The installed distributions are searched once a process, when the first `Spot` is made, and the
light module of each plug-in is imported and registered. A hook is called when a backend of its kind
is first looked for. Of classes that it names by import strings, the one that is asked for is
loaded.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from beautyspot import contracts, hookspecs
from beautyspot.backends.installed import PluginInfo, cause, installed
from beautyspot.contracts import Backend
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    PluginConflictError,
    PluginError,
)
from beautyspot.logs import forget_warnings, warn_once
from beautyspot.messages import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts import TypeSupport

    Given = type[Backend] | str
    """What a hook gives: a class, or an import string, ``"module:Class"``."""

B = TypeVar("B", bound=Backend)

BASES: Final = {
    "metadata": "MetadataStoreBase",
    "storage": "BlobStorageBase",
    "serializer": "SerializerBase",
    "keygen": "KeyGenBase",
    "limiter": "LimiterBase",
    "types": "TypeSupport",
}
"""Extension point -> the name of the base class of its backends; see `base_of`."""

VARIABLE: Final = "BEAUTYSPOT_PLUGINS"
"""Limits the plug-ins: ``local,s3`` loads these two, ``-s3`` all others, ``none`` no one."""

_OURS: Final = "beautyspot_"
_HOOK: Final = "beautyspot_register_"

_BRINGS: Final = {
    "beautyspot-s3": ("s3",),
    "beautyspot-redis": ("redis", "rediss", "valkey", "valkeys"),
    "beautyspot-postgres": ("postgres", "postgresql"),
    "beautyspot-pickle": ("pickle",),
    "beautyspot-local": ("sqlite", "local", "file", "gcra", "gcra-shared"),
    "docs/examples/beautyspot-fsspec": (
        *("gs", "gcs", "az", "abfs", "abfss", "adl", "sftp", "ssh", "smb", "hdfs", "oci", "fsspec"),
    ),
}
"""The distributions of this project, with the names and schemes of what they bring.

No other is named here or guessed at: whoever registers such a name would get its users.
"""


_FORMS: Final = {
    "metadata": ' A file is given as "sqlite:///path/app.db", a server as "redis://host:6379"',
    "storage": ' A folder is given as {"use": "local", "base_dir": "path"}',
    "limiter": ' A rate is given as "600/min", options as a table: {"use": "gcra", ...}',
}
"""How what is no name may have been meant."""


def base_of(point: str) -> type[Backend]:
    """The base class of an extension point's backends; the first Spot needs that of one."""
    base: type[Backend] = getattr(contracts, BASES[point])
    return base


class Registry:
    """The backends that a Spot may choose from: those of these plug-ins, which are loaded."""

    def __init__(self, plugins: Iterable[PluginInfo]) -> None:
        self.plugins = list(plugins)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._offered: dict[str, dict[str, dict[Given, PluginInfo]]] = {}
        for plugin in self.plugins:
            try:  # SystemExit too: a module that ends the program when it is imported is broken
                self._register(plugin)
            except (Exception, SystemExit) as error:
                plugin.fail(error)

    def _register(self, plugin: PluginInfo) -> None:
        target = plugin.load()
        plugin.location = getattr(target, "__file__", None)
        # No other name is asked for: a package may import what it names when that is first used.
        hooks = {name: getattr(target, name) for name in dir(target) if name.startswith(_OURS)}
        holder = SimpleNamespace(plugin=plugin, **hooks)
        self._manager.register(holder)
        callers = self._manager.get_hookcallers(holder)
        if not callers:
            raise PluginError(
                "it registers nothing: name the module that has the hooks, and decorate its "
                f"{_HOOK}... functions with @beautyspot.hookimpl"
            )
        for caller in callers:
            if not caller.has_spec() and not all(i.optionalhook for i in caller.get_hookimpls()):
                points = [f"{_HOOK}{point}" for point in BASES]
                raise PluginError(  # its other hooks are kept
                    f"there is no hook {caller.name!r}.{did_you_mean(caller.name, points)} "
                    f"The hooks are {listing(points)}"
                )

    def find(self, point: str, word: str) -> type[Backend]:
        """The backend of that name, or of that URL scheme where ``://`` ends it.

        Args:
            point: the extension point.
            word: the name, or the scheme; a scheme may be a backend's name as well. Of types, the
                name of a class.

        Raises:
            BackendNotFound: no plug-in brings it, and the message says which would; or it can't be
                loaded.
            PluginConflictError: several do.
        """
        offered = self._offers(point)
        claims = offered.get(word) or offered.get(word.removesuffix("://"))
        if not claims:
            raise BackendNotFound(self._not_found(point, word))
        if len(claims) > 1:
            who = " and ".join(f"{_shown(it)} of {by.source}" for it, by in claims.items())
            last = list(claims.values())[-1].name
            raise PluginConflictError(
                f"the {point} {word!r} is claimed by {who}: uninstall one, or leave one out by "
                f"{VARIABLE}, such as {VARIABLE}=-{last}; or give the class itself"
            )
        [(given, plugin)] = claims.items()
        try:
            return checked_class(_imported(given), base_of(point), f"{given}:")
        except (Exception, SystemExit) as error:
            plugin.fail(error)
            raise BackendNotFound(
                f"the {point} {word!r} of the plug-in {plugin.source} can't be had: {cause(error)}"
            ) from error

    def words(self, point: str) -> list[str]:
        """What the plug-ins bring: names, and schemes with ``://``; of types, names of classes."""
        return sorted(self._offers(point))

    def supports(self) -> dict[str, TypeSupport]:
        """The types that the plug-ins support, by the names of their classes."""
        from beautyspot.keys.standard import has_own_form

        made: dict[type[Any], TypeSupport] = {}
        found: dict[str, TypeSupport] = {}
        for word in self.words("types"):
            try:
                if has_own_form(word.partition(":")[0]):
                    raise PluginError(
                        f"beautyspot itself has forms for the module of {word}: leave it out of "
                        "classes"
                    )
                cls: type[Any] = self.find("types", word)
                found[word] = made[cls] = made.get(cls) or cls()
            except Exception as error:  # one that is broken stops no other
                warn_once(f"a type of a plug-in is not supported: {error}")
        return found

    def _offers(self, point: str) -> dict[str, dict[Given, PluginInfo]]:
        """What the plug-ins bring: by name or scheme what it means, and whose that is."""
        if point not in self._offered:
            found: dict[str, dict[Given, PluginInfo]] = {}
            for hook in getattr(self._manager.hook, f"{_HOOK}{point}").get_hookimpls():
                plugin = hook.plugin.plugin
                try:
                    plugin.offers[point], words = _words(hook.function(), point)
                except (Exception, SystemExit) as error:
                    plugin.fail(error)
                    continue
                for word, given in words:
                    # What was given to the Spot itself wins over what happens to be installed.
                    others = found.get(word, {}) if plugin.given is None else {}
                    found[word] = {**others, given: plugin}
            self._offered[point] = found
        return self._offered[point]

    def _not_found(self, point: str, word: str) -> str:
        """The message: what there is in place of a backend, and how to get that."""
        there, choice = self.words(point), os.environ.get(VARIABLE)
        text = f"no installed plug-in brings the {point} {word!r}. Installed: {listing(there)}."
        if choice is not None:
            text += f" {VARIABLE} lets in {choice!r}."
        text += "".join(
            f" The plug-in {it.source}: {it.broken}." for it in self.plugins if it.broken
        )
        for where, brings in _BRINGS.items():
            if word.removesuffix("://") in brings:
                return f"{text} To get it, install {where} (docs/install.md)"
        advice = f"{did_you_mean(word, there)} Else install the plug-in that brings it."
        return f"{text}{advice}{_FORMS.get(point, '')}"


def _words(found: object, point: str) -> tuple[list[str], list[tuple[str, Given]]]:
    """The names of what a hook gave, and all words that mean it: also ``scheme://``.

    Raises:
        PluginError: it is no class, list of classes or table, or a class is not whole.
    """
    if isinstance(found, Mapping) and point != "types":
        names = [word for word in found if "://" not in word]
        return names, [*found.items(), *((f"{name}://", found[name]) for name in names)]
    given = list(found.values()) if isinstance(found, Mapping) else found
    several = map(_imported, given if isinstance(given, list | tuple) else [given])
    classes: list[Any] = [checked_class(it, base_of(point), f"{_HOOK}{point}:") for it in several]
    if point == "types":
        return [cls.name for cls in classes], [(it, cls) for cls in classes for it in cls.classes]
    words = [(f"{scheme}://", cls) for cls in classes for scheme in cls.schemes]
    return [cls.name for cls in classes], [*((cls.name, cls) for cls in classes), *words]


def _imported(given: object) -> object:
    return resolve_name(given) if isinstance(given, str) else given


def checked_class(
    found: object, base: type[B], what: str, error: type[BeautyspotError] = PluginError
) -> type[B]:
    """`found`, if it is a whole backend class.

    Raises:
        BeautyspotError: of the class `error`; says what is missing, after `what`.
    """
    shown, advice = _shown(found), ""
    if not isinstance(found, type) or not issubclass(found, base):
        advice = f"is no subclass of {base.__name__}: give one, its name, a URL or a table"
    elif not isinstance(getattr(found, "name", None), str):
        advice = 'has no name: give the class one, such as name = "foo"'
    else:
        return found
    raise error(f"{what} {shown} {advice}")


def _shown(given: object) -> str:
    if isinstance(given, type):
        return f"{given.__module__}.{given.__qualname__}"
    return given if isinstance(given, str) else f"an object of type {type(given).__qualname__}"


# ------------------------------------------------------------------------------------ for a Spot


def load_plugins(extra: Iterable[object] = ()) -> Registry:
    """The backends of core, of the installed plug-ins, and of `extra`.

    Args:
        extra: modules or objects with hooks, for this registry alone. Their backends win over
            installed ones of the same name.

    Raises:
        ConfigError: something in `extra` is neither a module nor an object with hooks.
    """
    base = _installed(os.environ.get(VARIABLE))
    targets = given_plugins(extra)
    names = [str(getattr(target, "__name__", type(target).__qualname__)) for target in targets]
    given = [PluginInfo(n, n, given=target) for n, target in zip(names, targets, strict=True)]
    return Registry([*base.plugins, *given]) if given else base


def given_plugins(extra: Iterable[object]) -> list[object]:
    """The modules or objects given as ``plugins=``.

    Raises:
        ConfigError: they are no list, or one of them can't have hooks.
    """
    is_list = hasattr(extra, "__iter__") and not isinstance(extra, str)
    targets: list[object] = list(extra) if is_list else [None]
    if any(each is None or isinstance(each, str | bytes | int | float) for each in targets):
        raise ConfigError(
            f"plugins={extra!r:.80}: give a list of modules or objects with hooks, such as "
            "plugins=[my_plugin] after `import my_plugin`"
        )
    return targets


def plugins(*, rescan: bool = False) -> list[PluginInfo]:
    """All installed plug-ins: where each comes from, its version, what it offers, what is broken.

    Args:
        rescan: search again for plug-ins that were installed since the first search. Spots that
            exist keep what they have.
    """
    if rescan:
        forget()
    registry = load_plugins()
    for point in BASES:
        for word in registry.words(point):
            with suppress(BackendNotFound, PluginConflictError):  # the plug-in says what is wrong
                registry.find(point, word)
    return list(registry.plugins)


def forget() -> None:
    """Forget what was found and warned of, so that the next Spot starts anew."""
    importlib.invalidate_caches()
    forget_warnings()
    _installed.cache_clear()


@lru_cache(maxsize=8)
def _installed(choice: str | None) -> Registry:
    """Core's own plug-in, and those installed that a value of `BEAUTYSPOT_PLUGINS` lets in."""
    core, *found = installed()
    words = set() if choice is None else {word.strip() for word in choice.split(",")}
    leaves_out = all(word.startswith("-") for word in words)
    return Registry(
        [
            core,
            *(
                it
                for it in found
                if it.name in words or (leaves_out and f"-{it.name}" not in words)
            ),
        ]
    )
