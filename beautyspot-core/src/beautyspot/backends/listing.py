"""The list of the plug-ins: for each where it comes from, what it offers, what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beautyspot.backends.discovery import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.backends.discovery import Loaded


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plug-in, as `beautyspot.plugins()` lists it; ``print(info)`` reads well.

    Attributes:
        name: the name of its entry point in the group ``beautyspot``.
        distribution: what `pip` calls it; None for one that was given to a Spot.
        version: the version of the distribution.
        module: the Python module that the entry point names.
        location: the file it was loaded from, or the folder it is installed in.
        offers: extension point -> the names of its backends there.
        broken: why it was skipped, or None.
        notes: warnings, such as about a misspelt hook.
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
        offers=loaded.offers,
        broken=loaded.broken,
        notes=loaded.notes,
    )


def _location(loaded: Loaded) -> str | None:
    file = getattr(loaded.target, "__file__", None)
    if file is not None:
        return str(file)
    dist = loaded.origin.dist
    return os.path.abspath(str(dist.locate_file(""))) if dist else None  # noqa: PTH100 - no Path
