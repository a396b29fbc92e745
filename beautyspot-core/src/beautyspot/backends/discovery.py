"""Which plug-ins are installed, which `BEAUTYSPOT_PLUGINS` lets in, and what each brings."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from threading import get_ident
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from beautyspot.errors import PluginError
from beautyspot.hookspecs import PROJECT
from beautyspot.logs import warn_once
from beautyspot.messages import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from importlib.metadata import Distribution, EntryPoint

    from beautyspot.contracts import Backend


class Origin:
    """Where a plug-in comes from, and how to load it.

    Attributes:
        name: the name of its entry point, or of the object that was given to the Spot.
        module: what the entry point names.
        load: imports the module, or returns the object.
        dist: the distribution that brings it; None for an object given to the Spot. Reading its
            name and version opens a file, so both are read only for messages and listings.
    """

    def __init__(
        self,
        name: str,
        module: str,
        load: Callable[[], object],
        dist: Distribution | None = None,
    ) -> None:
        self.name = name
        self.module = module
        self.load = load
        self.dist = dist

    def __str__(self) -> str:
        """How messages call it."""
        name, version = identity(self.dist)
        source = "given as plugins=" if self.dist is None else f"{name} {version}"
        return f"{self.name!r} ({source})"


class Loaded:
    """A plug-in after the attempt to load it.

    A hook is called when a backend of its extension point is first looked for: nothing that the
    hook brings is imported before. Threads that look at once each call it, and go by the answer
    that came first: to wait for another's would stop both where one of them imports the plug-in.

    Args:
        origin: where it comes from.
        target: the module or object that has the hooks.
        hooks: by extension point a function that returns the backends, or raises `PluginError`.
        notes: what is odd about it, such as a misspelt hook.
        unusable: why it could not be loaded, or None.
        stated: by extension point the names and schemes that it states ahead.
    """

    def __init__(
        self,
        origin: Origin,
        target: object = None,
        hooks: Mapping[str, Callable[[], tuple[type[Backend], ...]]] = MappingProxyType({}),
        notes: tuple[str, ...] = (),
        unusable: str | None = None,
        stated: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self.origin = origin
        self.target = target
        self._stated = stated
        self.notes = notes
        self._hooks = hooks
        self._classes: dict[str, tuple[type[Backend], ...]] = {}
        self._asking: set[tuple[int, str]] = set()
        self._faults = [] if unusable is None else [unusable]

    def warn(self) -> None:
        """Log what is known to be wrong or odd, once a process."""
        for fault in self._faults:
            warn_once(f"the plug-in {self.origin} is skipped: {fault}")
        for note in self.notes:
            warn_once(f"the plug-in {self.origin}: {note}")

    def may_bring(self, point: str, word: str) -> bool:
        """Whether its hook has to be called to find a backend of this name or scheme."""
        return word in self._stated.get(point, (word,))

    def classes(self, point: str) -> tuple[type[Backend], ...]:
        """Its backends of an extension point; none where its hook is broken."""
        asking = (get_ident(), point)
        if point in self._hooks and point not in self._classes and asking not in self._asking:
            self._asking.add(asking)  # a hook that looks for backends itself finds none of these
            try:
                self._classes.setdefault(point, self._asked(point))
            finally:
                self._asking.discard(asking)
        return self._classes.get(point, ())

    def _asked(self, point: str) -> tuple[type[Backend], ...]:
        try:
            return self._hooks[point]()
        except PluginError as error:
            self._faults.append(str(error))
            self.warn()
            return ()

    @property
    def offers(self) -> dict[str, list[str]]:
        """The names of all its backends, by extension point."""
        found = {point: [cls.name for cls in self.classes(point)] for point in self._hooks}
        return {point: names for point, names in found.items() if names}

    @property
    def broken(self) -> str | None:
        """What is wrong with it, or with the first of its hooks that is broken, or None."""
        for point in self._hooks:
            self.classes(point)
        return self._faults[0] if self._faults else None


def identity(dist: Distribution | None) -> tuple[str | None, str | None]:
    """Name and version of a distribution; ``?`` where its metadata is damaged."""
    if dist is None:
        return None, None
    try:
        return dist.name or "?", dist.version or "?"
    except Exception:  # a damaged installation must stop no other plug-in
        return "?", "?"


VARIABLE: Final = "BEAUTYSPOT_PLUGINS"
"""Limits the plug-ins: ``local,s3`` loads these two, ``-s3`` all others, ``none`` no one."""

NONE: Final = "none"

BUILTIN: Final = "beautyspot.builtin"
"""The module of core's own plug-in, named as an entry point names one."""


def core() -> Origin:
    """Core's own plug-in, which is one like any other."""
    from importlib import metadata

    try:
        dist = metadata.distribution("beautyspot-core")
    except metadata.PackageNotFoundError:  # a program that was frozen into one file
        dist = None
    return Origin("core", BUILTIN, lambda: import_module(BUILTIN), dist)


@lru_cache(maxsize=1)
def scan() -> tuple[Origin, ...]:
    """The plug-ins of all installed distributions, sorted; once a process, for it takes long."""
    points = sorted(_entry_points(), key=lambda point: (point.name, point.value))
    return tuple(Origin(point.name, point.value, point.load, point.dist) for point in points)


def _entry_points() -> list[EntryPoint]:
    from importlib import metadata

    try:
        return list(metadata.entry_points(group=PROJECT))
    except Exception:  # one damaged distribution, of anyone: leave out that one alone
        return [point for dist in metadata.distributions() for point in _points_of(dist)]


def _points_of(dist: Distribution) -> list[EntryPoint]:
    try:
        return list(dist.entry_points.select(group=PROJECT))
    except Exception as exc:
        name, version = identity(dist)
        warn_once(f"the entry points of {name} {version} can't be read ({exc}): install it again")
        return []


def chosen(origins: Sequence[Origin], choice: str | None) -> list[Origin]:
    """The plug-ins that a value of `BEAUTYSPOT_PLUGINS` lets in."""
    if choice is None:
        return list(origins)
    names = {origin.name for origin in origins}
    for word in unknown(choice, names):
        warn_once(not_installed(word, names) + f" Installed: {listing(names)}")
    wanted, blocked = _words(choice)
    allowed = names if blocked and not wanted else wanted - {NONE}
    return [origin for origin in origins if origin.name in allowed - blocked]


def unknown(choice: str | None, known: Collection[str]) -> list[str]:
    """The names in `BEAUTYSPOT_PLUGINS` that no plug-in has."""
    wanted, blocked = _words(choice or "")
    return sorted((wanted | blocked) - {NONE, *known})


def not_installed(word: str, known: Collection[str]) -> str:
    """The message about a name in `BEAUTYSPOT_PLUGINS` that no plug-in has."""
    return (
        f"{VARIABLE} names the plug-in {word!r}, which is not installed.{did_you_mean(word, known)}"
    )


def _words(choice: str) -> tuple[set[str], set[str]]:
    """The names to load, and those to leave out."""
    words = {word.strip() for word in choice.split(",")} - {""}
    blocked = {word for word in words if word.startswith("-")}
    return words - blocked, {word[1:].strip() for word in blocked}
