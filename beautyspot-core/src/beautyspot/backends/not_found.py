"""The message about a backend that no plug-in brings: what is installed, and how to get the other.

It stays short however much is installed: of many names a few are shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beautyspot.backends.discovery import VARIABLE, not_installed, unknown
from beautyspot.backends.loading import is_name
from beautyspot.messages import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from beautyspot.backends.discovery import Loaded

FEW: Final = 5
"""So many names are shown of what may be many."""

_OURS: Final = {
    "s3": "beautyspot-s3",
    "redis": "beautyspot-redis",
    "rediss": "beautyspot-redis",
    "valkey": "beautyspot-redis",
    "valkeys": "beautyspot-redis",
    "postgres": "beautyspot-postgres",
    "postgresql": "beautyspot-postgres",
    "pickle": "beautyspot-pickle",
    "sqlite": "beautyspot-local",
    "local": "beautyspot-local",
    "file": "beautyspot-local",
    "gcra": "beautyspot-local",
    "gcra-shared": "beautyspot-local",
}
"""The distributions of this project, by the name or scheme of what they bring.

No other is named here or guessed at: whoever registers such a name would get its users.
"""

_OF_THE_EXAMPLE: Final = frozenset(
    {"gs", "gcs", "az", "abfs", "abfss", "adl", "sftp", "ssh", "smb", "hdfs", "oci", "fsspec"}
)
"""Schemes, and what people take for them, that the example plug-in brings."""

_AGAIN: Final = " (if you did so just now, start Python again)"


def not_found(
    loaded: Sequence[Loaded],
    left_out: Sequence[str],
    choice: str | None,
    point: str,
    wanted: str,
    there: list[str],
) -> str:
    """The message.

    Args:
        loaded: the plug-ins there are.
        left_out: the entry points that `BEAUTYSPOT_PLUGINS` leaves out.
        choice: the value of `BEAUTYSPOT_PLUGINS`, or None.
        point: the extension point.
        wanted: the name, or the scheme with its ``://``.
        there: the names or schemes there are.
    """
    name = wanted.removesuffix("://")
    hint = "" if name in _OURS else did_you_mean(wanted, there)
    namesake = next((one for one in loaded if one.origin.name == name), None)
    lines = [f"no installed plug-in brings the {point} {wanted!r}.{hint}"]
    lines += [f"Installed: {listing(there)}."]
    lines += _choice(loaded, left_out, choice, name)
    lines += _broken(loaded, namesake)
    lines += _odd(loaded, namesake)
    if namesake is not None and namesake.broken is None:
        lines += [_whole(namesake)]
    elif namesake is None and name not in left_out and (is_name(name) or not hint):
        lines += [_how_to_get(point, name)]
    return " ".join(lines)


def _whole(plugin: Loaded) -> str:
    offers = [f"{point} {listing(names)}" for point, names in plugin.offers.items()]
    notes = "".join(f" ({note})" for note in plugin.notes)
    return f"The plug-in {plugin.origin} is installed, and brings {listing(offers)}{notes}."


def _broken(loaded: Sequence[Loaded], namesake: Loaded | None) -> Iterator[str]:
    broken = [one for one in loaded if one.broken is not None]
    for one in broken:
        if one is namesake or len(broken) == 1:
            yield f"Broken: {one.origin}: {one.broken}."
            return
    if broken:
        names = _few([one.origin.name for one in broken])
        yield f"Broken: {names} (beautyspot.plugins() says why)."


def _odd(loaded: Sequence[Loaded], namesake: Loaded | None) -> Iterator[str]:
    """What is odd about a plug-in, such as a hook without its decorator, may be the reason."""
    odd = [one for one in loaded if one.notes and one is not namesake]
    for one in odd[:FEW]:
        yield f"The plug-in {one.origin}: {' '.join(map(_sentence, one.notes))}"


def _sentence(note: str) -> str:
    return note if note.endswith((".", "?")) else f"{note}."


def _choice(
    loaded: Sequence[Loaded], left_out: Sequence[str], choice: str | None, name: str
) -> Iterator[str]:
    """What `BEAUTYSPOT_PLUGINS` has to do with it."""
    names = {*left_out, *(one.origin.name for one in loaded)}
    for word in unknown(choice, names):
        yield not_installed(word, names)
    if left_out:
        shown = [name] if name in left_out else left_out
        yield f"{VARIABLE}={choice!r:.80} leaves out: {_few(shown)}."


def _few(names: Collection[str]) -> str:
    first, more = sorted(names)[:FEW], len(names) - FEW
    return listing(first) + (f" and {more} more" if more > 0 else "")


def _is_address(name: str) -> bool:
    """Whether it is a host, or a host and a port."""
    return re.fullmatch(r"localhost|[\w.-]+:\d{2,5}(/\d+)?", name) is not None


def _how_to_get(point: str, name: str) -> str:
    if point == "storage" and ("/" in name or "\\" in name):
        return f'A folder is an option: storage={{"use": "local", "base_dir": {name!r}}}'
    if point in ("metadata", "limiter") and _is_address(name):
        return f"An address begins with its scheme: write redis://{name}"
    if not is_name(name):
        return 'That is no backend\'s name: what is an option goes into a table, beside "use"'
    if name in _OURS:
        return f"To get it, install {_OURS[name]} (docs/install.md)"
    if name in _OF_THE_EXAMPLE and point == "storage":
        return (
            "The plug-in docs/examples/beautyspot-fsspec brings it: install that from a clone of "
            f"the repository{_AGAIN}"
        )
    return (
        f"It is none of this project's: install the plug-in that brings it{_AGAIN}, or write one "
        "(docs/plugins)"
    )
