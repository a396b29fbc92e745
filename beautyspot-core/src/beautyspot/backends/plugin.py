"""What is known of a plug-in: where it comes from, what it brings, and what is wrong with it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from beautyspot.errors import PluginError
from beautyspot.logs import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution

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

    A hook is called once, when a backend of its extension point is first looked for: nothing that
    the hook brings is imported before.

    Args:
        origin: where it comes from.
        target: the module or object that has the hooks.
        hooks: by extension point a function that returns the backends, or raises `PluginError`.
        notes: what is odd about it, such as a misspelt hook.
        unusable: why it could not be loaded, or None.
    """

    def __init__(
        self,
        origin: Origin,
        target: object = None,
        hooks: Mapping[str, Callable[[], tuple[type[Backend], ...]]] = MappingProxyType({}),
        notes: tuple[str, ...] = (),
        unusable: str | None = None,
    ) -> None:
        self.origin = origin
        self.target = target
        self.notes = notes
        self._hooks = hooks
        self._classes: dict[str, tuple[type[Backend], ...]] = {}
        self._faults = [] if unusable is None else [unusable]

    def warn(self) -> None:
        """Log what is known to be wrong or odd, once a process."""
        for fault in self._faults:
            warn_once(f"the plug-in {self.origin} is skipped: {fault}")
        for note in self.notes:
            warn_once(f"the plug-in {self.origin}: {note}")

    def classes(self, point: str) -> tuple[type[Backend], ...]:
        """Its backends of an extension point; none where its hook is broken."""
        if point in self._hooks and point not in self._classes:
            self._classes[point] = ()
            try:
                self._classes[point] = self._hooks[point]()
            except PluginError as error:
                self._faults.append(str(error))
                self.warn()
        return self._classes.get(point, ())

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
