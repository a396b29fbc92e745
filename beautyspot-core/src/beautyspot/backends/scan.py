"""The scan for installed plug-ins: what `importlib.metadata` says of our group, in less time.

To import that library, which reads mail and archives, takes longer than all else of a start. Here
the folders of `sys.path` are looked through for metadata, and a distribution is read when somebody
asks for its version. Where what is installed may be elsewhere (an archive, an egg, a finder of a
frozen program) the library is asked.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beautyspot.hookspecs import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

_CORE: Final = "beautyspot-core"


class Installed:
    """A distribution, by the folder of its metadata: as a `Distribution`, read when asked for."""

    def __init__(self, path: str) -> None:
        self._path = path

    def locate_file(self, path: str) -> Path:
        """Where one of its files is."""
        return Path(self._path).parent / path

    @property
    def name(self) -> str:
        """What `pip` calls it."""
        return self._read().name

    @property
    def version(self) -> str:
        """Its version."""
        return self._read().version

    def _read(self) -> Distribution:
        from importlib.metadata import Distribution

        return Distribution.at(self._path)


class Point:
    """An entry point of our group, as `importlib.metadata.EntryPoint`."""

    def __init__(self, name: str, value: str, dist: Installed | Distribution | None) -> None:
        self.name = name
        self.value = value
        self.dist = dist

    def load(self) -> Any:
        """The plug-in; raises what its import raises."""
        module, _, attribute = self.value.partition("[")[0].partition(":")
        target = import_module(module.strip())
        return attrgetter(attribute.strip())(target) if attribute else target


def installed() -> tuple[list[Point], Installed | Distribution | None]:
    """The entry points of plug-ins, and the distribution of core; None in a frozen file."""
    folders = [str(folder) or "." for folder in sys.path]
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in others) or any(
        folder.endswith(".egg") or os.path.isfile(folder)  # noqa: PTH113 - a start is short
        for folder in folders
    ):
        from importlib import metadata

        points = metadata.entry_points(group=PROJECT)
        core = next(iter(metadata.distributions(name=_CORE)), None)
        return [Point(point.name, point.value, point.dist) for point in points], core
    dists: dict[str, str] = {}
    for path in _metadata_in(folders):
        project = os.path.basename(path).rpartition(".")[0].partition("-")[0]  # noqa: PTH119
        # The first on the path counts, as for imports.
        dists.setdefault(project.lower().replace("_", "-").replace(".", "-"), path)
    found = [
        Point(name, value, Installed(path))
        for path in dists.values()
        for name, value in _points_in(f"{path}/entry_points.txt")
    ]
    return found, Installed(dists[_CORE]) if _CORE in dists else None


def _metadata_in(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        try:
            names = os.listdir(folder)  # noqa: PTH208 - as above
        except OSError:
            continue  # it is not there
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield f"{folder}/{name}"


def _points_in(path: str) -> Iterator[tuple[str, str]]:
    """The names and values in our section of an ``entry_points.txt``."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
            lines = file.read().splitlines()
    except (OSError, ValueError):
        return  # it has none
    ours = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            ours = line == f"[{PROJECT}]"
        elif ours and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
