"""What is known of a plug-in: where it comes from, what it offers, and what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Backend


class Distribution(Protocol):
    """The part of `importlib.metadata.Distribution` that we read."""

    @property
    def name(self) -> str:
        """What `pip` calls it."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    def locate_file(self, path: str) -> Any:
        """The path of a file in it; of ``""``, the folder it is installed in."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a plug-in comes from, and how to load it.

    Attributes:
        name: of its entry point, or of the object that was given to the Spot.
        module: what the entry point names.
        load: imports the module, or hands out the object.
        dist: the distribution that brings it; None for an object given to the Spot. Its name and
            version are read from a file, so only when they are shown.
    """

    name: str
    module: str
    load: Callable[[], object]
    dist: Distribution | None = None

    def __str__(self) -> str:
        """How messages call it."""
        return f"{self.name!r} ({self.source()})"

    def source(self) -> str:
        """The distribution and its version, as text."""
        name, version = identity(self.dist)
        return "given as plugins=" if self.dist is None else f"{name} {version}"


class Loaded(NamedTuple):
    """A plug-in after the attempt to load it."""

    origin: Origin
    target: object = None
    classes: Mapping[str, tuple[type[Backend], ...]] = {}  # extension point -> what it brings
    notes: tuple[str, ...] = ()
    broken: str | None = None


class BrokenPlugin(NamedTuple):
    """A plug-in that was skipped, and why."""

    plugin: str  # entry point, distribution and version
    name: str  # of the entry point
    cause: str


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plug-in, as `beautyspot.plugins()` lists it; ``print(info)`` reads well.

    Attributes:
        name: of its entry point in the group ``beautyspot``.
        distribution: what `pip` calls it; None for one that was given to a Spot.
        version: of the distribution.
        module: the Python module that the entry point names.
        location: the file it was loaded from, or the folder it is installed in.
        offers: extension point -> the names of its backends there.
        broken: why it was skipped, or None.
        notes: what is odd about it, such as a misspelt hook.
    """

    name: str
    distribution: str | None
    version: str | None
    module: str
    location: str | None
    offers: Mapping[str, list[str]] = field(hash=False)
    broken: str | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Several lines: the plug-in, what it offers, where it is, what is wrong."""
        source = f"{self.distribution} {self.version}" if self.distribution else "given as plugins="
        lines = [f"{self.name} ({source})"]
        lines += [f"  {point}: {', '.join(names)}" for point, names in self.offers.items()]
        lines += [f"  from {self.location}"] if self.location else []
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  BROKEN: {self.broken}"] if self.broken else []
        return "\n".join(lines)


def info(loaded: Loaded) -> PluginInfo:
    """The listing's entry for a plug-in."""
    distribution, version = identity(loaded.origin.dist)
    return PluginInfo(
        name=loaded.origin.name,
        distribution=distribution,
        version=version,
        module=loaded.origin.module,
        location=_location(loaded),
        offers={point: [cls.name for cls in classes] for point, classes in loaded.classes.items()},
        broken=loaded.broken,
        notes=loaded.notes,
    )


def identity(dist: Distribution | None) -> tuple[str | None, str | None]:
    """Name and version of a distribution; ``?`` where its own files don't say."""
    if dist is None:
        return None, None
    try:
        return dist.name or "?", dist.version or "?"
    except Exception:  # a damaged installation is a broken plug-in, and stops no other
        return "?", "?"


def _location(loaded: Loaded) -> str | None:
    file = getattr(loaded.target, "__file__", None)
    if file is not None:
        return str(file)
    dist = loaded.origin.dist
    return os.path.abspath(dist.locate_file("")) if dist else None  # noqa: PTH100 - of any type
