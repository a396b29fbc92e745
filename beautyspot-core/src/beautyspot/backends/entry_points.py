"""The entry points of what is installed, read from the folders of `sys.path`.

`importlib.metadata` finds the same, and alone takes longer than all the rest of a start; it is
asked for what else there is to know of a distribution, once that is shown, and for everything where
an environment has more than folders. How pip leaves a folder:
https://packaging.python.org/specifications/recording-installed-packages/ and, for the file in it,
https://packaging.python.org/specifications/entry-points/.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS: Final = (".dist-info", ".egg-info")
_FINDERS_OF_FOLDERS: Final = frozenset({"_frozen_importlib_external", "importlib_metadata"})


def library() -> Any:
    """`importlib.metadata`, or for Python 3.11 the same library with what 3.12 brought."""
    return import_module(
        "importlib.metadata" if sys.version_info >= (3, 12) else "importlib_metadata"
    )


def all_in_folders() -> bool:
    """Whether whatever is installed lies in a folder: no zip, no egg, no finder of others."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    return all(map(_is_folder, sys.path)) and all(
        getattr(finder, "__module__", "") in _FINDERS_OF_FOLDERS for finder in finders
    )


def _is_folder(path: object) -> bool:
    """What is not there holds nothing, and passes too."""
    return isinstance(path, str) and not path.endswith(".egg") and not os.path.isfile(path)  # noqa: PTH113 - texts, read in bulk


class Installed:
    """A distribution by the folder of its metadata, which are read where they are shown."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """What `pip` calls it."""
        return str(self._read().name)

    @property
    def version(self) -> str:
        """Its version."""
        return str(self._read().version)

    def locate_file(self, path: str) -> Any:
        """The path of a file in it."""
        return self._read().locate_file(path)

    def _read(self) -> Any:
        return library().Distribution.at(self._folder)

    def points(self, group: str) -> list[EntryPoint]:
        """Its entry points of a group.

        Raises:
            OSError, UnicodeDecodeError: their file can't be read.
        """
        text = self._text()
        if f"[{group}]" not in text:  # by far the most
            return []
        return [EntryPoint(name, value, self) for name, value in _pairs(text, group)]

    def _text(self) -> str:
        try:
            with open(f"{self._folder}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123 - as above
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
            return ""


class EntryPoint:
    """What `importlib.metadata.EntryPoint` is of it that we use."""

    def __init__(self, name: str, value: str, dist: Installed) -> None:
        self.name = name
        self.value = value
        self.dist = dist

    def load(self) -> object:
        """Import the module that it names, and find the attribute in it where it names one."""
        module, _, attributes = self.value.partition("[")[0].partition(":")
        target: object = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            target = getattr(target, attribute)
        return target


def installed() -> Iterator[Installed]:
    """All distributions in the folders of `sys.path`; of one name, the first that is found."""
    known: set[str] = set()
    for folder in sys.path:
        for entry in _entries(folder):
            name = _normalized(entry)
            if name not in known:
                known.add(name)
                yield Installed(os.path.join(folder, entry))  # noqa: PTH118 - as above


def _entries(folder: str) -> list[str]:
    try:
        entries = os.listdir(folder or ".")  # noqa: PTH208 - as above
    except OSError:
        return []
    return [entry for entry in entries if entry.lower().endswith(_ENDINGS)]


def _normalized(entry: str) -> str:
    """The name in ``Name-1.0.dist-info``, as all of its spellings; see PEP 503."""
    name = entry.rpartition(".")[0].partition("-")[0].lower()
    return "_".join(filter(None, name.replace(".", "_").split("_")))


def _pairs(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line of a group."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            inside = line == f"[{group}]"
        elif inside and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
