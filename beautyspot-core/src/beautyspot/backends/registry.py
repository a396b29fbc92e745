"""Which plug-ins are installed, what each brings, and the backend that a name or a scheme means.

The installed distributions are searched once a process, when the first `Spot` is made, and the
light module of each plug-in is imported and registered. A hook is called when a backend of its kind
is first looked for. Of classes that it names by import strings, the one that is asked for is
loaded.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from beautyspot import contracts, hookspecs
from beautyspot.backends import scan
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
    from collections.abc import Callable, Iterable

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
_CORE: Final = "beautyspot.builtin"

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


class PluginInfo:
    """One plug-in, as `beautyspot.plugins()` lists it; ``print(info)`` reads well.

    Attributes:
        name: the name of its entry point in the group ``beautyspot``.
        module: the Python module that the entry point names.
        location: the file it was loaded from, or the folder it is installed in.
        offers: extension point -> the names of its backends there.
        broken: why it is skipped, or a part of it, or None.
        notes: what is odd about it, such as a misspelt hook.
    """

    def __init__(
        self, name: str, module: str, load: Callable[[], object], dist: Any = None
    ) -> None:
        self.name = name
        self.module = module
        self.load = load
        self.dist = dist
        self.location = None if dist is None else str(dist.locate_file(""))
        self.offers: dict[str, list[str]] = {}
        self.broken: str | None = None
        self.notes: tuple[str, ...] = ()

    @property
    def distribution(self) -> str | None:
        """What `pip` calls it; None for one that was given to a Spot."""
        return None if self.dist is None else self.dist.name

    @property
    def version(self) -> str | None:
        """The version of the distribution."""
        return None if self.dist is None else self.dist.version

    @property
    def source(self) -> str:
        """Its name, and where it comes from."""
        dist = "given as plugins=" if self.dist is None else f"{self.distribution} {self.version}"
        return f"{self.name} ({dist})"

    def __str__(self) -> str:
        """Several lines: the plug-in, what it offers, where it is, what is wrong."""
        lines = [f"{point}: {', '.join(names)}" for point, names in self.offers.items() if names]
        lines += [f"from {self.location}"] if self.location else []
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"BROKEN: {self.broken}"] if self.broken else []
        return "\n  ".join([self.source, *lines])

    def fail(self, error: BaseException) -> None:
        """Note what is wrong with it, and say that once."""
        self.broken = self.broken or _cause(error)
        warn_once(f"the plug-in {self.source} is skipped: {_cause(error)}")


class Registry:
    """The backends that a Spot may choose from: those of these plug-ins.

    Args:
        plugins: they are loaded, and listed as `plugins`, each module once.
        left_out: the entry points that `BEAUTYSPOT_PLUGINS` leaves out.
    """

    def __init__(self, plugins: Iterable[PluginInfo], left_out: Iterable[str] = ()) -> None:
        self.plugins: list[PluginInfo] = []
        self.left_out = sorted(left_out)
        self._manager = _Manager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._registered: dict[str, PluginInfo] = {}
        self._offered: dict[str, list[tuple[str, Given, PluginInfo]]] = {}
        for plugin in plugins:
            try:  # SystemExit too: a module that ends the program when it is imported is broken
                target = plugin.load()
                if str(id(target)) in self._registered:
                    continue
                self._register(plugin, target)
            except (Exception, SystemExit) as error:
                plugin.fail(error)
            self.plugins.append(plugin)

    def _register(self, plugin: PluginInfo, target: Any) -> None:
        plugin.location = getattr(target, "__file__", plugin.location)
        api = getattr(target, "beautyspot_api", hookspecs.API)
        if api != hookspecs.API:
            raise PluginError(
                f"it is built for the plug-in API {api!r:.80}, and this beautyspot-core has "
                f"{hookspecs.API}: update the older of the two"
            )
        name = str(id(target))
        self._registered[name] = plugin  # first: what fails may have registered a hook by then
        self._manager.register(target, name)
        callers = self._manager.get_hookcallers(target)
        if not callers:
            raise PluginError(
                "it registers nothing: name the module that has the hooks, and decorate its "
                f"{_HOOK}... functions with @beautyspot.hookimpl"
            )
        hooks = [f"{_HOOK}{point}" for point in BASES]
        plugin.notes = tuple(
            f"there is no hook {caller.name!r}, so it is never called."
            + (did_you_mean(caller.name, hooks) or f" The hooks are {listing(hooks)}.")
            for caller in callers
            if not caller.has_spec() and not all(i.optionalhook for i in caller.get_hookimpls())
        )
        for note in plugin.notes:  # the plug-in is kept: it may serve a newer core as well
            warn_once(f"the plug-in {plugin.source}: {note}")

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
        claims = self._claims(point, word) or self._claims(point, word.removesuffix("://"))
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
                f"the {point} {word!r} of the plug-in {plugin.source} can't be had: {_cause(error)}"
            ) from error

    def words(self, point: str) -> list[str]:
        """What the plug-ins bring: names, and schemes with ``://``; of types, names of classes."""
        return sorted({word for word, _, _ in self._offers(point)})

    def supports(self) -> dict[str, TypeSupport]:
        """The types that the plug-ins support, by the names of their classes."""
        from beautyspot.keys.forms import has_own_form

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

    def _offers(self, point: str) -> list[tuple[str, Given, PluginInfo]]:
        """What the plug-ins bring: a name or scheme, what it means, and whose it is."""
        if point not in self._offered:
            found: list[tuple[str, Given, PluginInfo]] = []
            for hook in getattr(self._manager.hook, f"{_HOOK}{point}").get_hookimpls():
                plugin = self._registered[hook.plugin_name]
                try:
                    plugin.offers[point], words = _words(hook.function(), point)
                except (Exception, SystemExit) as error:
                    plugin.fail(error)
                else:
                    found += [(word, given, plugin) for word, given in words]
            self._offered[point] = found
        return self._offered[point]

    def _claims(self, point: str, word: str) -> dict[Given, PluginInfo]:
        found = {given: by for each, given, by in self._offers(point) if each == word}
        # What was given to the Spot itself wins over what happens to be installed.
        return {it: by for it, by in found.items() if by.dist is None} or found

    def _not_found(self, point: str, word: str) -> str:
        """The message: what there is in place of a backend, and how to get that."""
        there, name = self.words(point), word.removesuffix("://")
        ours = [where for where, brings in _BRINGS.items() if name in brings]
        hint = "" if ours else did_you_mean(word, there)
        text = (
            f"no installed plug-in brings the {point} {word!r}.{hint} Installed: {listing(there)}."
        )
        if self.left_out:
            left_out = [name] if name in self.left_out else self.left_out
            text += f" {VARIABLE} leaves out: {listing(left_out)}."
        for plugin in self.plugins:
            if plugin.broken or plugin.notes:
                text += f" The plug-in {plugin.source}: {plugin.broken or plugin.notes[0]}."
        if ours:
            return f"{text} To get it, install {ours[0]} (docs/install.md)"
        return f"{text} Else install the plug-in that brings it.{_FORMS.get(point, '')}"


class _Manager(pluggy.PluginManager):
    """Looks at few names of a module: a look at each takes its time, and each start waits."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        return super().parse_hookimpl_opts(plugin, name) if name.startswith(_OURS) else None

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        return super().parse_hookspec_opts(module_or_class, name) if _HOOK in name else None


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
    if not isinstance(given, str):
        return given
    module, _, name = given.partition(":")
    return getattr(importlib.import_module(module), name)


def checked_class(
    found: object, base: type[B], what: str, error: type[BeautyspotError] = PluginError
) -> type[B]:
    """`found`, if it is a whole backend class.

    Raises:
        BeautyspotError: of the class `error`; says what is missing, after `what`.
    """
    shown, advice = _shown(found), ""
    if not isinstance(found, type) or not issubclass(found, base):
        advice = f"is no subclass of {base.__name__}: derive it from that, or give another one"
    elif not isinstance(getattr(found, "name", None), str):
        advice = 'has no name: give the class one, such as name = "foo"'
    elif inspect.isabstract(found):
        left = ", ".join(sorted(f"{name}()" for name in found.__abstractmethods__))
        advice = f"leaves {left} of {base.__name__} open: write that"
    else:
        return found
    raise error(f"{what} {shown} {advice}")


def _shown(given: object) -> str:
    if isinstance(given, type):
        return f"{given.__module__}.{given.__qualname__}"
    return given if isinstance(given, str) else f"an object of type {type(given).__qualname__}"


def _cause(error: BaseException) -> str:
    """Why a plug-in could not be loaded, or asked, and what to do."""
    if isinstance(error, PluginError):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"it raised {what}: install what it needs, update it, or ask its author"


# ------------------------------------------------------------------------------------ for a Spot


def load_plugins(
    extra: Iterable[object] = (), *, environ: Mapping[str, str] = os.environ
) -> Registry:
    """The backends of core, of the installed plug-ins, and of `extra`.

    Args:
        extra: modules or objects with hooks, for this registry alone. Their backends win over
            installed ones of the same name.
        environ: where to look for `BEAUTYSPOT_PLUGINS`.

    Raises:
        ConfigError: something in `extra` is neither a module nor an object with hooks.
    """
    base = _installed(environ.get(VARIABLE))
    targets = given_plugins(extra)
    if not targets:
        return base
    names = [str(getattr(target, "__name__", type(target).__qualname__)) for target in targets]
    given = [
        PluginInfo(n, n, partial(lambda it: it, t)) for n, t in zip(names, targets, strict=True)
    ]
    return Registry([*base.plugins, *given], base.left_out)


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
    points, core = scan.installed()
    found = sorted(points, key=lambda point: (point.name, point.value))
    names = {point.name for point in found}
    words = {word.strip() for word in (choice or "").split(",")} - {""}
    blocked = {word[1:].strip() for word in words if word.startswith("-")}
    wanted = {word for word in words if not word.startswith("-")}
    for word in sorted((wanted | blocked) - {"none", *names}):
        warn_once(
            f"{VARIABLE} names the plug-in {word!r}, which is not installed."
            f"{did_you_mean(word, names)} Installed: {listing(names)}"
        )
    takes_all = choice is None or (blocked and not wanted)
    chosen = (names if takes_all else wanted - {"none"}) - blocked
    return Registry(
        [
            PluginInfo("core", _CORE, partial(importlib.import_module, _CORE), core),
            *(PluginInfo(p.name, p.value, p.load, p.dist) for p in found if p.name in chosen),
        ],
        names - chosen,
    )
