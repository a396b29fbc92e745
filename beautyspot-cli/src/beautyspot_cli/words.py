"""What the words of a command line are, where a STORE may stand beside another word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from beautyspot_cli.texts import shown_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beautyspot_cli.store_options import Place


def sorted_out(words: Sequence[str], place: Place, other: str) -> tuple[Place, str | None]:
    """The place, with a STORE among the words, and the other word, in whatever order they come.

    A STORE is what has a slash or is there as a file or a folder.

    Args:
        words: the command line's.
        place: what the options say.
        other: what the other word is, for messages.

    Raises:
        UsageError: there are two of a kind.
    """
    stores = [word for word in words if _is_store(word)]
    others = [word for word in words if word not in stores]
    if len(stores) > 1 or len(others) > 1:
        raise click.UsageError(
            f"{_shown(words)!r:.200} is more than one STORE and one {other}: a STORE has a slash "
            "in it, or is there as a file or folder"
        )
    return place.at(stores[0] if stores else None), others[0] if others else None


def keys_and_store(words: Sequence[str], place: Place) -> tuple[Place, list[str]]:
    """The place, with a STORE among the words, and the other words: keys.

    Raises:
        UsageError: there are two stores.
    """
    stores = [word for word in words if _is_store(word)]
    keys = [word for word in words if word not in stores]
    if len(stores) > 1:
        raise click.UsageError(f"{_shown(stores)!r:.200} are several stores: give one")
    return place.at(stores[0] if stores else None), keys


def _shown(words: Iterable[str]) -> str:
    return " ".join(map(shown_place, words))


def _is_store(word: str) -> bool:
    return "/" in word or "\\" in word or Path(word).exists()
