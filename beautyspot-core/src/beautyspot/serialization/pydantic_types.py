"""The values of pydantic that are no models: addresses in the web, and of mail, and zones of time.

Addresses are stored as their text, and made of it again; zones by their seconds. Secrets are not
stored.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from beautyspot.serialization.codec import Codec
from beautyspot.serialization.standard_types import by_text

_NETWORKS: Final[Any] = import_module("pydantic.networks")
_CORE: Final[Any] = import_module("pydantic_core")

_BASES: Final = tuple(
    base
    for base in (
        getattr(_NETWORKS, "_BaseUrl", None),  # since pydantic 2.10
        getattr(_NETWORKS, "_BaseMultiHostUrl", None),
        _CORE.Url,
        _CORE.MultiHostUrl,
    )
    if base is not None
)

_URLS: Final = [
    cls
    for cls in (*vars(_NETWORKS).values(), _CORE.Url, _CORE.MultiHostUrl)
    if isinstance(cls, type) and issubclass(cls, _BASES) and cls.__name__[0] != "_"
]

CODECS: Final[dict[type, Codec]] = {
    **by_text(125, *_URLS),
    _NETWORKS.NameEmail: Codec(
        126, lambda value: [value.name, value.email], _NETWORKS.NameEmail, (str, str)
    ),
    _CORE.TzInfo: Codec(  # the zone of "2026-01-02T03:04:05Z" in a parsed model
        127, lambda zone: [int(zone.utcoffset(None).total_seconds())], _CORE.TzInfo, (int,)
    ),
}
