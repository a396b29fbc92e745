"""Keys and values by the types of `beautyspot-data`, without a Spot."""

from __future__ import annotations

from typing import Any

from beautyspot import KeyGen, MsgpackSerializer
from beautyspot_data.supports import SUPPORTS
from handmade import BUFFER, FUNCTIONS, document, ext, tagged

TYPES = {name: support for support in (each() for each in SUPPORTS) for name in support.classes}

SERIALIZER = MsgpackSerializer().supporting(TYPES)

canonical = KeyGen().supporting(TYPES).canonical


def stored_as(name: str, *form: Any, buffer: bytes | None = None) -> bytes:
    """The document of a value whose stored form somebody made up.

    Args:
        name: its class, as a support names it.
        form: what the support's `encode` gives.
        buffer: the bytes of a `Buffer` at the end of it.
    """
    if buffer is None:
        return tagged(FUNCTIONS, name, TYPES[name].name, [*form])
    held = [*form, [ext(BUFFER), len(buffer)]]
    return document([ext(FUNCTIONS), name, TYPES[name].name, held], buffer)
