"""Find and read the configuration file.

That is the nearest `beautyspot.toml`, or `pyproject.toml` with a table `[tool.beautyspot]`, from
the working directory up to the repository's root (a folder that holds `.git` or `.hg`). Outside of
a repository the search ends in the home directory, or at the root of the file system where the
working directory is not below it. Of two in one folder `beautyspot.toml` wins.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

OWN: Final = "beautyspot.toml"
SHARED: Final = "pyproject.toml"
LARGEST: Final = 4 * 2**20
"""Bytes of a configuration file; a larger one is not written by hand."""

_TABLE: Final = ("tool", "beautyspot")
_ROOT_MARKS: Final = (".git", ".hg")


class ConfigFile(NamedTuple):
    """A file that was read.

    Attributes:
        path: absolute.
        table: our settings in it.
        base: the keys that lead to `table`: none in a `beautyspot.toml`.
    """

    path: Path
    table: dict[str, Any]
    base: tuple[str, ...]

    def where(self, *tables: str) -> str:
        """``/path/pyproject.toml [tool.beautyspot.profiles.prod]`` of a table in ours."""
        header = ".".join((*self.base, *tables))
        return f"{self.path} [{header}]" if header else str(self.path)


def find_file(start: Path) -> ConfigFile | None:
    """The nearest configuration file, or None.

    Raises:
        ConfigError: it can't be read, or is no TOML.
    """
    # os.path answers where pathlib raises: no home, or a folder closed to us.
    home = os.path.expanduser("~")  # noqa: PTH111 - as said
    for folder in (start, *start.parents):
        for name in (OWN, SHARED):
            found = _read_if_ours(folder / name)
            if found is not None:
                return found
        is_root = any(os.path.exists(folder / mark) for mark in _ROOT_MARKS)  # noqa: PTH110 - as said
        if is_root or str(folder) == home:
            return None
    return None


def read_file(path: Path) -> ConfigFile:
    """The configuration file at `path`; a file of another name is read as a `beautyspot.toml`.

    Raises:
        ConfigError: there is none, it can't be read, is no TOML, or is a `pyproject.toml` that
            lacks our table.
    """
    found = _read_if_ours(path)
    if found is None:
        is_there = os.path.isfile(path)  # noqa: PTH113 - as below
        why = f"{path} has no table [tool.beautyspot]" if is_there else f"there is no file {path}"
        raise ConfigError(f"{why}: correct that, or give another by config= or BEAUTYSPOT_CONFIG")
    return found


def _read_if_ours(path: Path) -> ConfigFile | None:
    """The file at `path`; None where there is no plain file, or it is none of ours."""
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises in a folder closed to us
        return None
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise ConfigError(
            f"{path} can't be read ({exc.strerror}): allow it, or pass config=False to read no file"
        ) from exc
    if len(content) > LARGEST:
        raise ConfigError(f"{path} is over {LARGEST} bytes: shorten it, or pass config=False")
    base = _TABLE if path.name == SHARED else ()
    if base and _TABLE[-1].encode() not in content:  # by far the most are not even parsed
        return None
    import tomllib  # 20 ms, and only where there is a file

    try:
        table: Any = tomllib.loads(content.decode("utf-8-sig"))  # some editors write a mark there
    except (ValueError, RecursionError) as exc:  # also of a number with thousands of digits
        raise ConfigError(f"{path} is no valid TOML: {exc}: correct it there") from exc
    for key in base:
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.beautyspot is no table: write [tool.beautyspot]")
    return None if table is None else ConfigFile(path, table, base)
