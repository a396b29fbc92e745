"""The message about a backend that no plug-in brings: what is there, and how to get the other.

It is short however much is installed: what bears the name that was asked for is told in full, and
of the rest a few names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.backends.discovery import VARIABLE, unknown
from beautyspot.backends.loading import is_name
from beautyspot.backends.plugin import identity
from beautyspot.messages.suggestions import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from beautyspot.backends.plugin import Loaded

FEW: Final = 5
"""So many names are shown of what may be many."""

_PIP: Final = {
    "s3": "beautyspot[s3]>=3",
    "local": "beautyspot-local",
    "file": "beautyspot-local",
    "sqlite": "beautyspot-local",
    "gcra": "beautyspot-local",
    "gcra-shared": "beautyspot-local",
}


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
    meant = did_you_mean(wanted, there)
    lines = [f"no installed plug-in brings the {point} {wanted!r}.{meant}"]
    lines += [f"Installed: {listing(there)}."]
    lines += _choice(loaded, left_out, choice, name)
    namesakes = [one for one in loaded if _is_called(one, name)]
    lines += [_whole(one) for one in namesakes if one.broken is None]
    lines += _broken(loaded, namesakes)
    if not namesakes and name not in left_out and (is_name(name) or not meant):
        lines += [_how_to_get(point, name)]
    return " ".join(lines)


def _is_called(plugin: Loaded, name: str) -> bool:
    """Whether a plug-in's entry point or distribution goes by this name."""
    if plugin.origin.name == name:
        return True
    distribution, _ = identity(plugin.origin.dist)
    return _plain(distribution or "") == _plain(f"beautyspot-{name}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _whole(plugin: Loaded) -> str:
    if plugin.notes:
        return f"The plug-in {plugin.origin} is installed, but {'; '.join(plugin.notes)}"
    brings = [f"{point} {cls.name}" for point, each in plugin.classes.items() for cls in each]
    return f"The plug-in {plugin.origin} is installed, and brings {_in_order(brings)}."


def _in_order(words: Collection[str]) -> str:
    """The words in their order, or ``nothing``."""
    return ", ".join(words) or "nothing"


def _broken(loaded: Sequence[Loaded], namesakes: list[Loaded]) -> Iterator[str]:
    broken = [one for one in loaded if one.broken is not None]
    told = broken if len(broken) == 1 else [one for one in namesakes if one.broken is not None]
    for one in told:
        yield f"Broken: {one.origin}: {one.broken}."
    if broken and not told:
        names = _few([one.origin.name for one in broken])
        yield f"Broken: {names} (beautyspot.plugins() says why)."


def _choice(
    loaded: Sequence[Loaded], left_out: Sequence[str], choice: str | None, name: str
) -> Iterator[str]:
    """What `BEAUTYSPOT_PLUGINS` has to do with it."""
    names = {*left_out, *(one.origin.name for one in loaded)}
    for word in unknown(choice, names):
        yield f"{VARIABLE} names {word!r}, which is not installed.{did_you_mean(word, names)}"
    if left_out:
        shown = [name] if name in left_out else left_out
        yield f"{VARIABLE}={choice!r:.80} leaves out: {_few(shown)}."


def _few(names: Collection[str]) -> str:
    first, more = sorted(names)[:FEW], len(names) - FEW
    return listing(first) + (f" and {more} more" if more > 0 else "")


def _how_to_get(point: str, name: str) -> str:
    if point == "storage" and ("/" in name or "\\" in name):
        return f'A folder is an option: storage={{"use": "local", "base_dir": {name!r}}}'
    if not is_name(name):
        return 'That is no backend\'s name: what is an option goes into a table, beside "use"'
    known = _PIP.get(name)
    if known is not None:
        return f"To get it: pip install '{known}'"
    return (
        f"To get it, look for a distribution named beautyspot-{name} "
        "(if you installed it just now, start Python again)"
    )
