"""Covers: what an invalidation can name of a record, as short texts of lower-case ASCII."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beautyspot.contracts.records import Invalidation, TaskRecord

ALL: Final = "all"
"""The cover of every record."""

KEY: Final = "key:"
"""How the cover of a single key begins; the key follows."""


def covers_of(record: TaskRecord) -> tuple[str, ...]:
    """The covers of a record, that of its key first."""
    name = record.func_identifier or record.func_name
    shared = _shared(name, record.version or "", record.tags)
    return (KEY + record.cache_key, *shared)


def cover_of(what: Invalidation) -> str:
    """The narrowest cover of all that an invalidation matches.

    Where it names more than a cover can, the cover is a wider one: runs that are under way at that
    moment and that only the cover names are not stored, which is no harm but their cost.
    """
    if what.cache_key is not None:
        return KEY + what.cache_key
    if what.func_identifier is not None and what.version is not None:
        return _cover("version", what.func_identifier, what.version)
    if what.tag is not None:
        return _cover("tag", what.tag)
    if what.version is not None:
        return _cover("version", what.version)
    return ALL if what.func_identifier is None else _cover("func", what.func_identifier)


@lru_cache(maxsize=4096)  # those of one function are the same for nearly all of its results
def _shared(name: str, version: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    of_tags = [_cover("tag", tag) for tag in tags]
    of_versions = _cover("version", name, version), _cover("version", version)
    return (_cover("func", name), *of_versions, *of_tags, ALL)


def _cover(kind: str, *texts: str) -> str:
    """A digest, so that names of any length and alphabet make no odd names in stores."""
    from hashlib import sha256  # a Spot without functions needs none

    joined = "\0".join(text.encode("utf-8", "backslashreplace").decode() for text in texts)
    return f"{kind}:{sha256(joined.encode()).hexdigest()[:32]}"
