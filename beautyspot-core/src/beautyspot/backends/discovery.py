"""The scan for installed plug-ins: what is there, and what the environment lets in."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends import entry_points
from beautyspot.backends.plugin import Origin, identity
from beautyspot.hookspecs import PROJECT
from beautyspot.logs import logger
from beautyspot.messages.suggestions import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

VARIABLE: Final = "BEAUTYSPOT_PLUGINS"
"""Limits the plug-ins: ``local,s3`` loads these two, ``-s3`` all others, ``none`` no one."""

NONE: Final = "none"

CORE: Final = "beautyspot-core"

BUILTIN: Final = "beautyspot.builtin"
"""The module of core's own plug-in, named as an entry point names one."""

_told: set[str] = set()


@lru_cache(maxsize=1)
def scan() -> tuple[Origin, ...]:
    """The entry points of all installed distributions: takes milliseconds, so once a process."""
    return tuple(
        Origin(point.name, point.value, point.load, point.dist)
        for point in sorted(_entry_points(), key=lambda point: (point.name, point.value))
    )


def _entry_points() -> list[Any]:
    if entry_points.all_in_folders():
        found = entry_points.installed()
        return [point for dist in found for point in _points_of(dist, dist.points)]
    library = entry_points.library()
    try:
        return list(library.entry_points(group=PROJECT))
    except Exception:  # one damaged distribution, of anyone: leave out that one alone
        found = library.distributions()
        return [point for dist in found for point in _points_of(dist, _library_points(dist))]


def _library_points(dist: Any) -> Callable[[str], list[Any]]:
    return lambda group: [point for point in dist.entry_points if point.group == group]


def _points_of(dist: Any, points: Callable[[str], list[Any]]) -> list[Any]:
    try:
        return points(PROJECT)
    except Exception as exc:
        name, version = identity(dist)
        warn_once(f"the entry points of {name} {version} can't be read ({exc}): install it again")
        return []


def core() -> Origin:
    """What core itself brings, as a plug-in like any other."""
    return Origin("core", BUILTIN, lambda: importlib.import_module(BUILTIN), _CoreDistribution())


class _CoreDistribution:
    """What core is installed as; looked up only where it is shown."""

    name = CORE

    @property
    def version(self) -> str:
        return str(entry_points.library().version(CORE))

    def locate_file(self, path: str) -> Any:
        return entry_points.library().distribution(CORE).locate_file(path)


def chosen(origins: Sequence[Origin], choice: str | None) -> list[Origin]:
    """Those that the environment lets in."""
    if choice is None:
        return list(origins)
    wanted, blocked = _words(choice)
    _warn_unknown(choice, {origin.name for origin in origins})
    only_blocks = bool(blocked) and not wanted
    wanted.discard(NONE)  # no plug-in, even where somebody's entry point is called so
    return [
        origin
        for origin in origins
        if origin.name not in blocked and (only_blocks or origin.name in wanted)
    ]


def unknown(choice: str | None, known: Collection[str]) -> list[str]:
    """What a choice names and nobody has installed."""
    wanted, blocked = _words(choice or "")
    return sorted((wanted | blocked) - {NONE, *known})


def _words(choice: str) -> tuple[set[str], set[str]]:
    """What is wanted, and what is blocked."""
    words = {word.strip() for word in choice.split(",")} - {""}
    blocked = {word[1:].strip() for word in words if word.startswith("-")}
    return {word for word in words if not word.startswith("-")}, blocked


def _warn_unknown(choice: str, known: set[str]) -> None:
    for word in unknown(choice, known):
        warn_once(
            f"{VARIABLE} names the plug-in {word!r}, which is not installed."
            f"{did_you_mean(word, known)} Installed: {listing(known)}"
        )


def warn_once(text: str) -> None:
    """Log a warning, once a process."""
    if text not in _told:
        _told.add(text)
        logger.warning("%s", text)


def forget() -> None:
    """Forget the scan and the warnings, so that the next one starts anew."""
    importlib.invalidate_caches()
    _told.clear()
    scan.cache_clear()
