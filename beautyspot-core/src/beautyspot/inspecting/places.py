"""Find the store that is meant: a file, a folder, a URL, or what the configuration says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.backends.selection import is_url
from beautyspot.config.resolve import resolve
from beautyspot.errors import ConfigError
from beautyspot.files import absolute
from beautyspot.messages import listing, masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.config.resolve import Config

FOLDER: Final = ".beautyspot"
_ENDING: Final = ".db"
_ANY_NAME: Final = "store"
"""The name that a backend is told where none is known; a file has its own."""


class Place(NamedTuple):
    """Where a store is: what its backends are made of, and how people are told of it."""

    name: str
    config: Config
    shown: str


class Given(NamedTuple):
    """What `open_store` was given beside the place."""

    name: str | None
    settings: Mapping[str, Any]
    profile: str | None
    config: str | os.PathLike[str] | bool | None
    create: bool = False  # whether a file may be meant that is not there

    def resolved(self, more: Mapping[str, Any], start: Path | None = None) -> Config:
        """All settings; a configuration file is looked for from the folder `start` upwards."""
        from_here = self.config is not None or os.environ.get("BEAUTYSPOT_CONFIG", "").strip()
        return resolve(
            {**self.settings, **more},
            config=self.config,
            profile=self.profile,
            cwd=None if from_here else start,
        )


def find_place(where: str | os.PathLike[str] | None, given: Given) -> Place:
    """The place of a store.

    Raises:
        ConfigError: there is none, or there are several; says what was looked for.
    """
    if where is None:
        return _configured(given)
    text = _text(where)
    if is_url(text):
        return _at_url(text, given)
    return _at_path(absolute(os.path.expanduser(text), "where"), given)  # noqa: PTH111 - a text in


def _text(where: str | os.PathLike[str]) -> str:
    text = os.fspath(where)
    if isinstance(text, str) and text and "\0" not in text:
        return text
    raise ConfigError(f"{where!r:.80} names no store: give the path of its file, or a URL")


def find_places(where: str | os.PathLike[str] | None, given: Given) -> list[Place]:
    """The places of all stores that are meant: of a folder that holds several, one for each.

    Raises:
        ConfigError: there is none; says what was looked for.
    """
    if where is not None or given.name is not None:
        return [find_place(each, given) for each in stores_in(where, given.name)]
    config = given.resolved({})
    folder = configured_folder(config)
    found = [] if folder is None else databases_in(folder)
    return [_file(path, given, config) for path in found] or [_configured(given)]


def stores_in(where: str | os.PathLike[str] | None, name: str | None) -> list[Any]:
    """Each store that is meant, as `find_place` takes it: of a folder that holds several, all."""
    if where is None or name is not None or is_url(_text(where)):
        return [where]
    folder = Path(where).expanduser()
    found = databases_in(_folder_of_stores(folder, None))
    return found if len(found) > 1 else [where]


def configured_folder(config: Config) -> Path | None:
    """Where the databases of a configuration are; None where it names one store itself."""
    if config["metadata"] != "sqlite" or config["db_path"] is not None:
        return None
    return anchored(config, "directory")


def _configured(given: Given) -> Place:
    config = given.resolved({})
    if config["metadata"] != "sqlite":
        if given.name is None:
            raise ConfigError(
                f"the metadata store is {masked(config['metadata'])!r:.80} "
                f"(from: {config.source('metadata')}), whose place may depend on the Spot's name: "
                'give name="...", the name that the Spot was given'
            )
        shown = f"{masked(config['metadata'])!s:.200} of {given.name}"
        return Place(given.name, config, shown)
    folder = anchored(config, "directory")
    if config["db_path"] is not None:
        return _file(anchored(config, "db_path"), given, config)
    return _file(_database_in(folder, given), given, config)


def anchored(config: Config, setting: str) -> Path:
    """The absolute path that a setting is."""
    return absolute((config.anchor(setting) or Path()) / config[setting], setting)


def _at_url(url: str, given: Given) -> Place:
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "sqlite":
        return _at_sqlite_url(url, rest, given)
    config = given.resolved({"metadata": url})
    if given.name is None:
        return Place(_ANY_NAME, config, masked(url))
    return Place(given.name, config, f"{masked(url)} of {given.name}")


def _at_sqlite_url(url: str, rest: str, given: Given) -> Place:
    """Its blobs are beside the file, as where a path is given."""
    from urllib.parse import unquote

    path, _, options = rest.partition("?")
    if not path.startswith("/") or path == "/":
        raise ConfigError(
            f"{masked(url)!r} names no file: write sqlite:///relative/path.db (three slashes) or "
            "sqlite:////absolute/path.db (four), or give the path itself"
        )
    place = _at_path(absolute(unquote(path[1:]), "where"), given)
    if not options:
        return place
    more = {"metadata": url, "directory": place.config["directory"]}
    return place._replace(config=given.resolved(more, Path(place.config["directory"])))


def _at_path(path: Path, given: Given) -> Place:
    is_new_folder = given.create and path.suffix != _ENDING and not path.exists()
    if path.is_dir() or is_new_folder:
        path = _database_in(_folder_of_stores(path, given.name), given)
    elif given.name is not None and given.name != path.stem and path.is_file():
        raise ConfigError(f"{path} is a file, so name={given.name!r} says nothing: leave it out")
    return _file(path, given)


def _folder_of_stores(folder: Path, name: str | None) -> Path:
    """Where the stores of a folder are: below it, in `FOLDER`, or in itself.

    Raises:
        ConfigError: both have a store of that name.
    """
    inner = folder / FOLDER
    if not inner.is_dir():
        return folder
    both = (inner, folder)
    if name is None:
        return next((each for each in both if databases_in(each)), inner)
    files = [path for each in both if (path := each / f"{name}{_ENDING}").is_file()]
    if len(files) > 1:
        raise ConfigError(
            f"there are two stores {name!r}, {files[0]} and {files[1]}: give the path of one"
        )
    return files[0].parent if files else inner


def _file(path: Path, given: Given, config: Config | None = None) -> Place:
    if not path.exists() and not given.create:
        raise ConfigError(_not_there(path))
    places = {"metadata": "sqlite", "db_path": str(path)}
    if config is None:
        places["directory"] = str(path.parent)
    start = path.parent if config is None else None
    return Place(given.name or path.stem, given.resolved(places, start), str(path))


def _not_there(path: Path) -> str:
    beside = path.parent / FOLDER / f"{path.name}{_ENDING}"
    if path.suffix == "" and beside.exists():
        return f"there is no file {path}: for the store of the Spot {path.name!r} give name="
    others = databases_in(path.parent)
    there = (
        f"The databases in that folder are {listing(each.name for each in others)}. "
        if others
        else ""
    )
    return (
        f"there is no file {path}. {there}Give the path of a database file, of a folder {FOLDER}, "
        "or a URL"
    )


def _database_in(folder: Path, given: Given) -> Path:
    """The database in a folder; that of the Spot of a name, where it is given.

    Raises:
        ConfigError: there is none, or there are several.
    """
    found, name = databases_in(folder), given.name
    if name is not None:
        path = folder / f"{name}{_ENDING}"
        if path in found or given.create:
            return path
        names = listing(each.stem for each in found)
        raise ConfigError(
            f"there is no store of the Spot {name!r} ({path}). The stores in that folder are "
            f"{names}. Correct name="
        )
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(f"name={each.stem!r}" for each in found)
        raise ConfigError(f"there are {len(found)} stores in {folder}: say which by {names}")
    if given.create:
        raise ConfigError(
            f"there is no store in {folder}, and nothing says how to call it: give name=, or a "
            f"path that ends in {_ENDING}"
        )
    raise ConfigError(
        f"there is no store in {folder}: looked for files that end in {_ENDING}. Give the path of "
        f"a database file, of a folder {FOLDER} or the one that holds it, or a URL"
    )


def databases_in(folder: Path) -> list[Path]:
    """The databases in a folder, by name; none where there is no such folder.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        return sorted(path for path in folder.glob(f"*{_ENDING}") if path.is_file())
    except OSError as error:
        raise ConfigError(f"{folder} can't be read ({error.strerror}): allow it") from None
