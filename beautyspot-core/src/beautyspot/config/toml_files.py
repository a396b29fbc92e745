"""Find and read the configuration file.

That is the nearest `beautyspot.toml`, or `pyproject.toml` with a table `[tool.beautyspot]`, from
the working directory up to the repository's root (a folder that holds `.git` or `.hg`). Outside of
a repository the search ends in the home directory, or at the root of the file system where the
working directory is not below it. Of two in one folder `beautyspot.toml` wins.
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN: Final = "beautyspot.toml"
SHARED: Final = "pyproject.toml"
LARGEST: Final = 4 * 2**20
"""Bytes of a configuration file; nobody writes a larger one by hand."""

_TABLE: Final = ("tool", "beautyspot")
_ROOT_MARKS: Final = (".git", ".hg")

_HEADER: Final = r"\s*\[{1,2}([^\[\]]+)\]{1,2}\s*(?:#.*)?$"
_KEY: Final = r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
_DOTS: Final = r"""[\w-]+|"[^"]*"|'[^']*'"""

Keys = tuple[str, ...]


class ConfigFile(NamedTuple):
    """A file that was read.

    Attributes:
        path: absolute.
        table: our settings in it.
        base: the keys that lead to `table`: none in a `beautyspot.toml`.
        lines: the line of each key, as far as a glance at the text finds it.
    """

    path: Path
    table: dict[str, Any]
    base: Keys
    lines: dict[Keys, int]

    def where(self, *keys: str) -> str:
        """``/path/pyproject.toml:14 [tool.beautyspot.profiles.prod]`` of a key in our table."""
        full = (*self.base, *keys)
        line = self.lines.get(full)
        place = f"{self.path}:{line}" if line else str(self.path)
        section = ".".join(full[:-1])
        return f"{place} [{section}]" if section else place

    def header(self, *keys: str) -> str:
        """``[tool.beautyspot.profiles.prod]``: how a table in our table begins."""
        return f"[{'.'.join((*self.base, *keys))}]"


def find_file(start: Path) -> ConfigFile | None:
    """The nearest configuration file, or None.

    Raises:
        ConfigError: it can't be read, or is no TOML.
    """
    for folder in _folders(start):
        for name in (OWN, SHARED):
            found = _read_if_ours(folder / name)
            if found is not None:
                return found
    return None


def read_file(path: Path) -> ConfigFile:
    """The configuration file at `path`; a file of another name is read as a `beautyspot.toml`.

    Raises:
        ConfigError: there is none, it can't be read, is no TOML, or is a `pyproject.toml` that
            lacks our table.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises in a folder closed to us
        raise ConfigError(f"there is no file {path}: correct the path")
    found = _read_if_ours(path)
    if found is None:
        raise ConfigError(f"{path} has no table [tool.beautyspot]: add it, or give another file")
    return found


def _folders(start: Path) -> Iterator[Path]:
    # os.path answers where pathlib raises: no home, or a folder closed to us.
    home = os.path.expanduser("~")  # noqa: PTH111 - as said
    for folder in (start, *start.parents):
        yield folder
        if str(folder) == home:
            return
        if any(os.path.exists(folder / mark) for mark in _ROOT_MARKS):  # noqa: PTH110 - as said
            return


def _read_if_ours(path: Path) -> ConfigFile | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        # Reading a FIFO or a device may never end.
        raise ConfigError(f"{path} is no plain file: remove it, or pass config=False")
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, mtime: int, size: int) -> ConfigFile | None:
    """Read a file, once for each of its states; None where it is none of ours."""
    del mtime, size
    text = _text(path)
    shared = path.name == SHARED
    if shared and _TABLE[-1] not in text:  # by far the most: not even parsed
        return None
    table: Any = _parsed(path, text)
    base = _TABLE if shared else ()
    for key in base:
        table = table.get(key) if isinstance(table, dict) else None
    if shared and table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.beautyspot is no table: write [tool.beautyspot]")
    return ConfigFile(path, table, base, _lines(text))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise ConfigError(
            f"{path} can't be read ({exc.strerror}): allow it, or pass config=False to read no file"
        ) from exc
    if len(content) > LARGEST:
        raise ConfigError(f"{path} is over {LARGEST} bytes: shorten it, or pass config=False")
    try:
        return content.decode("utf-8-sig")  # some editors put a byte-order mark in front
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is no UTF-8 text (byte {exc.start}): save it as UTF-8") from exc


def _parsed(path: Path, text: str) -> dict[str, Any]:
    import tomllib  # 20 ms, and only where there is a file

    try:
        return tomllib.loads(text)
    except ValueError as exc:  # also of a number with thousands of digits, which is no TOML error
        raise ConfigError(f"{path} is no valid TOML: {exc}: correct it there") from exc
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply: correct it there") from None


def _lines(text: str) -> dict[Keys, int]:
    """The line of each key and table. Best effort: the parser keeps no positions."""
    found: dict[Keys, int] = {}
    section: Keys = ()
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        if not quoted:
            if header := re.match(_HEADER, line):
                section = _keys(header[1])
                _note(found, section, number)
            elif key := re.match(_KEY, line):
                _note(found, (*section, *_keys(key[1])), number)
        if (line.count('"""') + line.count("'''")) % 2:
            quoted = not quoted
    return found


def _note(found: dict[Keys, int], keys: Keys, number: int) -> None:
    """The line of a key, and of the tables around it that have no earlier one."""
    for length in range(1, len(keys) + 1):
        found.setdefault(keys[:length], number)


def _keys(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in re.findall(_DOTS, dotted))
