"""Find the store that is meant: a file, a folder, a URL, or what the configuration says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.backends.selection import is_url
from beautyspot.config.resolve import resolve
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.files import absolute
from beautyspot.messages import listing, masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.config.resolve import Config

FOLDER: Final = ".beautyspot"
_ENDING: Final = ".db"
ANY_NAME: Final = "store"
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


def find_place(where: object, given: Given) -> Place:
    """The place of a store.

    Raises:
        ConfigError: there is none, or there are several; says what was looked for.
    """
    found = find_places(where, given)
    if len(found) == 1:
        return found[0]
    names = " or ".join(f"name={place.name!r}" for place in found)
    folder = Path(found[0].shown).parent
    raise ConfigError(f"there are {len(found)} stores in {folder}: say which by {names}")


def find_places(where: object, given: Given) -> list[Place]:
    """The places of all stores that are meant: of a folder that holds several, one for each.

    Raises:
        ConfigError: there is none; says what was looked for.
        MetadataError: a folder can't be looked at.
    """
    try:
        return _found(where, given)
    except OSError as error:
        raise MetadataError(
            f"{error.filename} can't be looked at ({error.strerror}): have it opened to you, or "
            "give another store"
        ) from error


def _found(where: object, given: Given) -> list[Place]:
    if where is None:
        return _configured(given)
    if not isinstance(where, str | os.PathLike):
        raise ConfigError(
            "a store is opened by a path, a URL, a Spot or a metadata store, not an object of type "
            f"{type(where).__qualname__}: give one of these"
        )
    text: Any = os.fspath(where)
    if not isinstance(text, str) or not text or "\0" in text:
        raise ConfigError(f"{where!r:.80} names no store: give the path of its file, or a URL")
    if is_url(text):
        return [_at_url(text, given)]
    return _at_path(absolute(os.path.expanduser(text), "where"), given)  # noqa: PTH111 - a text in


def _configured(given: Given) -> list[Place]:
    config = given.resolved({})
    if config["metadata"] == "sqlite":
        if config["db_path"] is not None:
            return [_file(absolute(config["db_path"], "db_path"), given, config)]
        files = _databases_in(absolute(config["directory"], "directory"), given)
        return [_file(path, given, config) for path in files]
    if given.name is None:
        raise ConfigError(
            f"the metadata store is {masked(config['metadata'])!r:.80} "
            f"(from: {config.source('metadata')}), whose place may depend on the Spot's name: "
            'give name="...", the name that the Spot was given'
        )
    shown = f"{masked(config['metadata'])!s:.200} of {given.name}"
    return [Place(given.name, config, shown)]


def _at_url(url: str, given: Given) -> Place:
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "sqlite":
        return _at_sqlite_url(url, rest, given)
    shown = masked(url) if given.name is None else f"{masked(url)} of {given.name}"
    return Place(given.name or ANY_NAME, given.resolved({"metadata": url}), shown)


def _at_sqlite_url(url: str, rest: str, given: Given) -> Place:
    """Its blobs are beside the file, as where a path is given."""
    from urllib.parse import unquote

    path, _, options = rest.partition("?")
    if not path.startswith("/") or path == "/":
        raise ConfigError(
            f"{masked(url)!r} names no file: write sqlite:///relative/path.db (three slashes) or "
            "sqlite:////absolute/path.db (four), or give the path itself"
        )
    place = _file(absolute(unquote(path[1:]), "where"), given)
    if not options:
        return place
    more = {"metadata": url, "directory": place.config["directory"]}
    return place._replace(config=given.resolved(more, Path(place.config["directory"])))


def _at_path(path: Path, given: Given) -> list[Place]:
    is_new_folder = given.create and path.suffix != _ENDING and not path.exists()
    if path.is_dir() or is_new_folder:
        inner, wanted = path / FOLDER, f"{given.name or '*'}{_ENDING}"
        is_in_it = not inner.is_dir() or (any(path.glob(wanted)) and not any(inner.glob(wanted)))
        files = _databases_in(path if is_in_it else inner, given)
        return [_file(each, given) for each in files]
    return [_file(path, given)]


def _databases_in(folder: Path, given: Given) -> list[Path]:
    """The databases in a folder, by name; that of the Spot of a name alone, where it is given.

    Raises:
        ConfigError: there is none.
    """
    found = sorted(path for path in folder.glob(f"*{_ENDING}") if path.is_file())
    if given.name is not None:
        path = folder / f"{given.name}{_ENDING}"
        if path in found or given.create:
            return [path]
        names = listing(each.stem for each in found)
        raise ConfigError(
            f"there is no store of the Spot {given.name!r} ({path}). The stores in that folder are "
            f"{names}. Correct name="
        )
    if found:
        return found
    more = "; for a new store give name= of its Spot" if given.create else ""
    raise ConfigError(
        f"there is no store in {folder}: looked for files that end in {_ENDING}. A program makes "
        "it with its first result. To look at another one, give the path of a database file, of a "
        f"folder {FOLDER} or the one that holds it, or a URL{more}"
    )


def _file(path: Path, given: Given, config: Config | None = None) -> Place:
    if not path.exists() and not given.create:
        others = listing(each.name for each in path.parent.glob(f"*{_ENDING}"))
        raise ConfigError(
            f"there is no file {path}. The databases in that folder are {others}. Give the path of "
            f"a database file, of a folder {FOLDER} with name= of its Spot, or a URL"
        )
    places, start = {"metadata": "sqlite", "db_path": str(path)}, None
    if config is None:
        if path.is_file() and given.name not in (None, path.stem):
            raise ConfigError(
                f"{path} is a file, so name={given.name!r} says nothing: leave it out"
            )
        places["directory"], start = str(path.parent), path.parent
    return Place(given.name or path.stem, given.resolved(places, start), str(path))
