"""What is installed: the plug-ins that a process has, and where each comes from.

To import `importlib.metadata`, which reads mail and archives, takes longer than all else of a
start. So the entry points are read from the folders of `sys.path` as it would, and a distribution
is known by the name of its folder. Where what is installed may be elsewhere (an archive, an egg, a
finder of a frozen program) the library is asked.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from pkgutil import resolve_name
from typing import Any, Final

from beautyspot.errors import PluginError
from beautyspot.hookspecs import PROJECT
from beautyspot.logs import warn_once

_CORE: Final = "beautyspot.builtin", "beautyspot-core"
"""The module that registers what core brings, and core's distribution."""

_SECTION: Final = rf"(?ms)^\[{PROJECT}\][ \t]*$(.*?)(?=^\[|\Z)"
_POINT: Final = r"(?m)^[ \t]*([^=#;\s][^=\n]*?)[ \t]*=[ \t]*([^\[\n]+?)[ \t]*(?:\[.*)?$"


class PluginInfo:
    """One plug-in, as `beautyspot.plugins()` lists it; ``print(info)`` reads well.

    Attributes:
        name: the name of its entry point in the group ``beautyspot``.
        module: the Python module that the entry point names.
        distribution, version: what `pip` calls it; None for one that was given to a Spot.
        location: the file that it was loaded from; None where it could not be.
        offers: extension point -> the names of its backends there.
        broken: why it is skipped, or a part of it, or None.
    """

    def __init__(
        self,
        name: str,
        module: str,
        distribution: str | None = None,
        version: str | None = None,
        *,
        given: object = None,
    ) -> None:
        self.name = name
        self.module = module
        self.distribution = distribution
        self.version = version
        self.given = given
        self.location: str | None = None
        self.offers: dict[str, list[str]] = {}
        self.broken: str | None = None

    @property
    def source(self) -> str:
        """Its name, and where it comes from."""
        comes_from = f"{self.distribution} {self.version}"
        return f"{self.name} ({comes_from if self.given is None else 'given as plugins='})"

    def __str__(self) -> str:
        """Several lines: the plug-in, what it offers, where it is, what is wrong."""
        lines = [f"{point}: {', '.join(names)}" for point, names in self.offers.items() if names]
        lines += [f"from {self.location}"] if self.location else []
        lines += [f"BROKEN: {self.broken}"] if self.broken else []
        return "\n  ".join([self.source, *lines])

    def load(self) -> Any:
        """The module, or the object that was given; raises what its import raises."""
        return resolve_name(self.module) if self.given is None else self.given

    def fail(self, error: BaseException) -> None:
        """Note what is wrong with it, and say that, of the first thing that is wrong."""
        if self.broken is None:
            self.broken = cause(error)
            warn_once(f"the plug-in {self.source} is skipped, or a part of it: {self.broken}")


def cause(error: BaseException) -> str:
    """Why a plug-in could not be loaded, or asked, and what to do."""
    if isinstance(error, PluginError):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"it raised {what}. Install what it needs, update it, or ask its author"


def installed() -> list[PluginInfo]:
    """Core's own plug-in, and those that the entry points name, by their names."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    is_elsewhere = any(hasattr(finder, "find_distributions") for finder in others) or any(
        path.endswith(".egg") or os.path.isfile(path)  # noqa: PTH113 - a start is short
        for path in map(str, sys.path)
    )
    found, version = _by_the_library() if is_elsewhere else _in_folders()
    return [
        PluginInfo("core", *_CORE, version),
        *sorted(found, key=lambda it: (it.name, it.module)),
    ]


def _by_the_library() -> tuple[list[PluginInfo], str | None]:
    """The plug-ins, and the version of core; None in a frozen file."""
    from importlib import metadata

    found = [
        PluginInfo(point.name, point.value, dist.name, dist.version)
        for point in metadata.entry_points(group=PROJECT)
        if (dist := point.dist) is not None
    ]
    return found, next((dist.version for dist in metadata.distributions(name=_CORE[1])), None)


def _in_folders() -> tuple[list[PluginInfo], str | None]:
    """The same, of the folders with metadata that lie in those of `sys.path`."""
    dists: dict[str, tuple[str, str]] = {}
    for folder in [str(folder) or "." for folder in sys.path]:
        with suppress(OSError):  # it is not there
            for name in os.listdir(folder):  # noqa: PTH208 - as above
                project, _, version = name.rpartition(".")[0].partition("-")
                project = re.sub("[-_.]+", "-", project).lower()
                if name.endswith((".dist-info", ".egg-info")):  # the first counts, as for imports
                    dists.setdefault(project, (version, f"{folder}/{name}/entry_points.txt"))
    found: list[PluginInfo] = []
    for project, (version, path) in dists.items():
        with suppress(OSError, ValueError), open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
            section = re.search(_SECTION, file.read())
            points = re.findall(_POINT, section[1]) if section else []
            found += [PluginInfo(name, value, project, version) for name, value in points]
    return found, dists.get(_CORE[1], (None,))[0]
