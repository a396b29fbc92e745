"""What is known of a plug-in: where it comes from, what it brings, and what is wrong with it."""

from __future__ import annotations

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


class Origin:
    """Where a plug-in comes from, and how to load it.

    Attributes:
        name: of its entry point, or of the object that was given to the Spot.
        module: what the entry point names.
        load: imports the module, or hands out the object.
        dist: the distribution that brings it; None for an object given to the Spot. Its name and
            version are read from a file, so only when they are shown.
    """

    __slots__ = ("dist", "load", "module", "name")

    def __init__(
        self, name: str, module: str, load: Callable[[], object], dist: Distribution | None = None
    ) -> None:
        self.name = name
        self.module = module
        self.load = load
        self.dist = dist

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


def identity(dist: Distribution | None) -> tuple[str | None, str | None]:
    """Name and version of a distribution; ``?`` where its own files don't say."""
    if dist is None:
        return None, None
    try:
        return dist.name or "?", dist.version or "?"
    except Exception:  # a damaged installation is a broken plug-in, and stops no other
        return "?", "?"
