"""Find the installed plug-ins, and in them the backend that a name or a URL scheme means.

Discovery happens when a `Spot` is made. The scan of installed distributions and the import of the
plug-ins are done once a process; a `Spot` with plug-ins of its own adds those to the rest.
"""

from __future__ import annotations

import importlib
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from beautyspot.backends.discovery import VARIABLE, Loaded, Origin, chosen, core, scan
from beautyspot.backends.loading import load
from beautyspot.errors import BackendNotFound, ConfigError, PluginConflictError
from beautyspot.logs import forget_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beautyspot.backends.listing import PluginInfo
    from beautyspot.contracts import Backend, TypeSupport

_GIVE_A_LIST: Final = (
    "give a list of modules or objects with hooks, such as plugins=[my_plugin] "
    "after `import my_plugin`"
)


class Registry:
    """All backends that a Spot may choose from.

    Attributes:
        loaded: the plug-ins in the order of their discovery, core's own first.
        left_out: entry points that `BEAUTYSPOT_PLUGINS` leaves out.
        choice: the value of `BEAUTYSPOT_PLUGINS`; None where it is not set.
    """

    def __init__(
        self,
        installed: Sequence[Loaded],
        extra: Sequence[Loaded] = (),
        left_out: Sequence[str] = (),
        choice: str | None = None,
    ) -> None:
        self.loaded = (*installed, *extra)
        self.left_out = tuple(left_out)
        self.choice = choice
        # What was given to the Spot itself wins over what happens to be installed.
        self._layers = (extra, installed)

    def find(self, point: str, name: str) -> type[Backend]:
        """The backend of this name.

        Args:
            point: the extension point: metadata, storage, serializer, keygen or limiter.
            name: what the backend's class calls itself.

        Raises:
            BackendNotFound: no plug-in brings it; the message says which would.
            PluginConflictError: several do.
        """
        found = self._named(point, name)
        return found or self._not_found(point, name, self.names(point))

    def by_scheme(self, point: str, scheme: str) -> type[Backend]:
        """The backend that answers to URLs of this scheme, or else has it as its name.

        Raises:
            BackendNotFound: no plug-in brings it; the message says which would.
            PluginConflictError: several do.
        """
        what = f"URL scheme {scheme!r}"
        found = self._one(point, scheme, what, lambda cls: scheme in cls.schemes)
        found = found or self._named(point, scheme)
        if found is not None:
            return found
        schemes = {f"{each}://" for cls in self._all(point) for each in cls.schemes}
        return self._not_found(point, f"{scheme}://", sorted(schemes))

    def has(self, point: str, name: str) -> bool:
        """Whether some plug-in brings a backend of this name."""
        return any(cls.name == name for one in self.loaded for cls in _may_be(one, point, name))

    def names(self, point: str) -> list[str]:
        """The names of all backends of an extension point, sorted."""
        return sorted({cls.name for cls in self._all(point)})

    def supports(self) -> dict[str, TypeSupport]:
        """The types that the plug-ins support, by the names of their classes."""
        from beautyspot.backends.type_supports import merged

        return merged(reversed(self._layers))

    def _all(self, point: str) -> list[type[Backend]]:
        return [cls for one in self.loaded for cls in one.classes(point)]

    def _named(self, point: str, name: str) -> type[Backend] | None:
        return self._one(point, name, f"name {name!r}", lambda cls: cls.name == name)

    def _one(
        self, point: str, word: str, what: str, fits: Callable[[type[Backend]], bool]
    ) -> type[Backend] | None:
        for layer in self._layers:
            found = [(cls, one) for one in layer for cls in _may_be(one, point, word)]
            claims = {cls: one.origin for cls, one in found if fits(cls)}
            if len(claims) > 1:
                raise PluginConflictError(_conflict(point, what, claims))
            if claims:
                return next(iter(claims))
        return None

    def _not_found(self, point: str, wanted: str, there: list[str]) -> type[Backend]:
        from beautyspot.backends.not_found import not_found

        message = not_found(self.loaded, self.left_out, self.choice, point, wanted, there)
        raise BackendNotFound(message)


def _may_be(one: Loaded, point: str, word: str) -> tuple[type[Backend], ...]:
    return one.classes(point) if one.may_bring(point, word) else ()


def load_plugins(
    extra: Iterable[object] = (), *, environ: Mapping[str, str] = os.environ
) -> Registry:
    """The backends of core, of the installed plug-ins, and of `extra`.

    A broken plug-in is skipped with a warning and becomes an error when its backend is asked for.

    Args:
        extra: modules or objects with hooks, for this registry alone. Their backends win over
            installed ones of the same name.
        environ: where to look for `BEAUTYSPOT_PLUGINS`.

    Raises:
        ConfigError: something in `extra` is neither a module nor an object with hooks.
    """
    base = _installed(environ.get(VARIABLE))
    known = {id(one.target) for one in base.loaded}
    targets = {id(each): each for each in given_plugins(extra) if id(each) not in known}
    if not targets:
        return base
    given = [_load(_given(target)) for target in targets.values()]
    return Registry(base.loaded, given, base.left_out, base.choice)


def plugins(*, rescan: bool = False) -> list[PluginInfo]:
    """All installed plug-ins: where each comes from, its version, what it offers, what is broken.

    Args:
        rescan: search again for plug-ins that were installed since the first search. Spots that
            exist keep what they have.
    """
    from beautyspot.backends.listing import info

    if rescan:
        forget()
    return [info(one) for one in load_plugins().loaded]


def forget() -> None:
    """Forget the scan and the warnings, so that the next Spot starts anew."""
    importlib.invalidate_caches()
    forget_warnings()
    scan.cache_clear()
    _installed.cache_clear()


@lru_cache(maxsize=8)
def _installed(choice: str | None) -> Registry:
    origins = scan()
    allowed = chosen(origins, choice)
    left_out = [origin.name for origin in origins if origin not in allowed]
    loaded: dict[object, Loaded] = {}
    for one in map(_load, (core(), *allowed)):
        # One module under two entry points adds nothing, and is no conflict with itself.
        loaded.setdefault(id(one if one.target is None else one.target), one)
    return Registry(list(loaded.values()), left_out=left_out, choice=choice)


def _load(origin: Origin) -> Loaded:
    loaded = load(origin)
    loaded.warn()
    return loaded


def given_plugins(extra: Iterable[object]) -> list[object]:
    """The modules or objects given as ``plugins=``.

    Raises:
        ConfigError: they are no list, or one of them can't have hooks.
    """
    if isinstance(extra, str) or not hasattr(extra, "__iter__"):
        raise ConfigError(f"plugins={extra!r:.80}: {_GIVE_A_LIST}")
    targets = list(extra)
    for target in targets:
        if target is None or isinstance(target, str | bytes | int | float):
            raise ConfigError(f"plugins= holds {target!r:.80}: {_GIVE_A_LIST}")
    return targets


def _given(target: object) -> Origin:
    name = str(getattr(target, "__name__", type(target).__qualname__))
    return Origin(name, name, lambda: target)


def _conflict(point: str, what: str, claims: Mapping[type[Backend], Origin]) -> str:
    claimants = " and ".join(
        f"{cls.__module__}.{cls.__qualname__} of {origin}" for cls, origin in claims.items()
    )
    return (
        f"the {point} of the {what} is claimed by {claimants}: uninstall one, or leave one out by "
        f"{VARIABLE}, such as {VARIABLE}=-{list(claims.values())[-1].name}; "
        "or give the class itself in place of the name"
    )
