"""The values of pydantic that are no models: addresses in the web, and of mail, and zones of time.

Addresses are stored as their text, and made of it again; zones by their seconds. Secrets are not
stored.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from beautyspot.errors import RestoreError
from beautyspot.serialization.codec import Codec, Refused

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

_URLS: Final[dict[str, Any]] = {
    cls.__name__: cls
    for cls in (*vars(_NETWORKS).values(), _CORE.Url, _CORE.MultiHostUrl)
    if isinstance(cls, type) and issubclass(cls, _BASES) and cls.__name__[0] != "_"
}


def _name_and_text(value: Any) -> list[Any]:
    cls, text = type(value), str(value)
    if str(cls(text)) != text:  # it was validated by other rules than those of its class
        raise Refused("its text would lead to another one: return it as str(…)")
    return [cls.__name__, text]


def _url(name: str, text: str) -> Any:
    value = _URLS[name](text)
    if str(value) != text:
        raise RestoreError(f"another {name} than was stored")
    return value


CODECS: Final[dict[type, Codec]] = {
    **dict.fromkeys(_URLS.values(), Codec(125, _name_and_text, _url, (str, str))),
    _NETWORKS.NameEmail: Codec(
        126, lambda value: [value.name, value.email], _NETWORKS.NameEmail, (str, str)
    ),
    _CORE.TzInfo: Codec(  # the zone of "2026-01-02T03:04:05Z" in a parsed model
        127, lambda zone: [int(zone.utcoffset(None).total_seconds())], _CORE.TzInfo, (int,)
    ),
}
