"""Which plug-ins are installed, and which of them `BEAUTYSPOT_PLUGINS` lets in."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from beautyspot.backends.plugin import Origin, identity
from beautyspot.hookspecs import PROJECT
from beautyspot.logs import warn_once
from beautyspot.messages.suggestions import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from importlib.metadata import Distribution, EntryPoint

VARIABLE: Final = "BEAUTYSPOT_PLUGINS"
"""Limits the plug-ins: ``local,s3`` loads these two, ``-s3`` all others, ``none`` no one."""

NONE: Final = "none"

BUILTIN: Final = "beautyspot.builtin"
"""The module of core's own plug-in, named as an entry point names one."""


def core() -> Origin:
    """Core's own plug-in, which is one like any other."""
    from importlib import metadata

    try:
        dist = metadata.distribution("beautyspot-core")
    except metadata.PackageNotFoundError:  # a program that was frozen into one file
        dist = None
    return Origin("core", BUILTIN, lambda: import_module(BUILTIN), dist)


@lru_cache(maxsize=1)
def scan() -> tuple[Origin, ...]:
    """The plug-ins of all installed distributions, sorted; once a process, for it takes long."""
    points = sorted(_entry_points(), key=lambda point: (point.name, point.value))
    return tuple(Origin(point.name, point.value, point.load, point.dist) for point in points)


def _entry_points() -> list[EntryPoint]:
    from importlib import metadata

    try:
        return list(metadata.entry_points(group=PROJECT))
    except Exception:  # one damaged distribution, of anyone: leave out that one alone
        return [point for dist in metadata.distributions() for point in _points_of(dist)]


def _points_of(dist: Distribution) -> list[EntryPoint]:
    try:
        return list(dist.entry_points.select(group=PROJECT))
    except Exception as exc:
        name, version = identity(dist)
        warn_once(f"the entry points of {name} {version} can't be read ({exc}): install it again")
        return []


def chosen(origins: Sequence[Origin], choice: str | None) -> list[Origin]:
    """The plug-ins that a value of `BEAUTYSPOT_PLUGINS` lets in."""
    if choice is None:
        return list(origins)
    names = {origin.name for origin in origins}
    for word in unknown(choice, names):
        warn_once(not_installed(word, names) + f" Installed: {listing(names)}")
    wanted, blocked = _words(choice)
    allowed = names if blocked and not wanted else wanted - {NONE}
    return [origin for origin in origins if origin.name in allowed - blocked]


def unknown(choice: str | None, known: Collection[str]) -> list[str]:
    """The names in `BEAUTYSPOT_PLUGINS` that no plug-in has."""
    wanted, blocked = _words(choice or "")
    return sorted((wanted | blocked) - {NONE, *known})


def not_installed(word: str, known: Collection[str]) -> str:
    """The message about a name in `BEAUTYSPOT_PLUGINS` that no plug-in has."""
    return (
        f"{VARIABLE} names the plug-in {word!r}, which is not installed.{did_you_mean(word, known)}"
    )


def _words(choice: str) -> tuple[set[str], set[str]]:
    """The names to load, and those to leave out."""
    words = {word.strip() for word in choice.split(",")} - {""}
    blocked = {word for word in words if word.startswith("-")}
    return words - blocked, {word[1:].strip() for word in blocked}
