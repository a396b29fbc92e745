"""What is known of a plug-in: where it comes from, what it brings, and what is wrong with it."""

from __future__ import annotations

from types import MappingProxyType
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


class Offer(NamedTuple):
    """What came of asking a hook."""

    classes: tuple[type[Backend], ...] = ()
    broken: str | None = None  # why it brings nothing


class Loaded:
    """A plug-in after the attempt to load it.

    A hook is asked when a backend of its extension point is first looked for, and once: until then
    nothing of what it brings is imported.

    Attributes:
        origin: where it comes from.
        target: what has the hooks.
        notes: what is odd about it.
        unusable: why none of its hooks can be asked, or None.
    """

    def __init__(
        self,
        origin: Origin,
        target: object = None,
        hooks: Mapping[str, Callable[[], Offer]] = MappingProxyType({}),
        notes: tuple[str, ...] = (),
        unusable: str | None = None,
    ) -> None:
        self.origin = origin
        self.target = target
        self.notes = notes
        self.unusable = unusable
        self._hooks = hooks  # by extension point
        self._offers: dict[str, Offer] = {}

    def offer(self, point: str) -> Offer:
        """What it brings for an extension point."""
        known = self._offers.get(point)
        if known is None:
            ask = self._hooks.get(point, Offer)
            known = self._offers[point] = ask()
        return known

    @property
    def classes(self) -> dict[str, tuple[type[Backend], ...]]:
        """All that it brings, by extension point."""
        offers = {point: self.offer(point) for point in self._hooks}
        return {point: offer.classes for point, offer in offers.items() if offer.broken is None}

    @property
    def broken(self) -> str | None:
        """What is wrong with it or with the first of its hooks that is, or None."""
        reasons = (self.offer(point).broken for point in self._hooks)
        return self.unusable or next(filter(None, reasons), None)


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
