"""The forms of pydantic models and URLs.

A model counts by its fields, by which of them were given, by what it has besides, and by its
private attributes, each for itself: an extra may have the name of a private attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.state import attributes, held
from beautyspot.keys.canonical.text import tag
from beautyspot.keys.canonical.walk import of_text

if TYPE_CHECKING:
    from pydantic import BaseModel

    from beautyspot.keys.canonical.walk import Form, Walk

_GIVEN: Final = "__pydantic_fields_set__"
_BESIDE: Final = ("__pydantic_extra__", "__pydantic_private__")


def _model(walk: Walk, value: BaseModel) -> str:
    members = held(walk, value, object)
    given: set[str] = members.pop(_GIVEN, set())
    beside: list[dict[str, Any]] = [members.pop(name, None) or {} for name in _BESIDE]
    parts = [
        walk.named(type(value)),
        *(attributes(walk, value, part) for part in (members, *beside)),
        walk.array(sorted(given.difference(walk.less(value)))),
    ]
    return tag("model", f"[{','.join(parts)}]")


_URL: Final = of_text("url", str)

FAMILIES: Final[dict[str, Form]] = {
    "pydantic:BaseModel": _model,
    "pydantic_core:MultiHostUrl": _URL,
    "pydantic_core:Url": _URL,
}
